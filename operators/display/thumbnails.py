# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small pictures of files for the panels, loaded outside drawing and forgotten when the file changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_previews: Any = None
_keys: dict[str, str] = {}  # path → key of the version of it that is loaded


def load(path: Path) -> None:
    """Have ``path`` ready to be drawn; Blender reads the pixels when it first shows them."""
    global _previews
    import bpy.utils.previews

    if not path.is_file():
        _keys.pop(str(path), None)
        return
    if _previews is None:
        _previews = bpy.utils.previews.new()
    key = f"{path}|{path.stat().st_mtime_ns}"
    if key not in _previews:
        _previews.load(key, str(path), "MOVIE" if path.suffix == ".mp4" else "IMAGE")
    _keys[str(path)] = key


def icon(path: str) -> int:
    """The icon of a loaded file, 0 where there is none."""
    key = _keys.get(path)
    return _previews[key].icon_id if key is not None and _previews is not None else 0


def unregister() -> None:
    global _previews
    _keys.clear()
    if _previews is not None:
        import bpy.utils.previews

        bpy.utils.previews.remove(_previews)
        _previews = None
