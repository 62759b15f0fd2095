"""The real Blender in a virtual screen, with the zip installed as an artist would, and a fake fal.ai in this process.

BLENDER names the program, else `blender` on PATH is taken; without it, or without Xvfb, everything here is skipped.
CONSISTENCY_SCREENSHOTS names a folder to keep the screenshots in.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "packaging")]

from tests.fake_fal import FakeFal  # noqa: E402

SIZE = (1600, 1000)


@pytest.fixture(scope="session")
def program() -> str:
    found = os.environ.get("BLENDER") or shutil.which("blender")
    if not found:
        pytest.skip("NOT RUN: no Blender; name one with BLENDER=… or put it on PATH to test the window")
    return found


@pytest.fixture(scope="session")
def display() -> Iterator[str]:
    """A virtual screen of its own, so that nobody's windows are in the way."""
    if shutil.which("Xvfb") is None:
        pytest.skip("NOT RUN: there is no Xvfb, so no window can be opened; install xvfb to test the window")
    read, write = os.pipe()
    screen = f"{SIZE[0]}x{SIZE[1]}x24"
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", screen, "-nolisten", "tcp"],
        pass_fds=(write,),
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as answer:
        number = answer.readline().strip()
    yield f":{number}"
    server.terminate()
    server.wait(10)


@pytest.fixture(scope="session")
def archive(program: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from build import ask_blender, build

    (zip_file,) = build([ask_blender(program)], tmp_path_factory.mktemp("dist"))
    return zip_file


@pytest.fixture
def fake() -> Iterator[FakeFal]:
    with FakeFal(latency=0.3, clip_side=64) as service:
        yield service


@dataclass
class Window:
    """Starts Blender and plays a scenario of ``scenarios.py`` in its window."""

    program: str
    home: Path
    environment: dict[str, str]
    shots: Path
    log: str = ""
    said: dict[str, Any] = field(default_factory=dict)

    def play(self, scenario: str, *, timeout: float = 240.0, **options: Any) -> dict[str, Any]:
        """What the scenario returned. Fails with Blender's own output where it raised or the window hung."""
        out = self.home / f"{scenario}.json"
        out.unlink(missing_ok=True)
        options |= {"scenario": scenario, "out": str(out), "shots": str(self.shots), "home": str(self.home)}
        command = [self.program, "--window-geometry", "0", "0", *map(str, SIZE), "--enable-event-simulate", "--online-mode"]  # fmt: skip
        environment = self.environment | {"CONSISTENCY_SCENARIO": json.dumps(options)}
        log = self.home / f"{scenario}.log"
        with log.open("wb") as output:
            blender = subprocess.Popen(
                [*command, "--python", str(self.home / "scenarios.py")],
                env=environment, cwd=self.home, stdout=output, stderr=output,
            )  # fmt: skip
            status = self._watch(blender, timeout)
        self.log = log.read_text(errors="replace")
        assert out.is_file(), f"Blender ended ({status}) without an answer:\n{self.log[-6000:]}"
        self.said = json.loads(out.read_text())
        assert "error" not in self.said, f"{self.said['error']}\n{self.log[-4000:]}"
        return self.said

    def _watch(self, blender: subprocess.Popen[bytes], timeout: float) -> int | None:
        """Take the screenshots that the scenario asks for, until Blender ends or has had its time."""
        wish, deadline = self.home / "screenshot.wish", time.monotonic() + timeout
        while blender.poll() is None and time.monotonic() < deadline:
            if wish.is_file() and (name := wish.read_text()):
                self._take(name)
                wish.unlink()
            time.sleep(0.05)
        if blender.poll() is None:
            self._take("hung")
            blender.kill()
            blender.wait()
        return blender.returncode

    def _take(self, name: str) -> None:
        if shutil.which("import") is not None:
            command = ["import", "-window", "root", "-depth", "8", str(self.shots / f"{name}.png")]
            subprocess.run(command, env=self.environment, check=False, timeout=30)


@pytest.fixture
def window(program: str, display: str, archive: Path, fake: FakeFal, tmp_path: Path) -> Window:
    """A Blender of its own: fresh user folder, the zip installed, fal.ai being the fake, no key in the environment."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    environment = kept | fake.environment(key=None) | {
        "HOME": str(tmp_path),
        "DISPLAY": display,
        "BLENDER_USER_RESOURCES": str(tmp_path / "blender"),
        "CONSISTENCY_STATE_FOLDER": str(tmp_path / "state"),
        "LIBGL_ALWAYS_SOFTWARE": "1",
    }  # fmt: skip
    (tmp_path / "blender").mkdir()
    shutil.copy(HERE / "scenarios.py", tmp_path)
    shutil.copy(HERE / "playing.py", tmp_path)
    command = [program, "--command", "extension", "install-file", "--repo", "user_default", "--enable", str(archive)]
    installed = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=180, check=False)  # fmt: skip
    assert installed.returncode == 0, installed.stdout + installed.stderr
    shots = Path(os.environ.get("CONSISTENCY_SCREENSHOTS", tmp_path / "screenshots")).absolute()
    with contextlib.suppress(FileExistsError):
        shots.mkdir(parents=True)
    return Window(program, tmp_path, environment, shots)
