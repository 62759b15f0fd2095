# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sidebar: it draws state and computes nothing."""

from __future__ import annotations

import bpy

from . import (
    catalogue,
    costs,
    deliver,
    jobs,
    model,
    photoreal,
    preferences,
    references,
    results,
    rig,
    sidebar,
    video,
)

CLASSES = (  # a parent before its children, and the stages in their order
    *sidebar.CLASSES,
    *model.CLASSES,
    *rig.CLASSES,
    *references.CLASSES,
    *photoreal.CLASSES,
    *video.CLASSES,
    *results.CLASSES,
    *deliver.CLASSES,
    *jobs.CLASSES,
    *costs.CLASSES,
    *catalogue.CLASSES,
)


def register() -> None:
    for cls in (*preferences.CLASSES, *CLASSES):
        bpy.utils.register_class(cls)


def unregister() -> None:
    for cls in reversed((*preferences.CLASSES, *CLASSES)):
        bpy.utils.unregister_class(cls)
