# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Quote first: per line and in sum, with the source and the date of each price; afterwards the bill beside the quote."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from consistency_pipeline.fal_backend import errors, prices, quote
from consistency_pipeline.fal_backend.child.questions import ask_prices
from consistency_pipeline.pipeline.driver import PAUSE, finish
from consistency_pipeline.pipeline.errors import BudgetExceeded
from consistency_pipeline.pipeline.money.ledger import Ledger, difference, usd
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from consistency_pipeline.pipeline.settings.groups import RunSettings
from tests.fake_fal import API_KEY, FakeFal

from .shop import KONTEXT, agrees, buy, buy_one, clip, model, new_folder, purchases, stills, with_prices
from .stand_in import png, write

pytestmark = pytest.mark.by_turns

KLING = "fal-ai/kling-video/v3/pro/image-to-video"
TODAY = datetime.now(UTC).date().isoformat()


def settings(tmp_path: Path, **more: object) -> RunSettings:
    photo = write(tmp_path / "photo.png", png(128, 128))
    return RunSettings(**{"inputs": (str(photo),), "backend": "fal", "size": 64, **more})


def live_prices(run: RunSettings) -> quote.Prices:
    return prices.fetch(API_KEY, {purchase.endpoint for purchase in quote.plan(run)})


def test_each_line_and_the_sum_before_anything_is_spent(fake: FakeFal, tmp_path: Path):
    run = settings(tmp_path)
    estimate = quote.estimate(run, live_prices(run))
    facts = estimate.to_json()
    assert [line["key"] for line in facts["lines"]] == [
        "model/product",
        *[f"photoreal/{angle.name}/take-01" for angle in run.studio.angles],
        "video/turntable/take-01",
    ]
    assert facts["total_usd"] == round(sum(line["usd"] for line in facts["lines"]), 6) == round(estimate.total, 6)
    assert all(line["price_source"] == f"fal's pricing API, {TODAY}" for line in facts["lines"])
    assert f"total {' ' * 10}" in estimate.table().replace("\n", " ")
    assert usd(estimate.total) in estimate.table()
    assert KLING in {line["endpoint"] for line in facts["lines"]}
    assert "Kling 3 pro" in estimate.table()
    assert "fal-ai/" not in estimate.table()
    assert not fake.of("submit")
    assert not fake.of("upload")


def test_the_whole_run_is_billed_as_it_was_quoted_to_the_cent(fake: FakeFal, tmp_path: Path, near: None):
    folder = new_folder(tmp_path / "run", inputs=("/photo.png",))
    requests = [model(folder), *stills(folder, *(angle.name for angle in folder.settings.studio.angles)), clip(folder)]
    with_prices(folder, requests)
    buy(folder, requests)
    ledger = Ledger.read([folder.root])
    agrees(folder, fake)
    assert round(ledger.billed_usd, 6) == fake.books.usd
    quoted = {line.file: line.quoted_usd for line in ledger.lines}
    billed = {line.file: line.billed_usd for line in ledger.lines}
    assert quoted["photoreal/front.take-01.png"] == billed["photoreal/front.take-01.png"] == 0.025
    assert quoted["video/turntable.take-01.mp4"] == billed["video/turntable.take-01.mp4"] == pytest.approx(0.56)


@pytest.mark.parametrize(("audio", "seconds", "times"), [(False, 5, 1.0), (True, 5, 1.5), (False, 10, 1.0)])
def test_what_the_price_list_does_not_say_is_a_multiplier_with_its_source(
    fake: FakeFal, tmp_path: Path, audio: bool, seconds: float, times: float
):
    run = settings(tmp_path, audio=audio, duration=seconds)
    estimate = quote.estimate(run, live_prices(run))
    [line] = [line for line in estimate.to_json()["lines"] if line["endpoint"] == KLING]
    assert (line["units"], line["unit"], line["unit_price_usd"]) == (seconds, "seconds", 0.112)
    assert line["usd"] == pytest.approx(0.112 * seconds * times)
    assert all(multiplier["source"] for multiplier in line["multipliers"])
    assert bool(line["multipliers"]) == (times != 1.0)


def test_offline_prices_are_marked_as_remembered_or_stored(fake: FakeFal, tmp_path: Path):
    run = settings(tmp_path)
    asked = finish(ask_prices(API_KEY, [KONTEXT]), PAUSE)
    assert asked[KONTEXT]["usd"] == 0.025
    fake.prices[KONTEXT] = 0.09
    fake.fault("pricing", "nginx_502", times=None)
    remembered = finish(ask_prices(API_KEY, [KONTEXT, KLING]), PAUSE)
    assert remembered[KONTEXT]["usd"] == 0.025  # the last one that fal told
    estimate = quote.estimate(run, remembered)
    sources = {line["endpoint"]: line["price_source"] for line in estimate.to_json()["lines"]}
    assert sources[KONTEXT] == f"remembered from fal's pricing API, {TODAY}"
    assert sources[KLING].startswith("stored: ")
    assert "remembered" in estimate.table()
    assert "stored" in estimate.table()


def test_offline_prices_are_remembered_too_when_nothing_answers(fake: FakeFal, tmp_path: Path):
    prices.fetch(API_KEY, [KONTEXT])
    with fake.offline():
        known = finish(ask_prices(API_KEY, [KONTEXT, KLING]), PAUSE)
    assert set(known) == {KONTEXT}
    assert known[KONTEXT]["remembered"] is True


def test_a_wrong_key_is_known_before_the_renders(fake: FakeFal):
    with pytest.raises(errors.BadKey):
        finish(ask_prices("wrong:key", [KONTEXT]), PAUSE)


def test_an_endpoint_that_fal_does_not_price_does_not_spoil_the_others(fake: FakeFal):
    assert set(prices.fetch(API_KEY, [KONTEXT, "nobody/knows"])) == {KONTEXT}


@pytest.mark.parametrize(
    "row",
    [
        {"unit_price": -1},
        {"unit_price": 0},
        {"unit_price": True},
        {"unit_price": None},
        {"unit_price": "free"},
        {"unit_price": 1e9},
        {"unit": None},
        {"currency": "EUR"},
        {"endpoint_id": "other/one"},
    ],
)
def test_a_price_that_makes_no_sense_is_no_price(fake: FakeFal, row: dict):
    fake.fault("pricing", "edit_answer", edit=lambda body: {"prices": [{**body["prices"][0], **row}]})
    assert "usd" not in prices.fetch(API_KEY, [KONTEXT]).get(KONTEXT, {})


def test_an_unknown_price_is_said_and_not_counted_as_nothing(fake: FakeFal, tmp_path: Path):
    run = settings(tmp_path, image_endpoint="somebody/made-this")
    estimate = quote.estimate(run, {})
    assert estimate.unknown == ("somebody/made-this",)
    assert "not in the total, since its price is not known: somebody/made-this" in estimate.table()


@pytest.mark.parametrize("limit", ["budget", "daily_budget", "product_budget"])
def test_a_limit_that_an_unknown_price_could_pass_is_said_before_anything_is_rendered(tmp_path: Path, limit: str):
    run = settings(tmp_path, image_endpoint="somebody/made-this")
    free = run.model_copy(update={"budget": None, "daily_budget": None, "product_budget": None})
    quote.check_limits(quote.estimate(free, {}), free)
    limited = free.model_copy(update={limit: 5.0})
    with pytest.raises(BudgetExceeded, match="somebody/made-this is not known.*remove the limits"):
        quote.check_limits(quote.estimate(limited, {}), limited)


def test_what_is_paid_is_not_quoted_again(fake: FakeFal, tmp_path: Path, near: None):
    folder = new_folder(tmp_path / "run")
    before = quote.estimate(folder.settings, {}, folder)
    assert buy_one(folder).kind == "done"
    after = quote.estimate(folder.settings, {}, folder)
    assert round(before.total - after.total, 6) == 0.025
    assert "photoreal/front/take-01" in after.done


def test_what_would_be_bought_again_is_quoted_before_the_user_says_yes(fake: FakeFal, tmp_path: Path, near: None):
    folder = new_folder(tmp_path / "run")
    fake.fault("submit", "drop_before")
    fake.fault("submit", "content_policy")
    buy(folder, stills(folder, "front", "side"))
    plain = quote.estimate(folder.settings, {}, folder).total
    assert round(quote.estimate(folder.settings, {}, folder, send_again=True).total - plain, 6) == 0.025
    assert round(quote.estimate(folder.settings, {}, folder, retry_failed=True).total - plain, 6) == 0.025


def test_a_result_that_can_not_be_fetched_is_quoted_where_it_is_bought_again(fake: FakeFal, tmp_path: Path, near: None):
    folder = new_folder(tmp_path / "run")
    fake.fault("download", "wrong_bytes", times=None)
    buy_one(folder)
    before, plain = fake.books.usd, quote.estimate(folder.settings, {}, folder).total
    quoted = quote.estimate(folder.settings, {}, folder, retry_failed=True).total - plain
    buy_one(folder, retry_failed=True)
    assert round(fake.books.usd - before, 6) == round(quoted, 6) == 0.025


@pytest.mark.parametrize(
    ("gate", "extra"),
    [
        ({}, 0.125),
        ({"retakes": 0}, 0.0),
        ({"retakes": 2}, 0.25),
        ({"retakes": 2, "retake_budget": 0.1}, 0.1),
        ({"enabled": False}, 0.0),
    ],
    ids=["one retake a still", "none", "two", "a limit of their own", "no gate"],
)
def test_what_the_gate_may_spend_is_told_beforehand(fake: FakeFal, tmp_path: Path, gate: dict, extra: float):
    run = settings(tmp_path, size=1024, gate=gate)
    estimate = quote.estimate(run, live_prices(run))
    facts = estimate.to_json()
    assert facts["retakes_usd"] == pytest.approx(extra)
    assert facts["most_usd"] == pytest.approx(facts["total_usd"] + extra)
    assert ("at most" in estimate.table()) == (extra > 0)


def test_a_still_too_small_to_measure_is_never_taken_again(fake: FakeFal, tmp_path: Path):
    run = settings(tmp_path, size=128)
    assert quote.estimate(run, live_prices(run)).retakes == 0.0


# afterwards


def test_a_bill_that_differs_by_more_than_a_tenth_is_shown(folder: RunFolder, fake: FakeFal, near: None):
    from tests.fake_fal import jobs

    original = jobs.units
    try:
        jobs.units = lambda *given: original(*given) * 2
        event = buy_one(folder)
    finally:
        jobs.units = original
    assert event.billed_usd == 0.05
    assert "billed $0.05 instead of the $0.025" in event.text
    ledger = Ledger.read([folder.root])
    assert "billed $0.05 instead of the $0.025" in ledger.table()
    assert round(ledger.billed_usd, 6) == fake.books.usd == 0.05


@pytest.mark.parametrize(
    ("quoted", "billed", "shown"),
    [
        (1.0, 1.10, False),
        (1.0, 1.11, True),
        (1.0, 0.90, False),
        (1.0, 0.80, True),
        (None, 1.0, False),
        (1.0, None, False),
        (0.0, 0.0, False),
        (0.0, 0.1, True),
    ],
)
def test_the_tenth(quoted: float | None, billed: float | None, shown: bool):
    assert bool(difference(quoted, billed)) == shown


def test_a_bill_that_fal_does_not_tell_is_not_made_up(folder: RunFolder, fake: FakeFal, near: None, monkeypatch):
    from consistency_pipeline.fal_backend.service import client

    monkeypatch.setattr(client, "billable_units", lambda _headers: None)
    event = buy_one(folder)
    assert (event.kind, event.billed_usd) == ("done", None)
    assert purchases(folder).committed_usd == 0.025  # the limits go on counting the quote
    assert Ledger.read([folder.root]).uncertain_usd == 0.025


def test_a_list_that_leaves_an_endpoint_out_does_not_make_it_cheap(fake: FakeFal):
    fake.prices[KONTEXT] = (0.07, "images")
    assert finish(ask_prices(API_KEY, [KONTEXT]), PAUSE)[KONTEXT]["usd"] == 0.07
    fake.oddity("prices-of-others")
    remembered = finish(ask_prices(API_KEY, [KONTEXT]), PAUSE)[KONTEXT]
    assert (remembered["usd"], remembered["remembered"]) == (0.07, True)
