# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What this Blender has, for ``consistency doctor``."""

from __future__ import annotations

import importlib.metadata
import shutil
import sys
from pathlib import Path
from typing import Any

import bpy

from ...pipeline.settings.choices import DeviceChoice
from .. import compat
from . import devices

WHEELS = ("fal-client", "httpx", "pydantic", "requests", "numpy")


def examine() -> dict[str, Any]:
    """Facts by name, each a short text. Nothing is changed and nothing is sent."""
    return {
        "blender_binary": bpy.app.binary_path or "the bpy module",
        "device": devices.describe(DeviceChoice.AUTO),
        "online_access": "on" if compat.online_access() else f"off; {compat.online_cure()}",
        "view_transform": "Khronos PBR Neutral" if compat.has_view_transform("Khronos PBR Neutral") else "missing",
        "ffmpeg": "yes" if bpy.app.build_options.codec_ffmpeg else "no: clips can't be encoded",
        "python_executable": sys.executable,
        "wheels": ", ".join(_wheel(name) for name in WHEELS),
        "free_disk": f"{shutil.disk_usage(Path.home()).free / 2**30:.0f} GiB",
    }


def _wheel(name: str) -> str:
    try:
        return f"{name} {importlib.metadata.version(name)}"
    except importlib.metadata.PackageNotFoundError:
        return f"{name} missing"
