# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""``blender --command consistency …``: the command line inside Blender."""

from __future__ import annotations

from typing import Any

import bpy

_handle: Any = None


def _run(arguments: list[str]) -> int:
    from .. import command_line

    return command_line.main(arguments)


def register() -> None:
    global _handle
    _handle = bpy.utils.register_cli_command("consistency", _run)


def unregister() -> None:
    global _handle
    if _handle is not None:
        bpy.utils.unregister_cli_command(_handle)
        _handle = None
