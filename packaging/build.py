# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds the extension with Blender's own builder, which travels in the bpy wheel. `make build` runs this.

    python packaging/build.py                      one zip for each platform, and the repository index, into dist/
    python packaging/build.py --blender blender    one zip for the Blender at hand, into dist/python-<its version>/

The source names no wheels. They are collected into a copy of it, whose manifest then lists them; the copy is packed.
The same source gives the same bytes: every file in a zip gets one date, one mode and its place in the alphabet.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import repository
from wheels import ROOT, WHEEL_PLATFORMS, Target, WheelError, collect, write_attributions

RELEASE = [Target(platform, python) for platform in WHEEL_PLATFORMS for python in ("3.11", "3.13")]
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date that a zip can hold
QUESTION = "import json, sys, sysconfig; print('\\nANSWER', json.dumps(['%d.%d' % sys.version_info[:2], sysconfig.get_platform()]))"
BLENDER_PLATFORMS = {
    "linux-x86_64": "linux-x64",
    "macosx-arm64": "macos-arm64",
    "macosx-x86_64": "macos-x64",
    "win-amd64": "windows-x64",
    "win-arm64": "windows-arm64",
}


class BuildError(Exception):
    """One sentence for the person who runs the build."""


def builder(*arguments: str | Path) -> None:
    """Blender's own packer, validator and indexer, from the bpy wheel of the Python that runs this."""
    specification = importlib.util.find_spec("bpy")
    if specification is None or specification.origin is None:
        raise BuildError("The builder is part of the bpy wheel, which is not here: run `make build`.")
    blender = Path(specification.origin).parent
    program = next(blender.glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py"))
    command = [sys.executable, str(program), *map(str, arguments)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise BuildError(f"Blender's builder refused: {(answer.stdout + answer.stderr).strip()}")


def ask_blender(executable: str) -> Target:
    """The platform and the Python of a Blender. Raises BuildError when it does not start or is of another kind."""
    command = [executable, "--background", "--factory-startup", "--python-expr", QUESTION]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildError(f"{executable} does not start ({error}): give BLENDER= the path of a Blender.") from error
    lines = [line.removeprefix("ANSWER ") for line in answer.stdout.splitlines() if line.startswith("ANSWER ")]
    if not lines:
        raise BuildError(f"{executable} did not say which Python it has: give BLENDER= the path of a Blender.")
    python, system = json.loads(lines[0])
    name, _, machine = system.partition("-")
    platform = BLENDER_PLATFORMS.get(f"{name}-{machine.rpartition('-')[2]}")
    if platform is None:
        raise BuildError(
            f"There is no name for {system} among Blender's platforms, so no extension can be built for it."
        )
    return Target(platform, python)


def stage(targets: list[Target], folder: Path) -> None:
    """Copies what git would commit into `folder`, adds the wheels and their licences, and lists them in the manifest."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    wheels = collect(targets, folder / "wheels")
    write_attributions(wheels, folder / "THIRD_PARTY_LICENCES.txt")
    manifest = folder / "blender_manifest.toml"
    platforms = sorted({target.platform for target in targets})
    lists = f"platforms = {json.dumps(platforms)}\nwheels = {json.dumps([f'./wheels/{wheel.name}' for wheel in wheels], indent=2)}\n"
    head, table, tail = manifest.read_text("utf-8").partition("[permissions]")
    manifest.write_text(f"{head}{lists}\n{table}{tail}", "utf-8")


def normalise(archive: Path) -> None:
    """Rewrites a zip so that it says nothing about when, where and by whom it was made."""
    with zipfile.ZipFile(archive) as source:
        files = {entry.filename: source.read(entry) for entry in source.infolist()}
    with zipfile.ZipFile(archive, "w") as target:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, ZIP_EPOCH)
            entry.create_system = 3  # Unix, whichever system builds
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_STORED if name.endswith(".whl") else zipfile.ZIP_DEFLATED
            target.writestr(entry, files[name], compresslevel=9)


def build(targets: list[Target], output: Path) -> list[Path]:
    """Builds one zip for each platform among the targets into an emptied `output`; returns them sorted by name."""
    with tempfile.TemporaryDirectory() as temporary:
        source, built = Path(temporary, "source"), Path(temporary, "built")
        source.mkdir()
        built.mkdir()
        stage(targets, source)
        builder("build", "--split-platforms", "--source-dir", source, "--output-dir", built, "--verbose")
        output.mkdir(parents=True, exist_ok=True)
        for old in output.glob("*.zip"):
            old.unlink()
        for archive in sorted(built.glob("*.zip")):
            normalise(archive)
            builder("validate", archive)
            shutil.move(archive, output / archive.name)
    return sorted(output.glob("*.zip"))


def build_repository(output: Path) -> list[Path]:
    """Builds the zips for every official Blender, and the index and page of the repository that `output` then is."""
    archives = build(RELEASE, output)
    builder("server-generate", "--repo-dir", output)
    repository.finish(output)
    return archives


def main() -> int:
    parser = argparse.ArgumentParser(description="Builds the extension's zips.")
    parser.add_argument("--blender", metavar="PATH", help="build for this Blender instead of for the official ones")
    parser.add_argument("--output", type=Path, default=ROOT / "dist", metavar="FOLDER", help="default: dist")
    arguments = parser.parse_args()
    try:
        if arguments.blender:
            target = ask_blender(arguments.blender)
            archives = build([target], arguments.output / f"python-{target.python}")
        else:
            archives = build_repository(arguments.output)
    except (BuildError, WheelError) as error:
        print(error, file=sys.stderr)
        return 1
    for archive in archives:
        print(f"{archive.stat().st_size / 1e6:6.1f} MB  {archive}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
