# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a row's cells to the settings of its run; and which rows are meant.

A cell is read as the flag of ``consistency run`` would be, so that a table and a command line mean the same.
"""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..declaration import Option
from ..deliver.names import check_sku
from ..deliver.presets import AR, Preset, presets
from ..errors import ConsistencyError, UsageError
from ..rig import ANGLE_SETS, DEFAULT_ANGLE_SET, parse_angles
from ..run.preflight import check
from ..sentences import no_such_angle_set
from ..settings.arguments import make_parser, with_options
from ..settings.look import read_look
from ..settings.options import OPTIONS
from .table import INPUT, MISNAMED, NAME, SEPARATOR, SKU, Cells, Fault, Table, TableError, check_distinct, inputs_in

if TYPE_CHECKING:
    import argparse

    from ..settings.groups import RunSettings

KINDS = {"int": "no whole number", "float": "no number"}  # by argparse's names for them
YES = {"yes", "y", "true", "1", "on", "x", "ja", "oui", "si", "sí"}
NO = {"no", "n", "false", "0", "off", "-", "nein", "non"}
MONEY = ("budget", "product_budget")  # both are the most that the row may cost: a row is a product, and a run
OF_ALL = ("daily_budget",)  # a limit that is no row's
NO_PRICE = (
    "inputs",
    "text",
    "name",
    "prompt",
    "seed",
    "leave_out",
    "variant",
    "materials",
    "turn",
    "budget",
)  # that change no price
ANGLE_SET, LOOK, DELIVER = "angle_set", "look", "deliver"


class Alike:
    """What rows whose cells are the same, but the product's files and name, have in common: it is made once for all of them."""

    def __init__(self, settings: RunSettings) -> None:
        self.settings = settings

    @cached_property
    def asked(self) -> dict[str, Any]:
        """What is asked for, as JSON."""
        return self.settings.model_dump(mode="json")

    @cached_property
    def price(self) -> str:
        """The same for settings that cost the same, the kinds of files apart."""
        return json.dumps({name: value for name, value in self.asked.items() if name not in NO_PRICE}, sort_keys=True)


@dataclass(frozen=True)
class Row:
    """One product to be made: its settings, and where its run lies."""

    number: int  # from 0, what --rows means
    line: int
    sku: str
    root: Path
    settings: RunSettings = field(compare=False, repr=False)
    deliver: str = field(compare=False, repr=False)  # presets with commas between; empty: for nothing
    alike: Alike = field(compare=False, repr=False)

    @property
    def name(self) -> str:
        return self.root.name

    @property
    def price(self) -> tuple[object, ...]:
        """Rows of one such cost the same, while nothing of them has been bought."""
        inputs = self.settings.inputs
        return (self.alike.price, *(Path(name).suffix.lower() for name in inputs.files), bool(inputs.text))


@cache
def columns() -> dict[str, tuple[str, Option | None, bool]]:
    """What each column means: the flag, its option, and whether the cell says yes or no to the flag itself."""
    found: dict[str, tuple[str, Option | None, bool]] = {
        ANGLE_SET: ("--angle-set", None, False),
        LOOK: ("--look", None, False),
    }
    for option in OPTIONS:
        if option.flag is None or option.is_positional or option.name in OF_ALL:
            continue
        found[option.flag.removeprefix("--").replace("-", "_")] = (option.flag, option, option.kind is bool)
        if option.name not in found:
            found[option.name] = (option.flag, option, option.kind is bool)
    return found


def rows_of(table: Table, out: Path, base: RunSettings, deliver: str = "") -> list[Row]:
    """Every row of ``table`` with its settings, those in ``base`` where it has none of its own; ``deliver`` likewise.

    Raises TableError, which tells each fault of the whole table.
    """
    check_distinct(table)
    faults = list(table.faults)
    known = columns()
    used = dict.fromkeys(name for row in table.rows for name in row.cells)
    strange = [name for name in used if name not in known and name not in (INPUT, NAME, SKU, DELIVER)]
    cure = "rename or remove it"
    is_misnamed = INPUT not in used and any(name in MISNAMED for name in strange)
    faults += [Fault(1, name, f"there is no such column{_nearest(name, known)}; {cure}") for name in strange]
    parser = make_parser()
    rows = []
    seen: dict[frozenset[tuple[str, str]], Alike] = {}
    for cells in table.rows:
        others = frozenset((name, cell) for name, cell in cells.cells.items() if name not in (INPUT, NAME, DELIVER))
        try:
            alike = seen.get(others)
            settings = None if alike is None else _of_the_same(alike, cells, table.place)
            if alike is None or settings is None:
                settings = _settings(parser, cells, table.place, base, skip=strange)
                alike = seen.setdefault(others, Alike(settings))
        except ConsistencyError as error:
            blamed = _blame(parser, cells, table.place, base, strange, error)
            # Where the column of the inputs has another name, it is said once, and not of each row that it has none.
            faults += [fault for fault in blamed if not (is_misnamed and fault.column == INPUT)]
        else:
            said = cells.cells.get(DELIVER)
            try:
                shops = deliver if said is None else _shops(said, table.place)
                check_shops(shops, cells.sku)
            except ConsistencyError as error:
                faults.append(Fault(cells.line, "" if said is None else DELIVER, in_a_table(str(error))))
            else:
                rows.append(Row(cells.number, cells.line, cells.sku, out / cells.folder, settings, shops, alike))
    if faults:
        raise TableError(table.name, [*faults, *files_faults(rows)])
    return rows


def files_faults(rows: Iterable[Row]) -> list[Fault]:
    """What is wrong with the files of rows that were not begun."""
    faults = []
    for row in rows:
        if (row.root / "run.json").is_file():
            continue  # its inputs have been looked at, and may have been taken over
        try:
            check(row.settings)
        except ConsistencyError as error:
            faults.append(Fault(row.line, INPUT if row.settings.inputs.files else "", in_a_table(str(error))))
    return faults


def _of_the_same(alike: Alike, cells: Cells, place: Path) -> RunSettings | None:
    """The settings of a row that differs from another in its files and its name only; None: look at all of it."""
    files = _inputs(cells.cells.get(INPUT, ""), place)
    if not files:
        return None
    try:
        return alike.settings.with_inputs(files=tuple(files), name=cells.cells.get(NAME, ""))
    except ValueError:
        return None


def _settings(
    parser: argparse.ArgumentParser, cells: Cells, place: Path, base: RunSettings, skip: Iterable[str] = ()
) -> RunSettings:
    """Raises ConsistencyError."""
    words, given = [], {name: cell for name, cell in cells.cells.items() if name not in skip}
    for name, cell in given.items():
        if name not in (INPUT, NAME, DELIVER):
            words += _words(name, cell, place)
    options = parser.parse_args(["run", "--out", "RUN", *words])
    said: dict[str, Any] = vars(options)
    said["angles"] = None
    if "angles" in given or ANGLE_SET in given:
        if options.angle_set not in ANGLE_SETS:
            raise no_such_angle_set(options.angle_set, ANGLE_SETS)
        wanted = given.get("angles", "").replace(SEPARATOR, ",")
        said["angles"] = parse_angles(wanted or None, ANGLE_SETS[options.angle_set or DEFAULT_ANGLE_SET])
    limits = [float(getattr(options, name)) for name in MONEY if getattr(options, name, None) is not None]
    limits = limits or [limit for limit in (base.money.budget, base.money.product_budget) if limit is not None]
    if options.look is not None:
        base = base.model_copy(update=read_look(options.look)[1])
    files = _inputs(given.get(INPUT, ""), place)
    said |= {"files": files, "name": given.get(NAME) or None}
    said["budget"] = min(limits, default=None)
    if base.money.product_budget is not None:  # both are the row's
        base = base.model_copy(update={"product_budget": None})
    said["product_budget"] = None
    settings = with_options(base, said)
    if not files and not settings.inputs.text.strip():
        raise UsageError("the row has no input; name its model or its photos, or fill the column text")
    return settings


def _shops(cell: str, place: Path) -> str:
    """What a cell names to deliver for; "no" names nothing."""
    names = _parts(cell.replace(",", SEPARATOR))
    if len(names) == 1 and names[0].lower() in NO | {"none"}:
        return ""
    return ",".join(_file(name, place) if name.lower().endswith(".json") else name for name in names)


@cache
def shops_of(names: str) -> tuple[Preset, ...]:
    """Their presets. Raises UsageError for what is none, and for what a catalogue can't make by the way."""
    found = presets(names)
    alone = [each.key for each in found if each.views is not None] + [AR] * (AR in names.split(","))
    if alone:
        raise UsageError(f"{alone[0]} is rendered by 'consistency deliver' alone; leave it out here")
    return tuple(found)


def check_shops(names: str, sku: str) -> None:
    """Raises UsageError where a product of that article number can't be delivered for these."""
    if names:
        shops_of(names)
        check_sku(sku)


def _words(name: str, cell: str, place: Path) -> list[str]:
    """The cell as words of a command line. Raises UsageError."""
    flag, option, is_switch = columns()[name]
    if option is None:
        return [f"{flag}={_file(cell, place) if name == LOOK else cell}"]
    if is_switch:
        answer = cell.lower()
        if answer not in YES | NO:
            raise UsageError(f"{cell!r} is neither yes nor no")
        is_the_flag = name == flag.removeprefix("--").replace("-", "_")
        wanted = answer in YES if is_the_flag or option.default is False else answer in NO
        return [flag] if wanted else []
    if option.repeatable:
        return [f"{flag}={_with_file(part, option, place)}" for part in _parts(cell)]
    if option.is_list or option.name == "angles":
        cell = cell.replace(SEPARATOR, ",")
    if option.unit == "file" or (option.name == "backdrop" and Path(cell).suffix and not cell.startswith("#")):
        cell = _file(cell, place)
    elif option.kind is float:
        cell = _with_point(cell)
    return [f"{flag}={cell}"]


def _with_point(cell: str) -> str:
    """A number as half of the world's spreadsheets write it, "5,00". Raises UsageError where it could mean two."""
    if re.fullmatch(r"-?\d+,\d{3}", cell):
        raise UsageError(f"{cell!r} may mean two numbers; write it with a point, and no mark between thousands")
    return cell.replace(",", ".") if re.fullmatch(r"-?\d+,\d+", cell) else cell


def _parts(cell: str) -> list[str]:
    return [part.strip() for part in cell.split(SEPARATOR) if part.strip()]


def _with_file(part: str, option: Option, place: Path) -> str:
    key, equals, file = part.partition("=")
    return f"{key}={_file(file, place)}" if option.unit == "file" and equals else part


def _inputs(cell: str, place: Path) -> list[str]:
    """The files that a cell names; of a folder, the model or the photos in it. Raises UsageError."""
    found = []
    for part in _parts(cell):
        path = _file(part, place)
        found += [str(file) for file in inputs_in(Path(path))] if os.path.isdir(path) else [path]  # noqa: PTH112
    return found


def _file(name: str, place: Path) -> str:
    """Where a file named in the table lies: beside the table, where the name does not say all."""
    path = os.path.join(place, os.path.expanduser(name))  # noqa: PTH111, PTH118 - that of thousands of rows
    if not os.path.exists(path):  # noqa: PTH110 - a name that no system takes is no error yet
        # Written on Windows, or by a system that puts letters and their dots together in the other way.
        others = [path.replace("\\", "/"), *(unicodedata.normalize(form, path) for form in ("NFC", "NFD"))]
        path = next((other for other in others if os.path.exists(other)), others[0])  # noqa: PTH110
    return os.path.abspath(path)  # noqa: PTH100


def _nearest(name: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    near = [INPUT] if name in MISNAMED else get_close_matches(name, [*known, SKU, INPUT, NAME], 1)
    return f", did you mean {near[0]!r}" if near else ""


def _blame(
    parser: argparse.ArgumentParser,
    cells: Cells,
    place: Path,
    base: RunSettings,
    skip: list[str],
    error: ConsistencyError,
) -> list[Fault]:
    """Which of the row's cells are wrong by themselves; the row as a whole where none is."""
    faults = []
    try:
        _inputs(cells.cells.get(INPUT, ""), place)
    except UsageError as fault:
        faults.append(Fault(cells.line, INPUT, str(fault)))
    for name in cells.cells:
        if name in skip or name in (INPUT, NAME, DELIVER):
            continue
        one = Cells(cells.number, cells.line, cells.sku, cells.folder, {name: cells.cells[name], INPUT: "a.glb"})
        if name == "text":
            one.cells.pop(INPUT)
        try:
            _settings(parser, one, place, base)
        except ConsistencyError as fault:
            faults.append(Fault(cells.line, name, in_a_table(str(fault))))
    return faults or [Fault(cells.line, _column_of(str(error)), in_a_table(str(error)))]


def _column_of(text: str) -> str:
    flag = re.match(r"(--[\w-]+):", text)
    return flag[1].removeprefix("--").replace("-", "_") if flag else INPUT if "no input" in text else ""


def in_a_table(text: str) -> str:
    """A sentence for a command line, without the words that only a command line has."""
    text = re.sub(r"^argument --[\w-]+: |^--[\w-]+:? ", "", text).partition("\n")[0]
    text = re.sub(r"; see '[^']*'$", "", text)
    return re.sub(
        r"^invalid (\w+) value: (.*)", lambda said: f"{said[2]} is {KINDS.get(said[1], 'no such value')}", text
    )


# which rows


def chosen(count: int, ranges: str | None, shard: str | None) -> list[int]:
    """The numbers of the rows that ``--rows 0-24,30`` or ``--shard 3/8`` mean, of ``count``. Raises UsageError."""
    if ranges is not None and shard is not None:
        raise UsageError("--rows and --shard choose both; give one of them")
    if shard is not None:
        part = re.fullmatch(r"(\d+)/(\d+)", shard)
        if part is None or not 1 <= int(part[1]) <= int(part[2]):
            raise UsageError(f"--shard {shard!r} is not a part of a whole, such as 3/8")
        return [number for number in range(count) if number % int(part[2]) == int(part[1]) - 1]
    return list(range(count)) if ranges is None else _ranges(ranges, count)


def _ranges(text: str, count: int) -> list[int]:
    found: dict[int, None] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        ends = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
        first, last = (int(ends[1]), int(ends[2] or ends[1])) if ends else (1, 0)
        if first > last:
            raise UsageError(f"--rows {part!r} is neither a row's number nor a range of them, such as 0-24,30")
        if last >= count:
            raise UsageError(f"--rows {part!r} goes beyond the last row, which is {count - 1}; the first is 0")
        found |= dict.fromkeys(range(first, last + 1))
    if not found:
        raise UsageError("--rows names no row; give numbers and ranges such as 0-24,30")
    return sorted(found)


def as_ranges(numbers: Sequence[int]) -> str:
    """Row numbers as --rows takes them."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)
