# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole program in one function: from inputs on disk to results in a .blend.

``run`` yields Progress whenever it has to wait. Two drivers advance it: the command line loops until it ends, the
window calls it from a modal timer. It may be stopped between any two steps and started again on the same folder: each
step first looks whether its file is there, and a purchase is known by its key, so asking again never pays again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from . import anchored, model, plan, results
from .backend.beside import Beside
from .backend.local import LocalBackend
from .backend.open_requests import OpenRequests
from .backend.ports import Backend, Product, Results, Shot, Studio, Task
from .backend.requests import ClipRequest, Piece, Request
from .errors import STOPS, BadInput, BadRender, BudgetExceeded, Cancelled, ConsistencyError, TryAgainLater
from .gate.acceptance import Acceptance
from .gate.cross_checks import compare_tints, follow_clip
from .look import lenders as look
from .rig import Angle
from .run.run_folder import RunFolder
from .run.run_log import log_of
from .settings.choices import BackendName, MotionName
from .settings.groups import RunSettings
from .stages import STAGES, Progress, Stage, StageState, Steps
from .system.disk import copy_file
from .video import frames_of
from .wording.text_table import usd

logger = logging.getLogger(__name__)
IDLE = 0.1  # seconds the command line blocks for news; a window polls with 0


def run(
    folder: RunFolder, studio: Studio, backend: Backend, wait: float = IDLE, until: Stage = Stage.RESULTS
) -> Steps[results.Report]:
    """The chain. Returns the report, which is empty where ``until`` ends it before the results.

    Raises the ConsistencyError that says most of what went wrong, after keeping everything that went right.
    """
    with log_of(folder.root):
        began = time.monotonic()
        logger.info("run of %s until %s: %s", backend.name, until, folder.versions)
        logger.info("settings: %s", folder.settings.model_dump_json())
        try:
            report = yield from _run(folder, studio, backend, wait, until)
        except (GeneratorExit, Cancelled) as error:
            logger.info("left after %.1f s: %s", time.monotonic() - began, error or "the window or the process went")
            raise
        except Exception:
            logger.exception("failed after %.1f s", time.monotonic() - began)
            raise
        logger.info("done after %.1f s", time.monotonic() - began)
        return report


def _run(folder: RunFolder, studio: Studio, backend: Backend, wait: float, until: Stage) -> Steps[results.Report]:
    settings = folder.settings
    last = STAGES.index(until)
    folder.lease.acquire()
    stage: Stage = Stage.MODEL
    report: results.Report = {}
    try:
        folder.have_journal()  # runs of earlier versions had one only where something was paid for
        yield from _model(folder, settings, studio, backend, wait)
        if last >= STAGES.index(Stage.RIG):
            stage = Stage.RIG
            settings = folder.copied_light(settings)
            product, settings = yield from _rig(folder, settings, studio)
        if last >= STAGES.index(Stage.REFERENCES):
            stage = Stage.REFERENCES
            open_requests = OpenRequests(Beside(backend, LocalBackend(studio, settings)))
            work = _Work(folder, settings, studio, product, open_requests, last)
            yield from _pictures(work)
            stage = Stage.PHOTOREAL
            yield from _until_all_ended(work, wait)
        if last >= STAGES.index(Stage.RESULTS):
            if not any(folder.still(name).is_file() for name in work.shots):  # results of nothing help nobody
                _raise_worst([*open_requests.failures(), *work.refusals])
            stage = Stage.RESULTS
            report = yield from _results(work)
        if last >= STAGES.index(Stage.REFERENCES):
            _raise_worst([*open_requests.failures(), *work.refusals])
    except (Exception, GeneratorExit) as error:
        state = StageState.CANCELLED if isinstance(error, GeneratorExit) else _how_it_ended([error])
        running = {name for name in STAGES if folder.stage(name).state == StageState.RUNNING} | {stage}
        for name in STAGES:
            if name in running and folder.stage(name).state in (StageState.RUNNING, StageState.WAITING):
                if name == Stage.PHOTOREAL and all(
                    folder.chosen(f"photoreal/{angle.name}") for angle in settings.studio.angles
                ):
                    folder.mark(name, StageState.DONE)  # only the clip was still to come
                else:
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
    open_requests: OpenRequests
    last: int  # index in STAGES of the last stage wanted
    shots: dict[str, Shot] = field(default_factory=dict)
    clip: ClipRequest | None = None  # an exact one, once it is asked for
    refusals: list[Exception] = field(default_factory=list)  # why something that was asked for was not bought
    undrawn: Exception | None = None  # why the clip that a model is to follow could not be rendered

    def __post_init__(self) -> None:
        self.acceptance = Acceptance(self.folder, self.settings, self.product, self.studio, self.open_requests)

    def wants(self, stage: Stage) -> bool:
        return self.last >= STAGES.index(stage)


# model


def _model(folder: RunFolder, settings: RunSettings, studio: Studio, backend: Backend, wait: float) -> Steps[None]:
    if folder.product_source.is_file() and folder.stage(Stage.MODEL).is_over:
        return
    folder.mark(Stage.MODEL, StageState.RUNNING)
    inputs = folder.copied_photos() or [Path(name) for name in settings.inputs.files]
    route = model.classify(inputs, settings.inputs.text)
    if route == model.Route.OWN:
        yield Progress(Stage.MODEL, f"taking {inputs[0].name} as it is")
        if inputs[0].suffix.lower() == ".blend":
            model.check_own(inputs[0])
            yield from studio.take_blend(inputs[0], folder.product.with_suffix(".blend"))
        else:
            model.take_own(inputs[0], folder.product.parent, settings.inputs.variant)
        folder.mark(Stage.MODEL, StageState.SKIPPED, source=str(inputs[0]))
        return
    photos = []
    for number, photo in enumerate(inputs, start=1):
        copied = folder.photo(number, photo)
        copy_file(photo, copied)
        photos.append(copied)
    if not photos and settings.inputs.picture_endpoint is not None:
        came = yield from _buy(OpenRequests(backend), plan.picture_request(folder, settings), folder, wait)
        photos.append(came)
    yield from _buy(OpenRequests(backend), plan.model_request(folder, settings, photos), folder, wait)
    if settings.inputs.retexture_endpoint is not None:
        yield from _buy(OpenRequests(backend), plan.texture_request(folder, settings, photos), folder, wait)
    folder.mark(Stage.MODEL, StageState.DONE)


def _buy(open_requests: OpenRequests, request: Request, folder: RunFolder, wait: float) -> Steps[Path]:
    """Ask for one thing and wait for it; its file. Raises what made it fail."""
    open_requests.start(request)
    while open_requests.waiting():
        yield from open_requests.news(wait)
        folder.lease.renew()
        yield Progress(request.stage, "waiting", idle=True)
    _raise_worst(open_requests.failures())
    return open_requests.ended[request.key].path or request.out


# rig


def _rig(folder: RunFolder, settings: RunSettings, studio: Studio) -> Steps[tuple[Product, RunSettings]]:
    """The product as it stands, and the settings with the further angles that its shape asks for, where some are wanted."""
    folder.mark(Stage.RIG, StageState.RUNNING)
    try:
        product = yield from studio.load_product(folder.product_source)
    except BadInput as error:
        raise _in_own_words(error, folder, settings) from error
    product = replace(product, name=settings.inputs.name or settings.product_name or product.name)
    if not folder.product.is_file():  # a .blend of one's own stays what is rendered; the GLB is for everybody else
        try:
            yield from studio.export_product(folder.product)
        except ConsistencyError as error:
            yield Progress(Stage.RIG, f"{error}. The pictures are made all the same", warning=True)
    for note in product.notes:
        yield Progress(Stage.RIG, note)
    settings = yield from _with_further_angles(folder, settings, studio)
    yield from studio.place_rig(settings)
    folder.mark(
        Stage.RIG,
        StageState.DONE,
        product=product.name,
        size_m=list(product.size),
        materials=list(product.materials),
        reflective=product.reflective,
        notes=list(product.notes),
    )
    return product, settings


def _with_further_angles(folder: RunFolder, settings: RunSettings, studio: Studio) -> Steps[RunSettings]:
    """As many further angles as are wanted, or fewer where those show all there is to see. They are the run's own from then on."""
    most = settings.stills.cover
    if not most or settings.service.backend == BackendName.LOCAL:
        return settings
    looking = Progress(Stage.RIG, "looking which further angles see what the others don't")
    angles = [asdict(angle) for angle in settings.studio.angles]
    try:
        found = yield from studio.inspect(Task.COVERAGE, looking, angles=angles, most=most)
    except ConsistencyError as error:
        if isinstance(error, STOPS):
            raise
        yield Progress(Stage.RIG, f"no further angle was looked for: {error}", warning=True)
        return settings
    there = {angle.name for angle in settings.studio.angles}
    further = [
        Angle(name=each["angle"], azimuth=each["azimuth"], elevation=each["elevation"])
        for each in found["further"][:most]
        if each["angle"] not in there
    ]
    chosen = {"angles": [*settings.studio.angles, *further], "cover": 0}
    folder.settings = folder.settings.model_copy(update=chosen)
    for angle, each in zip(further, found["further"], strict=False):
        place = f"azimuth {angle.azimuth:g}°, elevation {angle.elevation:g}°"
        yield Progress(
            Stage.RIG, f"{place}: a further angle, with which the stills see {each['seen']:.0%}", None, angle.name
        )
    if not further:
        yield Progress(Stage.RIG, "no further angle shows more of the surface")
    return settings.model_copy(update=chosen)


def _in_own_words(error: ConsistencyError, folder: RunFolder, settings: RunSettings) -> ConsistencyError:
    """The same error, with the name that the user knows in place of the run's own, or before it."""
    own = next(iter(settings.inputs.files), "")
    if not model.is_model(own):
        return error
    name, text = Path(own).name, str(error)
    text = text.replace(folder.product_source.name, name)
    return type(error)(text if name in text or Path(own).stem in text else f"{name}: {text}")


# references, and the purchases that follow each of them at once


def _pictures(work: _Work) -> Steps[None]:
    """Render each angle and send it on its way while the next one renders.

    Where fal.ai makes the clip, its angle goes first: it is the longest wait of the run.
    """
    folder, settings = work.folder, work.settings
    folder.mark(Stage.REFERENCES, StageState.RUNNING)
    waits = settings.clip.is_bought and not work.open_requests.backend.renders
    first = settings.clip_angle if waits else settings.studio.angles[0]
    shots: dict[str, Shot] = {}
    for angle in sorted(settings.studio.angles, key=lambda angle: angle.name != first.name):
        shot = folder.shot(angle.name)
        is_new = shot is None
        if shot is None:
            try:
                shot = yield from work.studio.render_reference(angle, settings, folder.references)
            except BadRender as error:
                raise _in_own_words(error, folder, settings) from error
            device, seconds = shot.device, shot.seconds
            logger.info("%s: rendered on %s with %s samples in %.1f s", angle.name, device, shot.samples, seconds)
        with folder.together():
            if is_new:
                folder.keep_shot(shot)
            if shot.device != folder.device:
                folder.note(device=shot.device)
            if work.wants(Stage.PHOTOREAL) and folder.stage(Stage.PHOTOREAL).state != StageState.RUNNING:
                folder.mark(Stage.PHOTOREAL, StageState.RUNNING)
        shots[angle.name] = shot
        work.shots = {each.name: shots[each.name] for each in settings.studio.angles if each.name in shots}
        folder.lease.renew()
        if work.wants(Stage.PHOTOREAL):
            for request in plan.still_requests(folder, settings, work.product, angle, shot.files):
                work.open_requests.start(request)
        if not work.open_requests.backend.renders:  # Blender renders one thing at a time
            yield from _advance(work, 0.0)
    folder.mark(Stage.REFERENCES, StageState.DONE)


def _advance(work: _Work, wait: float) -> Steps[None]:
    """Take in what has happened; choose finished takes; start the clip as soon as its stills are there."""
    folder, settings, open_requests = work.folder, work.settings, work.open_requests
    yield from open_requests.news(wait)
    folder.lease.renew()
    if not work.wants(Stage.PHOTOREAL):
        return
    for key, event in open_requests.ended.items():
        out = open_requests.requests[key].out
        if event.path is not None and event.path.suffix != out.suffix and not out.exists():
            yield from work.studio.convert_picture(event.path, out)
    for name, shot in work.shots.items():
        yield from work.acceptance.advance(settings.angle(name), shot)
    if settings.clip.motion == MotionName.NONE or not work.wants(Stage.VIDEO):
        return
    if settings.clip.motion.needs_all_stills or open_requests.backend.renders:
        yield from _exact_clip(work)
    else:
        yield from _bought_clip(work)


def _bought_clip(work: _Work) -> Steps[None]:
    """As soon as the stills that it shows are there."""
    folder, settings, open_requests = work.folder, work.settings, work.open_requests
    clip = plan.clip_request(folder, settings, work.product)
    if clip.key in open_requests.requests:
        subject = f"video/{settings.clip.motion}"
        if open_requests.done(clip.key) and folder.chosen(subject) is None:
            folder.choose(subject, folder.first_take(subject))
    elif all(name in work.shots and _may_be_shown(work, name) for name in plan.clip_stills(settings)):
        if work.undrawn is not None:
            return
        folder.mark(Stage.VIDEO, StageState.RUNNING)
        try:
            yield from _draw_clip(work, clip)
        except STOPS:
            raise
        except ConsistencyError as error:  # the stills are none the worse for it
            work.undrawn = error
            return
        open_requests.start(clip)
        why = ", the longest that mirror-like products get" if clip.duration < settings.clip.duration else ""
        text = f"{settings.clip.motion} from {settings.clip_angle.name}, {clip.duration:g} s{why}"
        yield Progress(Stage.VIDEO, text, 0.0, settings.clip_angle.name)


def _draw_clip(work: _Work, clip: ClipRequest) -> Steps[None]:
    """Render what the clip's model is to follow, where it follows anything; a render that is there serves."""
    kind = work.open_requests.backend.follows(clip.endpoint)
    if not kind:
        return
    out, reference = clip.drawn[kind], work.shots[clip.angle.name].files["image"]
    if out.is_file() and out.stat().st_mtime >= reference.stat().st_mtime:
        return
    yield Progress(Stage.VIDEO, f"rendering the {kind} clip that the model is to follow", 0.0, clip.angle.name)
    frames = frames_of(clip.duration)
    yield from work.studio.render_turntable(clip.angle, work.settings, out, kind, frames)


def _exact_clip(work: _Work) -> Steps[None]:
    """Once every still is settled: the true model moves, with the look of those that are on model; or a turn is stitched of
    bought pieces and such frames.

    It is made anew where a still, or what the references show, is another by now: that costs nothing but time.
    """
    folder, settings, open_requests = work.folder, work.settings, work.open_requests
    subject = f"video/{settings.clip.motion}"
    if work.clip is not None:
        if open_requests.done(work.clip.key) and folder.chosen(subject) is None:
            folder.choose(subject, folder.first_take(subject))
            folder.note(look={"made_of": look.fingerprint(work.clip, settings)})
        return
    names = [angle.name for angle in settings.studio.angles]
    if not (set(names) <= set(work.shots) and work.acceptance.all_settled(names)) or _tints_are_due(work):
        return
    pieces: tuple[Piece, ...] = ()
    if settings.clip.motion == MotionName.ANCHORED_TURNTABLE:
        found = yield from anchored.pieces(work.acceptance, work.shots)
        if found is None:
            return
        pieces = found
    lend, why = look.lenders(work.acceptance.record, work.shots)
    clip = replace(look.with_look(plan.clip_request(folder, settings, work.product), lend, work.shots), pieces=pieces)
    made_of = folder.look.get("made_of")
    is_stale = made_of != look.fingerprint(clip, settings) and (
        made_of is not None or settings.clip.motion.needs_all_stills
    )
    if folder.chosen(subject) is not None and is_stale:
        folder.new_round(subject)
        anew = plan.clip_request(folder, settings, work.product)
        clip = replace(clip, key=anew.key, out=anew.out)
    for name, reason in why.items():
        yield Progress(Stage.VIDEO, f"the still lends nothing to the clip: {reason}", None, name, warning=True)
    folder.mark(Stage.VIDEO, StageState.RUNNING)
    if lend and not pieces:
        yield from _say_what_is_seen(work, [each.angle for each in lend])
    work.clip = clip
    open_requests.start(clip)
    text = f"with the look of {', '.join(each.angle for each in lend)}" if lend else "the render's own frames"
    yield Progress(Stage.VIDEO, f"{settings.clip.motion}, {clip.duration:g} s, {text}", 0.0, clip.angle.name)


def _say_what_is_seen(work: _Work, names: list[str]) -> Steps[None]:
    """The share of the surface that the lending stills see, and the fewest further angles that see the rest, with their price.

    They are proposed, and never bought unasked.
    """
    angles = [asdict(work.settings.angle(name)) for name in names]
    looking = Progress(Stage.VIDEO, "looking which surface the stills see")
    picture = str(work.folder.references / "surface.png")
    found = yield from work.studio.inspect(Task.COVERAGE, looking, angles=angles, picture=picture)
    work.folder.note(surface=found)
    text = look.surface_in_words(found)
    if found["further"]:
        shot = work.shots[names[0]]
        still = plan.still_request(
            work.folder, work.settings, work.product, work.settings.angle(names[0]), shot.files, 1
        )
        price = work.open_requests.backend.quote(still)
        text += f", for about {usd(price * len(found['further']))}" if price is not None else ""
    text += " (references/surface.png)"
    yield Progress(Stage.VIDEO, text)


def _tints_are_due(work: _Work) -> bool:
    """The stills' colours are still to be compared, and one of them may be corrected."""
    record = work.acceptance.record
    if not work.acceptance.measures or len(record.takes()) < 2:
        return False
    known = record.comparison()
    return known is None or known.did is None


def _may_be_shown(work: _Work, angle: str) -> bool:
    """The still of an angle is there, nothing more is to be heard of it, and it shows the product."""
    is_there = work.folder.chosen(f"photoreal/{angle}") is not None and work.acceptance.settled(angle)
    return is_there and work.acceptance.refusal(angle) is None


def _until_all_ended(work: _Work, wait: float) -> Steps[None]:
    """Wait for everything that was asked for; what the gate asks for in its place as well."""
    open_requests, acceptance = work.open_requests, work.acceptance
    if not work.wants(Stage.PHOTOREAL):
        return
    yield from _advance(work, 0.0)
    while True:
        if acceptance.all_settled(work.shots):  # while the clip is being made: nobody waits for it
            yield from compare_tints(acceptance, work.shots)
            yield from _advance(work, 0.0)  # an exact clip waits for this comparison
            if acceptance.all_settled(work.shots) and not open_requests.waiting():
                break
        yield from _advance(work, wait if open_requests.waiting() else 0.0)
        ended = sum(key in open_requests.ended for key in open_requests.requests)
        yield Progress(Stage.PHOTOREAL, "waiting", ended / max(1, len(open_requests.requests)), idle=True)
    for key, request in open_requests.requests.items():
        if isinstance(request, ClipRequest) and open_requests.done(key):
            yield from follow_clip(acceptance, request, work.shots)
    for stage in (Stage.PHOTOREAL, Stage.VIDEO):
        failed = open_requests.failed(stage)
        if failed:
            work.folder.mark(stage, _how_it_ended([event.error for event in failed]), error=failed[0].text)
        elif any(request.stage == stage for request in open_requests.requests.values()):
            work.folder.mark(stage, StageState.DONE)
        elif stage == Stage.VIDEO and work.wants(Stage.VIDEO):
            _mark_no_clip(work)


def _how_it_ended(errors: Sequence[BaseException | None]) -> StageState:
    """The state of a stage in which these went wrong."""
    if any(isinstance(error, BudgetExceeded) for error in errors):
        return StageState.STOPPED
    return StageState.CANCELLED if all(isinstance(error, Cancelled) for error in errors) else StageState.FAILED


def _mark_no_clip(work: _Work) -> None:
    if work.settings.clip.motion == MotionName.NONE:
        work.folder.mark(Stage.VIDEO, StageState.SKIPPED)
        return
    refusals = [work.undrawn, *(work.acceptance.refusal(name) for name in plan.clip_stills(work.settings))]
    work.refusals += [refusal for refusal in refusals if refusal is not None]
    work.folder.mark(
        Stage.VIDEO, StageState.FAILED, error=str(work.refusals[0]) if work.refusals else "its stills failed"
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


def _results(work: _Work) -> Steps[results.Report]:
    folder, settings, open_requests = work.folder, work.settings, work.open_requests
    with folder.together():
        folder.mark(Stage.RESULTS, StageState.RUNNING)
        folder.note(headline=work.acceptance.headline())
    report = results.build_report(
        folder,
        settings,
        work.product,
        open_requests.requests,
        open_requests.ended,
        work.shots,
        open_requests.backend.name_of,
    )
    clip = folder.clip(settings.clip.motion)
    yield from work.studio.save_results(
        Results(
            shots=work.shots,
            stills={name: folder.still(name) for name in work.shots if folder.still(name).is_file()},
            clips={settings.clip.motion: clip} if clip.is_file() else {},
            backend=settings.service.backend,
            report=report,
        ),
        settings,
        folder.root,
    )
    folder.mark(Stage.RESULTS, StageState.DONE)
    return report
