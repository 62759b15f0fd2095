# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The zip for each Blender at hand, and a fresh Blender to install it into."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

# The build programs and the host are modules of no package: their folders go on the path, as they do when they run.
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "packaging")]

from blender_host import Host, Real, Wheel  # noqa: E402
from build import build  # noqa: E402
from tests.by_turns import pytest_collection_modifyitems  # noqa: E402, F401 - a hook
from wheels import Target  # noqa: E402

NO_BLENDER = pytest.mark.skipif(shutil.which("blender") is None, reason="there is no `blender` on PATH")


@pytest.fixture(scope="session")
def target() -> Target:
    """The Python that runs the tests, which is the bpy wheel's."""
    return Wheel.target


@pytest.fixture(scope="session")
def archive(target: Target, tmp_path_factory: pytest.TempPathFactory) -> Path:
    (archive,) = build([target], tmp_path_factory.mktemp("dist"))
    return archive


@pytest.fixture(params=["wheel", pytest.param("real", marks=[NO_BLENDER, pytest.mark.by_turns])])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Host:
    home = tmp_path / "home"
    return Real(home) if request.param == "real" else Wheel(home, tmp_path / "packages")


@pytest.fixture
def fitting(host: Host, target: Target, archive: Path, tmp_path: Path) -> Path:
    """The zip that the host can install."""
    return archive if host.target == target else build([host.target], tmp_path / "fitting")[0]
