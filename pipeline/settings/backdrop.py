# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a backdrop is said: a word, a colour, or the file of a picture."""

from __future__ import annotations

import re
from pathlib import Path

GRADIENT, TRANSPARENT = "gradient", "transparent"
WORDS = ("white", "grey", GRADIENT, TRANSPARENT)
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".exr", ".hdr", ".bmp", ".tga")


def is_file(backdrop: str) -> bool:
    return backdrop not in WORDS and not backdrop.startswith("#")


def cut_out_of(picture: Path) -> Path:
    """Where the same picture lies over nothing, beside it."""
    return picture.with_name(f"{picture.stem}.cutout.png")


def check(backdrop: str) -> None:
    """Raises ValueError for what is no backdrop."""
    if backdrop in WORDS or re.fullmatch(r"#[0-9a-fA-F]{6}", backdrop):
        return
    if not backdrop.lower().endswith(PICTURES):
        raise ValueError(
            f"{backdrop!r} is no backdrop; choose {', '.join(WORDS)}, a colour as #RRGGBB, or a picture's file"
        )
