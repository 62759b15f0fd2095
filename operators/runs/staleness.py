# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which references no longer show the product as it stands: what they were rendered from, as short hashes."""

from __future__ import annotations

from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ...pipeline import names
from ...pipeline.settings import look
from ...pipeline.settings.backdrop import is_file

if TYPE_CHECKING:
    from ...pipeline.backend.ports import Product
    from ...pipeline.rig import Angle
    from ...pipeline.run.run_folder import RunFolder
    from ...pipeline.settings.groups import RunSettings

ADOPTED = "objects of this scene"  # what the product's root names as its source when objects were taken
AWAY = 1e-5  # metres, or share of the size: an artist has moved the whole product
# Options of the light that hashes have had from the first version on. What came later counts where it is used: what was
# bought from a reference of an earlier version is not bought again because there is more to set now.
ALWAYS = ("lighting", "light_rig", "backdrop", "shadow", "view_transform")
WORDS = {
    "camera": "camera moved",
    "light": "light changed",
    "picture": "size or quality changed",
    "mesh": "mesh changed",
    "material": "material changed",
}


def of_settings(settings: RunSettings, angle: Angle) -> dict[str, str]:
    """Hashes of what the settings say about an angle's picture, and the lamps that the artist has added to theirs."""
    from ...studio.scene.fingerprint import short_hash
    from ...studio.scene.light_groups import added_lights

    camera = _camera(angle)
    if settings.studio.one_scale:
        camera["others"] = [_camera(other) for other in settings.studio.angles]
    flat, plain = settings.model_dump(), _plain()
    light = {name: flat[name] for name in look.OPTIONS if name in ALWAYS or flat[name] != plain[name]}
    for name in ("environment", "backdrop"):  # a run has copies
        if name in light and flat[name] and (name == "environment" or is_file(flat[name])):
            light[name] = _content(flat[name], file_state(Path(flat[name])))
    added = added_lights()
    if added:
        light["added"] = added
    quality = settings.studio.quality
    picture = [settings.resolution, settings.studio.samples, *([quality] if quality != plain["quality"] else [])]
    return {"camera": short_hash(camera), "light": short_hash(light), "picture": short_hash(picture)}


@lru_cache(maxsize=1)
def _plain() -> dict[str, Any]:
    from ...pipeline.settings.groups import RunSettings

    return RunSettings().model_dump()


@lru_cache(maxsize=16)
def _content(path: str, state: str) -> str:
    from ...studio.scene.fingerprint import short_hash

    return short_hash(Path(path).read_bytes()) if state else ""


def _camera(angle: Angle) -> dict[str, Any]:
    return {name: value for name, value in asdict(angle).items() if name != "prompt"}


def of_product(root: bpy.types.Object) -> dict[str, str]:
    """Hashes of the looks of the product below ``root``; none while it is away from where a run stands it."""
    from ...pipeline.errors import ConsistencyError
    from ...studio.scene import fingerprint

    bpy.context.view_layer.update()
    stands = root.get(names.STANDS)
    if stands is not None and any(abs(a - b) > AWAY for a, b in zip(stands, _flat(root), strict=True)):
        return {}
    try:
        return fingerprint.fingerprint(root, bpy.context.evaluated_depsgraph_get())
    except ConsistencyError:
        return {}


def of_file(root: bpy.types.Object) -> dict[str, str]:
    """Hashes of the product as its file has it, whichever way it is turned here. It has to stand where runs stand it."""
    from ...studio import orientation

    if tuple(root.get(names.TURN, orientation.NONE)) == orientation.NONE:
        return of_product(root)
    stands = root[names.STANDS]
    try:
        with orientation.unturned(root):
            root[names.STANDS] = _flat(root)
            return of_product(root)
    finally:
        root[names.STANDS] = stands


def put_in_place(root: bpy.types.Object) -> Product:
    """Put the product where every run stands it, and keep where that is. Raises BadInput where nothing of it shows."""
    from ...studio import model

    product = model.stand_on_ground(root, [])
    root[names.STANDS] = _flat(root)
    return product


def _flat(root: bpy.types.Object) -> list[float]:
    return [value for row in root.matrix_world for value in row]


def own_root(folder: RunFolder) -> bpy.types.Object | None:
    """The root of the product in the scene, where it is the run's own: loaded from its file, or the objects it took.

    None where all its parts were deleted, too: it is loaded anew.
    """
    from ...pipeline.errors import ConsistencyError
    from ...studio import model
    from ...studio.scene.file_scene import is_part

    try:
        root = model.product_root()
    except ConsistencyError:
        return None
    if not any(is_part(part) for part in model.parts_of(root)):
        return None
    if root.get(names.SOURCE) == ADOPTED:
        return root if root.get(names.TAKEN) in folder.settings.inputs.files else None
    return root if root.get(names.LOADED) == loaded_state(folder) else None


def loaded_state(folder: RunFolder) -> str:
    """Which state of its file the run's product is loaded from, and without which parts."""
    return "|".join([file_state(folder.product_source), *folder.settings.inputs.leave_out])


def file_state(path: Path) -> str:
    """Which state of which file; empty where there is none."""
    if not path.is_file():
        return ""
    facts = path.stat()
    return f"{path}|{facts.st_size}|{facts.st_mtime_ns}"


def record(folder: RunFolder, settings: RunSettings, angle: Angle) -> None:
    """Keep what an angle's new reference was rendered from."""
    root = own_root(folder)
    looks = of_product(root) if root is not None else {}
    folder.keep_rendered_from(angle.name, {**of_settings(settings, angle), **looks})


def stale_angles(
    folder: RunFolder, settings: RunSettings, product: dict[str, str] | None = None
) -> dict[str, list[str]]:
    """Angle → what changed since its reference was rendered. An angle without a reference isn't stale, but missing.

    ``product``: hashes from ``of_product``, where they are known already.
    """
    if product is None:
        root = own_root(folder)
        product = of_product(root) if root is not None else {}
    found: dict[str, list[str]] = {}
    for angle in settings.studio.angles:
        before = folder.rendered_from(angle.name)
        if before is None or folder.shot(angle.name) is None:
            continue
        now = {**of_settings(settings, angle), **product}
        changed = [WORDS[cause] for cause, value in now.items() if before.get(cause, value) != value]
        if changed:
            found[angle.name] = changed
    return found
