# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is in the zip, and what makes the build refuse."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from build import RELEASE, BuildError, build, builder, stage
from wheels import CACHE, LOCK, ROOT, WHEEL_PLATFORMS, Target, WheelError, collect

SHIPPED_BY_BLENDER = {"requests", "urllib3", "certifi", "idna", "charset_normalizer", "numpy"}


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")


def test_two_builds_are_the_same_bytes(archive: Path, target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    before = os.umask(0o077)
    try:
        (again,) = build([target], tmp_path)
    finally:
        os.umask(before)
    assert again.read_bytes() == archive.read_bytes()


def test_the_zip_holds_the_program_and_nothing_of_the_workshop(archive: Path):
    with zipfile.ZipFile(archive) as files:
        top = {name.split("/")[0] for name in files.namelist()}
    rooms = {"pipeline", "fal_backend", "studio", "operators", "panels", "command_line"}
    papers = {"LICENSE", "README.md", "THIRD_PARTY_LICENCES.txt"}
    assert top == rooms | papers | {
        "__init__.py",
        "surroundings.py",
        "blender_manifest.toml",
        "wheels",
    }


def test_every_wheel_is_the_pinned_one_unmodified_and_listed(archive: Path):
    pinned = LOCK.read_text()
    with zipfile.ZipFile(archive) as files:
        carried = {name: files.read(name) for name in files.namelist() if name.endswith(".whl")}
        listed = tomllib.loads(files.read("blender_manifest.toml").decode())["wheels"]
    assert sorted(listed) == sorted(f"./{name}" for name in carried)
    for name, content in carried.items():
        assert f"sha256:{hashlib.sha256(content).hexdigest()}" in pinned, name


def test_nothing_is_carried_that_blender_ships(archive: Path):
    with zipfile.ZipFile(archive) as files:
        packages = {Path(name).name.split("-")[0] for name in files.namelist() if name.endswith(".whl")}
    assert {"fal_client", "pydantic", "pydantic_core"} <= packages
    assert not packages & SHIPPED_BY_BLENDER


def test_the_release_serves_every_platform_with_the_compiled_wheels_of_both_pythons(tmp_path: Path):
    served = {}
    for archive in build(RELEASE, tmp_path):
        with zipfile.ZipFile(archive) as files:
            manifest = tomllib.loads(files.read("blender_manifest.toml").decode())
            (platform,) = manifest["build"]["generated"]["platforms"]  # Blender's builder adds what this zip is for
            compiled = [name.split("-") for name in files.namelist() if "/pydantic_core-" in name]
        served[platform] = sorted(parts[2] for parts in compiled)
        assert all(
            set(parts[-1].removesuffix(".whl").split(".")) & set(WHEEL_PLATFORMS[platform]) for parts in compiled
        )
    assert served.keys() == {"linux-x64", "macos-arm64", "macos-x64", "windows-arm64", "windows-x64"}
    assert all(pythons == ["cp311", "cp313"] for pythons in served.values())


def test_every_wheel_has_its_licence_in_the_zip(archive: Path):
    with zipfile.ZipFile(archive) as files:
        text = files.read("THIRD_PARTY_LICENCES.txt").decode().replace("-", "_").lower()
        wheels = [Path(name).name.split("-") for name in files.namelist() if name.endswith(".whl")]
    for name, version, *_ in wheels:
        assert f"\n{name} {version}: ".lower() in text, name


def test_the_queue_client_starts_without_the_wheels_that_are_left_out():
    program = "import sys; sys.modules['msgpack'] = sys.modules['websockets'] = None; import fal_client; fal_client.SyncClient"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_manifest_that_names_an_absent_wheel_is_refused(target: Target, tmp_path: Path):
    stage([target], tmp_path)
    next((tmp_path / "wheels").glob("pydantic_core*.whl")).unlink()
    with pytest.raises(BuildError, match="pydantic_core"):
        builder("build", "--source-dir", tmp_path, "--output-dir", tmp_path)


@pytest.mark.usefixtures("archive", "offline")
def test_a_wheel_that_is_not_the_pinned_one_stops_the_build(target: Target, tmp_path: Path):
    cache = tmp_path / "cache"
    shutil.copytree(CACHE, cache)
    damaged = next(cache.glob("httpx-*.whl"))
    damaged.write_bytes(damaged.read_bytes() + b"\0")
    with pytest.raises(WheelError, match="httpx"):
        collect([target], tmp_path / "wheels", cache=cache)


@pytest.mark.usefixtures("archive", "offline")
def test_a_platform_without_a_wheel_is_named(target: Target, tmp_path: Path):
    with pytest.raises(WheelError, match=rf"{target.platform} with Python 3\.2 .*"):
        collect([Target(target.platform, "3.2")], tmp_path / "wheels", cache=tmp_path / "cache")


def test_a_blender_that_is_none_is_named_with_the_cure(tmp_path: Path):
    command = [sys.executable, ROOT / "packaging" / "build.py", "--blender", tmp_path / "blender", "--output", tmp_path]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert "give BLENDER= the path of a Blender" in answer.stderr
    assert "Traceback" not in answer.stderr
