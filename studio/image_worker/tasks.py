# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the image worker can be asked for. Each task takes plain values, writes files, and returns plain values."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypedDict

import numpy as np

from ...pipeline.backend.ports import Task
from ...pipeline.errors import ConsistencyError, unforeseen
from ...pipeline.finish import with_depth_of_field
from ...pipeline.formats import exr, marks, png
from ...pipeline.gate.scoring.pixels.arrays import resize
from ...pipeline.gate.scoring.pixels.backdrop import backdrop_choice
from ...pipeline.gate.scoring.pixels.colour import to_srgb
from ...pipeline.json_object import JsonObject
from ...pipeline.lighting import board
from ...pipeline.lighting.files import (
    Ground,
    Lights,
    Place,
    View,
    read_ground,
    read_lights,
    write_ground,
    write_lights,
)
from ...pipeline.lighting.mix import gain, ground_shadow
from ...pipeline.lighting.separate import mean_around, separated, with_glow
from ...pipeline.references import check_frame, depth_map, depth_range, reference_files
from ...pipeline.rig import Angle
from ...pipeline.settings.backdrop import TRANSPARENT, cut_out_of
from ...pipeline.settings.groups import RunSettings
from ...pipeline.settings.lighting import DAYLIGHT
from ...pipeline.settings.lights import AS_IT_IS, GLOW
from ...pipeline.settings.look import look_of
from ...pipeline.system.disk import whole_file
from ..rendering import passes
from ..rendering.render_scene import colour_scene
from . import frames as decoded
from . import inspection, look
from .delivery import deliver, deliver_view, view_box

log = logging.getLogger(__name__)
EVEN = (
    4  # pixels around each over which the light on a ground without a product is averaged: lamps are larger than that
)


class Developed(TypedDict):
    """``coverage``: share of the frame inside the mask. ``sent``: in exact mode the picture to send."""

    coverage: float
    sent: str | None


def reference(
    render: str,
    settings: JsonObject,
    angle: JsonObject,
    folder: str,
    facts: dict[str, str],
    lights: dict[str, float],
    matrix_world: list[list[float]],
    projection: list[list[float]],
    added: dict[str, list[float]] | None = None,
    ground: str | None = None,
) -> Developed:
    """The picture, mask, depth, normal, position, surface, depth map and lights of a finished ``render`` of ``angle``, in ``folder``.

    ``lights``: the light groups that the render kept, and the colour temperature of each in kelvin; ``added``: what
    the artist's own lamps sent out (lighting.files.View); ``ground``: the file of the light on the ground, None where there is
    none. Raises BadRender for a picture that is empty, cut off, black or blown out.
    """
    wanted, view = RunSettings.model_validate(settings), Angle(**angle)
    facts = {**facts, **marks.rendered(own_model=wanted.has_own_model)}
    found, shares = _relit(passes.read(Path(render), lights), wanted)
    kelvins = {name: lights.get(name, DAYLIGHT) for name in shares}
    seen = View(kelvins, wanted.studio.view_transform, matrix_world, projection, look_of(wanted), added or {})
    if ground is not None:
        height, width = found.mask.shape
        found = replace(found, shadow=ground_shadow(read_ground(Path(ground)), seen, (height, width)))
    product, shown = passes.developed(found, colour_scene(wanted)), passes.backdrop_of(wanted)
    picture = passes.over_backdrop(found, product, wanted, shown)
    check_frame(picture, found.mask, view.name, crops=view.crops)
    files = reference_files(Path(folder), view.name)
    sent = Path(folder) / f"{view.name}.sent.png"
    if wanted.is_cut_out:  # the matte puts the true backdrop back, so the generator may see one with a clear rim
        clear = _clear_backdrop(picture, found.mask, round(float(shown.mean())))
        png.write(sent, passes.over_backdrop(found, product, wanted, clear))
    png.write(files["mask"], np.round(found.mask * 65535.0).astype(np.uint16))
    _write_exr(files["depth"], {"Y": found.depth})
    for name, values in (("normal", found.normal), ("position", found.position)):
        _write_exr(files[name], {letter: values[..., i].astype(np.float32) for i, letter in enumerate("RGB")})
    png.write(files["scatter"], np.round(found.scatter * 255.0).astype(np.uint8))
    passes.save(files["surface"], to_srgb(found.surface).astype(np.float32))
    png.write(files["depth_map"], depth_map(found.depth, found.mask))
    write_lights(files["lights"], Lights(seen, shares, found.mask, found.shadow))
    if wanted.studio.backdrop == TRANSPARENT:
        png.write(cut_out_of(files["image"]), passes.cut_out(found, product, wanted), facts)
    png.write(files["image"], picture, facts)
    return Developed(coverage=float(found.mask.mean()), sent=str(sent) if wanted.is_cut_out else None)


def _relit(found: passes.Passes, settings: RunSettings) -> tuple[passes.Passes, dict[str, np.ndarray]]:
    """The passes with the product's own light as the settings want it, which no lamp can be set to; and each light's share."""
    if not found.groups:
        return found, {}
    shares = separated(found.rgb, found.noisy, with_glow(found.noisy, found.groups))
    wanted = settings.studio.lights.get(GLOW, AS_IT_IS)
    if GLOW not in shares or wanted.changes_nothing:
        return found, shares
    changed = shares[GLOW] * gain(wanted, DAYLIGHT)
    rgb = found.rgb + changed - shares[GLOW]
    return replace(found, rgb=np.maximum(rgb, 0.0)), {**shares, GLOW: changed}


def _clear_backdrop(picture: np.ndarray, mask: np.ndarray, wanted: int) -> int:
    """The grey 0..255 behind which the product's rim shows best, near the one that was asked for."""
    grey, _ = backdrop_choice(picture.astype(np.float32) / 255.0, mask, wanted / 255.0)
    return round(grey * 255.0)


def ground(lit: str, free: str, lights: list[str], place: dict[str, float], out: str) -> JsonObject:
    """The light on the ground from two renders of its screen, with the product and without it."""
    shares = []
    for render in (lit, free):
        found = passes.read_groups(Path(render), lights)
        # From below the picture's top is −Y.
        parts = separated(found.rgb, found.noisy, with_glow(found.noisy, found.groups))
        shares.append({name: np.ascontiguousarray(part[::-1]) for name, part in parts.items()})
    nothing = np.zeros_like(next(iter(shares[1].values())))
    with_product, without = shares[0], {name: mean_around(part, EVEN) for name, part in shares[1].items()}
    everything = dict.fromkeys([*with_product, *without])
    write_ground(
        Path(out),
        Ground(
            Place(**place),
            {name: with_product.get(name, nothing) for name in everything},
            {name: without.get(name, nothing) for name in everything},
        ),
    )
    return {}


def picture(render: str, settings: JsonObject, out: str, facts: dict[str, str], lights: list[str]) -> JsonObject:
    """A finished ``render``, which kept the light groups ``lights``, as the PNG ``out``: through the view transform, over the
    backdrop."""
    wanted = RunSettings.model_validate(settings)
    facts = {**facts, **marks.rendered(own_model=wanted.has_own_model)}
    found, _ = _relit(passes.read(Path(render), lights), wanted)
    product = passes.developed(found, colour_scene(wanted))
    if wanted.studio.backdrop == TRANSPARENT:
        png.write(cut_out_of(Path(out)), passes.cut_out(found, product, wanted), facts)
    png.write(Path(out), passes.over_backdrop(found, product, wanted, passes.backdrop_of(wanted)), facts)
    return {}


def plates(lights: str, ground: str | None, view: str, out: str) -> JsonObject:
    """An angle's ``lights``, and those on its ``ground``, as a board's GPU takes them (lighting.board), as .npy files in the
    folder ``out``; the view transform beside, in the folder ``view``, where it is not there yet. Returns what the GPU has to
    know besides. Raises BadRender for files of something else."""
    found, below = read_lights(Path(lights)), read_ground(Path(ground)) if ground else None
    parts, folder = board.plates(found, below), Path(out)
    arrays = {f"share.{name}": share for name, share in parts.shares.items()}
    arrays |= {"ground": parts.ground, "place": parts.place}
    if below is not None:
        floor = board.floor(below)
        arrays |= {f"lit.{name}": plane for name, plane in floor.lit.items()}
        arrays |= {f"open.{name}": plane for name, plane in floor.open.items()} | {"before": floor.before}
    name = found.view.view_transform
    if not (Path(view) / f"{name}.corrections.npy").is_file():
        settings = RunSettings(view_transform=name)
        made = board.table(passes.view_of(colour_scene(settings)))
        _save_arrays(Path(view), {f"{name}.greys": made.greys, f"{name}.corrections": made.corrections})
    _save_arrays(folder, arrays)
    return {
        "window": parts.window,
        "size": (parts.place.shape[1], parts.place.shape[0]),
        "kelvins": found.view.lights,
        "ground": [] if below is None else list(below.lit),
        "view": name,
        "look": found.view.look,
        "sent": found.view.sent,
    }


def behind(settings: JsonObject, out: str) -> JsonObject:
    """The backdrop of ``settings`` as (H, W, 3) bytes, the lowest row first, in the .npy file ``out``. Raises BadInput."""
    wanted = RunSettings.model_validate(settings)
    most = max(wanted.resolution)
    if most > board.MOST:
        wanted = wanted.model_copy(update={"size": board.MOST})
    _save_arrays(Path(out).parent, {Path(out).stem: passes.backdrop_of(wanted)[::-1]})
    return {}


def _save_arrays(folder: Path, arrays: Mapping[str, np.ndarray]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", np.ascontiguousarray(array))


def depth(render: str, out: str, lights: list[str]) -> JsonObject:
    """The depth of a finished ``render``, in metres, and its mask, as the NumPy file ``out``."""
    found = passes.read(Path(render), lights)
    np.savez(out, depth=found.depth.astype(np.float32), mask=found.mask.astype(np.float32))
    return {}


def depth_frames(frames: list[str]) -> JsonObject:
    """The pictures ``frames`` of a depth clip, each from the NumPy file beside it, all on one scale."""
    ranges = []
    for name in frames:
        with np.load(Path(name).with_suffix(".npz")) as kept:
            ranges.append(depth_range(kept["depth"], kept["mask"]))
    known = [each for each in ranges if each is not None]
    scale = (min(far for far, _ in known), max(near for _, near in known)) if known else None
    for name in frames:
        with np.load(Path(name).with_suffix(".npz")) as kept:
            grey = depth_map(kept["depth"], kept["mask"], scale)
        png.write(Path(name), np.repeat(grey[..., None], 3, axis=-1), {})
    return {}


def finish(image: str, mask: str, depth: str, out: str, facts: dict[str, str]) -> JsonObject:
    """A reference's picture with a little depth of field as the PNG ``out``; its cut-out, where there is one, likewise."""
    reference, coverage, away = Path(image), passes.load(Path(mask))[..., 0], exr.read(Path(depth))["Y"]
    cut, finished = cut_out_of(reference), cut_out_of(Path(out))
    if cut.is_file():
        whole = np.rint(passes.load(cut, alpha=True) * 255.0).astype(np.uint8)
        colour = with_depth_of_field(whole[..., :3], coverage, away)
        png.write(finished, np.concatenate([colour, whole[..., 3:]], axis=-1), facts)
    picture = np.rint(passes.load(reference) * 255.0).astype(np.uint8)
    png.write(Path(out), with_depth_of_field(picture, coverage, away), facts)
    return {}


def carry(
    render: str,
    settings: JsonObject,
    out: str,
    cut_out: str,
    facts: dict[str, str],
    lights: list[str],
    lenders: list[look.Lender],
    spin: list[list[float]],
    matrix_world: list[list[float]],
    projection: list[list[float]],
) -> look.Asked:
    """A finished ``render`` as ``picture`` makes it, with the look of ``lenders``; without any, to the last bit the same.

    ``spin``: (4, 4) by which the product has moved since its references. ``cut_out``: where a picture without the backdrop is
    kept, too; "" for none.
    """
    wanted = RunSettings.model_validate(settings)
    generated = marks.composite(marks.LOOK_WORDS)
    facts = {**facts, **(generated if lenders else marks.rendered(own_model=wanted.has_own_model))}
    found, _ = _relit(passes.read(Path(render), lights), wanted)
    product = passes.developed(found, colour_scene(wanted))
    asked = look.Asked(asked=[], seen=0.0)
    if lenders:
        product, asked = look.carried(found, product, lenders, spin, matrix_world, projection)
    if cut_out:
        png.write(Path(cut_out), passes.cut_out(found, product, wanted), facts)
    png.write(Path(out), passes.over_backdrop(found, product, wanted, passes.backdrop_of(wanted)), facts)
    return asked


def frames(clip: str, shares: list[float], outs: list[str], size: list[int]) -> JsonObject:
    """Frames of a bought clip as pictures of ``size``, width and height in pixels: those at ``shares`` of it, 0 = its first and 1 = its
    last. One of another shape is cut to it about its middle."""
    width, height = size
    facts = marks.generated(Path(clip))
    for place, picture in decoded.pick(Path(clip), shares, 2 * max(size)):
        high, wide = picture.shape[:2]
        rows, columns = min(high, round(wide * height / width)), min(wide, round(high * width / height))
        top, left = (high - rows) // 2, (wide - columns) // 2
        passes.save(Path(outs[place]), resize(picture[top : top + rows, left : left + columns], height, width), facts)
    return {}


def convert(source: str, out: str) -> JsonObject:
    """Any picture that Blender reads as a PNG: some models answer with JPEG or WebP whatever they are asked for."""
    passes.save(Path(out), passes.load(Path(source)), marks.generated(Path(source)))
    return {}


def contact_sheet(out: str, references: dict[str, str], stills: dict[str, str], report: str) -> JsonObject:
    """RUN/contact_sheet.png and its client's version from the files of the run. Raises RunFolderError where it can't be
    written."""
    from ..rendering.contact_sheet import write_contact_sheet

    sheet, shown = Path(out), json.loads(Path(report).read_text(encoding="utf-8"))
    renders, made = ({name: Path(file) for name, file in files.items()} for files in (references, stills))
    write_contact_sheet(sheet, renders, made, shown)
    client = sheet.with_name(f"{sheet.stem}_client{sheet.suffix}")
    write_contact_sheet(client, renders, made, shown, for_client=True)
    return {}


def comparison(sheet: str, reference: str, root: str, candidates: list[JsonObject]) -> JsonObject:
    """Several models' stills of one reference, side by side, as the PNG ``sheet``. Raises RunFolderError."""
    from ..rendering.comparison_sheet import write_comparison_sheet

    write_comparison_sheet(Path(sheet), Path(reference), Path(root), candidates)
    return {}


def try_import(source: str, memory: int) -> JsonObject:
    """Import a GLB as the first Blender would, with ``memory`` bytes to spare. Raises BadInput where that fails."""
    from ..files.import_guard import limit_memory
    from ..files.model_files import import_gltf
    from ..scene.collections import scratch_scene

    limit_memory(memory)
    with scratch_scene() as scene:
        return {"objects": len(import_gltf(Path(source), scene, []))}


def _write_exr(path: Path, channels: dict[str, np.ndarray]) -> None:
    with whole_file(path) as file:
        exr.write(file, channels)


def carry_out(task: Task, job: JsonObject) -> Mapping[str, object]:
    """Do a task. Raises ConsistencyError, whatever goes wrong; where that was not foreseen, the log has the traceback."""
    try:
        return TASKS[task](**job)
    except ConsistencyError:
        raise
    except Exception as error:
        log.exception("the task %s failed", task)
        raise ConsistencyError(f"{task}: {unforeseen(error)}") from error


TASKS: dict[Task, Callable[..., Mapping[str, object]]] = {
    Task.MEASURE: inspection.measure,
    Task.UNWARP: inspection.unwarp,
    Task.EXACT: inspection.exact,
    Task.FAITHFUL: inspection.faithful,
    Task.PAIR: inspection.pair,
    Task.READ: inspection.read,
    Task.MATTE: inspection.matte,
    Task.TINT: inspection.tint,
    Task.GAIN: inspection.gain,
    Task.TRACK: inspection.track,
    Task.LOOK: look.prepare,
    Task.CARRY: carry,
    Task.FRAMES: frames,
    Task.COVERAGE: look.surface_seen,
    Task.TEXTURE: look.bake,
    Task.REFERENCE: reference,
    Task.GROUND: ground,
    Task.PICTURE: picture,
    Task.PLATES: plates,
    Task.BEHIND: behind,
    Task.FINISH: finish,
    Task.DEPTH: depth,
    Task.DEPTH_FRAMES: depth_frames,
    Task.CONVERT: convert,
    Task.CONTACT_SHEET: contact_sheet,
    Task.COMPARISON: comparison,
    Task.TRY_IMPORT: try_import,
    Task.DELIVER: deliver,
    Task.VIEW_BOX: view_box,
    Task.DELIVER_VIEW: deliver_view,
}
