# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What both surfaces advance a run by: to its end, or to a cancel that ends it in order."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from consistency_pipeline.pipeline import driver
from consistency_pipeline.pipeline.backend.requests import Event
from consistency_pipeline.pipeline.driver import CancelRequest, cancellable
from consistency_pipeline.pipeline.errors import Cancelled
from consistency_pipeline.pipeline.stages import Progress

WAITING = Progress("photoreal", "waiting", idle=True)


class Backend:
    """``answers``: what each look after a cancel brings; nothing is in flight after the last."""

    def __init__(self, *answers):
        self.answers, self.cancels = list(answers), 0

    def cancel(self, key=None):
        self.cancels += 1

    def poll(self, wait=0.0):
        return self.answers.pop(0) if self.answers else []

    @property
    def in_flight(self):
        return len(self.answers)


def chain(seen, steps=3):
    """Notes how it ends."""
    try:
        for _ in range(steps):
            yield WAITING
    except BaseException as error:
        seen.append(error)
        raise
    return "report"


def all_of(run):
    """What it yields, and what it returns or raises."""
    said = []
    while True:
        try:
            said.append(next(run))
        except StopIteration as done:
            return said, done.value
        except Cancelled as error:
            return said, error


def test_without_a_cancel_it_is_the_chain_itself():
    backend = Backend()
    assert all_of(cancellable(chain([]), backend, CancelRequest(), "press Resume")) == ([WAITING] * 3, "report")
    assert backend.cancels == 0


def test_a_cancel_asks_fal_first_and_ends_the_chain_once_it_has_answered():
    seen, cancel = [], CancelRequest()
    removed, running = Event("a", "failed", "removed; not billed"), Event("b", "done", "finished; billed")
    backend = Backend([Event("b", "running", "still running")], [removed], [running])
    run = cancellable(chain(seen), backend, cancel, "press Resume")
    assert next(run) is WAITING
    cancel.make()
    assert (next(run), backend.cancels, seen) == (None, 1, []), "the chain was ended before fal.ai had answered"
    said, error = all_of(run)
    assert [event for event in said if event] == [removed, running]
    assert str(error) == "the run was cancelled; what is done is kept, press Resume to go on from here"
    assert seen == [error]
    assert backend.cancels == 1


def test_a_second_cancel_does_not_wait_for_answers():
    seen, cancel = [], CancelRequest()
    run = cancellable(chain(seen), Backend(*([[]] * 100)), cancel, "press Resume")
    next(run)
    cancel.make()
    assert next(run) is None
    cancel.make()
    with pytest.raises(Cancelled):
        next(run)
    assert len(seen) == 1


def test_fal_is_not_waited_for_without_end(monkeypatch):
    monkeypatch.setattr(driver, "CANCEL_PATIENCE", 0.0)
    cancel = CancelRequest()
    cancel.make()
    said, error = all_of(cancellable(chain([]), Backend(*([[]] * 100)), cancel, "press Resume"))
    assert (said, type(error)) == ([], Cancelled)


def test_a_chain_that_is_stopped_from_within_is_cancelled_at_fal_too():
    def stopped():
        yield WAITING
        raise Cancelled("the render was stopped")

    backend, cancel = Backend([Event("a", "failed", "removed")]), CancelRequest()
    said, error = all_of(cancellable(stopped(), backend, cancel, "press Resume"))
    assert (len(said), backend.cancels, cancel.is_made) == (2, 1, True)
    assert "press Resume" in str(error)
    assert "the render was stopped" in str(error.__cause__)


def test_whoever_lets_go_of_it_lets_go_of_the_chain():
    seen = []
    run = cancellable(chain(seen), Backend(), CancelRequest(), "press Resume")
    next(run)
    run.close()
    assert [type(error) for error in seen] == [GeneratorExit]


def test_to_finish_is_to_have_what_it_returns():
    assert driver.finish(chain([])) == "report"
    with pytest.raises(Cancelled):
        driver.finish(iter_raising())


def iter_raising():
    yield SimpleNamespace()
    raise Cancelled("stopped")
