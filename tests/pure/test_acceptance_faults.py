# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate when things go wrong in the middle of it: what is paid is fetched and shown, and no limit is passed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from consistency_pipeline.fal_backend import quote
from consistency_pipeline.fal_backend.buying import buyer
from consistency_pipeline.fal_backend.service import download
from consistency_pipeline.pipeline.errors import Cancelled, ConsistencyError, RunFolderError
from consistency_pipeline.pipeline.run.record import Entry
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from consistency_pipeline.pipeline.settings.groups import Gate
from tests.fake_fal import FakeFal

from .shop import go
from .stand_in import verdict
from .test_acceptance import GOOD, SHIFTED, VAGUE, WRONG, Seeing, bought, new_run

pytestmark = [pytest.mark.by_turns, pytest.mark.usefixtures("near")]
TINTED = {"outlier": "front", "reason": "front is tinted by 9.0 ΔE", "gains": {"front": [1.1, 1.0, 0.9]}}


class NothingRight(Seeing):
    def look(self, task: str, job: dict[str, Any]) -> dict[str, Any]:
        return dict(WRONG) if task == "measure" else super().look(task, job)


def next_step(folder: RunFolder, take: int) -> str:
    return folder.read_journal().purchases.next_step(f"photoreal/front/take-{take:02d}")


# money


def test_several_angles_at_once_share_the_retakes_limit(fake: FakeFal, tmp_path: Path, monkeypatch):
    gate = {"retakes": 1, "rungs": ("depth",), "retake_budget": 0.07, "local": False}
    folder = new_run(tmp_path, gate=gate, motion="none")
    send = buyer.Buyer._send

    def slowly(self: buyer.Buyer, purchase: Any, *rest: Any) -> Any:
        if purchase.key.endswith("take-02"):
            time.sleep(0.5)  # a depth map is on its way up; nothing is set aside for it yet
        return send(self, purchase, *rest)

    monkeypatch.setattr(buyer.Buyer, "_send", slowly)
    most = quote.estimate(folder.settings, folder.prices).most
    go(folder, NothingRight())
    assert 5 < sum(bought(fake).values()) < 10
    assert fake.books.usd <= most + 1e-6


def test_a_resumed_run_quotes_the_retakes_that_are_still_to_come(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path, gate={"enabled": False}, motion="none")
    go(folder, NothingRight())
    before, again = fake.books.usd, RunFolder.open(folder.root)
    again.note(chosen={})  # as it was killed: five stills paid, none of them judged
    again.mark("results", "waiting")
    again.settings = again.settings.model_copy(update={"gate": Gate(retakes=2, local=False)})
    estimate = quote.estimate(again.settings, again.prices, again)
    go(again, NothingRight())
    assert estimate.total == 0.0
    assert 0.0 < fake.books.usd - before <= estimate.most + 1e-6
    assert quote.estimate(again.settings, again.prices, again).most == 0.0


def test_stills_asked_for_again_find_the_retakes_limit_as_it_was_left(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path, gate={"retakes": 1, "retake_budget": 0.06, "local": False}, motion="none")
    go(folder, NothingRight())
    before, again = fake.books.usd, RunFolder.open(folder.root)
    for angle in again.settings.studio.angles:
        again.new_round(f"photoreal/{angle.name}")
    again.mark("results", "waiting")
    estimate = quote.estimate(again.settings, again.prices, again)
    assert estimate.retakes == pytest.approx(0.01), "two retakes were bought already"
    go(again, NothingRight())
    assert fake.books.usd - before <= estimate.most + 1e-6


def test_what_can_not_be_measured_is_never_climbed_for(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path, gate={"retakes": 2, "unsure": "climb"}, motion="none")
    folder.settings = folder.settings.model_copy(update={"size": 128})
    go(folder, Seeing(VAGUE))
    assert sum(bought(fake).values()) == 5


def test_a_retake_that_never_left_is_not_sent_once_nobody_wants_it(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path, motion="none")
    go(folder, Seeing())
    again = RunFolder.open(folder.root)
    again.withdraw("photoreal/front")
    pending = {"take": 2, "made_by": "reroll", "key": "photoreal/front/take-02", "why": "a part is missing"}
    again.keep_entry("photoreal/front", Entry(**pending))
    again.settings = again.settings.model_copy(update={"gate": Gate(enabled=False)})
    assert quote.estimate(again.settings, again.prices, again).most == 0.0
    go(again, Seeing())
    assert sum(bought(fake).values()) == 5
    assert again.is_finished


def test_a_person_chose_and_no_tint_changes_that(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path, motion="none", takes=2)
    go(folder, Seeing(GOOD, GOOD))
    again = RunFolder.open(folder.root)
    mine = 3 - again.chosen("photoreal/front")
    again.choose("photoreal/front", mine)
    for action in ("reroll", "gain"):
        go(again, Seeing(GOOD, GOOD, GOOD, tint=({**TINTED, "action": action},)))
        assert again.chosen("photoreal/front") == mine
    assert sum(bought(fake).values()) == 10


# what is paid


def test_more_takes_do_not_land_on_pictures_that_were_made_here(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path, motion="none")
    go(folder, Seeing(SHIFTED, GOOD))  # take 2 is take 1, laid back
    mended = folder.take("front", 2).read_bytes()
    again = RunFolder.open(folder.root)
    again.settings = again.settings.model_copy(update={"takes": 2})
    go(again, Seeing(SHIFTED, GOOD, GOOD))
    assert again.take("front", 2).read_bytes() == mended
    assert again.take("front", 3).is_file()
    attempts = [again.read_journal().purchases.last(f"photoreal/front/take-0{n}") for n in (1, 2, 3)]
    assert [attempt is not None for attempt in attempts] == [True, False, True]


def test_an_uncertain_retake_is_said_and_nothing_is_bought_in_its_place(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path, motion="none", gate={"retakes": 2, "local": False})
    fake.fault("submit", "lost_answer", times=1, skip=5)
    fake.fault("requests", "status", times=None, status=403)
    with pytest.raises(ConsistencyError, match="no clear answer"):
        go(folder, Seeing(WRONG, WRONG, GOOD))
    assert next_step(folder, 2) == "uncertain"
    assert not folder.is_finished
    fake.faults.clear()
    again = RunFolder.open(folder.root)
    go(again, Seeing(WRONG, GOOD))
    assert next_step(again, 2) == "done"
    known = {attempt.request_id for attempt in again.read_journal().purchases.attempts}
    assert all(entry.request_id in known for entry in fake.books.billed)
    assert sum(bought(fake).values()) == 6


def test_a_retake_that_is_paid_and_could_not_be_saved_is_saved_later(fake: FakeFal, tmp_path: Path, monkeypatch):
    folder = new_run(tmp_path, motion="none", gate={"retakes": 1, "local": False})
    fetch = download.fetch

    def full(url: str, out: Path, *rest: Any) -> Any:
        if "front.take-02" in out.name:
            raise RunFolderError("the disk is full; free some space, then resume")
        return fetch(url, out, *rest)

    monkeypatch.setattr(download, "fetch", full)
    with pytest.raises(RunFolderError, match="disk is full"):
        go(folder, Seeing(WRONG, GOOD))
    monkeypatch.setattr(download, "fetch", fetch)
    again = RunFolder.open(folder.root)
    assert not again.is_finished
    go(again, Seeing(WRONG, GOOD))
    assert (next_step(again, 2), again.chosen("photoreal/front")) == ("done", 2)
    assert sum(bought(fake).values()) == 6


# mending that fails, or is interrupted


class NoMending(Seeing):
    def look(self, task: str, job: dict[str, Any]) -> dict[str, Any]:
        if "out" in job:
            raise ConsistencyError(f"{task} failed; please report it, then resume")
        return super().look(task, job)


@pytest.mark.parametrize(
    ("looks", "settings"),
    [((SHIFTED,), {}), ((GOOD,), {"gate": {"exact": True}}), ((GOOD,), {"tint": True})],
    ids=["un-warping", "cutting out", "correcting"],
)
def test_a_still_that_can_not_be_mended_is_shown_as_it_is(fake: FakeFal, tmp_path: Path, looks: tuple, settings: dict):
    tint = ({**TINTED, "action": "gain"},) if settings.pop("tint", False) else ()
    folder = new_run(tmp_path, motion="none", **settings)
    go(folder, NoMending(*looks, tint=tint))
    assert folder.chosen("photoreal/front") == 1
    assert folder.decision("photoreal/front").action == "flag"
    assert folder.is_finished


def test_a_correction_that_was_interrupted_is_made_after_all(fake: FakeFal, tmp_path: Path):
    folder, tint = new_run(tmp_path, motion="none"), ({**TINTED, "action": "gain"},)
    with pytest.raises(Cancelled):
        go(
            folder,
            Seeing(tint=tint),
            on_progress=lambda progress, _backend: Cancelled("enough") if progress.text == "mending" else None,
        )
    again = RunFolder.open(folder.root)
    go(again, Seeing(tint=tint))
    assert again.decision("photoreal/front").made_by == "gain"


def test_an_angle_without_a_still_is_counted(fake: FakeFal, tmp_path: Path):
    fake.fault("submit", "content_policy", times=1)
    folder = new_run(tmp_path, motion="none")
    with pytest.raises(ConsistencyError):
        go(folder, Seeing())
    assert folder.headline.startswith("4 of 5 on model; ")
    assert folder.headline.endswith(": there is no still that was measured")


def test_a_slight_failure_of_the_last_retake_shows_the_best(fake: FakeFal, tmp_path: Path):
    better = verdict("fail", "a little off", "shape", bad_share=0.05)
    folder = new_run(tmp_path, motion="none", gate={"retakes": 1, "local": False})
    go(folder, Seeing(better, WRONG))
    assert folder.chosen("photoreal/front") == 1
