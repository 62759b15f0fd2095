# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Brings run.json of an earlier version up to date: one small function per format, each on the JSON as it was read.

To change the format: raise FORMAT, add a function that brings the format before it there, keep a run folder of that format
in tests/kept_runs. Functions of the past are never changed. A fact that is merely new needs none: give it a default.
"""

from __future__ import annotations

from collections.abc import Callable

from ..json_object import JsonObject

FORMAT = 2


def _1_to_2(record: JsonObject) -> None:
    """Every table is there from the start, and every stage: until then they appeared when something was first put in, and
    each reader had to know which may be missing.
    """
    for stage in ("model", "rig", "references", "photoreal", "video", "results"):
        record["stages"].setdefault(stage, {"state": "waiting"})
    for table in (
        "versions",
        "prices",
        "rounds",
        "chosen",
        "gate",
        "verdicts",
        "tracks",
        "rendered_from",
        "product_state",
    ):
        record[table] = record.get(table) or {}
    record["tints"] = record.get("tints") or []
    record.setdefault("headline", "")


MIGRATIONS: dict[int, Callable[[JsonObject], None]] = {1: _1_to_2}  # by the format that they start from


class NewerFormat(ValueError):
    """It was written by a newer version, so nothing here may touch it."""


def bring_up_to_date(record: JsonObject) -> None:
    """Change ``record`` in place to FORMAT. Raises NewerFormat; KeyError or TypeError where it is no run's record."""
    found = record["schema"]
    if not isinstance(found, int) or found < 1:
        raise TypeError(f"{found!r} is not the number of a format")
    if found > FORMAT:
        raise NewerFormat(f"format {found}; this version reads up to {FORMAT}")
    for number in range(found, FORMAT):
        MIGRATIONS[number](record)
        record["schema"] = number + 1
