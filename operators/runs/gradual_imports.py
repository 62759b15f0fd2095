"""Imports what a run needs, one module at a time, while the artist still looks at the panel: all at once would be felt."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import bpy

from ... import __package__ as base_package

PAUSE = 0.02  # seconds between two imports
# A module before those that import it, so that each step is short.
FOREIGN = (
    "pydantic_core.core_schema",
    "pydantic.warnings",
    "pydantic._internal._decorators",
    "pydantic.functional_validators",
    "pydantic.json_schema",
    "annotated_types",
    "pydantic._internal._generate_schema",
    "pydantic.types",
    "pydantic.main",
    "pydantic",
)
OWN = (
    "pipeline.rig", "pipeline.settings", "pipeline.backend.requests", "pipeline.backend.ports", "pipeline.run.journal", "pipeline.run.run_folder",
    "pipeline.photoreal", "pipeline.plan", "operators.display.follow", "pipeline.gate.scoring.verdict", "pipeline.gate.scoring.ladder",
    "pipeline.money.spending", "pipeline.gate.acceptance", "pipeline.run.preflight", "pipeline.money.ledger", "pipeline.backend.local",
    "pipeline.run.outlook", "pipeline.chain", "studio.files.model_files", "studio.model", "studio.orientation", "studio.export", "studio.scene.fingerprint", "studio.lighting", "studio.scene.backdrop",
    "studio.scene.preferences", "studio.rig", "studio.rendering.render_scene", "studio.references", "studio.rendering.framing_check", "studio.photoreal", "studio.video", "studio.rendering.contact_sheet",
    "studio.results", "studio.rendering.devices", "operators.runs.scene_studio", "operators.runs.start_run", "command_line",
    "fal_backend.endpoints.base", "fal_backend.endpoints.meshy", "fal_backend.endpoints.flux_text",
    "fal_backend.endpoints.flux_kontext", "fal_backend.endpoints.flux_2", "fal_backend.endpoints.google",
    "fal_backend.endpoints.bytedance", "fal_backend.endpoints.openai", "fal_backend.endpoints.qwen",
    "fal_backend.endpoints.flux_control", "fal_backend.endpoints.kling", "fal_backend.endpoints.veo",
    "fal_backend.endpoints.catalogue",
    "fal_backend.buying.purchase", "fal_backend.arguments", "fal_backend.quote", "fal_backend.consent", "fal_backend.backend",
)  # fmt: skip

_steps: Iterator[None] | None = None
_begun = _done = False


def _imports() -> Iterator[None]:
    for name in (*FOREIGN, *(f"{base_package}.{name}" for name in OWN)):
        import_module(name)
        yield


def advance() -> bool:
    """Import the next module. False once there is none left."""
    global _steps, _done
    if _steps is None:
        _steps = _imports()
    _done = _done or next(_steps, "none left") is not None
    return not _done


def is_ready() -> bool:
    """Nothing would have to be imported now; in background nobody feels it."""
    return _done or bpy.app.background


def begin() -> None:
    """Import in the pauses from now on; free of cost where that has begun."""
    global _begun
    if not _begun and not bpy.app.background:
        _begun = True
        bpy.app.timers.register(_tick, first_interval=0.5)


def _tick() -> float | None:
    if advance():
        return PAUSE
    from ..editing import live

    live.prompt_changed(bpy.context.scene, bpy.context)
    return None


def unregister() -> None:
    global _begun
    _begun = False
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
