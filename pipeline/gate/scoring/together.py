# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""All measures of a still taken together: how unlike a true picture it is, where none of them alone is beyond its limit.

A logistic regression on the numbers and on by how much they are worse than those of the view's own render, mildly degraded
(benchmarks.calibration.limits fits its weights). It is linear, so that what says most can be named.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ...verdicts import Cause

Measured = Mapping[str, float]  # verdict.Numbers by their names
Row = NDArray[np.float64]
LENGTHS = (
    "dx_px", "dy_px", "shift_px", "scale", "rotation_deg", "p50_px", "p95_px", "worst_px", "label_shift_px", "moved_px", "new", "recoloured",
)  # fmt: skip  # may be large: their logarithms
SHARES = (
    "off_share", "missing_share", "bad_share", "hollow_share", "faded_share", "added_share", "shadow_share", "label_changed", "lost",
    "clutter", "unseen_run",
)  # fmt: skip  # mostly small: their roots
FULL = (
    "coverage", "inner_recall", "inner_centred", "label_area", "label_correlation", "label_worst", "label_patch", "contrast", "verifiable",
)  # fmt: skip  # as they are
NAMES = (*LENGTHS, *SHARES, *FULL)
# What the numbers are about, in words for a sentence.
ABOUT: dict[str, tuple[Cause, str]] = {
    **dict.fromkeys(("off_share", "p50_px", "p95_px", "worst_px", "bad_share", "coverage"), (Cause.SHAPE, "its outline")),
    **dict.fromkeys(("missing_share", "hollow_share", "faded_share", "added_share", "shadow_share", "unseen_run"), (Cause.PART, "its parts")),
    **dict.fromkeys(("inner_recall", "inner_centred"), (Cause.SHAPE, "the edges inside it")),
    **{name: (Cause.LABEL, "its print") for name in NAMES if name.startswith("label_")},
    **dict.fromkeys(("lost", "moved_px", "new"), (Cause.DETAIL, "its surface")),
    "recoloured": (Cause.COLOUR, "its colours"),
}  # fmt: skip
REST = (Cause.PLACEMENT, "where and how large it stands")


def features(numbers: Measured, own: Measured) -> Row:
    """(2 · len(NAMES),): each number, and by how much it is worse than ``own``, the worst of the view's own render."""
    found: list[float] = []
    for name in NAMES:
        value, least = (_away(name, each[name]) for each in (numbers, own))
        if name in LENGTHS:
            found += [np.log1p(value), np.log1p(max(value - least, 0.0))]
        elif name in SHARES:
            found += [np.sqrt(value), np.sqrt(max(value - least, 0.0))]
        else:
            found += [value, least - value]
    return np.array(found)


def _away(name: str, value: float) -> float:
    if name == "scale":
        return 100.0 * abs(value - 1.0)
    return float(value) if name in FULL else abs(float(value))


def unlike(numbers: Measured, own: Measured, weights: Sequence[Sequence[float]]) -> tuple[float, Cause, str]:
    """How unlike a true picture, the higher the more, and what says most of it. Minus infinity where nothing is worse than of the
    view's own render, mildly degraded. ``weights``: of each feature, and its mean over the pictures that they were fitted on; last
    what is added."""
    table, found = np.asarray(weights), features(numbers, own)
    if (found[1::2] <= 0.0).all():
        return -math.inf, *REST
    parts = table[:-1, 0] * (found - table[:-1, 1])
    said: dict[tuple[Cause, str], float] = {}
    for name, part in zip(np.repeat(NAMES, 2), parts, strict=True):
        about = ABOUT.get(str(name), REST)
        said[about] = said.get(about, 0.0) + float(part)
    return float(parts.sum() + table[-1, 0]), *max(said, key=lambda about: said[about])
