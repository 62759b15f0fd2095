# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""RUN/compare/ANGLE/comparison.png: one reference and what several models made of it, with verdict, numbers, price and time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...pipeline.formats import png
from ...pipeline.wording.program import PROGRAM
from ...pipeline.wording.text_table import usd
from . import passes
from .contact_sheet import FAINT, GAP, INK, MARGIN, MOST_COLUMNS, PAPER, VERDICTS, below, fitted
from .lettering import Colour, Words, with_words

# Lengths in pixels at 1024.
NUMBERS = {"p95_px": "outline {:.1f} px", "shift_px": "off {:.1f} px", "label_correlation": "print {:.2f}"}


def write_comparison_sheet(out: Path, reference: Path, root: Path, candidates: Sequence[Mapping[str, Any]]) -> None:
    """``candidates`` as in comparison.json, their files relative to ``root``. Raises RunFolderError."""
    first = fitted(passes.load(reference))
    height, width = first.shape[:2]
    cells: list[tuple[np.ndarray, list[tuple[str, int, Colour]]]] = [(first, [("reference", 19, INK)])]
    for candidate in candidates:
        file = candidate["file"]
        still = fitted(passes.load(root / file), (height, width)) if file else np.full_like(first, 226)
        cells.append((still, _caption(candidate)))
    columns = min(len(cells), MOST_COLUMNS)
    words: list[Words] = []
    placed, y = [], MARGIN
    for start in range(0, len(cells), columns):
        row = cells[start : start + columns]
        captions = [below(texts, width) for _, texts in row]
        for place, (picture, _) in enumerate(row):
            x = MARGIN + place * (width + GAP)
            placed.append((x, y, picture))
            words += captions[place].at(x, y + height)
        y += height + max(lines.height for lines in captions) + GAP
    sheet = np.empty((y + MARGIN // 2, 2 * MARGIN + columns * (width + GAP) - GAP, 3), np.uint8)
    sheet[:] = PAPER
    for x, top, picture in placed:
        sheet[top : top + height, x : x + width] = picture
    png.write(out, with_words(sheet, words), {"Software": PROGRAM})


def _caption(candidate: Mapping[str, Any]) -> list[tuple[str, int, Colour]]:
    texts: list[tuple[str, int, Colour]] = [(str(candidate["name"]), 19, INK)]
    paid = candidate["billed_usd"]
    price = usd(paid) if paid is not None else f"{usd(candidate['quoted_usd'] or 0.0)} quoted"
    seconds = candidate["seconds"]
    texts.append((f"{price}{f', {seconds:.0f} s' if seconds is not None else ''}", 14, FAINT))
    outcome = candidate["outcome"]
    if outcome in VERDICTS:
        said, colour = VERDICTS[outcome]
        texts.append((f"{said}: {candidate['reason']}" if candidate["reason"] else said, 13, colour))
    numbers = dict(candidate["numbers"] or {})
    if not numbers.get("label_area"):
        numbers.pop("label_correlation", None)  # no print is known
    known = [
        words.format(numbers[name]) for name, words in NUMBERS.items() if isinstance(numbers.get(name), (int, float))
    ]
    if known:
        texts.append((", ".join(known), 13, FAINT))
    return texts
