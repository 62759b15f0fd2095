# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One zip for a bug report: facts of the machine, and of a run its settings, log, report and journal, without secrets.

Everything goes through ``clean`` as text, so that a torn or foreign file is treated like a whole one. The prompts and paths
of a run's settings stay, since most bugs depend on them; pictures, models and photos are never in it.
"""

from __future__ import annotations

import getpass
import io
import json
import os
import platform
import re
import zipfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from ..errors import UsageError
from ..redaction import ADDRESS, KEY_VARIABLES, hide, redact
from ..system.disk import whole_file
from ..wording.text_table import text_table
from .run_log import NAME as LOG

OF_A_RUN = ("run.json", "report.json", "journal.jsonl", LOG, f"{LOG}.1")
LARGEST = 16 << 20  # bytes of one file; of a longer one the end is taken, which is where it went wrong
NAMED_PLACES = ("fal.run", "api.fal.ai")  # their addresses name requests; any other one may lead to a picture
KEY_LIKE = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}:[0-9a-zA-Z]{16,}\b")  # fal's "id:secret"
SECRET_FIELD = re.compile(
    r"""(?ix) (\b[\w-]*(?:api[_-]?key|fal[_-]?key|secret|token|password|authorization|cookie)[\w-]*\\?["']?\s*[:=]\s*)
    (?: \\?"[^"\\]{4,}\\?" | '[^']{4,}' | (?:key|bearer|basic)\s+[^\s"',}]+ | [^\s"',{}\[\]]{8,} )"""
)
DATA = re.compile(r"data:[\w.+/-]+;base64,[A-Za-z0-9+/=]{16,}")
HOMES = re.compile(r"(?i)(?:/home/|/users/|[a-z]:(?:\\\\|\\|/)users(?:\\\\|\\|/))[^/\\\"'\s]+")
READ_ME = """\
For a bug report about Consistency Pipeline. Made by `consistency doctor --bundle`.

machine.json   versions, device and what else `consistency doctor` says
run.json       the run's settings, with its prompts and the names of its inputs, and the state of each stage
report.json    what was made of what, with scores and prices
journal.jsonl  what was asked of fal.ai and what became of it
log.txt        what the program did

No picture, no photo and no model is in it. Left out or replaced: keys and what looks like one, what signs an address and
addresses of pictures, data in addresses, and the names of this machine, its user and the home folder.
"""


def default_name() -> str:
    return f"consistency-report-{datetime.now().astimezone():%Y%m%d-%H%M%S}.zip"


class _Cleaner:
    """Takes secrets and names of persons out of text, and counts what it took."""

    def __init__(self, keys: Iterable[str]) -> None:
        for key in (*keys, *(os.environ.get(name, "").strip() for name in KEY_VARIABLES)):
            hide(key)
        self.taken: Counter[str] = Counter()
        self._home = _any_spelling(str(Path.home()))
        self._names = [
            (re.compile(rf"(?<!\w){re.escape(name)}(?!\w)"), word)
            for name, word in ((_user(), "USER"), (platform.node(), "MACHINE"))
            if len(name) > 2
        ]

    def clean(self, text: str) -> str:
        without = redact(text)
        self.taken["keys"] += without.count("***") - text.count("***")
        text = self._replace(KEY_LIKE, "***", without, "keys")
        text = self._replace(DATA, "data:…", text, "data in addresses")
        text = self._replace(ADDRESS, _short_address, text, "addresses")
        text = self._replace(SECRET_FIELD, r"\1***", text, "keys")
        text = self._replace(self._home, "~", text, "home folder")
        text = self._replace(HOMES, "~", text, "home folder")
        for name, word in self._names:
            text = self._replace(name, word, text, "names of user and machine")
        return text

    def _replace(self, pattern: re.Pattern[str], by: Any, text: str, what: str) -> str:
        changed = 0

        def put(match: re.Match[str]) -> str:
            nonlocal changed
            new = by(match) if callable(by) else match.expand(by)
            changed += new != match.group()
            return new

        text = pattern.sub(put, text)
        self.taken[what] += changed
        return text


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container's user may have no name
        return ""


def _any_spelling(folder: str) -> re.Pattern[str]:
    """A folder as it stands in text, in JSON and with slashes of either kind, as a whole."""
    parts = [re.escape(part) for part in re.split(r"[/\\]+", folder)]
    return re.compile(r"(?:/|\\\\|\\)".join(parts) + r"(?![\w.-])", re.IGNORECASE)


def _short_address(match: re.Match[str]) -> str:
    scheme, rest = match.group(1), match.group(2)
    host = rest.partition("/")[0]
    if any(host == place or host.endswith(f".{place}") for place in NAMED_PLACES):
        return scheme + rest
    return f"{scheme}{host}/…" if "/" in rest else scheme + host


@dataclass(frozen=True)
class BugReport:
    """What would be written: each file's content by its name, what was taken out and how often, and what is not there."""

    files: dict[str, bytes]
    taken: dict[str, int]
    missing: tuple[str, ...]

    @classmethod
    def collect(cls, machine: dict[str, Any], run: Path | None, keys: Iterable[str] = ()) -> Self:
        """Facts of the ``machine``, and what can be read of the folder ``run``. ``keys`` are to be hidden besides those of
        the environment. Raises UsageError where ``run`` is no folder."""
        if run is not None and not run.is_dir():
            raise UsageError(f"{run} is not a folder; name the folder of a run after --bundle")
        cleaner, missing = _Cleaner(keys), []
        found = {"README.txt": READ_ME, "machine.json": json.dumps(machine, indent=2, default=str, ensure_ascii=False)}
        for name in OF_A_RUN if run is not None else ():
            assert run is not None
            try:
                found[name] = _end_of(run / name)
            except OSError as error:
                if name in OF_A_RUN[:3]:
                    missing.append(f"{name} ({error.strerror or type(error).__name__})")
        files = {
            name: (text if name == "README.txt" else cleaner.clean(text)).encode("utf-8", "backslashreplace")
            for name, text in found.items()
        }
        return cls(files, {what: count for what, count in cleaner.taken.items() if count}, tuple(missing))

    def table(self) -> str:
        """For the terminal, before anything is written."""
        rows = [(name, f"{len(content):,} bytes") for name, content in self.files.items()]
        taken = ", ".join(f"{what} ({count}×)" for what, count in self.taken.items()) or "nothing had to be"
        lines = [text_table(("file", "size"), rows), f"left out or replaced: {taken}"]
        lines += [f"not there: {', '.join(self.missing)}"] if self.missing else []
        prompts = "run.json holds the run's prompts and the names of its inputs; " if "run.json" in self.files else ""
        return "\n".join([*lines, f"{prompts}no picture, photo or model is in it"])

    def to_json(self) -> dict[str, Any]:
        sizes = {name: len(content) for name, content in self.files.items()}
        return {"files": sizes, "replaced": self.taken, "missing": list(self.missing)}

    def write(self, out: Path) -> None:
        """Write the zip; it appears whole or not at all. Raises RunFolderError."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in self.files.items():
                archive.writestr(name, content)
        with whole_file(out) as file:
            file.write(packed.getvalue())


def _end_of(path: Path) -> str:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - LARGEST))
        return file.read().decode("utf-8", "replace")
