# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starts a real Blender on a virtual screen of its own, with a zip installed, and plays a scenario in its window.

Used by the window tests, by benchmarks/window.py and by packaging/screenshots.py.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dragging import file_manager, press_key

HERE = Path(__file__).resolve().parent
SIZE = (1600, 1000)


@contextlib.contextmanager
def virtual_screen() -> Iterator[str]:
    """The DISPLAY of a new virtual screen, so that nobody's windows are in the way."""
    read, write = os.pipe()
    screen = f"{SIZE[0]}x{SIZE[1]}x24"
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", screen, "-nolisten", "tcp"],
        pass_fds=(write,),
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    try:
        with os.fdopen(read) as answer:
            yield f":{answer.readline().strip()}"
    finally:
        server.terminate()
        server.wait(10)


@dataclass
class Window:
    """A Blender with a user folder of its own below ``home``; screenshots go to ``shots``."""

    program: str
    home: Path
    environment: dict[str, str]
    shots: Path
    log: str = ""
    answers: dict[str, Callable[[], Any]] = field(default_factory=dict)  # what a scenario can ask for, besides

    @classmethod
    def install(cls, program: str, archive: Path, home: Path, display: str, shots: Path, **variables: str) -> Window:
        """Install ``archive`` as an artist would, for the one user below ``home``."""
        kept = {name: os.environ[name] for name in ("LANG", "TMPDIR") if name in os.environ}
        environment = {
            **kept,
            **variables,
            "HOME": str(home),
            "PATH": f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "DISPLAY": display,
            "BLENDER_USER_RESOURCES": str(home / "blender"),
            "CONSISTENCY_STATE_FOLDER": str(home / "state"),
            "LIBGL_ALWAYS_SOFTWARE": "1",
        }
        (home / "blender").mkdir()
        opener = home / "bin" / "xdg-open"  # what Blender calls to open a file or a folder in another program
        opener.parent.mkdir()
        opener.write_text(f'#!/bin/sh\nprintf "%s\\n" "$1" >> "{home}/opened.txt"\n')
        opener.chmod(0o755)
        shots.mkdir(parents=True, exist_ok=True)
        shutil.copytree(HERE / "in_window", home / "in_window")
        install = "--command extension install-file --repo user_default --enable"
        command = [program, *install.split(), str(archive)]
        done = subprocess.run(
            command, env=environment, cwd=home, capture_output=True, text=True, timeout=180, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return cls(program, home, environment, shots)

    def play(self, scenario: str, *, timeout: float = 240.0, by_hand: bool = False, **options: Any) -> dict[str, Any]:
        """What the scenario returned. Raises AssertionError, with Blender's output, where it raised or the window hung.

        ``by_hand``: keys come from the X server's keyboard. A Blender that simulates events passes over those.
        """
        out = self.home / f"{scenario}.json"
        out.unlink(missing_ok=True)
        options |= {"scenario": scenario, "out": str(out), "home": str(self.home)}
        command = [self.program, "--window-geometry", "0", "0", *map(str, SIZE), "--online-mode"]
        command += [] if by_hand else ["--enable-event-simulate"]
        environment = self.environment | {"CONSISTENCY_SCENARIO": json.dumps(options)}
        log = self.home / f"{scenario}.log"
        with log.open("wb") as output:
            blender = subprocess.Popen(
                [*command, "--python", str(self.home / "in_window" / "scenarios.py")],
                env=environment,
                cwd=self.home,
                stdout=output,
                stderr=output,
            )
            status = self._watch(blender, timeout)
        self.log = log.read_text(errors="replace")
        assert out.is_file(), f"Blender ended ({status}) without an answer:\n{self.log[-6000:]}"
        said = json.loads(out.read_text())
        assert "error" not in said, f"{said['error']}\n{self.log[-4000:]}"
        return said

    def _watch(self, blender: subprocess.Popen[bytes], timeout: float) -> int | None:
        """Take the screenshots and do whatever else the scenario asks for, until Blender ends or has had its time."""
        wish, deadline = self.home / "screenshot.wish", time.monotonic() + timeout
        while blender.poll() is None and time.monotonic() < deadline:
            if wish.is_file() and (words := wish.read_text()):
                self._grant(words)
                wish.unlink()
            time.sleep(0.05)
        if blender.poll() is None:
            self._take("hung")
            blender.kill()
            blender.wait()
        return blender.returncode

    def _grant(self, wish: str) -> None:
        if wish in self.answers:
            self.answers[wish]()
        elif wish.startswith("drop "):
            _, x, y, name = wish.split(maxsplit=3)
            with file_manager(self.environment["DISPLAY"]) as files:
                files.drop([self.home / name], int(x), int(y))
        elif wish.startswith("press "):
            press_key(self.environment["DISPLAY"], wish.split()[1])
        else:
            self._take(wish)

    def _take(self, wish: str) -> None:
        """``wish``: a name, and where only a part is wanted its place as ImageMagick writes it: name WxH+X+Y."""
        if shutil.which("import") is not None:
            name, *crop = wish.split()
            part = ["-crop", crop[0], "+repage"] if crop else []
            command = ["import", "-window", "root", *part, "-depth", "8", str(self.shots / f"{name}.png")]
            subprocess.run(command, env=self.environment, check=False, timeout=30)
