"""The zip for the Python that runs the tests, and a host to install it into."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

import pytest

# The build programs and the host are modules of no package: their folders go on the path, as they do when they run.
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "packaging")]

from blender_host import SHIPPED, Host  # noqa: E402
from build import BLENDER_PLATFORMS, build  # noqa: E402
from wheels import Target  # noqa: E402


@pytest.fixture(scope="session")
def target() -> Target:
    return Target(BLENDER_PLATFORMS[sysconfig.get_platform()], sysconfig.get_python_version())


@pytest.fixture(scope="session")
def archive(target: Target, tmp_path_factory: pytest.TempPathFactory) -> Path:
    (archive,) = build([target], tmp_path_factory.mktemp("dist"))
    return archive


@pytest.fixture
def host(tmp_path: Path) -> Host:
    packages = tmp_path / "packages"
    packages.mkdir()
    installed = Path(sysconfig.get_path("purelib"))
    for name in SHIPPED:
        if (installed / name).exists():
            (packages / name).symlink_to(installed / name)
    home = tmp_path / "home"
    (home / "blender").mkdir(parents=True)
    return Host(home, packages)
