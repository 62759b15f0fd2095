# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A second witness for unsure stills in a whole run: what is asked, what it costs, and what follows from the answer."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest

from consistency_pipeline.fal_backend import prices, quote
from consistency_pipeline.fal_backend.endpoints.families.openrouter import MOST_TOKENS
from consistency_pipeline.pipeline.errors import Cancelled, ConsistencyError, TryAgainLater, UsageError
from consistency_pipeline.pipeline.gate.acceptance import NotOnModel
from consistency_pipeline.pipeline.gate.second_opinions import may_be_asked, unasked
from consistency_pipeline.pipeline.gate.witness import QUESTION
from consistency_pipeline.pipeline.plan import MATTE_ENDPOINT
from consistency_pipeline.pipeline.rig import ANGLE_SETS, DEFAULT_ANGLE_SET
from consistency_pipeline.pipeline.run.journal import Journal
from consistency_pipeline.pipeline.run.preflight import check_witness
from consistency_pipeline.pipeline.run.record import Entry
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from consistency_pipeline.pipeline.settings.groups import Gate, RunSettings
from consistency_pipeline.pipeline.stages import Progress
from consistency_pipeline.pipeline.system.disk import read_lines
from tests.fake_fal import API_KEY, FakeFal
from tests.fake_fal.oddities import CATALOGUE

from .shop import KONTEXT, agrees, go, purchases
from .test_acceptance import GOOD, KLING, VAGUE, WRONG, Seeing, bought, decisions
from .test_acceptance import new_run as plain_run
from .test_witness import said

pytestmark = [pytest.mark.by_turns, pytest.mark.usefixtures("near")]
VISION = "openrouter/router/vision"
USD = 0.005  # an answer
ANGLES = tuple(angle for angle in ANGLE_SETS[DEFAULT_ANGLE_SET] if angle.name in ("front", "side"))
NO = said("no", print_="no", reason="The label reads AURA, not AURORA.")
CANT = said("can't tell", "can't tell", reason="The glass can't be told from its backdrop.")
DOUBT = VAGUE["reason"]


def new_run(place: Path, *, gate: dict[str, Any] | None = None, **settings: Any) -> RunFolder:
    gate = {"second_opinion": "vision", **(gate or {})}
    folder = plain_run(place, gate=gate, **{"motion": "none", "angles": ANGLES, **settings})
    folder.note(prices={**folder.prices, **prices.fetch(API_KEY, [VISION])})
    return folder


def asked(fake: FakeFal) -> int:
    return bought(fake).get(VISION, 0)


def answers(fake: FakeFal, text: str, times: int | None = None) -> None:
    fake.fault(f"submit:{VISION}", "says", text=text, times=times)


def front(report: dict[str, Any]) -> dict[str, Any]:
    return report["verdicts"]["photoreal/front"]


def test_nobody_is_asked_unless_the_user_wants_it(fake: FakeFal, tmp_path: Path):
    folder = plain_run(tmp_path, motion="none", angles=ANGLES)
    report = go(folder, Seeing(VAGUE))
    assert bought(fake) == {KONTEXT: 2}
    assert front(report)["reason"] == f"a person should look: {DOUBT}"
    assert report["second_opinions"] == []


def test_stills_that_pass_or_fail_are_nobodys_to_ask_about(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path, gate={"local": False})
    go(folder, Seeing(WRONG))
    assert bought(fake) == {KONTEXT: 3}


def test_a_yes_is_said_everywhere_and_passes_nothing(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path, motion="turntable", video_angle="front")
    report = go(folder, Seeing(VAGUE))
    words = "second opinion of OpenRouter Vision: the same product, “Outline, label and colours agree.”"
    assert bought(fake) == {KONTEXT: 2, VISION: 1, KLING: 1}
    assert front(report)["outcome"] == "unsure"
    assert front(report)["action"] == "flag"
    assert front(report)["reason"] == f"a person should look: {DOUBT} ({words})"
    assert report["headline"] == f"1 of 2 on model, 1 to look at; front: {DOUBT} ({words})"
    assert decisions(folder) == [("opinion-01", "second opinion"), ("take-01", "flag")]
    [told] = report["second_opinions"]
    assert (told["angle"], told["take"], told["says"], told["billed_usd"]) == ("front", 1, "yes", USD)
    assert json.loads((folder.root / told["answer"]).read_text())["same"] == "yes"
    scores = [p["scores"] for p in report["pictures"] if p["angle"] == "front" and p["stage"] == "photoreal"]
    assert [score["second"]["says"] for score in scores] == ["yes"]
    agrees(folder, fake)


def test_it_is_shown_both_and_asked_one_closed_question(fake: FakeFal, tmp_path: Path):
    folder, studio = new_run(tmp_path), Seeing(VAGUE)
    go(folder, studio)
    [entry] = fake.books.of(VISION)
    assert studio.calls["pair"] == 1
    assert entry.arguments["prompt"] == QUESTION
    assert entry.arguments["max_tokens"] == MOST_TOKENS
    assert len(entry.arguments["image_urls"]) == 1
    assert not fake.ignored_fields.get(VISION)


def test_after_a_no_it_is_left_to_a_person_and_starts_no_clip(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path, motion="turntable", video_angle="front")
    answers(fake, NO)
    with pytest.raises(NotOnModel, match="another product, “The label reads AURA, not AURORA.”"):
        go(folder, Seeing(VAGUE))
    assert bought(fake) == {KONTEXT: 2, VISION: 1}
    report = json.loads(folder.report.read_text())
    assert (front(report)["outcome"], front(report)["action"]) == ("unsure", "flag")


def test_a_no_withholds_what_would_have_been_accepted_unverified(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path, gate={"unsure": "accept"})
    answers(fake, NO)
    assert front(go(folder, Seeing(VAGUE)))["action"] == "flag"
    assert asked(fake) == 1


@pytest.mark.parametrize(
    ("answer", "stills", "outcome"),
    [(said(), 2, "unsure"), (NO, 3, "pass"), (CANT, 3, "pass"), ("as you like", 3, "pass")],
    ids=["yes", "no", "can't tell", "nonsense"],
)
def test_where_unsure_stills_are_taken_again_only_a_yes_spares_the_retake(
    fake: FakeFal, tmp_path: Path, answer: str, stills: int, outcome: str
):
    folder = new_run(tmp_path, gate={"unsure": "climb"})
    answers(fake, answer)
    report = go(folder, Seeing(VAGUE, GOOD))
    assert bought(fake) == {KONTEXT: stills, VISION: 1}
    assert front(report)["outcome"] == outcome


@pytest.mark.parametrize(
    "answer",
    ["", "yes", said("yes", "no"), "A" * 100_000],
    ids=["empty", "a word", "contradictory", "long"],
)
def test_an_odd_answer_is_no_opinion(fake: FakeFal, tmp_path: Path, answer: str):
    folder = new_run(tmp_path)
    answers(fake, answer)
    report = go(folder, Seeing(VAGUE))
    assert folder.is_finished
    assert (front(report)["outcome"], front(report)["second"]["says"]) == ("unsure", "no opinion")
    assert "second opinion of OpenRouter Vision: none, its answer" in front(report)["reason"]
    go(RunFolder.open(folder.root), Seeing(VAGUE))
    assert asked(fake) == 1, "what was paid for is not asked again"
    agrees(folder, fake)


@pytest.mark.parametrize("answer", [{"url": "https://v3.fal.media/files/x/y.txt"}])
def test_an_answer_that_is_no_text_is_none_and_the_run_is_whole(fake: FakeFal, tmp_path: Path, answer: Any):
    folder = new_run(tmp_path)
    fake.fault(f"submit:{VISION}", "edit_output", edit=lambda output: {**output, "output": answer}, times=None)
    report = go(folder, Seeing(VAGUE))
    assert front(report)["outcome"] == "unsure"
    assert "no second opinion: fal's result holds no output" in front(report)["reason"]
    go(RunFolder.open(folder.root), Seeing(VAGUE))
    assert asked(fake) == 1, "it is read again, for nothing"


@pytest.mark.parametrize(("kind", "may_be_billed"), [("job_error", False), ("invalid_input", True)])
def test_where_the_model_fails_the_run_goes_on_without_it(
    fake: FakeFal, tmp_path: Path, kind: str, may_be_billed: bool
):
    folder = new_run(tmp_path)
    fake.fault(f"submit:{VISION}", kind, times=None)
    report = go(folder, Seeing(VAGUE))
    assert folder.is_finished
    assert front(report)["outcome"] == "unsure"
    assert "(no second opinion: " in front(report)["reason"]
    fake.faults.clear()
    sent, again = asked(fake), RunFolder.open(folder.root)
    assert quote.estimate(again.settings, again.prices, again).opinions == (0.0 if may_be_billed else USD)
    if may_be_billed:
        go(again, Seeing(VAGUE))
        assert asked(fake) == sent
        assert quote.estimate(again.settings, again.prices, again, retry_failed=True).opinions == USD
    report = go(again, Seeing(VAGUE), retry_failed=may_be_billed)
    assert front(report)["second"]["says"] == "yes"
    assert asked(fake) == sent + 1


@pytest.mark.parametrize("operation", ["status", "result"])
def test_bad_weather_is_waited_out(fake: FakeFal, tmp_path: Path, operation: str):
    folder = new_run(tmp_path)
    fake.fault(f"{operation}:{VISION}", "http_500", times=3)
    assert front(go(folder, Seeing(VAGUE)))["second"]["says"] == "yes"
    assert asked(fake) == 1
    agrees(folder, fake)


def test_a_question_whose_acceptance_was_never_heard_is_found_and_not_sent_twice(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path)
    fake.fault(f"submit:{VISION}", "lost_answer")
    assert front(go(folder, Seeing(VAGUE)))["second"]["says"] == "yes"
    assert asked(fake) == 1


@pytest.mark.parametrize(("kind", "raised"), [("http_500", None), ("drop_before", TryAgainLater)])
def test_without_an_answer_for_minutes_the_still_is_shown_and_a_resume_fetches_it(
    fake: FakeFal, tmp_path: Path, kind: str, raised: type[Exception] | None
):
    folder = new_run(tmp_path)
    fake.fault(f"status:{VISION}", kind, times=None)
    fake.fault(f"result:{VISION}", kind, times=None)
    with pytest.raises(raised) if raised else contextlib.nullcontext():
        go(folder, Seeing(VAGUE))
    assert folder.still("front").is_file()
    report = json.loads(folder.report.read_text())
    assert "no second opinion: fal.ai" in front(report)["reason"]
    fake.faults.clear()
    again = RunFolder.open(folder.root)
    assert unasked(again, again.settings) == ["front"]
    report = go(again, Seeing(VAGUE))
    assert front(report)["second"]["says"] == "yes"
    assert "no second opinion" not in front(report)["reason"]
    assert asked(fake) == 1
    assert again.is_finished


ODDITIES = ("accepted-500", "result-html", "units-huge", "result-echoes-key")


@pytest.mark.parametrize("oddity", ODDITIES)
def test_an_odd_service_is_paid_once_and_its_answer_comes_home(fake: FakeFal, tmp_path: Path, oddity: str):
    folder = new_run(tmp_path)
    fake.oddity(oddity, match=f"{CATALOGUE[oddity].operation}:{VISION}")
    with contextlib.suppress(ConsistencyError):
        go(folder, Seeing(VAGUE))
    fake.faults.clear()
    again = RunFolder.open(folder.root)
    report = go(again, Seeing(VAGUE))
    assert again.is_finished
    assert front(report)["second"]["says"] == "yes"
    assert len([entry for entry in fake.books.of(VISION) if entry.billed]) == 1
    assert API_KEY not in folder.journal.read_text() + folder.answer("front", 1).read_text()


@pytest.mark.parametrize("moment", ["asked", "submitted", "answered", "saved"])
def test_stopped_between_any_two_steps_it_is_paid_once(fake: FakeFal, tmp_path: Path, moment: str):
    folder = new_run(tmp_path)

    def stop(progress: Progress, _backend: Any) -> Exception | None:
        shown = next(iter(folder.entries("photoreal/front")), None)
        last = purchases(folder).last("photoreal/front/opinion-01")
        reached = {
            "asked": shown is not None and shown.second is not None,
            "submitted": last is not None and last.request_id is not None,
            "answered": last is not None and last.result is not None,
            "saved": folder.answer("front", 1).is_file(),
        }
        return Cancelled("enough") if reached[moment] else None

    with pytest.raises(Cancelled):
        go(folder, Seeing(VAGUE), on_progress=stop)
    again = RunFolder.open(folder.root)
    report = go(again, Seeing(VAGUE))
    assert front(report)["second"]["says"] == "yes"
    assert front(report)["reason"].count("second opinion") == 1
    assert asked(fake) == 1
    agrees(again, fake)


@pytest.mark.parametrize("gate", [{"exact": True}, {"faithful": 0.5}], ids=["cut out", "made faithful"])
def test_an_answer_that_is_still_to_come_is_not_lost_over_what_is_made_of_the_still(
    fake: FakeFal, tmp_path: Path, gate: dict[str, Any]
):
    folder = new_run(tmp_path, gate=gate)
    fake.fault(f"status:{VISION}", "drop_before", times=None)
    fake.fault(f"result:{VISION}", "drop_before", times=None)
    with pytest.raises(TryAgainLater):
        go(folder, Seeing(VAGUE))
    assert folder.chosen("photoreal/front") != 1
    fake.faults.clear()
    again = RunFolder.open(folder.root)
    assert quote.estimate(again.settings, again.prices, again).opinions == 0.0
    report = go(again, Seeing(VAGUE))
    assert front(report)["second"]["says"] == "yes"
    assert [(told["take"], told["says"]) for told in report["second_opinions"]] == [(1, "yes")]
    assert asked(fake) == 1
    agrees(again, fake)


def test_an_answer_that_fal_had_named_needs_no_network_to_come_home(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path)
    go(folder, Seeing(VAGUE))
    kept = [line for line in read_lines(folder.journal) if line["key"].endswith("opinion-01")]
    before = [line for line in kept if line["event"] in ("intended", "submitted", "state", "result")]
    others = [line for line in read_lines(folder.journal) if not line["key"].endswith("opinion-01")]
    folder.journal.write_text("".join(json.dumps(line) + "\n" for line in [*others, *before]))
    folder.answer("front", 1).unlink()
    entry = folder.entries("photoreal/front")[0]
    asked_only = {**entry.model_dump(), "reason": DOUBT, "second": {"witness": "vision", "key": entry.second.key}}
    folder.keep_entry("photoreal/front", type(entry).model_validate(asked_only))
    seen = len(fake.requests)
    report = go(RunFolder.open(folder.root), Seeing(VAGUE))
    assert front(report)["second"]["says"] == "yes"
    assert not [each for each in list(fake.requests)[seen:] if VISION.split("/")[0] in each.path]


# money


def test_the_estimate_has_the_worst_case_and_a_run_stays_within_it(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path)
    without = quote.estimate(folder.settings.model_copy(update={"gate": Gate()}), folder.prices)
    whole = quote.estimate(folder.settings, folder.prices)
    assert whole.opinions == pytest.approx(2 * USD)
    assert whole.most == pytest.approx(without.most + 2 * USD)
    assert whole.to_json()["opinions_usd"] == pytest.approx(2 * USD)
    assert "a second opinion on every still that is unsure" in whole.table()
    assert VISION in quote.endpoints(folder.settings)
    climbing = folder.settings.model_copy(update={"gate": Gate(second_opinion="vision", unsure="climb", retakes=2)})
    assert quote.estimate(climbing, folder.prices).opinions == pytest.approx(6 * USD)
    go(folder, AllVague())
    assert asked(fake) == 2
    assert fake.books.usd <= whole.most + 1e-9
    left = quote.estimate(folder.settings, folder.prices, RunFolder.open(folder.root))
    assert (left.opinions, left.buys) == (0.0, False)


class AllVague(Seeing):
    def look(self, task: str, job: dict[str, Any]) -> dict[str, Any]:
        return dict(VAGUE) if task == "measure" else super().look(task, job)


@pytest.mark.parametrize("retakes", [1])
def test_no_more_is_asked_than_was_agreed_to(fake: FakeFal, tmp_path: Path, retakes: int):
    gate = {"unsure": "climb", "retakes": retakes, "rungs": ("reroll",)}
    folder = new_run(tmp_path, gate=gate)
    answers(fake, NO)
    most = quote.estimate(folder.settings, folder.prices).most
    go(folder, AllVague())
    assert asked(fake) == 2 * (1 + retakes)
    assert fake.books.usd == pytest.approx(most)


def test_a_budget_that_is_too_small_buys_no_opinion_and_never_the_stills_money(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path, budget=0.052)
    report = go(folder, AllVague())
    assert bought(fake) == {KONTEXT: 2}
    assert "no second opinion: the limits allow none" in front(report)["reason"]
    again = RunFolder.open(folder.root)
    again.settings = again.settings.model_copy(update={"budget": 0.056})
    most = quote.estimate(again.settings, again.prices, again).most
    report = go(again, AllVague())
    assert bought(fake) == {KONTEXT: 2, VISION: 1}, "as far as the new limit goes"
    assert fake.books.usd <= 0.056
    assert most == pytest.approx(2 * USD)


def test_a_price_that_rose_is_not_paid(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path)
    fake.prices[VISION] = 0.009
    report = go(folder, Seeing(VAGUE))
    assert asked(fake) == 0
    assert "fal.ai now asks" in front(report)["reason"]


@pytest.mark.parametrize(("unit", "is_said"), [("1k tokens", False), ("units", True)])
def test_a_price_by_the_token_counts_as_the_most_that_is_stored(
    fake: FakeFal, tmp_path: Path, unit: str, is_said: bool
):
    fake.prices[VISION] = (0.000001, unit)
    folder = new_run(tmp_path)
    estimate = quote.estimate(folder.settings, folder.prices)
    assert estimate.opinions == pytest.approx(2 * USD)
    doubt = "second opinions: fal's pricing API says $1e-06 per unit, and $0.005 per request is stored"
    assert (doubt in estimate.table()) == any(doubt in said for said in estimate.doubts) == is_said
    go(folder, Seeing(VAGUE))
    [attempt] = [each for each in purchases(folder).attempts if each.endpoint == VISION]
    assert (attempt.quoted_usd, attempt.billed_usd, attempt.committed_usd) == (USD, None, USD)


# going on


def test_wanted_only_afterwards_it_is_asked_about_what_is_shown(fake: FakeFal, tmp_path: Path):
    folder = plain_run(tmp_path, motion="none", angles=ANGLES)
    go(folder, Seeing(VAGUE))
    again = RunFolder.open(folder.root)
    gate = again.settings.gate
    again.settings = again.settings.model_copy(update={"gate": {**vars(gate), "second_opinion": "vision"}})
    estimate = quote.estimate(again.settings, prices.fetch(API_KEY, [VISION]), again)
    assert estimate.most == pytest.approx(USD)
    again.note(prices={**again.prices, **prices.fetch(API_KEY, [VISION])})
    answers(fake, NO)
    report = go(again, Seeing(VAGUE))
    assert bought(fake) == {KONTEXT: 2, VISION: 1}
    assert "another product" in front(report)["reason"]
    assert again.is_finished


def test_a_person_who_has_spoken_needs_no_witness(fake: FakeFal, tmp_path: Path):
    from consistency_pipeline.pipeline import opinions
    from consistency_pipeline.pipeline.verdicts import Said

    folder = plain_run(tmp_path, motion="none", angles=ANGLES)
    go(folder, Seeing(VAGUE))
    again = RunFolder.open(folder.root)
    opinions.say(again, "front", Said.RIGHT)
    again.settings = again.settings.model_copy(update={"gate": {"second_opinion": "vision"}})
    go(again, Seeing(VAGUE))
    assert asked(fake) == 0


@pytest.mark.parametrize(
    "facts", [{"cause": "tint"}, {"why": "by hand"}, {"made_by": "local"}, {"outcome": "pass"}, {"outcome": "fail"}]
)
def test_what_a_witness_can_not_help_with_is_not_asked(tmp_path: Path, facts: dict[str, Any]):
    settings = RunSettings(inputs=("/duck.glb",), backend="fal", gate=Gate(second_opinion="vision"))
    entry = Entry(take=1, made_by="first", outcome="unsure", reason=DOUBT)
    assert may_be_asked(settings, entry)
    assert not may_be_asked(settings, entry.completed(**facts))


def test_the_question_and_what_bounds_its_price_are_not_the_users_to_set(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path, overrides={VISION: {"max_tokens": 100}})
    with pytest.raises(UsageError, match="max_tokens belongs to the question"):
        quote.estimate(folder.settings, folder.prices)
    dear = folder.settings.model_copy(update={"overrides": {VISION: {"model": "anthropic/claude-sonnet-4.5"}}})
    assert quote.estimate(dear, folder.prices).opinions == pytest.approx(2 * 8 * USD)
    other = folder.settings.model_copy(update={"overrides": {VISION: {"model": "x/unknown"}}})
    with pytest.raises(UsageError, match="can't take model = 'x/unknown'"):
        quote.estimate(other, folder.prices)


# reading the print


class Reading(Seeing):
    """Reads what ``says`` says."""

    def __init__(self, says: dict[str, Any] | ConsistencyError) -> None:
        super().__init__(VAGUE)
        self.says = says

    def look(self, task: str, job: dict[str, Any]) -> dict[str, Any]:
        if task != "read":
            return super().look(task, job)
        if isinstance(self.says, ConsistencyError):
            raise self.says
        return self.says


@pytest.mark.parametrize(
    ("says", "words"),
    [
        ({"says": "yes", "reason": "the print reads “A” on both"}, "the same product"),
        ({"says": "no", "reason": "the print reads “B” in place of “A”"}, "another product"),
        ({"says": "certainly", "reason": "x"}, "none, "),
        (ConsistencyError("the reader died"), "none, the reader died"),
    ],
)
def test_reading_the_print_costs_nothing(fake: FakeFal, tmp_path: Path, says: Any, words: str):
    folder = new_run(tmp_path, gate={"second_opinion": "ocr"})
    assert quote.estimate(folder.settings, folder.prices).opinions == 0.0
    studio = Reading(says)
    report = go(folder, studio)
    assert bought(fake) == {KONTEXT: 2}
    assert f"second opinion of the print, read on this machine: {words}" in front(report)["reason"]
    assert front(report)["outcome"] == "unsure"
    go(RunFolder.open(folder.root), studio)
    assert studio.calls["read"] == 1


def test_without_the_reader_it_is_said_before_anything_is_bought(fake: FakeFal, tmp_path: Path, monkeypatch):
    folder = new_run(tmp_path, gate={"second_opinion": "ocr"})
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(
        UsageError, match=r"needs rapidocr and onnxruntime.*pip install -e .\[ocr\].*--second-opinion vision"
    ):
        check_witness(folder.settings)
    check_witness(folder.settings.model_copy(update={"backend": "local"}))
    assert not list(Journal(folder.journal).attempts())


class Weighing(Seeing):
    """Sees a matte agree with the render, or not."""

    def __init__(self, says: str) -> None:
        super().__init__(VAGUE)
        self.says = says

    def look(self, task: str, job: dict[str, Any]) -> dict[str, Any]:
        if task == "matte":
            assert Path(job["matte"]).is_file()
            return {"says": self.says, "reason": "its matte and the render's mask have 98.9 % of their area in common"}
        return super().look(task, job)


def matte_run(place: Path, **settings: Any) -> RunFolder:
    folder = new_run(place, gate={"second_opinion": "matte"}, **settings)
    folder.note(prices={**folder.prices, **prices.fetch(API_KEY, [MATTE_ENDPOINT])})
    return folder


@pytest.mark.parametrize("says", ["yes", "no", "can't tell"])
def test_a_matte_is_bought_once_and_held_against_the_render(fake: FakeFal, tmp_path: Path, says: str):
    folder, studio = matte_run(tmp_path), Weighing(says)
    report = go(folder, studio)
    assert bought(fake) == {KONTEXT: 2, MATTE_ENDPOINT: 1}
    [entry] = fake.books.of(MATTE_ENDPOINT)
    assert entry.arguments["mask_only"] is True
    assert not fake.ignored_fields.get(MATTE_ENDPOINT)
    assert "pair" not in studio.calls
    assert (front(report)["outcome"], front(report)["second"]["says"]) == ("unsure", says)
    assert "second opinion of BiRefNet 2: " in front(report)["reason"]
    [told] = report["second_opinions"]
    assert told["key"] == "photoreal/front/matte-01"
    assert told["billed_usd"] == pytest.approx(fake.books.of(MATTE_ENDPOINT)[0].usd)
    assert (folder.root / told["answer"]).is_file()
    agrees(folder, fake)
    go(RunFolder.open(folder.root), studio)
    assert bought(fake)[MATTE_ENDPOINT] == 1, "what was paid for is not asked again"


def test_a_matte_is_counted_before_anything_is_bought(fake: FakeFal, tmp_path: Path):
    folder = matte_run(tmp_path)
    assert MATTE_ENDPOINT in quote.endpoints(folder.settings)
    assert quote.estimate(folder.settings, folder.prices, folder).opinions > 0.0
    go(folder, Weighing("yes"))
    assert quote.estimate(folder.settings, folder.prices, folder).opinions == 0.0


def test_a_matte_that_fails_is_no_opinion(fake: FakeFal, tmp_path: Path):
    folder = matte_run(tmp_path)
    fake.fault(f"submit:{MATTE_ENDPOINT}", "job_error", times=None)
    report = go(folder, Weighing("yes"))
    assert folder.is_finished
    assert front(report)["outcome"] == "unsure"
    assert "(no second opinion: " in front(report)["reason"]
