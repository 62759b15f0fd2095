# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every fault of the service in the client's own path: what is raised, what was sent, and that nothing is sent twice."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from consistency_pipeline.fal_backend import prices
from consistency_pipeline.fal_backend.buying import history
from consistency_pipeline.fal_backend.errors import (
    BadAnswer,
    BadKey,
    EmptyBalance,
    Expired,
    FalError,
    Forbidden,
    InvalidInput,
    ModelFailed,
    PolicyRefusal,
    QueueTimeout,
    ServerFault,
    Stopped,
    Uncertain,
    UnknownEndpoint,
    Unreachable,
)
from consistency_pipeline.fal_backend.service import web
from consistency_pipeline.fal_backend.service.client import FalQueue, Handle
from consistency_pipeline.fal_backend.service.clock import FalClock
from consistency_pipeline.fal_backend.service.error_answers import billable_units
from consistency_pipeline.pipeline.errors import TryAgainLater
from consistency_pipeline.pipeline.run.attempt import Attempt
from tests.fake_fal import API_KEY, FakeFal

from .shop import KONTEXT
from .stand_in import png

pytestmark = pytest.mark.by_turns

PRIVATE_HOST = "https://10.0.0.1/requests/x"


@pytest.fixture
def queue(fake: FakeFal) -> Iterator[FalQueue]:
    queue = FalQueue(API_KEY)
    yield queue
    queue.close()


@pytest.fixture
def send(queue: FalQueue) -> Callable[[], Handle]:
    image = queue.upload(png(), "image/png", "front.png")
    return lambda: queue.submit(KONTEXT, {"prompt": "a duck", "image_url": image})


def finished(queue: FalQueue, handle: Handle) -> None:
    reaches(queue, handle, "COMPLETED")


def reaches(queue: FalQueue, handle: Handle, state: str) -> None:
    deadline = time.monotonic() + 20
    while queue.standing(handle).state != state:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_request_from_upload_to_result(queue: FalQueue, send: Callable[[], Handle], fake: FakeFal):
    handle = send()
    finished(queue, handle)
    answer = queue.answer(handle)
    assert answer.body["images"][0]["url"].startswith("https://v3b.fal.media/")
    assert answer.units == 1.0
    assert handle.request_id == fake.books.entries[0].request_id


# submitting


@pytest.mark.parametrize(
    "fault",
    [
        "lost_answer",
        "drop_mid_body",
        "broken_json",
        "nginx_502",
        "nginx_503",
        "nginx_504",
        "http_500",
        "http_503",
        "http_408",
        "drop_before",
    ],
)
def test_a_lost_answer_is_uncertain_and_is_not_sent_again(send: Callable[[], Handle], fake: FakeFal, fault: str):
    handled = {"handled": True} if fault.startswith(("nginx", "http")) else {}
    fake.fault("submit", fault, times=None, **handled)
    with pytest.raises(Uncertain, match="not sent again"):
        send()
    assert len(fake.of("submit")) == 1
    assert len(fake.books) == (0 if fault == "drop_before" else 1)


def test_silence_is_uncertain_too(send: Callable[[], Handle], fake: FakeFal):
    fake.fault("submit", "hang", handled=True)
    cut = threading.Timer(0.5, fake.drop_all)
    cut.start()
    with pytest.raises(Uncertain):
        send()
    cut.join()
    assert len(fake.of("submit")) == len(fake.books) == 1


@pytest.mark.parametrize(
    "strange",
    [{"request_id": None}, {"request_id": 7}, {"request_id": "../../../x"}, {"request_id": "a" * 500}],
    ids=str,
)
def test_an_answer_that_names_no_request_is_uncertain(send: Callable[[], Handle], fake: FakeFal, strange: dict):
    fake.fault("submit", "edit_answer", edit=lambda body: {**body, **strange})
    with pytest.raises(Uncertain):
        send()
    assert len(fake.of("submit")) == 1


@pytest.mark.parametrize(
    ("fault", "options", "error", "words"),
    [
        ("bad_key", {}, BadKey, "does not accept this key"),
        ("locked", {}, EmptyBalance, "top it up"),
        ("http_403", {}, Forbidden, "API scope"),
        ("status", {"status": 404}, UnknownEndpoint, "no such endpoint"),
        ("status", {"status": 422, "detail": "prompt too long"}, InvalidInput, "prompt too long"),
        ("http_409", {}, Unreachable, "resume later"),
        ("http_429", {}, Unreachable, "a few minutes"),
    ],
)
@pytest.mark.parametrize("handled", [False, True])
def test_a_refusal_is_told_and_not_believed_and_nothing_is_sent_again(
    send: Callable[[], Handle],
    fake: FakeFal,
    fault: str,
    options: dict,
    error: type[FalError],
    words: str,
    handled: bool,
):
    fake.fault("submit", fault, times=None, handled=handled, **options)
    with pytest.raises(Uncertain) as told:
        send()
    refusal = told.value.refusal
    assert type(refusal) is error
    assert refusal.billed == "no"
    assert words in str(refusal)
    assert "Nothing was billed" in str(refusal)
    assert len(fake.of("submit")) == 1
    assert len(fake.books) == handled


def test_a_page_that_is_not_fals_own_refuses_nothing(send: Callable[[], Handle], fake: FakeFal):
    fake.fault("submit", "status", status=302, handled=True)
    with pytest.raises(Uncertain) as told:
        send()
    assert told.value.refusal is None
    assert len(fake.books) == 1


def test_without_a_network_nothing_was_sent(send: Callable[[], Handle], fake: FakeFal):
    with fake.offline(), pytest.raises(Unreachable) as error:
        send()
    assert error.value.exit_status == 75
    assert error.value.billed == "no"
    assert len(fake.books) == 0


def test_a_refused_connect_is_no_submission(send: Callable[[], Handle], fake: FakeFal):
    fake.fault("connect:queue.fal*", "connect_refused", times=None)
    fake.drop_all()
    with pytest.raises(Unreachable):
        send()
    assert len(fake.of("submit")) == 0


@pytest.mark.parametrize("name", ["status_url", "response_url", "cancel_url"])
def test_addresses_that_are_not_fals_are_replaced_by_fals_own(
    queue: FalQueue, send: Callable[[], Handle], fake: FakeFal, name: str
):
    fake.fault("submit", "edit_answer", edit=lambda body: {**body, name: PRIVATE_HOST})
    handle = send()
    assert getattr(handle, name).startswith("https://queue.fal.run/fal-ai/flux-kontext/requests/")
    finished(queue, handle)
    assert not fake.refused


# asking


@pytest.mark.parametrize(
    ("fault", "options", "error"),
    [
        ("unknown_status", {}, BadAnswer),
        ("broken_json", {}, BadAnswer),
        ("nginx_502", {}, Unreachable),
        ("http_500", {}, ServerFault),
        ("lost_answer", {}, Unreachable),
        ("drop_mid_body", {}, Unreachable),
        ("not_found", {}, Expired),
        ("bad_key", {}, BadKey),
        ("http_429", {}, BadAnswer),
        ("status", {"status": 302}, BadAnswer),
    ],
)
def test_each_strange_status_is_its_own_error(
    queue: FalQueue, send: Callable[[], Handle], fake: FakeFal, fault: str, options: dict, error: type[FalError]
):
    handle = send()
    fake.fault("status", fault, **options)
    with pytest.raises(error) as found:
        queue.standing(handle)
    assert handle.request_id in str(found.value) or error is BadKey
    assert queue.standing(handle).state in ("IN_QUEUE", "IN_PROGRESS", "COMPLETED")


@pytest.mark.parametrize("missing", ["logs", "queue_position", "metrics"])
def test_a_status_needs_nothing_but_its_word(queue: FalQueue, send: Callable[[], Handle], fake: FakeFal, missing: str):
    handle = send()
    fake.fault("status", "edit_answer", edit=lambda body: {k: v for k, v in body.items() if k != missing})
    assert queue.standing(handle).state


@pytest.mark.parametrize(
    ("job_fault", "options", "error", "billed"),
    [
        ("content_policy", {}, PolicyRefusal, "maybe"),
        ("no_media", {}, ModelFailed, "maybe"),
        ("invalid_input", {}, InvalidInput, "maybe"),
        ("job_error", {}, ServerFault, "maybe"),  # one answer alone proves nothing
        ("job_error", {"status": 503, "error_type": "runner_disconnected"}, ServerFault, "maybe"),
        ("queue_timeout", {}, QueueTimeout, "maybe"),
    ],
)
def test_each_way_a_model_fails_is_its_own_error(
    queue: FalQueue, send: Callable[[], Handle], fake: FakeFal, job_fault: str, options: dict, error: type, billed: str
):
    fake.fault("submit", job_fault, **options)
    handle = send()
    finished(queue, handle)
    with pytest.raises(error) as found:
        queue.answer(handle)
    assert found.value.billed == billed
    assert handle.request_id in str(found.value)
    assert "image_url" not in str(found.value)  # fal echoes the whole input, which may hold a picture


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("broken_json", BadAnswer),
        ("nginx_502", Unreachable),
        ("http_500", ServerFault),
        ("not_found", Expired),
        ("drop_mid_body", Unreachable),
    ],
)
def test_a_result_that_cannot_be_read_can_be_asked_for_again(
    queue: FalQueue, send: Callable[[], Handle], fake: FakeFal, fault: str, error: type[FalError]
):
    handle = send()
    finished(queue, handle)
    fake.fault("result", fault)
    with pytest.raises(error):
        queue.answer(handle)
    assert queue.answer(handle).body["images"]


def test_a_result_asked_for_too_early_is_no_verdict(queue: FalQueue, send: Callable[[], Handle], fake: FakeFal):
    fake.latency = 5.0
    with pytest.raises(BadAnswer) as early:
        queue.answer(send())
    assert early.value.billed == "maybe"


@pytest.mark.parametrize("units", ["many", "-1", "nan", "inf", "1e300"])
def test_units_that_are_no_number_are_no_bill(units: str):
    assert billable_units({"x-fal-billable-units": units}) is None


def test_a_result_of_brackets_is_refused(queue: FalQueue, send: Callable[[], Handle], monkeypatch: pytest.MonkeyPatch):
    handle = send()
    finished(queue, handle)
    import httpx

    deep = httpx.Response(200, text="[" * 200_000)
    monkeypatch.setattr(queue._client._client, "request", lambda *_a, **_k: deep)
    with pytest.raises(BadAnswer):
        queue.answer(handle)


# cancelling


def test_cancelling_tells_the_three_cases_apart(queue: FalQueue, send: Callable[[], Handle], fake: FakeFal):
    fake.latency, fake.queue_wait = 30.0, 30.0
    assert queue.cancel(send()) == "removed"
    fake.queue_wait = 0.0
    running = send()
    reaches(queue, running, "IN_PROGRESS")
    assert queue.cancel(running) == "running"
    fake.advance(60)
    reaches(queue, running, "COMPLETED")
    assert queue.cancel(running) == "completed"
    unknown = f"https://queue.fal.run/fal-ai/flux-kontext/requests/{uuid.UUID(int=0)}"
    assert queue.cancel(Handle("0" * 8, f"{unknown}/status", unknown, f"{unknown}/cancel")) == "gone"


def test_a_request_that_was_cancelled_elsewhere_is_said_to_be(
    queue: FalQueue, send: Callable[[], Handle], fake: FakeFal
):
    fake.latency, fake.cancel_stops_running = 30.0, True
    handle = send()
    reaches(queue, handle, "IN_PROGRESS")
    queue.cancel(handle)
    with pytest.raises(Stopped, match="cancelled"):
        queue.answer(handle)


# uploading


@pytest.mark.parametrize("operation", ["token", "upload"])
@pytest.mark.parametrize("fault", ["drop_before", "nginx_502", "http_429", "lost_answer"])
def test_an_upload_is_tried_again(queue: FalQueue, fake: FakeFal, operation: str, fault: str):
    fake.fault(operation, fault, handled=True) if fault in ("nginx_502", "http_429") else fake.fault(operation, fault)
    try:
        url = queue.upload(png(), "image/png", "front.png")
    except (Unreachable, TryAgainLater, ServerFault):
        assert operation == "token"  # fal-client does not try this one again; the purchase does
        url = queue.upload(png(), "image/png", "front.png")
    assert fake.storage.fetch(url) == png()
    assert not fake.key_leaks


@pytest.mark.parametrize("operation", ["token", "upload"])
@pytest.mark.parametrize(
    ("fault", "error"), [("http_500", ServerFault), ("broken_json", ServerFault), ("bad_key", BadKey)]
)
def test_an_upload_that_fails_costs_nothing_and_tells_no_one_the_key(
    queue: FalQueue, fake: FakeFal, operation: str, fault: str, error: type[FalError]
):
    fake.fault(operation, fault, times=None)
    with pytest.raises(error) as failed:
        queue.upload(png(), "image/png", "front.png")
    assert failed.value.billed == "no"
    assert not fake.key_leaks
    assert not fake.of("initiate")  # the fallback that shows the key to a signed address's host


def test_an_upload_address_that_is_not_fals_is_refused(queue: FalQueue, fake: FakeFal):
    fake.fault("upload", "edit_answer", edit=lambda _body: {"access_url": "https://evil.example/a.png"})
    with pytest.raises(ServerFault, match="not fal's"):
        queue.upload(png(), "image/png", "front.png")


# the platform API


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("bad_key", BadKey),
        ("http_500", ServerFault),
        ("nginx_502", ServerFault),
        ("broken_json", BadAnswer),
        ("lost_answer", Unreachable),
        ("http_429", Unreachable),
    ],
)
def test_questions_about_prices_fail_in_one_sentence(fake: FakeFal, fault: str, error: type[FalError]):
    fake.fault("pricing", fault)
    with pytest.raises(error) as failed:
        prices.fetch(API_KEY, [KONTEXT])
    assert API_KEY not in str(failed.value)


def test_an_endless_list_is_bounded(fake: FakeFal, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(web, "LARGEST", 10)
    with pytest.raises(BadAnswer, match="does not end"):
        prices.fetch(API_KEY, [KONTEXT])


def lost(fake: FakeFal, number: int = 0) -> Attempt:
    """An attempt whose answer never came, as the journal would know it."""
    entry = fake.books.entries[number]
    from datetime import UTC, datetime

    return Attempt("k", 1, endpoint=KONTEXT, arguments=entry.arguments, intended_at=datetime.now(UTC).isoformat())


def search(attempt: Attempt, *known: str) -> str | None:
    clock = FalClock()
    listed = history.read(API_KEY, attempt.endpoint, clock)
    return history.find(listed, attempt, clock, known)


def test_a_lost_request_is_found_by_its_words_and_never_taken_from_another(send: Callable[[], Handle], fake: FakeFal):
    first = send().request_id
    assert search(lost(fake)) == first
    assert search(lost(fake), first) is None
    second = send().request_id
    assert search(lost(fake), first) == second
    changed = Attempt("k", 1, endpoint=KONTEXT, arguments={"prompt": "a goose"}, intended_at=lost(fake).intended_at)
    assert search(changed) is None


def test_last_weeks_request_with_the_same_words_is_not_this_one(send: Callable[[], Handle], fake: FakeFal):
    send()
    attempt = lost(fake)
    attempt.sent_at = attempt.intended_at = "2199-01-01T00:00:00+00:00"
    assert search(attempt) is None


def test_a_list_that_cannot_be_had_is_an_error_and_no_answer(send: Callable[[], Handle], fake: FakeFal):
    send()
    attempt = lost(fake)
    for fault, error in (("nginx_502", ServerFault), ("lost_answer", Unreachable), ("http_403", Forbidden)):
        fake.fault("requests", fault)
        with pytest.raises(error):
            search(attempt)
    fake.fault("requests", "edit_answer", edit=lambda _body: {})
    with pytest.raises(BadAnswer):
        search(attempt)


def test_a_long_list_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch):
    pages: Iterator[dict[str, Any]] = iter(
        [
            {"items": [{"request_id": "x"}], "has_more": True, "next_cursor": "2"},
            {
                "items": [{"request_id": "y", "sent_at": "2026-01-01T00:00:01Z", "json_input": {"a": 1}}],
                "has_more": False,
            },
        ]
    )
    monkeypatch.setattr(web, "get", lambda *_a: next(pages))
    assert search(Attempt("k", 1, endpoint="e/e", arguments={"a": 1}, intended_at="2026-01-01T00:00:00+00:00")) == "y"


def test_a_request_whose_words_the_list_does_not_keep_may_be_this_one(send: Callable[[], Handle], fake: FakeFal):
    request = send().request_id
    attempt, clock = lost(fake), FalClock()
    fake.fault(
        "requests",
        "edit_answer",
        times=None,
        edit=lambda body: {"items": [{name: row[name] for name in ("request_id", "sent_at")} for row in body["items"]]},
    )
    listed = history.read(API_KEY, KONTEXT, clock)
    assert history.find(listed, attempt, clock, ()) is None
    assert history.may_hide(listed, attempt, clock, ())
    assert not history.may_hide(listed, attempt, clock, {request})
