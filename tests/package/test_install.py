"""The zip in a fresh user folder: installed, enabled, used, disabled, removed; with no network."""

from __future__ import annotations

import json
from pathlib import Path

from blender_host import Host
from wheels import ROOT

LIFE = """
import json, pathlib, sys
import bpy, addon_utils

archive, report = map(pathlib.Path, sys.argv[1:])
MODULE = "bl_ext.user_default.consistency_pipeline"
HEAVY = {"pydantic", "fal_client", "httpx", "requests"}
seen = {}
before = HEAVY & set(sys.modules)
bpy.ops.extensions.package_install_files(filepath=str(archive), repo="user_default", enable_on_install=True)
seen["enabled"] = addon_utils.check(MODULE)[1]
seen["heavy"] = sorted(HEAVY & set(sys.modules) - before)
seen["home"] = sys.modules[MODULE].__file__
__import__(MODULE + ".command_line")
seen["endpoints"] = sys.modules[MODULE + ".command_line"].main(["endpoints"])
seen["pydantic"] = sys.modules["pydantic"].__file__
seen["files"] = sorted({str(m.__file__) for m in sys.modules.values() if getattr(m, "__file__", None)})
addon_utils.disable(MODULE, default_set=True)
seen["disabled"] = not addon_utils.check(MODULE)[1]
repository = bpy.context.preferences.extensions.repos.find("User Default")
bpy.ops.extensions.package_uninstall(repo_index=repository, pkg_id="consistency_pipeline")
report.write_text(json.dumps(seen))
"""


def test_installs_runs_and_leaves_nothing_behind(host: Host, archive: Path, tmp_path: Path):
    report = tmp_path / "seen.json"
    answer = host.run(LIFE, archive, report)
    said = answer.stdout + answer.stderr
    assert answer.returncode == 0, said
    assert "Traceback" not in said, said
    seen = json.loads(report.read_text())

    assert seen["enabled"]
    assert seen["heavy"] == [], "enabling the extension imports what nobody has used yet"
    assert Path(seen["home"]).is_relative_to(host.user_folder)
    assert seen["endpoints"] == 0
    assert "fal-ai/flux-kontext/dev" in answer.stdout
    assert Path(seen["pydantic"]).is_relative_to(host.user_folder), "pydantic must be the one from the zip"
    leaked = [file for file in seen["files"] if Path(file).is_relative_to(ROOT) and "/.venv" not in file]
    assert leaked == [], "the installed extension runs code of the repository"
    assert seen["disabled"]

    left = [str(file.relative_to(host.home)) for file in host.home.rglob("*") if "consistency" in file.name.lower()]
    assert left == []
    outside = {entry.name for entry in host.home.iterdir()} - {"blender", ".cache"}  # thumbnails are Blender's own
    assert outside == set()
