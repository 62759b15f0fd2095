# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""catalogue.json and the page: how all rows stand, made of their run folders. Both may be thrown away and written anew."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import RunFolderError
from ..json_object import JsonObject
from ..redaction import dumps
from ..system.disk import whole_file
from .budget import SharedBudget
from .rows import Row
from .state import NOTE, WORDS, RowState, Standing, read_json, standing

FORMAT = 1
MARK = "consistency_catalogue"
FILE, PAGE = "catalogue.json", "index.html"
_TEMPLATE = Path(__file__).with_name("page.html")
_DATA = "/*data*/"


class Looks:
    """How rows stand, each finished one read once for as long as its files are the same: ten thousand of them are asked about
    several times in one call. ``shows``: what the page tells of them is wanted, too."""

    def __init__(self, *, shows: bool = True) -> None:
        self._shows = shows
        self._known: dict[Path, tuple[object, Standing, JsonObject]] = {}

    def standing(self, root: Path) -> Standing:
        """Without the contents of its files."""
        return self._look(root)[0]

    def entry(self, folder: str, root: Path) -> JsonObject:
        """What is told of a row; a finished one's is the same object each time."""
        return self._look(root, shows=True)[1] | {"folder": folder}

    def _look(self, root: Path, *, shows: bool = False) -> tuple[Standing, JsonObject]:
        mark = _mark(root)
        known = self._known.get(root)
        if known is not None and known[0] == mark and (known[2] or not shows):
            return known[1:]
        now = standing(root)
        entry = entry_of(root.name, root, now) if shows or self._shows else {}
        now = replace(now, record={}, report={})
        if now.state is RowState.DONE:
            self._known[root] = (mark, now, entry)
        return now, entry


def _mark(root: Path) -> object:
    """Another one whenever run.json or report.json has been written."""
    found: list[object] = []
    for name in ("run.json", "report.json"):
        try:
            facts = os.stat(f"{root}{os.sep}{name}")  # noqa: PTH116 - twice for each of thousands of rows
        except OSError:
            found.append(None)
        else:
            found.append((facts.st_mtime_ns, facts.st_size, facts.st_ino))
    return found


def write_listing(
    out: Path, table: str, rows: Sequence[Row], looked_at: Iterable[Row] | None = None, looks: Looks | None = None
) -> JsonObject:
    """Write both and return what is in catalogue.json.

    ``looked_at``: rows whose folders are read, all where it is None; of the others stands what stood there before, so that
    a shard of many rows need not read them all. ``looks``: what is known of them already. Raises RunFolderError.
    """
    looks = looks or Looks()
    fresh = None if looked_at is None else {row.name for row in looked_at}
    before = {}
    if fresh is not None:
        before = {entry.get("folder"): entry for entry in _entries(read_json(out / FILE))}
    entries = []
    for row in rows:
        known = before.get(row.name) if fresh is not None and row.name not in fresh else None
        entry = known or looks.entry(row.name, row.root)
        name = row.settings.inputs.name or entry.get("name", "")
        entries.append({**entry, "row": row.number, "sku": row.sku, "name": name})
    sums = {**_sums(entries), "elsewhere_usd": _elsewhere(out, entries)}
    listing = {MARK: FORMAT, "id": _id(out), "table": table, **sums, "rows": entries}
    with whole_file(out / FILE) as file:
        file.write(_in_lines(listing).encode("utf-8", "surrogatepass"))
    write_page(out / PAGE, listing)
    return listing


def _elsewhere(out: Path, entries: Iterable[JsonObject]) -> float:
    """USD that this folder has cost for runs that ``entries`` don't have: of products that left the table, and those whose folders
    were removed."""
    there = {entry["folder"] for entry in entries if entry["state"] != RowState.NOT_BEGUN}
    try:
        return round(SharedBudget(out).elsewhere(there), 6)
    except RunFolderError:  # whoever buys next is told
        return 0.0


def page_of_a_run(root: Path) -> Path:
    """The same page for the run in ``root``. Raises RunFolderError."""
    entry = {**entry_of(".", root, standing(root)), "row": 0, "sku": root.name}
    write_page(root / PAGE, {MARK: FORMAT, "id": _id(root), "table": root.name, **_sums([entry]), "rows": [entry]})
    return root / PAGE


def write_page(path: Path, listing: JsonObject) -> None:
    """The page, with everything that it shows but the pictures' files in it."""
    data = dumps(listing, separators=(",", ":"), ensure_ascii=True).replace("<", "\\u003c")
    before, after = _TEMPLATE.read_text(encoding="utf-8").split(_DATA)
    with whole_file(path) as file:
        file.write(f"{before}{data}{after}".encode())


def _in_lines(listing: JsonObject) -> str:
    """As JSON, a row a line: one that is indented takes seconds for ten thousand of them."""
    head = [f"{dumps(name)}: {dumps(value, ensure_ascii=False)}" for name, value in listing.items() if name != "rows"]
    rows = ",\n".join(dumps(entry, ensure_ascii=False) for entry in listing["rows"])
    return "{\n" + ",\n".join(head) + ',\n"rows": [\n' + rows + "\n]\n}\n"


def _id(out: Path) -> str:
    """Tells one catalogue's decisions from another's in the same browser; no path is given away."""
    return hashlib.sha256(str(out.resolve()).encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _entries(listing: JsonObject) -> list[JsonObject]:
    rows = listing.get("rows")
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _sums(entries: list[JsonObject]) -> JsonObject:
    states = {state.value: 0 for state in RowState}
    for entry in entries:
        states[entry["state"]] = states.get(entry["state"], 0) + 1
    billed, uncertain = (round(sum(entry[name] for entry in entries), 6) for name in ("billed_usd", "uncertain_usd"))
    return {"states": states, "billed_usd": billed, "uncertain_usd": uncertain}


def entry_of(folder: str, root: Path, now: Standing) -> JsonObject:
    """What is told of one row. Files are relative to its run folder."""
    record, report = now.record, now.report
    settings = _dict(record.get("settings"))
    return {
        "folder": folder,
        "state": now.state,
        "why": now.why,
        "name": str(_dict(report.get("product")).get("name") or settings.get("name") or ""),
        "backend": str(settings.get("backend") or ""),
        "billed_usd": now.usd,
        "uncertain_usd": now.uncertain_usd,
        "seconds": now.seconds,
        "headline": now.headline,
        "sheet": "contact_sheet.png" if record and (root / "contact_sheet.png").is_file() else None,
        "delivery": _delivery(record),
        "pictures": _pictures(root, settings, record, report) if record else [],
        "clip": _clip(root, settings, record) if record else None,
    }


def _delivery(record: JsonObject) -> list[JsonObject]:
    """For which shops its stills were made ready, and how that went."""
    found = _dict(record.get(NOTE)).get("delivery")
    sets = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    return [{name: str(each.get(name) or "") for name in ("preset", "outcome", "headline")} for each in sets]


def _pictures(root: Path, settings: JsonObject, record: JsonObject, report: JsonObject) -> list[JsonObject]:
    verdicts = _dict(report.get("verdicts"))
    taken, rendered = _files(root / "photoreal"), _files(root / "references")
    found = []
    for angle in settings.get("angles") or ():
        name = str(_dict(angle).get("name") or "")
        subject = f"photoreal/{name}"
        if not name or f"{name}.png" not in taken:
            continue
        verdict = _dict(verdicts.get(subject))
        chosen = _dict(record.get("chosen")).get(subject)
        takes = _takes(name, taken)
        bought = [each for each in report.get("pictures") or () if _dict(each).get("angle") == name]
        shown: JsonObject = next((each for each in bought if each.get("take") == chosen), {})
        heat = verdict.get("heatmap")
        found.append(
            {
                "angle": name,
                "file": f"photoreal/{name}.png",
                "reference": f"references/{name}.png" if f"{name}.png" in rendered else None,
                "heatmap": heat if isinstance(heat, str) and (root / heat).is_file() else None,
                "take": chosen,
                "takes": takes,
                "verdict": verdict.get("outcome"),
                "reason": verdict.get("reason") or "",
                "said": verdict.get("said"),
                "words": _words(record, subject, chosen),
                "numbers": _dict(_dict(shown.get("scores")).get("numbers")),
                "made_by": verdict.get("made_by"),
                "endpoint": shown.get("endpoint_name"),
                "billed_usd": shown.get("billed_usd"),
            }
        )
    return found


def _clip(root: Path, settings: JsonObject, record: JsonObject) -> JsonObject | None:
    motion = settings.get("motion")
    if not isinstance(motion, str) or not (root / "video" / f"{motion}.mp4").is_file():
        return None
    subject = f"video/{motion}"
    take = _dict(record.get("chosen")).get(subject)
    takes = _takes(motion, _files(root / "video"), "mp4")
    words = _words(record, subject, take)
    return {"motion": motion, "file": f"{subject}.mp4", "take": take, "takes": takes, "words": words}


def _words(record: JsonObject, subject: str, take: Any) -> list[JsonObject]:
    """What was decided about the take that is shown, and stands beside the check's verdict and a person's word on a still."""
    found = _dict(record.get(NOTE)).get(WORDS)
    of = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    return [
        {name: str(each.get(name) or "") for name in ("word", "reason", "by")}
        for each in of
        if (each.get("subject"), each.get("take")) == (subject, take)
    ]


def _files(folder: Path) -> set[str]:
    try:
        return set(os.listdir(folder))  # noqa: PTH208 - thousands of folders
    except OSError:
        return set()


def _takes(name: str, names: set[str], suffix: str = "png") -> list[int]:
    pattern = re.compile(rf"{re.escape(name)}\.take-(\d+)\.{suffix}")
    return sorted(int(match[1]) for name in names if (match := pattern.fullmatch(name)))


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def mean_seconds(standings: Iterable[Standing]) -> float | None:
    """Seconds that a finished row took on the average; None while none has finished."""
    took = [now.seconds for now in standings if now.state is RowState.DONE and now.seconds]
    return sum(took) / len(took) if took else None
