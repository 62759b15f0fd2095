# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One turn of the product as a set of views: for a shop's own viewer, or with a page that turns it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..backend.ports import Task
from ..errors import BadRender
from ..formats import marks
from ..json_object import JsonObject
from ..run.run_folder import RunFolder
from ..stages import Progress, Stage, Steps
from ..system.disk import whole_file
from .folders import new_folder, settle_zip
from .names import file_names, sku_of
from .page import write_shop
from .presets import Preset
from .rules import Finding, Found
from .spin_page import spin_page

Do = Callable[..., Steps[JsonObject]]
Turn = Callable[[int, Path], Steps[list[Path]]]  # (views, folder) → cut-out pictures of one turn, in their order
PAGE = "spin.html"
ONCE = ("fill",)  # rules that one view of a turn has to meet, not each


def deliver_spin(
    folder: RunFolder,
    preset: Preset,
    product: str,
    sku: str,
    out: Path,
    do: Do,
    turn: Turn,
    *,
    pattern: str | None,
    zipped: bool,
    anyway: bool,
) -> Steps[JsonObject]:
    """Render, place and measure every view. Raises UsageError for names that can't be, before anything is rendered, and
    BadRender where a view breaks a rule, unless it shall be written ``anyway``: a turn with a gap is none."""
    views = preset.views or 0
    numbers = [f"{number + 1:02d}" for number in range(views)]
    variant = folder.settings.inputs.variant
    same = {"sku": sku, "preset": preset.key, "variant": sku_of(variant) if variant else ""}
    facts = [{**same, "number": number, "angle": f"turn-{number}"} for number in numbers]
    names = file_names(pattern or preset.name, facts, [preset.suffix] * views)
    mark, made = marks.of_render(own_model=folder.settings.has_own_model)
    with new_folder(out / preset.key) as part:
        frames = part / ".frames"
        pictures = yield from turn(views, frames)
        box = yield from _box(pictures, do)
        told = []
        for number, (picture, name) in enumerate(zip(pictures, names, strict=True)):
            degrees = round(number * 360 / views, 1)
            measured = yield from do(
                Task.DELIVER_VIEW,
                Progress(Stage.RESULTS, f"making {name}", number / views, preset.key),
                picture=str(picture),
                rules=preset.rules(0).model_dump(mode="json"),
                box=box,
                mark=mark,
                words=f"{product}{f' in {variant}' if variant else ''}, turned by {degrees:g} degrees",
                out=str(part / name),
            )
            told.append({"file": name, "angle": f"{degrees:g}°", "made": made, "digital_source_type": mark, **measured})
            picture.unlink()
        frames.rmdir()
        _settle(told)
        rules = [
            Finding(
                "views",
                str(views),
                f"{len(told)}, {360 / views:g}° apart, counter-clockwise seen from above",
                Found.PASS,
            )
        ]
        best = _best_fill(told)
        if best is not None:
            rules.append(best)
        broken = [f"{each['file']} ({_why(each)})" for each in told if each["outcome"] == Found.FAIL]
        broken += [f"{rule.rule}: {rule.found}" for rule in rules if rule.outcome == Found.FAIL]
        if broken and not anyway:
            raise BadRender(f"{preset.title}: rules are broken: {'; '.join(broken[:3])}; write it with --anyway")
        with whole_file(part / PAGE) as file:
            file.write(spin_page(product, names).encode())
        outcome = Found.FAIL if broken else Found.PASS
        heavy = max(each["bytes"] for each in told)
        shop = {
            "preset": preset.key,
            "title": preset.title,
            "source": preset.said_source,
            "product": product,
            "sku": sku,
            "headline": f"{len(told)} views, at most {heavy / 1e3:.0f} kB each",
            "outcome": outcome,
            "rules": [rule.to_json() for rule in rules],
            "pictures": told,
            "left_out": [],
            "page": PAGE,
        }
        write_shop(part, shop)
    archive = settle_zip(out / preset.key, names, wanted=zipped)
    return {**shop, "folder": str(out / preset.key), "zip": str(archive) if archive else None}


def _box(pictures: list[Path], do: Do) -> Steps[list[int]]:
    """The box that all views need together, in pixels, even to both sides of the picture's middle: a turn keeps its axis there."""
    boxes, shape = [], [0, 0]
    for picture in pictures:
        found = yield from do(Task.VIEW_BOX, Progress(Stage.RESULTS, "measuring the turn"), picture=str(picture))
        shape = found["shape"]
        if found["box"] is None:
            raise BadRender("a view of the turn shows nothing; look at the run's scene, then try again")
        boxes.append(found["box"])
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, bottom = max(box[2] for box in boxes), max(box[3] for box in boxes)
    half = max(shape[1] / 2 - left, right - shape[1] / 2)
    return [round(shape[1] / 2 - half), top, round(shape[1] / 2 + half), bottom]


def _settle(told: list[JsonObject]) -> None:
    """A single view of a turn stands where the turn has it; what holds for the whole turn is said of it once."""
    for each in told:
        each["rules"] = [
            rule for rule in each["rules"] if rule["rule"] not in ("centred", "fill", "advised pixels")
        ] + [{**rule, "outcome": Found.PASS, "cure": ""} for rule in each["rules"] if rule["rule"] in ONCE]
        outcomes = [rule["outcome"] for rule in each["rules"]]
        each["outcome"] = next((word for word in (Found.FAIL, Found.ADVICE) if word in outcomes), Found.PASS)


def _why(told: JsonObject) -> str:
    return "; ".join(f"{rule['rule']}: {rule['found']}" for rule in told["rules"] if rule["outcome"] == Found.FAIL)


def _best_fill(told: list[JsonObject]) -> Finding | None:
    fills = [rule for each in told for rule in each["rules"] if rule["rule"] == "fill"]
    if not fills:
        return None
    best = max(fills, key=lambda rule: float(rule["found"].rstrip("%")))
    least = float(best["wanted"].partition("%")[0])
    ok = float(best["found"].rstrip("%")) >= least
    return Finding.of("fill", f"{best['wanted']}, in one view at least", best["found"], ok, "deliver it again")
