# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drags files from "a file manager" onto a window, by the XDND protocol that X11's file managers speak.

https://freedesktop.org/wiki/Specifications/XDND: the source says what it brings (Enter), where it is (Position), and lets
go (Drop); the target then asks it for the files' addresses and says that it is done (Finished).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from Xlib import XK, X, Xatom, display
from Xlib.ext import xtest
from Xlib.protocol import event

VERSION = 5
PATIENCE = 20.0  # seconds for the target to take the files


@contextlib.contextmanager
def file_manager(name: str) -> Iterator[FileManager]:
    """On the DISPLAY of that name."""
    window = FileManager(name)
    try:
        yield window
    finally:
        window.display.close()


class FileManager:
    """A window that files are dragged from."""

    def __init__(self, name: str) -> None:
        self.display = display.Display(name)
        self.root = self.display.screen().root
        self.window = self.root.create_window(0, 0, 1, 1, 0, X.CopyFromParent)

    def drop(self, files: Sequence[Path], x: int, y: int) -> None:
        """Drop ``files`` at a place of the screen, in pixels from its top left. Raises AssertionError where nobody takes them."""
        target = self._target()
        addresses = "".join(f"{path.as_uri()}\r\n" for path in files).encode()
        self.window.set_selection_owner(self._atom("XdndSelection"), X.CurrentTime)
        self._say(target, "XdndEnter", VERSION << 24, self._atom("text/uri-list"), 0, 0)
        for step in range(5, -1, -1):  # a hand moves; one jump is no drag
            place = (x - 20 * step) << 16 | (y - 10 * step)
            self._say(target, "XdndPosition", 0, place, X.CurrentTime, self._atom("XdndActionCopy"))
            self._listen(addresses, "XdndStatus")
        self._say(target, "XdndDrop", 0, X.CurrentTime, 0, 0)
        self._listen(addresses, "XdndFinished")

    def _atom(self, name: str) -> int:
        return int(self.display.intern_atom(name))

    def _target(self) -> Any:
        """The first window that says it takes what is dropped."""
        for window in self._windows(self.root):
            if window.get_full_property(self._atom("XdndAware"), X.AnyPropertyType) is not None:
                return window
        raise AssertionError("no window takes what is dropped")

    def _windows(self, window: Any) -> Iterator[Any]:
        for child in window.query_tree().children:
            yield child
            yield from self._windows(child)

    def _say(self, target: Any, what: str, *data: int) -> None:
        words = (32, [self.window.id, *data])
        target.send_event(event.ClientMessage(window=target, client_type=self._atom(what), data=words))
        self.display.flush()

    def _listen(self, addresses: bytes, wanted: str) -> None:
        """Answer the target's questions until it says ``wanted``."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if not self.display.pending_events():
                time.sleep(0.01)
                continue
            heard = self.display.next_event()
            if heard.type == X.SelectionRequest:
                self._hand_over(heard, addresses)
            elif heard.type == X.ClientMessage and heard.client_type == self._atom(wanted):
                return
        raise AssertionError(f"the window did not answer {wanted}")

    def _hand_over(self, asked: Any, addresses: bytes) -> None:
        targets = self._atom("TARGETS")
        if asked.target == targets:
            asked.requestor.change_property(asked.property, Xatom.ATOM, 32, [targets, self._atom("text/uri-list")])
        else:
            asked.requestor.change_property(asked.property, asked.target, 8, addresses)
        answer = event.SelectionNotify(
            time=asked.time,
            requestor=asked.requestor,
            selection=asked.selection,
            target=asked.target,
            property=asked.property,
        )
        asked.requestor.send_event(answer)
        self.display.flush()


def press_key(display_name: str, name: str) -> None:
    """Press and let go of a key ("Escape") of the keyboard itself: what Blender simulates misses what it does on the way."""
    server = display.Display(display_name)
    code = server.keysym_to_keycode(XK.string_to_keysym(name))
    for kind in (X.KeyPress, X.KeyRelease):
        xtest.fake_input(server, kind, code)
        server.sync()
    server.close()
