# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Killed anywhere, resumed everywhere: what was accepted is paid once and arrives; what was not is not lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from consistency_pipeline.fal_backend import errors, request_to_purchase
from consistency_pipeline.fal_backend.backend import FalBackend
from consistency_pipeline.fal_backend.buying import buyer as buyers
from consistency_pipeline.fal_backend.buying import fetching, patience, uploads
from consistency_pipeline.fal_backend.buying.accounts import Accounts
from consistency_pipeline.fal_backend.buying.buyer import Buyer
from consistency_pipeline.fal_backend.buying.uploads import Uploads
from consistency_pipeline.fal_backend.service import download
from consistency_pipeline.fal_backend.service.client import FalQueue
from consistency_pipeline.pipeline.errors import RunFolderError, TryAgainLater
from consistency_pipeline.pipeline.money import spending
from consistency_pipeline.pipeline.money.spending import Limits, SpendingBook
from consistency_pipeline.pipeline.run import journal as journals
from consistency_pipeline.pipeline.run.journal import Journal
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from tests.fake_fal import API_KEY, FakeFal

from .shop import PATIENCE, agrees, bring_near, buy_one, kinds, stills, until

pytestmark = pytest.mark.by_turns

OUT = "photoreal/front.take-01.png"


# every line of the buyer's way


class Crash(BaseException):
    """The power went out."""


class Points:
    """Counts the places where a crash leaves a different disk or a different fal, and crashes at the chosen one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = self.passed = 0
        for place in (journals, spending):
            monkeypatch.setattr(place, "append_line", self._torn(place.append_line))
        monkeypatch.setattr(uploads, "write_json", self._around(uploads.write_json))
        monkeypatch.setattr(fetching.download, "replace", self._around(download.replace))
        for name in ("upload", "submit", "standing", "answer"):
            monkeypatch.setattr(FalQueue, name, self._around(getattr(FalQueue, name)))

    def _pass(self) -> None:
        self.passed += 1
        if self.passed == self.at:
            raise Crash

    def _around(self, work: Callable[..., Any]) -> Callable[..., Any]:
        def crashing(*given: Any, **named: Any) -> Any:
            self._pass()
            done = work(*given, **named)
            self._pass()
            return done

        return crashing

    def _torn(self, append: Callable[..., None]) -> Callable[..., None]:
        def crashing(path: Path, value: dict[str, Any]) -> None:
            self._pass()
            append(path, value)
            try:
                self._pass()
            except Crash:
                os.truncate(path, path.stat().st_size - 20)  # half of the line reached the disk
                raise
            self._pass()

        return crashing


def live(folder: RunFolder, points: Points | None = None, at: int = 0, **options: Any) -> Exception | None:
    """One life of the child's program, in this thread. What it raised; Crash included, as None is not."""
    queue = FalQueue(API_KEY)
    accounts = Accounts(folder.root, Journal(folder.journal), SpendingBook(), Limits(run=0.05), folder.id, "duck")
    accounts.reconcile()
    store = Uploads(folder.root / ".uploads.json", queue, private=False)
    buyer = Buyer(root=folder.root, key=API_KEY, queue=queue, uploads=store, accounts=accounts, **options)
    if points is not None:
        points.at, points.passed = at, 0
    try:
        purchase = request_to_purchase.purchase_for(stills(folder)[0])
        buyer.carry_out(purchase, lambda *_a, **_k: None, threading.Event(), threading.Event())
    except (Crash, Exception) as error:  # noqa: BLE001
        return error  # type: ignore[return-value]
    finally:
        if points is not None:
            points.at = 0
        queue.close()
    return None


@pytest.mark.parametrize("trouble", ["none", "job_error", "lost_answer"])
def test_a_crash_between_any_two_lines_pays_once_and_loses_nothing(
    fake: FakeFal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: str
):
    from .shop import new_folder

    bring_near(monkeypatch)
    monkeypatch.setattr(
        os, "fsync", lambda _file: None
    )  # the crash is of this program, and syncing takes half the time
    points, crashes, uncertain = Points(monkeypatch), 0, 0
    # A second sending passes the lines of the first again, so there every third will do.
    for at in range(1, 500, 3 if trouble == "job_error" else 1):
        folder = new_folder(tmp_path / f"run-{at}")
        before = len(fake.books.billed)
        if trouble != "none":
            fake.fault("submit", trouble)
        outcome = live(folder, points, at)
        fake.faults.clear()
        crashes += isinstance(outcome, Crash)
        left = live(folder) if outcome is not None else None
        if isinstance(left, errors.Uncertain):
            uncertain += 1
            # The user looks in fal's own history, finds nothing, and says so.
            assert len(fake.wait().billed) == before
            left = live(folder, send_again=True)
        assert left is None, f"crashed at point {at}: {left!r}"
        assert len(fake.wait().billed) == before + 1, f"crashed at point {at}"
        assert (folder.root / OUT).is_file()
        assert not list(folder.root.rglob("*.part"))
        mine = SpendingBook().entries()
        assert sum(entry.usd for entry in mine if entry.run == folder.id) <= 0.05
        if not isinstance(outcome, Crash):
            break
    assert crashes > 15
    # Unsure only where the crash was between the written intention and fal's answer.
    assert uncertain <= 5 * (1 if trouble == "none" else 2)


def test_the_intention_is_on_the_disk_before_the_request_leaves(
    folder: RunFolder, fake: FakeFal, monkeypatch: pytest.MonkeyPatch
):
    happened: list[str] = []
    sync, submit = os.fsync, FalQueue.submit

    def syncing(file: int) -> None:
        sync(file)
        if folder.journal.exists() and os.path.samestat(os.fstat(file), folder.journal.stat()):
            happened.append(kinds(folder)[-1])

    def submitting(*given: Any) -> Any:
        happened.append("sent")
        return submit(*given)

    monkeypatch.setattr(os, "fsync", syncing)
    monkeypatch.setattr(FalQueue, "submit", submitting)
    assert live(folder) is None
    assert happened[:3] == ["intended", "sent", "submitted"]


# real processes


@pytest.fixture
def backend(folder: RunFolder, fake: FakeFal) -> Iterator[FalBackend]:
    backend = FalBackend(folder, API_KEY)
    yield backend
    backend.close()


def kill_when(backend: FalBackend, folder: RunFolder, event: str, and_then: Callable[[], Any] = lambda: True) -> str:
    """Order a still, kill the child once the journal holds ``event``; what the backend says then."""
    [request] = stills(folder)
    backend.start(request)
    until(lambda: event in kinds(folder) and and_then())
    os.kill(backend._connection.pid, signal.SIGKILL)
    ended: list[Any] = []
    until(lambda: ended.extend(e for e in backend.poll(0.1) if e.ends) or ended)
    assert isinstance(ended[0].error, TryAgainLater)
    return ended[0].text


@pytest.mark.parametrize("accepted", [True, False])
def test_killed_while_fal_was_about_to_answer(
    folder: RunFolder, fake: FakeFal, backend: FalBackend, accepted: bool, monkeypatch: pytest.MonkeyPatch
):
    fake.fault("submit", "hang", handled=accepted)
    text = kill_when(backend, folder, "intended", lambda: fake.of("submit") and len(fake.books) == accepted)
    assert "nothing paid is lost" in text
    fake.drop_all()
    event = buy_one(folder)
    if accepted:
        assert event.kind == "done"
    else:
        assert isinstance(event.error, errors.Uncertain)
        assert len(fake.of("submit")) == 1
        bring_near(monkeypatch)
        assert buy_one(folder, send_again=True).kind == "done"
    assert len(fake.books.billed) == 1


def test_killed_while_fal_was_at_work(folder: RunFolder, fake: FakeFal, backend: FalBackend):
    fake.latency = 300.0
    kill_when(backend, folder, "submitted")
    fake.advance(400)
    assert buy_one(folder).kind == "done"
    assert len(fake.of("submit")) == 1
    agrees(folder, fake)


def test_killed_while_downloading(folder: RunFolder, fake: FakeFal, backend: FalBackend):
    fake.fault("download", "stall")
    kill_when(backend, folder, "result", lambda: fake.of("download") and list(folder.root.glob("photoreal/.*.part")))
    assert not (folder.root / OUT).exists()  # half a picture is not called by a picture's name
    assert buy_one(folder).kind == "done"
    assert not list(folder.root.rglob("*.part"))
    assert len(fake.of("submit")) == 1
    agrees(folder, fake)


DRIVER = """
import sys
from pathlib import Path
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from tests.pure.shop import buy, stills
buy(RunFolder.open(Path(sys.argv[1])), stills(RunFolder.open(Path(sys.argv[1])), *sys.argv[2:]))
"""


def start_driver(folder: RunFolder, *angles: str) -> subprocess.Popen[bytes]:
    root = Path(__file__).parents[2]
    return subprocess.Popen([sys.executable, "-c", DRIVER, str(folder.root), *angles], cwd=root)


def lease_is_free(folder: RunFolder) -> bool:
    return not (folder.root / ".purchases.lease").exists()


def test_when_blender_dies_its_child_saves_what_is_paid_and_leaves(folder: RunFolder, fake: FakeFal):
    fake.latency = 1.0
    with start_driver(folder, "front", "side") as driver:
        until(lambda: kinds(folder).count("submitted") == 2)
        driver.kill()
    until(lambda: lease_is_free(folder))
    assert kinds(folder).count("downloaded") == 2
    agrees(folder, fake)
    assert buy_one(folder).kind == "done"
    assert len(fake.of("submit")) == 2


def test_when_blender_dies_what_was_not_sent_is_not_sent(folder: RunFolder, fake: FakeFal):
    fake.fault("upload", "slow", times=None, seconds=2.0)
    with start_driver(folder, "front") as driver:
        until(lambda: fake.of("upload"))
        driver.kill()
    until(lambda: lease_is_free(folder))
    assert len(fake.of("submit")) == 0
    assert kinds(folder) == []


def test_two_at_once_buy_once(folder: RunFolder, fake: FakeFal):
    fake.latency = 2.0  # long enough that the second has begun before the first has ended
    backends = [FalBackend(folder, API_KEY) for _ in range(2)]
    [request] = stills(folder)
    for backend in backends:
        backend.start(request)
    said: list[str] = []
    deadline = time.monotonic() + PATIENCE
    while backends:
        assert time.monotonic() < deadline
        for backend in list(backends):
            events = backend.poll(0.05)
            said += [event.text for event in events]
            if any(event.kind == "done" for event in events):
                backends.remove(backend)
                backend.close()  # the other one is waiting for this
    assert "an earlier process is still saving results" in said
    assert len(fake.of("submit")) == 1


# what a resume leaves alone, and what it brings back


@pytest.fixture
def bought(folder: RunFolder, fake: FakeFal, monkeypatch: pytest.MonkeyPatch) -> Path:
    bring_near(monkeypatch)
    assert buy_one(folder).kind == "done"
    return folder.root / OUT


def test_a_finished_file_is_not_touched(folder: RunFolder, fake: FakeFal, bought: Path):
    before = bought.stat()
    lines = len(kinds(folder))
    assert buy_one(folder).kind == "done"
    assert (bought.stat().st_mtime_ns, bought.stat().st_ino) == (before.st_mtime_ns, before.st_ino)
    assert len(kinds(folder)) == lines
    assert len(fake.of("download")) == 1


def test_a_picture_that_the_user_has_retouched_stays_retouched(folder: RunFolder, fake: FakeFal, bought: Path):
    bought.write_bytes(b"retouched")
    assert buy_one(folder).kind == "done"
    assert bought.read_bytes() == b"retouched"


def test_a_deleted_file_is_fetched_again_and_not_paid_again(folder: RunFolder, fake: FakeFal, bought: Path):
    was = bought.read_bytes()
    bought.unlink()
    assert buy_one(folder).kind == "done"
    assert bought.read_bytes() == was
    assert len(fake.of("submit")) == 1


def test_a_deleted_file_that_fal_has_forgotten_is_said_to_be_gone(folder: RunFolder, fake: FakeFal, bought: Path):
    bought.unlink()
    fake.fault("download", "gone", times=None)
    event = buy_one(folder)
    assert isinstance(event.error, errors.Expired)
    assert fake.books.entries[0].request_id in event.text
    assert "$0.025" in event.text
    assert len(fake.of("submit")) == 1
    assert buy_one(folder).kind == "failed"
    fake.faults.clear()
    assert buy_one(folder, retry_failed=True).kind == "done"  # it had not been forgotten after all
    assert len(fake.of("submit")) == 1


def test_a_result_that_expired_while_nobody_was_there(
    folder: RunFolder, fake: FakeFal, backend: FalBackend, monkeypatch: pytest.MonkeyPatch
):
    fake.latency = 300.0
    kill_when(backend, folder, "submitted")
    fake.advance(300 + 3700)
    bring_near(monkeypatch)
    for event in (buy_one(folder), buy_one(folder)):
        assert isinstance(event.error, errors.Expired)
        assert fake.books.entries[0].request_id in event.text
    assert len(fake.of("submit")) == 1


def test_a_journal_without_its_first_line_still_finds_the_result(folder: RunFolder, fake: FakeFal, bought: Path):
    bought.unlink()
    lines = folder.journal.read_bytes().splitlines(keepends=True)
    folder.journal.write_bytes(b"".join(line for line in lines if b'"submitted"' in line))
    assert buy_one(folder).kind == "done"
    assert bought.is_file()
    assert len(fake.of("submit")) == 1


def test_asking_twice_at_once_buys_once(folder: RunFolder, fake: FakeFal, near: None):
    backend = FalBackend(folder, API_KEY)
    [request] = stills(folder)
    backend.start(request)
    backend.start(request)
    until(lambda: [event for event in backend.poll(0.1) if event.ends])
    backend.close()
    assert len(fake.of("submit")) == 1


def test_a_parent_that_does_not_read_holds_nothing_up(folder: RunFolder, fake: FakeFal):
    """Blender renders for minutes without a look at the pipe, and the results must be fetched meanwhile."""
    from consistency_pipeline.fal_backend.child.message_writer import MessageWriter
    from consistency_pipeline.fal_backend.child.messages import Happened
    from consistency_pipeline.pipeline.stages import JobState

    inside, outside = os.pipe()
    with os.fdopen(outside, "w") as stream:
        voice = MessageWriter(stream)
        began = time.monotonic()
        for number in range(2000):
            voice.say(Happened("k", JobState.RUNNING, "x" * 200, queue_position=number))
        voice.say(Happened("k", JobState.DONE, "saved"))
        assert time.monotonic() - began < 5.0
        reader = threading.Thread(target=voice.finish, args=(20.0,))
        reader.start()
        heard = b""
        while b"saved" not in heard:
            heard += os.read(inside, 1 << 16)
        reader.join(30)
    os.close(inside)
    assert len(heard.splitlines()) < 2000


# the disk


@pytest.mark.usefixtures("near")
def test_a_full_disk_is_noticed_before_spending(folder: RunFolder, fake: FakeFal, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(buyers, "FREE_SPACE", 1 << 60)
    event = buy_one(folder)
    assert isinstance(event.error, RunFolderError)
    assert "Nothing was bought" in event.text
    assert len(fake.of("submit")) == 0


@pytest.mark.usefixtures("near")
@pytest.mark.parametrize("place", ["photoreal", "journal.jsonl"])
def test_a_place_that_cannot_be_written_is_noticed_before_spending(folder: RunFolder, fake: FakeFal, place: str):
    if place == "photoreal":
        (folder.root / place).write_bytes(b"a file where the folder should be")
    else:
        (folder.root / place).unlink()
        (folder.root / place).mkdir()
    event = buy_one(folder)
    assert isinstance(event.error, RunFolderError)
    assert len(fake.of("submit")) == 0


@pytest.mark.usefixtures("near")
def test_a_disk_that_fills_after_the_payment_loses_nothing(
    folder: RunFolder, fake: FakeFal, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as full:
        write = journals.append_line

        def only_intentions(path: Path, value: dict[str, Any]) -> None:
            if value["event"] != "intended":
                raise RunFolderError("No space left on device")
            write(path, value)

        full.setattr(journals, "append_line", only_intentions)
        event = buy_one(folder)
    assert isinstance(event.error, RunFolderError)
    assert fake.books.entries[0].request_id in event.text  # the only place where it is known
    assert buy_one(folder).kind == "done"
    assert len(fake.of("submit")) == 1
    agrees(folder, fake)


@pytest.mark.usefixtures("near")
def test_a_clock_that_jumps_changes_nothing(folder: RunFolder, fake: FakeFal, monkeypatch: pytest.MonkeyPatch):
    real = time.time
    jumps = iter([0.0, 86_400.0, -86_400.0 * 400])

    def jumping() -> float:
        return real() + next(jumps, 0.0)

    monkeypatch.setattr(uploads.time, "time", jumping)
    assert buy_one(folder).kind == "done"
    assert buy_one(folder).kind == "done"
    assert len(fake.of("submit")) == 1


def test_the_pauses_are_real_outside_of_tests():
    """The tests shorten them; nobody else does."""
    assert sum(patience.AFTER_SILENCE) > 60
    assert patience.interval(0) >= 0.25
    assert patience.interval(3600) == 5.0
    assert patience.WEATHER >= 180
    assert sum(patience.LOOK_UP) >= 30
