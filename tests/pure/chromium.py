# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A headless Chromium, driven over its own protocol through two pipes: no driver, no port, no package."""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Chromium:
    """One page. ``close`` ends the browser."""

    def __init__(self, profile: Path, size: tuple[int, int] = (700, 750)) -> None:
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"]
        window = f"--window-size={size[0]},{size[1]}"
        self._process = subprocess.Popen(
            [str(PROGRAM), *flags, window, f"--user-data-dir={profile}", "--remote-debugging-pipe", "about:blank"],
            pass_fds=(3, 4),
            preexec_fn=lambda: _as_three_and_four(to_read, to_write),
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        self._numbers, self._rest, self._session = itertools.count(1), b"", None
        self._pages = 0
        self.loaded: list[str] = []
        (target, *_) = [each for each in self.ask("Target.getTargets")["targetInfos"] if each["type"] == "page"]
        attached = self.ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Network", "Runtime"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        told = {"id": number, "method": method, "params": params}
        if self._session:
            told["sessionId"] = self._session
        os.write(self._write, json.dumps(told).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == number:
                assert "error" not in answer, answer["error"]
                return answer["result"]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            piece = os.read(self._read, 1 << 20)
            assert piece, "Chromium has ended"
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\0")
        told = json.loads(line)
        match told.get("method"):
            case "Network.requestWillBeSent":
                self.loaded.append(told["params"]["request"]["url"])
            case "Page.loadEventFired":
                self._pages += 1
        return told

    def open(self, page: Path) -> None:
        before = self._pages
        self.ask("Page.navigate", url=page.as_uri())
        while self._pages == before:
            self._next()

    def run(self, script: str) -> Any:
        """What the expression is, or what its promise keeps, as JSON has it."""
        said = self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in said, said["exceptionDetails"]
        return said["result"].get("value")

    def key(self, name: str, text: str = "") -> None:
        facts = {"key": name, "code": "Space" if name == " " else name}
        self.ask("Input.dispatchKeyEvent", type="keyDown", text=text, **facts)
        self.ask("Input.dispatchKeyEvent", type="keyUp", **facts)

    def mouse(self, kind: str, x: float, y: float) -> None:
        held = {"button": "left", "buttons": 0 if kind == "mouseReleased" else 1, "clickCount": 1}
        self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, **held)

    def screenshot(self, file: Path) -> None:
        file.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot")["data"]))

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._read)
        os.close(self._write)


def _as_three_and_four(to_read: int, to_write: int) -> None:
    """Where Chromium expects its two pipes; by way of high numbers, since either may lie where the other has to go."""
    high_read, high_write = os.dup(to_read), os.dup(to_write)
    while high_read in (3, 4):
        high_read = os.dup(high_read)
    while high_write in (3, 4):
        high_write = os.dup(high_write)
    os.dup2(high_read, 3)
    os.dup2(high_write, 4)
