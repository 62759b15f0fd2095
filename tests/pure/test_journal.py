# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal's promise: whatever was written, and wherever the file breaks off, a resume never pays twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from consistency_pipeline.pipeline.run.attempt import Billed, CancelAnswer, Refusal, ResultFile
from consistency_pipeline.pipeline.run.events import (
    Abandoned,
    AcceptanceUnknown,
    CancelAnswered,
    Decided,
    Downloaded,
    Failed,
    Intended,
    Refused,
    ResultNamed,
    StateChanged,
    Submitted,
    UnitsCounted,
)
from consistency_pipeline.pipeline.run.journal import Journal, fold
from consistency_pipeline.pipeline.system.disk import read_lines

KEYS = ("photoreal/front/take-01", "video/turntable/take-01")
URLS = {f"{name}_url": f"https://queue.fal.run/a/b/requests/r/{name}" for name in ("status", "response", "cancel")}
INTENDED = {"endpoint": "a/b", "arguments": {"x": 1}, "outputs": ["a.png"], "places": ["images.0"], "quoted_usd": 0.03}
PAYS = ("submit", "retry")  # the two steps after which a request is sent


def line(event: str, key: str = KEYS[0], attempt: int = 1, **facts: Any) -> dict[str, Any]:
    return {"at": "2026-01-01T00:00:00+00:00", "event": event, "key": key, "attempt": attempt, **facts}


def submitted(request_id: str = "r1", **facts: Any) -> dict[str, Any]:
    return line("submitted", request_id=request_id, **URLS, **facts)


def step(*events: dict[str, Any]) -> str:
    return fold(events).next_step(KEYS[0])


def test_each_state_leads_to_the_step_that_does_not_pay_again():
    intended, got = line("intended", **INTENDED), submitted()
    result = line("result", files=[{"path": "a.png", "url": "https://v3.fal.media/a.png"}])
    assert step() == "submit"
    assert step(intended) == "uncertain"
    assert step(intended, line("uncertain")) == "uncertain"
    assert step(intended, line("uncertain"), line("abandoned")) == "retry"
    assert step(intended, line("refused", error="BadKey")) == "retry"
    assert step(intended, got) == "wait"
    assert step(intended, got, line("cancelled", answer="running")) == "wait"
    assert step(intended, got, line("cancelled", answer="removed")) == "retry"
    assert step(intended, got, result) == "fetch"
    assert step(intended, got, result, line("downloaded", path="a.png")) == "done"
    assert step(intended, got, line("failed", billed="no", proven=True)) == "retry"
    assert step(intended, got, line("failed", billed="no")) == "stuck"  # as an early version believed at once
    assert step(intended, got, line("failed", billed="maybe"), result) == "fetch"
    assert step(intended, got, line("failed", billed="maybe")) == "stuck"
    assert step(intended, got, line("failed", billed="maybe"), line("abandoned")) == "retry"


def test_a_request_that_is_found_after_all_wins_over_what_was_decided_about_it():
    intended = line("intended", **INTENDED)
    assert step(intended, line("uncertain"), line("abandoned"), submitted()) == "wait"
    assert step(intended, line("refused"), submitted()) == "wait"


def test_a_file_that_was_downloaded_and_is_gone_for_good_may_be_bought_again():
    bought = (line("intended", **INTENDED), submitted(), line("result", files=[]), line("downloaded", path="a.png"))
    assert step(*bought, line("failed", error="Expired", billed="yes")) == "stuck"


def test_the_worst_case_counts_until_the_bill_is_known():
    intended = line("intended", **INTENDED)

    def committed(*events: dict[str, Any]) -> float:
        return fold((intended, *events)).committed_usd

    assert committed() == 0.03
    assert committed(line("uncertain"), line("abandoned")) == 0.03  # it may have been billed: it goes on counting
    assert committed(line("refused")) == 0.0
    assert committed(submitted(), line("billed", units=2, usd=0.06)) == 0.06
    assert committed(submitted(), line("failed", billed="no")) == 0.03
    assert committed(submitted(), line("failed", billed="no", proven=True)) == 0.0
    assert committed(submitted(), line("cancelled", answer="removed")) == 0.0
    assert committed(submitted(), line("cancelled", answer="running")) == 0.03


def test_unknown_and_damaged_lines_change_nothing():
    known = fold([line("intended", **INTENDED), submitted()])
    strange = [
        line("polished", attempt=7),
        line("intended", key=KEYS[0], attempt="one"),
        {"event": "intended"},
        line(["intended"]),
        line("billed", usd="much", units=None),
        line("intended", outputs=None),
    ]
    for event in strange:
        known.apply(event)
    assert known.next_step(KEYS[0]) == "wait"
    assert known.billed_usd == 0.0
    assert [attempt.number for attempt in known.attempts] == [1]


def test_a_journal_reads_back_what_it_wrote(tmp_path: Path):
    journal = Journal(tmp_path / "journal.jsonl")
    journal.write(KEYS[0], 1, Intended(**INTENDED))
    journal.write(KEYS[0], 1, Submitted("r1", **URLS))
    again = Journal(tmp_path / "journal.jsonl").purchases.last(KEYS[0])
    assert again is not None
    assert again == journal.purchases.last(KEYS[0])
    assert (again.request_id, again.urls, again.outputs) == ("r1", URLS, ["a.png"])


# any interleaving, any truncation

_EVENTS = st.one_of(
    st.just(line("intended", **INTENDED)),
    st.sampled_from(["r1", "r2"]).map(submitted),
    st.sampled_from(["IN_QUEUE", "IN_PROGRESS"]).map(lambda state: line("state", state=state)),
    st.just(line("result", files=[{"path": "a.png", "url": "https://v3.fal.media/a.png"}])),
    st.just(line("billed", units=1.0, usd=0.03)),
    st.just(line("downloaded", path="a.png", file="a.png")),
    st.sampled_from(["no", "maybe", "yes"]).map(lambda billed: line("failed", error="X", billed=billed)),
    st.just(line("refused", error="BadKey")),
    st.sampled_from(["removed", "running", "completed", "gone"]).map(lambda answer: line("cancelled", answer=answer)),
    st.just(line("uncertain")),
    st.just(line("abandoned")),
    st.just(line("made-up-later", anything=[1])),
)
_HISTORIES = st.lists(
    st.builds(
        lambda event, key, attempt: {**event, "key": key, "attempt": attempt},
        _EVENTS,
        st.sampled_from(KEYS),
        st.integers(1, 2),
    ),
    max_size=14,
)


def may_pay_again(events: list[dict[str, Any]]) -> bool:
    """Said independently of ``fold``: the last attempt is known not to be billed, or was given up by the user."""
    last = max((e["attempt"] for e in events if e["event"] != "made-up-later"), default=None)
    if last is None:
        return True
    free = decided = False  # nothing known yet: it may have been sent
    is_sent = False
    for event in (e for e in events if e["attempt"] == last):
        kind = event["event"]
        if kind == "submitted":
            free, decided, is_sent = False, False, True
        elif kind == "refused":
            free = free or not is_sent
        elif (kind == "cancelled" and event["answer"] == "removed") or (kind == "failed" and event["billed"] == "no"):
            free = True
        elif kind == "abandoned":
            decided = True
    return free or decided


@settings(max_examples=400, deadline=None)
@given(history=_HISTORIES)
def test_no_interleaving_of_events_pays_twice(history: list[dict[str, Any]]):
    purchases = fold(history)
    for key in KEYS:
        if purchases.next_step(key) in PAYS:
            assert may_pay_again([event for event in history if event["key"] == key])


@settings(max_examples=150, deadline=None)
@given(history=_HISTORIES, data=st.data())
def test_no_truncation_of_the_file_pays_twice(
    tmp_path_factory: Any, history: list[dict[str, Any]], data: st.DataObject
):
    raw = b"".join(json.dumps(event).encode() + b"\n" for event in history)
    cut = data.draw(st.integers(0, len(raw)))
    path = tmp_path_factory.mktemp("cut") / "journal.jsonl"
    path.write_bytes(raw[:cut])
    journal = Journal(path)
    kept = read_lines(path)
    assert kept == history[: len(kept)]  # a torn line is passed over, and nothing else
    for key in KEYS:
        if journal.purchases.next_step(key) in PAYS:
            assert may_pay_again([event for event in kept if event["key"] == key])
    # And the file can be written on: the torn line does not swallow the next one.
    journal.write(KEYS[0], 9, Intended(**INTENDED))
    assert Journal(path).purchases.next_step(KEYS[0]) == "uncertain"


def test_lines_are_written_as_they_always_were(tmp_path: Path):
    """Older versions read them, and people's scripts do."""
    journal = Journal(tmp_path / "journal.jsonl")
    written = [
        (Submitted("r1", **URLS), {"request_id": "r1", **URLS}),
        (Submitted("r1", **URLS, found_by="request list"), {"request_id": "r1", **URLS, "found_by": "request list"}),
        (StateChanged("IN_QUEUE"), {"state": "IN_QUEUE"}),
        (ResultNamed((ResultFile("a.png", "u"),)), {"files": [{"path": "a.png", "url": "u"}], "seed": None}),
        (UnitsCounted(1.0, 0.025, None), {"units": 1.0, "unit_price": 0.025, "usd": None}),
        (Downloaded("a.png", "a.jpg", 3, "ab"), {"path": "a.png", "file": "a.jpg", "bytes": 3, "sha256": "ab"}),
        (Failed("Expired", "m", Billed.YES), {"error": "Expired", "message": "m", "billed": "yes"}),
        (Failed("X", "m", Billed.NO, True), {"error": "X", "message": "m", "billed": "no", "proven": True}),
        (Refused(False, "BadKey", "m"), {"left": False, "error": "BadKey", "message": "m"}),
        (CancelAnswered(CancelAnswer.RUNNING), {"answer": "running"}),
        (AcceptanceUnknown(), {}),
        (AcceptanceUnknown("m", Refusal("E", "n")), {"message": "m", "refusal": {"error": "E", "message": "n"}}),
        (Abandoned(), {}),
        (Decided({"take": 2, "why": "w"}), {"take": 2, "why": "w"}),
    ]
    for event, _facts in written:
        journal.write(KEYS[0], 1, event)
    for line, (event, facts) in zip(read_lines(journal.path), written, strict=True):
        kept = {name: value for name, value in line.items() if name != "at"}
        assert kept == {"event": str(event.kind), "key": KEYS[0], "attempt": 1, **facts}
