# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""An option is declared in one place: lines added to pipeline/settings/options.py alone are found wherever options are shown.

The lines are added to a copy of the package, which a Python of its own imports with the Blender of this lane.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BEFORE = "    takes: int = option("  # a field of the group Stills
ADDED = """
    grain: float = option(0.25, "how much film grain the stills get", unit="share", least=0.0, most=1.0, label="Grain")
    polish: bool = option(True, "polish the stills", off="leave the stills as they come", label="Polish")
    paper: Literal["matt", "gloss"] = option(
        "matt", "what the stills are printed on", label="Paper",
        choices={"matt": ("Matt", "Without reflections"), "gloss": ("Gloss", "With reflections")},
    )
    layers: int | None = option(None, "layers of varnish", unset="as many as it takes", least=1, most=9, label="Layers")
    tilt: float = option(0.0, "how far the paper is turned", unit="degrees", least=-45.0, most=45.0, label="Tilt")
    marks: tuple[str, ...] = option((), "marks that the stills get", metavar="A,B,…", label="Marks", prop="own_marks")
"""
LOOK = r"""
import contextlib, io, json, math, runpy, sys
from pathlib import Path

import bpy
import consistency_pipeline
from consistency_pipeline.pipeline.settings.arguments import make_parser, settings_from
from consistency_pipeline.pipeline.errors import UsageError
from consistency_pipeline.pipeline.settings.groups import RunSettings

NAMES = ("grain", "polish", "paper", "layers", "tilt", "marks")
root = Path(consistency_pipeline.__file__).parent
found = {"package": str(root)}


def of(settings):
    return [getattr(settings.stills, name) for name in NAMES]


def parsed(*words):
    return settings_from(make_parser().parse_args(["run", "duck.glb", "--out", "x", *words]), has_key=False)


help_text = io.StringIO()
with contextlib.redirect_stdout(help_text), contextlib.suppress(SystemExit):
    make_parser().parse_args(["run", "--help"])
found["help"] = " ".join(help_text.getvalue().split())
found["not given"] = of(parsed())
given = parsed("--grain", "0.5", "--no-polish", "--paper", "gloss", "--layers", "3", "--tilt", "30", "--marks", "A,B")
found["given"] = of(given)
try:
    parsed("--grain", "1.5")
except UsageError as error:
    found["refused"] = str(error)

written = given.model_dump(mode="json")
found["run.json"] = [written[name] for name in NAMES]
found["read again"] = RunSettings.model_validate(written) == given
older = RunSettings().model_dump(mode="json")
for name in NAMES:
    del older[name]
found["older run"] = of(RunSettings.model_validate(older))

consistency_pipeline.register()
own = bpy.context.scene.consistency
facts = own.bl_rna.properties
found["tooltips"] = [facts[name].description for name in (*NAMES[:-1], "own_marks")]
found["grain"] = [facts["grain"].name, facts["grain"].subtype, facts["grain"].hard_max, facts["grain"].default]
found["tilt"] = [facts["tilt"].subtype, round(math.degrees(facts["tilt"].hard_max))]
found["paper"] = [[item.identifier, item.name, item.description] for item in facts["paper"].enum_items]
from consistency_pipeline.operators.editing import scene_settings
from consistency_pipeline.operators.startup import give_default_angles

give_default_angles(bpy.context.scene)
own.source, own.file = "FILE", "/models/duck.glb"
found["new scene"] = of(scene_settings.to_settings(bpy.context.scene))
scene_settings.from_settings(bpy.context.scene, given)
found["in the scene"] = [own.grain, own.polish, own.paper, own.layers, round(math.degrees(own.tilt)), own.own_marks]
found["and back"] = of(scene_settings.to_settings(bpy.context.scene))
consistency_pipeline.unregister()

found["page"] = runpy.run_path(str(root / "packaging" / "reference.py"))["reference"]()
Path(sys.argv[1]).write_text(json.dumps(found), encoding="utf-8")
"""
DEFAULTS = [0.25, True, "matt", None, 0.0, []]
CHOSEN = [0.5, False, "gloss", 3, 30.0, ["A", "B"]]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What a copy of the package with the added lines shows."""
    folder = tmp_path_factory.mktemp("copy")
    copy = folder / "consistency_pipeline"
    shutil.copytree(
        ROOT, copy, ignore=shutil.ignore_patterns(".*", "tests", "benchmarks", "docs", "dist", "demo", "__pycache__")
    )
    options = copy / "pipeline" / "settings" / "options.py"
    source = options.read_text(encoding="utf-8")
    assert source.count(BEFORE) == 1
    options.write_text(source.replace(BEFORE, ADDED.lstrip("\n") + BEFORE), encoding="utf-8")
    subprocess.run(
        [sys.executable, "-c", LOOK, str(folder / "found.json")],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "BLENDER_USER_RESOURCES": str(folder / "blender")},
        check=True,
        timeout=120,
    )
    found = json.loads((folder / "found.json").read_text(encoding="utf-8"))
    assert found["package"] == str(copy)
    return found


def test_the_command_line_has_its_flag(found):
    for flag in (
        "--grain GRAIN",
        "--no-polish",
        "--paper {matt,gloss}",
        "--layers LAYERS",
        "--tilt TILT",
        "--marks A,B,…",
    ):
        assert flag in found["help"]
    assert "how much film grain the stills get (0 to 1, default 0.25)" in found["help"]
    assert "leave the stills as they come" in found["help"]
    assert found["not given"] == DEFAULTS
    assert found["given"] == CHOSEN
    assert found["refused"].startswith("--grain: ")


def test_run_json_has_it_and_an_older_one_opens_without(found):
    assert found["run.json"] == CHOSEN
    assert found["read again"]
    assert found["older run"] == DEFAULTS


def test_the_scene_has_its_property(found):
    assert found["tooltips"] == [
        "How much film grain the stills get",
        "Polish the stills",
        "What the stills are printed on",
        "Layers of varnish; 0: as many as it takes",
        "How far the paper is turned",
        "Marks that the stills get; several are separated by commas",
    ]
    assert found["grain"] == ["Grain", "PERCENTAGE", 100.0, 25.0]
    assert found["tilt"] == ["ANGLE", 45]
    assert found["paper"] == [["matt", "Matt", "Without reflections"], ["gloss", "Gloss", "With reflections"]]


def test_a_scene_is_converted_to_settings_and_back(found):
    assert found["new scene"] == DEFAULTS
    assert found["in the scene"] == [50.0, False, "gloss", 3, 30, "A, B"]
    assert found["and back"] == CHOSEN


def test_the_reference_page_says_what_it_is(found):
    assert "| `--grain GRAIN` | how much film grain the stills get (0 to 1, default 0.25) |" in found["page"]
    assert "| `--no-polish` | leave the stills as they come |" in found["page"]
    assert "| `--paper matt\\|gloss` | what the stills are printed on (default matt) |" in found["page"]
