# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One limit over all rows of a catalogue, kept by every process and machine that sees its folder.

Before a row may buy anything, the most that it can cost is set aside here, and its run is held to that sum; when it has
ended, what it did cost takes its place. Each of these steps is one numbered entry, OUT/.budget/000001/entry.json and so on.
There is no lock to hold or to inherit: whoever wants to add an entry has read all before it, makes the next one whole
under another name, and renames its folder. A folder can't be renamed onto one that has something in it, on no file system
and no network drive, so of two that add an entry at one moment the second reads the first's and decides anew. What a cache
shows too late can delay an entry, never let two have one number. A process that is killed leaves its sum set aside until
its row's run folder is free and its journal has been read.

An entry also names the run, as soon as there is one. So what a run has cost stays spent when its folder is removed and the row
is made anew, and a folder that got another name is not counted twice.

What holds where: never more than the limit in sum, over all processes and machines that see one folder. Where each machine
has a copy of the folder of its own (a farm that copies files to and fro), give each its share with ``--budget-share``.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import secrets
import shutil
import socket
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from ..errors import BudgetExceeded, RunFolderError
from ..json_object import JsonObject
from ..redaction import dumps
from ..sentences import not_written
from ..system.disk import sync_folder
from ..wording.text_table import usd as words

FOLDER, ENTRY = ".budget", "entry.json"
WHOLE = 256  # each entry of such a number also has the sums of all rows, so that not all need be read again
PATIENCE = 60.0  # seconds that others may add entries before ours
UNSEEN = 5.0  # seconds in which a network drive shows what is there
NANO = 1e9  # of a USD: sums are of whole ones, so that they have no last bits that differ


@dataclass(frozen=True)
class Share:
    """USD of the limit that a row has: set aside while it ``is_open``, else spent. ``run``: the id of the run that they are for;
    empty before there is one."""

    usd: float
    is_open: bool
    run: str = ""


def _nano(share: Share | None) -> int:
    return round(share.usd * NANO) if share is not None else 0


def _goes_on(before: Share, after: Share) -> bool:
    """Whether ``after`` says anew what ``before`` said, and is not of a run that was made in the place of another."""
    return before.run in ("", after.run)


def _run_in(root: Path) -> str:
    """The id of the run in a folder; empty where there is none."""
    try:
        found = json.loads((root / "run.json").read_bytes())
    except (OSError, ValueError):
        return ""
    return str(found.get("id", "")) if isinstance(found, dict) else ""


class SharedBudget:
    """The shares of all rows, by their run folders' names. Safe from several threads."""

    def __init__(self, out: Path) -> None:
        self.folder = out / FOLDER
        self._shares: dict[str, Share] = {}
        self._gone: dict[str, Share] = {}  # by their ids: runs in whose folders there are others by now, or none
        self._row_of: dict[str, str] = {}  # by a run's id, the last that it was of
        self._sum = 0  # of all, in nano-USD
        self._at = 0  # the last entry that has been read
        self._guard = threading.Lock()

    def shares(self) -> dict[str, Share]:
        """As they stand now. Raises RunFolderError where they can't be told."""
        with self._guard:
            self._catch_up()
            return dict(self._shares)

    def share(self, row: str) -> Share | None:
        """What one row has; None: it was never given anything. Raises RunFolderError."""
        with self._guard:
            self._catch_up()
            return self._shares.get(row)

    def committed(self) -> float:
        """USD spent or set aside."""
        with self._guard:
            self._catch_up()
            return self._sum / NANO

    def elsewhere(self, rows: Collection[str]) -> float:
        """USD of runs that are of none of ``rows``, or whose folders were removed."""
        with self._guard:
            self._catch_up()
            known = [share for row, share in self._shares.items() if row not in rows]
            others = [share for share in known if share.run or not share.is_open]
            return sum(map(_nano, (*others, *self._gone.values()))) / NANO

    def allot(self, row: str, usd: float, limit: float | None, run: str = "") -> None:
        """Set ``usd`` aside for ``row`` and its ``run``, in place of what that had. Raises BudgetExceeded, and nothing has changed
        then."""
        wanted = Share(usd, is_open=True, run=run)

        def decide() -> Share | None:
            self._check(row, wanted, limit)
            return None if self._shares.get(row) == wanted else wanted

        self._append(row, decide)

    def check(self, row: str, usd: float, limit: float | None) -> None:
        """Whether ``usd`` could be set aside for a new run of ``row``. Raises BudgetExceeded."""
        with self._guard:
            self._catch_up()
            self._check(row, Share(usd, is_open=True), limit)

    def _check(self, row: str, wanted: Share, limit: float | None) -> None:
        others = self._sum - sum(map(_nano, self._in_place(row, wanted, self._left_by(row, wanted.run))))
        if limit is not None and others + _nano(wanted) > round(limit * NANO):
            raise BudgetExceeded(
                f"the catalogue's limit of {words(limit)} would be passed: {words(others / NANO)} is spent or "
                f"set aside, and this product may cost {words(wanted.usd)}; raise --budget to go on"
            )

    def settle(self, row: str, usd: float, run: str = "") -> None:
        """``row`` has cost ``usd`` in its ``run`` and buys nothing more."""
        wanted = Share(round(usd, 9), is_open=False, run=run)
        self._append(row, lambda: None if self._shares.get(row) == wanted else wanted)

    def _append(self, row: str, decide: Callable[[], Share | None]) -> None:
        """Add the entry that ``decide`` makes of what is known; None: there is nothing to add."""
        deadline = time.monotonic() + PATIENCE
        while True:
            with self._guard:
                self._catch_up()
                share = decide()
                if share is None:
                    return
                left = self._left_by(row, share.run)
                if self._create(self._at + 1, row, share, left):
                    self._put(row, share, left)
                    self._at += 1
                    return
            if time.monotonic() > deadline:
                raise RunFolderError(
                    f"{self.folder} gets new entries faster than one can be added; run fewer processes on this catalogue"
                )
            time.sleep(random.uniform(0.002, 0.05))  # noqa: S311 - no secret

    def _put(self, row: str, share: Share, left: str = "") -> None:
        """``left``: the row whose folder has become this one's."""
        before = self._shares.get(row)
        for each in self._in_place(row, share, left):
            self._sum -= _nano(each)
            self._gone.pop(each.run, None)
        self._shares.pop(left, None)
        if before is not None and not _goes_on(before, share):
            self._gone[before.run] = before
        self._sum += _nano(share)
        self._shares[row] = share
        if share.run:
            self._row_of[share.run] = row

    def _in_place(self, row: str, share: Share, left: str) -> list[Share]:
        """What ``share`` takes the place of: the row's own, where it is of the same run, and that run's under other names."""
        before = self._shares.get(row)
        found = [before] if before is not None and _goes_on(before, share) else []
        if share.run:
            found += [each for each in (self._gone.get(share.run), self._shares.get(left)) if each is not None]
        return found

    def _left_by(self, row: str, run: str) -> str:
        """Another row that ``run`` was of, and whose folder no longer holds it: it has been given this row's name."""
        name = self._row_of.get(run, row)
        is_left = name != row and name in self._shares and self._shares[name].run == run
        return name if is_left and _run_in(self.folder.parent / name) != run else ""

    # entries on disk

    def _place(self, number: int) -> Path:
        return self.folder / f"{number:06d}"

    def _create(self, number: int, row: str, share: Share, left: str) -> bool:
        """Whether the entry of that number is ours now; False where somebody else's is there."""
        name, target = secrets.token_hex(8), self._place(number)
        entry: JsonObject = {"id": name, "row": row, "usd": share.usd, "open": share.is_open}
        entry |= {"run": share.run, "left": left, "host": socket.gethostname(), "pid": os.getpid()}
        if number % WHOLE == 0:
            entry |= self._whole_with(row, share, left)
        part = self.folder / f".{name}.part"
        try:
            part.mkdir(parents=True)
            with (part / ENTRY).open("wb") as file:
                file.write(dumps(entry).encode("utf-8", "surrogatepass"))
                file.flush()
                os.fsync(file.fileno())
            sync_folder(part)
            part.rename(target)
            sync_folder(self.folder)
        except OSError as error:
            # The answer to a rename may have been lost on its way, and the rename done all the same.
            is_ours = (self._read(number) or {}).get("id") == name
            if not is_ours and not target.exists():
                raise not_written(target, error) from error
            return is_ours
        finally:
            with contextlib.suppress(OSError):
                shutil.rmtree(part)
        return True

    def _whole_with(self, row: str, share: Share, left: str) -> JsonObject:
        """All that is known, this entry too, so that nobody need read those before it."""
        after = SharedBudget(self.folder.parent)
        after._shares, after._gone = dict(self._shares), dict(self._gone)
        after._put(row, share, left)
        return {
            "all": {name: [of.usd, of.is_open, of.run] for name, of in after._shares.items()},
            "gone": {run: [of.usd, of.is_open] for run, of in after._gone.items()},
        }

    def _read(self, number: int) -> JsonObject | None:
        """An entry; None where there is none. Raises RunFolderError where there is one that can't be read."""
        path = self._place(number) / ENTRY
        deadline = time.monotonic() + UNSEEN
        while True:
            try:
                entry = json.loads(path.read_bytes())
                if isinstance(entry, dict):
                    return entry
                raise ValueError("no object")
            except FileNotFoundError as error:
                if not path.parent.exists():
                    return None
                problem: Exception = error
            except (OSError, ValueError) as error:
                problem = error
            if time.monotonic() > deadline:  # what is not known must not be spent again
                raise RunFolderError(
                    f"{path} can't be read ({problem}), so nobody knows what the catalogue has cost; restore it from a "
                    "backup, or run without --budget"
                )
            time.sleep(0.05)

    def _catch_up(self) -> None:
        if self._at == 0:
            self._begin_at_a_whole()
        while (entry := self._read(self._at + 1)) is not None:
            self._apply(entry)
            self._at += 1

    def _begin_at_a_whole(self) -> None:
        try:
            numbers = [int(each.name) for each in self.folder.iterdir() if re.fullmatch(r"\d{6,}", each.name)]
        except FileNotFoundError:
            return
        except OSError as error:
            raise RunFolderError(f"{self.folder} can't be read ({error.strerror}); check the drive") from error
        last = max(numbers, default=0) // WHOLE * WHOLE
        entry = self._read(last) if last else None
        if entry is not None:
            try:
                for row, (usd, is_open, *run) in entry["all"].items():
                    self._put(row, Share(float(usd), bool(is_open), str(run[0]) if run else ""))
                for name, (usd, is_open) in entry.get("gone", {}).items():
                    self._gone[name] = Share(float(usd), bool(is_open), name)
                    self._sum += _nano(self._gone[name])
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise self._no_entry(last, error) from error
            self._at = last

    def _apply(self, entry: JsonObject) -> None:
        try:
            share = Share(float(entry["usd"]), bool(entry["open"]), str(entry.get("run", "")))
            self._put(str(entry["row"]), share, str(entry.get("left", "")))
        except (KeyError, TypeError, ValueError) as error:
            raise self._no_entry(self._at + 1, error) from error

    def _no_entry(self, number: int, error: Exception) -> RunFolderError:
        path = self._place(number) / ENTRY
        return RunFolderError(f"{path} is no entry of this program ({type(error).__name__}); restore it from a backup")
