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
from ...pipeline.formats import exr, png
from ...pipeline.gate.scoring.pixels.backdrop import backdrop_choice
from ...pipeline.gate.scoring.pixels.colour import to_srgb
from ...pipeline.json_object import JsonObject
from ...pipeline.lighting.files import Ground, Lights, Place, View, write_ground, write_lights
from ...pipeline.lighting.mix import gain
from ...pipeline.lighting.separate import mean_around, separated, with_glow
from ...pipeline.references import check_frame, depth_map, reference_files
from ...pipeline.rig import Angle
from ...pipeline.settings.backdrop import TRANSPARENT, cut_out_of
from ...pipeline.settings.groups import RunSettings
from ...pipeline.settings.lighting import DAYLIGHT
from ...pipeline.settings.lights import AS_IT_IS, GLOW
from ...pipeline.system.disk import whole_file
from ..rendering import passes
from ..rendering.render_scene import colour_scene
from . import inspection, look

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
) -> Developed:
    """The picture, mask, depth, normal, position, surface, depth map and lights of a finished ``render`` of ``angle``, in ``folder``.

    ``lights``: the light groups that the render kept, and the colour temperature of each in kelvin. Raises BadRender for a
    picture that is empty, cut off, black or blown out.
    """
    wanted, view = RunSettings.model_validate(settings), Angle(**angle)
    found, shares = _relit(passes.read(Path(render), lights), wanted)
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
    kelvins = {name: lights.get(name, DAYLIGHT) for name in shares}
    seen = View(kelvins, wanted.studio.view_transform, matrix_world, projection)
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
    found, _ = _relit(passes.read(Path(render), lights), wanted)
    product = passes.developed(found, colour_scene(wanted))
    if wanted.studio.backdrop == TRANSPARENT:
        png.write(cut_out_of(Path(out)), passes.cut_out(found, product, wanted), facts)
    png.write(Path(out), passes.over_backdrop(found, product, wanted, passes.backdrop_of(wanted)), facts)
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
    found, _ = _relit(passes.read(Path(render), lights), wanted)
    product = passes.developed(found, colour_scene(wanted))
    asked = look.Asked(asked=[], seen=0.0)
    if lenders:
        product, asked = look.carried(found, product, lenders, spin, matrix_world, projection)
    if cut_out:
        png.write(Path(cut_out), passes.cut_out(found, product, wanted), facts)
    png.write(Path(out), passes.over_backdrop(found, product, wanted, passes.backdrop_of(wanted)), facts)
    return asked


def convert(source: str, out: str) -> JsonObject:
    """Any picture that Blender reads as a PNG: some models answer with JPEG or WebP whatever they are asked for."""
    passes.save(Path(out), passes.load(Path(source)))
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
    Task.TINT: inspection.tint,
    Task.GAIN: inspection.gain,
    Task.TRACK: inspection.track,
    Task.LOOK: look.prepare,
    Task.CARRY: carry,
    Task.COVERAGE: look.surface_seen,
    Task.REFERENCE: reference,
    Task.GROUND: ground,
    Task.PICTURE: picture,
    Task.CONVERT: convert,
    Task.CONTACT_SHEET: contact_sheet,
    Task.TRY_IMPORT: try_import,
}
