# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from consistency_pipeline.pipeline.run.run_folder import RunFolder
from tests.by_turns import pytest_collection_modifyitems  # noqa: F401 - a hook
from tests.fake_fal import FakeFal

from .shop import bring_near, new_folder


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeFal]:
    """A fake fal.ai that this process and its children reach, and a book of spendings of their own."""
    with FakeFal(latency=0.02, clip_side=64) as service:
        for name, value in service.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("CONSISTENCY_STATE_FOLDER", str(tmp_path / "state"))
        yield service


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return new_folder(tmp_path / "run")


@pytest.fixture
def near(monkeypatch: pytest.MonkeyPatch) -> None:
    """The backend's child runs in a thread of this process, with short pauses: the same program, quick to start."""
    bring_near(monkeypatch)
