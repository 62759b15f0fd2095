# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the board's lights are to be: as the scene and its mix say, or as a look that they are compared with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import bpy

from ....pipeline import names
from ....pipeline.errors import ConsistencyError
from ....pipeline.settings.lights import AS_IT_IS
from ...editing import lights, scene_settings

if TYPE_CHECKING:
    from ....pipeline.json_object import JsonObject
    from ....pipeline.settings.groups import RunSettings


DARK = [0.0, 0.0, 0.0]


def now(scene: bpy.types.Scene) -> RunSettings | None:
    """The scene's settings with its mix in the lights; None where they make no sense."""
    try:
        return scene_settings.mixed(scene)
    except ConsistencyError:
        return None


def before(scene: bpy.types.Scene) -> RunSettings | None:
    """What is compared with: the look that was chosen for it, else the scene without its mix."""
    from ....pipeline.settings.look import with_look

    try:
        settings = scene_settings.to_settings(scene)
        look = scene.consistency.looks.get(scene.consistency.compared_look)
        return settings if look is None else with_look(settings, json.loads(look.data))
    except (ConsistencyError, ValueError):
        return None


def factors(told: JsonObject, wanted: RunSettings, mix: Any) -> tuple[dict[str, Any], list[str]]:
    """By light, for a picture of which image_worker.tasks.plates has ``told``; and what of it needs a render. ``mix``: the
    scene's, for lamps that only the scene knows; None for none of it."""
    from ....pipeline.lighting import relit
    from ....pipeline.lighting.mix import gain

    found, needs = relit.factors(told["look"], wanted)
    before, sent = told["sent"], _sent()
    for name, kelvin in told["kelvins"].items():
        if name in found:
            continue
        change = mix.get(name) if mix is not None else None
        found[name] = gain(AS_IT_IS if change is None else lights.light_of(change), kelvin)
        if name in before:
            colours = zip(sent.get(name, DARK)[:3], before[name][:3], strict=True)
            found[name] = found[name] * [new / old if old > 0.0 else 0.0 for new, old in colours]
    for name in dict.fromkeys([*before, *sent]):
        if name not in before or name not in sent:
            needs.append(f"{name} {'new' if name in sent else 'gone'}")
        elif sent[name][3:] != before[name][3:]:
            needs.append(f"{name} moved")
        elif any(new > 0.0 >= old for new, old in zip(sent[name][:3], before[name][:3], strict=True)):
            needs.append(f"{name} off before")
    return found, needs


def _sent() -> Mapping[str, list[float]]:
    if names.LIGHTING not in bpy.data.collections:
        return {}
    from ....studio.scene.light_groups import sent_by_added_lamps

    return sent_by_added_lamps()
