# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of buying share: a run folder with references, requests for its stills, and a buyer that waits."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from consistency_pipeline.fal_backend import backend as backends
from consistency_pipeline.fal_backend import prices, request_to_purchase
from consistency_pipeline.fal_backend.backend import FalBackend
from consistency_pipeline.fal_backend.buying import patience
from consistency_pipeline.fal_backend.child import program
from consistency_pipeline.fal_backend.child.messages import Hello
from consistency_pipeline.fal_backend.service import download
from consistency_pipeline.pipeline import chain, plan
from consistency_pipeline.pipeline.backend.requests import ClipRequest, Event, ModelRequest, Request
from consistency_pipeline.pipeline.child.connection import Connection
from consistency_pipeline.pipeline.run.journal import Journal
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from consistency_pipeline.pipeline.settings.groups import RunSettings
from consistency_pipeline.pipeline.stages import Progress
from tests.fake_fal import API_KEY, FakeFal

from .stand_in import StandInStudio, png, write

KONTEXT = "fal-ai/flux-kontext/dev"
PATIENCE = 60.0  # seconds after which a test has failed


def until(condition: Callable[[], Any]) -> None:
    """Wait for what another thread or process does."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def new_folder(root: Path, **settings: Any) -> RunFolder:
    """A run of fal's with its references rendered."""
    folder = RunFolder.create(
        root, RunSettings(**{"inputs": ("/duck.glb",), "backend": "fal", "size": 64, **settings}), {}
    )
    for number, angle in enumerate(folder.settings.studio.angles):
        write(folder.references / f"{angle.name}.png", png(grey=50 + 20 * number))
    return folder


def stills(folder: RunFolder, *names: str) -> list[Request]:
    """Requests for stills of the named angles; of the front where none is named."""
    found: list[Request] = []
    for name in names or ("front",):
        image = folder.references / f"{name}.png"
        settings = folder.settings
        files = {"image": image, "depth_map": image}
        found += plan.still_requests(folder, settings, plan.UNKNOWN_PRODUCT, settings.angle(name), files)
    return found


def model(folder: RunFolder, photos: int = 1) -> ModelRequest:
    paths = [write(folder.photos / f"{n}.png", png(128, 128, grey=n)) for n in range(photos)]
    return plan.model_request(folder, folder.settings, paths)


def clip(folder: RunFolder) -> ClipRequest:
    write(folder.still("three-quarter"), png(512, 512))
    return plan.clip_request(folder, folder.settings, plan.UNKNOWN_PRODUCT)


def buy(
    folder: RunFolder,
    requests: Iterable[Request],
    *,
    on_event: Callable[[FalBackend, Event], None] = lambda _backend, _event: None,
    **options: Any,
) -> dict[str, Event]:
    """Buy through the real backend and its child process; the last event of each request."""
    backend = FalBackend(folder, API_KEY, **options)
    ended: dict[str, Event] = {}
    deadline = time.monotonic() + PATIENCE
    try:
        wanted = list(requests)
        for request in wanted:
            backend.start(request)
        while len(ended) < len(wanted):
            assert time.monotonic() < deadline, f"not ended: {[r.key for r in wanted if r.key not in ended]}"
            for event in backend.poll(0.1):
                on_event(backend, event)
                if event.ends:
                    ended[event.key] = event
    finally:
        backend.close()
    return ended


def go(
    folder: RunFolder,
    studio: StandInStudio | None = None,
    *,
    on_progress: Callable[[Progress, FalBackend], Any] = lambda _progress, _backend: None,
    **options: Any,
) -> dict[str, Any]:
    """One call of the command, without Blender. ``on_progress`` may return an exception to throw into the chain."""
    backend = FalBackend(folder, API_KEY, **options)
    try:
        steps = chain.run(folder, studio or StandInStudio(), backend, wait=0.02)
        while True:
            try:
                error = on_progress(next(steps), backend)
            except StopIteration as done:
                return done.value
            if error is not None:
                steps.throw(error)
    finally:
        backend.close()


def buy_one(folder: RunFolder, request: Request | None = None, **options: Any) -> Event:
    [event] = buy(folder, [request or stills(folder)[0]], **options).values()
    return event


class NearChild(Connection):
    """The child's own program behind the same two pipes, but in a thread: quick to start, and its pauses can be shortened."""

    def __init__(self, hello: Hello, python_args: object = ()) -> None:
        orders, self._orders = os.pipe()
        pipe, words = os.pipe()
        self._pipe = os.fdopen(pipe, "rb", buffering=0)
        os.set_blocking(pipe, False)
        self._rest, self._ended = b"", False
        self._thread = threading.Thread(target=self._serve, args=(hello, orders, words), daemon=True)
        self._thread.start()

    def _serve(self, hello: Hello, orders: int, words: int) -> None:
        outgoing = os.fdopen(words, "w", encoding="utf-8")
        # Nobody may listen any more. A process just leaves then, without a last word.
        with contextlib.suppress(BrokenPipeError), outgoing, os.fdopen(orders, encoding="utf-8") as incoming:
            program.main(hello.to_json(), incoming, outgoing)

    def send(self, message: dict[str, Any]) -> bool:
        os.write(self._orders, json.dumps(message).encode() + b"\n")
        return True

    def close(self, patience: float = PATIENCE) -> None:
        os.close(self._orders)
        self._thread.join(patience)
        assert self.has_left or not patience
        self._pipe.close()

    @property
    def has_left(self) -> bool:
        return not self._thread.is_alive()


class NearQuestion(NearChild):
    """One that is asked a question; who asks doesn't wait for it to leave, and a test does."""

    def close(self, patience: float = PATIENCE) -> None:
        super().close()


# fal_backend.patience in small.
PATIENCES: dict[str, Any] = {
    "AFTER_A_FAULT": (0.05, 0.05),
    "AFTER_SILENCE": (0.05,) * 4,
    "LOOK_UP": (0.02, 0.05, 0.1),
    "WEATHER": 1.0,
    "LOOK": 0.2,
    "FIRST_PAUSE": 0.02,
    "LONGEST_PAUSE": 0.1,
    "CONFIRM": 0.02,
    "GRACE": 3.0,
}


def bring_near(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the backend's child run in this process, impatiently."""
    monkeypatch.setattr(backends, "connect", NearChild)
    for name, seconds in PATIENCES.items():
        monkeypatch.setattr(patience, name, seconds)
    monkeypatch.setattr(patience, "interval", lambda _waited: 0.03)
    monkeypatch.setattr(download, "FIRST_PAUSE", 0.02)
    monkeypatch.setattr(os, "fsync", lambda _file: None)  # nobody pulls the plug here; test_disk looks after it


def with_prices(folder: RunFolder, requests: Iterable[Request]) -> RunFolder:
    """The run agreed to fal's prices of today, as the command does before it spends."""
    endpoints = {request_to_purchase.with_endpoint(request, folder.settings).endpoint for request in requests}
    folder.note(prices=prices.with_remembered(prices.fetch(API_KEY, endpoints), endpoints))
    return folder


def purchases(folder: RunFolder) -> Any:
    return Journal(folder.journal).purchases


def kinds(folder: RunFolder) -> list[str]:
    """The kinds of the journal's events, in order."""
    from consistency_pipeline.pipeline.system.disk import read_lines

    return [line["event"] for line in read_lines(folder.journal)]


def agrees(folder: RunFolder, fake: FakeFal) -> None:
    """The run's accounts and fal's own are the same to the cent, and every paid result is on disk."""
    books = fake.wait()
    mine = {attempt.request_id: attempt for attempt in purchases(folder).attempts if attempt.request_id}
    for entry in books.billed:
        attempt = mine[entry.request_id]
        assert attempt.billed_usd == entry.usd
        assert attempt.next_step == "done"
        assert all((folder.root / receipt.file).is_file() for receipt in attempt.downloaded.values())
    assert round(purchases(folder).billed_usd, 6) == books.usd
