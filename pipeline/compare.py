# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same reference to several models, one still from each, side by side: the fair way to choose one for a product.

What is bought lies in RUN/compare/ANGLE beside ``comparison.png`` and ``comparison.json``, and in the run's journal like all
else. The run's own stills, takes and verdicts are not touched, and nothing is chosen by it. Asked for again, a still that
was bought is looked at again and not paid again.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from . import plan
from .backend.open_requests import OpenRequests
from .backend.ports import Backend, Product, Shot, Studio, Task
from .backend.requests import StillRequest
from .errors import STOPS, ConsistencyError, UsageError
from .gate.inspections import facts_of
from .run.run_folder import RunFolder
from .settings.choices import BackendName
from .settings.groups import MEASURABLE, RunSettings
from .stages import Progress, Stage, Steps
from .system.disk import write_json
from .verdicts import Outcome

IDLE = 0.1  # seconds the command line blocks for news; a window polls with 0


@dataclass(frozen=True)
class Candidate:
    """One model's still of one angle. ``seconds``: from asking to having it; None where nobody knows. USD."""

    endpoint: str
    name: str
    angle: str
    file: str | None  # relative to the run
    outcome: str | None = None
    reason: str = ""
    numbers: Mapping[str, float] | None = None
    heatmap: str | None = None
    quoted_usd: float | None = None
    billed_usd: float | None = None
    seconds: float | None = None

    @property
    def usd(self) -> float:
        """What it was billed, else quoted; 0 where nobody knows."""
        return (self.billed_usd if self.billed_usd is not None else self.quoted_usd) or 0.0


class Beside(RunFolder):
    """The run with other settings for a while: what it has of its own is not written."""

    def save(self) -> None:
        pass


def beside(root: Path, budget: float | None) -> RunFolder:
    """The run at ``root`` for a comparison that may spend ``budget`` USD; its own limits hold as well."""
    folder = Beside.open(root)
    own, limit = folder.settings.money.budget, None
    if budget is not None:
        spent = sum(attempt.committed_usd for attempt in folder.read_journal().purchases.attempts)
        limit = spent + budget
    limits = [each for each in (own, limit) if each is not None]
    folder.settings = folder.settings.model_copy(
        update={"backend": BackendName.FAL, "budget": min(limits, default=None)}
    )
    return folder


def requests(
    folder: RunFolder, endpoints: Iterable[str], angles: Iterable[str], product: Product = plan.UNKNOWN_PRODUCT
) -> list[StillRequest]:
    """One still of each angle from each endpoint, asked for as the run's own are.

    Raises UsageError where there is no such angle or no reference of it.
    """
    settings, found = folder.settings, []
    wanted = list(dict.fromkeys(name for name in endpoints if name))
    if not wanted:
        raise UsageError("no endpoint was named; give two or more with --image-endpoints")
    known = [angle.name for angle in settings.studio.angles]
    for name in dict.fromkeys(angles):
        if name not in known:
            raise UsageError(f"this run has no angle {name!r}; it has {', '.join(known)}")
        shot = folder.shot(name)
        if shot is None:
            raise UsageError(f"{name} has no reference yet; run it up to the references first")
        found += [_request(folder, settings, product, shot, endpoint) for endpoint in wanted]
    return found


def _request(folder: RunFolder, settings: RunSettings, product: Product, shot: Shot, endpoint: str) -> StillRequest:
    chosen = settings.model_copy(update={"image_endpoint": endpoint})
    angle = settings.angle(shot.angle)
    usual = plan.still_request(folder, chosen, product, angle, shot.files, 1)
    slug = re.sub(r"[^a-z0-9.]+", "-", endpoint.lower()).strip("-")
    out = folder.root / "compare" / shot.angle / f"{slug}.png"
    return StillRequest(
        **{**vars(usual), "key": f"compare/{shot.angle}/{slug}", "take": 0, "out": out, "endpoint": endpoint}
    )


def compare(
    folder: RunFolder,
    endpoints: Sequence[str],
    angles: Sequence[str],
    studio: Studio,
    backend: Backend,
    wait: float = IDLE,
) -> Steps[list[Candidate]]:
    """Buy one still of each angle from each endpoint, measure them, and lay them side by side, in the order asked for.

    A still that can't be had is said so beside the others; raises what ended all of them, and what stops a run.
    """
    folder.lease.acquire()
    try:
        product = yield from studio.load_product(folder.product_source)
        wanted = requests(folder, endpoints, angles, product)
        there = {request.key for request in wanted if request.out.is_file()}
        asked = OpenRequests(backend)
        began: dict[str, float] = {}
        took: dict[str, float] = {}
        for request in wanted:
            began[request.key] = time.monotonic()
            asked.start(request)
        while asked.waiting():
            yield from asked.news(wait)
            took |= {key: time.monotonic() - began[key] for key in asked.ended if key not in took}
            folder.lease.renew()
            yield Progress(Stage.PHOTOREAL, "waiting", len(asked.ended) / len(wanted), idle=True)
        if not any(asked.done(request.key) for request in wanted):
            raise asked.failures()[0]
        found: list[Candidate] = []
        for request in wanted:
            is_new = request.key not in there
            seconds = round(took[request.key], 1) if is_new else _earlier(folder, request)
            candidate = yield from _looked_at(folder, request, studio, asked, seconds)
            found.append(candidate)
        for name in dict.fromkeys(candidate.angle for candidate in found):
            yield from _side_by_side(folder, studio, name, [each for each in found if each.angle == name])
        return found
    finally:
        studio.close()
        folder.lease.release()


def _earlier(folder: RunFolder, request: StillRequest) -> float | None:
    """The seconds that a still took which an earlier comparison bought."""
    try:
        sheet = json.loads((folder.root / "compare" / request.angle.name / "comparison.json").read_text("utf-8"))
        known = [each["seconds"] for each in sheet["candidates"] if each["endpoint"] == request.endpoint]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return next((float(each) for each in known if isinstance(each, (int, float))), None)


def _looked_at(
    folder: RunFolder, request: StillRequest, studio: Studio, asked: OpenRequests, seconds: float | None
) -> Steps[Candidate]:
    event, name = asked.ended[request.key], asked.backend.name_of(request.endpoint)
    attempt = folder.read_journal().purchases.last(request.key)
    known = Candidate(
        request.endpoint,
        name,
        request.angle.name,
        None,
        quoted_usd=attempt.quoted_usd if attempt else None,
        billed_usd=attempt.billed_usd if attempt else None,
        seconds=seconds,
    )
    if not asked.done(request.key):
        return replace(known, outcome=Outcome.FAIL, reason=event.text)
    if event.path is not None and event.path != request.out and not request.out.is_file():
        yield from studio.convert_picture(event.path, request.out)
    known = replace(known, file=request.out.relative_to(folder.root).as_posix())
    if max(request.size) < MEASURABLE:
        return replace(known, reason="too small to be measured")
    heatmap = request.out.with_name(f"{request.out.stem}.heatmap.png")
    shot = folder.shot(request.angle.name)
    assert shot is not None
    try:
        found = yield from studio.inspect(
            Task.MEASURE,
            Progress(Stage.PHOTOREAL, f"measuring {name}", None, request.angle.name),
            still=str(request.out),
            shot=facts_of(shot, sent=folder.settings.is_cut_out),
            heatmap=str(heatmap),
        )
    except ConsistencyError as error:
        if isinstance(error, STOPS):
            raise
        return replace(known, outcome=Outcome.UNSURE, reason=str(error))
    return replace(
        known,
        outcome=str(found["outcome"]),
        reason=str(found["reason"]),
        numbers=dict(found.get("numbers") or {}),
        heatmap=heatmap.relative_to(folder.root).as_posix() if heatmap.is_file() else None,
    )


def _side_by_side(folder: RunFolder, studio: Studio, angle: str, found: list[Candidate]) -> Steps[None]:
    place, shot = folder.root / "compare" / angle, folder.shot(angle)
    assert shot is not None
    rows = [asdict(candidate) for candidate in found]
    write_json(place / "comparison.json", {"angle": angle, "candidates": rows})
    yield from studio.inspect(
        Task.COMPARISON,
        Progress(Stage.PHOTOREAL, "drawing the comparison", None, angle),
        sheet=str(place / "comparison.png"),
        reference=str(shot.files["image"]),
        root=str(folder.root),
        candidates=rows,
    )
