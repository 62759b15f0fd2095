# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `make release` refuses, and what it leaves."""

from __future__ import annotations

import datetime as dt
import subprocess
from pathlib import Path

import pytest

from release import ReleaseError, release

pytestmark = pytest.mark.by_turns

TODAY = dt.date(2027, 3, 1)
LOG = "# Changelog\n\n## Unreleased\n\n### Added\n\n- A button.\n\n## 0.1.0 - 2026-12-01\n\n- Everything.\n"


def git(root: Path, *arguments: str) -> str:
    who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.com"]
    return subprocess.run(["git", *who, *arguments], cwd=root, capture_output=True, text=True, check=True).stdout


def commit(root: Path, version: str = "0.2.0", log: str = LOG) -> None:
    (root / "blender_manifest.toml").write_text(f'version = "{version}"\n')
    (root / "pyproject.toml").write_text(f'[project]\nversion = "{version}"\n')
    (root / "CHANGELOG.md").write_text(log)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "--message", version)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    (tmp_path / ".gitignore").write_text("dist/\n")
    commit(tmp_path)
    return tmp_path


def build(output: Path) -> list[Path]:
    output.mkdir()
    (output / "a.zip").touch()
    return [output / "a.zip"]


def test_the_entry_is_what_was_below_unreleased(root: Path):
    assert release(root, build, TODAY) == ("0.2.0", [root / "dist" / "a.zip"])
    text = (root / "CHANGELOG.md").read_text()
    unreleased, entry, *earlier = text.split("\n## ")[1:]
    assert unreleased.strip() == "Unreleased"
    assert entry.strip() == "0.2.0 - 2027-03-01\n\n### Added\n\n- A button."
    assert earlier == ["0.1.0 - 2026-12-01\n\n- Everything.\n"]


def test_nothing_is_committed_or_tagged(root: Path):
    before = git(root, "log", "--format=%H")
    release(root, build, TODAY)
    assert git(root, "log", "--format=%H") == before
    assert git(root, "tag") == ""
    assert git(root, "status", "--porcelain") == " M CHANGELOG.md\n"


def test_a_version_is_released_once(root: Path):
    git(root, "tag", "v0.2.0")
    with pytest.raises(ReleaseError, match=r"0\.2\.0 was released before"):
        release(root, build, TODAY)
    commit(root, "0.1.0")
    with pytest.raises(ReleaseError, match=r"0\.1\.0 was released before"):
        release(root, build, TODAY)


def test_changes_that_are_not_committed_stop_it(root: Path):
    (root / "new.py").touch()
    with pytest.raises(ReleaseError, match=r"not committed[^\n]*\n.*new\.py"):
        release(root, build, TODAY)


def test_two_versions_or_an_empty_entry_stop_it(root: Path):
    commit(root, log=LOG.replace("- A button.\n", ""))
    with pytest.raises(ReleaseError, match="says nothing below"):
        release(root, build, TODAY)
    commit(root)
    (root / "pyproject.toml").write_text('[project]\nversion = "0.3.0"\n')
    git(root, "commit", "--quiet", "--all", "--message", "x")
    with pytest.raises(ReleaseError, match=r"says 0\.2\.0 and pyproject\.toml 0\.3\.0"):
        release(root, build, TODAY)


def test_a_build_that_fails_leaves_the_changelog_as_it_was(root: Path):
    def fails(_output: Path) -> list[Path]:
        raise OSError("no wheels")

    with pytest.raises(OSError, match="no wheels"):
        release(root, fails, TODAY)
    assert (root / "CHANGELOG.md").read_text() == LOG
