# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each light gives the ground, with the product and without it, once for all angles.

Cycles keeps no light groups of a shadow catcher, so a shadow can't be taken apart afterwards; and a catcher that each angle
sees takes a quarter to half of its time. But a matt ground looks the same from everywhere: it is rendered once, from below,
as a screen that shows on its underside the light that falls on it from above. From there nothing stands before it, and
nothing of the product has to be hidden.
"""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.types import Material, Object, Scene

from ..pipeline import names
from ..pipeline.backend.ports import Task
from ..pipeline.lighting.files import GROUND, Place
from ..pipeline.settings.groups import RunSettings
from ..pipeline.stages import Progress, Stage, Steps
from .image_worker import ImageWorker
from .rendering import devices
from .rendering.render_scene import quality, remove_scene, render, scratch_file, side_scene
from .scene.backdrop import fade_of
from .scene.collections import existing_objects, remove_objects
from .scene.light_groups import group_lights, keep_groups

# Pixels over the whole ground for each of a reference's: a shadow on a matt ground has finer detail right under the product only.
# Of large references fewer are enough, and the files would become large.
SHARE, LEAST, MANY = 0.5, 96, 384
SHARE_OF_LARGE, MOST = 0.375, 768
SAMPLES, SAMPLES_OPEN = 32, 16  # with the product; without it the light is so even that the denoiser needs few
FEWEST = 8  # where the references themselves get few, as drafts do
SCREEN = "Consistency Screen"


def render_ground(
    settings: RunSettings, folder: Path, device: devices.Device, worker: ImageWorker
) -> Steps[Path | None]:
    """Render the light on the ground into ``folder``; its file, None where there is no ground, or one that is hidden."""
    grounds = [thing for thing in existing_objects(names.BACKDROP) if not thing.hide_render]
    if not grounds:
        return None
    ground = grounds[0]
    place = Place(ground.location.x, ground.location.y, ground.scale.x, ground.location.z, fade_of(ground))
    side = side_of(settings.studio.size)
    out = folder / GROUND
    lights = list(group_lights(settings))
    most = max(FEWEST, settings.studio.samples or quality(settings).samples)
    try:
        with devices.chosen(device), scratch_file() as lit, scratch_file() as free:
            for shown, samples, file in (
                ((names.PRODUCT, names.LIGHTING), SAMPLES, lit),
                ((names.LIGHTING,), SAMPLES_OPEN, free),
            ):
                small = settings.model_copy(update={"size": side, "aspect": 1.0, "samples": min(samples, most)})
                scene = side_scene(names.GROUND_SCENE, shown, small, device)
                keep_groups(scene.view_layers[0], lights)
                camera = _look_from_below(scene, place)
                yield from render(scene, camera, file, Stage.REFERENCES, "light on the ground")
                _clear()
            yield from worker.do(
                Task.GROUND,
                Progress(Stage.REFERENCES, f"writing {out.name}"),
                lit=str(lit),
                free=str(free),
                lights=lights,
                place=vars(place),
                out=str(out),
            )
    finally:
        _clear()
    return out


def side_of(size: int) -> int:
    """Pixels along the ground's square for references of ``size`` pixels."""
    return min(max(LEAST, min(round(size * SHARE), MANY), round(size * SHARE_OF_LARGE)), MOST)


def _clear() -> None:
    remove_scene(names.GROUND_SCENE)
    ours = [thing for thing in bpy.data.objects if thing.name.startswith(SCREEN)]
    materials = [slot.material for thing in ours for slot in thing.material_slots if slot.material is not None]
    remove_objects(ours)
    bpy.data.batch_remove(materials)


def _look_from_below(scene: Scene, place: Place) -> Object:
    """A screen in the ground's place, and a camera under its middle that sees exactly the whole of it."""
    mesh = bpy.data.meshes.new(SCREEN)
    mesh.from_pydata([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)], [], [(0, 1, 2, 3)])
    mesh.materials.append(_screen())
    screen = bpy.data.objects.new(SCREEN, mesh)
    screen.location, screen.scale = (place.x, place.y, place.height), (place.reach,) * 3
    camera = bpy.data.objects.new(f"{SCREEN} Camera", bpy.data.cameras.new(SCREEN))
    camera.data.type, camera.data.ortho_scale = "ORTHO", 2.0 * place.reach
    camera.data.clip_start, camera.data.clip_end = 0.01 * place.reach, 2.0 * place.reach
    camera.location = (place.x, place.y, place.height - place.reach)
    camera.rotation_euler = (3.141592653589793, 0.0, 0.0)  # up; its picture's top is −Y, its right +X
    for thing in (screen, camera):
        scene.collection.objects.link(thing)
    scene.view_layers[0].update()
    return camera


def _screen() -> Material:
    """To the camera the light from the other side, to everything else matt as the ground is."""
    material = bpy.data.materials.new(SCREEN)
    if material.node_tree is None:
        material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    path, mix = tree.nodes.new("ShaderNodeLightPath"), tree.nodes.new("ShaderNodeMixShader")
    matt, through = tree.nodes.new("ShaderNodeBsdfDiffuse"), tree.nodes.new("ShaderNodeBsdfTranslucent")
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(path.outputs["Is Camera Ray"], mix.inputs[0])
    tree.links.new(matt.outputs[0], mix.inputs[1])
    tree.links.new(through.outputs[0], mix.inputs[2])
    tree.links.new(mix.outputs[0], output.inputs["Surface"])
    return material
