# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Words as names of files that every shop and system takes."""

from __future__ import annotations

import unicodedata

# Latin letters that Unicode knows no plainer form of (NFKD), as their own languages write them in ASCII.
_LETTERS = str.maketrans(
    {
        "ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L",
        "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ı": "i", "ħ": "h", "Ħ": "H", "ŋ": "n", "Ŋ": "N",
    }
)  # fmt: skip


def in_ascii(words: str) -> str:
    """``words`` with plain Latin letters, "Größe" as "Grosse". Letters of other scripts are left out."""
    return _plain(words).encode("ascii", "ignore").decode()


def lost_in_ascii(words: str) -> bool:
    """Whether ``in_ascii`` leaves out a letter or a digit."""
    return any(character.isalnum() and not character.isascii() for character in _plain(words))


def _plain(words: str) -> str:
    return unicodedata.normalize("NFKD", words.translate(_LETTERS))
