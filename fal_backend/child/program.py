# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The child process: reads commands as JSON lines, says what happens as JSON lines, and keeps the journal.

What can be asked for and what is said is declared in ``messages``. When standard input ends, because the parent finished or died, nothing new is
begun; what is in flight at fal.ai is waited for, fetched and saved, and then the process leaves. The same happens when the
process is asked to terminate, but cancels are still obeyed: whoever ends everything at once tells the parent as well.
"""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

from ...pipeline.errors import ConsistencyError, RunInUse, TryAgainLater, unforeseen
from ...pipeline.json_object import JsonObject
from ...pipeline.money.spending import SpendingBook
from ...pipeline.redaction import hide
from ...pipeline.run.journal import Journal
from ...pipeline.run.lease import Lease
from ...pipeline.run.run_log import PACKAGE, Forwarding, listening
from ...pipeline.stages import JobState
from ...pipeline.system.disk import sweep
from ...pipeline.system.processes import is_alive
from .. import errors, prices, roster
from ..buying.accounts import Accounts
from ..buying.buyer import Buyer
from ..buying.purchase import Purchase
from ..buying.uploads import Uploads
from ..descriptions import Descriptions
from ..service.client import FalQueue
from .message_writer import MessageWriter
from .messages import (
    Answer,
    AskPrices,
    AskRoster,
    Buy,
    Cancel,
    CheckKey,
    Command,
    Finish,
    Happened,
    Hello,
    Logged,
    Look,
    Note,
    Say,
    Terminate,
    read_command,
)

logger = logging.getLogger(__name__)
IN_FLIGHT = 32  # purchases at once; fal queues what exceeds the account's concurrency
LEASE_PATIENCE = 30 * 60.0  # seconds to wait for an earlier child that still saves results


class Child:
    def __init__(self, hello: Hello, writer: MessageWriter) -> None:
        self._writer = writer
        self._hello = hello
        self._queue = FalQueue(hello.key, private=hello.private)
        self._descriptions = Descriptions(hello.key, self._queue.clock)
        self._pool = ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="purchase")
        self._notes = ThreadPoolExecutor(max_workers=1)  # one thread: decisions stand in the journal in their order
        self._active: dict[str, Purchase | None] = {}  # key → the same asked for again meanwhile
        self._active_lock = threading.Lock()
        self._cancels: dict[str, threading.Event] = {}
        # What is to be done, in order; put to by a signal's handler too, which only this kind of queue allows.
        self.commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._leaving = threading.Event()
        self._gone = threading.Event()
        self._opened = threading.Event()  # or given up
        self._lease: Lease | None = None
        self._buyer: Buyer | None = None
        self._accounts: Accounts | None = None
        self._closed: Exception = TryAgainLater("no run folder was named")
        if not hello.run:
            self._opened.set()

    # the run folder

    def open_run(self) -> None:
        """Take the run folder's purchases into this process's hands, while commands are read already."""
        try:
            self._open_run(Path(self._hello.run))
        except Exception as error:
            logger.exception("the run folder could not be opened")
            self._closed = error  # every purchase will be answered with it
        finally:
            self._opened.set()

    def _open_run(self, root: Path) -> None:
        lease = Lease(root / ".purchases.lease", "saving results")
        deadline = time.monotonic() + LEASE_PATIENCE
        while True:
            try:
                lease.acquire()
                break
            except RunInUse:
                # The child of a run that died: it is fetching what was paid for, and then goes.
                if time.monotonic() > deadline or self._leaving.is_set():
                    raise
                self._writer.say(Happened("", JobState.WAITING, "an earlier process is still saving results"))
                time.sleep(0.5)
        self._lease = lease
        threading.Thread(target=self._keep_lease, args=(lease,), daemon=True).start()
        sweep(root, is_alive)
        hello = self._hello
        journal = Journal(root / "journal.jsonl")
        accounts = Accounts(root, journal, SpendingBook(), hello.limits, hello.run_id, hello.product)
        accounts.reconcile()
        self._accounts = accounts
        self._buyer = Buyer(
            root=root,
            key=hello.key,
            queue=self._queue,
            uploads=Uploads(root / ".uploads.json", self._queue, private=hello.private),
            accounts=accounts,
            descriptions=self._descriptions if hello.check_inputs else None,
            send_again=hello.send_again,
            retry_failed=hello.retry_failed,
            concurrency=hello.concurrency,
        )

    def _keep_lease(self, lease: Lease) -> None:
        while not self._gone.wait(5.0):
            try:
                lease.renew()
            except RunInUse:
                self._leaving.set()  # taken over: what is in flight is still fetched, nothing new is sent
                return
            except ConsistencyError:
                continue  # the drive is away or full at the moment

    # commands

    def serve(self) -> None:
        """Carry out commands until the last, or until nothing is in flight any more after ``terminate``."""
        told = False
        while self._active or not told:
            command = self.commands.get()
            if isinstance(command, Finish):
                return
            if isinstance(command, Terminate):
                told = True
                self._leaving.set()
            self.carry_out(command)

    def carry_out(self, command: Command) -> None:
        match command:
            case Buy(purchase):
                with self._active_lock:
                    if purchase.key in self._active:  # two threads on one purchase could pay twice
                        self._active[purchase.key] = purchase
                        return
                self._begin(purchase)
            case Note(key, decision):
                self._notes.submit(self._note, key, decision)
            case Cancel(chosen):
                with self._active_lock:
                    cancels = [event for key, event in self._cancels.items() if chosen in (None, key)]
                for event in cancels:
                    event.set()
            case AskPrices():
                self._pool.submit(self._answer, Say.PRICES, lambda: self._prices(command))
            case AskRoster():
                self._pool.submit(self._answer, Say.ROSTER, self._roster)
            case CheckKey():
                self._pool.submit(self._answer, Say.KEY, lambda: prices.check_key(self._hello.key))

    def _begin(self, purchase: Purchase) -> None:
        cancel = threading.Event()
        with self._active_lock:
            self._active[purchase.key] = None
            self._cancels[purchase.key] = cancel
        self._pool.submit(self._buy, purchase, cancel)

    def _note(self, key: str, decision: JsonObject) -> None:
        self._opened.wait()
        if self._accounts is not None:
            with contextlib.suppress(ConsistencyError):  # run.json has it too
                self._accounts.decided(key, decision)

    def _answer(self, kind: Say, ask: Callable[[], object]) -> None:
        try:
            self._writer.say(Answer(kind, ask()))
        except ConsistencyError as error:
            self._writer.say(Answer(kind, error=error))
        except Exception as error:
            logger.exception("no answer about %s", kind)
            self._writer.say(Answer(kind, error=ConsistencyError(unforeseen(error, words=False))))

    def _prices(self, question: AskPrices) -> prices.Prices:
        found = prices.fetch(self._hello.key, question.endpoints)
        problems = []
        for purchase in question.purchases:
            try:
                self._descriptions.check(purchase.endpoint, purchase.arguments, found.__contains__)
            except ConsistencyError as error:  # the other endpoints are described by then, too
                problems.append(error)
        if problems:
            raise problems[0]
        return found

    def _roster(self) -> JsonObject:
        return roster.read(self._hello.key, self._queue.clock).to_json()

    def _buy(self, purchase: Purchase, cancel: threading.Event) -> None:
        def tell(kind: JobState, text: str = "", **facts: Any) -> None:
            self._writer.say(Happened(purchase.key, kind, text, **facts))

        def tell_failed(error: ConsistencyError) -> None:
            tell(JobState.FAILED, str(error), error=errors.to_json(error))

        try:
            self._opened.wait()
            if self._buyer is None:
                raise self._closed
            self._buyer.carry_out(purchase, tell, cancel, self._leaving)
        except ConsistencyError as error:
            logger.info("%s failed", purchase.key, exc_info=True)
            tell_failed(error)
        except Exception as error:
            logger.exception("%s failed", purchase.key)  # one purchase must not take the others down
            tell_failed(ConsistencyError(unforeseen(error, words=False)))
        finally:
            with self._active_lock:
                again = self._active.pop(purchase.key)
            if again is not None and not self._leaving.is_set():
                self._begin(again)
            self.commands.put(Look())

    def leave(self) -> None:
        """Begin nothing new, wait for what is in flight, and let go of the folder."""
        self._leaving.set()
        self._opened.wait()
        self._pool.shutdown(wait=True)
        self._notes.shutdown(wait=True)
        self._gone.set()
        if self._lease is not None:
            self._lease.release()
        self._queue.close()


def main(first: JsonObject, commands: IO[str], stream: IO[str]) -> None:
    """Serve until ``commands`` ends. ``first``: a Hello, as JSON."""
    hello = Hello.from_json(first)
    hide(hello.key)
    writer = MessageWriter(stream)
    to_parent = Forwarding(lambda level, name, text: writer.say(Logged(level, name, text)))
    with listening(to_parent, PACKAGE.getChild("fal_backend")):
        _serve(hello, commands, writer)


def _serve(hello: Hello, commands: IO[str], writer: MessageWriter) -> None:
    child = Child(hello, writer)
    if hello.run:
        threading.Thread(target=child.open_run, daemon=True).start()
    _leave_when_told(child)
    threading.Thread(target=_read, args=(commands, child), daemon=True).start()
    child.serve()
    child.leave()
    writer.finish()


def _read(commands: IO[str], child: Child) -> None:
    with contextlib.suppress(ValueError):  # the parent died while writing
        for line in commands:
            command = read_command(json.loads(line))
            if command is not None:
                child.commands.put(command)
            if isinstance(command, Finish):
                return
    child.commands.put(Finish())


def _leave_when_told(child: Child) -> None:
    """Have SIGTERM and SIGHUP finish what is in flight. SIGHUP stays ignored under ``nohup``."""
    if threading.current_thread() is not threading.main_thread():
        return  # only a program's main thread may handle its signals
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda *_: child.commands.put(Terminate()))
