"""One purchase from order to file, without ever paying twice. ``Buyer.carry_out`` is the whole story."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import asdict
from pathlib import Path

from ..pipeline.disk import check_writable
from ..pipeline.errors import Cancelled, ConsistencyError, RunFolderError, TryAgainLater
from ..pipeline.journal import Attempt
from ..pipeline.ledger import difference
from ..pipeline.text_table import usd
from . import errors, history
from .accounts import Accounts
from .client import FalQueue
from .errors import BadDownload, Expired, FalError, QueueTimeout, ServerFault, Uncertain, UnsafeAnswer
from .fetching import Fetching
from .purchase import Purchase, Tell
from .uploads import Uploads
from .waiting import Waiting

FREE_SPACE = 256 << 20  # bytes that must be free before anything is bought
# Seconds between two sendings, where it is known that the first was not billed: fal failed, or nothing was sent.
AFTER_A_FAULT = (2.0, 8.0)
AFTER_SILENCE = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
LOOK_UP = (0.5, 2.0)  # seconds until fal's request list is asked, and asked again, for a submission without an answer


class Buyer:
    """Holds what all purchases of a run share. ``carry_out`` runs in a thread per purchase."""

    def __init__(
        self,
        *,
        root: Path,
        key: str,
        queue: FalQueue,
        uploads: Uploads,
        accounts: Accounts,
        send_again: bool = False,
        retry_failed: bool = False,
    ) -> None:
        self._key = key
        self._queue = queue
        self._uploads = uploads
        self._accounts = accounts
        self._send_again = send_again
        self._retry_failed = retry_failed
        self._looking = threading.Lock()
        self._waiting = Waiting(queue, accounts)
        self._fetching = Fetching(root, accounts)

    def carry_out(self, purchase: Purchase, tell: Tell, cancel: threading.Event, leaving: threading.Event) -> None:
        """See ``purchase`` through: from wherever an earlier run left it to its files on disk. Raises what stops it."""
        faults, silences = list(AFTER_A_FAULT), list(AFTER_SILENCE)
        while True:
            try:
                return self._once(purchase, tell, cancel, leaving)
            except (ServerFault, QueueTimeout) as error:
                reason: ConsistencyError = error
                pauses = faults
            except TryAgainLater as error:
                reason, pauses = error, silences
            if leaving.is_set() or not pauses:
                raise reason
            pause = pauses.pop(0)
            tell("waiting", f"{reason}; trying again in {pause:g} s")
            cancel.wait(pause)

    def _once(self, purchase: Purchase, tell: Tell, cancel: threading.Event, leaving: threading.Event) -> None:
        before = self._accounts.last(purchase.key)
        attempt = self._accepted(purchase, tell, cancel, leaving)
        if attempt.result is None:
            self._waiting.see_through(attempt, tell, cancel)
        try:
            files = self._fetching.bring_home(attempt, purchase, tell)
        except (BadDownload, UnsafeAnswer, Expired) as error:
            if not self._retry_failed or attempt is not before:
                raise
            self._give_up(attempt, error)
            return self._once(purchase, tell, cancel, leaving)
        surprise = difference(attempt.quoted_usd, attempt.billed_usd)
        tell(
            "done",
            f"{files[0].name} saved{', ' if surprise else ''}{surprise}",
            fraction=1.0,
            path=str(files[0]),
            request_id=attempt.request_id,
            seed=(attempt.result or {}).get("seed"),
            quoted_usd=attempt.quoted_usd,
            billed_usd=attempt.billed_usd,
        )
        return None

    # getting accepted

    def _accepted(self, purchase: Purchase, tell: Tell, cancel: threading.Event, leaving: threading.Event) -> Attempt:
        """The attempt that fal has accepted, now or in an earlier run."""
        last = self._accounts.last(purchase.key)
        if last is not None and last.next_step == "uncertain":
            self._look_up(last)
        if last is not None and last.next_step in ("uncertain", "stuck"):
            self._give_up_or_raise(last)
        if last is not None and last.next_step in ("wait", "fetch", "done"):
            return last if last.outputs else self._accounts.describe(last, purchase)
        _check_still_wanted(cancel, leaving)
        return self._send(purchase, 1 if last is None else last.number + 1, tell, cancel, leaving)

    def _look_up(self, attempt: Attempt) -> bool:
        """Ask fal's own list whether a request whose answer was lost has been accepted."""
        with self._looking:  # so that two attempts with the same words don't take the same request
            found = history.find(self._key, attempt, self._accounts.known_requests())
            if found is None:
                return False
            handle = self._queue.rebuild(attempt.endpoint, found)
            self._accounts.note("submitted", attempt, **asdict(handle), found_by="request list")
        return True

    def _give_up_or_raise(self, attempt: Attempt) -> None:
        """An uncertain or failed attempt is replaced by a new one only where the user said so."""
        if attempt.next_step == "uncertain" and not self._send_again:
            if not attempt.uncertain:
                self._accounts.note("uncertain", attempt)
            raise Uncertain(
                f"whether fal.ai accepted the request for {attempt.key} is not known, so it is not sent again; look in "
                f"fal's own history, and if it is not there, send it again (--send-again; in Blender, Retry Job; "
                f"{usd(attempt.committed_usd)} at stake)"
            )
        if attempt.next_step == "stuck" and not self._retry_failed:
            raise _recorded(attempt)
        self._give_up(attempt)

    def _give_up(self, attempt: Attempt, error: FalError | None = None) -> None:
        if error is not None and attempt.failure is None:
            facts = {"error": type(error).__name__, "message": str(error), "billed": error.billed}
            self._accounts.note("failed", attempt, **facts)
        self._accounts.note("abandoned", attempt)

    def _send(
        self, purchase: Purchase, number: int, tell: Tell, cancel: threading.Event, leaving: threading.Event
    ) -> Attempt:
        for output in purchase.outputs:
            check_writable(Path(output.file).parent, FREE_SPACE)
        tell("waiting", "uploading")
        arguments = self._uploads.fill(purchase.arguments)
        _check_still_wanted(cancel, leaving)
        attempt = self._accounts.intend(purchase, number, arguments)
        tell("waiting", "sending", quoted_usd=purchase.quoted_usd)
        try:
            handle = self._queue.submit(purchase.endpoint, arguments)
        except Uncertain as error:
            self._accounts.note("uncertain", attempt, message=str(error))
            return self._found_or_raise(attempt, error, tell)
        except (FalError, TryAgainLater) as error:
            self._accounts.note("refused", attempt, error=type(error).__name__, message=str(error))
            raise
        try:
            self._accounts.note("submitted", attempt, **asdict(handle))
        except RunFolderError as error:
            raise RunFolderError(f"fal.ai has accepted request {handle.request_id} for {purchase.key}, and that could not be written down: {error}") from error  # fmt: skip
        return attempt

    def _found_or_raise(self, attempt: Attempt, error: Uncertain, tell: Tell) -> Attempt:
        for pause in LOOK_UP:
            tell("waiting", "the answer was lost; looking in fal's request list")
            time.sleep(pause)
            with contextlib.suppress(TryAgainLater, FalError):
                if self._look_up(attempt):
                    return attempt
        raise error


def _check_still_wanted(cancel: threading.Event, leaving: threading.Event) -> None:
    if cancel.is_set():
        raise Cancelled("cancelled before it was sent; nothing was billed")
    if leaving.is_set():
        raise TryAgainLater("not sent, since the program is closing; resume to go on")


def _recorded(attempt: Attempt) -> FalError:
    """A failure of an earlier run, as it was said then, with the way on."""
    failure = attempt.failure or {}
    again = f"{failure.get('message')}; --retry-failed buys it again (in Blender, Retry Job)"
    error = errors.from_json({"class": failure.get("error"), "text": again, "billed": failure.get("billed")})
    return error if isinstance(error, FalError) else FalError(again, billed="maybe", request_id=attempt.request_id)
