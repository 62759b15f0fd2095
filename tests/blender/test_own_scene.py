# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A scene that is somebody's work: nothing of it changes, neither by a run nor by taking the rig out again."""

from __future__ import annotations

import math
from typing import Any

import bpy
import pytest

SKIPPED = {
    "rna_type",
    "original",
    "users",
    "session_uid",
    "is_evaluated",
    "is_missing",
    "id_type",
    "preview",
    "consistency",
    "depsgraph",
    "cursor",
    "keying_sets_all",
    "bl_system_properties_get",
    "is_runtime_data",
    "use_nodes",
    "tag",
}


def facts(struct: Any, deep: int = 3) -> dict[str, Any]:
    """All plain properties of a thing and of what it owns, by name."""
    found: dict[str, Any] = {}
    for prop in struct.bl_rna.properties:
        name = prop.identifier
        if name in SKIPPED:
            continue
        try:
            value = getattr(struct, name)
        except (AttributeError, TypeError):
            continue
        if prop.type == "POINTER":
            is_own = value is not None and not isinstance(value, bpy.types.ID)
            found[name] = facts(value, deep - 1) if is_own and deep else getattr(value, "name", None)
        elif prop.type == "COLLECTION":
            found[name] = [getattr(item, "name", "") for item in value]
        elif getattr(prop, "is_array", False):
            found[name] = [part if isinstance(part, (bool, int, float)) else list(part) for part in value]
        else:
            found[name] = value
    return found


def tree(nodes: bpy.types.NodeTree) -> list[Any]:
    return [[node.name, facts(node, 1), [default_of(socket) for socket in node.inputs]] for node in nodes.nodes]


def default_of(socket: bpy.types.NodeSocket) -> Any:
    value = getattr(socket, "default_value", None)
    return list(value) if hasattr(value, "__len__") else value


def everything_of(scene: bpy.types.Scene, objects: list[bpy.types.Object]) -> dict[str, Any]:
    compositor = scene.compositing_node_group if hasattr(scene, "compositing_node_group") else scene.node_tree
    return {
        "scene": facts(scene),
        "render": facts(scene.render),
        "cycles": facts(scene.cycles),
        "layers": {
            layer.name: [facts(layer), facts(layer.cycles), layers_below(layer.layer_collection)]
            for layer in scene.view_layers
        },
        "world": [facts(scene.world), tree(scene.world.node_tree)],
        "compositor": tree(compositor),
        "objects": {
            thing.name: [
                facts(thing, 1),
                facts(thing.data, 2) if thing.data else None,
                [list(row) for row in thing.matrix_world],
            ]
            for thing in objects
        },
        "selected": [thing.name for thing in objects if thing.select_get()],
        "strips": [strip.name for strip in sequence(scene)],
        "preferences": facts(bpy.context.preferences.view),
    }


def layers_below(layer: bpy.types.LayerCollection) -> dict[str, Any]:
    own = [child for child in layer.children if not child.name.startswith("Consistency")]
    return {
        child.name: [child.exclude, child.holdout, child.indirect_only, child.hide_viewport, layers_below(child)]
        for child in own
    }


def sequence(scene):
    from consistency_pipeline.studio import compat

    return compat.strips(scene.sequence_editor) if scene.sequence_editor is not None else []


@pytest.fixture
def work(sidebar, add_box):
    """A scene with everything in it that a run could be tempted to touch."""
    scene = bpy.context.scene
    box = add_box("Their Box", at=(5.0, 5.0, 1.0))
    lamp = bpy.data.objects.new("Their Sun", bpy.data.lights.new("Their Sun", "SUN"))
    camera, other = (bpy.data.objects.new(name, bpy.data.cameras.new(name)) for name in ("Their Camera", "Other"))
    camera.data.lens, camera.location, other.data.type = 33.0, (1.0, -9.0, 2.0), "ORTHO"
    home = bpy.data.collections.new("Their Set")
    scene.collection.children.link(home)
    for thing in (lamp, camera, other):
        home.objects.link(thing)
    scene.camera = camera
    scene.world = bpy.data.worlds.new("Their World")
    if scene.world.node_tree is None:
        scene.world.use_nodes = True
    scene.world.node_tree.nodes["Background"].inputs["Strength"].default_value = 0.3
    layer = scene.view_layers.new("Their Second Layer")
    layer.use_pass_mist, layer.samples = True, 7
    layer.layer_collection.children["Their Set"].exclude = True
    _compositor(scene)
    render = scene.render
    render.engine = "BLENDER_EEVEE_NEXT" if bpy.app.version < (5, 0) else "BLENDER_EEVEE"
    render.resolution_x, render.resolution_y, render.resolution_percentage = 333, 222, 40
    render.fps, render.film_transparent, render.use_border, render.filepath = 25, False, True, "//their/frame_"
    render.use_motion_blur = render.use_simplify = True
    scene.frame_start, scene.frame_end, scene.frame_current = 10, 90, 33
    scene.view_settings.exposure, scene.cycles.samples, scene.cycles.use_denoising = 0.7, 77, False
    scene.view_settings.view_transform, scene.view_settings.gamma = "AgX", 1.2
    scene.view_settings.look, render.pixel_aspect_x = "AgX - Punchy", 2.0
    scene.timeline_markers.new("Their Marker", frame=40)
    scene.sequence_editor_create()
    scene.unit_settings.scale_length = 0.01
    box.select_set(True)
    bpy.context.view_layer.objects.active = lamp
    bpy.context.view_layer.update()
    return scene


def _compositor(scene):
    if hasattr(scene, "compositing_node_group"):
        scene.compositing_node_group = bpy.data.node_groups.new("Their Compositor", "CompositorNodeTree")
        nodes = scene.compositing_node_group
    else:
        scene.use_nodes = True
        nodes = scene.node_tree
    nodes.nodes.new("CompositorNodeGlare").location = (12.0, 34.0)


def test_a_run_and_taking_the_rig_out_leave_the_scene_as_it_was(box_glb, work):
    scene, own = work, work.consistency
    objects = list(scene.objects)
    before, ids = everything_of(scene, objects), names_of_all()
    own.source, own.file, own.backend = "FILE", str(box_glb), "local"
    own.size, own.samples, own.motion, own.duration = 64, 1, "turntable", 1.0
    bpy.ops.consistency.load_angles(set="product")
    for _ in range(3):
        bpy.ops.consistency.remove_angle()
    assert bpy.ops.consistency.run() == {"FINISHED"}
    assert len(bpy.data.collections["Consistency Results"].objects) == 2
    after = everything_of(scene, objects)
    assert differences(before, without_ours(after)) == [], "the run changed something"

    bpy.ops.consistency.look_through()
    assert scene.camera.name.startswith("Camera ")
    stranger = bpy.data.objects["Their Box"].copy()
    stranger.name = "Their Copy"
    bpy.data.collections["Consistency Product"].objects.link(stranger)
    stranger.parent = bpy.data.objects["Product"]
    assert bpy.ops.consistency.remove_rig() == {"FINISHED"}
    assert scene.camera.name == "Their Camera"
    assert bpy.data.objects["Their Copy"].name in scene.collection.objects, "the artist's own object went with the rig"
    bpy.data.objects.remove(bpy.data.objects["Their Copy"])
    after = everything_of(scene, objects)
    assert differences(before, after) == [], "taking the rig out changed something"
    assert names_of_all() == ids, "something of ours was left in the file"
    assert not bpy.ops.consistency.remove_rig.poll()


def test_taken_objects_stay_when_the_rig_goes(work):
    bpy.ops.consistency.use_selected()
    own = work.consistency
    own.backend, own.size, own.samples, own.motion = "local", 64, 1, "none"
    assert bpy.ops.consistency.run(until="references") == {"FINISHED"}
    bpy.ops.consistency.remove_rig()
    box = bpy.data.objects["Their Box"]
    assert tuple(box.location) == (5.0, 5.0, 1.0)
    assert box.material_slots[0].material is not None
    assert math.isclose(box.dimensions.x, 1.0)
    assert "Consistency Product" not in bpy.data.collections


def differences(one: Any, other: Any, at: str = "") -> list[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        return [
            line for name in {**one, **other} for line in differences(one.get(name), other.get(name), f"{at}.{name}")
        ]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return [line for number, (a, b) in pairs for line in differences(a, b, f"{at}[{number}]")]
    return [] if one == other else [f"{at}: {one} became {other}"]


def without_ours(value: Any) -> Any:
    """The lists of names without the names that are ours."""
    if isinstance(value, dict):
        return {name: without_ours(part) for name, part in value.items()}
    if isinstance(value, list):
        return [without_ours(part) for part in value if not (isinstance(part, str) and is_ours(part))]
    return value


OURS = ("Consistency", "Camera ", "Light ", "Still ", "Product", "Ground")


def is_ours(name: str) -> bool:
    return name.startswith(OURS) or name.startswith("Box")  # the box of box_glb


def names_of_all() -> dict[str, list[str]]:
    """Every datablock of the file but what Blender keeps for itself."""
    own = ("window_managers", "workspaces", "screens", "fonts", "brushes", "palettes", "all_ids")
    found = {
        prop.identifier: sorted(item.name for item in getattr(bpy.data, prop.identifier))
        for prop in bpy.data.bl_rna.properties
        if prop.type == "COLLECTION" and prop.identifier not in own
    }
    found["images"] = [name for name in found["images"] if name != "Render Result"]
    return found
