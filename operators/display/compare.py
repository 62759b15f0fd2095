# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Before and after: the reference, or the heat map, over the still up to a slider, in viewport and image editor.

Looking through one of the rig's cameras also shows the frame that is rendered: it has the run's aspect, not the scene's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ...pipeline import names
from . import status

if TYPE_CHECKING:
    from bpy.types import Context

Corner = tuple[float, float]
Colour = tuple[float, float, float, float]
_handles: list[tuple[Any, Any]] = []  # space type and the handle that removing needs
is_held = False  # the mouse is over the line, or drags it: compare_handle
FULL_FRAME = 36.0  # millimetres, the rig's sensor


def shot_named(context: Context, name: str) -> Any:
    return next((shot for shot in status.of(context).shots if shot.name == name), None)


def is_shown_here(context: Context, shot: Any) -> bool:
    """An image editor may show another picture, while a viewport compares this one."""
    if shot is None or context.area is None or context.area.type != "IMAGE_EDITOR":
        return True
    image = context.space_data.image
    return image is not None and bpy.path.abspath(image.filepath) in (shot.still, shot.reference, shot.heatmap)


def start() -> None:
    """Have both editors draw; nothing can be drawn in background."""
    if _handles or bpy.app.background:
        return
    for space, draw in ((bpy.types.SpaceView3D, _draw_viewport), (bpy.types.SpaceImageEditor, _draw_image)):
        _handles.append((space, space.draw_handler_add(draw, (), "WINDOW", "POST_PIXEL")))


def stop(context: Context | None = None) -> None:
    status.of(context).comparing = ""
    status.redraw(pictures=True)


def unregister() -> None:
    for space, handle in _handles:
        space.draw_handler_remove(handle, "WINDOW")
    _handles.clear()


def _draw_viewport() -> None:
    context = bpy.context
    corners = _camera_corners(context)
    if corners is None:
        return
    if corners_here(context) is not None:
        _draw_pair(context, status.of(context).comparing, corners)
    _draw_lines([*corners, corners[0]], (1.0, 0.6, 0.1, 0.9))


def _draw_image() -> None:
    corners = corners_here(bpy.context)
    if corners is not None:
        _draw_pair(bpy.context, status.of().comparing, corners)


def corners_here(context: Context) -> list[Corner] | None:
    """Where the compared picture is in the region, in pixels, from bottom left on; None where this editor compares none."""
    name = status.of(context).comparing
    space = context.space_data
    if not name or space is None:
        return None
    if space.type == "IMAGE_EDITOR":
        shot = shot_named(context, name)
        if shot is None or not is_shown_here(context, shot):
            return None
        to_region = context.region.view2d.view_to_region
        return [to_region(*corner, clip=False) for corner in ((0, 0), (1, 0), (1, 1), (0, 1))]
    return _camera_corners(context) if _angle_here(context) == name else None


def _angle_here(context: Context) -> str:
    """The angle whose camera the viewport looks through; empty: none of ours."""
    if context.region_data is None or context.region_data.view_perspective != "CAMERA":
        return ""
    camera = context.scene.camera
    return str(camera.get(names.ANGLE, "")) if camera is not None else ""


def _camera_corners(context: Context) -> list[Corner] | None:
    return _frame(context.scene.camera, context) if _angle_here(context) else None


def _frame(camera: bpy.types.Object, context: Context) -> list[Corner] | None:
    """The corners of the rendered picture in the region, in pixels, from bottom left on."""
    from bpy_extras.view3d_utils import location_3d_to_region_2d
    from mathutils import Vector

    aspect = context.scene.consistency.aspect
    half = FULL_FRAME / 2.0 / camera.data.lens
    wide, high = (half, half / aspect) if aspect >= 1.0 else (half * aspect, half)
    corners: list[Any] = []
    for x, y in ((-wide, -high), (wide, -high), (wide, high), (-wide, high)):
        place = camera.matrix_world @ Vector((x, y, -1.0))
        corners.append(location_3d_to_region_2d(context.region, context.region_data, place))
    return None if None in corners else [tuple(corner) for corner in corners]


OVER = {"reference": "Render", "heatmap": "Heat Map"}
UNDER = "Still"
PLATE = (0.05, 0.05, 0.05, 0.72)  # below white letters and lines: both are read on white as on black


def under_of(shot: Any) -> tuple[str, str]:
    """The file that lies under the render, and what it is called: the still, or what its slider would make of it."""
    now = status.of()
    is_draft = bool(now.draft) and now.draft_of == shot.name
    percent = bpy.context.scene.consistency.angles[shot.name].faithful if is_draft else 100.0 * shot.faithful
    return (now.draft if is_draft else shot.still), f"{UNDER}, {percent:.0f} % faithful" if percent >= 0.5 else UNDER


def _draw_pair(context: Context, name: str, corners: list[Corner]) -> None:
    shot = shot_named(context, name)
    if shot is None:
        return
    now = status.of(context)
    share = now.compare / 100.0
    under, words = under_of(shot)
    _draw_picture(under, corners, share, 1.0)
    _draw_picture(getattr(shot, now.comparing_with), corners, 0.0, share)
    scale = context.preferences.system.ui_scale or 1.0
    low, high = _between(corners[0], corners[1], share), _between(corners[3], corners[2], share)
    for half, colour in ((2.5 * scale, PLATE), (1.0 * scale, (1.0, 1.0, 1.0, 0.95))):
        draw_box(low[0] - half, low[1], high[0] + half, high[1], colour)
    _draw_knob(low[0], (low[1] + high[1]) / 2.0, scale)
    _draw_label(OVER[now.comparing_with], corners[3], low[0], scale, at_right=False)
    _draw_label(words, corners[2], low[0], scale, at_right=True)


def _draw_label(words: str, corner: Corner, line: float, scale: float, *, at_right: bool) -> None:
    """In the picture's upper ``corner``, as long as the dividing line leaves it room."""
    import blf

    blf.size(0, 13.0 * scale)
    wide, high = blf.dimensions(0, words)
    edge, pad = 10.0 * scale, 6.0 * scale
    left = corner[0] - edge - wide - 2 * pad if at_right else corner[0] + edge
    right = left + wide + 2 * pad
    if (left < line + edge) if at_right else (right > line - edge):
        return
    top = corner[1] - edge
    bottom = top - high - 2 * pad
    draw_box(left, bottom, right, top, PLATE)
    blf.color(0, 1.0, 1.0, 1.0, 1.0)
    blf.position(0, left + pad, bottom + pad, 0)
    blf.draw(0, words)


def _draw_knob(x: float, y: float, scale: float) -> None:
    """What the dividing line is dragged by: a plate in its middle with an arrow to either side."""
    size = (15.0 if is_held else 13.0) * scale
    draw_box(x - size, y - size, x + size, y + size, (*PLATE[:3], 0.95 if is_held else PLATE[3]))
    for side in (-1.0, 1.0):
        tip, base = x + side * 0.75 * size, x + side * 0.25 * size
        _draw_fan([(tip, y), (base, y - 0.45 * size), (base, y + 0.45 * size)], (1.0, 1.0, 1.0, 1.0))


def _between(one: Corner, other: Corner, share: float) -> Corner:
    return one[0] + (other[0] - one[0]) * share, one[1] + (other[1] - one[1]) * share


def _draw_picture(path: str, corners: list[Corner], left: float, right: float) -> None:
    """The part of a picture between two shares of its width, where the whole would fill ``corners``."""
    import gpu
    from gpu_extras.batch import batch_for_shader

    from ...studio.compat import picture_shader

    image = next((i for i in bpy.data.images if i.filepath and bpy.path.abspath(i.filepath) == path), None)
    if image is None or right <= left:
        return
    low, high = (corners[0], corners[1]), (corners[3], corners[2])
    places = [_between(*low, left), _between(*low, right), _between(*high, right), _between(*high, left)]
    shader = picture_shader()
    batch = batch_for_shader(
        shader, "TRI_FAN", {"pos": places, "texCoord": [(left, 0), (right, 0), (right, 1), (left, 1)]}
    )
    shader.bind()
    shader.uniform_sampler("image", gpu.texture.from_image(image))
    batch.draw(shader)


def draw_box(left: float, bottom: float, right: float, top: float, colour: Colour) -> None:
    _draw_fan([(left, bottom), (right, bottom), (right, top), (left, top)], colour)


def _draw_fan(places: list[Corner], colour: Colour) -> None:
    _draw_shape("TRI_FAN", places, colour)


def _draw_lines(places: list[Corner], colour: Colour) -> None:
    _draw_shape("LINE_STRIP", places, colour)


def _draw_shape(kind: str, places: list[Corner], colour: Colour) -> None:
    import gpu
    from gpu_extras.batch import batch_for_shader

    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    shader.bind()
    shader.uniform_float("color", colour)
    gpu.state.blend_set("ALPHA")
    batch_for_shader(shader, kind, {"pos": places}).draw(shader)
    gpu.state.blend_set("NONE")


def draw_text(
    words: str,
    x: float,
    y: float,
    scale: float,
    *,
    colour: Colour = (1.0, 1.0, 1.0, 1.0),
    most: float = 0.0,
    middle: bool = False,
) -> None:
    """Words from a place on, or around it where ``middle``; cut off with an ellipsis where they are wider than ``most``."""
    import blf

    blf.size(0, 12.0 * scale)
    while most and len(words) > 2 and blf.dimensions(0, words)[0] > most:
        words = f"{words[:-2].rstrip()}…"
    blf.color(0, *colour)
    blf.position(0, x - blf.dimensions(0, words)[0] / 2.0 if middle else x, y, 0)
    blf.draw(0, words)
