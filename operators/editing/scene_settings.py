# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scene's settings to a run's settings, and back ("load these settings")."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import bpy

from ...pipeline import names
from ...pipeline.settings import look
from ...pipeline.settings.backdrop import is_file
from ...pipeline.settings.choices import BackendName, DeviceChoice
from ...pipeline.settings.lights import AS_IT_IS
from ...pipeline.settings.options import OPTIONS, LightRig, Money
from . import lights, live, parameters, preferences
from .angles import set_angles, values_of
from .option_properties import set_property, to_setting

if TYPE_CHECKING:
    from ...pipeline.settings.groups import RunSettings


PER_ANGLE = ("details", "faithful_at")  # options of the gate that the angles hold


def chosen_backend(scene: bpy.types.Scene) -> str:
    """ "fal" or "local": the scene's choice, else the preferences', else fal where a key is found."""
    own = preferences.preferences()
    for choice in (scene.consistency.backend, own.backend if own is not None else "AUTO"):
        if choice != "AUTO":
            return choice
    return "fal" if preferences.has_key() and not _goes_on_offline(scene) else "local"


def _goes_on_offline(scene: bpy.types.Scene) -> bool:
    """Nothing but a switch is in the way, and this machine can do it: a key never makes the free way the harder one."""
    own = scene.consistency
    return own.source in ("FILE", "OBJECTS") and not own.run_folder and preferences.offline() is not None


def inputs_of(scene: bpy.types.Scene) -> tuple[str, ...]:
    """Absolute paths of the files the run starts from."""
    own = scene.consistency
    names = {"PHOTOS": [photo.path for photo in own.photos], "FILE": [own.file], "OBJECTS": [own.objects]}
    return tuple(bpy.path.abspath(name) for name in names.get(own.source, ()) if name)


def made_from(inputs: Iterable[str], text: str) -> str:
    """The inputs or the words that a product is made from, in one string."""
    return "\n".join(inputs) or text.strip()


def to_settings(scene: bpy.types.Scene) -> RunSettings:
    """What the panels say, as one run's settings. Raises UsageError with one sentence where it makes no sense."""
    from pydantic import ValidationError

    from ...pipeline.errors import UsageError
    from ...pipeline.settings.groups import RunSettings, first_fault

    own = scene.consistency
    values: dict[str, Any] = {"gate": json.loads(own.gate_rest or "{}")}
    for option in OPTIONS:
        if option.prop:
            option.put(to_setting(option, own), values)
    inputs = inputs_of(scene)
    if own.environment:
        values["environment"] = bpy.path.abspath(own.environment)
    if own.source != "FILE":
        del values["leave_out"], values["variant"]
    if own.source != "WORDS":
        del values["text"]
    if own.about != made_from(inputs, own.text):
        del values["name"], values["turn"]
    values["gate"]["details"] = {
        each.name: bpy.path.abspath(each.detail_photo) for each in own.angles if each.detail_photo
    }
    values["gate"]["faithful_at"] = {
        each.name: round(each.own_faithful / 100.0, 4) for each in own.angles if each.own_faithful >= 0
    }
    values |= {
        "inputs": inputs,
        "backend": chosen_backend(scene),
        "angles": [values_of(angle) for angle in own.angles],
        "lights": _lights(own),
        "lamps": _lamps(),
        "backdrop": _backdrop(own),
        "light_rig": {option.name: to_setting(option, own.light) for option in LightRig.options},
        "device": _device(),
        "overrides": parameters.to_overrides(scene),
        **budgets(scene),
    }
    if values["backend"] == BackendName.LOCAL:  # its takes would all be the same picture
        values["takes"] = 1
    try:
        return RunSettings.model_validate(values)
    except ValidationError as error:
        at, where, words = first_fault(error)
        field = (at.label if at is not None else "") or " ".join(where).replace("_", " ")
        raise UsageError(f"{field}: {words}" if field else words) from None


def mixed(scene: bpy.types.Scene) -> RunSettings:
    """``to_settings`` with the mix in the lights, as To Scene would have it. Raises UsageError."""
    from ...pipeline.lighting.relit import mixed_into
    from ...pipeline.settings.lighting import PRESETS, light_names

    settings = to_settings(scene)
    known = light_names(PRESETS[settings.studio.lighting])
    mix = {each.name: lights.light_of(each) for each in scene.consistency.mix if each.name in known}
    return settings.model_copy(update={"lights": mixed_into(settings.studio.lights, mix)})


def _lights(own: Any) -> dict[str, Any]:
    """The changes of the panels, and what was done to lamps by hand."""
    found = lights.to_lights(own.lights)
    if names.LIGHTING in bpy.data.collections:  # no more of the studio is imported for an empty scene
        from ...studio.lamps import span
        from ...studio.scene.moved import lights_by_hand

        for name, light in lights_by_hand(own.lighting, *span()).items():
            before = found.get(name, asdict(AS_IT_IS))
            found[name] = before | {"on": before["on"] and light.on, "moved": asdict(light)["moved"]}
    return found


def _lamps() -> dict[str, Any]:
    if names.LIGHTING not in bpy.data.collections:  # no more of the studio is imported for an empty scene
        return {}
    from ...studio.lamps import read_lamps

    return {name: asdict(lamp) for name, lamp in read_lamps().items()}


def _set_lamps(settings: RunSettings) -> None:
    moved = any(light.moved is not None for light in settings.studio.lights.values())
    if settings.studio.lamps or moved or names.LIGHTING in bpy.data.collections:
        from ...studio.lamps import have_only
        from ...studio.lighting import take_back_by_hand

        take_back_by_hand(settings)
        have_only(settings.studio.lamps)


def _backdrop(own: Any) -> str:
    if own.backdrop == "colour":
        return "#" + "".join(f"{round(channel * 255.0):02x}" for channel in own.backdrop_colour)
    return bpy.path.abspath(own.backdrop_file) if own.backdrop == "picture" else own.backdrop


def _set_backdrop(own: Any, backdrop: str) -> None:
    if backdrop.startswith("#"):
        own.backdrop, own.backdrop_colour = "colour", [int(backdrop[i : i + 2], 16) / 255.0 for i in (1, 3, 5)]
    elif is_file(backdrop):
        own.backdrop, own.backdrop_file = "picture", backdrop
    else:
        own.backdrop = backdrop


def _device() -> str:
    own = preferences.preferences()
    return own.device if own is not None else DeviceChoice.AUTO


def budgets(scene: bpy.types.Scene) -> dict[str, float | None]:
    """The limits that hold for this scene's runs, USD; None: no limit."""
    own, shared = scene.consistency, preferences.preferences()
    source = own if own.own_budget or shared is None else shared
    return {each.name: round(getattr(source, each.name, 0.0), 4) or None for each in Money.options}


def from_settings(scene: bpy.types.Scene, settings: RunSettings) -> None:
    """Set the panels to a run's settings; ``to_settings`` gives the same settings back."""
    own = scene.consistency
    with live.paused():
        for option in OPTIONS:
            if option.prop:
                set_property(option, own, option.value_in(settings))
        _inputs(own, settings)
        own.backend = settings.service.backend
        own.about = made_from(settings.inputs.files, settings.inputs.text)
        _set_light(own, settings)
        parameters.from_overrides(scene, settings.service.overrides)
        own.gate_rest = json.dumps(_rest_of_gate(settings))
        own.own_budget = True
    set_angles(scene, settings.studio.angles)
    for angle in own.angles:
        angle.detail_photo = settings.gate.details.get(angle.name, "")
        angle.own_faithful = 100.0 * settings.gate.faithful_at.get(angle.name, -0.01)
    live.light_changed(own, bpy.context)


def set_look(scene: bpy.types.Scene, settings: RunSettings) -> None:
    """Set what of the panels is the look to that of ``settings``."""
    own = scene.consistency
    with live.paused():
        for option in OPTIONS:
            if option.name in look.OPTIONS and option.prop:
                set_property(option, own, option.value_in(settings))
        _set_light(own, settings)
    live.light_changed(own, bpy.context)


def _set_light(own: Any, settings: RunSettings) -> None:
    _set_backdrop(own, settings.studio.backdrop)
    lights.from_lights(own.lights, settings.studio.lights)
    _set_lamps(settings)
    for option in LightRig.options:
        set_property(option, own.light, getattr(settings.studio.light_rig, option.name))


def _rest_of_gate(settings: RunSettings) -> dict[str, Any]:
    """What of the gate has no property, where it is not the default."""
    hidden = (
        option for option in OPTIONS if option.group == "gate" and not option.prop and option.name not in PER_ANGLE
    )
    return {each.name: each.value_in(settings) for each in hidden if each.value_in(settings) != each.default}


def _inputs(own: Any, settings: RunSettings) -> None:
    own.photos.clear()
    if settings.has_own_model:
        own.source, own.file = "FILE", settings.inputs.files[0]
    elif settings.inputs.files:
        own.source = "PHOTOS"
        for path in settings.inputs.files:
            own.photos.add().path = path
    else:
        own.source = "WORDS"
