# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who goes on with a run is told beforehand what the gate may still buy: never less than it then does."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from consistency_pipeline.fal_backend import quote
from consistency_pipeline.fal_backend.buying import buyer
from consistency_pipeline.pipeline.errors import Cancelled
from consistency_pipeline.pipeline.run.attempt import CancelAnswer
from consistency_pipeline.pipeline.run.events import CancelAnswered, Intended
from consistency_pipeline.pipeline.run.journal import Journal
from consistency_pipeline.pipeline.run.record import Entry
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from consistency_pipeline.pipeline.settings.groups import Gate
from consistency_pipeline.pipeline.verdicts import BOUGHT
from tests.fake_fal import FakeFal

from .shop import go, purchases, until
from .test_acceptance import GOOD, WRONG, Seeing, new_run
from .test_acceptance_faults import TINTED, NothingRight

pytestmark = [pytest.mark.by_turns, pytest.mark.usefixtures("near")]
RETAKE = 0.025  # USD


def left(folder: RunFolder) -> quote.Estimate:
    return quote.estimate(folder.settings, folder.prices, folder)


def goes_on(fake: FakeFal, folder: RunFolder, studio: Seeing) -> tuple[float, float]:
    """USD at most by the quote, and USD that were billed then."""
    most, before = left(folder).most, fake.books.usd
    go(folder, studio)
    return most, fake.books.usd - before


def test_retakes_that_were_cancelled_unbilled_are_quoted_again(fake: FakeFal, tmp_path: Path, monkeypatch):
    folder = new_run(tmp_path, gate={"retakes": 1, "local": False, "rungs": ("reroll",)}, motion="none")
    send = buyer.Buyer._send

    def into_a_long_queue(self: buyer.Buyer, purchase: Any, *rest: Any) -> Any:
        if purchase.key.endswith("take-02"):
            until(lambda: len(fake.books.billed) >= 5)  # every first take; what is sent from now on waits
            fake.queue_wait = 60.0
        return send(self, purchase, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(buyer.Buyer, "_send", into_a_long_queue)
        with pytest.raises(Cancelled):
            go(folder, NothingRight(), on_progress=lambda p, fal: fal.cancel() if "in fal's queue" in p.text else None)
    assert len(fake.books.billed) == 5
    fake.queue_wait = 0.0
    most, billed = goes_on(fake, RunFolder.open(folder.root), NothingRight())
    assert billed == pytest.approx(5 * RETAKE)
    assert most >= billed - 1e-9


def test_an_angle_asked_for_again_may_be_taken_again_though_the_run_was_finished(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path, gate={"retakes": 1, "local": False}, motion="none")
    go(folder, Seeing())
    assert folder.is_finished
    assert left(folder).most == 0.0
    again = RunFolder.open(folder.root)
    again.new_round("photoreal/front")
    most, billed = goes_on(fake, again, NothingRight())
    assert billed == pytest.approx(2 * RETAKE)
    assert most >= billed - 1e-9


def test_another_choice_may_have_another_view_taken_again_for_its_tint(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path, gate={"retakes": 1}, motion="none", takes=2)
    go(folder, Seeing(GOOD, GOOD))
    again = RunFolder.open(folder.root)
    again.choose("photoreal/side", 3 - again.chosen("photoreal/side"))
    most, billed = goes_on(fake, again, Seeing(GOOD, GOOD, tint=({**TINTED, "action": "reroll"},)))
    assert billed == pytest.approx(RETAKE)
    assert most >= billed - 1e-9
    assert left(again).most == 0.0


def test_retakes_of_one_angle_are_not_taken_from_the_others(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path, gate={"retakes": 3, "local": False, "rungs": ("reroll",)}, motion="none")
    go(folder, Seeing(WRONG))
    again = RunFolder.open(folder.root)
    again.settings = again.settings.model_copy(update={"gate": Gate(retakes=1, local=False, rungs=("reroll",))})
    for angle in again.settings.studio.angles[1:]:
        again.new_round(f"photoreal/{angle.name}")
    most, billed = goes_on(fake, again, NothingRight())
    assert billed == pytest.approx(8 * RETAKE)
    assert most >= billed - 1e-9


def test_an_angle_that_was_removed_has_spent_what_it_spent(fake: FakeFal, tmp_path: Path):
    gate = {"retakes": 1, "retake_budget": RETAKE, "local": False}
    folder = new_run(tmp_path, gate=gate, motion="none")
    go(folder, Seeing(WRONG))
    again = RunFolder.open(folder.root)
    again.settings = again.settings.model_copy(
        update={"angles": tuple(angle for angle in again.settings.studio.angles if angle.name != "front")}
    )
    for angle in again.settings.studio.angles:
        again.new_round(f"photoreal/{angle.name}")
    most, billed = goes_on(fake, again, NothingRight())
    assert billed == most == pytest.approx(4 * RETAKE), "the limit of the retakes is used up"


# limits


def in_the_end(folder: RunFolder) -> float:
    """USD that retakes have cost."""
    keys = {entry.key for entries in folder.all_entries.values() for entry in entries if entry.made_by in BOUGHT}
    return sum(attempt.committed_usd for attempt in purchases(folder).attempts if attempt.key in keys)


def test_retakes_that_are_asked_for_again_count_before_they_are_written_down(
    fake: FakeFal, tmp_path: Path, monkeypatch
):
    gate = {"retakes": 1, "retake_budget": 2 * RETAKE, "local": False, "rungs": ("reroll",)}
    folder = new_run(tmp_path, gate=gate, motion="none")
    go(folder, Seeing())
    for name in ("front", "side"):  # as two retakes that were removed from fal's queue left it
        subject, key = f"photoreal/{name}", f"photoreal/{name}/take-02"
        folder.keep_entry(subject, folder.entries(subject)[0].completed(**WRONG))
        folder.keep_entry(subject, Entry(take=2, made_by="reroll", key=key, why="a part is missing"))
        folder.withdraw(subject)
        Journal(folder.journal).write(key, 1, Intended(stage="photoreal", quoted_usd=RETAKE))
        Journal(folder.journal).write(key, 1, CancelAnswered(CancelAnswer.REMOVED))
    folder.new_round("photoreal/top")
    send = buyer.Buyer._send

    def slowly(self: buyer.Buyer, purchase: Any, *rest: Any) -> Any:
        if purchase.angle in ("front", "side"):
            time.sleep(0.7)  # on their way up; nothing is set aside for them yet
        return send(self, purchase, *rest)

    monkeypatch.setattr(buyer.Buyer, "_send", slowly)
    go(folder, NothingRight())
    assert in_the_end(folder) == pytest.approx(2 * RETAKE)


def test_a_retake_that_failed_unseen_and_may_be_billed_goes_on_counting(fake: FakeFal, tmp_path: Path):
    gate = {"retakes": 2, "retake_budget": RETAKE, "local": False, "rungs": ("reroll",)}
    folder = new_run(tmp_path, gate=gate, motion="none")
    fake.fault("submit", "content_policy", times=1, skip=5)
    go(folder, Seeing(WRONG))
    again = RunFolder.open(folder.root)
    known = again.entries("photoreal/front")[1]  # the window was closed before it failed
    unseen = known.model_dump(exclude={"outcome", "reason", "cause", "numbers", "passed_over"})
    again.keep_entry("photoreal/front", Entry(**unseen))
    again.withdraw("photoreal/front")
    again.save()
    most, billed = goes_on(fake, again, Seeing(WRONG))
    assert (most, billed) == (0.0, 0.0)
    assert in_the_end(again) == pytest.approx(RETAKE)
    assert again.chosen("photoreal/front") == 1
