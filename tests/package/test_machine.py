# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Setting up on machines that lack something: what is found, and what is said."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wheels import ROOT

pytestmark = pytest.mark.by_turns

THIS = f"{sys.version_info[0]}.{sys.version_info[1]}"


def program(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return file


def find_python(version: str, *chosen: str, path: Path, home: Path) -> subprocess.CompletedProcess[str]:
    command = [ROOT / "packaging" / "find_python", version, *chosen]
    environment = {"PATH": f"{path}:/usr/bin:/bin", "HOME": str(home)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_python_that_does_not_start_is_passed_over_for_one_that_does(tmp_path: Path):
    program(tmp_path / "shims", f"python{THIS}", "echo 'command not found' >&2; exit 127")
    program(tmp_path / "shims", "python3", f'exec "{sys.executable}" "$@"')
    found = find_python(THIS, path=tmp_path / "shims", home=tmp_path)
    assert found.stdout.strip() == sys.executable


def test_a_python_of_another_version_is_not_taken(tmp_path: Path):
    program(tmp_path / "shims", "python3.99", f'exec "{sys.executable}" "$@"')
    found = find_python("3.99", path=tmp_path / "shims", home=tmp_path)
    assert (found.returncode, found.stdout) == (1, "")


def test_a_chosen_python_that_is_wrong_is_named_and_nothing_else_is_tried(tmp_path: Path):
    found = find_python(THIS, "/no/such/python", path=Path(sys.executable).parent, home=tmp_path)
    assert (found.returncode, found.stdout) == (1, "")
    assert f"/no/such/python is not a Python {THIS}" in found.stderr
    assert f"PYTHON{THIS.replace('.', '')}" in found.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux leaves these libraries to the system")
def test_all_missing_libraries_are_named_at_once_with_their_packages(tmp_path: Path):
    lines = ["libX11.so.6 => not found", "libm.so.6 => /lib/libm.so.6 (0x0)", "libSM.so.6 => not found"]
    program(tmp_path / "bin", "ldd", "\n".join(f"printf '\\t%s\\n' '{line}'" for line in lines))
    answer = subprocess.run(
        [sys.executable, ROOT / "packaging" / "system_libraries.py"],
        env=os.environ | {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "CONSISTENCY_INSTALL_LIBRARIES": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 1
    assert "libSM.so.6, libX11.so.6" in answer.stderr
    assert "apt-get install -y --no-install-recommends libsm6 libx11-6\n" in answer.stderr
