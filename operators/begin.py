"""From a wish to a drive that can be advanced: folder, studio and backend, put together in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ..pipeline.errors import ConsistencyError
from . import asking, drive, left_behind, reasons, wish

if TYPE_CHECKING:
    from ..fal_backend.quote import Estimate
    from ..pipeline.ports import Backend
    from ..pipeline.requests import Request
    from ..pipeline.run_folder import RunFolder
    from ..pipeline.settings import RunSettings


def estimate(scene: bpy.types.Scene, wanted: wish.Wish) -> asking.Asking:
    """What the wish would cost: an ``Estimate`` of the stages it asks for, with the prices of today. Yields while fal.ai
    is asked. Raises ConsistencyError with the cure."""
    settings, folder = wish.settings_of(scene, wanted)
    from ..fal_backend import quote

    if settings.backend == "local":
        return quote.Estimate((), (), {})
    place = None
    if folder is not None:
        place = wish.draft(folder)
        wish.arrange(place, settings, wanted)
    prices = yield from asking.prices(need_key(), quote.endpoints(settings, place))
    again = {"retry_failed": wanted.retry_failed, "send_again": wanted.send_again}
    return _until(quote.estimate(settings, prices, place, **again), wanted)


def check_limits(scene: bpy.types.Scene, costs: Estimate) -> None:
    """Raises BudgetExceeded where a limit is set that can't be kept."""
    from ..fal_backend import quote
    from .scene_settings import to_settings

    quote.check_limits(costs, to_settings(scene))


def _until(whole: Estimate, wanted: wish.Wish) -> Estimate:
    """Only what stages up to the wish's last one cost."""
    import dataclasses

    from ..pipeline.stages import STAGES

    reached = STAGES[: STAGES.index(wanted.until) + 1]
    lines = tuple(line for line in whole.lines if line.stage in reached)
    if "photoreal" in reached:
        return dataclasses.replace(whole, lines=lines)
    return dataclasses.replace(whole, lines=lines, retakes=0.0, unknown_retakes=())


def need_key() -> str:
    """The key. Raises ConsistencyError where fal.ai can't be used, with the cure."""
    from .. import command_line

    found = command_line.find_key()
    problem = reasons.no_key() or reasons.offline()
    if problem is not None or found is None:
        raise ConsistencyError(f"{problem}, or use the backend This Machine")
    return found[0]


def start(scene: bpy.types.Scene, wanted: wish.Wish, prices: dict[str, Any] | None = None) -> drive.Drive:
    """Open or make the run folder and put the chain on its way. Raises ConsistencyError with the cure."""
    from .. import command_line
    from ..pipeline.preflight import check_place
    from ..pipeline.run_folder import RunFolder
    from ..pipeline.spending import SpendingBook
    from .in_scene import SceneStudio, watch_undo

    if drive.is_active():
        raise ConsistencyError("a run is active; wait for it, or cancel it first")
    settings, folder = wish.settings_of(scene, wanted)
    if settings.backend == "fal":
        SpendingBook().check()
    if folder is None:
        root = wish.new_root(settings)
        check_place(root)
        folder = RunFolder.create(root, settings, command_line.versions())
        scene.consistency.run_folder = str(root)
    folder.lease.check()
    stale = wish.arrange(folder, settings, wanted)
    if prices:
        folder.note(prices=prices)
    studio = SceneStudio(folder)
    backend = _backend(folder, settings, studio, wanted)
    drive.current = drive.Drive(folder, studio, backend, wanted.until, scene)
    drive.current.stale = stale
    drive.current.at_end = _ended
    left_behind.remember(folder.root)
    watch_undo(on=True)
    return drive.current


def _ended() -> None:
    from .in_scene import watch_undo

    watch_undo(on=False)
    assert drive.current is not None
    if not drive.current.was_left:
        left_behind.forget(drive.current.folder.root)


def _backend(folder: RunFolder, settings: RunSettings, studio: Any, wanted: wish.Wish) -> Backend:
    if settings.backend == "local":
        from ..pipeline.local_backend import LocalBackend

        return LocalBackend(studio, settings)
    from ..fal_backend.backend import FalBackend

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
