# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the program finds where it runs, with a window or without: the key of fal.ai, versions, and the facts of a bug report."""

from __future__ import annotations

import os
import platform
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .pipeline.run.bug_report import BugReport


def find_key() -> tuple[str, str] | None:
    """The fal.ai key and where it was found, None without one: the preferences first, then the environment."""
    if "bpy" in sys.modules:
        from .operators.editing.preferences import preferences

        own = preferences()
        if own is not None and own.key.strip():
            return own.key.strip(), "preferences"
    if key := os.environ.get("FAL_KEY", "").strip():
        return key, "FAL_KEY"
    identity, secret = os.environ.get("FAL_KEY_ID", "").strip(), os.environ.get("FAL_KEY_SECRET", "").strip()
    return (f"{identity}:{secret}", "FAL_KEY_ID and FAL_KEY_SECRET") if identity and secret else None


def python_args() -> tuple[str, ...]:
    """How Blender wants its Python to be started."""
    import bpy

    return tuple(bpy.app.python_args)


def versions() -> dict[str, Any]:
    import bpy

    machine = platform.machine()
    manifest = tomllib.loads((Path(__file__).parent / "blender_manifest.toml").read_text(encoding="utf-8"))
    return {
        "consistency_pipeline": manifest["version"],
        "blender": bpy.app.version_string,
        "python": platform.python_version(),
        # As platform.platform() says it, which starts a process to ask for the processor: a window would wait for that.
        "platform": "-".join(filter(None, (platform.system(), platform.release(), machine, *platform.libc_ver()))),
    }


def doctor_facts() -> dict[str, Any]:
    """What this machine has, by name; of the key only where it was found."""
    from .studio.rendering.doctor import examine

    found = find_key()
    return {**versions(), **examine(), "key": f"found in {found[1]}" if found else "not found"}


def bug_report(run: Path | None) -> BugReport:
    """What a bug report about ``run``, or about no run, would hold. Nothing is written. Raises UsageError."""
    from .pipeline.run.bug_report import BugReport

    found = find_key()
    return BugReport.collect(doctor_facts(), run, keys=[found[0]] if found else [])
