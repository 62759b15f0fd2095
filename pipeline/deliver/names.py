# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""File names by a pattern, refused before anything is written where a shop or a file system would refuse them."""

from __future__ import annotations

import re
import string
import unicodedata
import zlib
from collections.abc import Sequence

from ..errors import UsageError
from ..wording.ascii_words import in_ascii, lost_in_ascii

FIELDS = ("sku", "angle", "variant", "preset", "take", "number", "code")
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]|^[. ]|[. ]$')
_DEVICES = re.compile(
    r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE
)  # Windows has no files of these names
LONGEST_SKU = 80
_LONGEST = 120  # characters, so that a path on Windows stays below 260


def check_sku(sku: str) -> str:
    """``sku``, where it can be part of a file's name. Raises UsageError."""
    if len(sku) > LONGEST_SKU:
        raise UsageError(f"the article number {sku[:24]}… has {len(sku)} characters; use {LONGEST_SKU} at most")
    if not sku or _FORBIDDEN.search(sku):
        raise UsageError(
            f"the article number {sku!r} can't be in a file's name; use letters, digits, dashes and underscores"
        )
    return sku


def sku_of(product: str) -> str:
    """An article number for a product, or a variant, that was given none, from its name.

    Letters that ASCII has no form for are told from others by a checksum: 茶杯 and 茶壶 would be one file else.
    """
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", in_ascii(product)).strip("-")[:60] or "product"
    if not lost_in_ascii(product):
        return plain
    return f"{plain}-{zlib.crc32(unicodedata.normalize('NFC', product).encode()):08x}"


def file_names(pattern: str, facts: Sequence[dict[str, str]], suffixes: Sequence[str]) -> list[str]:
    """The name of each picture. Raises UsageError for an unknown field, a name that can't be a file's, or one that two have."""
    fields = {name for _, name, _, _ in _parsed(pattern) if name is not None}
    unknown = sorted(fields - set(FIELDS))
    if unknown:
        raise UsageError(f"the name {pattern!r} has an unknown field {{{unknown[0]}}}; choose from {', '.join(FIELDS)}")
    made: list[str] = []
    for each, suffix in zip(facts, suffixes, strict=True):
        name = pattern.format(**{field: each.get(field, "") for field in FIELDS})
        if not name or _FORBIDDEN.search(name) or _DEVICES.fullmatch(name):
            raise UsageError(
                f"{name!r} (from {pattern!r}) can't be a file's name; leave out <>:\"/\\|?* and dots at its ends"
            )
        if len(name) > _LONGEST:
            raise UsageError(
                f"the name {name[:40]}… is longer than {_LONGEST} characters; use a shorter pattern or number"
            )
        made.append(f"{name}{suffix}")
    folded = [name.casefold() for name in made]  # Windows and macOS don't tell A from a
    twice = next((name for name in made if folded.count(name.casefold()) > 1), None)
    if twice is not None:
        raise UsageError(f"two pictures would be called {twice}; put {{angle}} or {{number}} into the name {pattern!r}")
    return made


def _parsed(pattern: str) -> list[tuple[str, str | None, str | None, str | None]]:
    try:
        parts = list(string.Formatter().parse(pattern))
    except ValueError as error:
        raise UsageError(f"the name {pattern!r} is no pattern ({error}); write fields as {{sku}}") from None
    odd = next(
        (part for part in parts if part[1] is not None and (part[2] or part[3] or not part[1].isidentifier())), None
    )
    if odd is not None:
        raise UsageError(
            f"the name {pattern!r} has a field that can't be read; write fields as {{sku}}, nothing more inside"
        )
    return parts
