"""RUN/contact_sheet.png: references over stills, with names, scores and cost, for people who look before they read."""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import blf
import bpy
import imbuf
import numpy as np
from numpy.typing import NDArray

from ..pipeline import png
from ..pipeline.ledger import usd
from . import passes

CELL = 400  # pixels of a picture's longer side
GAP, MARGIN, HEAD, CAPTION = 20, 40, 110, 64  # pixels
PAPER, INK, FAINT = (244, 244, 242), (28, 28, 30), (120, 120, 124)
MOST_COLUMNS = 5
LOCAL = "finished in Cycles, no AI"
# Colours that people with a colour vision deficiency tell apart, too (Okabe & Ito 2008), dark enough to be read.
VERDICTS = {
    "pass": ("on model", (0, 110, 80)),
    "unsure": ("unsure", (150, 100, 0)),
    "fail": ("not on model", (170, 60, 0)),
}


@dataclass(frozen=True)
class Words:
    """A line of text: ``x`` and ``y`` of its baseline's start, from the top left, and its height, in pixels."""

    text: str
    x: int
    y: int
    size: int
    colour: tuple[int, int, int] = INK


def write_contact_sheet(
    out: Path, references: dict[str, Path], stills: dict[str, Path], report: dict[str, Any]
) -> None:
    """``references`` and ``stills`` by angle; ``report`` as in report.json. Raises RunFolderError where it can't be written."""
    names = list(references)
    columns = min(len(names), MOST_COLUMNS)
    bands = math.ceil(len(names) / columns)
    shown = [_fitted(passes.load(references[name])) for name in names]
    height, width = shown[0].shape[:2]
    band_height = 2 * (height + CAPTION) + GAP
    sheet = np.empty(
        (HEAD + bands * band_height + MARGIN - GAP - CAPTION // 2, 2 * MARGIN + columns * (width + GAP) - GAP, 3),
        np.uint8,
    )
    sheet[:] = PAPER
    words = _headline(report, sheet.shape[1])
    for index, name in enumerate(names):
        x = MARGIN + index % columns * (width + GAP)
        y = HEAD + index // columns * band_height
        sheet[y : y + height, x : x + width] = shown[index]
        words += [Words(name, x, y + height + 24, 19), Words("reference", x, y + height + 46, 14, FAINT)]
        below = y + height + CAPTION
        still = stills.get(name)
        if still is None:
            sheet[below : below + height, x : x + width] = (226, 226, 224)
            words.append(Words("no still", x + width // 2 - 30, below + height // 2, 16, FAINT))
            continue
        picture = _fitted(passes.load(still), (height, width))
        sheet[below : below + height, x : x + width] = picture
        words.append(Words(_caption(report, name), x, below + height + 24, 14, FAINT))
        text, colour = _score(report, name, width)
        words.append(Words(text, x, below + height + 46, 13, colour))
    png.write(out, _with_words(sheet, words), {"Software": "Consistency Pipeline"})


def _headline(report: dict[str, Any], width: int) -> list[Words]:
    product = report.get("product", {})
    title = str(product.get("name") or "product")
    facts = [str(report.get("backend_label", ""))]
    if report.get("backend") == "fal":
        facts.append(f"{usd(report.get('billed_usd', 0.0))} billed, {usd(report.get('quoted_usd', 0.0))} quoted")
    facts += [str(report["headline"])] if report.get("headline") else []
    facts.append(str(report.get("device") or ""))
    room = (width - 2 * MARGIN) // 9  # characters that fit at this size
    return [
        Words(title[:40], MARGIN, 52, 32),
        Words("   ·   ".join(filter(None, facts))[:room], MARGIN, 84, 16, FAINT),
    ]


def _caption(report: dict[str, Any], angle: str) -> str:
    """How a still came about and what was paid for all its takes."""
    if report.get("backend") != "fal":
        return LOCAL
    pictures = [p for p in report.get("pictures", []) if p["stage"] == "photoreal" and p["angle"] == angle]
    verdict = report.get("verdicts", {}).get(f"photoreal/{angle}", {})
    shown = next(
        (p for p in pictures if p["take"] == verdict.get("take")), next((p for p in pictures if p["file"]), None)
    )
    if shown is None:
        return ""
    made_by = verdict.get("made_by")
    source = LOCAL if made_by == "local" else " ".join(filter(None, (shown["endpoint"], _MENDED.get(made_by))))
    billed = [p["billed_usd"] for p in pictures if p.get("billed_usd") is not None]
    cost = usd(sum(billed)) if billed else f"{usd(sum(p.get('quoted_usd') or 0.0 for p in pictures))} quoted"
    return f"{source}   {cost}"


_MENDED = {"unwarp": "(un-warped)", "exact": "(cut out exactly)", "gain": "(colour corrected)"}


def _score(report: dict[str, Any], angle: str, width: int) -> tuple[str, tuple[int, int, int]]:
    """The gate's verdict in a line that fits ``width`` pixels, and its colour."""
    verdict = report.get("verdicts", {}).get(f"photoreal/{angle}")
    if not verdict:
        return "", FAINT
    words, colour = VERDICTS[verdict["outcome"]]
    text = f"{words}: {verdict['reason']}"
    room = int(width / 7)
    return text if len(text) <= room else f"{text[: room - 1]}…", colour


def _fitted(picture: NDArray[np.float32], size: tuple[int, int] | None = None) -> NDArray[np.uint8]:
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


def _with_words(sheet: NDArray[np.uint8], words: list[Words]) -> NDArray[np.uint8]:
    """The sheet with text on it, drawn by Blender's own font."""
    height, width = sheet.shape[:2]
    buffer = imbuf.new((width, height))
    with blf.bind_imbuf(0, buffer):
        for word in words:
            blf.size(0, word.size)
            red, green, blue = (channel / 255.0 for channel in word.colour)
            blf.color(0, red, green, blue, 1.0)
            blf.position(0, word.x, height - word.y, 0)
            blf.draw_buffer(0, word.text)
    with tempfile.TemporaryDirectory(prefix="consistency-") as folder:
        path = Path(folder) / "words.png"
        imbuf.write(buffer, filepath=str(path))
        image = bpy.data.images.load(str(path))
        try:
            image.colorspace_settings.name = "Non-Color"
            image.alpha_mode = "STRAIGHT"
            pixels = np.empty(width * height * 4, np.float32)
            image.pixels.foreach_get(pixels)
        finally:
            bpy.data.images.remove(image)
    layer = pixels.reshape(height, width, 4)[::-1]
    alpha = layer[..., 3:]
    mixed = sheet.astype(np.float32) * (1.0 - alpha) + layer[..., :3] * 255.0 * alpha
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
