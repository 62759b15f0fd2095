"""The zip in the Blender that is on PATH, through Blender's own commands."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from blender_host import Host
from build import ask_blender, build

pytestmark = pytest.mark.skipif(shutil.which("blender") is None, reason="there is no `blender` on PATH")


def blender(host: Host, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = ["blender", "--command", *map(str, arguments)]
    return subprocess.run(
        command, env=host.environment(), cwd=host.home, capture_output=True, text=True, check=False, timeout=120
    )


def test_installs_answers_and_is_removed(host: Host, tmp_path: Path):
    (archive,) = build([ask_blender("blender")], tmp_path / "dist")

    installed = blender(host, "extension", "install-file", "--repo", "user_default", "--enable", archive)
    assert installed.returncode == 0, installed.stdout + installed.stderr

    doctor = blender(host, "consistency", "doctor")
    assert doctor.returncode == 0, doctor.stdout + doctor.stderr
    assert "Blender" in doctor.stdout

    usage = blender(host, "consistency", "no-such-word")
    assert usage.returncode == 2
    assert "no-such-word" in usage.stderr

    removed = blender(host, "extension", "remove", "consistency_pipeline")
    assert removed.returncode == 0, removed.stdout + removed.stderr
    assert [file for file in host.home.rglob("*") if "consistency" in file.name.lower()] == []
