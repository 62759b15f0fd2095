# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a press of each button does: read the context, call what does the work, report."""

from __future__ import annotations

from typing import Any

from . import (
    backend,
    bug_report,
    catalogue,
    costs,
    deliver,
    environment,
    fields,
    jobs,
    lighting,
    look_files,
    models,
    orientation,
    pointing,
    preferences,
    results,
    rig,
    run,
    source,
    variants,
)
from .viewing import board, compare, faithful, opinion, pictures, studio_view, with_look

MODULES = (
    run,
    costs,
    backend,
    source,
    variants,
    rig,
    lighting,
    look_files,
    pointing,
    environment,
    orientation,
    pictures,
    compare,
    board,
    faithful,
    opinion,
    studio_view,
    with_look,
    results,
    deliver,
    fields,
    models,
    jobs,
    catalogue,
    bug_report,
    preferences,
)
CLASSES: tuple[Any, ...] = tuple(cls for module in MODULES for cls in module.CLASSES)
