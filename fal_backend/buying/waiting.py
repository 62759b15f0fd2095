# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""From an accepted request to the addresses of its files: asking, deciding what an answer means, cancelling.

A request that fal has accepted is at fal until proof of something else: the result on disk, an error of the service's own
in its status, or its request list saying how it ended. An HTTP error, a missing page or an odd body is weather: asked again
with growing pauses for minutes, and at every resume, and before anything is bought in its place.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Any, NoReturn

from ...pipeline.errors import Cancelled, TryAgainLater
from ...pipeline.json_object import JsonObject
from ...pipeline.run.attempt import Attempt, Billed, CancelAnswer, ResultFile
from ...pipeline.run.events import CancelAnswered, Failed, ResultNamed, StateChanged, UnitsCounted
from ...pipeline.stages import JobState
from .. import sentences
from ..endpoints.prices import is_plausible
from ..errors import ENDS, KEY_PROBLEMS, FalError, ModelFailed, Overdue, PolicyRefusal, Unreachable, with_bill
from ..problems import Problem
from ..service import words
from ..service.client import Answer, FalQueue, Handle, QueueState, Standing
from ..service.error_answers import from_list, from_status
from . import history, patience
from .accounts import Accounts
from .patience import Weather
from .purchase import Tell

ASK_RESULT = 3  # bad statuses in a row after which the result is asked for all the same


class Waiting:
    """Several threads may share one."""

    def __init__(self, key: str, queue: FalQueue, accounts: Accounts) -> None:
        self._key = key
        self._queue = queue
        self._accounts = accounts

    def see_through(self, attempt: Attempt, tell: Tell, cancel: threading.Event, weather: float) -> None:
        """Wait until fal has the result, and write its files' addresses down.

        Raises fal's last word otherwise, after writing it down as the attempt's failure; where there is none yet, an error
        that leaves it for a resume. ``weather``: seconds in a row without a usable answer that are waited out.
        """
        handle = self._handle(attempt)
        sky = Weather(weather)
        began = time.monotonic()
        is_cancelled = False
        while True:
            problem: Exception | None = None
            try:
                standing = self._queue.standing(handle)
            except (FalError, TryAgainLater) as error:
                problem, standing = error, Standing(None, log="no usable answer; asking again")
            self._tell_standing(attempt, standing, tell)
            if standing.state in (QueueState.IN_QUEUE, QueueState.IN_PROGRESS):
                sky.clear()
            elif problem is None or sky.count >= ASK_RESULT:
                try:
                    return self._note_result(attempt, self._read(handle, attempt, cancel))
                except (FalError, TryAgainLater) as error:
                    last = error if isinstance(error, FalError) else None
                    if standing.error or standing.error_type:
                        self._fail(attempt, from_status(standing.error, standing.error_type, handle.request_id, last))
                    self._look_in_the_list(attempt, last)
                    problem = error if problem is None or isinstance(error, ENDS) else problem
            if time.monotonic() - began > patience.RESULT.get(attempt.stage, 3600.0):
                self._try_to_cancel(handle, attempt)
                raise Overdue(Problem.OVERDUE, request_id=handle.request_id)
            if problem is None:
                (time.sleep if is_cancelled else cancel.wait)(patience.interval(time.monotonic() - began))
            elif sky.is_over:
                self._give_up(attempt, problem)
            else:
                if standing.state is QueueState.COMPLETED:
                    tell(JobState.SAVING, "the result could not be read; asking again")
                sky.pause(cancel)
            if cancel.is_set() and not is_cancelled:
                self._cancelled(handle, attempt, tell)
                is_cancelled, sky = True, Weather(patience.LOOK)

    def read_again(self, attempt: Attempt) -> None:
        """Ask for an attempt's result once more, since its files could not be fetched: it may name others by now."""
        with contextlib.suppress(FalError, TryAgainLater):
            answer = self._queue.answer(self._handle(attempt))
            if attempt.result is None or found_files(answer.body, attempt) != attempt.result.files:
                self._note_result(attempt, answer)

    def _handle(self, attempt: Attempt) -> Handle:
        try:
            return Handle(str(attempt.request_id), **attempt.urls)
        except TypeError:  # a line of the journal that is not whole
            return self._queue.rebuild(attempt.endpoint, str(attempt.request_id))

    # deciding what an answer means

    def _tell_standing(self, attempt: Attempt, standing: Standing, tell: Tell) -> None:
        if standing.state and standing.state != attempt.fal_state:
            self._accounts.note(attempt, StateChanged(standing.state))
        if standing.state is QueueState.IN_QUEUE:
            position = standing.position or 0
            tell(JobState.QUEUED, f"in fal's queue, {position} before it", queue_position=position)
        elif standing.state is not QueueState.COMPLETED:
            tell(JobState.RUNNING, standing.log or "generating")

    def _read(self, handle: Handle, attempt: Attempt, cancel: threading.Event) -> Answer:
        """The result, with the files it must name. Raises FalError or TryAgainLater."""
        answer = self._queue.answer(handle)
        self._note_units(attempt, answer.units)  # whatever the rest of the answer is worth
        try:
            found_files(answer.body, attempt)
        except PolicyRefusal:
            for _ in range(2):  # a paid picture is not given up for one reading
                cancel.wait(patience.CONFIRM)
                answer = self._queue.answer(handle)
                found_files(answer.body, attempt)
            raise
        return answer

    def _look_in_the_list(self, attempt: Attempt, last: FalError | None) -> None:
        """Raise how the request ended where fal's request list knows that it failed."""
        status = self.listed_status(attempt)
        if status is not None and status >= 400:
            self._fail(attempt, from_list(status, attempt.request_id, last))

    def listed_status(self, attempt: Attempt) -> int | None:
        """The HTTP status that a request ended with by fal's request list; None where it does not say."""
        with contextlib.suppress(FalError, TryAgainLater):
            for row in history.read(self._key, attempt.endpoint, self._queue.clock):
                if row.request_id == attempt.request_id:
                    return row.status
        return None

    def _fail(self, attempt: Attempt, error: FalError) -> NoReturn:
        """Write down and raise how a request ended."""
        self._note_units(attempt, error.units)
        self._accounts.note(attempt, Failed(type(error).__name__, str(error), error.billed, error.proven))
        raise error

    def _give_up(self, attempt: Attempt, problem: Exception) -> NoReturn:
        """After minutes without a usable answer: what is said of the request until it is asked for again."""
        if isinstance(problem, ENDS):
            if self.listed_status(attempt) == 200 or problem.units:
                problem.billed = Billed.YES
            elif problem.billed is Billed.NO:
                problem.billed = Billed.MAYBE
            self._fail(attempt, with_bill(problem.about(attempt.request_id)))
        if isinstance(problem, KEY_PROBLEMS):
            raise problem.about(attempt.request_id)
        raise Unreachable(Problem.NO_USABLE_ANSWER, request_id=attempt.request_id, why=_short(problem)) from problem

    def _note_result(self, attempt: Attempt, answer: Answer) -> None:
        self._accounts.note(attempt, ResultNamed(found_files(answer.body, attempt), _seed(answer.body)))

    def _note_units(self, attempt: Attempt, units: float | None) -> None:
        """What fal counted, and what that costs where the price is known for sure and the sum is plausible."""
        if units is None or units == attempt.units:
            return
        price, usd = attempt.unit_price, None
        if price is not None and attempt.price_confirmed:
            sum_usd = round(units * price, 6)
            if attempt.quoted_usd is None or is_plausible(sum_usd, attempt.quoted_usd):
                usd = sum_usd
        self._accounts.note(attempt, UnitsCounted(units, price, usd))

    # cancelling

    def _try_to_cancel(self, handle: Handle, attempt: Attempt) -> CancelAnswer | None:
        """fal's answer, None where fal could not be told."""
        if attempt.cancel not in (None, CancelAnswer.GONE):
            return attempt.cancel
        try:
            answer = self._queue.cancel(handle)
        except (FalError, TryAgainLater):
            return None
        if answer is CancelAnswer.REMOVED and self._goes_on(handle):
            answer = CancelAnswer.RUNNING  # it says that it removed what it is working on
        self._accounts.note(attempt, CancelAnswered(answer))
        return answer

    def _goes_on(self, handle: Handle) -> bool:
        try:
            standing = self._queue.standing(handle)
        except (FalError, TryAgainLater):
            return False
        return standing.state is not QueueState.COMPLETED or not (standing.error or standing.error_type)

    def _cancelled(self, handle: Handle, attempt: Attempt, tell: Tell) -> None:
        """Cancel, and say honestly what that means. Returns where the result is there after all, and is fetched."""
        answer = self._try_to_cancel(handle, attempt)
        if answer in _STOPPED:
            raise Cancelled(_STOPPED[answer])
        deadline = time.monotonic() + patience.GRACE
        if answer is CancelAnswer.COMPLETED:
            tell(JobState.SAVING, "fal had finished already: it is billed, and fetched")
        else:
            tell(JobState.RUNNING, "fal was asked to stop; it may still bill this")
        while time.monotonic() < deadline:
            with contextlib.suppress(FalError, TryAgainLater):
                if self._queue.standing(handle).state is QueueState.COMPLETED:
                    return
            time.sleep(0.5)
        raise Cancelled(sentences.CANCELLED_RUNNING)


# What is said where fal's answer to a cancel is the end of the waiting; None: fal could not be told.
_STOPPED = {
    CancelAnswer.REMOVED: sentences.CANCELLED_REMOVED,
    CancelAnswer.GONE: sentences.CANCELLED_GONE,
    None: sentences.CANCELLED_UNHEARD,
}


def _seed(body: JsonObject) -> int | None:
    """A seed is a number; anything else that stands in its place is not kept."""
    seed = body.get("seed")
    return seed if isinstance(seed, int) and not isinstance(seed, bool) else None


def _short(problem: Exception) -> str:
    return str(problem).split(";")[0].split(". ")[0][:120]


ELSEWHERE = {
    "model_glb": ("model_mesh", "model_urls.glb"),
    "model_mesh": ("model_glb", "model_urls.glb"),
    "images.0": ("image",),
    "image": ("images.0",),
    "video": ("videos.0",),
}


def _at(body: JsonObject, place: str) -> Any:
    value: Any = body
    for part in place.split("."):
        if isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            value = value.get(part) if isinstance(value, dict) else None
    return value


def found_files(body: JsonObject, attempt: Attempt) -> tuple[ResultFile, ...]:
    """The addresses of the bought files in a result, in the order of ``attempt.outputs``.

    Raises PolicyRefusal for a blanked picture and ModelFailed where a file is missing.
    """
    flags = body.get("has_nsfw_concepts")
    if isinstance(flags, list) and any(flag is True for flag in flags):
        raise PolicyRefusal(Problem.PICTURE_BLANKED, billed=Billed.YES, request_id=attempt.request_id)
    files = []
    for path, place in zip(attempt.outputs, attempt.places, strict=True):
        # What was paid for may lie where a sibling endpoint has it: of an unknown id its role's usual place is a guess.
        looked = (_at(body, each) for each in (place, *ELSEWHERE.get(place, ())))
        value = next((found for found in looked if found is not None), None)
        if words.is_words(path) and isinstance(value, str):
            files.append(ResultFile(path, words.address_of(value)))
            continue
        url = value.get("url") if isinstance(value, dict) and not words.is_words(path) else None
        if not isinstance(url, str):
            raise ModelFailed(Problem.RESULT_WITHOUT_FILE, request_id=attempt.request_id, place=place)
        files.append(ResultFile(path, url))
    return tuple(files)
