"""From a wish to a drive that can be advanced: folder, studio and backend, put together in one place."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import bpy

from ...pipeline.errors import ConsistencyError
from ..display import reasons
from . import abandoned_runs, active_run, questions, run_request

if TYPE_CHECKING:
    from ...fal_backend.quote import Estimate
    from ...pipeline.backend.ports import Backend
    from ...pipeline.backend.requests import Request
    from ...pipeline.run.run_folder import RunFolder
    from ...pipeline.settings import RunSettings


def estimate(scene: bpy.types.Scene, wanted: run_request.RunRequest) -> questions.Asking:
    """What the wish would cost: an ``Estimate`` of the stages it asks for, with the prices of today. Yields while fal.ai
    is asked. Raises ConsistencyError with the cure."""
    settings, folder = run_request.settings_of(scene, wanted)
    from ...fal_backend import quote

    if settings.service.backend == "local":
        return quote.Estimate((), (), {})
    place = None
    if folder is not None:
        place = run_request.draft(folder)
        run_request.arrange(place, settings, wanted)
    prices = yield from questions.prices(need_key(), quote.endpoints(settings, place))
    again = {"retry_failed": wanted.retry_failed, "send_again": wanted.send_again}
    costs = _until(quote.estimate(settings, prices, place, **again), wanted)
    return dataclasses.replace(costs, stays_behind=_stays_behind(settings, place)) if place is not None else costs


def _stays_behind(settings: RunSettings, place: RunFolder) -> str:
    """A clip that was bought is kept where its still is made anew: say so, since it shows the product as it was."""
    from ...pipeline import plan

    if settings.clip.motion == "none" or place.chosen(f"video/{settings.clip.motion}") is None:
        return ""
    anew = [name for name in plan.clip_stills(settings) if place.chosen(f"photoreal/{name}") is None]
    if not anew:
        return ""
    return f"The clip stays as it was bought, from the earlier still of {anew[0]}; Again under Video buys a new one"


def check_limits(scene: bpy.types.Scene, costs: Estimate) -> None:
    """Raises BudgetExceeded where a limit is set that can't be kept."""
    from ...fal_backend import quote
    from ..editing.scene_settings import to_settings

    quote.check_limits(costs, to_settings(scene))


def _until(whole: Estimate, wanted: run_request.RunRequest) -> Estimate:
    """Only what stages up to the wish's last one cost."""
    from ...pipeline.stages import STAGES

    reached = STAGES[: STAGES.index(wanted.until) + 1]
    lines = tuple(line for line in whole.lines if line.stage in reached)
    if "photoreal" in reached:
        return dataclasses.replace(whole, lines=lines)
    return dataclasses.replace(whole, lines=lines, retakes=0.0, unknown_retakes=())


def need_key() -> str:
    """The key. Raises ConsistencyError where fal.ai can't be used, with the cure."""
    from ... import command_line

    found = command_line.find_key()
    problem = reasons.no_key() or reasons.offline()
    if problem is not None or found is None:
        raise ConsistencyError(f"{problem}, or use the backend This Machine")
    return found[0]


def start(
    scene: bpy.types.Scene, wanted: run_request.RunRequest, prices: dict[str, Any] | None = None
) -> active_run.ActiveRun:
    """Open or make the run folder and put the chain on its way. Raises ConsistencyError with the cure."""
    from ... import command_line
    from ...pipeline.money.spending import SpendingBook
    from ...pipeline.run.preflight import check_place
    from ...pipeline.run.run_folder import RunFolder
    from .scene_studio import SceneStudio, watch_undo

    if active_run.is_active():
        raise ConsistencyError("a run is active; wait for it, or cancel it first")
    settings, folder = run_request.settings_of(scene, wanted)
    if settings.service.backend == "fal":
        SpendingBook().check()
    if folder is None:
        root = run_request.new_root(settings)
        check_place(root)
        folder = RunFolder.create(root, settings, command_line.versions())
        scene.consistency.run_folder = str(root)
    folder.lease.check()
    stale = run_request.arrange(folder, settings, wanted)
    if prices:
        folder.note(prices=prices)
    studio = SceneStudio(folder)
    backend = _backend(folder, settings, studio, wanted)
    active_run.current = active_run.ActiveRun(folder, studio, backend, wanted.until, scene)
    active_run.current.stale = stale
    active_run.current.at_end = _ended
    abandoned_runs.remember(folder.root)
    watch_undo(on=True)
    return active_run.current


def _ended() -> None:
    from .scene_studio import watch_undo

    watch_undo(on=False)
    assert active_run.current is not None
    if not active_run.current.was_left:
        abandoned_runs.forget(active_run.current.folder.root)


def _backend(folder: RunFolder, settings: RunSettings, studio: Any, wanted: run_request.RunRequest) -> Backend:
    if settings.service.backend == "local":
        from ...pipeline.backend.local import LocalBackend

        return LocalBackend(studio, settings)
    from ...fal_backend.backend import FalBackend

    class WindowBackend(FalBackend):
        def start(self, request: Request) -> None:
            if offline := reasons.offline():  # by now; what has been sent is still fetched
                raise ConsistencyError(f"{offline}, then press Resume")
            super().start(request)

        def close(self) -> None:
            # The command line waits for the child to leave; a window can't, and the child needs nobody.
            self._connection.close(patience=0.0)

    return WindowBackend(
        folder,
        need_key(),
        python_args=tuple(bpy.app.python_args),
        retry_failed=wanted.retry_failed,
        send_again=wanted.send_again,
    )
