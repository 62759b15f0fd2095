# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The studio view: on as soon as a product is taken, and everything back as it was."""

from __future__ import annotations

import bpy
from places import HOME
from playing import (
    in_view,
    key,
    open_sidebar,
    preferences,
    screenshot,
    settings,
    small,
    view,
)
from pointing import middle, press

SCENE = (
    "render.engine",
    "render.resolution_x",
    "render.resolution_y",
    "render.film_transparent",
    "view_settings.view_transform",
    "view_settings.look",
    "view_settings.exposure",
    "cycles.max_bounces",
)
SPACE = (
    "shading.type",
    "shading.use_compositor",
    "overlay.show_floor",
    "overlay.show_extras",
    "overlay.show_overlays",
    "region_3d.view_perspective",
    "region_3d.view_distance",
    "region_3d.view_camera_zoom",
    "lock_camera",
    "lens",
)


def read(holder, paths):
    seen = {}
    for path in paths:
        value = holder
        for name in path.split("."):
            value = getattr(value, name)
        seen[path] = value
    return seen


def state():
    """All that the studio view may change of the artist's own."""
    scene, space = bpy.context.scene, view()[1].spaces.active
    return {
        **read(scene, SCENE),
        **read(space, SPACE),
        "location": [round(value, 4) for value in space.region_3d.view_location],
        "rotation": [round(value, 4) for value in space.region_3d.view_rotation],
        "local": space.local_view is not None,
        "world": scene.world and scene.world.name,
        "camera": scene.camera and scene.camera.name,
        "selected": sorted(thing.name for thing in bpy.context.selected_objects),
        "active": bpy.context.view_layer.objects.active and bpy.context.view_layer.objects.active.name,
        "kept": [screen.name for screen in bpy.data.screens if "studio_view_of_consistency" in screen],
    }


def shown():
    """What the studio view shows."""
    scene, space = bpy.context.scene, view()[1].spaces.active
    render = scene.render
    return {
        "on": settings().studio_view,
        "alone": space.local_view is not None,
        "visible": sorted(thing.name for thing in scene.objects if space.local_view and thing.local_view_get(space)),
        "frame": [render.resolution_x, render.resolution_y, render.resolution_percentage],
        "engine": render.engine,
        "shading": space.shading.type,
        "world": scene.world.name,
        "camera": scene.camera.name,
        "through": space.region_3d.view_perspective,
    }


def artists_scene():
    """A scene with a world, a camera, a lamp and a cube of its own, and a product on its table."""
    scene = bpy.context.scene
    bpy.data.objects["Light"].data.color, bpy.data.objects["Light"].data.energy = (1.0, 0.0, 0.0), 5000.0
    scene.world.name = "Artist's World"
    scene.render.resolution_x, scene.render.resolution_y = 1920, 1080
    scene.view_settings.view_transform, scene.view_settings.exposure = "AgX", 0.3
    scene.view_settings.look = "AgX - Punchy"
    bpy.ops.mesh.primitive_monkey_add(size=0.3, location=(2.0, 1.0, 0.5))
    bpy.context.object.name = "Kettle"
    bpy.ops.ed.undo_push(message="A scene")


def studio_view_comes_and_goes():
    """Objects are taken, and stand alone in the reference's frame; toggled, undone, saved, reopened, things deleted."""
    seen = {}
    yield from open_sidebar()
    small()
    own = settings()
    preferences().backend = "local"
    own.source, own.size, own.aspect = "OBJECTS", 256, 1.25
    artists_scene()
    seen["before"] = state()
    yield from press("bpy.ops.consistency.use_selected")
    yield lambda: settings().studio_view
    yield 4.0
    screenshot("41-taken")
    seen["taken"] = shown()
    yield from press("bpy.ops.consistency.studio_view")
    yield 1.0
    screenshot("42-as-before")
    seen["off"] = state()

    yield from press("bpy.ops.consistency.studio_view")
    yield 0.5
    bpy.data.objects["Kettle"].location.x += 0.1
    bpy.ops.ed.undo_push(message="Move")
    yield from key("Z", at=middle(), ctrl=True)
    yield 1.0
    seen["after_undo"] = shown()
    yield from key("Z", at=middle(), ctrl=True)
    yield 1.0
    seen["toggle_undone"] = state()
    yield from key("Z", at=middle(), ctrl=True, shift=True)
    yield 1.0
    settings().angle_index, settings().aspect, settings().backdrop = 1, 0.8, "grey"
    seen["other_angle"] = shown()
    yield 4.0
    screenshot("43-three-quarter-on-grey")

    blend = HOME / "studio.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    yield lambda: shown()["shading"] == "RENDERED"  # Blender itself opens no file with a rendered viewport
    yield 4.0
    screenshot("44-reopened")
    seen["reopened"] = shown()
    bpy.data.worlds.remove(bpy.data.worlds["Artist's World"])
    bpy.data.objects.remove(bpy.data.objects["Camera"])
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    yield 0.5
    yield from press("bpy.ops.consistency.studio_view")
    yield 0.5
    seen["off_after_deleting"] = state()
    screenshot("45-as-before-without-what-was-deleted")
    yield from press("bpy.ops.consistency.studio_view")
    yield 0.5
    with in_view():
        for thing in list(bpy.data.collections["Consistency Product"].all_objects):
            bpy.data.objects.remove(thing)
    yield 0.5
    yield from press("bpy.ops.consistency.studio_view")
    yield 0.5
    seen["off_without_product"] = state()
    screenshot("46-product-deleted")
    return seen
