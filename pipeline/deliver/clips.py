# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The run's clips, as they are but for their names and the mark that says how each was made. Nothing is encoded again."""

from __future__ import annotations

from pathlib import Path

from ..errors import BadInput
from ..formats import marks, picture_marks
from ..formats.mp4 import clip_facts
from ..gate.record import CHECKED
from ..json_object import JsonObject
from ..run.run_folder import RunFolder
from ..settings.choices import BackendName, MotionName
from ..stages import Progress, Stage, Steps
from ..system.disk import copy_file
from ..verdicts import Outcome
from .folders import new_folder, settle_zip
from .names import file_names, sku_of
from .page import write_shop
from .presets import CLIPS as KEY
from .rules import Finding, Found
from .signing import Certificate, sign_told

NAME = "{sku}-{angle}"  # the angle of a clip is its motion
SEEN = {
    MotionName.TURNTABLE: "turning once",
    MotionName.LIGHT_SWEEP: "a light passing over it",
    MotionName.DETAIL_REVEAL: "the camera moving in on a detail",
}


def deliver_clips(
    folder: RunFolder,
    product: str,
    sku: str,
    out: Path,
    *,
    pattern: str | None,
    zipped: bool,
    anyway: bool,
    sign: Certificate | None = None,
) -> Steps[JsonObject]:
    """RUN/deliver/clips with every clip that the run shows. Raises BadInput where there is none, UsageError for names that can't
    be, before anything is written."""
    motions = clips_of(folder)
    variant = folder.settings.inputs.variant
    same = {"sku": sku, "preset": KEY, "variant": sku_of(variant) if variant else ""}
    takes = [folder.chosen(f"{Stage.VIDEO}/{motion}") or 1 for motion in motions]
    facts = [
        {**same, "angle": motion.value.replace("_", "-"), "take": f"{take:02d}", "number": f"{n}", "code": f"{n:02d}"}
        for n, (motion, take) in enumerate(zip(motions, takes, strict=True), 1)
    ]
    names = file_names(pattern or NAME, facts, [".mp4"] * len(motions))
    alts = [f"{product}{f' in {variant}' if variant else ''}, {SEEN[motion.moves]}" for motion in motions]
    with new_folder(out / KEY) as part:
        told = []
        for number, (motion, name) in enumerate(zip(motions, names, strict=True)):
            yield Progress(Stage.RESULTS, f"copying {name}", number / len(names), KEY)
            told.append(_clip(folder, motion, takes[number], part / name, alts[number], anyway=anyway))
            if sign is not None:
                sign_told(told[-1], part, sign)
        outcomes = [each["outcome"] for each in told]
        written = [each["file"] for each in told if each["file"]]
        shop = {
            "preset": KEY,
            "title": "Clips",
            "source": "none; as the run made them",
            "product": product,
            "variant": variant,
            "sku": sku,
            "headline": f"{len(written)} of {len(told)} clips written",
            "outcome": next((word for word in (Found.FAIL, Found.ADVICE) if word in outcomes), Found.PASS),
            "rules": [],
            "pictures": told,
            "left_out": [],
        }
        write_shop(part, shop)
    archive = settle_zip(out / KEY, written, wanted=zipped)
    return {**shop, "folder": str(out / KEY), "zip": str(archive) if archive else None}


def clips_of(folder: RunFolder) -> list[MotionName]:
    """The motions of the clips that the run shows. Raises BadInput where there is none, or one is no whole MP4."""
    motions = [motion for motion in MotionName if folder.clip(motion).is_file()]
    if not motions:
        raise BadInput(f"{folder.root.name} has no clip; run it with a --motion, or leave {KEY} out")
    for motion in motions:
        clip_facts(folder.clip(motion).read_bytes(), folder.clip(motion).name)
    return motions


def _clip(folder: RunFolder, motion: MotionName, take: int, out: Path, alt: str, *, anyway: bool) -> JsonObject:
    source, made = made_by(folder, motion)
    clip = folder.clip(motion)
    copy_file(clip, out)
    signed = not picture_marks.mark_clip(out, marks.packet(source, alt))
    data = out.read_bytes()
    seen, said = clip_facts(data, clip.name), picture_marks.xmp_in(data)
    value = source.rpartition("/")[2]
    rules = [
        _verdict(folder, motion, take),
        Finding("length", "as the run made it", f"{seen.seconds:.2f} s, {seen.width} × {seen.height}", Found.PASS),
    ]
    if signed:
        rules.append(Finding("mark", "its maker's own", "signed by its maker (C2PA), and left as it came", Found.PASS))
    else:
        rules.append(Finding.of("mark", value, value if source in said else "none", source in said, "deliver it again"))
    outcomes = [rule.outcome for rule in rules]
    outcome = next((word for word in (Found.FAIL, Found.ADVICE) if word in outcomes), Found.PASS)
    written = outcome != Found.FAIL or anyway
    if not written:
        out.unlink()
    return {
        "file": out.name if written else None,
        "angle": motion.value,
        "take": take,
        "made": made,
        "digital_source_type": source,
        "signed_by_its_maker": signed,
        "alt": alt,
        "width": seen.width,
        "height": seen.height,
        "seconds": round(seen.seconds, 3),
        "bytes": len(data),
        "outcome": outcome,
        "rules": [rule.to_json() for rule in rules],
    }


def made_by(folder: RunFolder, motion: MotionName) -> tuple[str, str]:
    """How the clip of ``motion`` was made: IPTC's value, and that in words."""
    if folder.settings.service.backend == BackendName.LOCAL:
        return marks.of_render(own_model=folder.settings.has_own_model)
    if motion.is_exact:
        return marks.COMPOSITE, "a render with the look of generated stills"
    if motion == MotionName.ANCHORED_TURNTABLE:
        return marks.COMPOSITE, "generated pieces, and renders with the look of generated stills"
    return marks.TRAINED, "a generated clip"


def _verdict(folder: RunFolder, motion: MotionName, take: int) -> Finding:
    """Whether it shows the product throughout, as far as it was followed."""
    wanted = "shows the product throughout"
    track = folder.track(f"{Stage.VIDEO}/{motion}/take-{take:02d}")
    if folder.settings.service.backend == BackendName.LOCAL:
        return Finding("on model", wanted, "rendered from the model, exact by construction", Found.PASS)
    if track is None:
        return Finding("on model", wanted, "not measured", Found.ADVICE, "look at it before it goes out")
    outcome = Outcome(track.outcome)
    found = {Outcome.PASS: Found.PASS, Outcome.UNSURE: Found.ADVICE, Outcome.FAIL: Found.FAIL}[outcome]
    cure = "" if found == Found.PASS else "look at it, or make the clip again"
    return Finding("on model", wanted, f"{CHECKED[outcome]}: {track.reason}", found, cure)
