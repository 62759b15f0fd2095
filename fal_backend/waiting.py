"""From an accepted request to the addresses of its files: asking, deciding what an answer means, cancelling."""

from __future__ import annotations

import threading
import time
from typing import Any

from ..pipeline.errors import Cancelled, TryAgainLater
from ..pipeline.journal import Attempt
from .accounts import Accounts
from .client import Answer, FalQueue, Handle, Standing
from .errors import (
    Expired,
    FalError,
    InvalidInput,
    ModelFailed,
    Overdue,
    PolicyRefusal,
    QueueTimeout,
    ServerFault,
    Stopped,
)
from .purchase import Tell

PATIENCE = {"model": 45 * 60.0, "photoreal": 20 * 60.0, "video": 60 * 60.0}  # seconds from submission to result
GRACE = 30.0  # seconds to see how a request ends that was cancelled while running
MISUNDERSTOOD = 6  # answers in a row that make no sense before it is left for a later resume
ASK_AGAIN = (0.5, 1.0, 2.0, 4.0)  # seconds between readings of a result that is missing or broken
VERDICTS = (InvalidInput, PolicyRefusal, ModelFailed, QueueTimeout, Stopped)  # no second reading changes these
ENDS = (*VERDICTS, ServerFault, Expired)  # fal's last word on a request


class Waiting:
    """Several threads may share one."""

    def __init__(self, queue: FalQueue, accounts: Accounts) -> None:
        self._queue = queue
        self._accounts = accounts

    def see_through(self, attempt: Attempt, tell: Tell, cancel: threading.Event) -> None:
        """Wait until fal has the result, and write its files' addresses down. Raises fal's last word otherwise."""
        handle = self._handle(attempt)
        try:
            standing = self._poll(handle, attempt, tell, cancel)
            answer = self._read(handle, tell, is_known_to_have_failed=bool(standing.error or standing.error_type))
            self._note_result(attempt, answer)
        except ENDS as error:
            facts = {"error": type(error).__name__, "message": str(error), "billed": error.billed}
            self._accounts.note("failed", attempt, **facts)
            raise

    def _handle(self, attempt: Attempt) -> Handle:
        try:
            return Handle(str(attempt.request_id), **attempt.urls)
        except TypeError:  # a line of the journal that is not whole
            return self._queue.rebuild(attempt.endpoint, str(attempt.request_id))

    # asking

    def _poll(self, handle: Handle, attempt: Attempt, tell: Tell, cancel: threading.Event) -> Standing:
        """Ask until fal says COMPLETED. It is paid for, so a lost connection is no reason to stop asking."""
        began = time.monotonic()
        deadline = began + PATIENCE.get(attempt.stage, 3600.0)
        misunderstood = 0
        while True:
            try:
                standing = self._queue.standing(handle)
                misunderstood = 0
            except (ServerFault, TryAgainLater):
                standing = Standing("", log="connection lost; trying again")
            except FalError as error:
                # Also a refused key and a forgotten request: fal is known to say both in error for a moment.
                misunderstood += 1
                if misunderstood >= MISUNDERSTOOD or (isinstance(error, Expired) and misunderstood > 2):
                    raise error.about(handle.request_id) from None
                standing = Standing("", log="an answer that could not be understood; asking again")
            if standing.state == "COMPLETED":
                return standing
            waited = time.monotonic() - began
            self._tell_standing(attempt, standing, tell)
            if time.monotonic() > deadline:
                self._try_to_cancel(handle, attempt)
                raise Overdue("fal.ai took too long; it was asked to stop, and resume fetches the result if it still comes", request_id=handle.request_id)  # fmt: skip
            if cancel.wait(_interval(waited)):
                return self._cancelled(handle, attempt, tell)

    def _tell_standing(self, attempt: Attempt, standing: Standing, tell: Tell) -> None:
        if standing.state and standing.state != attempt.fal_state:
            self._accounts.note("state", attempt, state=standing.state)
        if standing.state == "IN_QUEUE":
            position = standing.position or 0
            tell("queued", f"in fal's queue, {position} before it", queue_position=position)
        else:
            tell("running", standing.log or "generating")

    def _read(self, handle: Handle, tell: Tell, *, is_known_to_have_failed: bool) -> Answer:
        """The result. Faults are believed once they have been read several times, or fal's status says the same."""
        for pause in (*ASK_AGAIN, None):
            try:
                return self._queue.answer(handle)
            except VERDICTS:
                raise
            except (FalError, TryAgainLater) as error:
                sure = is_known_to_have_failed and isinstance(error, ServerFault)
                if pause is None or sure:
                    raise error.about(handle.request_id) if isinstance(error, FalError) else error from None
            tell("saving", "the result could not be read; asking again")
            time.sleep(pause)
        raise AssertionError

    def _note_result(self, attempt: Attempt, answer: Answer) -> None:
        if answer.units is not None:
            price = attempt.unit_price
            usd = None if price is None else round(answer.units * price, 6)
            self._accounts.note("billed", attempt, units=answer.units, unit_price=price, usd=usd)
        files = found_files(answer.body, attempt)
        self._accounts.note("result", attempt, files=files, seed=answer.body.get("seed"))

    # cancelling

    def _try_to_cancel(self, handle: Handle, attempt: Attempt) -> str:
        """fal's answer: "removed", "running", "completed", "gone", or "" where fal could not be told."""
        if attempt.cancel in ("removed", "running", "completed"):
            return attempt.cancel
        try:
            answer = self._queue.cancel(handle)
        except (FalError, TryAgainLater):
            return ""
        self._accounts.note("cancelled", attempt, answer=answer)
        return answer

    def _cancelled(self, handle: Handle, attempt: Attempt, tell: Tell) -> Standing:
        """Cancel, and say honestly what that means. Returns where the result is there after all, and is fetched."""
        answer = self._try_to_cancel(handle, attempt)
        if answer == "removed":
            raise Cancelled("removed from fal's queue; not billed")
        if answer == "":
            raise Cancelled("fal.ai could not be told to stop, so it may finish this and bill it; resume fetches the result")  # fmt: skip
        if answer == "gone":
            raise Cancelled("fal.ai no longer knows this request; whether it was billed stands in fal's own history")
        if answer == "completed":
            tell("saving", "fal had finished already: it is billed, and fetched")
            return Standing("COMPLETED")
        deadline = time.monotonic() + GRACE
        tell("running", "fal was asked to stop; it may still bill this")
        while time.monotonic() < deadline:
            time.sleep(0.5)
            try:
                standing = self._queue.standing(handle)
            except (FalError, TryAgainLater):
                continue
            if standing.state == "COMPLETED":
                return standing
        raise Cancelled("fal was already running it and may bill it; resume fetches the result if there is one")


def found_files(body: dict[str, Any], attempt: Attempt) -> list[dict[str, str]]:
    """The addresses of the bought files in a result, in the order of ``attempt.outputs``.

    Raises PolicyRefusal for a blanked picture and ModelFailed where a file is missing.
    """
    flags = body.get("has_nsfw_concepts")
    if isinstance(flags, list) and any(flag is True for flag in flags):
        raise PolicyRefusal("fal's safety check blanked this picture; change the prompt and retry. It was billed", billed="yes", request_id=attempt.request_id)  # fmt: skip
    files = []
    for path, place in zip(attempt.outputs, attempt.places, strict=True):
        value: Any = body
        for part in place.split("."):
            if isinstance(value, list) and part.isdigit() and int(part) < len(value):
                value = value[int(part)]
            else:
                value = value.get(part) if isinstance(value, dict) else None
        url = value.get("url") if isinstance(value, dict) else None
        if not isinstance(url, str):
            raise ModelFailed(f"fal's result holds no {place}; look at the request in fal's history. It was billed", billed="yes", request_id=attempt.request_id)  # fmt: skip
        files.append({"path": path, "url": url})
    return files


def _interval(waited: float) -> float:
    """Seconds between two questions: a tenth of the wait so far, so a result is never found later than that."""
    return min(max(0.25, waited / 10.0), 5.0)
