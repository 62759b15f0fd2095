# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of catalogues share: tables of small models, and the command without Blender."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from consistency_pipeline import command_line
from consistency_pipeline.command_line import catalogue as catalogue_command
from consistency_pipeline.fal_backend import prices
from tests.fake_fal import API_KEY
from tests.fake_fal.model import glb

from .stand_in import StandInStudio

STILL = 0.025  # USD, of one still at the stored price


def write_table(place: Path, count: int, columns: str = "angles,motion", cells: str = "front,none") -> Path:
    """A table of ``count`` products P-0, P-1 …, each with a model of its own."""
    lines = [f"sku,input,{columns}"]
    for number in range(count):
        (place / f"p{number}.glb").write_bytes(glb(200, (number % 250, 9, 9)))
        lines.append(f"P-{number},p{number}.glb,{cells}")
    table = place / "products.csv"
    table.write_text("\n".join(lines))
    return table


class Command:
    """``consistency catalogue`` on one table; ``studios`` has the studio that each run got, by its folder's name."""

    def __init__(self, table: Path, out: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.table, self.out, self._capfd = table, out, capfd
        self.make_studio: Callable[[str], StandInStudio] = lambda _sku: StandInStudio()
        self.studios: dict[str, list[StandInStudio]] = {}
        self.said = ""

    def studio(self, folder: Any) -> StandInStudio:
        studio = self.make_studio(folder.root.name)
        self.studios.setdefault(folder.root.name, []).append(studio)
        return studio

    def __call__(self, *words: str) -> dict[str, Any]:
        """The last line of ``--json``."""
        arguments = ["catalogue", self.table, "--out", self.out, "--yes", "--json", *words]
        status = command_line.main([str(word) for word in arguments])
        out, self.said = self._capfd.readouterr()
        answer = json.loads(out.splitlines()[-1])
        assert answer["exit"] == status
        self.lines = out.splitlines()[:-1]
        return answer

    def states(self) -> dict[str, str]:
        return {row["sku"]: row["state"] for row in json.loads((self.out / "catalogue.json").read_text())["rows"]}


def prepare(monkeypatch: pytest.MonkeyPatch, command: Command) -> None:
    """Have the command find no Blender but the stand-in's, and prices without a process."""

    def ask(endpoints: list[str]) -> Any:
        yield
        return prices.with_remembered(prices.fetch(API_KEY, endpoints), endpoints)

    monkeypatch.delitem(sys.modules, "bpy", raising=False)  # another test's: with it a command keeps standard output
    monkeypatch.setattr(command_line, "_need_fal", lambda: API_KEY)
    monkeypatch.setattr(command_line, "_ask_prices", ask)
    monkeypatch.setattr(command_line, "_studio_in_turn", lambda: command.studio)
    monkeypatch.setattr(catalogue_command, "python_args", lambda: ())
    monkeypatch.setattr(catalogue_command, "versions", dict)
    monkeypatch.setattr(catalogue_command, "find_key", lambda: (API_KEY, "the test"))
