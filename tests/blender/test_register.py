# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registering and unregistering, twice, without a trace."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib.util import resolve_name
from pathlib import Path

import bpy

import consistency_pipeline
from consistency_pipeline.operators.runs import gradual_imports


def traces() -> dict[str, list[str]]:
    """Everything of Blender's that the extension adds something to."""
    handlers = {
        f"handlers.{name}": [f"{h.__module__}.{h.__qualname__}" for h in getattr(bpy.app.handlers, name)]
        for name in dir(bpy.app.handlers)
        if isinstance(getattr(bpy.app.handlers, name), list)
    }
    return {
        "types": [name for name in dir(bpy.types) if "CONSISTENCY" in name],
        "operators": dir(bpy.ops.consistency),
        "scene": [name for name in bpy.types.Scene.bl_rna.properties.keys() if "consistency" in name],  # noqa: SIM118
        "window manager": [name for name in bpy.types.WindowManager.bl_rna.properties.keys() if "consistency" in name],  # noqa: SIM118
        **handlers,
    }


def test_nothing_is_left_after_unregistering_twice():
    before = traces()
    for _ in range(2):
        consistency_pipeline.register()
        assert traces() != before
        assert {"run", "cancel", "estimate"} <= set(dir(bpy.ops.consistency))
        consistency_pipeline.unregister()
        assert traces() == before


def test_registering_says_nothing_and_every_option_is_there(capfd):
    """What Blender can't read in a class, an annotation for instance, it prints, and leaves all of its options out."""
    consistency_pipeline.register()
    try:
        for name in dir(bpy.ops.consistency):
            cls = getattr(bpy.types, f"CONSISTENCY_OT_{name}")
            stated = {word for base in cls.__mro__ for word in getattr(base, "__annotations__", {})}
            known = getattr(bpy.ops.consistency, name).get_rna_type().properties.keys()
            assert {word for word in stated if not word.startswith("_")} <= set(known), name
    finally:
        consistency_pipeline.unregister()
    assert capfd.readouterr() == ("", "")


def test_thumbnails_and_drawing_are_given_back(tmp_path):
    from consistency_pipeline.operators.display import compare, thumbnails

    picture = tmp_path / "picture.png"
    image = bpy.data.images.new("picture", 8, 8)
    image.filepath_raw, image.file_format = str(picture), "PNG"
    image.save()
    consistency_pipeline.register()
    try:
        thumbnails.load(picture)
        assert str(picture) in thumbnails._keys
    finally:
        consistency_pipeline.unregister()
    assert thumbnails._previews is None
    assert thumbnails.icon(str(picture)) == 0
    assert compare._handles == []


def test_registering_loads_nothing_heavy():
    """In a process of its own. How long it takes is held by ``benchmarks.startup``."""
    program = (
        "import bpy, sys\nknown = set(sys.modules)\nimport consistency_pipeline as c\nc.register()\nc.unregister()\n"
        "print('NEW', *sorted({'pydantic', 'fal_client', 'httpx', 'numpy.linalg'} & set(sys.modules) - known))"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    assert said.stdout.strip().splitlines()[-1] == "NEW", "registering imported what only a run needs"


def test_import_lines_are_read_as_python_reads_them():
    """In every source: the walk goes by a regular expression, since parsing would take longer than importing."""
    root = Path(consistency_pipeline.__file__).parent
    sources = [
        path
        for room in ("pipeline", "fal_backend", "studio", "operators", "panels", "command_line")
        for path in (root / room).rglob("*.py")
    ]
    for path in sources:
        parsed, lines = set(), set()
        source = path.read_text(encoding="utf-8")
        for module, names, at_once in _by_parser(ast.parse(source)):
            parsed.add((module, tuple(names), at_once))
        for module, names, at_once in gradual_imports.wanted(source, "a.b.c.d.e"):
            lines.add((module, tuple(names), at_once))
        assert lines == {(resolve_name(module, "a.b.c.d.e"), *rest) for module, *rest in parsed}, path


def _by_parser(tree, *, at_once=True):
    only_for_types = isinstance(tree, ast.If) and ast.unparse(tree.test) == "TYPE_CHECKING"
    for part in ("orelse",) if only_for_types else ("body", "handlers", "orelse", "finalbody"):
        for node in getattr(tree, part, ()):
            if isinstance(node, ast.Import):
                yield from ((alias.name, (), at_once) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield "." * node.level + (node.module or ""), [alias.name for alias in node.names], at_once
            else:
                yield from _by_parser(node, at_once=False)


def test_a_run_finds_everything_imported_that_it_needs():
    """Whatever a run would import in its middle holds the window; in a process of its own, since imports stay."""
    program = """
import bpy, sys
for_child = {"requests", "httpx", "fal_client"} - set(sys.modules)  # Blender 5 itself has one of them
import consistency_pipeline as c
c.register()
from consistency_pipeline.operators.runs import gradual_imports as warm_up
while warm_up.advance(): pass
known = set(sys.modules) - for_child
from consistency_pipeline.operators import startup
from consistency_pipeline.operators.editing import preferences
from consistency_pipeline.operators.runs import run_request
import pathlib
run_request.runs_home = lambda: pathlib.Path(sys.argv[1])
bpy.ops.mesh.primitive_cube_add()
bpy.ops.consistency.use_selected()
own = bpy.context.scene.consistency
own.backend, own.size, own.samples, own.motion = "local", 64, 1, "none"
startup.give_default_angles(bpy.context.scene)
while len(own.angles) > 1: own.angles.remove(1)
bpy.ops.consistency.run()
new = sorted(n for n in set(sys.modules) - known if n.split(".")[0] in {"consistency_pipeline", "pydantic", *for_child})
# A window has these done by a second Blender.
for_second = (".scoring.", ".image_worker.", ".contact_sheet", ".lettering", ".marks", ".lighting.mix", ".lighting.separate", ".pipeline.finish", ".pipeline.look.", ".deliver.picture", ".deliver.quality", ".half_colour", ".colour_words")
new = [n for n in new if not any(part in f"{n}." for part in for_second)]
c.unregister()
print("NEW", *new, flush=True)
import os; os._exit(0)
"""
    import tempfile

    with tempfile.TemporaryDirectory() as home:
        said = subprocess.run(
            [sys.executable, "-c", program, home], capture_output=True, text=True, timeout=120, check=False
        )
    (line,) = [line for line in said.stdout.splitlines() if line.startswith("NEW")] or [said.stderr]
    assert line == "NEW"
