"""One purchase from order to file, without ever paying twice. ``Buyer.carry_out`` is the whole story."""

from __future__ import annotations

import hashlib
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..pipeline.errors import BudgetExceeded, Cancelled, RunFolderError, TryAgainLater
from ..pipeline.journal import Attempt, Journal
from ..pipeline.spending import Limits, SpendingBook
from . import download, history, verify
from .client import Answer, FalQueue, Handle, Standing
from .errors import (
    BadAnswer,
    Expired,
    FalError,
    InvalidInput,
    ModelFailed,
    Overdue,
    PolicyRefusal,
    QueueTimeout,
    ServerFault,
    Uncertain,
    Unreachable,
    UnsafeAnswer,
)
from .purchase import Purchase

Tell = Callable[..., None]

FREE_SPACE = 256 << 20  # bytes that must be free before anything is bought
TRIES = 3  # sendings of one purchase in one run, where fal does not bill the failed ones
PATIENCE = {"model": 45 * 60.0, "photoreal": 20 * 60.0, "video": 60 * 60.0}  # seconds from submission to result
GRACE = 30.0  # seconds to see how a request ends that was cancelled while running
ENDS = (InvalidInput, PolicyRefusal, ModelFailed, ServerFault, QueueTimeout, Expired)  # fal's last word on a request


class Buyer:
    """Holds what all purchases of a run share. ``carry_out`` runs in a thread per purchase."""

    def __init__(
        self,
        *,
        root: Path,
        run_id: str,
        product: str,
        journal: Journal,
        queue: FalQueue,
        uploads: Any,
        book: SpendingBook,
        limits: Limits,
        send_again: bool,
        retry_failed: bool,
        key: str,
    ) -> None:
        self._root = root
        self._run = run_id
        self._product = product
        self._journal = journal
        self._queue = queue
        self._uploads = uploads
        self._book = book
        self._limits = limits
        self._send_again = send_again
        self._retry_failed = retry_failed
        self._key = key

    def reconcile(self) -> None:
        """Bring the machine's book in line with the journal, which a crash may have left a line ahead."""
        for attempt in self._journal.purchases.attempts:
            self._settle(attempt)

    def carry_out(self, purchase: Purchase, tell: Tell, cancel: threading.Event, leaving: threading.Event) -> None:
        """See ``purchase`` through: from wherever an earlier run left it to its files on disk. Raises what stops it."""
        for tries in range(1, TRIES + 1):
            try:
                attempt = self._accepted(purchase, tell, cancel, leaving)
                if attempt.result is None:
                    self._await(attempt, tell, cancel)
                self._fetch(attempt, purchase, tell)
                break
            except (ServerFault, QueueTimeout) as error:
                if tries == TRIES or leaving.is_set() or error.billed != "no":
                    raise
                tell("waiting", f"{error}; trying again ({tries + 1} of {TRIES})")
                if cancel.wait(2.0 * 4 ** (tries - 1)):
                    raise Cancelled("cancelled between two tries; nothing was billed") from error
        tell(
            "done",
            f"{Path(purchase.outputs[0].file).name} saved",
            fraction=1.0,
            path=str(self._files(attempt)[0]),
            request_id=attempt.request_id,
            seed=(attempt.result or {}).get("seed"),
            quoted_usd=attempt.quoted_usd,
            billed_usd=attempt.billed_usd,
        )

    # getting accepted

    def _accepted(self, purchase: Purchase, tell: Tell, cancel: threading.Event, leaving: threading.Event) -> Attempt:
        """The attempt that fal has accepted, now or in an earlier run."""
        last = self._journal.purchases.last(purchase.key)
        step = self._journal.purchases.next_step(purchase.key)
        if last is not None and step == "uncertain":
            self._look_up(last)
            step = last.next_step
        if last is not None and step in ("uncertain", "stuck"):
            self._give_up_or_raise(last, step)
            step = last.next_step
        if last is not None and step in ("wait", "fetch", "done"):
            return last
        if cancel.is_set():
            raise Cancelled("cancelled before it was sent; nothing was billed")
        if leaving.is_set():
            raise TryAgainLater("not sent, since the program is closing; resume to go on")
        return self._send(purchase, 1 if last is None else last.number + 1, tell, cancel)

    def _look_up(self, attempt: Attempt) -> None:
        """Ask fal's own list whether a request whose answer was lost has been accepted."""
        found = history.find(self._key, attempt)
        if found is not None:
            handle = self._queue.rebuild(attempt.endpoint, found)
            self._journal.write(
                "submitted", attempt.key, attempt.number, **_handle_facts(handle), found_by="request list"
            )

    def _give_up_or_raise(self, attempt: Attempt, step: str) -> None:
        """An uncertain or failed attempt is replaced by a new one only where the user said so."""
        if step == "uncertain" and not self._send_again:
            if not attempt.uncertain:
                self._journal.write("uncertain", attempt.key, attempt.number)
            raise Uncertain(
                f"whether fal.ai accepted the request for {attempt.key} is not known, so it is not sent again; look in "
                f"fal's own history, then 'consistency resume RUN --send-again' if it is not there "
                f"(${attempt.quoted_usd:.2f} at stake)"
            )
        if step == "stuck" and not self._retry_failed:
            failure = attempt.failure or {}
            raise _recorded(failure, attempt)
        self._journal.write("abandoned", attempt.key, attempt.number)

    def _send(self, purchase: Purchase, number: int, tell: Tell, cancel: threading.Event) -> Attempt:
        if shutil.disk_usage(self._root).free < FREE_SPACE:
            raise RunFolderError(f"less than {FREE_SPACE >> 20} MiB are free at {self._root}; free some space, then resume. Nothing was bought")  # fmt: skip
        tell("waiting", "uploading")
        arguments = self._uploads.fill(purchase.arguments)
        if cancel.is_set():
            raise Cancelled("cancelled before it was sent; nothing was billed")
        entry = f"{purchase.key}#{number}"
        if purchase.quoted_usd is None and self._limits != Limits():
            raise BudgetExceeded(f"the price of {purchase.endpoint} is not known, so no limit can be kept with it; choose another endpoint or remove the limits")  # fmt: skip
        self._book.reserve(self._run, self._product, entry, purchase.quoted_usd or 0.0, self._limits)
        self._journal.write(
            "intended",
            purchase.key,
            number,
            stage=purchase.stage,
            angle=purchase.angle,
            take=purchase.take,
            endpoint=purchase.endpoint,
            arguments=arguments,
            outputs=[self._relative(output.file) for output in purchase.outputs],
            places=[output.place for output in purchase.outputs],
            quoted_usd=purchase.quoted_usd,
            unit_price=purchase.unit_price,
        )
        attempt = self._journal.purchases.last(purchase.key)
        assert attempt is not None
        tell("waiting", "sending", quoted_usd=purchase.quoted_usd)
        try:
            handle = self._queue.submit(purchase.endpoint, arguments)
        except Uncertain as error:
            self._journal.write("uncertain", purchase.key, number, message=str(error))
            raise
        except (FalError, TryAgainLater) as error:
            self._journal.write("refused", purchase.key, number, error=type(error).__name__, message=str(error))
            self._settle(attempt)
            raise
        self._journal.write("submitted", purchase.key, number, **_handle_facts(handle))
        return attempt

    # waiting

    def _await(self, attempt: Attempt, tell: Tell, cancel: threading.Event) -> None:
        """Wait until fal has the result, and write its files' addresses down. Raises fal's last word otherwise."""
        handle = Handle(
            str(attempt.request_id),
            attempt.urls["status_url"],
            attempt.urls["response_url"],
            attempt.urls["cancel_url"],
        )
        try:
            self._poll(handle, attempt, tell, cancel)
            answer = self._read_answer(handle, tell)
            self._note_result(attempt, answer)
        except ENDS as error:
            if attempt.result is None:
                self._journal.write(
                    "failed",
                    attempt.key,
                    attempt.number,
                    error=type(error).__name__,
                    message=str(error),
                    billed=error.billed,
                )
                self._settle(attempt)
            raise

    def _poll(self, handle: Handle, attempt: Attempt, tell: Tell, cancel: threading.Event) -> None:
        began = time.monotonic()
        deadline = began + PATIENCE.get(attempt.stage, 3600.0)
        misunderstood = 0
        while True:
            try:
                standing = self._queue.standing(handle)
                misunderstood = 0
            except Unreachable:
                standing = Standing("", log="connection lost; trying again")  # it is paid for: keep asking
            except (BadAnswer, ServerFault):
                misunderstood += 1
                if misunderstood > 5:
                    raise BadAnswer("fal.ai keeps sending a status this version does not understand; resume later: the request is not lost", request_id=handle.request_id) from None  # fmt: skip
                standing = Standing("", log="an answer that could not be read; asking again")
            if standing.state == "COMPLETED":
                return
            self._tell_standing(attempt, standing, tell, time.monotonic() - began)
            if time.monotonic() > deadline:
                self._cancel(handle, attempt)
                raise Overdue("fal.ai took too long; it was asked to stop, and resume fetches the result if it still comes", request_id=handle.request_id)  # fmt: skip
            if cancel.wait(_interval(time.monotonic() - began)) and self._cancel_and_see(handle, attempt, tell):
                return

    def _tell_standing(self, attempt: Attempt, standing: Standing, tell: Tell, waited: float) -> None:
        if standing.state and standing.state != attempt.fal_state:
            self._journal.write("state", attempt.key, attempt.number, state=standing.state)
        if standing.state == "IN_QUEUE":
            position = standing.position or 0
            tell("queued", f"in fal's queue, {position} before it", queue_position=position, elapsed=waited)
        else:
            tell("running", standing.log or "generating", elapsed=waited)

    def _cancel(self, handle: Handle, attempt: Attempt) -> str:
        if attempt.cancel:
            return attempt.cancel
        answer = self._queue.cancel(handle)
        self._journal.write("cancelled", attempt.key, attempt.number, answer=answer)
        self._settle(attempt)
        return answer

    def _cancel_and_see(self, handle: Handle, attempt: Attempt, tell: Tell) -> bool:
        """Cancel, and say honestly what that means. True: the result is there after all, and is fetched."""
        answer = self._cancel(handle, attempt)
        if answer == "removed":
            raise Cancelled("removed from fal's queue; not billed")
        if answer == "completed":
            tell("saving", "fal had finished already: it is billed, and fetched")
            return True
        deadline = time.monotonic() + GRACE
        while answer == "running" and time.monotonic() < deadline:
            tell("running", "fal was asked to stop; it may still bill this")
            time.sleep(1.0)
            try:
                if self._queue.standing(handle).state == "COMPLETED":
                    return True
            except FalError:
                continue
        raise Cancelled("fal was already running it and may bill it; resume fetches the result if there is one")

    def _read_answer(self, handle: Handle, tell: Tell) -> Answer:
        for tries in range(5):
            try:
                return self._queue.answer(handle)
            except (BadAnswer, Unreachable, UnsafeAnswer):
                if tries == 4:
                    raise
                tell("saving", "the result could not be read; asking again")
                time.sleep(1.0 + tries)
        raise AssertionError

    def _note_result(self, attempt: Attempt, answer: Answer) -> None:
        if answer.units is not None:
            price = attempt.unit_price
            usd = None if price is None else round(answer.units * price, 6)
            self._journal.write("billed", attempt.key, attempt.number, units=answer.units, unit_price=price, usd=usd)
            self._settle(attempt)
        files = found_files(answer.body, attempt)
        self._journal.write("result", attempt.key, attempt.number, files=files, seed=answer.body.get("seed"))

    # fetching

    def _fetch(self, attempt: Attempt, purchase: Purchase, tell: Tell) -> None:
        """Bring home what is not on disk yet, and keep a receipt of each file."""
        media = {self._relative(output.file): output.media for output in purchase.outputs}
        addresses = {file["path"]: file["url"] for file in (attempt.result or {}).get("files", [])}
        for path in attempt.outputs:
            receipt = attempt.downloaded.get(path)
            if receipt is not None and _is_there(self._root / str(receipt.get("file") or path), receipt):
                continue
            if path not in addresses:
                raise Expired(
                    f"the file of {attempt.key} is gone and its address is not known", request_id=attempt.request_id
                )
            tell("saving", "downloading", request_id=attempt.request_id)
            expected = media.get(path) or _media_of(path)
            fetched = download.fetch(addresses[path], self._root / path, expected, lambda text: tell("saving", text))
            self._journal.write(
                "downloaded", attempt.key, attempt.number, path=path, file=self._relative(str(fetched.path)),
                bytes=fetched.bytes, sha256=fetched.sha256,
            )  # fmt: skip

    def _files(self, attempt: Attempt) -> list[Path]:
        return [self._root / str(attempt.downloaded[path].get("file") or path) for path in attempt.outputs]

    # small things

    def _settle(self, attempt: Attempt) -> None:
        if attempt.intended_at:
            self._book.settle(self._run, self._product, f"{attempt.key}#{attempt.number}", attempt.committed_usd)

    def _relative(self, path: str) -> str:
        return Path(path).relative_to(self._root).as_posix()


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


def _handle_facts(handle: Handle) -> dict[str, str]:
    return {
        "request_id": handle.request_id,
        "status_url": handle.status_url,
        "response_url": handle.response_url,
        "cancel_url": handle.cancel_url,
    }


def _interval(waited: float) -> float:
    """Seconds between two questions: quick at first, since a still takes seconds, then calmer (fal's advice: 1-5)."""
    return 1.0 if waited < 15 else 2.0 if waited < 90 else 5.0


def _is_there(path: Path, receipt: Mapping[str, Any]) -> bool:
    """Whether the file is the one that was downloaded."""
    if not path.is_file() or path.stat().st_size != receipt.get("bytes"):
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == receipt.get("sha256")


def _media_of(path: str) -> str:
    suffix = Path(path).suffix
    return next((media for media, extension in verify.EXTENSIONS.items() if extension == suffix), "image/png")


def _recorded(failure: Mapping[str, Any], attempt: Attempt) -> FalError:
    """A failure of an earlier run, as it was said then, with the way on."""
    from . import errors

    again = f"{failure.get('message')}; 'consistency resume RUN --retry-failed' buys it again"
    error = errors.from_json({"class": failure.get("error"), "text": again, "billed": failure.get("billed")})
    return error if isinstance(error, FalError) else FalError(again, billed="maybe", request_id=attempt.request_id)
