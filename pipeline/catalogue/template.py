# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A template: what all products of a catalogue have in common, as a file. A row of the table goes before it.

{"consistency_template": 1, "options": {"lighting": "studio", "size": 2048, …}, "deliver": "amazon,web"}: the names are those of
run.json, and what is left out is as the program has it. ``deliver``: the shops that the pictures are made ready for. A file named
in it is looked for beside the template.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..sentences import unreadable
from ..settings.backdrop import is_file
from ..settings.options import OPTIONS
from ..system.disk import write_json

if TYPE_CHECKING:
    from ..settings.groups import RunSettings

FORMAT = 1
MARK = "consistency_template"
OF_A_ROW = ("inputs", "text", "name", "leave_out", "variant")  # what only one product can have
LONGEST = 1 << 20  # bytes


def template_of(settings: RunSettings) -> dict[str, Any]:
    """What of ``settings`` goes into a template: all that is not as in any run, and not one product's own."""
    from ..settings.groups import RunSettings

    plain, flat = RunSettings().model_dump(mode="json"), settings.model_dump(mode="json")
    changed = {name: value for name, value in flat.items() if name not in OF_A_ROW and value != plain[name]}
    return {**changed, "backend": flat["backend"]}


def save_template(path: Path, options: dict[str, Any], deliver: str = "") -> None:
    """Write ``template_of``'s answer. Raises RunFolderError."""
    write_json(path, {MARK: FORMAT, "options": options, **({"deliver": deliver} if deliver else {})})


def read_template(path: Path) -> tuple[dict[str, Any], str]:
    """The options of a template, its files absolute, and what to deliver for. Raises UsageError, one sentence, for what is none."""
    from pydantic import ValidationError

    from ..settings.groups import RunSettings, first_fault

    try:
        if path.stat().st_size > LONGEST:
            raise ValueError("too long")
        found = json.loads(path.read_text(encoding="utf-8-sig"))
        version, options, deliver = found.pop(MARK), dict(found.pop("options")), str(found.pop("deliver", ""))
    except OSError as error:
        raise unreadable(path, error) from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        cure = "make one with 'consistency template', or choose another"
        raise UsageError(f"{path.name} is not a template; {cure}") from error
    if version != FORMAT:
        raise UsageError(
            f"{path.name} is a template of format {version}, and this version reads {FORMAT}; update the extension"
        )
    strange = sorted({*options} & {*OF_A_ROW} | {*found})
    if strange:
        raise UsageError(f"{path.name} sets {strange[0]!r}, which each product has of its own; remove it there")
    _absolute(options, path.parent.absolute())
    try:
        RunSettings.model_validate(options)
    except ValidationError as error:
        option, where, words = first_fault(error)
        raise UsageError(f"{path.name}: {option.name if option else '.'.join(where)}: {words}") from None
    return options, with_absolute(deliver, path.parent.absolute())


def with_absolute(shops: str, place: Path) -> str:
    """Presets with commas between, those that are files of one's own where they lie, whatever folder they are read from."""
    names = [name.strip() for name in shops.split(",")]
    own = [str(place / Path(name).expanduser()) if name.lower().endswith(".json") else name for name in names if name]
    return ",".join(own)


def _absolute(options: dict[str, Any], place: Path) -> None:
    for option in OPTIONS:
        if option.unit != "file":
            continue
        within: Any = options
        for name in option.path[:-1]:
            within = within.get(name) if isinstance(within, dict) else None
        value = within.get(option.path[-1]) if isinstance(within, dict) else None
        if isinstance(value, str):
            within[option.path[-1]] = str(place / value)
        elif isinstance(value, dict):
            within[option.path[-1]] = {key: str(place / str(file)) for key, file in value.items()}
    backdrop = options.get("backdrop")
    if isinstance(backdrop, str) and is_file(backdrop) and Path(backdrop).suffix:
        options["backdrop"] = str(place / backdrop)
