# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading print in pictures, by a library that only a checkout may have: pyproject's extra "ocr"."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Protocol

import numpy as np

from ...pipeline.errors import UsageError
from ...pipeline.gate.scoring.pixels.arrays import Array
from ...pipeline.gate.witness import Word


class Reader(Protocol):
    """Words in a picture (H, W, 3), sRGB 0..1, each with its confidence and its place."""

    def __call__(self, picture: Array) -> list[Word]: ...


@cache
def print_reader() -> Reader:
    """rapidocr's. Raises UsageError where it is not installed."""
    try:
        engine = importlib.import_module("rapidocr").RapidOCR(params={"Global.log_level": "error"})
    except ImportError as error:
        raise UsageError(
            f"the print can't be read: {error}; in a checkout 'pip install -e .[ocr]' adds what is missing"
        ) from error

    def read(picture: Array) -> list[Word]:
        height, width = picture.shape[:2]
        found = engine(
            np.ascontiguousarray(np.round(picture[..., ::-1] * 255.0).astype(np.uint8))
        )  # it wants blue first
        boxes = [] if found.boxes is None else found.boxes
        return [
            Word(str(text), float(score), (float(box[:, 0].mean()) / width, float(box[:, 1].mean()) / height))
            for text, score, box in zip(found.txts or (), found.scores or (), boxes, strict=True)
        ]

    return read
