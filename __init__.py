# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Consistency Pipeline: a 3D model holds the product still while image and video models make it real.

bpy and the rest are imported inside the two functions, so that pytest can stand at the repository's root.
"""

from __future__ import annotations


def register() -> None:
    from . import operators, panels

    operators.register()
    panels.register()


def unregister() -> None:
    from . import operators, panels

    panels.unregister()
    operators.unregister()
