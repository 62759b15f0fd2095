# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes docs/reference.md from the code: commands, options, angle sets, lighting, endpoints with their fields.

python packaging/reference.py          after any of these was changed; a test says when it has to be done
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from consistency_pipeline.fal_backend.endpoints.base import MAKES
from consistency_pipeline.fal_backend.endpoints.catalogue import ENDPOINTS, catalogue_rows
from consistency_pipeline.pipeline.declaration import Option
from consistency_pipeline.pipeline.rig import ANGLE_SETS
from consistency_pipeline.pipeline.settings.arguments import make_parser
from consistency_pipeline.pipeline.settings.lighting import PRESETS, light_names
from consistency_pipeline.pipeline.settings.options import OPTIONS, LightRig
from consistency_pipeline.pipeline.wording.text_table import usd

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference.md"


def reference() -> str:
    """The whole page."""
    return "\n".join([*_head(), *_commands(), *_settings(), *_angle_sets(), *_lighting(), *_endpoints()]) + "\n"


def _head() -> Iterator[str]:
    yield "# Reference"
    yield ""
    yield "Written by `packaging/reference.py` from the code, and held to it by a test. What the program is for and how to"
    yield "begin is in the [README](../README.md)."


def _commands() -> Iterator[str]:
    (commands,) = (action for action in make_parser()._actions if isinstance(action, argparse._SubParsersAction))
    options = {
        name: {
            _words(action): (action.help or "").replace("%%", "%")
            for action in command._actions
            if action.dest != "help"
        }
        for name, command in commands.choices.items()
    }
    for about in commands._choices_actions:
        yield from ("", f"## `consistency {about.dest}`", "", _sentence(about.help), "")
        if about.dest != "run" and options[about.dest].keys() >= options["run"].keys():
            yield "Its options are those of `consistency run`."
        else:
            yield from _table(("", ""), ((f"`{words}`", text) for words, text in options[about.dest].items()))


def _words(action: argparse.Action) -> str:
    """How an option or an argument is written: `--size SIZE`, `--device auto|cpu|gpu`, `INPUT…`."""
    value = "|".join(map(str, action.choices)) if action.choices else action.metavar or action.dest.upper()
    if not action.option_strings:
        return f"{value}{'…' if action.nargs in ('*', '+') else ''}"
    return action.option_strings[0] if action.nargs == 0 else f"{action.option_strings[0]} {value}"


def _settings() -> Iterator[str]:
    yield from ("", "## Settings of a run", "")
    yield "What `run.json` keeps under `settings`, and where each is set. Older runs, which lack some of them, have their defaults."
    yield ""
    light = [replace(each, path=("light_rig", each.name)) for each in LightRig.options]
    rows = [_setting(each) for each in (*OPTIONS, *light) if each.name != "light_rig"]
    yield from _table(("in `run.json`", "command line", "window", "values", "default", ""), rows)


def _setting(option: Option) -> tuple[str, ...]:
    flag = f"{option.metavar}…" if option.is_positional else option.flag
    values = [", ".join(option.choices or ()), option.range, option.unit]
    default = "those of the set `product`" if option.name == "angles" else f"`{json.dumps(option.default)}`"
    what = f"{option.help}; where it is not set: {option.unset}" if option.unset and not option.choices else option.help
    return (
        f"`{'.'.join(option.path)}`",
        f"`{flag}`" if flag else "",
        option.label,
        " ".join(filter(None, values)),
        default,
        what,
    )


def _angle_sets() -> Iterator[str]:
    yield from ("", "## Angle sets", "")
    yield "`--angle-set NAME`; an angle is its name, azimuth and elevation in degrees, azimuth 0 being the product's front, 90 the"
    yield "side that is on the right in the picture of the front; elevation is up from the horizon."
    yield ""
    rows = (
        (f"`{name}`", ", ".join(f"{angle.name} {angle.azimuth:g}/{angle.elevation:g}" for angle in angles))
        for name, angles in ANGLE_SETS.items()
    )
    yield from _table(("set", "angles"), rows)


def _lighting() -> Iterator[str]:
    yield from ("", "## Lighting", "")
    yield "Each on a product that it is meant for, as a run renders it (`packaging/lighting_pictures.py`). Sizes and distances are in"
    yield "radii of the product, so that a ring and a sofa are lit alike. Its lights are what `--light` takes; cards are white planes"
    yield "that only reflections show. Dark and bright field are made for views from the front."
    yield ""
    rows = (
        (
            f"`{name}`",
            preset.title,
            ", ".join(f"`{light}`" for light in light_names(preset)),
            f"![{name}](lighting/{name}.png)",
        )
        for name, preset in PRESETS.items()
    )
    yield from _table(("`--lighting`", "", "lights", ""), rows)


def _endpoints() -> Iterator[str]:
    yield from ("", "## Endpoints", "")
    yield "Every field can be set with `--set ENDPOINT.field=value`. Prices are those stored with the program, for when fal's"
    yield "pricing API does not answer, with the date of their source; what you are asked to agree to comes from that API. Other ids"
    yield "of fal.ai work too."
    rows = {row["id"]: row for row in catalogue_rows()}
    for role in dict.fromkeys(endpoint.role for endpoint in ENDPOINTS):
        yield from ("", f"### {MAKES[role].capitalize()}", "")
        yield from _table(
            ("endpoint", "", "stored price", "fields, **required** or with their defaults"),
            (_endpoint(rows[endpoint.id]) for endpoint in ENDPOINTS if endpoint.role == role),
        )


def _endpoint(row: dict[str, Any]) -> tuple[str, ...]:
    price = "unknown" if row["usd"] is None else f"{usd(row['usd'])} / {row['unit']}, {row['price_date']}"
    retired = f" (retired: {row['retired']})" if row["retired"] else ""
    fields = (
        f"**{name}**" if value == "required" else name if value in (None, "") else f"{name} `{json.dumps(value)}`"
        for name, value in row["inputs"].items()
    )
    return f"`{row['id']}`", f"{row['label']}{retired}", price, ", ".join(fields)


def _table(head: tuple[str, ...], rows: Any) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in row)} |"


def _sentence(text: str | None) -> str:
    return f"{text[0].upper()}{text[1:]}." if text else ""


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
