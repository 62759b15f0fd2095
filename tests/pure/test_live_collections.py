# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Blender frees what ``all_objects`` and the like go through as soon as an object is hidden, linked or removed.

Going on through it reads freed memory: Blender 4.5 then crashes once in twenty times. So whoever changes what a loop goes
through makes a list of it first.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIVE = {"all_objects", "objects", "children", "children_recursive", "collections", "scenes", "view_layers"}
CHANGES = {"hide_render", "hide_viewport", "exclude", "parent", "name"}
CALLS = {"link", "unlink", "remove", "new", "hide_set", "batch_remove", "delete"}


def hazards(source: str) -> list[int]:
    """Lines of loops that go through a collection of Blender's and change one meanwhile."""
    return [
        loop.lineno
        for loop in ast.walk(ast.parse(source))
        if isinstance(loop, ast.For)
        and isinstance(loop.iter, ast.Attribute)
        and loop.iter.attr in LIVE
        and _changes(loop)
    ]


def _changes(loop: ast.For) -> bool:
    assert isinstance(loop.iter, ast.Attribute)
    is_of_the_file = ast.unparse(loop.iter.value) == "bpy.data"  # which hiding doesn't touch
    for node in (inner for statement in loop.body for inner in ast.walk(statement)):
        if isinstance(node, ast.Assign) and not is_of_the_file:
            if any(isinstance(target, ast.Attribute) and target.attr in CHANGES for target in node.targets):
                return True
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CALLS:
            return True
    return False


def test_it_tells_them_apart():
    loop = "for thing in {0}:\n    thing.hide_render = True\n"
    assert hazards(loop.format("bpy.data.collections['A'].all_objects")) == [1]
    assert hazards(loop.format("list(bpy.data.collections['A'].all_objects)")) == []
    assert hazards("for thing in home.objects:\n    print(thing.name)\n") == []


@pytest.mark.parametrize("room", ["studio", "operators", "panels"])
def test_pictures_are_taken_off_cameras_by_the_one_function_that_tells_blender(room: str):
    """Blender goes on drawing what was taken off, also when it is freed: collections.remove_backgrounds."""
    found = [
        path.name
        for path in sorted((ROOT / room).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and node.attr in ("clear", "remove")
        and ast.unparse(node.value).endswith("background_images")
    ]
    assert found == []


@pytest.mark.parametrize("room", ["studio", "operators", "panels", "tests", "packaging", "benchmarks"])
def test_no_loop_changes_what_it_goes_through(room: str):
    found = {
        str(path.relative_to(ROOT)): lines
        for path in sorted((ROOT / room).rglob("*.py"))
        if (lines := hazards(path.read_text(encoding="utf-8")))
    }
    assert not found
