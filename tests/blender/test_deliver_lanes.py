# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one Blender writes for AR and the web is read by the other as what it was made from."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from consistency_pipeline.pipeline.driver import finish
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from consistency_pipeline.pipeline.settings.groups import RunSettings
from consistency_pipeline.studio.deliver.ar import export_ar
from consistency_pipeline.studio.scene.sample_product import build_sample

ROOT = Path(__file__).resolve().parents[2]
READ = """
import json, os, sys
from pathlib import Path
import bpy
from consistency_pipeline.studio.deliver.ar import read_back
bpy.ops.wm.read_factory_settings(use_empty=True)
print("ANSWER", json.dumps([bpy.app.version_string, *(read_back(Path(path)) for path in sys.argv[1:])]), flush=True)
os._exit(0)
"""


@pytest.mark.long
@pytest.mark.parametrize("name", ["sample", "duck", "milk_truck"])
def test_glb_and_usdz_are_the_same_product_in_the_other_blender(name, tmp_path):
    other = next((path for path in ROOT.glob(".venv-*/bin/python") if path.parents[1] != Path(sys.prefix)), None)
    if other is None:
        pytest.skip("NOT RUN: there is one lane only")
    model = Path(os.environ.get("CONSISTENCY_TEST_MODELS") or os.devnull) / f"{name}.glb"
    if name == "sample":
        model = tmp_path / "sample.glb"
        build_sample(model)
    if not model.is_file():
        pytest.skip(f"CONSISTENCY_TEST_MODELS has no {name}.glb")
    folder = RunFolder.create(tmp_path / "run", RunSettings(backend="local", inputs=(str(model),)), {})
    folder.product.parent.mkdir(exist_ok=True)
    folder.product.write_bytes(model.read_bytes())
    out = tmp_path / "ar"
    out.mkdir()
    made = finish(export_ar(folder, out))["made"]
    files = [str(out / "product.glb"), str(out / "product.usdz")]
    done = subprocess.run([other, "-c", READ, *files], capture_output=True, text=True, timeout=250, check=False)
    answer = next((line for line in done.stdout.splitlines() if line.startswith("ANSWER ")), done.stderr)
    for found in json.loads(answer.removeprefix("ANSWER "))[1:]:
        assert found["size_m"] == pytest.approx(made["size_m"], rel=1e-4)
        assert {key: found[key] for key in ("triangles", "materials", "textures", "largest_texture")} == {
            key: made[key] for key in ("triangles", "materials", "textures", "largest_texture")
        }
