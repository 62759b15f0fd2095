# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run's stills as sets for shops, each in RUN/deliver/PRESET. All is checked and named before anything is written."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ..backend.ports import Task
from ..errors import UsageError
from ..json_object import JsonObject
from ..run.run_folder import RunFolder
from ..sentences import not_written
from ..stages import Progress, Stage, Steps
from ..wording.names import in_words
from .ar import Export, deliver_ar
from .clips import clips_of, deliver_clips
from .folders import ORIGINALS, new_folder, settle_zip
from .larger import FILTER, NONE, Larger, with_larger
from .names import check_sku, file_names, sku_of
from .page import write_page, write_shop
from .presets import AR, CLIPS, Preset, Rules
from .rules import Finding, Found
from .signing import Certificate, sign_told
from .sources import Source, sources
from .spin import deliver_spin

EVERY = "every angle"
Do = Callable[..., Steps[JsonObject]]  # ImageWorker.do
Enlarge = Callable[[list[tuple[Source, list[Rules]]]], Steps[dict[str, Larger]]]
TurnOfSize = Callable[[int, int, Path], Steps[list[Path]]]  # (pixels of a side, views, folder) → cut-outs of one turn


@dataclass(frozen=True)
class Wishes:
    """What to deliver. ``angles``: None for all that have a still; ``main``: None for the first of them. ``sku``, ``name``, ``out``:
    None for the catalogue's article number or the product's name, the preset's pattern, RUN/deliver. ``larger``: "none", "filter", "render", or an endpoint's id."""

    presets: tuple[Preset, ...]
    ar: bool = False
    clips: bool = False
    angles: tuple[str, ...] | None = None
    main: str | None = None
    sku: str | None = None
    name: str | None = None
    out: Path | None = None
    larger: str = "none"
    views: int | None = None  # of a turn; None: the preset's
    views_size: int | None = None  # pixels; None: what the preset advises
    anyway: bool = False
    zip: bool = False
    sign: Certificate | None = None


@dataclass(frozen=True)
class _Set:
    preset: Preset
    pictures: tuple[tuple[Source, str], ...]  # with the name of each file
    left_out: tuple[str, ...]
    rules: tuple[Finding, ...]


def deliver(
    folder: RunFolder,
    wishes: Wishes,
    do: Do,
    turn: TurnOfSize | None = None,
    export: Export | None = None,
    enlarge: Enlarge | None = None,
) -> Steps[JsonObject]:
    """Make every set. Returns what was made, by preset, as ``--json`` tells it. ``turn`` renders views all the way round, and
    ``export`` writes the product as files for viewers; ``enlarge`` finds or makes larger pictures of stills.

    Raises UsageError and BadInput before anything is written, RunFolderError where nothing can be.
    """
    called = folder.settings.inputs.name or folder.settings.product_name or "product"
    product, variant = " ".join(called.split()), folder.settings.inputs.variant  # a name may be of several lines
    sku = check_sku(wishes.sku) if wishes.sku is not None else _sku(folder.sku, product, variant)
    spins = [preset for preset in wishes.presets if preset.views is not None]
    if wishes.views is not None:
        spins = [preset.model_copy(update={"views": wishes.views}) for preset in spins]
    stills = [preset for preset in wishes.presets if preset.views is None]
    if spins and turn is None:
        raise UsageError(f"{spins[0].title} is rendered by the command 'consistency deliver' alone; leave it out here")
    if wishes.clips:
        clips_of(folder)
    found = _main_first(sources(folder, wishes.angles), wishes.main) if stills else []
    without = [angle.name for angle in folder.settings.studio.angles if not folder.still(angle.name).is_file()]
    missing = _missing(without) if wishes.angles is None else ()
    planned = [_planned(preset, found, sku, variant, wishes, missing) for preset in stills]
    if planned and wishes.larger not in (NONE, FILTER):
        if enlarge is None:
            raise UsageError(f"--larger {wishes.larger} is the command's alone; choose the filter here")
        larger = yield from enlarge([(source, _rules_of(source, planned)) for source in found])
        planned = [
            replace(each, pictures=tuple((with_larger(source, larger), name) for source, name in each.pictures))
            for each in planned
        ]
    out = folder.root / "deliver" if wishes.out is None else wishes.out
    made: JsonObject = {}
    for each in planned:
        made[each.preset.key] = yield from _deliver(each, product, sku, variant, wishes, out, do)
    for preset in spins:
        assert turn is not None
        size = wishes.views_size or preset.advised
        made[preset.key] = yield from deliver_spin(
            folder,
            preset,
            product,
            sku,
            out,
            do,
            partial(turn, size),
            pattern=wishes.name,
            zipped=wishes.zip,
            anyway=wishes.anyway,
        )
    if wishes.clips:
        clips = deliver_clips(
            folder, product, sku, out, pattern=wishes.name, zipped=wishes.zip, anyway=wishes.anyway, sign=wishes.sign
        )
        made[CLIPS] = yield from clips
    if wishes.ar:
        if export is None:
            raise UsageError("AR files are written by the command 'consistency deliver' alone; leave ar out here")
        made[AR] = yield from deliver_ar(product, sku, out, export, zipped=wishes.zip)
    page = write_page(out)
    return {"folder": str(out), "page": str(page), "sku": sku, "sets": made}


def _sku(of_table: str, product: str, variant: str) -> str:
    """The article number where nobody says one: the table's, as far as a file can be called so, or one made of the product's name."""
    try:
        return check_sku(of_table) if of_table else sku_of(f"{product} {variant}")
    except UsageError:
        return sku_of(of_table)


def _main_first(found: list[Source], main: str | None) -> list[Source]:
    names = [source.angle.name for source in found]
    if main is None:  # a close-up is nobody's main picture where there is another
        whole = [source for source in found if not source.angle.crops]
        main = (whole or found)[0].angle.name
    if main not in names:
        raise UsageError(f"the main picture {main!r} is not among {', '.join(names)}")
    return sorted(found, key=lambda source: source.angle.name != main)


def _missing(angles: Sequence[str]) -> tuple[Finding, ...]:
    """What is said of a run whose stills are not all there."""
    if not angles:
        return ()
    said = f"no still of {in_words(list(angles), 'and')}"
    cure = "resume the run, or name the angles that are wanted"
    return (Finding(EVERY, "all that the run was asked for", said, Found.ADVICE, cure),)


def _planned(
    preset: Preset, found: Sequence[Source], sku: str, variant: str, wishes: Wishes, missing: Sequence[Finding] = ()
) -> _Set:
    taken, left = found[: preset.most_pictures], found[preset.most_pictures :]
    facts = [
        {
            "sku": sku,
            "angle": source.angle.name,
            "variant": sku_of(variant) if variant else "",
            "preset": preset.key,
            "take": f"{source.take:02d}",
            "number": f"{number + 1}",
            "code": preset.codes[number] if preset.codes else f"{number + 1:02d}",
        }
        for number, source in enumerate(taken)
    ]
    suffixes = [preset.rules(number).suffix for number in range(len(taken))]
    names = file_names(wishes.name or preset.name, facts, suffixes)
    most = f"{preset.least_pictures} to {preset.most_pictures}"
    rules = [
        *missing,
        Finding.of(
            "pictures",
            most,
            str(len(taken)),
            len(taken) >= preset.least_pictures,
            "run more angles, with --angles",
            Found.ADVICE,
        ),
    ]
    if preset.sku:
        ok = re.fullmatch(preset.sku, sku) is not None
        rules.append(Finding.of("article number", preset.sku_words or preset.sku, sku, ok, "say it with --sku"))
    return _Set(
        preset, tuple(zip(taken, names, strict=True)), tuple(source.angle.name for source in left), tuple(rules)
    )


def _rules_of(source: Source, planned: Sequence[_Set]) -> list[Rules]:
    """Of every picture that is made of this still."""
    return [
        each.preset.rules(number)
        for each in planned
        for number, (taken, _) in enumerate(each.pictures)
        if taken.angle.name == source.angle.name
    ]


def _deliver(
    planned: _Set, product: str, sku: str, variant: str, wishes: Wishes, out: Path, do: Do
) -> Steps[JsonObject]:
    preset = planned.preset
    target = out / preset.key
    refused = any(rule.outcome == Found.FAIL for rule in planned.rules) and not wishes.anyway
    with new_folder(target) as part:
        pictures = []
        for number, (source, name) in enumerate(planned.pictures):
            told = yield from _picture(planned, number, product, variant, part, wishes, do, refused=refused)
            pictures.append(told)
            if source.signed and told["file"]:
                told["original"] = _keep_original(source, part)
            if wishes.sign is not None:
                sign_told(told, part, wishes.sign, preset.rules(number).most_bytes)
            yield Progress(
                Stage.RESULTS, f"{name}: {told['outcome']}", (number + 1) / len(planned.pictures), preset.key
            )
        written = [each["file"] for each in pictures if each["file"]]
        shop = {
            "preset": preset.key,
            "title": preset.title,
            "source": preset.said_source,
            "product": product,
            "variant": variant,
            "sku": sku,
            "headline": _headline(pictures, planned),
            "outcome": worst([*(each["outcome"] for each in pictures), *(rule.outcome for rule in planned.rules)]),
            "rules": [rule.to_json() for rule in planned.rules],
            "pictures": pictures,
            "left_out": list(planned.left_out),
        }
        write_shop(part, shop)
    archive = settle_zip(target, written, wanted=wishes.zip)
    return {**shop, "folder": str(target), "zip": str(archive) if archive else None}


def _picture(
    planned: _Set,
    number: int,
    product: str,
    variant: str,
    part: Path,
    wishes: Wishes,
    do: Do,
    *,
    refused: bool,
) -> Steps[JsonObject]:
    preset, (source, name) = planned.preset, planned.pictures[number]
    rules = preset.rules(number)
    told = yield from do(
        Task.DELIVER,
        Progress(Stage.RESULTS, f"making {name}", number / len(planned.pictures), preset.key),
        still=str(source.still),
        mask=str(source.mask),
        rules=rules.model_dump(mode="json"),
        exact=source.exact,
        angle=source.angle.name,
        azimuth=source.angle.azimuth,
        elevation=source.angle.elevation,
        fill=source.angle.fill,
        mark=source.mark,
        product=product,
        variant=variant,
        enlarge=wishes.larger == "filter",
        before=[each.to_json() for each in (source.verdict, source.colours, *source.larger) if each is not None],
        out=str(part / name),
        anyway=wishes.anyway,
        refused=refused,
    )
    return {
        "file": name if told["written"] else None,
        "angle": source.angle.name,
        "main": number == 0,
        "take": source.take,
        "made_by": source.made_by,
        "made": source.made,
        "digital_source_type": source.mark,
        "signed_by_its_maker": source.signed,
        **{key: told[key] for key in ("alt", "width", "height", "bytes", "quality", "scale", "outcome", "rules")},
    }


def _keep_original(source: Source, part: Path) -> str:
    """A signed still as it came, whose seal nothing remade can carry."""
    kept = part / ORIGINALS / source.still.name
    try:
        kept.parent.mkdir(exist_ok=True)
        shutil.copyfile(source.still, kept)
    except OSError as error:
        raise not_written(kept, error) from error
    return f"{ORIGINALS}/{kept.name}"


def worst(outcomes: Sequence[str]) -> str:
    return next((each for each in (Found.FAIL, Found.ADVICE) if each in outcomes), Found.PASS)


def _headline(pictures: list[JsonObject], planned: _Set) -> str:
    written = sum(each["file"] is not None for each in pictures)
    failed = [each["angle"] for each in pictures if each["outcome"] == Found.FAIL]
    text = f"{written} of {len(pictures)} pictures written"
    if failed:
        text += f"; {', '.join(failed)} {'breaks' if len(failed) == 1 else 'break'} a rule"
    few = [
        f"; {rule.found}" if rule.rule == EVERY else f"; {rule.rule}: {rule.found}, the shop wants {rule.wanted}"
        for rule in planned.rules
        if rule.outcome == Found.ADVICE
    ]
    text += "".join(few)
    if planned.left_out:
        text += f"; {len(planned.left_out)} more than the shop takes"
    return text


def summary(made: JsonObject) -> JsonObject:
    """What the command says of ``deliver``'s answer: exit 1 where a picture was not written because it breaks a rule."""
    sets = made["sets"]
    lines = [f"{shop['folder']}: {shop['headline']}" for shop in sets.values()]
    missing = [
        f"{shop['preset']} {picture['angle']} ({_why(picture, shop)})"
        for shop in sets.values()
        for picture in shop["pictures"]
        if picture["file"] is None
    ]
    told: JsonObject = {"status": "done", **made, "text": "\n".join([*lines, f"all in one page: {made['page']}"])}
    if missing:
        told |= {
            "status": "failed",
            "exit": 1,
            "error": f"not written, because a rule is broken: {'; '.join(missing)}; mend it, or write it with --anyway",
        }
    return told


def _why(picture: JsonObject, shop: JsonObject) -> str:
    broken = [rule for rule in [*shop["rules"], *picture["rules"]] if rule["outcome"] == Found.FAIL]
    return "; ".join(f"{rule['rule']}: {rule['found']}, wanted: {rule['wanted']}" for rule in broken)
