# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an artist edits, told at once to whoever follows it: the cameras, the lamps, the panels.

Properties call these functions on Blender's main thread when they are set; they know nothing of who follows, so that
settings can be read and written where nothing does. ``startup`` says who it is.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

import bpy

if TYPE_CHECKING:
    from bpy.types import Context

    from ...pipeline.settings.groups import RunSettings


class Change(StrEnum):
    """What has changed."""

    ANGLES = "angles"  # where the cameras stand, and what they render
    LIGHT = "light"
    MIX = "mix"  # of the finished references' lights: nothing in the scene follows
    SOURCE = "source"  # what the product is made from
    NAME = "name"
    ANGLE = "angle"  # which one is selected
    PROMPT = "prompt"
    PRODUCT = "product"  # it came into the scene
    RIG = "rig"  # it was placed anew
    FAITHFUL = "faithful"  # how much of a still's detail is its render's: of ``slid``


class Follower(Protocol):
    def __call__(self, change: Change, scene: bpy.types.Scene, settings: RunSettings | None = None) -> None:
        """``settings``: what the scene shows now; None: what its own panels say."""


_paused = 0
slid = ""  # the angle whose slider was moved last
_follower: Follower | None = None


def follow_with(follower: Follower | None) -> None:
    """Have ``follower`` told of every change from now on, in place of who was; None: nobody."""
    global _follower
    _follower = follower


@contextlib.contextmanager
def paused() -> Iterator[None]:
    """Many settings change at once; the scene follows at the end, or not at all."""
    global _paused
    _paused += 1
    try:
        yield
    finally:
        _paused -= 1


def tell(change: Change, scene: bpy.types.Scene | None, settings: RunSettings | None = None) -> None:
    if scene is not None and _follower is not None:
        _follower(change, scene, settings)


def _scene(owner: Any, context: Context | None) -> bpy.types.Scene | None:
    """The scene whose setting ``owner`` holds; None while nothing is to follow."""
    if _paused:
        return None
    scene = getattr(owner, "id_data", None)
    return scene if isinstance(scene, bpy.types.Scene) else getattr(context, "scene", None)


# A function for each: Blender evaluates annotations such that a lambda in one sees nothing of its module.


def angles_changed(owner: Any, context: Context) -> None:
    tell(Change.ANGLES, _scene(owner, context))


def light_changed(owner: Any, context: Context) -> None:
    tell(Change.LIGHT, _scene(owner, context))


def mixed(owner: Any, context: Context) -> None:
    tell(Change.MIX, _scene(owner, context))


def source_changed(owner: Any, context: Context) -> None:
    tell(Change.SOURCE, _scene(owner, context))


def named(owner: Any, context: Context) -> None:
    tell(Change.NAME, _scene(owner, context))


def angle_selected(owner: Any, context: Context) -> None:
    tell(Change.ANGLE, _scene(owner, context))


def prompt_changed(owner: Any, context: Context) -> None:
    tell(Change.PROMPT, _scene(owner, context))


def faithful_slid(angle: Any, context: Context) -> None:
    global slid
    slid = angle.name
    tell(Change.FAITHFUL, _scene(angle, context))


def clip_follows(angle: Any, context: Context) -> None:
    """An angle was renamed: the clip that began or ended at it still does."""
    scene = _scene(angle, context)
    if scene is None:
        return
    own = scene.consistency
    for field in ("video_angle", "video_end_angle"):
        if getattr(own, field) and getattr(own, field) not in own.angles:
            setattr(own, field, angle.name)
