# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run from the press of a button to its end, as states; no window."""

from __future__ import annotations

import bpy
import pytest

from consistency_pipeline.pipeline.errors import BudgetExceeded, Cancelled, ConsistencyError
from consistency_pipeline.pipeline.run.run_folder import RunFolder

from .stand_in import status


@pytest.fixture
def session(studio):
    """Makes sessions of the scene, and lets go of them."""
    from consistency_pipeline.operators.runs.run_request import RunRequest
    from consistency_pipeline.operators.runs.run_session import RunSession

    made = []

    def make(until="results", agreed_usd=-1.0):
        made.append(RunSession(bpy.context.scene, RunRequest(until), agreed_usd))
        return made[-1]

    yield make
    for each in made:
        each.close()
    status().running = False


@pytest.fixture
def priced(monkeypatch, studio):
    """fal.ai would make the pictures, at $0.125 each; the answer takes two looks. Nothing can be bought."""
    from consistency_pipeline.operators.runs import questions, start_run

    def prices(_key, endpoints, _to_send=()):
        yield
        yield
        return {endpoint: {"usd": 0.125, "unit": "images", "at": "2026-01-01"} for endpoint in endpoints}

    def spending(*_arguments):
        raise ConsistencyError("money would have been spent")

    monkeypatch.setenv("FAL_KEY", "id:secret")
    monkeypatch.setattr(questions, "prices", prices)
    monkeypatch.setattr(start_run, "backend_for", spending)
    own = bpy.context.scene.consistency
    own.backend, own.check = "fal", False
    return own


def states(session):
    """The states that it goes through, each once."""
    seen = [str(session.state)]
    while session.state != "ended":
        state = str(session.tick())
        if state != seen[-1]:
            seen.append(state)
    return seen


def test_a_run_is_asked_agreed_running_and_ended(session):
    run = session()
    assert run.run is None
    assert states(run) == ["asked", "agreed", "running", "ended"]
    assert RunFolder.open(run.run.folder.root).is_finished
    assert not run.run.folder.lease.path.exists()
    assert not run.needs_consent


def test_more_than_was_agreed_to_ends_it_before_anything_begins(session, priced):
    run = session("photoreal", 0.5)
    assert states(run) == ["asked", "ended"]
    assert run.needs_consent
    assert run.costs.most == 0.625
    assert (run.run, priced.run_folder) == (None, "")


def test_what_was_agreed_to_is_what_it_goes_on_with(session, priced):
    run = session("photoreal", 0.625)
    while run.state == "asked":
        run.tick()
    assert run.state == "agreed"
    with pytest.raises(ConsistencyError, match="money would have been spent"):
        run.tick()
    assert run.state == "ended"


def test_a_script_is_told_how_to_agree(session, priced):
    with pytest.raises(ConsistencyError, match=r"up to \$0\.625; agree with agreed_usd=0\.625$"):
        session("photoreal").finish()


def test_a_cancel_while_fal_is_asked_spends_and_begins_nothing(session, priced):
    run = session("photoreal", 100.0)
    run.tick()
    run.cancel()
    with pytest.raises(Cancelled, match="nothing was spent"):
        run.tick()
    assert (str(run.state), run.run, priced.run_folder) == ("ended", None, "")


def test_a_cancel_while_it_runs_ends_it_in_order(session):
    run = session()
    while run.state != "running":
        run.tick()
    run.tick(0.0)
    run.cancel()
    with pytest.raises(Cancelled, match="press Resume"):
        states(run)
    assert run.state == "ended"
    folder = RunFolder.open(run.run.folder.root)
    assert "cancelled" in {folder.stage(name).state for name in ("model", "rig", "references")}
    assert not folder.lease.path.exists()


def test_a_limit_that_cannot_be_kept_ends_it_before_the_renders(session, priced, monkeypatch):
    from consistency_pipeline.operators.runs import questions

    monkeypatch.setattr(questions, "prices", lambda _key, _endpoints, _to_send: (yield from ()) or {})
    priced.image_endpoint, priced.own_budget, priced.budget = "somebody/made-this", True, 1.0
    run = session("photoreal", 100.0)
    with pytest.raises(BudgetExceeded, match="somebody/made-this"):
        states(run)
    assert (str(run.state), run.run) == ("ended", None)


def test_letting_go_in_the_middle_keeps_the_folder_usable(session):
    run = session()
    while run.state != "running":
        run.tick()
    run.tick(0.0)
    run.close()
    assert (str(run.state), run.run.was_left) == ("ended", True)
    again = RunFolder.open(run.run.folder.root)
    again.lease.acquire()
    again.lease.release()
