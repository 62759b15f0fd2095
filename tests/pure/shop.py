"""What the tests of buying share: a run folder with references, requests for its stills, and a buyer that waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from consistency_pipeline.fal_backend.backend import FalBackend
from consistency_pipeline.pipeline import plan
from consistency_pipeline.pipeline.journal import Journal
from consistency_pipeline.pipeline.requests import ClipRequest, Event, ModelRequest, Request
from consistency_pipeline.pipeline.run_folder import RunFolder
from consistency_pipeline.pipeline.settings import RunSettings
from tests.fake_fal import API_KEY, FakeFal

from .stand_in import png, write

KONTEXT = "fal-ai/flux-kontext/dev"
PATIENCE = 60.0  # seconds after which a test has failed


def new_folder(root: Path, **settings: Any) -> RunFolder:
    """A run of fal's with its references rendered."""
    folder = RunFolder.create(root, RunSettings(**{"inputs": ("/duck.glb",), "backend": "fal", "size": 64, **settings}), {})  # fmt: skip
    for number, angle in enumerate(folder.settings.angles):
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


def buy_one(folder: RunFolder, request: Request | None = None, **options: Any) -> Event:
    [event] = buy(folder, [request or stills(folder)[0]], **options).values()
    return event


def purchases(folder: RunFolder) -> Any:
    return Journal(folder.journal).purchases


def kinds(folder: RunFolder) -> list[str]:
    """The kinds of the journal's events, in order."""
    from consistency_pipeline.pipeline.disk import read_lines

    return [line["event"] for line in read_lines(folder.journal)]


def agrees(folder: RunFolder, fake: FakeFal) -> None:
    """The run's accounts and fal's own are the same to the cent, and every paid result is on disk."""
    books = fake.wait()
    mine = {attempt.request_id: attempt for attempt in purchases(folder).attempts if attempt.request_id}
    for entry in books.billed:
        attempt = mine[entry.request_id]
        assert attempt.billed_usd == entry.usd
        assert attempt.next_step == "done"
        assert all((folder.root / receipt["file"]).is_file() for receipt in attempt.downloaded.values())
    assert round(purchases(folder).billed_usd, 6) == books.usd
