# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What animations and drivers say at one moment, written down, so that they can be taken off."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from bpy.types import ID, Depsgraph

from .. import compat


def write_down(items: Iterable[ID], depsgraph: Depsgraph) -> None:
    """Give the animated and driven properties of ``items`` the values that they have in ``depsgraph``.

    Blender does so by itself only for a scene that a window shows, and not before the window has been drawn.
    """
    for item in items:
        evaluated = item.evaluated_get(depsgraph)
        for owner, there in ((item, evaluated), (_nodes(item), _nodes(evaluated))):
            for path in {curve.data_path for curve in _curves(owner)}:
                with suppress(ValueError, AttributeError, TypeError, KeyError, IndexError):  # a path that leads nowhere
                    _copy(owner, there, path)


def _nodes(item: Any) -> Any:
    return getattr(item, "node_tree", None)


def _curves(owner: Any) -> Iterator[Any]:
    data = getattr(owner, "animation_data", None)
    if data is None:
        return
    yield from data.drivers
    strips = [strip for track in data.nla_tracks for strip in track.strips]
    for action in (data.action, *(strip.action for strip in strips)):
        if action is not None:
            yield from compat.curves(action)


def _copy(owner: Any, there: Any, path: str) -> None:
    value = there.path_resolve(path)
    value = list(value) if hasattr(value, "__len__") and not isinstance(value, (str, bytes, set)) else value
    if path.endswith("]"):  # a property of the user's own
        before, _, name = path.rpartition("[")
        holder = owner.path_resolve(before) if before else owner
        holder[name[:-1].strip("\"'")] = value
    else:
        before, _, name = path.rpartition(".")
        setattr(owner.path_resolve(before) if before else owner, name, value)
