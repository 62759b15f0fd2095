# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One odd answer of the service, of every kind that the fake knows, and nothing is paid twice, lost or said wrongly.

Several happen in one run, each once; then the run is resumed in fair weather, as its user would.
"""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytest

from consistency_pipeline.fal_backend import errors, prices, quote
from consistency_pipeline.fal_backend.backend import FalBackend
from consistency_pipeline.fal_backend.buying import patience
from consistency_pipeline.fal_backend.errors import PriceRose, Uncertain
from consistency_pipeline.fal_backend.service.clock import FalClock
from consistency_pipeline.pipeline import plan
from consistency_pipeline.pipeline.errors import BudgetExceeded
from consistency_pipeline.pipeline.money.ledger import Ledger
from consistency_pipeline.pipeline.money.spending import SpendingBook
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from tests.fake_fal import API_KEY, FakeFal
from tests.fake_fal.oddities import CATALOGUE

from .shop import KONTEXT, agrees, buy, buy_one, new_folder, purchases, stills, with_prices

pytestmark = [pytest.mark.by_turns, pytest.mark.usefixtures("near")]

KEY = "photoreal/front/take-01"
SCHNELL = "fal-ai/flux/schnell"
ANGLES = ("front", "three-quarter", "side", "top", "detail")
TAKES = 2  # of each angle, so that as many odd answers share one run as there are stills
ASKED = ("submit", "status", "result", "download", "requests", "pricing", "token", "upload")


def together(operation: str) -> list[list[str]]:
    """The names of the odd answers that say nothing of the request, as many at a time as a run has stills.

    Not of prices that change in the moment after they were told, which nobody can know.
    """
    of_it = [each for each in CATALOGUE.values() if each.operation == operation and each.sort == "weather"]
    names = [each.name for each in of_it if each.fault.get("reprice", 1.0) == 1.0]
    return [names[start : start + len(ANGLES) * TAKES] for start in range(0, len(names), len(ANGLES) * TAKES)]


@pytest.mark.parametrize(
    ("operation", "names"),
    [(o, n) for o in ASKED for n in together(o)],
    ids=lambda v: v if isinstance(v, str) else v[0],
)
def test_it_is_paid_once_and_arrives(tmp_path: Path, fake: FakeFal, operation: str, names: list[str]):
    folder = new_folder(tmp_path / "run", takes=TAKES)
    if operation == "requests":  # the list is asked for what got no answer
        fake.fault("submit", "lost_answer", times=len(names))
    for name in names:
        fake.oddity(name)
    requests = stills(folder, *ANGLES)
    with_price = with_prices(folder, requests) if operation != "pricing" else folder
    first = buy(with_price, requests)
    for event in first.values():
        assert event.kind == "done" or "Nothing was billed" not in event.text or event.request_id is None
    fake.faults.clear()
    unsure = [event for event in buy(folder, requests).values() if event.kind == "failed"]
    assert all(isinstance(event.error, Uncertain) for event in unsure)
    if unsure:
        assert {event.kind for event in buy(folder, requests, send_again=True).values()} == {"done"}
    assert len(fake.wait().entries) == len(requests) == len(ANGLES) * TAKES
    assert all(request.out.is_file() for request in requests)
    ledger = Ledger.read([folder.root])
    assert ledger.billed_usd <= fake.books.usd + 1e-9 <= ledger.billed_usd + ledger.uncertain_usd + 2e-9
    assert sum(entry.usd for entry in SpendingBook().entries()) >= fake.books.usd - 1e-9


# the rows of trials that were lost


@pytest.mark.parametrize(
    ("operation", "options"),
    [
        ("result", {"status": 504, "body": {"detail": "Gateway Time-out"}}),
        ("result", {"status": 500, "body": {"detail": "Internal Server Error"}, "lasting": 0.6}),
        ("status", {"status": 504, "times": 6}),
        ("status", {"status": 404, "body": {"status": "NOT_FOUND"}, "times": 3}),
        ("result", {"status": 404, "body": {"status": "NOT_FOUND"}, "lasting": 0.6}),
        ("download", {"status": 404, "times": 6}),
        ("download", {"status": 403, "times": 6}),
        ("result", {"status": 499, "body": {"detail": "cancelled"}}),
        ("result", {"status": 422, "body": {"detail": "no"}}),
        ("result", {"status": 413, "body": {"detail": "too large"}}),
        ("result", {"body": {"images": []}}),
    ],
    ids=str,
)
def test_weather_is_waited_out_in_the_same_run(folder: RunFolder, fake: FakeFal, operation: str, options: dict):
    fake.fault(
        operation,
        "odd",
        **{"times": 1, "handled": True, **options, **({"times": None} if "lasting" in options else {})},
    )
    assert buy_one(folder).kind == "done"
    assert len(fake.books) == 1
    agrees(folder, fake)


@pytest.mark.parametrize("status", [302, 401, 409, 429])
def test_a_submission_that_was_accepted_and_refused_is_found(folder: RunFolder, fake: FakeFal, status: int):
    fake.fault("submit", "odd", status=status, body={"detail": "no"}, handled=True)
    assert buy_one(folder).kind == "done"
    assert len(fake.books) == 1
    agrees(folder, fake)


def test_fals_own_list_has_the_last_word_on_a_refusal(folder: RunFolder, fake: FakeFal):
    fake.fault("submit", "status", status=422, detail="no", handled=True)
    fake.fault("requests", "nginx_502", times=None)
    assert isinstance(buy_one(folder).error, Uncertain)  # nobody can know
    assert purchases(folder).committed_usd == 0.025
    fake.faults.clear()
    assert buy_one(folder).kind == "done"
    assert len(fake.books) == 1
    agrees(folder, fake)


def test_what_stays_away_for_minutes_is_asked_for_again_before_it_is_bought_in_its_place(
    folder: RunFolder, fake: FakeFal
):
    fake.fault("download", "gone", times=None)
    assert isinstance(buy_one(folder).error, errors.Expired)
    assert isinstance(buy_one(folder).error, errors.Expired)
    fake.faults.clear()
    assert buy_one(folder, retry_failed=True).kind == "done"
    assert len(fake.books) == 1


def test_what_nobody_can_say_has_failed_is_asked_for_again_before_it_is_bought_in_its_place(
    folder: RunFolder, fake: FakeFal
):
    """For minutes there was no result to be had, and fal's request list is not for this key."""
    fake.fault("result", "odd", status=404, body={"status": "NOT_FOUND"}, times=None)
    fake.fault("requests", "http_403", times=None)
    assert isinstance(buy_one(folder).error, errors.Expired)
    fake.faults.clear()
    fake.fault("requests", "http_403", times=None)
    assert buy_one(folder, retry_failed=True).kind == "done"
    assert len(fake.books) == 1
    agrees(folder, fake)


def test_a_failure_in_fals_own_words_is_believed_and_so_is_its_bill(folder: RunFolder, fake: FakeFal):
    fake.fault("submit", "job_error", billed=True)
    event = buy_one(folder)
    assert isinstance(event.error, errors.ServerFault)
    assert "It was billed" in event.text
    assert len(fake.books) == 1  # so it is not sent again by itself
    assert Ledger.read([folder.root]).billed_usd == fake.wait().usd == 0.025
    assert buy_one(folder, retry_failed=True).kind == "done"
    lines = Ledger.read([folder.root]).lines
    assert [(line.state, line.billed_usd) for line in lines] == [("given up", 0.025), ("done", 0.025)]


def test_a_failure_with_a_bill_that_can_not_be_read_may_be_billed(folder: RunFolder, fake: FakeFal):
    fake.fault("submit", "job_error", billed=True)
    fake.fault("result", "odd", status=500, body={"detail": "no"}, headers={"x-fal-billable-units": "one"}, times=None)
    event = buy_one(folder)
    assert isinstance(event.error, errors.ServerFault)
    assert "It may have been billed" in event.text
    assert len(fake.books) == 1  # so it is not sent again by itself
    assert purchases(folder).committed_usd == Ledger.read([folder.root]).uncertain_usd == 0.025


# prices


def test_a_price_that_rose_since_it_was_agreed_to_stops(tmp_path: Path, fake: FakeFal):
    folder = new_folder(tmp_path / "run", budget=0.2)
    requests = stills(folder, *ANGLES)
    with_prices(folder, requests)
    fake.prices[KONTEXT] = (0.05, "images")
    ended = buy(folder, requests)
    assert all(isinstance(event.error, PriceRose) for event in ended.values())
    assert all(isinstance(event.error, BudgetExceeded) for event in ended.values())
    assert "$0.05" in ended[KEY].text
    assert len(fake.of("submit")) == 0
    assert purchases(folder).attempts == []
    with_prices(folder, requests)  # agreed to anew
    kinds = sorted(event.kind for event in buy(folder, requests).values())
    assert kinds == ["done"] * 4 + ["failed"]  # and the limit holds
    assert fake.wait().usd == 0.2


def test_a_price_is_asked_for_again_minutes_later(fake: FakeFal, monkeypatch: pytest.MonkeyPatch):
    asked = prices.FreshPrices(API_KEY, FalClock())
    before = asked.of(KONTEXT)
    fake.prices[KONTEXT] = (0.05, "images")
    assert asked.of(KONTEXT) == before
    assert prices.FRESH <= 5 * 60.0
    monkeypatch.setattr(prices, "FRESH", 0.0)  # those minutes have passed
    assert asked.of(KONTEXT)["usd"] == 0.05


def test_without_a_price_list_a_bill_is_not_certain(folder: RunFolder, fake: FakeFal):
    fake.fault("pricing", "nginx_502", times=None)
    event = buy_one(folder)
    assert (event.kind, event.billed_usd) == ("done", None)
    ledger = Ledger.read([folder.root])
    assert (ledger.billed_usd, ledger.uncertain_usd) == (0.0, 0.025)


@pytest.mark.parametrize("units", ["100000000", "5000", "0", "0.000001"])
def test_a_bill_that_is_not_plausible_is_not_believed_and_does_not_close_the_day(
    tmp_path: Path, fake: FakeFal, units: str
):
    folder = new_folder(tmp_path / "run", daily_budget=0.1)
    requests = stills(folder, "front", "side")
    with_prices(folder, requests)
    fake.fault("result", "odd", headers={"x-fal-billable-units": units}, handled=True, times=None)
    assert {event.kind for event in buy(folder, requests).values()} == {"done"}
    ledger = Ledger.read([folder.root])
    assert (ledger.billed_usd, ledger.uncertain_usd) == (0.0, 0.05)
    assert "units" in ledger.table()
    assert SpendingBook().entries()[-1].usd == 0.025


@pytest.mark.parametrize("price", [0, 0.000000025, True, -1, math.nan])
def test_no_price_is_so_low_that_nobody_is_asked(folder: RunFolder, fake: FakeFal, price: float):
    fake.fault(
        "pricing",
        "edit_answer",
        times=None,
        edit=lambda body: {"prices": [{**row, "unit_price": price} for row in body["prices"]]},
    )
    requests = stills(folder, "front")
    with_prices(folder, requests)
    estimate = quote.estimate(folder.settings, folder.prices)
    assert estimate.buys
    assert next(line.quoted_usd for line in estimate.lines if line.key == KEY) == 0.025
    buy(folder, requests)
    assert purchases(folder).committed_usd == 0.025


# the same words, and the clock


def test_two_runs_with_the_same_words_each_have_their_own(tmp_path: Path, fake: FakeFal):
    one, other = new_folder(tmp_path / "one"), new_folder(tmp_path / "other")
    fake.fault(
        "upload", "edit_answer", times=None, edit=lambda _body: {"access_url": "https://v3.fal.media/files/same.png"}
    )
    fake.fault("submit", "lost_answer", times=2)
    for folder in (one, other):
        buy_one(folder)
    mine = [purchases(folder).last(KEY) for folder in (one, other)]
    assert mine[0].arguments == mine[1].arguments
    assert len({attempt.request_id for attempt in mine}) == len(fake.books) == 2


def test_two_runs_that_send_the_same_words_at_once_do_not_take_each_others(tmp_path: Path, fake: FakeFal):
    """One is accepted and not told so yet, when the other's is lost on its way: the list shows a request with its words."""
    words = {"inputs": (), "text": "a duck", "picture_endpoint": SCHNELL, "seed": None}
    one, other = (new_folder(tmp_path / name, **words) for name in ("one", "other"))
    requests = [plan.picture_request(folder, folder.settings) for folder in (one, other)]
    with_prices(one, requests)
    fake.fault("submit", "slow", seconds=1.0)
    fake.fault("submit", "drop_before")
    backend = FalBackend(one, API_KEY)
    backend.start(requests[0])
    while not fake.of("submit"):
        time.sleep(0.01)
    assert isinstance(buy_one(other, requests[1]).error, Uncertain)
    ended: list[str] = []
    while not ended:
        ended += [event.kind for event in backend.poll(0.1) if event.ends]
    backend.close()
    assert ended == ["done"]
    assert len(fake.books) == 1
    agrees(one, fake)


@pytest.mark.parametrize("ahead", [-660.0, 660.0, 86400.0])
def test_a_clock_that_is_wrong_finds_its_request_all_the_same(
    folder: RunFolder, fake: FakeFal, ahead: float, monkeypatch: pytest.MonkeyPatch
):
    fake.advance(-ahead)  # fal's clock is right, so ours is wrong
    monkeypatch.setattr(patience, "LOOK_UP", (0.02,) * 3)
    fake.fault("submit", "lost_answer")
    assert buy_one(folder).kind == "done"
    assert len(fake.books) == 1


def test_a_copied_run_folder_counts_in_the_days_sum(tmp_path: Path, fake: FakeFal):
    import shutil

    folder = new_folder(tmp_path / "run", daily_budget=0.06)
    assert buy_one(folder).kind == "done"
    shutil.copytree(folder.root, tmp_path / "copy")
    copy = RunFolder.open(tmp_path / "copy")
    assert buy_one(copy, stills(copy, "side")[0]).kind == "done"
    assert isinstance(buy_one(folder, stills(folder, "side")[0]).error, BudgetExceeded)
    assert round(sum(entry.usd for entry in SpendingBook().entries()), 6) == fake.wait().usd == 0.05


# the key


def test_the_key_that_is_echoed_everywhere_is_kept_nowhere(folder: RunFolder, fake: FakeFal, tmp_path: Path):
    from .test_private import holds_key, on_disk

    for name in [name for name in CATALOGUE if "key" in name]:
        fake.oddity(name, times=None)
    said: list[str] = []
    buy(folder, stills(folder, "front", "side"), on_event=lambda _backend, event: said.append(repr(event)))
    assert not holds_key("".join(said).encode())
    assert on_disk(tmp_path) == []


def test_a_seed_that_is_no_number_is_not_kept(folder: RunFolder, fake: FakeFal):
    fake.fault("result", "odd", merge={"seed": "a seed of words, or of something worse"}, times=None)
    event = buy_one(folder)
    assert (event.kind, event.seed) == ("done", None)
    assert b"something worse" not in folder.journal.read_bytes()
