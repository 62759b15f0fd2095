# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fake can answer anything, anywhere, once or for a while, and its books still hold what really happened."""

from __future__ import annotations

import contextlib
import hashlib
import json
import urllib.request
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime

import pytest
import requests

from tests.fake_fal import ADMIN_KEY, API_KEY, FakeFal
from tests.fake_fal.control import Control
from tests.fake_fal.oddities import CATALOGUE

pytestmark = pytest.mark.by_turns

SCHNELL = "fal-ai/flux/schnell"
PLAIN = {"prompt": "a", "image_size": {"width": 64, "height": 64}}
PRICING = f"https://api.fal.ai/v1/models/pricing?endpoint_id={SCHNELL}"
LISTED = f"https://api.fal.ai/v1/models/requests/by-endpoint?endpoint_id={SCHNELL}"


@pytest.fixture
def fake(monkeypatch) -> Iterator[FakeFal]:
    with FakeFal(latency=0.0, concurrency=1000) as service:
        for name, value in service.environment().items():
            monkeypatch.setenv(name, value)
        yield service


@pytest.fixture
def ask(fake) -> Iterator[Callable[..., requests.Response]]:
    """One GET with the key, over connections that are kept."""
    with requests.Session() as session:
        session.headers["Authorization"] = f"Key {API_KEY}"

        def call(url: str, method: str = "GET", **options) -> requests.Response:
            return session.request(method, url, timeout=20, allow_redirects=False, **options)

        yield call


def submitted(ask) -> dict:
    return ask(f"https://queue.fal.run/{SCHNELL}", "POST", json=PLAIN).json()


def listed(ask, more: str = "") -> list[dict]:
    return ask(LISTED + more).json()["items"]


def test_every_oddity_happens_once_and_the_books_hold_the_truth(fake, ask):
    """By hand at each operation: what comes back is not the plain answer, and afterwards the plain answer is back."""
    body = submitted(ask)
    fake.wait()
    picture = ask(body["response_url"]).json()["images"][0]["url"]
    token = {"Authorization": f"Bearer {_token(ask)}", "x-fal-file-name": "a.png"}
    places: dict[str, Callable[[], requests.Response]] = {
        "submit": lambda: ask(f"https://queue.fal.run/{SCHNELL}", "POST", json=PLAIN),
        "status": lambda: ask(body["status_url"]),
        "result": lambda: ask(body["response_url"]),
        "download": lambda: ask(picture),
        "requests": lambda: ask(LISTED),
        "pricing": lambda: ask(PRICING),
        "cancel": lambda: ask(body["cancel_url"], "PUT"),
        "token": lambda: ask("https://rest.fal.ai/storage/auth/token?storage_type=fal-cdn-v3", "POST", json={}),
        "upload": lambda: ask("https://v3.fal.media/files/upload", "POST", data=b"x", headers=token),
    }
    places |= {"*": places["status"], "connect": lambda: requests.get(PRICING, timeout=20)}
    assert len(CATALOGUE) > 200
    assert {oddity.operation for oddity in CATALOGUE.values()} == places.keys()
    for name, oddity in CATALOGUE.items():
        before = len(fake.books)
        fault = fake.oddity(name)
        with contextlib.suppress(requests.RequestException):
            places[oddity.operation]()
        assert (name, fault.hits) == (name, 1)
        accepted = not name.startswith(("not-accepted", "dropped-before")) if oddity.operation == "submit" else 0
        assert (name, len(fake.wait()) - before) == (name, accepted)
    assert not fake.faults.waiting()
    for entry in fake.books:
        fault = fake.queue.job(entry.request_id).fault
        ends_otherwise = fault is not None and fault.kind != "echo_key"
        assert entry.billed == (fault.options.get("billed") is True if ends_otherwise else True)


def _token(ask) -> str:
    return ask("https://rest.fal.ai/storage/auth/token?storage_type=fal-cdn-v3", "POST", json={}).json()["token"]


@pytest.mark.parametrize("status", [302, 401, 404, 409, 422, 429, 500])
def test_a_submission_can_be_accepted_and_denied(fake, ask, status):
    fake.oddity(f"accepted-{status}")
    assert ask(f"https://queue.fal.run/{SCHNELL}", "POST", json=PLAIN).status_code == status
    [entry] = fake.wait()
    assert (entry.answered, entry.billed, entry.arguments) == (status, True, PLAIN)
    fake.oddity(f"not-accepted-{status}")
    assert ask(f"https://queue.fal.run/{SCHNELL}", "POST", json=PLAIN).status_code == status
    assert len(fake.books) == 1


def test_a_fault_can_last_for_a_while_from_its_first_time_on(fake, ask):
    body = submitted(ask)
    fault = fake.fault("result", "odd", status=404, body={}, lasting=8.0)
    fake.wait()
    fake.advance(60)
    assert fake.faults.waiting() == [fault]
    assert [ask(body["response_url"]).status_code for _ in range(3)] == [404, 404, 404]
    fake.advance(8.1)
    assert ask(body["response_url"]).status_code == 200
    assert (fault.hits, fake.faults.waiting()) == (3, [])


def test_every_answer_has_the_date_of_the_fakes_clock(fake, ask):
    fake.advance(86_400)
    for url in (PRICING, "https://queue.fal.run/fal-ai/x/requests/none", "https://v3.fal.media/none", LISTED):
        said = parsedate_to_datetime(ask(url).headers["date"]).timestamp()
        assert abs(said - fake.clock()) < 5
    fake.fault("pricing", "odd", skew=-3600.0)
    assert abs(parsedate_to_datetime(ask(PRICING).headers["date"]).timestamp() - fake.clock() + 3600) < 5
    fake.fault("pricing", "odd", headers={"date": None})
    assert "date" not in ask(PRICING).headers


def test_the_list_shows_what_it_is_told_to(fake, ask):
    fake.latency = 30.0
    first = submitted(ask)["request_id"]
    assert [row["ended_at"] for row in listed(ask)] == [None]
    fake.listing.shows_open = False
    assert listed(ask) == []
    while fake.queue.job(first).outcome is None:
        pass
    fake.advance(31)
    second = submitted(ask)["request_id"]
    assert [row["request_id"] for row in listed(ask)] == [first]
    while fake.queue.job(second).outcome is None:
        pass
    fake.advance(31)
    assert [row["request_id"] for row in listed(ask, "&status=success")] == [second, first]
    fake.listing.order = "oldest"
    assert [row["request_id"] for row in listed(ask)] == [first, second]
    fake.listing.largest_page = 1
    page = ask(LISTED).json()
    assert (len(page["items"]), page["has_more"]) == (1, True)
    assert [row["request_id"] for row in listed(ask, f"&cursor={page['next_cursor']}")] == [second]
    fake.listing.largest_page, fake.listing.hidden = 100, {first}
    assert [row["request_id"] for row in listed(ask)] == [second]
    assert listed(ask, "&expand=payloads")[0]["json_input"] == PLAIN
    fake.listing.payloads = False
    assert "json_input" not in listed(ask, "&expand=payloads")[0]
    headers = {"Authorization": f"Key {ADMIN_KEY}"}
    assert ask(LISTED, headers=headers).json()["items"] == []
    fake.listing.strangers = True
    assert len(ask(LISTED, headers=headers).json()["items"]) == 1
    fake.listing.lag = 3600.0
    assert listed(ask) == []


def test_payloads_are_not_stored_where_the_customer_says_so(fake, ask):
    ask(f"https://queue.fal.run/{SCHNELL}", "POST", json=PLAIN, headers={"X-Fal-Store-IO": "0"})
    fake.wait()
    [row] = listed(ask, "&expand=payloads")
    assert (row["status_code"], "json_input" in row) == (200, False)


def test_the_key_is_echoed_where_asked(fake, ask):
    fake.oddity("echoed-key")
    body = submitted(ask)
    fake.wait()
    assert API_KEY in ask(body["status_url"], params={"logs": "1"}).json()["logs"][-1]["message"]
    assert ask(body["response_url"]).json()["seed"] == API_KEY
    fake.oddity("result-error-echoes-key")
    assert API_KEY in ask(body["response_url"]).json()["detail"][0]["msg"]


def test_a_failure_can_be_billed_and_says_so(fake, ask):
    fake.oddity("refused-and-billed")
    fake.oddity("refused")
    bodies = [submitted(ask) for _ in range(2)]
    fake.wait()
    answers = [ask(body["response_url"]) for body in bodies]
    assert [a.status_code for a in answers] == [422, 422]
    assert [a.headers.get("x-fal-billable-units") for a in answers] == ["1", None]
    assert fake.books.usd == 0.003


def test_the_books_know_every_file_that_was_made(fake, ask):
    body = submitted(ask)
    fake.wait()
    [entry] = fake.books
    [url] = [image["url"] for image in ask(body["response_url"]).json()["images"]]
    assert entry.files == {url: hashlib.sha256(ask(url).content).hexdigest()}
    assert (entry.answered, entry.endpoint) == (200, SCHNELL)


def test_prices_can_rise_between_the_quote_and_the_purchase(fake, ask):
    fake.oddity("prices-rise-fourfold")
    assert ask(PRICING).json()["prices"][0]["unit_price"] == 0.003
    assert ask(PRICING).json()["prices"][0]["unit_price"] == 0.012
    submitted(ask)
    assert fake.wait().usd == 0.012


@pytest.mark.parametrize("name", ["price-zero", "price-true", "price-nan", "price-in-another-unit", "price-huge"])
def test_the_price_list_can_be_wrong_while_the_bill_is_right(fake, ask, name):
    fake.oddity(name)
    [row] = ask(PRICING).json()["prices"]
    [true] = ask(PRICING).json()["prices"]
    assert row != true
    submitted(ask)
    assert fake.wait().usd == 0.003


def test_oddities_are_reached_from_another_process(fake, ask):
    control = Control(fake)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def call(path: str, body: dict) -> None:
        with opener.open(urllib.request.Request(control.url + path, json.dumps(body).encode()), timeout=5):
            pass

    try:
        call("/oddity", {"name": "price-zero"})
        call("/faults", {"match": "requests", "kind": "odd", "text": "null", "lasting": 5})
        call("/listing", {"shows_open": False, "hidden": ["x"]})
    finally:
        control.close()
    assert ask(PRICING).json()["prices"][0]["unit_price"] == 0
    assert [ask(LISTED).json() for _ in range(2)] == [None, None]
    assert (fake.listing.shows_open, fake.listing.hidden) == (False, {"x"})
