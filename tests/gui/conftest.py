# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real Blender in a virtual screen, with the zip installed as an artist would, and a fake fal.ai in this process.

BLENDER names the program, else `blender` on PATH is taken; without it, or without Xvfb, everything here is skipped.
CONSISTENCY_SCREENSHOTS names a folder to keep the screenshots in.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "packaging"), str(HERE)]

from launch import Window, virtual_screen  # noqa: E402

from tests.fake_fal import FakeFal  # noqa: E402


@pytest.fixture(scope="session")
def program() -> str:
    found = os.environ.get("BLENDER") or shutil.which("blender")
    if not found:
        pytest.skip("NOT RUN: no Blender; name one with BLENDER=… or put it on PATH to test the window")
    return found


@pytest.fixture(scope="session")
def display() -> Iterator[str]:
    if shutil.which("Xvfb") is None:
        pytest.skip("NOT RUN: there is no Xvfb, so no window can be opened; install xvfb to test the window")
    with virtual_screen() as name:
        yield name


@pytest.fixture(scope="session")
def archive(program: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from build import ask_blender, build

    (zip_file,) = build([ask_blender(program)], tmp_path_factory.mktemp("dist"))
    return zip_file


@pytest.fixture
def fake() -> Iterator[FakeFal]:
    with FakeFal(
        latency=0.3, clip_side=64, concurrency=1
    ) as service:  # one at a time: another job waits its turn and can be cancelled unpaid
        yield service


@pytest.fixture
def window(program: str, display: str, archive: Path, fake: FakeFal, tmp_path: Path) -> Window:
    """fal.ai is the fake, and there is no key in the environment."""
    shots = Path(os.environ.get("CONSISTENCY_SCREENSHOTS", tmp_path / "screenshots")).absolute()
    return Window.install(program, archive, tmp_path, display, shots, **fake.environment(key=None))
