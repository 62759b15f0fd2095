# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Limits hold while buying: a request that would pass one is not sent, and a higher limit goes on from there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from consistency_pipeline.fal_backend import prices
from consistency_pipeline.pipeline.errors import BudgetExceeded
from consistency_pipeline.pipeline.money.spending import SpendingBook
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from tests.fake_fal import API_KEY, FakeFal

from .shop import KONTEXT, agrees, buy, buy_one, model, new_folder, purchases, stills, with_prices

pytestmark = [pytest.mark.by_turns, pytest.mark.usefixtures("near")]
FIVE = ("front", "three-quarter", "side", "top", "detail")


def set_budget(folder: RunFolder, **limits: float | None) -> None:
    folder.settings = folder.settings.model_copy(update=limits)


def test_a_run_stops_before_its_limit_with_what_it_has_and_goes_on_with_a_higher_one(tmp_path: Path, fake: FakeFal):
    folder = new_folder(tmp_path / "run", budget=0.06)
    ended = buy(folder, stills(folder, *FIVE))
    refused = [event for event in ended.values() if event.kind == "failed"]
    assert len(refused) == 3
    assert all(isinstance(event.error, BudgetExceeded) and event.error.exit_status == 3 for event in refused)
    assert fake.wait().usd == 0.05
    agrees(folder, fake)
    set_budget(folder, budget=0.125)
    assert {event.kind for event in buy(folder, stills(folder, *FIVE)).values()} == {"done"}
    assert fake.wait().usd == 0.125
    assert len(fake.of("submit")) == 5


@pytest.mark.parametrize("limit", ["daily_budget", "product_budget"])
def test_the_day_and_the_product_count_over_all_runs(tmp_path: Path, fake: FakeFal, limit: str):
    for number in range(3):
        event = buy_one(new_folder(tmp_path / f"run-{number}", **{limit: 0.05}))
        assert (event.kind == "done") == (number < 2), event.text
    assert fake.wait().usd == 0.05


def test_another_product_has_its_own_limit(tmp_path: Path, fake: FakeFal):
    for name in ("duck", "goose"):
        folder = new_folder(tmp_path / name, product_budget=0.03, inputs=(f"/{name}.glb",))
        assert buy_one(folder).kind == "done"


def test_takes_count(tmp_path: Path, fake: FakeFal):
    folder = new_folder(tmp_path / "run", takes=4, budget=0.05)
    kinds = [event.kind for event in buy(folder, stills(folder)).values()]
    assert sorted(kinds) == ["done", "done", "failed", "failed"]
    assert fake.wait().usd == 0.05


def test_retries_that_are_billed_count(tmp_path: Path, fake: FakeFal):
    folder = new_folder(tmp_path / "run", budget=0.05)
    fake.bill_refused = True
    fake.fault("submit", "content_policy", times=None)
    buy_one(folder)
    buy_one(folder, retry_failed=True)
    event = buy_one(folder, retry_failed=True)
    assert isinstance(event.error, BudgetExceeded)
    assert len(fake.books) == 2


def test_retries_that_are_not_billed_do_not_eat_the_limit(tmp_path: Path, fake: FakeFal):
    folder = new_folder(tmp_path / "run", budget=0.025)
    fake.fault("submit", "job_error", times=2)
    assert buy_one(folder).kind == "done"
    assert (len(fake.books), fake.wait().usd) == (3, 0.025)


def test_a_limit_of_nothing_buys_nothing(tmp_path: Path, fake: FakeFal):
    folder = new_folder(tmp_path / "run", budget=0.0)
    assert isinstance(buy_one(folder).error, BudgetExceeded)
    assert len(fake.of("submit")) == 0
    assert purchases(folder).attempts == []


def test_without_a_known_price_no_limit_can_be_kept_so_nothing_is_sent(tmp_path: Path, fake: FakeFal):
    own = "somebody/made-this"
    fake.add_endpoint(replace(fake.endpoints[KONTEXT], id=own), price=0.5)
    folder = new_folder(tmp_path / "run", budget=10.0, image_endpoint=own)
    event = buy_one(folder)
    assert isinstance(event.error, BudgetExceeded)
    assert own in event.text
    assert len(fake.of("submit")) == 0
    set_budget(folder, budget=None)
    assert buy_one(folder).kind == "done"


def test_a_price_that_fal_tells_is_the_one_that_is_set_aside(tmp_path: Path, fake: FakeFal):
    fake.prices[KONTEXT] = 0.07
    folder = new_folder(tmp_path / "run", budget=0.10)
    folder.note(prices=prices.fetch(API_KEY, [KONTEXT]))
    kinds = [event.kind for event in buy(folder, stills(folder, "front", "side")).values()]
    assert sorted(kinds) == ["done", "failed"]
    agrees(folder, fake)


def test_a_bill_higher_than_its_quote_is_told_and_counts(tmp_path: Path, fake: FakeFal):
    folder = new_folder(tmp_path / "run", budget=1.0)
    requests = [model(folder), *stills(folder)]
    with_prices(folder, requests)
    quoted = buy(folder, requests)["model/product"].quoted_usd
    fake.prices[KONTEXT] = 0.025
    set_budget(folder, budget=None)
    assert quoted is None or quoted >= 0
    spent = {entry.attempt: entry.usd for entry in SpendingBook().entries()}
    assert round(sum(spent.values()), 6) == fake.wait().usd


def test_the_book_agrees_with_fal_after_a_crash_in_between(tmp_path: Path, fake: FakeFal):
    folder = new_folder(tmp_path / "run", daily_budget=0.05)
    assert buy_one(folder).kind == "done"
    book = SpendingBook()
    lines = book.path.read_bytes().splitlines(keepends=True)
    book.path.write_bytes(b"".join(lines[:-1]) + lines[-1][:10])  # torn by a power cut
    assert buy_one(folder).kind == "done"  # opening the folder brings the book in line again
    assert round(sum(entry.usd for entry in book.entries()), 6) == 0.025
