# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/architecture.md shows every room there is, and each word of its glossary is used where it says."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
ROOMS = ("pipeline", "fal_backend", "studio", "operators", "panels", "command_line")
WORDS = re.findall(r"^\| ([^|\n]+) \|[^\n]* \| `([^`\n]+)` \|$", PAGE.partition("\n## Glossary\n")[2], re.MULTILINE)


def test_every_room_is_on_the_page():
    folders = {path.parent for room in ROOMS for path in (ROOT / room).rglob("__init__.py")}
    missing = [name for folder in folders if f"`{(name := folder.relative_to(ROOT).as_posix())}/`" not in PAGE]
    assert not missing


def test_every_room_says_what_it_is():
    for folder in {path.parent for room in ROOMS for path in (ROOT / room).rglob("*.py")}:
        assert ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))), folder


@pytest.mark.parametrize(("word", "file"), WORDS, ids=[word for word, _ in WORDS])
def test_a_word_is_used_in_the_file_it_points_to(word: str, file: str):
    said = f"{file}\n{(ROOT / file).read_text(encoding='utf-8')}".lower()
    assert all(part in said for part in re.split(r"[ -]", word.lower()))


def test_the_glossary_is_in_the_order_of_the_alphabet_and_has_each_word_once():
    words = [word for word, _ in WORDS]
    assert len(words) > 60
    assert words == sorted(set(words))
