"""Columns of text for a terminal, and amounts of money in them."""

from __future__ import annotations

from collections.abc import Sequence


def text_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """``rows`` under ``head``, columns aligned; amounts of money to the right."""
    table = [tuple(head), *(tuple(row) for row in rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]

    def cell(text: str, width: int) -> str:
        return text.rjust(width) if text.startswith("$") else text.ljust(width)

    return "\n".join(
        "  ".join(cell(text, width) for text, width in zip(row, widths, strict=True)).rstrip() for row in table
    )


def usd(amount: float | None) -> str:
    """An amount as people write it, with the digits that small prices need."""
    if amount is None:
        return "-"
    cents, _, fraction = f"{amount:.4f}".partition(".")
    return f"${cents}.{fraction[:2]}{fraction[2:].rstrip('0')}"
