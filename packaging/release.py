# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A version for others: its zips, its repository index and its entry in the changelog. `make release` runs this.

    python packaging/release.py

The version is the one that blender_manifest.toml and pyproject.toml name; its entry is made of what CHANGELOG.md has below
*Unreleased*. Nothing is committed, tagged or published: what is left to do is printed.
"""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

from build import BuildError, build_repository
from wheels import ROOT, WheelError

UNRELEASED = "## Unreleased"


class ReleaseError(Exception):
    """One sentence for the person who releases, with the cure."""


def release(root: Path, build: Callable[[Path], list[Path]], today: dt.date) -> tuple[str, list[Path]]:
    """Checks, builds into dist/, then writes the changelog. Returns the version and the zips.

    ``root``: the work tree, which is a git repository. ``build``: fills an output folder, returns its zips. Raises
    ReleaseError, or what ``build`` raises, and has changed nothing but dist/ then.
    """
    if changes := _git(root, "status", "--porcelain"):
        raise ReleaseError(f"There are changes that are not committed: commit or stash them first.\n{changes}")
    version = _version(root)
    log = root / "CHANGELOG.md"
    text = log.read_text("utf-8")
    if re.search(rf"^## {re.escape(version)} ", text, re.MULTILINE) or _git(root, "tag", "--list", f"v{version}"):
        raise ReleaseError(
            f"{version} was released before: raise `version` in blender_manifest.toml and pyproject.toml."
        )
    before, heading, rest = text.partition(f"{UNRELEASED}\n")
    if not heading or not re.search(r"^- ", rest.partition("\n## ")[0], re.MULTILINE):
        raise ReleaseError(f"CHANGELOG.md says nothing below {UNRELEASED!r}: write what a user will notice.")
    archives = build(root / "dist")
    log.write_text(f"{before}{UNRELEASED}\n\n## {version} - {today.isoformat()}\n{rest}", "utf-8")
    return version, archives


def _version(root: Path) -> str:
    manifest = tomllib.loads((root / "blender_manifest.toml").read_text("utf-8"))["version"]
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    if manifest != project:
        raise ReleaseError(f"blender_manifest.toml says {manifest} and pyproject.toml {project}: make them the same.")
    return str(manifest)


def _git(root: Path, *arguments: str) -> str:
    answer = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise ReleaseError(f"git {arguments[0]} failed: {answer.stderr.strip()}")
    return answer.stdout.rstrip()


def main() -> int:
    try:
        version, archives = release(ROOT, build_repository, dt.datetime.now().astimezone().date())
    except (ReleaseError, BuildError, WheelError) as error:
        print(error, file=sys.stderr)
        return 1
    for archive in archives:
        print(archive)
    print(f"\n{version} is in dist/, and CHANGELOG.md has its entry. Nothing was published. What is left to do:")
    print("  1. install the zip of your system in a Blender of your own, and read the entry")
    print(f"  2. git commit -am 'Release {version}' && git tag v{version} && git push && git push --tags")
    print("  3. put all of dist/ where artists subscribe to it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
