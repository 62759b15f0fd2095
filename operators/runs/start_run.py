# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a request to a run that can be advanced: folder, studio and backend, put together in one place."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import bpy

from ...pipeline.errors import ConsistencyError
from ...pipeline.settings.choices import BackendName
from ..editing.preferences import no_key, offline
from . import active_run, questions
from .run_request import RunRequest, new_root, prepare, settings_of, unsaved_copy

if TYPE_CHECKING:
    from ...fal_backend.child.questions import Question
    from ...fal_backend.quote import Estimate
    from ...pipeline.backend.ports import Backend
    from ...pipeline.backend.requests import Request
    from ...pipeline.run.run_folder import RunFolder
    from ...pipeline.settings.groups import RunSettings


def estimate(scene: bpy.types.Scene, request: RunRequest) -> Question[Estimate]:
    """What ``request`` would cost, with the prices of today. Yields while fal.ai is asked.

    Raises ConsistencyError with the cure.
    """
    from ...fal_backend import consent

    settings, folder = settings_of(scene, request)
    place = None
    if folder is not None and settings.service.backend != BackendName.LOCAL:
        place = unsaved_copy(folder)
        prepare(place, settings, request)
    costs = yield from consent.estimate(
        settings,
        place,
        lambda endpoints, to_send: questions.prices(need_key(), endpoints, to_send),
        until=request.until,
        send_again=request.send_again,
        retry_failed=request.retry_failed,
    )
    return dataclasses.replace(costs, stays_behind=_stays_behind(settings, place)) if place is not None else costs


def _stays_behind(settings: RunSettings, place: RunFolder) -> str:
    """A clip that was bought is kept where its still is made anew: say so, since it shows the product as it was."""
    from ...pipeline import plan

    if not settings.clip.is_bought or place.chosen(f"video/{settings.clip.motion}") is None:
        return ""
    anew = [name for name in plan.clip_stills(settings) if place.chosen(f"photoreal/{name}") is None]
    if not anew:
        return ""
    if settings.clip.motion.needs_all_stills:
        return f"Pieces of the turn that were bought with the earlier still of {anew[0]} become exact frames; Again under Video buys new ones"
    return f"The clip stays as it was bought, from the earlier still of {anew[0]}; Again under Video buys a new one"


def need_key() -> str:
    """The key. Raises ConsistencyError where fal.ai can't be used, with the cure."""
    from ... import surroundings

    found = surroundings.find_key()
    problem = no_key() or offline()
    if problem is not None or found is None:
        raise ConsistencyError(f"{problem}, or use the backend This Machine")
    return found[0]


def start(scene: bpy.types.Scene, request: RunRequest, prices: dict[str, Any] | None = None) -> active_run.ActiveRun:
    """Open or make the run folder and put the chain on its way. Raises ConsistencyError with the cure."""
    from ... import surroundings
    from ...pipeline.run.preflight import check_place
    from ...pipeline.run.run_folder import RunFolder
    from . import abandoned_runs
    from .scene_studio import SceneStudio, count_undo_steps

    if active_run.is_active():
        raise ConsistencyError("a run is active; wait for it, or cancel it first")
    settings, folder = settings_of(scene, request)
    if folder is None:
        root = new_root(settings)
        check_place(root)
        folder = RunFolder.create(root, settings, surroundings.versions())
        scene.consistency.run_folder = str(root)
    folder.lease.check()
    stale = prepare(folder, settings, request)
    if prices:
        folder.note(prices=prices)
    studio = SceneStudio(folder)
    backend = backend_for(folder, settings, studio, request)
    active_run.current = active_run.ActiveRun(folder, studio, backend, request.until, scene)
    active_run.current.stale = stale
    active_run.current.at_end = _ended
    abandoned_runs.remember(folder.root)
    count_undo_steps(on=True)
    return active_run.current


def _ended() -> None:
    from . import abandoned_runs
    from .scene_studio import count_undo_steps

    count_undo_steps(on=False)
    assert active_run.current is not None
    if not active_run.current.was_left:
        abandoned_runs.forget(active_run.current.folder.root)


def backend_for(folder: RunFolder, settings: RunSettings, studio: Any, request: RunRequest) -> Backend:
    if settings.service.backend == BackendName.LOCAL:
        from ...pipeline.backend.local import LocalBackend

        return LocalBackend(studio, settings)
    from ...fal_backend.backend import FalBackend

    class WindowBackend(FalBackend):
        def start(self, wanted: Request) -> None:
            if switched_off := offline():  # by now; what has been sent is still fetched
                raise ConsistencyError(f"{switched_off}, then press Resume")
            super().start(wanted)

        def close(self) -> None:
            # The command line waits for the child to leave; a window can't, and the child needs nobody.
            self._connection.close(patience=0.0)

    return WindowBackend(
        folder,
        need_key(),
        python_args=tuple(bpy.app.python_args),
        retry_failed=request.retry_failed,
        send_again=request.send_again,
    )
