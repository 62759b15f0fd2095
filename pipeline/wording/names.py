# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names in a sentence, and what several places say in the same words."""

from __future__ import annotations

from collections.abc import Sequence


def in_words(names: Sequence[str], last: str, most: int = 4) -> str:
    """Names as a list of words: "A", "A and B", "A, B and 7 more"; ``last`` is the word before the last one."""
    if len(names) > most:
        return f"{', '.join(names[: most - 1])} {last} {len(names) - most + 1} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}" if names else "none"


def faithful_in_words(share: float | None) -> str:
    """How much of a still's detail is its render's; empty where none is."""
    return f"faithful to the render, {share * 100:.0f} %" if share else ""
