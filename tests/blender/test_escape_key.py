# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose press of Esc it was."""

from __future__ import annotations

import pytest

from consistency_pipeline.operators.runs.escape_key import JUST_NOW, EscapeKey


@pytest.fixture
def clock():
    class Clock:
        now = 100.0

        def __call__(self):
            return self.now

    return Clock()


def test_a_press_ends_the_run_and_its_release_is_no_second_one(clock):
    key = EscapeKey(clock)
    assert key.asks_to_cancel("PRESS", rendering=False)
    assert not key.asks_to_cancel("RELEASE", rendering=False)


def test_a_press_that_a_render_of_a_moment_has_taken_ends_the_run_by_its_release(clock):
    key = EscapeKey(clock)
    key.look(rendering=True)
    clock.now += JUST_NOW / 2
    assert key.asks_to_cancel("RELEASE", rendering=False)


def test_it_ends_the_run_too_where_the_key_is_let_go_of_while_that_render_still_ends(clock):
    key = EscapeKey(clock)
    assert not key.look(rendering=True)
    assert not key.asks_to_cancel("RELEASE", rendering=True)
    clock.now += JUST_NOW / 2
    assert key.look(rendering=False)
    assert not key.look(rendering=False), "once is enough"


def test_leaving_a_text_field_in_the_middle_of_a_render_is_forgotten_at_its_end(clock):
    key = EscapeKey(clock)
    assert not key.asks_to_cancel("RELEASE", rendering=True)
    clock.now += JUST_NOW * 2
    assert not key.look(rendering=False)


@pytest.mark.parametrize(("rendering", "later"), [(True, 0.0), (False, JUST_NOW * 2)], ids=["renders on", "long over"])
def test_leaving_a_text_field_by_esc_does_not_end_the_run(clock, rendering, later):
    key = EscapeKey(clock)
    key.look(rendering=True)
    clock.now += later
    assert not key.asks_to_cancel("RELEASE", rendering=rendering)
