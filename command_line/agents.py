# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""``consistency mcp``: a few tools for agents, by the Model Context Protocol on standard input and output.

Everything that may cost money is done by ``consistency catalogue`` in a process of its own, under the budget that a person gave
when starting this; an agent can neither raise it nor go round it, since it stands in the folder and outlives this process. What
an agent may say of a product is in COLUMNS: its look and its words, but no endpoint, no limit, no check and no file beyond the
folders that the person named. The rest is the person's, in the template. Nothing that an agent sends is run.

``Desk`` has no part of the protocol; ``serve`` gives it to the SDK's server.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..pipeline.catalogue.budget import SharedBudget
from ..pipeline.catalogue.decisions import By, Decided, Word, apply_decisions
from ..pipeline.catalogue.listing import entry_of
from ..pipeline.catalogue.rows import Row, as_ranges, in_a_table, rows_of
from ..pipeline.catalogue.state import standing
from ..pipeline.catalogue.table import INPUT, MOST_FAULTS, NAME, SEPARATOR, SKU, TableError, read_table
from ..pipeline.catalogue.template import read_template
from ..pipeline.errors import ConsistencyError, TryAgainLater, UsageError
from ..pipeline.json_object import JsonObject
from ..pipeline.redaction import redact
from ..pipeline.run.preflight import check
from ..pipeline.settings.backdrop import is_file
from ..pipeline.settings.choices import BackendName, MotionName
from ..pipeline.settings.groups import RunSettings
from ..pipeline.stages import Stage
from ..pipeline.system.disk import locked, whole_file

if TYPE_CHECKING:
    import argparse

TABLE = "agents.csv"
COLUMNS = (
    *(SKU, INPUT, NAME, "text", "angles", "angle_set", "turn", "leave_out", "materials"),
    *("lighting", "backdrop", "no_shadow", "size", "aspect", "quality"),
    *("prompt", "seed", "takes", "motion", "video_angle", "duration", "deliver"),
)
LONGEST_WAIT = 50.0  # seconds; clients give up on a call after a minute
LOOK = 0.2  # seconds between two looks meanwhile
LONGEST_CELL = 4000  # characters
MOST_PRODUCTS = 10_000
TOLD = 200  # products whose state is told one by one
_PROGRAM = [sys.executable, "-c", "from consistency_pipeline.command_line import entry_point; entry_point()"]

ABOUT = """Consistency Pipeline makes product pictures and clips in which the product stays the product: a 3D model, or up to \
four photos, becomes stills from several angles, each of which is measured against a render of the model.
Ask estimate first, then run; status says how far it is, report has a product's pictures, verdicts and costs, and decide shows \
another take or has one made again. Money is spent within the budget that the person has set, and not at all where none was set."""

PRODUCTS = f"""A product is an object with sku (its article number) and input (the path of a 3D model, or of up to four photos), or \
text (words); and, as wanted, {", ".join(name for name in COLUMNS if name not in (SKU, INPUT, "text"))}, as in 'consistency run'."""
RUN = """Begin products, or go on with all that are not finished where none is given; it spends within the person's budget and \
returns at once. retry_failed: try those again that failed, which may be billed again."""
STATUS = """How far all products are, what is being done, and what of the budget is spent or set aside. wait_seconds: wait until \
the work has ended, 50 at most."""
REPORT = "A product's pictures: files, what the check said of each (pass, unsure or fail) and why, its numbers, and what it cost."
DECIDE = """Decide about the still of an angle, or about a clip by its motion: word is approve, reject (with a reason; run makes it \
again, within the budget) or show (another take). An agent's approval is kept beside the check's verdict and changes none."""


class Desk:
    """What an agent may ask for, in the folder ``out``. ``budget``: USD over all its products, ever; None: nothing is bought.

    ``files``: the folders that products' files may lie in. ``program``: how the command is started. Safe from several threads.
    """

    def __init__(
        self,
        out: Path,
        budget: float | None = None,
        template: Path | None = None,
        files: Sequence[Path] = (),
        program: Sequence[str] = tuple(_PROGRAM),
    ) -> None:
        self.out, self._budget, self._template, self._program = out, budget, template, program
        self._files = [place.resolve() for place in files] or [out.resolve()]
        self._common = read_template(template)[0] if template is not None else {}
        self._worker: Worker | None = None
        self._guard = threading.Lock()

    # the tools

    def estimate(self, products: list[JsonObject]) -> JsonObject:
        """What products would cost. Raises ConsistencyError."""
        with tempfile.TemporaryDirectory(prefix="consistency-") as place:
            table = Path(place) / TABLE
            _write(table, [self._cells(product) for product in products])
            self._check(table, {str(product[SKU]) for product in products})
            answer = self._ask(table, "--estimate")
        keep = ("rows", "total_usd", "most_usd", "budget_usd", "committed_usd", "unknown", "expected_seconds")
        return {**{name: answer[name] for name in keep}, "can_spend": self._budget is not None}

    def run(self, products: list[JsonObject], retry_failed: bool = False) -> JsonObject:
        """Begin products, or go on with those that are known where ``products`` is empty; they are worked on meanwhile.

        Raises ConsistencyError.
        """
        with self._guard:
            if self._worker is not None and not self._worker.has_ended:
                raise TryAgainLater(
                    "products are being worked on; ask for the status until that has ended, then try again"
                )
            rows = self._keep([self._cells(product) for product in products])
            wanted = {str(product.get(SKU)) for product in products} or {row.sku for row in rows}
            numbers = [row.number for row in rows if row.sku in wanted]
            words = ["--yes", "--progress", "json", "--rows", as_ranges(numbers)]
            words += ["--retry-failed"] if retry_failed else []
            self._worker = Worker(self._command(self.out / TABLE, *words))
        return {"begun": sorted(wanted), "folder": str(self.out), "next": "ask for the status"}

    def status(self, wait_seconds: float = 0.0) -> JsonObject:
        """How far all products are; ``wait_seconds``: until something has ended, at most. Raises ConsistencyError."""
        until = time.monotonic() + min(max(0.0, wait_seconds), LONGEST_WAIT)
        worker = self._worker
        while worker is not None and not worker.has_ended and time.monotonic() < until:
            time.sleep(LOOK)
        rows = self._rows() if (self.out / TABLE).is_file() else []
        now = [(row, standing(row.root)) for row in rows]
        states: dict[str, int] = {}
        for _, each in now:
            states[each.state] = states.get(each.state, 0) + 1
        listed = [{SKU: row.sku, "state": each.state, "why": each.why, "billed_usd": each.usd} for row, each in now]
        told: JsonObject = {"is_working": worker is not None and not worker.has_ended, "states": states}
        told |= {"products": listed[:TOLD], "further_products": max(0, len(listed) - TOLD)}
        told |= {"budget_usd": self._budget or 0.0, "committed_usd": round(SharedBudget(self.out).committed(), 6)}
        if worker is not None:
            told |= worker.told()
        return told

    def report(self, sku: str) -> JsonObject:
        """A product's pictures with their files, verdicts, numbers and costs. Raises ConsistencyError."""
        row = self._row(sku)
        entry = entry_of(row.name, row.root, standing(row.root))
        return {SKU: row.sku, **entry, "folder": str(row.root)}

    def decide(self, sku: str, picture: str, word: str, take: int | None = None, reason: str = "") -> JsonObject:
        """Approve, reject or show a take of an angle's still, or of a clip by its motion's name. Raises ConsistencyError."""
        row = self._row(sku)
        if word not in list(Word):
            raise UsageError(f"{word!r} is none of {', '.join(Word)}")
        if word == Word.REJECT and not reason.strip():
            raise UsageError("say why it is rejected, with reason")
        if word == Word.SHOW and take is None:
            raise UsageError("say which take is to be shown, with take")
        is_clip = picture in list(MotionName)
        subject = f"{Stage.VIDEO if is_clip else Stage.PHOTOREAL}/{picture}"
        decided = Decided(row.name, subject, take, Word(word), reason.strip()[:600], By.AGENT)
        changed, problems = apply_decisions(self.out, {row.name}, [decided])
        if problems:
            raise UsageError(problems[0])
        following = "run the product to have it made again" if word == Word.REJECT else ""
        return {"changed": bool(changed), "next": following if changed else ""}

    def close(self) -> None:
        """Nobody listens any more: what is being worked on ends in order, and what is paid for is kept."""
        if self._worker is not None:
            self._worker.stop()

    # products

    def _cells(self, product: JsonObject) -> dict[str, str]:
        """A product as a row of the table. Raises UsageError."""
        strange = [name for name in product if name not in COLUMNS]
        if strange:
            raise UsageError(f"a product has no {strange[0]!r} here; choose from {', '.join(COLUMNS)}")
        cells = {name: _words(name, value) for name, value in product.items() if value not in (None, "", [])}
        if not cells.get(SKU):
            raise UsageError("each product needs a sku, its article number")
        if INPUT in cells:
            cells[INPUT] = SEPARATOR.join(self._file(name) for name in cells[INPUT].split(SEPARATOR))
        if ".json" in cells.get("deliver", "").lower():
            raise UsageError("deliver takes presets that come with the program here, no files")
        backdrop = cells.get("backdrop", "")
        if is_file(backdrop) and Path(backdrop).suffix:
            raise UsageError("a backdrop is white, grey, transparent or a colour such as #f4f1ea here")
        return cells

    def _file(self, name: str) -> str:
        """Raises UsageError where the file is not there, or lies where agents may not look."""
        path = (self._files[0] / name.strip()).resolve()
        if not any(path.is_relative_to(place) for place in self._files):
            folders = ", ".join(map(str, self._files))
            raise UsageError(f"{name} lies outside {folders}, the folders that were opened with --files")
        if not path.is_file():
            raise UsageError(f"{name} is not there; name a file in {self._files[0]}")
        return str(path)

    def _keep(self, cells: list[dict[str, str]]) -> list[Row]:
        """Have ``cells`` in the table, each in place of what the product had before. Raises UsageError: nothing has changed then."""
        with locked(self.out / f".{TABLE}.lock"), tempfile.TemporaryDirectory(prefix="consistency-") as place:
            known: dict[str, dict[str, str]] = {}
            if (self.out / TABLE).is_file():
                known = {row.sku: {SKU: row.sku, **row.cells} for row in read_table(self.out / TABLE).rows}
            merged = [*{**known, **{each[SKU]: each for each in cells}}.values()]
            if len(merged) > MOST_PRODUCTS:
                raise UsageError(f"more than {MOST_PRODUCTS} products; use another folder for the rest")
            _write(Path(place) / TABLE, merged)
            self._check(Path(place) / TABLE, {each[SKU] for each in cells})
            _write(self.out / TABLE, merged)
        return self._rows()

    def _check(self, path: Path, given: set[str]) -> None:
        """Whether the products ``given`` in a table can be made: an agent has no table, so each fault has its product's name.

        Raises UsageError.
        """
        table = read_table(path)
        names = {row.line: row.sku for row in table.rows}
        try:
            faults = [
                f"{row.sku}: {problem}"
                for row in self._rows_of(path)
                if row.sku in given and not (row.root / "run.json").is_file() and (problem := _problem(row))
            ]
        except TableError as error:
            faults = [
                ": ".join(filter(None, (names.get(fault.line or 0, ""), fault.column, fault.text)))
                for fault in error.faults[:MOST_FAULTS]
            ]
        if faults:
            raise UsageError("\n".join(faults))

    def _rows(self) -> list[Row]:
        if not (self.out / TABLE).is_file():
            raise UsageError("there is no product yet; run one first")
        return self._rows_of(self.out / TABLE)

    def _rows_of(self, table: Path) -> list[Row]:
        return rows_of(read_table(table), self.out, RunSettings(**{**self._common, "backend": self._backend}))

    def _row(self, sku: str) -> Row:
        row = next((row for row in self._rows() if row.sku == sku), None)
        if row is None:
            raise UsageError(f"there is no product {sku!r}; the status lists all")
        return row

    # the command

    @property
    def _backend(self) -> BackendName:
        return BackendName.LOCAL if self._budget is None else BackendName(self._common.get("backend", BackendName.FAL))

    def _command(self, table: Path, *words: str) -> list[str]:
        # Without a budget nothing may cost anything, whatever a template says.
        limits = ["--backend", BackendName.LOCAL, "--budget", "0"] if self._budget is None else []
        limits = limits or ["--budget", f"{self._budget:.6f}"]
        common = ["--template", str(self._template)] if self._template is not None else []
        return [*self._program, "catalogue", str(table), "--out", str(self.out), *common, *limits, "--json", *words]

    def _ask(self, table: Path, *words: str) -> JsonObject:
        """The answer of a call that begins nothing. Raises ConsistencyError."""
        command = self._command(table, *words)
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        return _answer(done.stdout.splitlines(), done.stderr)


class Worker:
    """A call that works on products, and what it has said."""

    def __init__(self, command: Sequence[str]) -> None:
        flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
        self._errors: deque[str] = deque(maxlen=20)
        try:
            # A session of its own: a client that ends this server must not end what has been paid for with it.
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
                creationflags=flags,
            )
        except OSError as error:
            raise TryAgainLater(f"the program could not be started ({error.strerror}); try again") from error
        self._doing: dict[str, str] = {}
        self._notes: dict[str, str] = {}
        self._last = ""
        self._readers = [threading.Thread(target=read, daemon=True) for read in (self._read, self._read_errors)]
        for reader in self._readers:
            reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._last = line
                with contextlib.suppress(ValueError, AttributeError):
                    self._hear(json.loads(line))

    def _hear(self, said: JsonObject) -> None:
        if said.get("event") == "progress":
            self._doing[said[SKU]] = ": ".join(filter(None, (said["stage"], said["angle"], said["text"])))
        elif said.get("event") == "ended":
            self._doing.pop(said[SKU], None)
            self._notes |= {said[SKU]: said["why"]} if said["why"] else {}

    def _read_errors(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            self._errors.extend(lines)

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None and not any(reader.is_alive() for reader in self._readers)

    def told(self) -> JsonObject:
        """What it is doing, or how it ended."""
        if not self.has_ended:
            return {"doing": dict(self._doing), "notes": dict(self._notes)}
        try:
            answer = _answer([self._last], "".join(self._errors))
        except ConsistencyError as error:
            return {"ended": {"error": str(error)}}
        keep = ("status", "error", "rows", "page")
        return {"ended": {name: answer[name] for name in keep if name in answer}, "notes": dict(self._notes)}

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._process.send_signal(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGTERM))


def _answer(lines: Sequence[str], errors: str) -> JsonObject:
    """The last line of ``--json``. Raises ConsistencyError: what it complains of, where it did nothing at all."""
    answer: JsonObject = {}
    with contextlib.suppress(ValueError, IndexError):
        answer = json.loads(lines[-1])
    if "exit" not in answer:
        said = errors.strip().splitlines()
        raise ConsistencyError(redact(said[-1]) if said else "the program ended without an answer; try again")
    if "error" in answer and "rows" not in answer:
        raise ConsistencyError(redact(str(answer["error"])))
    return answer


def _problem(row: Row) -> str:
    """What is wrong with a product's files; empty where nothing is."""
    try:
        check(row.settings)
    except ConsistencyError as error:
        return in_a_table(str(error))
    return ""


def _words(name: str, value: Any) -> str:
    """A cell of the table. Raises UsageError."""
    if isinstance(value, bool):
        text = "yes" if value else "no"
    elif isinstance(value, (list, tuple)):
        text = SEPARATOR.join(str(each) for each in value)
    else:
        text = str(value)
    if "\0" in text or len(text) > LONGEST_CELL:
        raise UsageError(f"{name} is longer than {LONGEST_CELL} characters, or no text; shorten it")
    return " ".join(text.split())


def _write(path: Path, cells: list[dict[str, str]]) -> None:
    """Raises UsageError, RunFolderError."""
    if not cells:
        raise UsageError("there is no product; give one")
    columns = [name for name in COLUMNS if any(name in each for each in cells)]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(cells)
    with whole_file(path) as file:
        file.write(text.getvalue().encode("utf-8"))


# the protocol


def serve(options: argparse.Namespace) -> JsonObject:
    """Serve until standard input ends. Raises UsageError."""
    from mcp.server import MCPServer

    out = options.out.expanduser().absolute()
    template = options.template.expanduser().absolute() if options.template is not None else None
    files = [place.expanduser().absolute() for place in options.files or ()]
    for place in files:
        if not place.is_dir():
            raise UsageError(f"{place} is no folder; choose another with --files")
    desk = Desk(out, options.budget, template, files)
    server: Any = MCPServer("consistency", instructions=ABOUT)
    add_tools(server, desk)

    def leave(_number: int, _frame: object) -> None:
        desk.close()
        os._exit(0)  # a thread waits for standard input and can't be told

    before = signal.signal(signal.SIGTERM, leave)
    try:
        with contextlib.redirect_stdout(options.stdout):  # the protocol's; nothing else may write there
            server.run("stdio")
    except KeyboardInterrupt:
        pass
    finally:
        desk.close()
        signal.signal(signal.SIGTERM, before)
    return {"status": "done"}


def add_tools(server: Any, desk: Desk) -> None:
    """Give ``desk``'s tools to the SDK's ``server``."""
    from mcp.server.mcpserver.exceptions import ToolError
    from mcp.types import ToolAnnotations

    def told(ask: Callable[[], JsonObject]) -> str:
        try:
            return json.dumps(ask(), ensure_ascii=False)
        except ConsistencyError as error:
            raise ToolError(redact(str(error))) from None

    reads = ToolAnnotations(read_only_hint=True)
    works = ToolAnnotations(read_only_hint=False, destructive_hint=False)

    @server.tool(
        annotations=reads, structured_output=False, description=f"What products would cost, in USD. {PRODUCTS}"
    )
    def estimate(products: list[dict[str, Any]]) -> str:
        return told(lambda: desk.estimate(products))

    @server.tool(annotations=works, structured_output=False, description=f"{RUN} {PRODUCTS}")
    def run(products: list[dict[str, Any]] | None = None, retry_failed: bool = False) -> str:
        return told(lambda: desk.run(products or [], retry_failed))

    @server.tool(annotations=reads, structured_output=False, description=STATUS)
    def status(wait_seconds: float = 0.0) -> str:
        return told(lambda: desk.status(wait_seconds))

    @server.tool(annotations=reads, structured_output=False, description=REPORT)
    def report(sku: str) -> str:
        return told(lambda: desk.report(sku))

    @server.tool(annotations=works, structured_output=False, description=DECIDE)
    def decide(sku: str, picture: str, word: str, take: int | None = None, reason: str = "") -> str:
        return told(lambda: desk.decide(sku, picture, word, take, reason))
