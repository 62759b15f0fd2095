# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Columns of text for a terminal, and amounts of money in them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence


def text_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """``rows`` under ``head``, columns aligned; amounts of money to the right."""
    table = [tuple(head), *(tuple(row) for row in rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]

    def cell(text: str, width: int) -> str:
        return text.rjust(width) if text.startswith("$") else text.ljust(width)

    return "\n".join(
        "  ".join(cell(text, width) for text, width in zip(row, widths, strict=True)).rstrip() for row in table
    )


def price_column(amounts: Iterable[float]) -> list[str]:
    """The amounts of a bill in USD, and their sum, all with as many digits as the smallest price needs.

    Each is rounded up to the last digit shown and the sum is that of what is shown, so that it adds up for whoever looks,
    and is never less than what may be spent. A negative amount is unknown, and counts for nothing.
    """
    whole = [_rounded_up(amount) for amount in amounts]
    digits = 2 if all(part % 100 == 0 for part in whole) else 3 if all(part % 10 == 0 for part in whole) else 4
    known = sum(part for part in whole if part >= 0)
    return ["unknown" if part < 0 else f"${part / 10_000.0:.{digits}f}" for part in (*whole, known)]


def price_sum(amounts: Iterable[float]) -> str:
    """The sum that ``price_column`` ends with, without closing zeros beyond cents."""
    return usd(sum(max(0, _rounded_up(amount)) for amount in amounts) / 10_000.0)


def _rounded_up(amount: float) -> int:
    """Hundredths of a cent; what single precision adds is no price."""
    return math.ceil(amount * 10_000.0 * (1.0 - 1e-7) - 0.01)


def usd(amount: float | None) -> str:
    """An amount as people write it, with the digits that small prices need."""
    if amount is None:
        return "-"
    cents, _, fraction = f"{amount:.4f}".partition(".")
    return f"${cents}.{fraction[:2]}{fraction[2:].rstrip('0')}"
