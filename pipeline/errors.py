# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every way a run can end other than well.

Each class has a ``kind``, which decides how a command ends. Sentences that several places raise are in ``sentences``.

    ConsistencyError                exit 1   something failed; the text is one sentence with the cure
    ├── UsageError                  exit 2   the request itself makes no sense
    ├── BudgetExceeded              exit 3   stopped before a limit was passed
    ├── TryAgainLater               exit 75  the machine or the network, not the request
    │   └── RunInUse                exit 75  another process works on this run folder
    ├── Cancelled                   exit 130 the user said stop
    ├── BadInput                    exit 1   a photo or model that can't be used
    ├── BadRender                   exit 1   an empty, black or clipped reference
    └── RunFolderError              exit 1   the folder on disk can't be used or read
fal's own failures hang below ``fal_backend.errors.FalError``, which is a ConsistencyError too.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from .json_object import JsonObject
from .redaction import redact


class Kind(StrEnum):
    """How a command ends with an error, in the words of ``--json``."""

    FAILED = "failed"
    USAGE = "usage"
    BUDGET = "stopped by the budget"
    LATER = "try again later"
    CANCELLED = "cancelled"


EXIT_STATUS = {Kind.FAILED: 1, Kind.USAGE: 2, Kind.BUDGET: 3, Kind.LATER: 75, Kind.CANCELLED: 130}


class ConsistencyError(Exception):
    """Base of everything the user is meant to read. ``str(error)`` is one sentence that names the cure."""

    kind = Kind.FAILED
    is_of_the_request = False  # it alone is at fault: another one may well succeed

    @property
    def exit_status(self) -> int:
        return EXIT_STATUS[self.kind]


class UsageError(ConsistencyError):
    kind = Kind.USAGE


class BudgetExceeded(ConsistencyError):
    kind = Kind.BUDGET


class TryAgainLater(ConsistencyError):
    kind = Kind.LATER


class RunInUse(TryAgainLater):
    pass


class Cancelled(ConsistencyError):
    kind = Kind.CANCELLED


class BadInput(ConsistencyError):
    pass


class BadRender(ConsistencyError):
    pass


class RunFolderError(ConsistencyError):
    pass


def unforeseen(error: BaseException, *, words: bool = True) -> str:
    """One sentence for what nobody has foreseen, with the place that a report should name.

    Without ``words`` what the error itself says is left out: a foreign one's may hold anything, an address with a token too.
    """
    place, trace = "", error.__traceback__
    while trace is not None:
        place = f" at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    said = redact(" ".join(str(error).split()))[:300] if words else ""
    return f"an unforeseen {type(error).__name__}{place}{f': {said}' if said else ''}; please report it, then resume: nothing paid is lost"


STOPS = (Cancelled, RunFolderError, TryAgainLater)  # what ends a run, whichever picture it was about

# Which errors travel between two processes, by their names there. A task or purchase that fails otherwise travels as a
# ConsistencyError.
TRAVELLING: dict[str, type[ConsistencyError]] = {
    "ConsistencyError": ConsistencyError,
    "UsageError": UsageError,
    "BudgetExceeded": BudgetExceeded,
    "TryAgainLater": TryAgainLater,
    "RunInUse": RunInUse,
    "Cancelled": Cancelled,
    "BadInput": BadInput,
    "BadRender": BadRender,
    "RunFolderError": RunFolderError,
}


def to_json(error: ConsistencyError) -> JsonObject:
    return {"class": type(error).__name__, "text": redact(str(error))}


def from_json(value: Mapping[str, object]) -> ConsistencyError:
    """The error that ``to_json`` wrote, perhaps where the key was not known; one of an unknown class is a ConsistencyError."""
    return TRAVELLING.get(str(value.get("class")), ConsistencyError)(redact(str(value.get("text", ""))))
