# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""RUN/contact_sheet.png: references over stills, with names, verdicts and cost, for people who look before they read; and
RUN/contact_sheet_client.png, the same without prices and ids."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import NotRequired, TypedDict

import numpy as np
from numpy.typing import NDArray

from ...pipeline.formats import png
from ...pipeline.money.ledger import usd
from ...pipeline.settings.choices import BackendName
from ...pipeline.stages import Stage
from ...pipeline.verdicts import MadeBy, Outcome
from ...pipeline.wording.line_breaking import broken
from ...pipeline.wording.names import faithful_in_words
from ...pipeline.wording.program import PROGRAM
from . import passes
from .lettering import INK, Colour, Words, width_of, with_words

CELL = 400  # pixels of a picture's longer side
GAP, MARGIN, CAPTION_GAP = 20, 40, 14  # pixels
PAPER, FAINT = (244, 244, 242), (120, 120, 124)
MOST_COLUMNS = 5
LOCAL = "finished in Cycles, no AI"
# Colours that people with a colour vision deficiency tell apart, too (Okabe & Ito 2008), dark enough to be read.
VERDICTS = {
    "pass": ("on model", (0, 110, 80)),
    "unsure": ("to look at", (150, 100, 0)),
    "fail": ("not on model", (170, 60, 0)),
}


class Verdict(TypedDict):
    """What the gate decided about the still that is shown, as report.json has it."""

    take: int
    made_by: str
    outcome: str
    reason: str
    faithful: NotRequired[float | None]  # how much of its detail is its render's, 0..1


class Scores(TypedDict, total=False):
    """``pieces``: of a stitched clip, "from" and "to" by angle, and "why" a piece is exact frames where it should be a model's."""

    pieces: list[dict[str, str]]


class Picture(TypedDict, total=False):
    """One still or clip that was asked for. USD; None where unknown."""

    stage: str
    angle: str | None
    take: int
    file: str | None
    endpoint: str
    endpoint_name: str  # what people call it
    quoted_usd: float | None
    billed_usd: float | None
    scores: Scores


class Report(TypedDict, total=False):
    """What the sheet shows of report.json."""

    product: dict[str, object]
    backend: str
    backend_label: str
    billed_usd: float
    quoted_usd: float
    headline: str | None
    device: str | None
    verdicts: dict[str, Verdict]
    pictures: list[Picture]
    second_opinions: list[Picture]  # of the stills that they are about


def write_contact_sheet(
    out: Path, references: dict[str, Path], stills: dict[str, Path], report: Report, *, for_client: bool = False
) -> None:
    """``references`` and ``stills`` by angle; ``report`` as in report.json. ``for_client``: without prices, ids and numbers.

    Raises RunFolderError where it can't be written.
    """
    names = list(references)
    columns = min(len(names), MOST_COLUMNS)
    shown = [fitted(passes.load(references[name])) for name in names]
    height, width = shown[0].shape[:2]
    sheet_width = 2 * MARGIN + columns * (width + GAP) - GAP
    words, y = _headline(report, sheet_width, for_client)
    pictures: list[tuple[int, int, NDArray[np.uint8]]] = []
    for first in range(0, len(names), columns):
        row = list(enumerate(names[first : first + columns], first))
        # Captions have as many lines as they need; the lower pictures of a band begin below its longest.
        titles = [below([(name, 19, INK), ("reference", 14, FAINT)], width) for _, name in row]
        captions = [below(_captions(report, name, for_client) if name in stills else [], width) for _, name in row]
        middle = y + height + max(lines.height for lines in titles)
        for place, (index, name) in enumerate(row):
            x = MARGIN + place * (width + GAP)
            pictures.append((x, y, shown[index]))
            words += titles[place].at(x, y + height)
            if name in stills:
                pictures.append((x, middle, fitted(passes.load(stills[name]), (height, width))))
                words += captions[place].at(x, middle + height)
            else:
                pictures.append((x, middle, np.full((height, width, 3), (226, 226, 224), np.uint8)))
                words.append(Words("no still", x + width // 2 - 30, middle + height // 2, 16, FAINT))
        y = middle + height + max(lines.height for lines in captions) + GAP
    sheet = np.empty((y + MARGIN // 2, sheet_width, 3), np.uint8)
    sheet[:] = PAPER
    for x, top, picture in pictures:
        sheet[top : top + height, x : x + width] = picture
    png.write(out, with_words(sheet, words), {"Software": PROGRAM})


@dataclass(frozen=True)
class Lines:
    """Lines of text one below the other: ``placed`` from the top left of the first, ``height`` pixels in all."""

    placed: tuple[Words, ...]
    height: int

    def at(self, x: int, y: int) -> list[Words]:
        return [replace(word, x=word.x + x, y=word.y + y) for word in self.placed]


def below(texts: list[tuple[str, int, Colour]], width: int) -> Lines:
    """Each text (words, size, colour) broken to ``width`` pixels: no word is cut off."""
    placed, y = [], 4
    for text, size, colour in texts:
        for line in broken(text, width, lambda words, size=size: width_of(words, size)):
            y += round(1.4 * size)
            placed.append(Words(line, 0, y, size, colour))
    return Lines(tuple(placed), y + CAPTION_GAP)


def _headline(report: Report, width: int, for_client: bool) -> tuple[list[Words], int]:
    """Title and facts, and where the pictures begin."""
    product = report.get("product", {})
    texts = [(str(product.get("name") or "product"), 32, INK)]
    facts = [str(report.get("backend_label", ""))]
    if not for_client:
        if report.get("backend") == BackendName.FAL:
            facts.append(f"{usd(report.get('billed_usd', 0.0))} billed, {usd(report.get('quoted_usd', 0.0))} quoted")
        facts += [str(report.get("headline") or "").partition(";")[0], str(report.get("device") or "")]
    texts.append(("   ·   ".join(filter(None, facts)), 16, FAINT))
    texts += [] if for_client else [(text, 14, FAINT) for text in _replaced_pieces(report)]
    lines = below(texts, width - 2 * MARGIN)
    return lines.at(MARGIN, MARGIN - 24), MARGIN + lines.height


def _replaced_pieces(report: Report) -> list[str]:
    """Which pieces of a stitched clip are exact frames though a video model's were wanted, and why."""
    clips = [each for each in report.get("pictures", []) if each["stage"] == Stage.VIDEO and each["file"]]
    pieces = [piece for each in clips for piece in each.get("scores", {}).get("pieces", [])]
    return [f"exact frames from {each['from']} to {each['to']}: {each['why']}" for each in pieces if each["why"]]


def _captions(report: Report, angle: str, for_client: bool) -> list[tuple[str, int, Colour]]:
    """What is said below a still: how it came about and what all its takes cost, and what the gate says of it."""
    verdict = report.get("verdicts", {}).get(f"photoreal/{angle}")
    if for_client:
        is_local = report.get("backend") != BackendName.FAL or (
            verdict is not None and verdict["made_by"] == MadeBy.LOCAL
        )
        captions = [(LOCAL, 14, FAINT)] if is_local else []
        if verdict and verdict["outcome"] != Outcome.PASS:
            captions.append((VERDICTS[verdict["outcome"]][0], 14, VERDICTS[verdict["outcome"]][1]))
        return captions
    captions = [(_origin(report, angle), 14, FAINT)]
    if verdict:
        words, colour = VERDICTS[verdict["outcome"]]
        reason = str(verdict["reason"]).removeprefix("a person should look: ")
        captions.append((f"{words}: {reason}", 13, colour))
    return captions


def _origin(report: Report, angle: str) -> str:
    if report.get("backend") != BackendName.FAL:
        return LOCAL
    pictures = [p for p in report.get("pictures", []) if p["stage"] == Stage.PHOTOREAL and p["angle"] == angle]
    verdict = report.get("verdicts", {}).get(f"photoreal/{angle}")
    decided = [p for p in pictures if verdict is not None and p["take"] == verdict["take"]]
    shown = next(iter([*decided, *(p for p in pictures if p["file"])]), None)
    if shown is None:
        return ""
    name = shown.get("endpoint_name") or shown["endpoint"]
    made_by = verdict["made_by"] if verdict is not None else ""
    faithful = faithful_in_words(verdict.get("faithful") if verdict is not None else None)
    made = ", ".join(filter(None, (_MENDED.get(made_by), faithful)))
    source = LOCAL if made_by == MadeBy.LOCAL else f"{name} ({made})" if made else name
    pictures = [*pictures, *(p for p in report.get("second_opinions", []) if p["angle"] == angle)]
    billed = [p["billed_usd"] for p in pictures if p.get("billed_usd") is not None]
    cost = usd(sum(billed)) if billed else f"{usd(sum(p.get('quoted_usd') or 0.0 for p in pictures))} quoted"
    return f"{source}   {cost}"


_MENDED: dict[str, str] = {
    MadeBy.UNWARP: "un-warped",
    MadeBy.EXACT: "cut out exactly",
    MadeBy.GAIN: "colour corrected",
}


def fitted(picture: NDArray[np.float32], size: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    """``picture`` (h, w, 3) scaled to ``size`` (height, width), or to ``CELL`` on its longer side, by area averages."""
    height, width = picture.shape[:2]
    if size is None:
        scale = CELL / max(height, width)
        size = (max(1, round(height * scale)), max(1, round(width * scale)))
    rows = _resampled(picture, size[0])
    both = _resampled(rows.swapaxes(0, 1), size[1]).swapaxes(0, 1)
    return np.clip(np.rint(both * 255.0), 0, 255).astype(np.uint8)


def _resampled(values: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """The first axis in ``count`` equal parts, each the mean of what it covers."""
    length = values.shape[0]
    edges = np.linspace(0.0, length, count + 1)
    summed = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0, dtype=np.float64)])
    low = np.minimum(edges.astype(int), length - 1)
    share = (edges - low).reshape(-1, *[1] * (values.ndim - 1))
    at_edges = summed[low] + share * (summed[low + 1] - summed[low])
    return (np.diff(at_edges, axis=0) * (count / length)).astype(np.float32)
