# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cancel is honest: removed from the queue, already running and already done are told apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from consistency_pipeline.fal_backend import errors
from consistency_pipeline.fal_backend.backend import FalBackend
from consistency_pipeline.fal_backend.buying import patience
from consistency_pipeline.fal_backend.service import client as clients
from consistency_pipeline.pipeline.backend.requests import Event
from consistency_pipeline.pipeline.errors import Cancelled
from consistency_pipeline.pipeline.money.ledger import Ledger
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from tests.fake_fal import FakeFal

from .shop import agrees, buy, buy_one, kinds, purchases, stills

pytestmark = pytest.mark.by_turns


def cancelling(state: str, first: Callable[[], Any] = lambda: None) -> Callable[[FalBackend, Event], None]:
    """Cancel once the backend says ``state``."""
    done: list[bool] = []

    def on_event(backend: FalBackend, event: Event) -> None:
        if event.kind == state and not done:
            done.append(True)
            first()
            backend.cancel()

    return on_event


def step(folder: RunFolder) -> str:
    return purchases(folder).next_step("photoreal/front/take-01")


def test_removed_from_the_queue_is_not_billed(folder: RunFolder, fake: FakeFal):
    """Through the real child process, as all the others here through the same program in a thread."""
    fake.queue_wait = 60.0
    event = buy_one(folder, on_event=cancelling("queued"))
    assert isinstance(event.error, Cancelled)
    assert "not billed" in event.text
    assert len(fake.of("cancel")) == 1
    assert fake.wait().billed == []
    assert (step(folder), purchases(folder).committed_usd) == ("retry", 0.0)
    fake.queue_wait = 0.0
    assert buy_one(folder).kind == "done"  # going on later is possible, and is a new request
    agrees(folder, fake)


@pytest.mark.usefixtures("near")
def test_already_running_may_be_billed_and_resume_fetches_it(
    folder: RunFolder, fake: FakeFal, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(patience, "GRACE", 0.2)
    fake.latency = 60.0
    event = buy_one(folder, on_event=cancelling("running"))
    assert isinstance(event.error, Cancelled)
    assert "may bill it" in event.text
    assert purchases(folder).last("photoreal/front/take-01").cancel == "running"
    assert Ledger.read([folder.root]).uncertain_usd == 0.025
    fake.advance(100)  # fal went on with it
    assert buy_one(folder).kind == "done"
    assert len(fake.of("submit")) == 1
    agrees(folder, fake)


@pytest.mark.usefixtures("near")
def test_running_and_finished_within_moments_is_fetched_at_once(folder: RunFolder, fake: FakeFal):
    fake.latency = 0.8
    event = buy_one(folder, on_event=cancelling("running"))
    assert (event.kind, event.billed_usd) == ("done", 0.025)
    assert fake.books.entries[0].cancelled
    agrees(folder, fake)


@pytest.mark.usefixtures("near")
def test_already_done_is_billed_and_fetched(folder: RunFolder, fake: FakeFal):
    fake.latency = 60.0
    said: list[str] = []
    cancel = cancelling("running", first=lambda: (fake.advance(100), fake.wait()))

    def on_event(backend: FalBackend, event: Event) -> None:
        said.append(event.text)
        cancel(backend, event)

    # Only the cancel finds out that it is done: asking is made to fail meanwhile.
    fake.fault("status", "http_500", skip=1, times=3)
    assert buy_one(folder, on_event=on_event).kind == "done"
    assert purchases(folder).last("photoreal/front/take-01").cancel in ("completed", "")
    agrees(folder, fake)


@pytest.mark.usefixtures("near")
def test_stopped_by_fal_while_running_is_not_bought_again_by_itself(folder: RunFolder, fake: FakeFal):
    fake.latency, fake.cancel_stops_running = 60.0, True
    event = buy_one(folder, on_event=cancelling("running"))
    assert isinstance(event.error, errors.Stopped)
    assert event.error.billed == "maybe"
    assert step(folder) == "stuck"
    fake.latency = 0.02
    assert buy_one(folder).kind == "failed"
    assert len(fake.of("submit")) == 1
    assert buy_one(folder, retry_failed=True).kind == "done"


@pytest.mark.usefixtures("near")
@pytest.mark.parametrize("fault", ["drop_before", "nginx_502", "http_500"])
def test_a_cancel_that_does_not_arrive_is_said_not_to_have(folder: RunFolder, fake: FakeFal, fault: str):
    fake.latency = 60.0
    fake.fault("cancel", fault, times=None)
    event = buy_one(folder, on_event=cancelling("running"))
    assert isinstance(event.error, Cancelled)
    assert "could not be told to stop" in event.text
    assert step(folder) == "wait"
    fake.advance(100)
    assert buy_one(folder).kind == "done"
    assert len(fake.of("submit")) == 1


@pytest.mark.usefixtures("near")
def test_cancelled_before_it_was_sent(folder: RunFolder, fake: FakeFal):
    fake.fault("upload", "slow", seconds=0.5)
    event = buy_one(folder, on_event=cancelling("waiting"))
    assert isinstance(event.error, Cancelled)
    assert "nothing was billed" in event.text
    assert len(fake.of("submit")) == 0
    assert kinds(folder) == []


@pytest.mark.usefixtures("near")
def test_one_of_several_is_cancelled(folder: RunFolder, fake: FakeFal):
    fake.queue_wait = 60.0
    done: list[str] = []

    def only_the_side(backend: FalBackend, event: Event) -> None:
        if event.kind == "queued" and not done:
            done.append(event.key)
            backend.cancel("photoreal/side/take-01")
        if event.kind == "failed":
            fake.queue_wait = 0.0  # whatever is still on its way
            fake.advance(60.0)  # and what waits already

    ended = buy(folder, stills(folder, "front", "side", "top"), on_event=only_the_side)
    assert {key.split("/")[1]: event.kind for key, event in ended.items()} == {
        "front": "done",
        "side": "failed",
        "top": "done",
    }
    assert len(fake.of("cancel")) == 1


@pytest.mark.usefixtures("near")
def test_what_takes_too_long_is_cancelled_and_still_fetched_later(
    folder: RunFolder, fake: FakeFal, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(patience.RESULT, "photoreal", 0.3)
    fake.latency = 60.0
    event = buy_one(folder)
    assert isinstance(event.error, errors.Overdue)
    assert len(fake.of("cancel")) == 1
    fake.advance(100)
    assert buy_one(folder).kind == "done"
    assert len(fake.of("submit")) == 1


@pytest.mark.usefixtures("near")
def test_a_cancel_that_is_never_answered_does_not_hang(
    folder: RunFolder, fake: FakeFal, monkeypatch: pytest.MonkeyPatch
):
    assert clients.QUESTION.read is not None
    assert clients.QUESTION.read < 30  # seconds
    monkeypatch.setattr(clients, "QUESTION", httpx.Timeout(0.5))
    fake.latency = 60.0
    fake.fault("cancel", "hang")
    event = buy_one(folder, on_event=cancelling("running"))
    assert isinstance(event.error, Cancelled)
    assert "could not be told" in event.text
