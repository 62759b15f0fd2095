# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads what was delivered of a run into the status that the Deliver panel draws."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import bpy

from . import status, thumbnails


def show(root: Path | None) -> None:
    """The sets in ROOT/deliver; none where there is no run."""
    shown = status.of().delivered
    shown.clear()
    for path in sorted(root.glob("deliver/*/shop.json")) if root is not None else ():
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            title, headline = str(told["title"]), str(told["headline"])
            pictures = [
                (str(each["angle"]), each["file"], str(each["outcome"]), _broken(each["rules"]))
                for each in told["pictures"]
            ]
            outcome = str(told["outcome"])
        except (OSError, ValueError, LookupError, TypeError):  # somebody changed it
            continue
        item = shown.add()
        item.name, item.title, item.headline, item.outcome = path.parent.name, title, headline, outcome
        item.folder = str(path.parent)
        for angle, file, said, why in pictures:
            picture = item.pictures.add()
            picture.name, picture.outcome, picture.why = angle, said, why
            picture.file = str(path.parent / file) if file else ""
            if file:
                thumbnails.load(path.parent / file)


def command(root: Path | None) -> str:
    """What to type in a terminal for what needs the open file replaced, or asks before it buys: turns, files for AR, larger
    renders. ``root``: the run's folder."""
    words = [
        bpy.app.binary_path or "blender",
        "--command",
        "consistency",
        "deliver",
        str(root or "RUN"),
        "--for",
        "spin,ar",
    ]
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


def _broken(rules: list[dict[str, str]]) -> str:
    """The rules that a picture does not meet, those that it breaks first."""
    order = {"fail": 0, "advice": 1}
    found = sorted((rule for rule in rules if rule["outcome"] in order), key=lambda rule: order[rule["outcome"]])
    return "; ".join(f"{rule['rule']}: {rule['found']}" for rule in found)
