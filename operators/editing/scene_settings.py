"""The scene's settings to a run's settings, and back ("load these settings")."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import bpy

from . import live, parameters, preferences
from .angles import set_angles, to_angle

if TYPE_CHECKING:
    from ...pipeline.settings import RunSettings

PLAIN = ("allow_missing_textures", "one_scale", "lighting", "backdrop", "shadow", "size", "takes", "image_endpoint", "video_endpoint", "motion", "video_elements", "audio", "private")  # fmt: skip
OPTIONAL_WORDS = ("model_endpoint", "picture_endpoint", "video_angle", "video_end_angle")
BUDGETS = ("budget", "daily_budget", "product_budget")
GATE = {
    "check": "enabled", "retakes": "retakes", "stand_in": "local", "exact": "exact", "restore": "restore", "unsure": "unsure",
}  # fmt: skip
GATE_MADE = {"retake_budget", "details"}  # shown too, in another form
SHARES = ("key", "fill", "rim", "environment", "softness")


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
    from ...pipeline.settings import LightRig, RunSettings

    own = scene.consistency
    backend = chosen_backend(scene)
    light = own.light
    inputs = inputs_of(scene)
    own_product = own.about == made_from(inputs, own.text)
    try:
        return RunSettings(
            inputs=inputs,
            leave_out=_words(own.leave_out) if own.source == "FILE" else (),
            name=own.product_name.strip() if own_product else "",
            turn=tuple(round(math.degrees(angle), 3) + 0.0 for angle in own.turn) if own_product else (0.0, 0.0, 0.0),
            text=own.text.strip() if own.source == "WORDS" else "",
            backend=backend,
            angles=tuple(to_angle(angle) for angle in own.angles),
            light_rig=LightRig(
                **{name: round(getattr(light, name) / 100.0, 4) for name in SHARES},
                temperature=round(light.temperature, 1),
                rotation=max(-360.0, min(360.0, round(math.degrees(light.rotation), 2))),
            ),
            aspect=round(own.aspect, 4),
            samples=own.samples or None,
            device=_device(),
            prompt=own.prompt.strip(),
            materials=_words(own.materials) or None,
            seed=own.seed if own.seed_lock else None,
            overrides=parameters.to_overrides(scene),
            duration=round(own.duration, 2),
            gate=_gate(own),
            **{name: getattr(own, name) for name in PLAIN} | ({"takes": 1} if backend == "local" else {}),
            **{name: getattr(own, name).strip() or None for name in OPTIONAL_WORDS},
            **budgets(scene),
        )
    except ValidationError as error:
        first = error.errors()[0]
        words = first["msg"].removeprefix("Value error, ")
        field = " ".join(str(part) for part in first["loc"]).replace("_", " ")
        raise UsageError(f"{field}: {words}" if field else words) from None


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _gate(own: Any) -> dict[str, Any]:
    shown = {field: getattr(own, name) for name, field in GATE.items()}
    photos = {angle.name: bpy.path.abspath(angle.detail_photo) for angle in own.angles if angle.detail_photo}
    made = {"retake_budget": round(own.retake_budget, 4) or None, "details": photos}
    return {**json.loads(own.gate_rest or "{}"), **shown, **made}


def _device() -> str:
    own = preferences.preferences()
    return own.device if own is not None else "auto"


def budgets(scene: bpy.types.Scene) -> dict[str, float | None]:
    """The limits that hold for this scene's runs, USD; None: no limit."""
    own, shared = scene.consistency, preferences.preferences()
    source = own if own.own_budget or shared is None else shared
    return {name: round(getattr(source, name, 0.0), 4) or None for name in BUDGETS}


def from_settings(scene: bpy.types.Scene, settings: RunSettings) -> None:
    """Set the panels to a run's settings; ``to_settings`` gives the same settings back."""
    own = scene.consistency
    with live.paused():
        _inputs(own, settings)
        own.backend = settings.backend
        own.about = made_from(settings.inputs, settings.text)
        own.product_name, own.turn = settings.name, [math.radians(angle) for angle in settings.turn]
        for name in PLAIN:
            setattr(own, name, getattr(settings, name))
        for name in OPTIONAL_WORDS:
            setattr(own, name, getattr(settings, name) or "")
        for name in SHARES:
            setattr(own.light, name, 100.0 * getattr(settings.light_rig, name))
        own.light.temperature = settings.light_rig.temperature
        own.light.rotation = math.radians(settings.light_rig.rotation)
        own.aspect, own.samples, own.duration = settings.aspect, settings.samples or 0, settings.duration
        own.prompt, own.materials = settings.prompt, ", ".join(settings.materials or ())
        own.seed_lock, own.seed = settings.seed is not None, settings.seed or 0
        parameters.from_overrides(scene, settings.overrides)
        for name, field in GATE.items():
            setattr(own, name, getattr(settings.gate, field))
        own.retake_budget = settings.gate.retake_budget or 0.0
        own.gate_rest = settings.gate.model_dump_json(exclude_defaults=True, exclude={*GATE.values(), *GATE_MADE})
        own.own_budget = True
        for name in BUDGETS:
            setattr(own, name, getattr(settings, name) or 0.0)
    set_angles(scene, [angle.model_dump() for angle in settings.angles])
    for angle in own.angles:
        angle.detail_photo = settings.gate.details.get(angle.name, "")
    live.light_changed(own, bpy.context)


def _inputs(own: Any, settings: RunSettings) -> None:
    own.photos.clear()
    own.text, own.leave_out = settings.text, ", ".join(settings.leave_out)
    if settings.has_own_model:
        own.source, own.file = "FILE", settings.inputs[0]
    elif settings.inputs:
        own.source = "PHOTOS"
        for path in settings.inputs:
            own.photos.add().path = path
    else:
        own.source = "WORDS"
