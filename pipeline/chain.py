"""The whole program in one function: from inputs on disk to results in a .blend.

``run`` yields Progress whenever it has to wait. Two drivers advance it: the command line loops until it ends, the
window calls it from a modal timer. It may be stopped between any two steps and started again on the same folder: each
step first looks whether its file is there, and a purchase is known by its key, so asking again never pays again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from . import model, plan, results
from .disk import copy_file
from .errors import BudgetExceeded, Cancelled, ConsistencyError, TryAgainLater
from .ports import Backend, Product, Results, Shot, Studio
from .requests import Event, Request
from .run_folder import RunFolder
from .settings import RunSettings
from .stages import STAGES, Progress, Stage, Steps

IDLE = 0.1  # seconds the command line blocks for news; a window polls with 0


class Orders:
    """What has been asked of the backend, and the last word on each."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.requests: dict[str, Request] = {}
        self.ended: dict[str, Event] = {}

    def start(self, request: Request) -> None:
        self.requests[request.key] = request
        self.backend.start(request)

    def news(self, wait: float = 0.0) -> Iterator[Progress]:
        """What happened since the last call, as Progress."""
        for event in self.backend.poll(wait):
            request = self.requests.get(event.key)
            if request is None:
                continue
            if event.ends:
                self.ended[event.key] = event
            angle = getattr(request, "angle", None)
            yield Progress(
                request.stage,
                event.text or event.kind,
                event.fraction,
                angle.name if angle else None,
                warning=event.kind == "failed",
            )

    def waiting(self) -> bool:
        return any(key not in self.ended for key in self.requests)

    def done(self, key: str) -> bool:
        return key in self.ended and self.ended[key].kind == "done"

    def failures(self) -> list[Exception]:
        return [event.error or ConsistencyError(event.text) for event in self.ended.values() if event.kind == "failed"]


def run(
    folder: RunFolder, studio: Studio, backend: Backend, wait: float = IDLE, until: Stage = "results"
) -> Steps[dict[str, Any]]:
    """The chain. Returns the report, which is empty where ``until`` ends it before the results.

    Raises the ConsistencyError that says most of what went wrong, after keeping everything that went right.
    """
    settings = folder.settings
    last = STAGES.index(until)
    folder.lease.acquire()
    stage: Stage = "model"
    report: dict[str, Any] = {}
    try:
        yield from _model(folder, settings, studio, backend, wait)
        if last >= STAGES.index("rig"):
            stage = "rig"
            product = yield from _rig(folder, settings, studio)
        if last >= STAGES.index("references"):
            stage = "references"
            orders = Orders(backend)
            work = _Work(folder, settings, studio, product, orders, last)
            yield from _pictures(work)
            stage = "photoreal"
            yield from _until_all_ended(work, wait)
        if last >= STAGES.index("results"):
            stage = "results"
            report = yield from _results(work)
        if last >= STAGES.index("references"):
            _raise_worst(orders.failures())
    except (Exception, GeneratorExit) as error:
        state = "cancelled" if isinstance(error, (GeneratorExit, Cancelled)) else "failed"
        state = "stopped" if isinstance(error, BudgetExceeded) else state
        running = {name for name in STAGES if folder.stage(name)["state"] == "running"} | {stage}
        for name in STAGES:
            if name in running and folder.stage(name)["state"] in ("running", "waiting"):
                folder.mark(name, state, error=str(error) or None)
        raise
    finally:
        studio.close()
        folder.lease.release()
    return report


@dataclass
class _Work:
    """What the later stages share."""

    folder: RunFolder
    settings: RunSettings
    studio: Studio
    product: Product
    orders: Orders
    last: int  # index in STAGES of the last stage wanted
    shots: dict[str, Shot] = field(default_factory=dict)

    def wants(self, stage: Stage) -> bool:
        return self.last >= STAGES.index(stage)


# model


def _model(folder: RunFolder, settings: RunSettings, studio: Studio, backend: Backend, wait: float) -> Steps[None]:
    if folder.product_source.is_file() and folder.stage("model")["state"] in ("done", "skipped"):
        return
    folder.mark("model", "running")
    inputs = folder.copied_photos() or [Path(name) for name in settings.inputs]
    route = model.classify(inputs, settings.text)
    if route == "own":
        yield Progress("model", f"taking {inputs[0].name} as it is")
        if inputs[0].suffix.lower() == ".blend":
            model.check_own(inputs[0])
            yield from studio.take_blend(inputs[0], folder.product.with_suffix(".blend"))
        else:
            model.take_own(inputs[0], folder.product.parent)
        folder.mark("model", "skipped", source=str(inputs[0]))
        return
    photos = []
    for number, photo in enumerate(inputs, start=1):
        copied = folder.photo(number, photo)
        copy_file(photo, copied)
        photos.append(copied)
    if not photos and settings.picture_endpoint is not None:
        came = yield from _buy(Orders(backend), plan.picture_request(folder, settings), folder, wait)
        photos.append(came)
    yield from _buy(Orders(backend), plan.model_request(folder, settings, photos), folder, wait)
    folder.mark("model", "done")


def _buy(orders: Orders, request: Request, folder: RunFolder, wait: float) -> Steps[Path]:
    """Ask for one thing and wait for it; its file. Raises what made it fail."""
    orders.start(request)
    while orders.waiting():
        yield from orders.news(wait)
        folder.lease.renew()
        yield Progress(request.stage, "waiting")
    _raise_worst(orders.failures())
    return orders.ended[request.key].path or request.out


# rig


def _rig(folder: RunFolder, settings: RunSettings, studio: Studio) -> Steps[Product]:
    folder.mark("rig", "running")
    product = yield from studio.load_product(folder.product_source)
    product = replace(product, name=settings.product_name or product.name)
    if not folder.product.is_file():  # a .blend of one's own stays what is rendered; the GLB is for everybody else
        yield from studio.export_product(folder.product)
    for note in product.notes:
        yield Progress("rig", note)
    yield from studio.place_rig(settings)
    folder.mark("rig", "done", product=product.name, size_m=list(product.size), materials=list(product.materials))
    return product


# references, and the purchases that follow each of them at once


def _pictures(work: _Work) -> Steps[None]:
    """Render each angle and send it on its way while the next one renders.

    The clip's angle goes first: its clip is the longest wait of the run.
    """
    folder, settings = work.folder, work.settings
    folder.mark("references", "running")
    first = settings.clip_angle if settings.motion != "none" else settings.angles[0]
    shots: dict[str, Shot] = {}
    for angle in sorted(settings.angles, key=lambda angle: angle.name != first.name):
        shot = folder.shot(angle.name)
        if shot is None:
            shot = yield from work.studio.render_reference(angle, settings, folder.references)
            folder.keep_shot(shot)
        shots[angle.name] = shot
        work.shots = {each.name: shots[each.name] for each in settings.angles if each.name in shots}
        folder.lease.renew()
        folder.note(device=shot.device)
        if work.wants("photoreal"):
            if folder.stage("photoreal")["state"] != "running":
                folder.mark("photoreal", "running")
            for request in plan.still_requests(folder, settings, work.product, angle, shot.files):
                work.orders.start(request)
        if not work.orders.backend.renders:  # Blender renders one thing at a time
            yield from _advance(work, 0.0)
    folder.mark("references", "done")


def _advance(work: _Work, wait: float) -> Steps[None]:
    """Take in what has happened; choose finished takes; start the clip as soon as its stills are there."""
    folder, settings, orders = work.folder, work.settings, work.orders
    yield from orders.news(wait)
    folder.lease.renew()
    if not work.wants("photoreal"):
        return
    for key, event in orders.ended.items():
        out = orders.requests[key].out
        if event.path is not None and event.path.suffix != out.suffix and not out.exists():
            yield from work.studio.convert_picture(event.path, out)
    for name in work.shots:
        _choose(work, f"photoreal/{name}", plan.still_keys(folder, settings, name))
    if settings.motion == "none" or not work.wants("video"):
        return
    clip = plan.clip_request(folder, settings, work.product)
    if clip.key in orders.requests:
        _choose(work, f"video/{settings.motion}", {folder.first_take(f"video/{settings.motion}"): clip.key})
    elif all(name in work.shots and _stills_ended(work, name) for name in plan.clip_stills(settings)):
        folder.mark("video", "running")
        orders.start(clip)
        yield Progress("video", f"{settings.motion} from {settings.clip_angle.name}", 0.0, settings.clip_angle.name)


def _stills_ended(work: _Work, angle: str) -> bool:
    """All takes of an angle have ended, and one of them well."""
    keys = plan.still_keys(work.folder, work.settings, angle).values()
    return all(key in work.orders.ended for key in keys) and work.folder.chosen(f"photoreal/{angle}") is not None


def _choose(work: _Work, subject: str, keys: dict[int, str]) -> None:
    """The first finished take of the current round is shown, unless one was chosen before."""
    if work.folder.chosen(subject) is None:
        for take, key in keys.items():
            if work.orders.done(key):
                work.folder.choose(subject, take)
                return


def _until_all_ended(work: _Work, wait: float) -> Steps[None]:
    orders = work.orders
    yield from _advance(work, 0.0)
    while orders.waiting():
        yield from _advance(work, wait)
        ended = sum(key in orders.ended for key in orders.requests)
        yield Progress("photoreal", "waiting", ended / len(orders.requests))
    for stage in ("photoreal", "video"):
        keys = [key for key, request in orders.requests.items() if request.stage == stage]
        failed = [orders.ended[key] for key in keys if orders.ended[key].kind == "failed"]
        if failed:
            stopped = any(isinstance(event.error, BudgetExceeded) for event in failed)
            work.folder.mark(stage, "stopped" if stopped else "failed", error=failed[0].text)
        elif keys:
            work.folder.mark(stage, "done")
        elif stage == "video" and work.wants("video"):
            no_clip = work.settings.motion == "none"
            work.folder.mark(
                stage, "skipped" if no_clip else "failed", **({} if no_clip else {"error": "its stills failed"})
            )


def _raise_worst(failures: list[Exception]) -> None:
    """Raise the failure that says most: a limit, then a real error, then something that passes by itself."""

    def rank(error: Exception) -> int:
        if isinstance(error, Cancelled):
            return 0
        if isinstance(error, BudgetExceeded):
            return 1
        return 3 if isinstance(error, TryAgainLater) else 2

    if failures:
        raise min(failures, key=rank)


# results


def _results(work: _Work) -> Steps[dict[str, Any]]:
    folder, settings, orders = work.folder, work.settings, work.orders
    folder.mark("results", "running")
    report = results.build_report(folder, settings, work.product, orders.requests, orders.ended, work.shots)
    clip = folder.clip(settings.motion)
    yield from work.studio.save_results(
        Results(
            shots=work.shots,
            stills={name: folder.still(name) for name in work.shots if folder.still(name).is_file()},
            clips={settings.motion: clip} if clip.is_file() else {},
            backend=settings.backend,
            report=report,
        ),
        settings,
        folder.root,
    )
    folder.mark("results", "done")
    return report
