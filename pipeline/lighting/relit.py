# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the lights that a picture was rendered with to those that are wanted: what mixing does, and what needs a render."""

from __future__ import annotations

import filecmp
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..settings import lighting
from ..settings.lights import AS_IT_IS, ENVIRONMENT, GLOW, WHITE, Light
from ..settings.look import with_look
from ..settings.temperature import relative

if TYPE_CHECKING:
    from ..settings.groups import RunSettings

Factor = NDArray[np.float32]  # (3,) on red, green and blue
DARK = 1e-6  # of a light's strength, below which it was off


def mixed_into(lights: Mapping[str, Light], mix: Mapping[str, Light]) -> dict[str, Light]:
    """``lights`` as the lamps would have them with ``mix`` on top."""
    both = {name: mix.get(name, AS_IT_IS).after(lights.get(name, AS_IT_IS)) for name in (*lights, *mix)}
    return {name: light for name, light in both.items() if not light.changes_nothing}


def factors(look: Mapping[str, Any], wanted: RunSettings) -> tuple[dict[str, Factor], list[str]]:
    """Factors, by light, that make a picture rendered with ``look`` one that is lit as ``wanted`` says; and what of that
    no factor can do, a few words each."""
    from ..settings.groups import RunSettings

    before = with_look(RunSettings(), look)
    found, needs = _lamps(before, wanted)
    found[ENVIRONMENT], other = _environment(before, wanted)
    own = [_glow(each.studio.lights.get(GLOW, AS_IT_IS)) for each in (before, wanted)]
    found[GLOW], off = _ratio(*own)
    if off:
        other.append(_was_off(GLOW))
    if before.studio.view_transform != wanted.studio.view_transform:
        other.append("another view transform")
    return found, [*needs, *other]


def _lamps(before: RunSettings, wanted: RunSettings) -> tuple[dict[str, Factor], list[str]]:
    stood, stand = (
        {
            lamp.role: lamp
            for lamp in lighting.place(
                lighting.PRESETS[each.studio.lighting], 1.0, each.studio.light_rig, each.studio.lights
            )
        }
        for each in (before, wanted)
    )
    found: dict[str, Factor] = {}
    needs: dict[str, list[str]] = {}  # by what has become of them, the lamps
    for role in dict.fromkeys([*stood, *stand]):
        if role not in stood or role not in stand:
            needs.setdefault("new" if role in stand else "gone", []).append(role)
            found[role] = np.zeros(3, np.float32)
            continue
        one, other = stood[role], stand[role]
        if _standing(one) != _standing(other):
            needs.setdefault("moved", []).append(role)
        warm = np.array(relative(other.kelvin, one.kelvin), np.float32)
        sent, send = (lamp.radiance if lamp.kind == "card" else lamp.power for lamp in (one, other))
        found[role], off = _ratio(sent * np.array(one.tint), send * np.array(other.tint) * warm)
        if off:
            needs.setdefault("off before", []).append(role)
    return found, [f"{', '.join(roles)} {word}" for word, roles in needs.items()]


def _standing(lamp: lighting.PlacedLamp) -> lighting.PlacedLamp:
    """``lamp`` without what a factor changes. A flag gives no light: whether it is there needs a render."""
    plain = replace(lamp, power=0.0, kelvin=0.0, tint=WHITE, radiance=0.0)
    return plain if lamp.kind == "flag" else replace(plain, on=True)


def _environment(before: RunSettings, wanted: RunSettings) -> tuple[Factor, list[str]]:
    first, last = ((*_surrounding(each),) for each in (before, wanted))
    factor, off = _ratio(first[0], last[0])
    needs = [] if _is_same_world(first[1], last[1]) else ["another environment"]
    return factor, [*needs, _was_off(ENVIRONMENT)] if off else needs


def _surrounding(settings: RunSettings) -> tuple[Factor, tuple[Any, ...]]:
    """How strong the world is in each channel, and which it is (studio.lighting sets it so)."""
    studio = settings.studio
    preset, light = lighting.PRESETS[studio.lighting], studio.lights.get(ENVIRONMENT, AS_IT_IS)
    strength = lighting.environment(preset, studio.light_rig, light)
    which: tuple[Any, ...] = (preset.hdri, preset.hdri_share, studio.light_rig.rotation) if preset.hdri else ()
    if studio.environment:
        strength *= studio.environment_strength
        which = (studio.environment, studio.light_rig.rotation + studio.environment_rotation)
    return np.float32(strength) * _colour(light), which


def _is_same_world(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """A run renders with its own copy of the artist's picture, so that files are the same whose contents are."""
    if one == other:
        return True
    if not (one and other) or one[1:] != other[1:]:
        return False
    try:
        return filecmp.cmp(one[0], other[0], shallow=False)  # which remembers, until one of them is changed
    except OSError:
        return False


def _glow(light: Light) -> Factor:
    return np.float32(light.strength * light.on) * _colour(light)


def _colour(light: Light) -> Factor:
    tint = np.array(light.tint, np.float32)
    return tint if light.kelvin is None else tint * np.array(relative(light.kelvin, lighting.DAYLIGHT), np.float32)


def _ratio(before: Factor, now: Factor) -> tuple[Factor, bool]:
    """now / before, and whether there was nothing of what there is now."""
    was = before > DARK
    ratio = np.where(was, now / np.where(was, before, 1.0), 0.0).astype(np.float32)
    return ratio, bool((~was & (now > DARK)).any())


def _was_off(name: str) -> str:
    return f"{name} off before"
