# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every Python file says its licence and its owner in its first lines, as blender_manifest.toml has them."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOT_OURS = {"wheels", "dist", "demo"}  # what was made here


def test_every_file_says_its_licence():
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))
    (licence,), (owner,) = manifest["license"], manifest["copyright"]
    lines = f"# SPDX-FileCopyrightText: {owner}\n# SPDX-License-Identifier: {licence.removeprefix('SPDX:')}\n\n"
    folders = [each for each in ROOT.iterdir() if each.is_dir() and not each.name.startswith(".")]
    files = [
        *ROOT.glob("*.py"),
        *(file for each in folders if each.name not in NOT_OURS for file in each.rglob("*.py")),
    ]
    assert len(files) > 300
    assert not [str(file.relative_to(ROOT)) for file in files if not file.read_text(encoding="utf-8").startswith(lines)]
