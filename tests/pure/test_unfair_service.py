# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""fal.ai answers anything at any moment, and the program is killed and started again: nothing is lost, nothing is paid
twice, no limit is passed, and journal, ledger, book and folders are as fal's own books are.

unfair.py says what a history is and what must hold after it; ``python -m benchmarks.unfair`` lives through thousands.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import Phase, given, note, settings
from hypothesis import strategies as st

from tests.fake_fal import FakeFal

from .forked import Nursery, available
from .unfair import History, draw, play, to_text

pytestmark = pytest.mark.skipif(not available(), reason="a child is forked here, and this system has no fork")

# Of a hundred, each lane lives through its share, and through others than the other lane.
SHARE = int(os.environ.get("CONSISTENCY_UNFAIR_HISTORIES", "100"))
HISTORIES = st.integers(0, 2**32 - 1).map(lambda seed: draw(random.Random(f"{seed}/{sys.version_info.minor}")))


@pytest.fixture(scope="module")
def service() -> Iterator[tuple[FakeFal, Nursery]]:
    patch = pytest.MonkeyPatch()
    with FakeFal(latency=0.02, clip_side=64) as fake, Nursery() as nursery:
        for name, value in fake.environment().items():
            patch.setenv(name, value)
        yield fake, nursery
    patch.undo()


# The same each time, and no shrinking: a history takes a second, and a real kill falls where it falls.
@pytest.mark.timeout(1200)  # a machine on which others work too can be ten times as slow
@settings(max_examples=SHARE, deadline=None, database=None, derandomize=True, phases=[Phase.generate])
@given(HISTORIES)
def test_whatever_fal_answers_the_books_agree(service: tuple[FakeFal, Nursery], history: History):
    fake, nursery = service
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONSISTENCY_STATE_FOLDER", str(Path(name) / "state"))
        wrongs = play(history, fake, nursery, Path(name))
    note(to_text(history))
    assert not wrongs
