# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Histories of an unfair service: fal.ai answers anything at any moment, the program dies and is started again, prices
change, limits are set and raised, and the user asks for things twice. What must hold after each is in ``wrongs``.

``draw`` makes a history from a source of chance, ``play`` lives through it against the fake and gives back what is wrong.
The child is a real process (forked.py); its pauses are shortened, and everything else is as it is.
"""

from __future__ import annotations

import json
import random
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from consistency_pipeline.fal_backend import backend as backends
from consistency_pipeline.fal_backend import prices
from consistency_pipeline.fal_backend.backend import FalBackend
from consistency_pipeline.fal_backend.child.messages import Hello
from consistency_pipeline.pipeline import plan
from consistency_pipeline.pipeline.backend.requests import Request
from consistency_pipeline.pipeline.errors import ConsistencyError
from consistency_pipeline.pipeline.money.ledger import Ledger
from consistency_pipeline.pipeline.money.spending import SpendingBook
from consistency_pipeline.pipeline.run.attempt import Attempt
from consistency_pipeline.pipeline.run.journal import Journal
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from tests.fake_fal import API_KEY, Entry, FakeFal
from tests.fake_fal.oddities import CATALOGUE
from tests.fake_fal.platform import Listing

from .forked import ForkedChild, Kill, Nursery
from .shop import clip, new_folder, stills, with_prices

WORDS = "a duck"
SCHNELL = "fal-ai/flux/schnell"
PATIENCE = 20.0  # seconds of one life, after which it is killed
CENT = 1e-6
WISHES = ("picture", "front", "side", "clip")
ANGLES = {"front": "front", "side": "three-quarter"}
WEIGHTS = {
    "submit": 6,
    "status": 4,
    "result": 5,
    "download": 3,
    "requests": 4,
    "pricing": 3,
    "cancel": 1,
    "token": 1,
    "upload": 1,
    "connect": 1,
    "*": 1,
}
SHORT = 0.3  # seconds that an oddity lasts at most where it lasts for a while; the child's pauses are as short


# a history


@dataclass(frozen=True)
class Odd:
    """A fault of the catalogue: ``times`` (None: until the weather clears), or as long as ``lasting`` seconds, after ``skip`` fair answers."""

    name: str
    times: int | None = 1
    lasting: float | None = None
    skip: int = 0


@dataclass(frozen=True)
class Change:
    """What changes between two lives; None leaves it. ``limit``: of the run named, in USD."""

    clears: bool = False
    listing: dict[str, Any] | None = None
    price_factor: float | None = None
    limit: tuple[int, float] | None = None
    advance: float | None = None  # seconds


@dataclass(frozen=True)
class Life:
    """One start of the program on one run, or on several at once, under the oddities that are in force then.

    ``agreed``: the user is shown the prices first, as the commands do; else they are those of the life before, an hour
    old. ``let_go``: the parent dies and the child is left to itself. ``cancels``: at the first word from fal.
    """

    runs: tuple[int, ...]
    odds: tuple[Odd, ...] = ()
    change: Change = Change()
    kill: Kill | None = None
    send_again: bool = False
    retry_failed: bool = False
    agreed: bool = True
    let_go: bool = False
    cancels: bool = False


@dataclass(frozen=True)
class History:
    wishes: tuple[tuple[str, ...], ...]  # of each run
    limits: tuple[float | None, ...]  # USD of each run
    day: float | None  # USD
    skew: float  # seconds that fal's clock is ahead of ours
    lives: tuple[Life, ...]


def draw(dice: random.Random) -> History:
    runs = dice.choice((1, 1, 2))
    wishes = tuple(_some_wishes(dice) for _ in range(runs))
    limits = tuple(dice.choice((None, None, 0.003, 0.028, 0.06)) for _ in range(runs))
    lives = tuple(_life(dice, runs, number) for number in range(dice.randint(1, 4)))
    return History(
        wishes, limits, dice.choice((None, None, 0.03)), dice.choice((0, 0, 660.0, -660.0, 86_400.0, -3600.0)), lives
    )


def _some_wishes(dice: random.Random) -> tuple[str, ...]:
    often = [wish for wish in WISHES[:3] if dice.random() < 0.6] or ["picture"]
    return tuple(often + ["clip"] * (dice.random() < 0.08))


def _life(dice: random.Random, runs: int, number: int) -> Life:
    both = runs > 1 and dice.random() < 0.4
    return Life(
        runs=tuple(range(runs)) if both else (dice.randrange(runs),),
        odds=_odds(dice),
        change=_change(dice, runs),
        kill=Kill(dice.randint(1, 40), dice.choice(("before", "after", "after", "torn")))
        if dice.random() < 0.4
        else None,
        send_again=dice.random() < 0.15,
        retry_failed=dice.random() < 0.15,
        agreed=number == 0 or dice.random() < 0.8,
        let_go=dice.random() < 0.05,
        cancels=dice.random() < 0.05,
    )


def _odds(dice: random.Random) -> tuple[Odd, ...]:
    """Some answers at any place, or several that make each other worse."""
    storms = (
        ("accepted-", "requests-"),
        ("accepted-", "date-"),
        ("status-", "result-"),
        ("result-", "requests-"),
        ("accepted-", "result-"),
        ("price", "accepted-"),
    )
    if dice.random() < 0.4:
        return tuple(_odd(dice, start) for start in dice.choice(storms))
    return tuple(_odd(dice) for _ in range(dice.choice((0, 1, 2, 3, 4))))


def _odd(dice: random.Random, start: str = "") -> Odd:
    """Any that can be seen at an operation drawn by weight, or whose name starts so."""
    operation = dice.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    rows = [(name, odd.operation) for name, odd in CATALOGUE.items() if odd.sort != "lie"]
    names = [name for name, where in rows if (name.startswith(start) if start else where == operation)]
    name, how = dice.choice(names), dice.random()
    if CATALOGUE[name].fault.get("reprice", 1.0) != 1.0:  # prices that multiply for a while pass any limit
        return Odd(name)
    lasting = round(dice.uniform(0.02, SHORT), 3) if how > 0.75 else None
    return Odd(name, dice.choice((1, 1, 2, 3, 6, None)), lasting, dice.choice((0, 0, 0, 1, 2)))


def _change(dice: random.Random, runs: int) -> Change:
    how = dice.random()
    if how < 0.25:
        return Change(clears=True)
    if how < 0.4:
        return Change(
            listing=dice.choice(
                (
                    {"shows_open": False},
                    {"lag": 0.05},
                    {"payloads": False},
                    {"order": "oldest"},
                    {"order": "shuffled"},
                    {"largest_page": 1},
                    {"strangers": True},
                )
            )
        )
    if how < 0.48:
        return Change(price_factor=dice.choice((4.0, 1.5, 0.25)))
    if how < 0.6:
        return Change(limit=(dice.randrange(runs), dice.choice((0.028, 0.06, 1.0))))
    if how < 0.68:
        return Change(advance=dice.choice((60.0, 900.0)))
    return Change()


# living through it


@dataclass
class Run:
    root: Path
    wishes: tuple[str, ...]

    @property
    def folder(self) -> RunFolder:
        return RunFolder.open(self.root)

    def requests(self) -> list[Request]:
        folder, found = self.folder, []
        for wish in self.wishes:
            if wish == "picture":
                found.append(plan.picture_request(folder, folder.settings))
            elif wish == "clip":
                found.append(clip(folder))
            else:
                found += stills(folder, ANGLES[wish])
        return found


@dataclass
class Told:
    """What the user heard in one life: the last event's text and error of each key, and whether it was fair weather."""

    life: Life
    run: int
    fair: bool
    ended: dict[str, tuple[str, str]] = field(default_factory=dict)  # key → (kind, text)
    accepted: list[Entry] = field(default_factory=list)  # by fal meanwhile, for whichever run
    overdue: bool = False


class World:
    """One history's place: its run folders, its machine's state folder, and the fake as new."""

    def __init__(self, history: History, fake: FakeFal, nursery: Nursery, place: Path) -> None:
        self.history, self.fake, self._nursery = history, fake, nursery
        self.kills = self.hits = 0
        fake.forget()
        fake.advance(history.skew)
        self.first_price = {name: fake.prices[name].usd for name in fake.endpoints}
        common: dict[str, Any] = {
            "picture_endpoint": SCHNELL,
            "overrides": {SCHNELL: {"image_size": "square"}},
            "text": WORDS,
            "inputs": (),
        }
        self.runs = []
        for number, (wishes, limit) in enumerate(zip(history.wishes, history.limits, strict=True)):
            folder = new_folder(place / f"run-{number}", **common, budget=limit, daily_budget=history.day)
            self.runs.append(Run(folder.root, wishes))
        self.children: list[ForkedChild] = []
        self.told: list[Told] = []
        # (moment by the fake's clock, run or None for the day, USD)
        self.limits = [(0.0, number, limit) for number, limit in enumerate(history.limits)] + [(0.0, None, history.day)]
        self.wrongs: list[str] = []

    # between two lives

    def change(self, change: Change) -> None:
        fake = self.fake
        if change.clears:
            self._clear()
        if change.listing:
            fake.listing = replace(fake.listing, **change.listing)
        if change.price_factor:
            fake.prices.scale(change.price_factor)
        if change.advance:
            fake.advance(change.advance)
        if change.limit:
            self.limit(*change.limit)

    def _clear(self) -> None:
        self.hits += sum(fault.hits for fault in self.fake.faults.all)
        self.fake.faults.clear()
        self.fake.listing = Listing()

    def limit(self, run: int, usd: float | None) -> None:
        """Set or raise a run's limit; the program never lowers one by itself, and neither does this user."""
        folder = self.runs[run].folder
        now = folder.settings.money.budget
        if usd is None or now is None or usd > now:
            self._bury()  # a child of an earlier life goes on with the limits of that life
            folder.settings = folder.settings.model_copy(update={"budget": usd})
            self.limits.append((self.fake.clock(), run, usd))

    def no_limits(self) -> None:
        for number, run in enumerate(self.runs):
            run.folder.settings = run.folder.settings.model_copy(update={"budget": None, "daily_budget": None})
            self.limits.append((self.fake.clock(), number, None))
        self.limits.append((self.fake.clock(), None, None))

    def fair(self) -> bool:
        listing = replace(self.fake.listing, order="newest")
        return listing == Listing() and all(fault.times == 0 for fault in self.fake.faults.all)

    # one life

    def live(self, life: Life) -> None:
        self.change(life.change)
        for odd in life.odds:
            options = {"lasting": odd.lasting} if odd.lasting else {"times": odd.times}
            self.fake.oddity(odd.name, skip=odd.skip, **options)
        for number in life.runs:
            self._agree(self.runs[number], life.agreed)
        # A child that is left to itself lives on into the next life's weather.
        told = [Told(life, number, self.fair() and not life.let_go) for number in life.runs]
        before = len(self.fake.books)
        backs = [self._backend(number, life) for number in life.runs]
        try:
            for number, backend in zip(life.runs, backs, strict=True):
                for request in self.runs[number].requests():
                    backend.start(request)
            self._listen(backs, told, life)
        finally:
            for backend in backs:
                if life.let_go:
                    backend._connection.let_go()
                else:
                    backend.close()
        for one in told:
            one.accepted = list(self.fake.books.entries[before:])
        self.told += told

    def _backend(self, number: int, life: Life) -> FalBackend:
        with _connecting(lambda hello: self._child(hello, life.kill)):
            folder = self.runs[number].folder
            return FalBackend(folder, API_KEY, send_again=life.send_again, retry_failed=life.retry_failed)

    def _child(self, hello: Hello, kill: Kill | None) -> ForkedChild:
        self.children.append(ForkedChild(self._nursery, hello.to_json(), kill))
        return self.children[-1]

    def _agree(self, run: Run, anew: bool) -> None:
        """As the commands: fal's prices, else those that are remembered; or those of the last time, an hour old."""
        folder = run.folder
        if not anew and folder.prices:
            old = {name: row | {"at": _hour_before(row.get("at", ""))} for name, row in folder.prices.items()}
            folder.note(prices=old)
            return
        try:
            with_prices(folder, run.requests())
        except ConsistencyError:
            folder.note(prices=prices.remembered([SCHNELL, folder.settings.stills.image_endpoint]))

    def _listen(self, backs: list[FalBackend], told: list[Told], life: Life) -> None:
        deadline = time.monotonic() + PATIENCE
        while any(backend.in_flight or backend._events for backend in backs):
            if time.monotonic() > deadline:
                for backend, one in zip(backs, told, strict=True):
                    one.overdue = bool(backend.in_flight)
                    backend._connection.kill()
                return
            for backend, one in zip(backs, told, strict=True):
                for event in backend.poll(0.02):
                    if event.ends:
                        one.ended[event.key] = (event.kind, f"{type(event.error).__name__}: {event.text}")
                    elif event.request_id or event.kind in ("queued", "running"):
                        if life.cancels:
                            backend.cancel()
                        if life.let_go:
                            return

    def finish(self) -> None:
        """Fair weather from now on, and the user sees it through."""
        self._bury()
        self._clear()
        self.no_limits()
        everywhere = tuple(range(len(self.runs)))
        self.live(Life(everywhere))
        for wishes in ({}, {"send_again": True}, {"send_again": True, "retry_failed": True}):
            if self._unfinished():
                self.live(Life(everywhere, **wishes))
        self._bury()
        self.fake.wait()

    def _bury(self) -> None:
        """Wait for all children, those too that were left to themselves."""
        for child in self.children:
            status = child.wait(PATIENCE)
            if status is None:
                self.wrongs.append("a child that was left to itself does not end")
                child.kill()
            self.kills += status == -signal.SIGKILL
        self.children.clear()

    def _unfinished(self) -> list[str]:
        return [
            f"{number}/{request.key}"
            for number, run in enumerate(self.runs)
            for request in run.requests()
            if Journal(run.folder.journal).purchases.next_step(request.key) != "done"
        ]


def _hour_before(moment: str) -> str:
    from datetime import UTC, datetime, timedelta

    try:
        return (datetime.fromisoformat(moment) - timedelta(hours=1)).isoformat(timespec="seconds")
    except ValueError:
        return datetime.now(UTC).isoformat(timespec="seconds")


@contextmanager
def _connecting(connect: Callable[[dict[str, Any]], ForkedChild]) -> Iterator[None]:
    usual = backends.connect
    backends.connect = lambda hello, _python_args=(): connect(hello)  # type: ignore[assignment]
    try:
        yield
    finally:
        backends.connect = usual


def play(
    history: History, fake: FakeFal, nursery: Nursery, place: Path, counts: Counter[str] | None = None
) -> list[str]:
    """Live through a history; what is wrong afterwards, one sentence each."""
    world = World(history, fake, nursery, place)
    for life in history.lives:
        world.live(life)
    world.finish()
    found = wrongs(world)
    if counts is not None:
        counts += Counter(_counted(world))
    return found


def _counted(world: World) -> dict[str, int]:
    books = world.fake.books_kept
    lives = [one.life for one in world.told]
    return {
        "histories": 1,
        "lives": len(lives),
        "kills": world.kills,
        "odd answers": world.hits,
        "accepted": len(books),
        "billed": len(books.billed),
        "overdue": sum(one.overdue for one in world.told),
    }


# what must hold


@dataclass
class _Line:
    """An attempt as journal, ledger and folder show it."""

    run: int
    attempt: Attempt
    billed_usd: float | None
    uncertain_usd: float
    on_disk: set[str]  # SHA-256 of its files


def wrongs(world: World) -> list[str]:
    """Everything in which journal, ledger, spending book or folder is not as fal's books are."""
    found = list(world.wrongs)
    books = list(world.fake.books_kept)
    try:
        lines = [line for number, run in enumerate(world.runs) for line in _lines(number, run)]
    except (ConsistencyError, OSError, ValueError) as error:
        return [*found, f"a run folder can't be read: {error}"]
    by_request: dict[str, list[_Line]] = defaultdict(list)
    for line in lines:
        if line.attempt.request_id:
            by_request[line.attempt.request_id].append(line)
    found += [f"{request} is in {len(many)} attempts" for request, many in by_request.items() if len(many) > 1]
    found += [f"fal never accepted {request}" for request in by_request.keys() - {e.request_id for e in books}]
    for entry in books:
        found += _about(entry, by_request.get(entry.request_id, []), lines, world)
    found += _twice(books, by_request, lines, world)
    found += _limits(books, by_request, lines, world)
    found += _book(lines, world)
    found += _untrue(by_request, lines, world)
    found += _unsaid(world)
    found += [f"{key} is not done though the weather is fair" for key in world._unfinished()]
    return found


def _lines(number: int, run: Run) -> list[_Line]:
    import hashlib

    attempts = Journal(run.folder.journal).purchases.attempts
    ledger = Ledger.read([run.root]).lines
    assert len(ledger) == len(attempts)
    lines = []
    for attempt, line in zip(attempts, ledger, strict=True):
        files = [run.root / str(receipt.file) for receipt in attempt.downloaded.values()]
        here = {hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.is_file()}
        lines.append(_Line(number, attempt, line.billed_usd, line.uncertain_usd, here))
    return lines


def _about(entry: Entry, mine: list[_Line], lines: list[_Line], world: World) -> list[str]:
    name = f"{entry.request_id[:8]} ({entry.endpoint}, answered {entry.answered}, {entry.status_code}, ${entry.usd:g})"
    if not mine:
        open_to_it = [line for line in lines if _may_be(line, entry)]
        if not open_to_it:
            return [f"{name} is in no journal"]
        if not _user_asked(world, "send_again"):
            return [f"{name} is in no journal, only {open_to_it[0].attempt.key} may be it"]
        return []
    found, line = [], mine[0]
    if line.attempt.endpoint != entry.endpoint or line.attempt.arguments != entry.arguments:
        found.append(f"{name} is held for {line.attempt.key}, which asked for something else")
    told = (entry.usd, entry.units * entry.listed[0]) if _was_so(entry, world) else (entry.usd,)
    if line.billed_usd is not None and all(abs(line.billed_usd - usd) > CENT for usd in told):
        found.append(f"{name}: the ledger says billed ${line.billed_usd:g}")
    if entry.billed and line.billed_usd is None and not line.uncertain_usd:
        found.append(f"{name}: the ledger says neither billed nor uncertain ({line.attempt.next_step})")
    return found


def _was_so(entry: Entry, world: World) -> bool:
    """The price list had said a price that was true then, and nobody asked again before it changed."""
    if entry.listed is None or entry.listed[1] != entry.unit or not isinstance(entry.listed[0], float):
        return False
    first = world.first_price[entry.endpoint]
    return any(abs(entry.listed[0] - first * factor) < CENT for factor in world.fake.prices.factors)


def _may_be(line: _Line, entry: Entry) -> bool:
    """An attempt of unknown fate that may be this request."""
    return _same_words(line, entry) and line.attempt.request_id is None and bool(line.uncertain_usd)


def _same_words(line: _Line, entry: Entry) -> bool:
    return (line.attempt.endpoint, line.attempt.arguments) == (entry.endpoint, entry.arguments)


def _user_asked(world: World, wish: str) -> list[Told]:
    """Lives in bad weather in which the user asked to buy again: then paying twice is his word."""
    return [one for one in world.told if getattr(one.life, wish) and not one.fair]


def _twice(books: list[Entry], by_request: dict[str, list[_Line]], lines: list[_Line], world: World) -> list[str]:
    """More than one result paid for one key, or one that is on no disk."""
    paid: dict[tuple[int, str], list[Entry]] = defaultdict(list)
    for entry in books:
        if entry.billed and entry.status_code == 200:
            mine = by_request.get(entry.request_id) or [line for line in lines if _may_be(line, entry)]
            for line in mine[:1]:
                paid[line.run, line.attempt.key].append(entry)
    found = []
    for (run, key), entries in paid.items():
        asked = sum(one.run == run for wish in ("send_again", "retry_failed") for one in _user_asked(world, wish))
        if len(entries) > 1 + asked:
            found.append(f"{run}/{key} is paid {len(entries)} times, ${sum(e.usd for e in entries):g}")
        here = {sha for line in lines if (line.run, line.attempt.key) == (run, key) for sha in line.on_disk}
        if not any(here & set(entry.files.values()) for entry in entries):
            found.append(f"{run}/{key} is paid, and its result is not on disk")
    return found


def _limits(books: list[Entry], by_request: dict[str, list[_Line]], lines: list[_Line], world: World) -> list[str]:
    """At each acceptance the sum of what was accepted so far is within the limits in force."""
    found, sums = [], defaultdict(float)
    for entry in books:
        mine = by_request.get(entry.request_id) or [line for line in lines if _may_be(line, entry)]
        scopes: list[int | None] = [None, *(line.run for line in mine[:1])]
        for scope in scopes:
            sums[scope] += _foreseeable(entry, world)
            limit = next(
                (usd for at, run, usd in reversed(world.limits) if run == scope and at <= entry.submitted_at), None
            )
            if limit is not None and sums[scope] > limit + CENT:
                who = "the day" if scope is None else f"run {scope}"
                found.append(f"{who} has ${sums[scope]:g} with {entry.request_id[:8]}, and its limit is ${limit:g}")
    return found


def _foreseeable(entry: Entry, world: World) -> float:
    """USD that a careful buyer reckons with: the bill, or where the price list was wrong, the bill at the first price."""
    if entry.listed is None or entry.listed != (entry.unit_price, entry.unit):
        return entry.usd * min(1.0, world.first_price[entry.endpoint] / entry.unit_price)
    return entry.usd


def _book(lines: list[_Line], world: World) -> list[str]:
    """The machine's book of spendings holds for each run what its journal commits."""
    found, spent = [], defaultdict(float)
    for entry in SpendingBook().entries():
        spent[entry.run] += entry.usd
    for number, run in enumerate(world.runs):
        mine = sum(line.attempt.committed_usd for line in lines if line.run == number)
        book = spent[run.folder.id]
        if abs(mine - book) > CENT:
            found.append(f"run {number}: the book of spendings has ${book:g}, the journal ${mine:g}")
    return found


def _untrue(by_request: dict[str, list[_Line]], lines: list[_Line], world: World) -> list[str]:
    """The user was told that nothing was billed, and it was."""
    found = []
    for one in world.told:
        said = [key for key, (kind, text) in one.ended.items() if kind == "failed" and "othing was billed" in text]
        for entry in (entry for entry in one.accepted if entry.billed):
            mine = by_request.get(entry.request_id) or [line for line in lines if _same_words(line, entry)]
            if any((line.run, line.attempt.key) == (one.run, key) for line in mine[:1] for key in said):
                text = one.ended[mine[0].attempt.key][1]
                found.append(f"{entry.request_id[:8]} is billed, and the user was told: {text[:120]}")
    return found


def _unsaid(world: World) -> list[str]:
    """Sentences that were not so, keys written down, and halves of files."""
    found = []
    for one in world.told:
        for key, (kind, text) in one.ended.items():
            if API_KEY.partition(":")[2] in text:
                found.append(f"{key}: the key is shown: {text[:80]}")
            if kind == "failed" and "an unforeseen" in text:
                found.append(f"{key}: {text[:200]}")
    for run in world.runs:
        for file in (f for f in run.root.rglob("*") if f.is_file()):
            if API_KEY.partition(":")[2].encode() in file.read_bytes():
                found.append(f"the key is in {file.name}")
            if file.name.endswith(".part"):
                found.append(f"{file.name} is left")
    return found


def to_text(history: History) -> str:
    """A history to be read by a person."""
    lines = [f"wishes {history.wishes}, limits {history.limits}, day {history.day}, fal's clock {history.skew:+g} s"]
    for life in history.lives:
        shown = {n: v for n, v in life.__dict__.items() if v not in ((), None, False, True, Change()) and n != "odds"}
        flags = [n for n in ("send_again", "retry_failed", "let_go", "cancels") if getattr(life, n)]
        flags += [] if life.agreed else ["not agreed anew"]
        lines.append(f"  {shown} {flags} {[(o.name, o.times, o.lasting, o.skip) for o in life.odds]}")
    return "\n".join(lines)


def journals(root: Path) -> str:
    """The journals below a place, for whoever looks into a wrong."""
    return "\n".join(f"{path}\n{_brief(path)}" for path in sorted(root.rglob("journal.jsonl")))


def _brief(path: Path) -> str:
    lines = []
    for raw in path.read_text(errors="replace").splitlines():
        with suppress(ValueError):
            event = json.loads(raw)
            kept = {
                k: v
                for k, v in event.items()
                if k not in ("arguments", "at", "outputs", "places", "status_url", "response_url", "cancel_url")
            }
            lines.append(f"    {json.dumps(kept)[:300]}")
    return "\n".join(lines)
