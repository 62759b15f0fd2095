# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A backend with this machine beside it: what is rendered here whatever makes the stills goes here, all else there."""

from __future__ import annotations

from ..json_object import JsonObject
from .local import LocalBackend
from .ports import Backend
from .requests import ClipRequest, Event, Request


class Beside:
    """``backend``, with exact clips and stitched ones made by ``here``, which costs nothing."""

    def __init__(self, backend: Backend, here: LocalBackend) -> None:
        self._backend, self._here = backend, here
        self.name, self.renders = backend.name, backend.renders

    @property
    def in_flight(self) -> int:
        return self._backend.in_flight + self._here.in_flight

    def start(self, request: Request) -> None:
        self._of(request).start(request)

    def poll(self, wait: float = 0.0) -> list[Event]:
        busy = self._here.in_flight > 0
        return [*self._here.poll(), *self._backend.poll(0.0 if busy else wait)]

    def quote(self, request: Request) -> float | None:
        return self._of(request).quote(request)

    def follows(self, endpoint: str) -> str:
        return self._backend.follows(endpoint)

    def name_of(self, endpoint: str) -> str:
        return self._backend.name_of(endpoint)

    def note(self, key: str, decision: JsonObject) -> None:
        self._backend.note(key, decision)

    def cancel(self, key: str | None = None) -> None:
        self._here.cancel(key)
        self._backend.cancel(key)

    def close(self) -> None:
        self._here.close()
        self._backend.close()

    def _of(self, request: Request) -> Backend:
        is_ours = isinstance(request, ClipRequest) and request.is_made_here
        return self._here if is_ours else self._backend
