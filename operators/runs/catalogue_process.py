# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A catalogue works in a Blender of its own without a window: the artist's scene is not touched, and nothing waits for it.

What it says is read from a file, so that neither of the two ever waits for the other.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy

from ...pipeline.errors import TryAgainLater

_MODULE = "from consistency_pipeline.command_line import entry_point; entry_point()"


class CatalogueProcess:
    """``consistency catalogue`` with these ``words``; ``answer`` is what it says in the end. Raises TryAgainLater where it can't be started."""

    def __init__(self, words: Sequence[str], key: str | None) -> None:
        self._place = tempfile.TemporaryDirectory(prefix="consistency-")
        self._said, self._errors = Path(self._place.name) / "said.jsonl", Path(self._place.name) / "errors.txt"
        self._read = 0
        self._rest = b""
        self.answer: dict[str, Any] | None = None  # its last line, which may be there some time before it has ended
        if bpy.app.module:
            command = [sys.executable, "-c", _MODULE]
        else:
            command = [bpy.app.binary_path, "--background", "--command", "consistency"]
        environment = dict(os.environ)
        if key is not None:  # never an argument
            environment["FAL_KEY"] = key
        flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0) | getattr(subprocess, "CREATE_NO_WINDOW", 0)
        try:
            with self._said.open("wb") as said, self._errors.open("wb") as errors:
                self._process = subprocess.Popen(
                    [*command, "catalogue", *words, "--json"],
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=errors,
                    env=environment,
                    start_new_session=True,
                    creationflags=flags,
                )
        except OSError as error:
            raise TryAgainLater(f"a second Blender could not be started ({error.strerror}); try again") from error

    def news(self) -> list[dict[str, Any]]:
        """What has happened since the last call."""
        with self._said.open("rb") as file:
            file.seek(self._read)
            data = file.read()
        self._read += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        found = []
        for line in lines:
            with contextlib.suppress(ValueError):
                said = json.loads(line)
                if isinstance(said, dict) and "exit" in said:
                    self.answer = said
                elif isinstance(said, dict):
                    found.append(said)
        return found

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def last_words(self) -> str:
        """The last line of what it complained of, for when it ended without an answer."""
        lines = self._errors.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else "the second Blender ended without an answer; try again"

    def stop(self) -> None:
        """Ask it to end in order: what is paid for is kept."""
        with contextlib.suppress(OSError):
            self._process.send_signal(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGTERM))

    def close(self) -> None:
        """Forget it. What goes on ends by itself."""
        if not self.has_ended:
            self.stop()
        with contextlib.suppress(OSError):
            self._place.cleanup()


current: CatalogueProcess | None = None
