# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One purchase from request to file, without ever paying twice. ``Buyer.carry_out`` is the whole story."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import asdict, replace
from pathlib import Path

from ...pipeline.errors import Cancelled, ConsistencyError, RunFolderError, TryAgainLater
from ...pipeline.money.ledger import difference
from ...pipeline.run.attempt import Attempt, Billed, Failure, NextStep, Refusal
from ...pipeline.run.events import Abandoned, AcceptanceUnknown, Failed, Refused, Submitted
from ...pipeline.stages import JobState, Stage
from ...pipeline.system.disk import check_writable
from ...pipeline.wording.text_table import usd
from .. import errors, sentences
from ..descriptions import Descriptions
from ..endpoints.base import Role
from ..endpoints.catalogue import CATALOGUE, by_description
from ..errors import (
    ENDS,
    KEY_PROBLEMS,
    BadDownload,
    Expired,
    FalError,
    InvalidInput,
    PriceRose,
    QueueTimeout,
    ServerFault,
    Uncertain,
    UnknownEndpoint,
    Unreachable,
    UnsafeAnswer,
    with_bill,
)
from ..prices import FreshPrices
from ..problems import Problem
from ..service.client import FalQueue, Handle
from . import history, patience
from .accounts import Accounts
from .fetching import Fetching
from .patience import Weather
from .places import Places
from .purchase import Purchase, Tell
from .uploads import Uploads
from .waiting import Waiting

FREE_SPACE = 256 << 20  # bytes that must be free before anything is bought
NOT_THERE = (BadDownload, UnsafeAnswer, Expired)  # what a file that was paid for may be for a while
REFUSALS = (*KEY_PROBLEMS, UnknownEndpoint, InvalidInput)  # of the list: it is not for this key


class Buyer:
    """Holds what all purchases of a run share. ``carry_out`` runs in a thread per purchase.

    ``descriptions``: what each purchase is held against before anything is sent; None where the user does without.
    """

    def __init__(
        self,
        *,
        root: Path,
        key: str,
        queue: FalQueue,
        uploads: Uploads,
        accounts: Accounts,
        descriptions: Descriptions | None = None,
        send_again: bool = False,
        retry_failed: bool = False,
        concurrency: int | None = None,
    ) -> None:
        self._key = key
        self._queue = queue
        self._uploads = uploads
        self._accounts = accounts
        self._descriptions = descriptions
        self._send_again = send_again
        self._retry_failed = retry_failed
        self._places = Places(concurrency)
        self._prices = FreshPrices(key, queue.clock)
        self._doubted: set[str] = set()  # requests whose failure the list has contradicted
        self._waiting = Waiting(key, queue, accounts)
        self._fetching = Fetching(root, accounts)

    def carry_out(self, purchase: Purchase, tell: Tell, cancel: threading.Event, leaving: threading.Event) -> None:
        """See ``purchase`` through: from wherever an earlier run left it to its files on disk. Raises what stops it."""
        last = self._accounts.last(purchase.key)
        if last is not None and last.is_with_fal:  # it is there, whoever else is
            return self._carry_out(purchase, tell, cancel, leaving)
        with self._places.one(tell, cancel, leaving):
            return self._carry_out(purchase, tell, cancel, leaving)

    def _carry_out(self, purchase: Purchase, tell: Tell, cancel: threading.Event, leaving: threading.Event) -> None:
        faults, silences = list(patience.AFTER_A_FAULT), list(patience.AFTER_SILENCE)
        while True:
            try:
                return self._once(purchase, tell, cancel, leaving)
            except (ServerFault, QueueTimeout) as error:
                # Sent again by itself only where it is proven that nothing was billed.
                if not (error.proven and error.billed is Billed.NO) and error.request_id is not None:
                    raise
                reason: ConsistencyError = error
                pauses = faults
            except TryAgainLater as error:
                if isinstance(error, FalError) and error.request_id is not None:
                    raise  # about a request that fal has: it has been waited for
                reason, pauses = error, silences
            if leaving.is_set() or not pauses:
                raise reason
            pause = pauses.pop(0)
            tell(JobState.WAITING, f"{reason}; trying again in {pause:g} s")
            cancel.wait(pause)

    def _once(self, purchase: Purchase, tell: Tell, cancel: threading.Event, leaving: threading.Event) -> None:
        before = self._accounts.last(purchase.key)
        failed_before = before is not None and before.failure is not None
        attempt = self._accepted(purchase, tell, cancel, leaving)
        failed_before = failed_before and attempt is before
        # What was waited for in vain is looked at once more, and waited for again where it would be bought in its place.
        weather = patience.LOOK if failed_before and not self._retry_failed else patience.WEATHER
        try:
            files = self._see_home(attempt, purchase, tell, cancel, weather)
        except (*ENDS, *NOT_THERE) as error:
            if not failed_before or attempt.next_step is not NextStep.STUCK:
                raise
            if not self._retry_failed:
                raise _recorded(attempt) from error
            self._accounts.note(attempt, Abandoned())
            return self._once(purchase, tell, cancel, leaving)
        surprise = difference(attempt.quoted_usd, attempt.billed_usd)
        tell(
            JobState.DONE,
            f"{files[0].name} saved{', ' if surprise else ''}{surprise}",
            fraction=1.0,
            path=str(files[0]),
            request_id=attempt.request_id,
            seed=attempt.result.seed if attempt.result is not None else None,
            quoted_usd=attempt.quoted_usd,
            billed_usd=attempt.billed_usd,
        )
        return None

    def _see_home(
        self, attempt: Attempt, purchase: Purchase, tell: Tell, cancel: threading.Event, weather: float
    ) -> list[Path]:
        """Wait for an accepted attempt and fetch its files. A file that can't be had is asked for again for minutes."""
        if attempt.result is None:
            self._waiting.see_through(attempt, tell, cancel, weather)
        sky = Weather(patience.LOOK if cancel.is_set() else weather)
        while True:
            try:
                return self._fetching.bring_home(attempt, purchase, tell)
            except (*NOT_THERE, Unreachable) as error:
                if sky.is_over:
                    if isinstance(error, Unreachable) or cancel.is_set():
                        raise
                    error.billed = Billed.YES if isinstance(error, Expired) else error.billed
                    failed = Failed(type(error).__name__, str(with_bill(error)), error.billed)
                    self._accounts.note(attempt, failed)
                    raise
            tell(JobState.SAVING, "the file can't be had yet; asking again", request_id=attempt.request_id)
            sky.pause(cancel)
            self._waiting.read_again(attempt)

    # getting accepted

    def _accepted(self, purchase: Purchase, tell: Tell, cancel: threading.Event, leaving: threading.Event) -> Attempt:
        """The attempt that fal has accepted, now or in an earlier run. Nothing is sent before fal's list has been asked."""
        last = self._accounts.last(purchase.key)
        if last is not None and not last.is_with_fal:
            if last.request_id is None:
                self._look_for(last, tell, cancel)
            elif not last.abandoned and self._may_have_a_result(last):
                self._note_submitted(last, self._queue.rebuild(last.endpoint, last.request_id))
        if last is not None and last.is_with_fal:
            return last if last.outputs else self._accounts.describe(last, purchase)
        if last is not None and last.next_step in (NextStep.UNCERTAIN, NextStep.STUCK):
            self._give_up_or_raise(last)
        _check_still_wanted(cancel, leaving)
        return self._send(purchase, 1 if last is None else last.number + 1, tell, cancel, leaving)

    def _give_up_or_raise(self, attempt: Attempt) -> None:
        """An uncertain attempt, or one that is proven to have failed, is replaced by a new one only where the user said so."""
        if attempt.next_step is NextStep.UNCERTAIN and not self._send_again:
            if not attempt.uncertain:
                self._accounts.note(attempt, AcceptanceUnknown())
            raise Uncertain(Problem.MAYBE_ACCEPTED, key=attempt.key, stake=usd(attempt.committed_usd))
        if attempt.next_step is NextStep.STUCK and not self._retry_failed:
            raise _recorded(attempt)
        self._accounts.note(attempt, Abandoned())

    # fal's request list

    def _may_have_a_result(self, attempt: Attempt) -> bool:
        """Whether a request that failed, or was cancelled, is said by the list to have come to a result. Believed once."""
        if attempt.request_id in self._doubted or self._waiting.listed_status(attempt) != 200:
            return False
        self._doubted.add(str(attempt.request_id))
        return True

    def _look_for(self, attempt: Attempt, tell: Tell, cancel: threading.Event) -> None:
        """Look in fal's request list for a submission that was never plainly accepted, before it is sent again.

        Raises TryAgainLater where it would be sent again and the list can't be had: nothing is sent on a guess.
        """
        if not attempt.left or (attempt.abandoned and not attempt.uncertain):
            return
        if attempt.next_step is NextStep.UNCERTAIN and attempt.refusal is None and not self._send_again:
            with contextlib.suppress(TryAgainLater, FalError):  # it stays with us: nothing is sent
                self._find(attempt)
            return
        self._settle(attempt, tell, cancel)

    def _settle(self, attempt: Attempt, tell: Tell, cancel: threading.Event) -> None:
        """Ask fal's request list until it shows the attempt, or has had the time to.

        What fal refused, and the list doesn't show, was refused. Raises TryAgainLater where the list can't be had at the
        moment, Cancelled where it was not waited for.
        """
        absent = is_weather = False
        agrees = True  # the list refuses this key just as the submission was refused, each time
        for pause in patience.LOOK_UP:
            tell(JobState.WAITING, "no clear answer to the request; looking in fal's request list")
            if cancel.wait(pause):
                raise Cancelled(sentences.CANCELLED_WHILE_LOOKING)
            try:
                found = self._find(attempt)
            except (FalError, TryAgainLater) as error:
                is_weather = is_weather or not isinstance(error, REFUSALS)
                same = attempt.refusal is not None and type(error).__name__ == attempt.refusal.error
                agrees = agrees and same and not isinstance(error, InvalidInput)
                continue
            if found:
                return
            absent, agrees = found is False, False
            if absent and self._is_old(attempt):
                break
        if attempt.refusal is not None and not attempt.refused and (absent or agrees):
            self._accounts.note(attempt, Refused(left=True, **asdict(attempt.refusal)))
        elif is_weather and not absent:
            raise TryAgainLater(sentences.CANT_BE_LOOKED_UP.format(key=attempt.key))

    def _find(self, attempt: Attempt) -> bool | None:
        """Whether the list shows this attempt, which then is accepted; None where the list may hide it.

        Raises FalError where the list can't be had.
        """
        clock = self._queue.clock
        with self._accounts.sending(attempt.endpoint, attempt.arguments):
            listed, others = history.read(self._key, attempt.endpoint, clock), self._accounts.others_requests(attempt)
            found = history.find(listed, attempt, clock, others)
            if found is None:
                return None if history.may_hide(listed, attempt, clock, others) else False
            handle = self._queue.rebuild(attempt.endpoint, found)
            self._accounts.note(attempt, Submitted(**asdict(handle), found_by="request list"))
        return True

    def _is_old(self, attempt: Attempt) -> bool:
        """It was sent so long ago that the list has had the time to show it."""
        sent, now = history.moment_of(attempt, self._queue.clock), self._queue.clock.now()
        return sent is not None and now is not None and (now - sent).total_seconds() >= sum(patience.LOOK_UP)

    # sending

    def _send(
        self, purchase: Purchase, number: int, tell: Tell, cancel: threading.Event, leaving: threading.Event
    ) -> Attempt:
        for output in purchase.outputs:
            check_writable(Path(output.file).parent, FREE_SPACE)
        if self._descriptions is not None:
            tell(JobState.WAITING, "asking fal.ai what the endpoint takes")
            self._descriptions.check(
                purchase.endpoint, purchase.arguments, lambda endpoint: self._prices.of(endpoint) is not None
            )
            _check_still_wanted(cancel, leaving)
        tell(JobState.WAITING, "uploading")
        arguments = self._uploads.fill(purchase.arguments)
        _check_still_wanted(cancel, leaving)
        purchase = self._at_todays_price(purchase)
        with self._accounts.sending(purchase.endpoint, arguments):
            attempt = self._accounts.intend(purchase, number, arguments, self._queue.clock.now())
            tell(JobState.WAITING, "sending", quoted_usd=purchase.quoted_usd)
            try:
                handle = self._queue.submit(purchase.endpoint, arguments)
                if handle.request_id in self._accounts.others_requests(attempt):
                    raise Uncertain(Problem.ANOTHERS_REQUEST, request=handle.request_id)
            except Uncertain as error:
                self._note_uncertain(attempt, error)
                problem = error
            except (FalError, TryAgainLater) as error:
                self._accounts.note(attempt, Refused(False, type(error).__name__, str(error)))
                raise
            else:
                self._note_submitted(attempt, handle)
                return attempt
        return self._found_or_raise(attempt, problem, tell, cancel)

    def _note_submitted(self, attempt: Attempt, handle: Handle) -> None:
        try:
            self._accounts.note(attempt, Submitted(**asdict(handle)))
        except RunFolderError as error:
            facts = {"request": handle.request_id, "key": attempt.key, "why": error}
            raise RunFolderError(sentences.NOT_WRITTEN_DOWN.format(**facts)) from error

    def _note_uncertain(self, attempt: Attempt, error: Uncertain) -> None:
        said = error.refusal
        refusal = Refusal(type(said).__name__, str(said)) if said is not None else None
        self._accounts.note(attempt, AcceptanceUnknown(str(error), refusal))

    def _found_or_raise(self, attempt: Attempt, error: Uncertain, tell: Tell, cancel: threading.Event) -> Attempt:
        with contextlib.suppress(TryAgainLater):
            self._settle(attempt, tell, cancel)
        if attempt.next_step is NextStep.WAIT:
            return attempt
        raise error.refusal if attempt.refused and error.refusal is not None else error

    def _at_todays_price(self, purchase: Purchase) -> Purchase:
        """``purchase`` with what fal asks at this moment. Raises PriceRose where that is more than was agreed to."""
        row = self._prices.of(purchase.endpoint)
        if row is None:
            return replace(purchase, price_confirmed=False)
        role = Role.MODEL if purchase.stage == Stage.MODEL else Role.PHOTOREAL
        endpoint = CATALOGUE.get(purchase.endpoint) or by_description(purchase.endpoint, role)
        quote = endpoint.quote(purchase.arguments, (row["usd"], row["unit"]), purchase.size)
        agreed = purchase.quoted_usd
        if agreed is not None and quote.usd is not None and quote.usd > agreed + 1e-6:
            facts = {"asked": usd(quote.usd), "key": purchase.key, "agreed": usd(agreed)}
            raise PriceRose(sentences.PRICE_ROSE.format(**facts))
        # A price that fell lowers the bill, not what is set aside for it.
        return replace(purchase, unit_price=quote.unit_price, price_confirmed=quote.confirmed)


def _check_still_wanted(cancel: threading.Event, leaving: threading.Event) -> None:
    if cancel.is_set():
        raise Cancelled(sentences.CANCELLED_BEFORE)
    if leaving.is_set():
        raise TryAgainLater(sentences.NOT_SENT)


def _recorded(attempt: Attempt) -> FalError:
    """A failure that stands in the journal, as it was said then, with the way on."""
    failure = attempt.failure or Failure()
    text = sentences.BUYS_AGAIN.format(message=failure.message)
    return errors.recorded(failure, text, attempt.request_id)
