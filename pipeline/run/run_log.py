# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The log of a run, RUN/log.txt: what a maintainer needs to understand a run that went wrong, for as long as it lasts.

Modules log with ``logging.getLogger(__name__)``. While a run is on its way its file listens to this package's logger, and
to no other; the child process hands its records to the parent (``Forwarding``), which alone writes. No key is ever in it.
"""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
from collections.abc import Callable, Iterator
from pathlib import Path

from ..redaction import redact, without_tokens

NAME = "log.txt"
LARGEST = 1 << 20  # bytes; then it becomes log.txt.1, in place of the one before
PACKAGE = logging.getLogger(__name__.removesuffix(".pipeline.run.run_log"))
PACKAGE.addHandler(logging.NullHandler())  # outside a run nothing is said on the user's terminal


class RedactedFormatter(logging.Formatter):
    """Every line, traceback included, without the key and without what signs an address."""

    def __init__(self) -> None:
        super().__init__("{asctime}.{msecs:03.0f} {levelname:<7} {name}: {message}", "%Y-%m-%d %H:%M:%S", style="{")

    def format(self, record: logging.LogRecord) -> str:
        return redact(without_tokens(super().format(record)))


class _LogFile(logging.handlers.RotatingFileHandler):
    """A file that nobody depends on: where it can't be written, because the disk is full for instance, nothing happens."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=LARGEST, backupCount=1, encoding="utf-8", delay=True, errors="backslashreplace")
        self.setFormatter(RedactedFormatter())

    def handleError(self, _record: logging.LogRecord) -> None:  # noqa: N802 - the library calls it so
        pass


class Forwarding(logging.Handler):
    """For a child process: hands each record, as level, logger below the package and text, to ``say``."""

    def __init__(self, say: Callable[[int, str, str], object]) -> None:
        super().__init__()
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        trace = logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
        text = "\n".join(filter(None, (record.getMessage(), trace)))
        self._say(record.levelno, record.name.removeprefix(f"{PACKAGE.name}."), redact(text))


def take_forwarded(level: int, name: str, text: str) -> None:
    """Log in this process what ``Forwarding`` said in another."""
    PACKAGE.getChild(f"child.{name}").log(level, "%s", text)


@contextlib.contextmanager
def listening(handler: logging.Handler, logger: logging.Logger = PACKAGE) -> Iterator[None]:
    """Have ``handler`` get what ``logger`` is told, from INFO upwards; afterwards everything is as it was."""
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        with contextlib.suppress(OSError):
            handler.close()


def log_of(root: Path) -> contextlib.AbstractContextManager[None]:
    """Everything that is logged inside goes to the log of the run in ``root``."""
    return listening(_LogFile(root / NAME))
