# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The zip in a fresh user folder, with no network: installed, enabled, used, disabled, removed."""

from __future__ import annotations

import json
from pathlib import Path

from blender_host import Host
from tests.fake_fal.model import glb
from wheels import ROOT

# One session, as an artist has it: everything between dropping the zip and removing the extension again.
SESSION = """
import json, pathlib
import bpy, addon_utils

archive, model, run, report = map(pathlib.Path, arguments)
MODULE = "bl_ext.user_default.consistency_pipeline"
HEAVY = {"numpy", "pydantic", "fal_client", "httpx", "requests"}
seen = {"connections": []}
sys.addaudithook(lambda name, about: name == "socket.connect" and seen["connections"].append(str(about[1])))
before = HEAVY & set(sys.modules)
bpy.ops.extensions.package_install_files(filepath=str(archive), repo="user_default", enable_on_install=True)
seen["enabled"] = addon_utils.check(MODULE)[1]
seen["heavy"] = sorted(HEAVY & set(sys.modules) - before)
seen["heavy"] += [name for name in sys.modules if name.startswith((MODULE + ".studio", MODULE + ".fal_backend"))]
seen["home"] = sys.modules[MODULE].__file__
__import__(MODULE + ".command_line")
options = "--backend local --size 64 --samples 2 --angles front --device cpu --motion turntable --duration 1"
seen["status"] = sys.modules[MODULE + ".command_line"].main(["run", str(model), "--out", str(run), *options.split()])
seen["pydantic"] = sys.modules["pydantic"].__file__
seen["files"] = sorted({str(m.__file__) for m in sys.modules.values() if getattr(m, "__file__", None)})
addon_utils.disable(MODULE, default_set=True)
seen["disabled"] = not addon_utils.check(MODULE)[1]
seen["registered"] = [name for name in dir(bpy.types) if name.startswith("CONSISTENCY_")]
repository = bpy.context.preferences.extensions.repos.find("User Default")
bpy.ops.extensions.package_uninstall(repo_index=repository, pkg_id="consistency_pipeline")
report.write_text(json.dumps(seen))
"""


def test_installs_takes_a_product_through_and_leaves_nothing_behind(host: Host, fitting: Path, tmp_path: Path):
    model, run, report = tmp_path / "vase.glb", tmp_path / "run", tmp_path / "seen.json"
    model.write_bytes(glb(200, (200, 60, 40)))
    answer = host.run(SESSION, fitting, model, run, report)
    said = answer.stdout + answer.stderr
    assert answer.returncode == 0, said
    assert "Traceback" not in said, said
    seen = json.loads(report.read_text())

    assert seen["enabled"]
    assert seen["heavy"] == [], "enabling the extension imports what nobody has used yet"
    assert Path(seen["home"]).is_relative_to(host.user_folder)
    assert seen["status"] == 0, said
    for name in ("references/front.png", "photoreal/front.png", "video/turntable.mp4", "scene.blend", "report.json"):
        assert (run / name).stat().st_size > 0, name
    assert Path(seen["pydantic"]).is_relative_to(host.user_folder), "pydantic must be the one from the zip"
    assert seen["connections"] == []
    leaked = [file for file in seen["files"] if Path(file).is_relative_to(ROOT) and "/.venv" not in file]
    assert leaked == [], "the installed extension runs code of the repository"
    assert seen["disabled"]
    assert seen["registered"] == []
    assert host.left_behind() == []


def test_obeys_blenders_command_line(host: Host, fitting: Path):
    installed = host.command("extension", "install-file", "--repo", "user_default", "--enable", fitting)
    assert installed.returncode == 0, installed.stdout + installed.stderr

    doctor = host.command("consistency", "doctor")
    assert doctor.returncode == 0, doctor.stdout + doctor.stderr
    assert "key: not found" in doctor.stdout
    assert "missing" not in doctor.stdout

    usage = host.command("consistency", "no-such-word")
    assert usage.returncode == 2
    assert "no-such-word" in usage.stderr

    removed = host.command("extension", "remove", "consistency_pipeline")
    assert removed.returncode == 0, removed.stdout + removed.stderr
    assert host.left_behind() == []
