# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stills with more pixels for shops that want them: rendered anew, or bought from an upscaler and held against a render of that size.

What was bought lies in RUN/larger and in the run's journal; delivered again, it is not paid again.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..backend.open_requests import OpenRequests
from ..backend.ports import Backend
from ..backend.requests import DerivedRequest
from ..formats import marks, png
from ..gate.scoring.pixels.arrays import Array, resize
from ..gate.scoring.pixels.colour import delta_e, to_lab
from ..run.run_folder import RunFolder
from ..stages import Progress, Stage, Steps
from .placing import is_even, layout
from .presets import Rules
from .rules import Finding, Found
from .sources import Source

NONE, FILTER, RENDER = "none", "filter", "render"
FOLDER = "larger"
MOST = 4096  # pixels of the longer side: what a run may render, and less than the 24 megapixels that one price is for
ENOUGH = 1.01  # times by which a still may be too small and still be taken as it is
SPARE = 1.02  # times more than is wanted is bought: an upscaler may draw the product a pixel smaller
IDLE = 0.1  # seconds to block for news
OUTLINE = 0.5  # pixels by which a larger picture's outline may differ from the still's, on the average
COLOUR = 5.0  # CIEDE2000 between the means of both
STEPS = 16  # pixels: sides of rendered pictures are multiples of it


@dataclass(frozen=True)
class Wanted:
    """A still that has too few pixels. ``scale``: how many times as large it should be."""

    source: Source
    scale: float

    @property
    def size(self) -> tuple[int, int]:
        return png.size_of(self.source.still)


@dataclass(frozen=True)
class Larger:
    """What takes the place of a still. ``still`` None: nothing does, and ``finding`` says why."""

    finding: Finding
    still: Path | None = None
    mask: Path | None = None
    exact: bool = False
    by_model: bool = False  # an image model has made pixels of it


def scale_wanted(still: Array, mask: Array, rules: Sequence[Rules], *, crops: bool) -> float:
    """How many times as large a still would have to be to fill every canvas at its advised size."""
    mask = resize(mask, *still.shape[:2]) if mask.shape != still.shape[:2] else mask
    even = is_even(still)
    return max(
        layout(mask, each, crops=crops, enlarge=True, covers=each.ground == "keep" and not even).scale for each in rules
    )


def render_size(width: int, height: int, scale: float) -> tuple[int, int] | None:
    """The least sides of the shape ``width`` : ``height``, both a render's (multiples of 16), that are ``scale`` times as large;
    the largest that can be rendered where that is less, None where it is no more than there is."""
    common = math.gcd(width, height) // STEPS or 1
    most = MOST * common // max(width, height)
    step = min(math.ceil(common * scale - 1e-6), most)
    if max(width, height) * step // common == 1024 and width != height:  # there runs have sizes of their own
        step += 1
    return (width * step // common, height * step // common) if common < step <= most else None


def differs(still: Array, mask: Array, larger: Array, larger_mask: Array) -> str:
    """Why a larger render (H', W', 3) does not show what the still (H, W, 3) shows; empty where it does."""
    small, shown = resize(larger_mask, *mask.shape), resize(larger, *mask.shape)
    still = resize(still, *mask.shape) if still.shape[:2] != mask.shape else still
    rim = (mask > 0.02) & (mask < 0.98)
    if np.abs(small - mask).sum() > OUTLINE * max(int(rim.sum()), 16):
        return "its outline is another"
    inside = (mask > 0.98) & (small > 0.98)
    if inside.any() and delta_e(to_lab(shown[inside].mean(axis=0)), to_lab(still[inside].mean(axis=0))) > COLOUR:
        return "its colours are others"
    return ""


def with_larger(source: Source, larger: Mapping[str, Larger]) -> Source:
    """``source`` with the larger picture in place of its still, where there is one."""
    found = larger.get(source.angle.name)
    if found is None:
        return source
    source = replace(source, larger=(found.finding,))
    if found.still is None or found.mask is None:
        return source
    source = replace(source, still=found.still, mask=found.mask, exact=found.exact)
    if not found.by_model:
        return source
    mark = source.mark if source.mark == marks.TRAINED else marks.COMPOSITE
    return replace(source, mark=mark, made=f"{source.made}, enlarged by an image model")


# bought


def upscale_requests(folder: RunFolder, endpoint: str, wanted: Sequence[Wanted]) -> list[DerivedRequest]:
    """One purchase for each still; the same still at the same scale is the same purchase."""
    slug = re.sub(r"[^a-z0-9.]+", "-", endpoint.lower()).strip("-")
    own = folder.settings.service.overrides.get(endpoint, {})
    made = []
    for each in wanted:
        width, height = each.size
        factor = min(math.ceil(each.scale * SPARE * 100.0 - 1e-6) / 100.0, MOST / max(width, height), 4.0)
        angle, take = each.source.angle, each.source.take
        name = f"{angle.name}.take-{take:02d}.{slug}-{round(factor * 100)}"
        request = DerivedRequest(
            key=f"{FOLDER}/{name}",
            endpoint=endpoint,
            makes="upscale",
            angle=angle,
            take=take,
            source=each.source.still,
            subject=folder.settings.inputs.name or folder.settings.product_name,
            size=(width, height),
            out=folder.root / FOLDER / f"{name}.png",
            overrides={"upscale_factor": factor, **own},
        )
        made.append(request)
    return made


def buy(folder: RunFolder, requests: Sequence[DerivedRequest], backend: Backend) -> Steps[dict[str, Path | str]]:
    """Buy what is not there; for each angle its file, or why there is none. Raises what stops a run."""
    folder.lease.acquire()
    try:
        asked = OpenRequests(backend)
        for request in requests:
            request.out.parent.mkdir(exist_ok=True)
            asked.start(request)
        while asked.waiting():
            yield from asked.news(IDLE)
            folder.lease.renew()
            yield Progress(Stage.RESULTS, "waiting", len(asked.ended) / len(requests), idle=True)
    finally:
        folder.lease.release()
    found: dict[str, Path | str] = {}
    for request in requests:
        ended = asked.ended[request.key]
        found[request.angle.name] = (ended.path or request.out) if asked.done(request.key) else ended.text
    return found


def judged(source: Source, outcome: Found, reason: str, name: str) -> Finding:
    """A bought picture by what the gate says of it: worse than the still it was made of, it has invented something."""
    order = [Found.PASS, Found.ADVICE, Found.FAIL]
    wanted = "shows what the still shows"
    if order.index(outcome) > order.index(source.verdict.outcome):
        return Finding(
            "larger picture",
            wanted,
            f"{name} has changed the product ({reason}); the still is taken as it is",
            Found.ADVICE,
            "render it larger (--larger render), or run again with a larger --size",
        )
    return Finding("larger picture", wanted, f"enlarged by {name}, measured against a render of that size", Found.PASS)
