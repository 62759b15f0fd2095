# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that a model must be able to read: put at fal.ai once, and found again when the same bytes are needed."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from pathlib import Path
from typing import Any, TypedDict

from ...pipeline.errors import BadInput
from ...pipeline.system.disk import write_json
from ..service.client import FalQueue

LARGEST = 100 * 1024 * 1024  # bytes; above it fal-client switches to another protocol, and no endpoint takes so much
REUSE_FOR = 20 * 3600.0  # seconds; fal keeps uploads for days, a private one for one day


class Upload(TypedDict):
    """A file that lies at fal.ai, as .uploads.json holds it by its bytes' SHA-256."""

    url: str
    at: float  # seconds since 1970


class Uploads:
    """Safe from several threads; two threads that need the same bytes upload them once."""

    def __init__(self, path: Path, queue: FalQueue, *, private: bool) -> None:
        self._path = path
        self._queue = queue
        self._private = private
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            known = {}
        self._known: dict[str, Upload] = known if isinstance(known, dict) else {}

    def address(self, path: Path, media: str) -> str:
        """The address of ``path``'s bytes at fal.ai. Raises BadInput where it can't be read, FalError otherwise."""
        try:
            data = path.read_bytes()
        except OSError as error:
            raise BadInput(f"{path} can't be read ({error.strerror or error}); put it back, then resume") from error
        if len(data) > LARGEST:
            raise BadInput(f"{path} has {len(data) >> 20} MiB, and fal.ai takes {LARGEST >> 20}; make it smaller")
        digest = f"{hashlib.sha256(data).hexdigest()}{'-private' if self._private else ''}"
        with self._lock:
            lock = self._locks.setdefault(digest, threading.Lock())
        with lock:
            known = self._known.get(digest)
            if isinstance(known, dict) and 0 <= time.time() - float(known.get("at", 0)) < REUSE_FOR:
                return str(known["url"])
            url = self._queue.upload(data, media, path.name)
            with self._lock:
                self._known[digest] = {"url": url, "at": time.time()}
                write_json(self._path, self._known)
            return url

    def fill(self, value: Any) -> Any:
        """``value`` with each ``{"$file": path, "content_type": media}`` replaced by an address."""
        if isinstance(value, dict):
            if "$file" in value:
                return self.address(Path(value["$file"]), value["content_type"])
            return {name: self.fill(item) for name, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.fill(item) for item in value]
        return value
