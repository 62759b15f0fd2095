# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A table of products as rows of cells: CSV as spreadsheets write it, or a folder of models and of folders with photos.

Nothing is believed: each fault has its row and its column, and all of them are found before anything begins.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import UsageError
from ..formats.photo_header import PHOTO_SUFFIXES
from ..model import MAX_PHOTOS, MODEL_SUFFIXES
from ..sentences import unreadable

SKU, INPUT, NAME = "sku", "input", "name"
OTHER_NAMES = {"article": SKU, "article_number": SKU, "inputs": INPUT, "files": INPUT}
MISNAMED = ("file", "glb", "model", "path", "photo", "photos")  # columns that most likely mean the inputs
SEPARATOR = "|"  # between several values in one cell
LARGEST = 64 << 20  # bytes
LONGEST_FOLDER = 100  # characters of a row's folder
MOST_FAULTS = 200  # that are listed
DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}


@dataclass(frozen=True)
class Fault:
    """What is wrong with a cell. ``line``: its row as a spreadsheet numbers it, 1 for the head; None: the whole table."""

    line: int | None
    column: str
    text: str

    def __str__(self) -> str:
        places = [f"row {self.line}" if self.line is not None else "", f"column {self.column}" if self.column else ""]
        place = ", ".join(filter(None, places))
        return f"{place}: {self.text}" if place else self.text


class TableError(UsageError):
    """The table has faults, each of which is told."""

    def __init__(self, table: str, faults: Iterable[Fault]) -> None:
        self.faults = sorted(faults, key=lambda fault: (fault.line or 0, fault.column))
        shown = [str(fault) for fault in self.faults[:MOST_FAULTS]]
        if len(self.faults) > MOST_FAULTS:
            shown.append(f"and {len(self.faults) - MOST_FAULTS} more")
        count = "a fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        listed = "\n".join(shown)
        super().__init__(f"{table} has {count}; mend what is listed, then try again\n{listed}")


@dataclass(frozen=True)
class Cells:
    """One product as the table has it. ``number`` counts from 0 and is what --rows means."""

    number: int
    line: int
    sku: str
    folder: str  # its run folder's name
    cells: dict[str, str]  # by column, none of them empty


@dataclass
class Table:
    """``place``: the folder that file names in it are relative to. ``digest``: of what it says."""

    name: str
    place: Path
    rows: list[Cells] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    digest: str = ""


def read_table(path: Path) -> Table:
    """The table in ``path``; its faults are in it. Raises UsageError where there is nothing to read."""
    if path.is_dir():
        return _of_folder(path)
    try:
        if path.stat().st_size > LARGEST:
            raise UsageError(f"{path.name} is larger than {LARGEST >> 20} MiB; divide it into several tables")
        data = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
    table = Table(path.name, path.parent, digest=hashlib.sha256(data).hexdigest()[:16])
    _fill(table, _text(data, table))
    return table


def _text(data: bytes, table: Table) -> str:
    if data[:4] in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"):
        raise UsageError(f"{table.name} is a spreadsheet's own file; save it as CSV (UTF-8), then name that file")
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        table.faults.append(Fault(line, "", "a letter that is not UTF-8; save the table as CSV (UTF-8)"))
        return data.decode(encoding, "replace")


def _fill(table: Table, text: str) -> None:
    if "\0" in text:
        table.faults.append(
            Fault(text[: text.index("\0")].count("\n") + 1, "", "a zero byte; save the table as CSV again")
        )
        return
    if text.count('"') % 2:
        table.faults.append(
            Fault(None, "", "a quotation mark is never closed, so that rows run into each other; close it")
        )
        return
    lines = _lines(text)
    try:
        number, head = next(lines, (1, []))
        columns = _columns(table, number, head)
        if not columns:
            return
        for number, cells in lines:
            _add(table, number, columns, cells)
    except csv.Error as error:
        table.faults.append(Fault(None, "", f"it can't be read as CSV ({error}); save it as CSV again"))
    if not table.rows and not table.faults:
        table.faults.append(Fault(None, "", "it has no rows; give each product one below the head"))


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """The number of each row as a spreadsheet has it, and its cells; rows with nothing in them are passed over."""
    # Excel has a word of its own on the delimiter, in a row above the head.
    said = re.match(r'"?sep=([,;\t])"?[,;\t]*\r?\n', text, re.IGNORECASE)
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = said[1] if said else max(",;\t", key=lambda mark: _outside_quotes(first).count(mark))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    for number, cells in enumerate(reader, start=1):  # a cell may hold several lines, and empty rows count
        if any(cell.strip() for cell in cells) and not (said and number == 1):
            yield number, [cell.strip() for cell in cells]


def _outside_quotes(line: str) -> str:
    return re.sub(r'"[^"]*"', "", line)


def _columns(table: Table, line: int, head: list[str]) -> list[str]:
    """The columns' names as options have them; empty where the table can't be read by them."""
    names = [re.sub(r"[\s-]+", "_", cell.strip().lstrip("-").lower()) for cell in head]
    names = [OTHER_NAMES.get(name, name) for name in names]
    while names and not names[-1]:
        names.pop()
    for place, name in enumerate(names):
        if not name:
            table.faults.append(Fault(line, str(place + 1), "the column has no name; name it, or remove it"))
        elif name in names[:place]:
            table.faults.append(Fault(line, name, "there are two columns of this name; remove one"))
    if SKU not in names:
        table.faults.append(Fault(line, SKU, "the column is missing; give each product its article number"))
    return names if SKU in names else []


def _add(table: Table, line: int, columns: list[str], cells: list[str]) -> None:
    extra = [cell for cell in cells[len(columns) :] if cell]
    if extra:
        text = f"{extra[0][:40]!r} stands beyond the last column; put a cell that holds a comma in quotation marks"
        table.faults.append(Fault(line, "", text))
    found = {name: cell for name, cell in zip(columns, cells, strict=False) if cell and name}
    _append(table, line, found)


def _append(table: Table, line: int, cells: dict[str, str]) -> None:
    cells = {
        name: " ".join(cell.split()) if name in (SKU, NAME) else cell for name, cell in cells.items()
    }  # of one line
    sku = cells.get(SKU, "")
    folder = folder_name(sku)
    number = len(table.rows)
    if not sku:
        table.faults.append(Fault(line, SKU, "the article number is missing"))
        folder = f"row-{line}"
    elif len(folder) > LONGEST_FOLDER:
        table.faults.append(Fault(line, SKU, f"{sku[:40]!r}… is longer than {LONGEST_FOLDER} characters; shorten it"))
    table.rows.append(Cells(number, line, sku, folder, {name: cell for name, cell in cells.items() if name != SKU}))


def folder_name(sku: str) -> str:
    """What a product's run folder is called: its article number, without what no file system may have in a name."""
    name = re.sub(r"[^\w.+-]", "_", unicodedata.normalize("NFC", sku))
    name = re.sub(r"^[.]|[.]$", "_", name)
    return f"_{name}" if name.lower().partition(".")[0] in DEVICES or name.lower() == "index.html" else name


def check_distinct(table: Table) -> None:
    """Add a fault for each article number that is there twice, or whose folder another one has already."""
    seen: dict[str, Cells] = {}
    for row in table.rows:
        first = seen.setdefault(row.folder.casefold(), row)
        if first is row or not row.sku:
            continue
        same = "is in" if first.sku == row.sku else f"and {first.sku!r} of"
        cure = "give each product its own" if first.sku == row.sku else "name the same folder; change one of them"
        text = f"{row.sku!r} {same} row {first.line}{' already' if first.sku == row.sku else ''}; {cure}"
        table.faults.append(
            Fault(row.line, SKU, text if first.sku == row.sku else f"{row.sku!r} {same} row {first.line} {cure}")
        )


# a folder by convention


def _of_folder(path: Path) -> Table:
    """Each model in it is a product, and each folder in it with one model or with one to four photos."""
    table = Table(path.name or str(path), path)
    said = []
    for item in sorted(path.iterdir(), key=lambda item: item.name):
        if item.name.startswith("."):
            continue
        if item.is_dir():
            try:
                sku, inputs = item.name, inputs_in(item)
            except UsageError as error:
                if _files_of_products(item):
                    table.faults.append(Fault(None, item.name, str(error)))
                continue
        elif item.suffix.lower() in MODEL_SUFFIXES:
            sku, inputs = item.stem, [item]
        else:
            continue
        names = SEPARATOR.join(file.relative_to(path).as_posix() for file in inputs)
        said.append(names)
        _append(table, len(table.rows) + 2, {SKU: sku, INPUT: names})
    if not table.rows and not table.faults:
        raise UsageError(f"{path} has no models and no folders with photos in it; put some there, or name a table")
    table.digest = hashlib.sha256("\n".join(said).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return table


def inputs_in(folder: Path) -> list[Path]:
    """The product in a folder: its only model, or else its photos. Raises UsageError."""
    files = _files_of_products(folder)
    models = [file for file in files if file.suffix.lower() in MODEL_SUFFIXES]
    if not files:
        raise UsageError(f"the folder {folder.name} has no model and no photos")
    if len(models) > 1:
        raise UsageError(f"the folder has {len(models)} models; leave one")
    if not models and len(files) > MAX_PHOTOS:
        raise UsageError(f"the folder has {len(files)} photos; leave the {MAX_PHOTOS} best")
    return models or files


def _files_of_products(folder: Path) -> list[Path]:
    kinds = (*MODEL_SUFFIXES, *PHOTO_SUFFIXES)
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in kinds and not file.name.startswith("."))
