# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""``consistency catalogue``: a table of products becomes one run each, under one budget, resumable, with one page over all.

``catalogue`` reads and checks, says what it will cost, and asks; ``Workshop.work`` sees one row through; the conductor has
several rows under way at once. Every purchase goes through its row's own run, as in ``consistency run``.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import sys
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..pipeline.catalogue import listing
from ..pipeline.catalogue.budget import Share, SharedBudget
from ..pipeline.catalogue.changes import as_asked, change_of, set_before_aside
from ..pipeline.catalogue.conductor import Conductor, Ended, RowSteps, Tally
from ..pipeline.catalogue.decisions import apply_decisions, read_decisions
from ..pipeline.catalogue.progress import Style, Teller, in_words
from ..pipeline.catalogue.rows import Row, chosen, files_faults, rows_of, shops_of
from ..pipeline.catalogue.state import RowState, Standing, keep_note, note_end, standing
from ..pipeline.catalogue.table import TableError, read_table
from ..pipeline.catalogue.template import read_template, save_template, template_of, with_absolute
from ..pipeline.deliver.delivery import Wishes, summary
from ..pipeline.deliver.folders import SHOP
from ..pipeline.driver import PAUSE, cancellable, finish
from ..pipeline.errors import (
    EXIT_STATUS,
    BudgetExceeded,
    Cancelled,
    ConsistencyError,
    Kind,
    RunFolderError,
    RunInUse,
    UsageError,
    unforeseen,
)
from ..pipeline.run.lease import Lease
from ..pipeline.run.preflight import check, check_place
from ..pipeline.run.run_folder import RunFolder
from ..pipeline.settings.choices import BackendName
from ..pipeline.settings.groups import RunSettings
from ..pipeline.settings.options import OPTIONS
from ..pipeline.system.disk import age
from ..pipeline.terminal import Stop, say
from ..pipeline.wording.text_table import text_table, usd
from ..surroundings import find_key, python_args, versions

if TYPE_CHECKING:
    import argparse

    from ..fal_backend.backend import FalBackend
    from ..fal_backend.quote import Estimate, Prices
    from ..pipeline.backend.local import LocalBackend
    from ..pipeline.backend.ports import Backend, Studio
    from ..pipeline.stages import Steps

FRESH = 600.0  # seconds that prices are shared by rows; each purchase asks for its own once more
AT_ONCE = 6  # rows under way, where they wait some seconds for stills
LONG_WAITS = 10  # where they wait minutes for clips or models, in which many others can be rendered
QUIET = 60.0  # seconds in which the child of a process that was killed has begun, and taken its lease
PURCHASES = ".purchases.lease"  # of a run, held by the child that buys and saves
LEAVES = 10.0  # seconds in which the child of a row that has ended has written all down and left
AGAIN = 5.0  # seconds until it is looked again what killed processes have left
LISTED = 40  # rows that an estimate lists by name

Asks = Callable[[list[str]], Generator[Any, None, "Prices"]]


@dataclass(frozen=True)
class Services:
    """What a surface has: the key, fal.ai's prices, and a studio for a run."""

    need_key: Callable[[], str]
    ask_prices: Asks
    studio: Callable[[RunFolder], Studio]
    deliver: Callable[[RunFolder, Wishes], Steps[dict[str, Any]]]


def catalogue(options: argparse.Namespace, services: Services) -> dict[str, Any]:
    """The whole command. Raises ConsistencyError where nothing can begin; how rows ended is in what it returns."""
    out = options.out.expanduser().absolute()
    table = read_table(options.table.expanduser().absolute())
    base, shops = _base(options)
    rows = rows_of(table, out, base, shops)
    picked = [rows[number] for number in chosen(len(rows), options.rows, options.shard)]
    if not options.emit:
        check_place(out)
    notes = _decide(out, rows, options.decisions) if options.decisions is not None else []
    if options.emit:
        return _emit(options, picked, out)
    if options.page:
        listed = listing.write_listing(out, table.name, rows)
        return {"status": "done", **_facts(listed), "text": str(out / listing.PAGE)}
    return make_rows(out, table.name, rows, picked, options, services, notes)


def make_rows(
    out: Path,
    table: str,
    rows: Sequence[Row],
    picked: Sequence[Row],
    options: argparse.Namespace,
    services: Services,
    notes: list[str],
) -> dict[str, Any]:
    """Check, estimate, ask, and make the rows that are ``picked``. Raises ConsistencyError where nothing can begin."""
    workshop = Workshop(out, rows, picked, options, services)
    workshop.check(table)
    workshop.estimate()
    if options.estimate:
        return {"status": "done", **workshop.costs.to_json(), "text": workshop.costs.table()}
    if workshop.costs.begins:
        say(workshop.costs.table())
        workshop.agree(yes=options.yes)
    tally, stopped = workshop.run(options.stdout)
    listed = listing.write_listing(out, table, rows, picked, workshop.looks)
    return _summary(out, listed, tally, stopped, notes)


def _emit(options: argparse.Namespace, picked: Sequence[Row], out: Path) -> dict[str, Any]:
    """Write the job of a render farm. The options of every task are those given here, but which rows."""
    from ..pipeline.catalogue.engines import Job, emit, how_to_run

    words = ["--yes"]
    for name in ("backend", "budget", "product_budget", "at_once", "concurrency"):
        value = getattr(options, name)
        if value is not None:
            words += [f"--{name.replace('_', '-')}", f"{value:g}" if isinstance(value, float) else str(value)]
    if options.shops is not None:
        words += ["--for", with_absolute(options.shops, Path.cwd())]
    switches = ("budget_share", "retry_failed", "send_again")
    words += [f"--{name.replace('_', '-')}" for name in switches if getattr(options, name)]
    bpy = sys.modules.get("bpy")  # loaded at all times in Blender; the wheel's name no program
    is_blender = bpy is not None and bool(bpy.app.binary_path)
    job = Job(
        name=options.table.stem,
        table=options.table.expanduser().absolute(),
        out=out,
        template=options.template.expanduser().absolute() if options.template is not None else None,
        numbers=[row.number for row in picked],
        chunk=options.chunk,
        options=tuple(words),
        program="blender" if is_blender else "consistency",
        before=("--command", "consistency") if is_blender else (),
    )
    written = emit(options.emit, job)
    text = "\n".join([*map(str, written), how_to_run(options.emit, written)])
    return {"status": "done", "written": [str(path) for path in written], "text": text}


def template(options: argparse.Namespace) -> dict[str, Any]:
    """``consistency template``. Raises UsageError."""
    from ..pipeline.settings.arguments import settings_from

    settings = settings_from(options, has_key=find_key() is not None)
    if settings.inputs.files or settings.inputs.text:
        raise UsageError("a template is for all products; name each product's input in the table")
    made = template_of(settings)
    if options.backend is None:
        made.pop("backend")
    out = options.out.expanduser().absolute()
    if out.exists():
        raise UsageError(f"{out} is there already; choose another file with --out")
    if options.shops is not None:
        shops_of(options.shops)
    save_template(out, made, options.shops or "")
    return {"status": "done", "template": str(out), "options": made, "text": str(out)}


def page(options: argparse.Namespace) -> dict[str, Any]:
    """``consistency page``: the same page for one run. Raises ConsistencyError."""
    root = RunFolder.open(options.run.expanduser().absolute()).root
    problems: list[str] = []
    if options.decisions is not None:
        decided = read_decisions(options.decisions.expanduser().absolute())
        changed, problems = apply_decisions(root, {"."}, decided)
        for problem in problems:
            say(f"not decided: {problem}")
        say(f"{changed} of {len(decided)} decisions were carried out")
    written = listing.page_of_a_run(root)
    return {"status": "done", "page": str(written), "not_decided": problems, "text": str(written)}


def _base(options: argparse.Namespace) -> tuple[RunSettings, str]:
    """What holds for each row that does not say otherwise, and what to deliver for. Raises UsageError."""
    common, shops = (
        read_template(options.template.expanduser().absolute()) if options.template is not None else ({}, "")
    )
    shops = options.shops if options.shops is not None else shops
    if shops:
        shops_of(shops)
    backend = options.backend or common.get("backend") or ("fal" if find_key() is not None else "local")
    base = RunSettings(**{**common, "backend": backend})
    own = options.product_budget if options.product_budget is not None else base.money.product_budget
    limits = [limit for limit in (own, base.money.budget) if limit is not None]
    return base.model_copy(update={"budget": min(limits, default=None), "product_budget": None}), shops


def _decide(out: Path, rows: Sequence[Row], path: Path) -> list[str]:
    decided = read_decisions(path.expanduser().absolute())
    changed, problems = apply_decisions(out, {row.name for row in rows}, decided)
    for problem in problems:
        say(f"not decided: {problem}")
    say(f"{changed} of {len(decided)} decisions were carried out")
    return problems


# what it will cost


@dataclass
class Costs:
    """What the chosen rows will cost. USD; ``most`` with every retake."""

    rows: list[tuple[Row, Standing, Estimate | None]] = field(default_factory=list)
    seconds: float | None = None  # that a row took so far, on the average
    at_once: int = 1
    limit: float | None = None
    committed: float = 0.0
    to_do: frozenset[int] = frozenset()  # numbers of the rows that are to be worked on

    @property
    def begins(self) -> list[tuple[Row, Standing, Estimate | None]]:
        """Rows that are to be worked on."""
        return [each for each in self.rows if each[0].number in self.to_do]

    @property
    def total(self) -> float:
        return sum(costs.total for _, _, costs in self.rows if costs is not None)

    @property
    def most(self) -> float:
        return sum(costs.most for _, _, costs in self.rows if costs is not None)

    @property
    def at_most(self) -> float:
        """What may be spent at the most, the limit being kept."""
        return self.most if self.limit is None else min(self.most, max(0.0, self.limit - self.committed))

    @property
    def unknown(self) -> tuple[str, ...]:
        return tuple(sorted({name for _, _, costs in self.rows if costs is not None for name in costs.unknown}))

    @property
    def buys(self) -> bool:
        return any(costs is not None and costs.buys for _, _, costs in self.rows)

    @property
    def expected_seconds(self) -> float | None:
        return None if self.seconds is None else self.seconds * len(self.begins)

    def to_json(self) -> dict[str, Any]:
        listed = [
            {
                "row": row.number,
                "sku": row.sku,
                "state": now.state,
                "pictures": _pictures(row.settings),
                "total_usd": round(costs.total, 6) if costs is not None else 0.0,
                "most_usd": round(costs.most, 6) if costs is not None else 0.0,
            }
            for row, now, costs in self.rows
        ]
        return {
            "rows": listed,
            "total_usd": round(self.total, 6),
            "most_usd": round(self.most, 6),
            "budget_usd": self.limit,
            "committed_usd": round(self.committed, 6),
            "unknown": list(self.unknown),
            "expected_seconds": self.expected_seconds,
        }

    def table(self) -> str:
        lines: list[tuple[str, ...]] = []
        for row, now, costs in self.rows[:LISTED]:
            amounts = (usd(costs.total), usd(costs.most)) if costs is not None else ("$0.00", "$0.00")
            lines.append((str(row.number), row.sku, now.state, str(_pictures(row.settings)), *amounts))
        if len(self.rows) > LISTED:
            lines.append(("…", f"{len(self.rows) - LISTED} more", "", "", "", ""))
        pictures = sum(_pictures(row.settings) for row, _, _ in self.rows)
        lines.append(
            ("", f"{len(self.rows)} rows", f"{len(self.begins)} to do", str(pictures), usd(self.total), usd(self.most))
        )
        text = [text_table(("row", "sku", "state", "pictures", "USD", "at most"), lines)]
        if self.limit is not None:
            text.append(f"budget {usd(self.limit)}, of which {usd(self.committed)} is spent or set aside")
        if self.unknown:
            text.append(f"not in the sum, since its price is not known: {', '.join(self.unknown)}")
        if self.expected_seconds is not None:
            text.append(
                f"about {_span(self.expected_seconds)}, as the finished rows took {_span(self.seconds or 0.0)} each"
            )
        elif self.begins:
            text.append("how long it takes is known once a row is finished")
        return "\n".join(text)


def _pictures(settings: RunSettings) -> int:
    return len(settings.studio.angles) * settings.stills.takes


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    return (
        f"{seconds:.0f} s"
        if seconds < 90
        else f"{minutes // 60} h {minutes % 60:02d} min"
        if minutes >= 60
        else f"{minutes} min"
    )


# the rows


class Workshop:
    """What all rows of one call share."""

    def __init__(
        self, out: Path, rows: Sequence[Row], picked: Sequence[Row], options: argparse.Namespace, services: Services
    ) -> None:
        self.out, self._rows, self._picked, self._options, self._services = out, rows, picked, options, services
        self._budget = SharedBudget(out)
        self._stop: Stop | None = None
        self._prices: Prices = {}
        self._asked = float("-inf")
        self._endpoints: list[str] = []
        self._quotes: dict[tuple[object, ...], Estimate] = {}
        self._settled = float("-inf")
        self.looks = listing.Looks(shows=not options.estimate)
        self._is_paid = any(row.settings.service.backend == BackendName.FAL for row in picked)
        self._limit = self._own_limit()
        self.costs = Costs()

    def _own_limit(self) -> float | None:
        limit = self._options.budget
        if self._options.budget_share:
            if limit is None:
                raise UsageError("--budget-share divides a budget; give it with --budget")
            limit = limit * len(self._picked) / len(self._rows)
        return None if limit is None else float(limit)

    def check(self, table: str) -> None:
        """Look at the files of every row that is still to be made. Raises TableError with each fault."""
        faults = files_faults(self._picked)
        if faults:
            raise TableError(table, faults)

    def estimate(self) -> None:
        """Ask for prices where something is to be bought, and add up."""
        stands = [(row, self.looks.standing(row.root)) for row in self._picked]
        begins = [(row, now) for row, now in stands if self._is_to_do(now)]
        paid = [row for row, _ in begins if row.settings.service.backend == BackendName.FAL]
        if paid:
            from ..fal_backend import quote

            known: dict[tuple[object, ...], list[str]] = {}
            for row in paid:
                if row.price not in known:
                    known[row.price] = quote.endpoints(row.settings)
            self._endpoints = sorted({name for names in known.values() for name in names})
            finish(self._have_prices(), PAUSE)
            self._settle_quiet_ones()
        doing = {row.number for row, _ in begins}
        self.costs = Costs(
            [(row, now, self._cost(row) if row.number in doing else None) for row, now in stands],
            listing.mean_seconds(now for _, now in stands),
            self._at_once(),
            self._limit,
            self._budget.committed() if self._is_paid else 0.0,
            frozenset(doing),
        )

    def _is_to_do(self, now: Standing) -> bool:
        return now.state is not RowState.DONE and (now.state is not RowState.FAILED or self._options.retry_failed)

    def _have_prices(self) -> Generator[Any, None, None]:
        if time.monotonic() - self._asked > FRESH:
            self._prices = yield from self._services.ask_prices(self._endpoints)
            self._asked = time.monotonic()
            self._quotes.clear()

    def _cost(self, row: Row, folder: RunFolder | None = None) -> Estimate | None:
        """What is left to be bought for a row; None where nothing is bought."""
        if row.settings.service.backend == BackendName.LOCAL:
            return None
        from ..fal_backend import quote

        if (
            folder is None
            and (row.root / "run.json").is_file()
            and not _begins_anew(row, self.looks.standing(row.root))
        ):
            with contextlib.suppress(RunFolderError):
                folder = RunFolder.open(row.root)
        if folder is not None:
            again = {"send_again": self._options.send_again, "retry_failed": self._options.retry_failed}
            return quote.estimate(folder.settings, self._prices, folder, **again)
        if row.price not in self._quotes:
            self._quotes[row.price] = quote.estimate(row.settings, self._prices)
        return self._quotes[row.price]

    def agree(self, *, yes: bool) -> None:
        """Check what can't be kept, and ask for consent. Raises UsageError, Cancelled or BudgetExceeded."""
        if not self._is_paid:
            return
        from ..pipeline.money.spending import SpendingBook

        SpendingBook().check()
        if self.costs.unknown and self._limit is not None:
            from ..fal_backend.sentences import UNPRICED

            raise BudgetExceeded(UNPRICED.format(endpoint=self.costs.unknown[0]))
        if self.costs.most > self.costs.at_most + 1e-6:
            say(f"rows beyond the budget of {usd(self._limit)} are left; a higher one goes on with them")
        if yes or not self.costs.buys:
            return
        amount = usd(self.costs.at_most) + (
            f", and what {', '.join(self.costs.unknown)} asks" if self.costs.unknown else ""
        )
        if not sys.stdin.isatty():
            raise UsageError(f"this would spend up to {amount}; confirm with --yes")
        sys.stderr.write(f"Spend up to {amount}? [y/N] ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise Cancelled("nothing was spent")

    def _at_once(self) -> int:
        if self._options.at_once is not None:
            if self._options.at_once < 1:
                raise UsageError("--at-once is 1 or more")
            return int(self._options.at_once)
        if not self._is_paid:
            return 1
        return LONG_WAITS if any(map(_waits_long, self._picked)) else AT_ONCE

    def _in_order(self) -> list[Row]:
        """Rows that wait minutes at fal.ai first, so that others are rendered meanwhile and no wait is left for the end.

        In the table's order where a limit may leave some: then the person's order decides which.
        """
        if self.costs.most > self.costs.at_most + 1e-6:
            return list(self._picked)
        return sorted(self._picked, key=lambda row: not _waits_long(row))

    def run(self, stdout: Any) -> tuple[Tally, bool]:
        """Work through the rows. Returns how they ended, and whether somebody stopped it."""
        tell = Teller(Style(self._options.progress), stdout or sys.stdout, len(self._picked))
        self._tell = tell
        self._stop = stop = Stop()
        conductor = Conductor(self.work, tell, stop, at_once=self._at_once(), ends_all=self._ends_all)
        try:
            conductor.conduct(self._in_order())
            if self._limit is not None:
                self._once_more(conductor)
        finally:
            stop.restore()
        tally = conductor.tally
        if tally.stopped is not None:
            tell.fails(tally.stopped)
        return tally, stop.is_made

    def _once_more(self, conductor: Conductor) -> None:
        """Rows that were not begun while others still had more set aside than they then cost."""
        assert self._stop is not None
        while not self._stop.is_made and conductor.tally.stopped is None:
            left = [row for row in self._picked if self.looks.standing(row.root).state is RowState.NOT_BEGUN]
            if not left:
                return
            conductor.tally.states[RowState.NOT_BEGUN] = 0
            conductor.conduct(left)
            if conductor.tally.states[RowState.NOT_BEGUN] == len(left):
                return

    def _ends_all(self, error: ConsistencyError) -> bool:
        """Whether no other row can fare better: the key, or a full disk."""
        if self._is_paid:
            from ..fal_backend.errors import KEY_PROBLEMS, NoKey

            if isinstance(error, (*KEY_PROBLEMS, NoKey)):
                return True
        if isinstance(error, RunFolderError):
            try:
                check_place(self.out)
            except ConsistencyError:
                return True
        return False

    def work(self, row: Row) -> RowSteps:
        """See one row through, from wherever it is."""
        now = self.looks.standing(row.root)
        if now.state is RowState.NOT_BEGUN and (limit := self._too_dear(row)) is not None:
            return Ended(Standing(RowState.NOT_BEGUN, str(limit)), limit)
        if now.state is RowState.DONE and row.deliver and not _is_delivered(row, now):
            return (yield from self._alone(row, self._delivered(row)))
        return self._as_it_is(row, now) or (yield from self._alone(row, self._under_lease(row)))

    def _as_it_is(self, row: Row, now: Standing) -> Ended | None:
        """How a row is left that is finished, or failed and is not to be tried again; None for one that is to be worked on."""
        if now.state is RowState.DONE:
            changed = change_of(row, now)
            note = f"{changed}; remove its folder to have it made anew" if changed else ""
            return Ended(now, note=note, is_old=not note)
        return None if self._is_to_do(now) else Ended(now, note=f"{now.why}; --retry-failed tries it again")

    def _alone(self, row: Row, steps: RowSteps) -> RowSteps:
        """``steps``, while no other process may touch the row's folder."""
        lease = Lease(row.root / ".run.lease", "consistency catalogue")
        try:
            lease.acquire()
        except RunInUse as error:
            return Ended(Standing(RowState.WORKING), error, str(error))
        except ConsistencyError as error:
            return Ended(Standing(standing(row.root).state, str(error)), error)
        try:
            return (yield from steps)
        finally:
            steps.close()
            lease.release()

    def _delivered(self, row: Row) -> RowSteps:
        """A finished row's stills as its shops want them."""
        folder = RunFolder.open(row.root)
        shops = shops_of(row.deliver)
        wishes = Wishes(presets=shops, sku=row.sku)
        try:
            made = yield from self._services.deliver(folder, wishes)
        except ConsistencyError as error:
            return Ended(standing(row.root), error, f"not delivered: {error}")
        now = standing(row.root)
        told = [{name: shop[name] for name in ("preset", "outcome", "headline")} for shop in made["sets"].values()]
        keep_note(folder, delivered=_delivery(row, now), delivery=told)
        names = ", ".join(shop.key for shop in shops)
        return Ended(standing(row.root), note=str(summary(made).get("error") or f"delivered for {names}"))

    def _under_lease(self, row: Row) -> RowSteps:
        now = standing(row.root)
        if (left := self._as_it_is(row, now)) is not None:  # another process has ended it since it was looked at
            return left
        began = time.monotonic()
        try:
            folder, said = yield from self._prepared(row, now)
        except BudgetExceeded as error:
            begun = (row.root / "run.json").is_file()
            if begun:
                with contextlib.suppress(RunFolderError):
                    note_end(RunFolder.open(row.root), error, 0.0)
            return Ended(Standing(RowState.STOPPED if begun else RowState.NOT_BEGUN, str(error), now.usd), error)
        except ConsistencyError as error:
            return Ended(Standing(RowState.FAILED, str(error), now.usd), error)
        self._tell.begins(row, said)
        problem: ConsistencyError | None = None
        backend: FalBackend | LocalBackend | None = None
        try:
            studio = self._services.studio(folder)
            backend = self._backend(folder, studio)
            yield from self._chain(folder, studio, backend)
        except ConsistencyError as error:
            problem = error
        except Exception as error:  # noqa: BLE001 - one product's surprise must not take the others down
            problem = ConsistencyError(unforeseen(error))
        until = time.monotonic() + LEAVES
        while not (is_alone := backend is None or _is_over(backend, row.root)) and time.monotonic() < until:
            yield None
        if isinstance(problem, RunInUse):  # another has taken the run over: nothing in it is ours to change
            return Ended(Standing(RowState.WORKING, str(problem), now.usd), problem)
        with contextlib.suppress(RunFolderError):  # the drive may be what it failed of
            note_end(RunFolder.open(row.root), problem, time.monotonic() - began, is_open=_is_open(problem))
            if is_alone:
                self._settle(row.root)
        after = standing(row.root)
        if after.state is RowState.DONE and row.deliver and not self._stop_is_made:
            return (yield from self._delivered(row))
        # A disk that is full has no place for the reason either.
        return Ended(after, problem, after.headline if problem is None else after.why or str(problem))

    @property
    def _stop_is_made(self) -> bool:
        return self._stop is not None and self._stop.is_made

    def _prepared(self, row: Row, now: Standing) -> Generator[Any, None, tuple[RunFolder, str]]:
        """The row's run folder, with its share of the budget set aside, and what is to be said of it. Raises ConsistencyError."""
        said = change_of(row, now)
        if _begins_anew(row, now):
            said = f"{said}, and nothing was bought: it begins anew"
            check(row.settings)
            set_before_aside(row.root)
        elif said:
            said = f"{said}; it goes on as it was begun, remove its folder to have it made anew"
        begun = (row.root / "run.json").is_file()
        settings = _resumed(RunFolder.open(row.root).settings, row.settings) if begun else _fresh(row.settings)
        share = settings.money.budget
        if settings.service.backend == BackendName.FAL:
            yield from self._have_prices()
            share = self._set_aside(row, settings)
        settings = settings.model_copy(update={"budget": share})
        if not begun:
            check(settings)
            folder = RunFolder.create(row.root, settings, versions(), self._prices)
            with folder.together():
                keep_note(folder, **as_asked(row))
                if row.sku != settings.inputs.variant:  # a row of 'run --variants' has no article number
                    folder.note(sku=row.sku)
            if settings.service.backend == BackendName.FAL and (aside := self._budget.share(row.name)) is not None:
                self._budget.allot(row.name, aside.usd, None, folder.id)
            return folder, said
        folder = RunFolder.open(row.root)
        check(settings, resuming=folder)
        with folder.together():
            folder.settings = settings
            if self._prices:
                folder.note(prices=self._prices)
        return folder, said

    def _set_aside(self, row: Row, settings: RunSettings) -> float | None:
        """Set aside the most that the row may cost before anything of it is bought; its run's own limit from now on.

        Raises BudgetExceeded.
        """
        from ..fal_backend.quote import check_limits

        folder = RunFolder.open(row.root) if (row.root / "run.json").is_file() else None
        costs = self._cost(row, folder)
        assert costs is not None
        spent = folder.read_journal().purchases.committed_usd if folder is not None else 0.0
        own = settings.money.budget
        most = spent + costs.most
        if own is not None or self._limit is not None:
            check_limits(costs, settings.model_copy(update={"budget": most if own is None else own}))
        share = most if own is None else max(spent, min(own, most))
        if not _is_quiet(row.root):  # the child of a run that died may still send what it had been told to
            before = self._budget.share(row.name)
            share = max(share, before.usd if before is not None else 0.0)
        run = folder.id if folder is not None else ""
        try:
            self._budget.allot(row.name, share, self._limit, run)
        except BudgetExceeded:
            self._settle_quiet_ones()
            self._budget.allot(row.name, share, self._limit, run)
        return own if self._limit is None else share if own is None else min(own, share)

    def _too_dear(self, row: Row) -> BudgetExceeded | None:
        """Why a row that was not begun can't be begun now, told without touching its folder: a limit may leave thousands."""
        costs = self._cost(row) if self._limit is not None else None
        if costs is None:
            return None
        own = row.settings.money.budget
        share = costs.most if own is None else min(own, costs.most)
        for _ in range(2):
            try:
                self._budget.check(row.name, share, self._limit)
            except BudgetExceeded as error:
                problem = error
                self._settle_quiet_ones()
            else:
                return None
        return problem

    def _settle(self, root: Path) -> None:
        """Put what a row has cost in place of what was set aside, once nobody can buy anything for it any more."""
        if self._budget.share(root.name) is not None and _is_quiet(root):
            folder = RunFolder.open(root)
            self._budget.settle(root.name, folder.read_journal().purchases.committed_usd, folder.id)

    def _settle_quiet_ones(self) -> None:
        """The same for each row that a killed process has left, and for runs that were made without a budget. Not again at once:
        of thousands of rows that a limit stops, each asks for it."""
        if time.monotonic() - self._settled < AGAIN:
            return
        self._settled = time.monotonic()
        shares = self._budget.shares()
        for row in self._rows:
            share, run = shares.get(row.name), self.looks.standing(row.root).run
            is_known = share is not None and share.run in ("", run)
            if share is not None and not share.is_open and (is_known or not run):
                continue
            if not is_known and not _has_bought(row.root) and not (share is not None and share.is_open):
                continue
            lease = Lease(row.root / ".run.lease", "consistency catalogue")
            with contextlib.suppress(ConsistencyError):
                lease.check()
                if lease.is_held_here:
                    continue  # by another row of this process
                lease.acquire()
                try:
                    if _is_quiet(row.root) and (age(row.root / "run.json") or QUIET) >= QUIET:
                        self._settle_quiet(row, share)
                finally:
                    lease.release()

    def _settle_quiet(self, row: Row, share: Share | None) -> None:
        """Of a run whose folder is gone nobody knows any more what it has cost: all that it had counts."""
        folder = RunFolder.open(row.root) if (row.root / "run.json").is_file() else None
        if share is not None and share.is_open and share.run and (folder is None or folder.id != share.run):
            self._budget.settle(row.name, share.usd, share.run)
        if folder is not None:
            self._budget.settle(row.name, folder.read_journal().purchases.committed_usd, folder.id)
        elif share is not None and not share.run:
            self._budget.settle(row.name, 0.0)

    def _chain(self, folder: RunFolder, studio: Studio, backend: Backend) -> Generator[Any, None, None]:
        from ..pipeline import chain

        assert self._stop is not None
        try:
            with folder.seldom():  # all rows wait while one of them has its record synced
                steps = chain.run(folder, studio, backend, wait=0.0)
                yield from cancellable(steps, backend, self._stop, "run the same command again", 0.0)
        finally:
            backend.close()

    def _backend(self, folder: RunFolder, studio: Studio) -> FalBackend | LocalBackend:
        if folder.settings.service.backend == BackendName.LOCAL:
            from ..pipeline.backend.local import LocalBackend

            return LocalBackend(studio, folder.settings)
        from ..fal_backend.backend import FalBackend

        return FalBackend(
            folder,
            self._services.need_key(),
            python_args=python_args(),
            send_again=self._options.send_again,
            retry_failed=self._options.retry_failed,
            concurrency=self._options.concurrency,
            patience=0.0,  # other rows go on meanwhile
        )


def _delivery(row: Row, now: Standing) -> str:
    """Names what is delivered: which stills, for which presets, by which rules."""
    rules = [shop.model_dump_json() for shop in shops_of(row.deliver)]
    return hashlib.sha256("\n".join([row.sku, now.shown, *rules]).encode("utf-8", "replace")).hexdigest()[:16]


def _is_delivered(row: Row, now: Standing) -> bool:
    folders = [row.root / "deliver" / shop.key for shop in shops_of(row.deliver)]
    return now.delivered == _delivery(row, now) and all((folder / SHOP).is_file() for folder in folders)


def _is_over(backend: FalBackend | LocalBackend, root: Path) -> bool:
    """Nobody buys or saves anything for the run any more. A child that was told to buy nothing may not even have begun yet."""
    return backend.has_left or not (backend.has_bought or (root / PURCHASES).exists())


def _waits_long(row: Row) -> bool:
    """For a clip or a model, which fal.ai makes in minutes."""
    settings = row.settings
    is_paid = settings.service.backend == BackendName.FAL
    return is_paid and (settings.clip.is_bought or not settings.has_own_model)


def _is_quiet(root: Path) -> bool:
    """No child process saves results of the run in ``root``, or may send anything for it."""
    if not (root / PURCHASES).exists():
        return True
    try:
        Lease(root / PURCHASES, "consistency catalogue").check()
    except ConsistencyError:
        return False
    return True


def _is_open(error: ConsistencyError | None) -> bool:
    """Whether fal.ai may yet show that it accepted what was sent; nobody but the user sends it again."""
    if error is None or error.kind is not Kind.FAILED:
        return False
    from ..fal_backend.errors import Uncertain

    return isinstance(error, Uncertain)


def _begins_anew(row: Row, now: Standing) -> bool:
    """Whether a run that was begun, and is not done, is of no use: it was to be another one, and nothing was bought for it."""
    is_begun = bool(now.run) and now.state is not RowState.DONE
    return is_begun and not _has_bought(row.root) and bool(change_of(row, now))


def _has_bought(root: Path) -> bool:
    with contextlib.suppress(OSError):
        return (root / "journal.jsonl").stat().st_size > 0
    return False


def _fresh(settings: RunSettings) -> RunSettings:
    update: dict[str, Any] = {}
    if settings.stills.seed is None:  # drawn once and kept, so that all angles share it and a resume repeats it
        update["seed"] = secrets.randbelow(2**31)
    if settings.service.backend == BackendName.LOCAL:  # its takes would all be the same picture
        update["takes"] = 1
    return settings.model_copy(update=update)


def _resumed(settings: RunSettings, wanted: RunSettings) -> RunSettings:
    """A run's own settings with the limits that its row has by now."""
    flat = settings.model_dump()
    for option in OPTIONS:
        if option.resume and option.name not in ("daily_budget", "product_budget"):
            option.put(option.value_in(wanted), flat)
    return RunSettings.model_validate(flat)


# how it ended


def _facts(listed: dict[str, Any]) -> dict[str, Any]:
    return {name: listed[name] for name in ("states", "billed_usd", "uncertain_usd", "elsewhere_usd")}


def _summary(out: Path, listed: dict[str, Any], tally: Tally, stopped: bool, problems: list[str]) -> dict[str, Any]:
    facts: dict[str, Any] = {"status": "done", "exit": 0}
    words = in_words(tally.states)
    if stopped:
        facts = {"status": Kind.CANCELLED, "exit": EXIT_STATUS[Kind.CANCELLED]}
        facts["error"] = f"cancelled; what is done is kept, run the same command again to go on from here ({words})"
    elif tally.stopped is not None:
        facts = {"status": tally.stopped.kind, "exit": tally.stopped.exit_status, "error": str(tally.stopped)}
    elif tally.later:
        what = "a row was" if tally.later == 1 else f"{tally.later} rows were"
        facts = {"status": Kind.LATER, "exit": EXIT_STATUS[Kind.LATER]}
        facts["error"] = f"{what} ended by the machine or the network; run the same command again ({words})"
    money = f", {usd(listed['billed_usd'])} billed in all" if listed["billed_usd"] else ""
    if listed["elsewhere_usd"]:
        money += f", and {usd(listed['elsewhere_usd'])} for products that are not in the table or were made anew"
    return {
        **facts,
        "rows": {state.value: count for state, count in tally.states.items() if count},
        "catalogue": _facts(listed),
        "page": str(out / listing.PAGE),
        "not_decided": problems,
        "text": f"{words}{money}\n{out / listing.PAGE}",
    }
