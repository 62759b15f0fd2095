# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the child process says: JSON lines on standard output, from any thread, and never waiting for a listener."""

from __future__ import annotations

import threading
from typing import IO

from ...pipeline.redaction import dumps
from .messages import Answer, Happened, Logged


class MessageWriter:
    """A parent that renders does not read for minutes, and a pipe holds 64 KiB.

    So nobody here waits for the pipe but one thread; while it waits, the newest word about a request replaces the
    older ones, and only what ends a request is always kept. Nobody listening is not an error.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._news = threading.Condition()
        self._waiting: dict[object, str] = {}
        self._busy = self._silent = False
        threading.Thread(target=self._speak, name="message writer", daemon=True).start()

    def say(self, message: Happened | Answer | Logged) -> None:
        line = dumps(message.to_json(), ensure_ascii=True) + "\n"
        with self._news:
            name: object = object()
            if isinstance(message, Happened) and not message.ends:
                name = ("passing", message.key)
            self._waiting.pop(name, None)
            self._waiting[name] = line
            self._news.notify_all()

    def finish(self, patience: float = 2.0) -> None:
        """Wait until everything is said, or ``patience`` seconds; then fall silent."""
        with self._news:
            self._news.wait_for(lambda: not self._waiting and not self._busy, patience)
            self._silent = True
            self._news.notify_all()

    def _speak(self) -> None:
        while True:
            with self._news:
                self._busy = False
                self._news.notify_all()
                self._news.wait_for(lambda: self._waiting or self._silent)
                if self._silent:
                    return
                lines = "".join(self._waiting.values())
                self._waiting.clear()
                self._busy = True
            try:
                self._stream.write(lines)
                self._stream.flush()
            except (OSError, ValueError):
                pass  # the parent has gone
