# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A screenshot of every panel, taken in a real window on a virtual screen: python packaging/screenshots.py [MODEL.glb]

Into docs/screenshots, one small PNG for each panel. BLENDER names the program, else `blender` on PATH is taken. MODEL is
what the run shows; without it, demo/sample.glb. The run is paid to the fake fal.ai of the tests: its stills are the
references with the fake's marks, and nothing leaves this machine.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "gui")]


def main(arguments: list[str]) -> int:
    program = os.environ.get("BLENDER") or shutil.which("blender")
    if program is None or any(shutil.which(tool) is None for tool in ("Xvfb", "import", "convert")):
        print("this needs a Blender (BLENDER=…, or on PATH), Xvfb and ImageMagick", file=sys.stderr)
        return 1
    from launch import Window, virtual_screen

    from build import ask_blender, build
    from tests.fake_fal import API_KEY, FakeFal

    shots = ROOT / "docs" / "screenshots"
    with (
        tempfile.TemporaryDirectory(prefix="consistency-shots-") as name,
        virtual_screen() as display,
        FakeFal() as fake,
    ):
        home = Path(name)
        (archive,) = build([ask_blender(program)], home / "dist")
        model = shutil.copy(arguments[0] if arguments else ROOT / "demo" / "sample.glb", home)
        window = Window.install(program, archive, home, display, shots, **fake.environment(key=None))
        window.play("new_scene")
        window.play("every_panel", model=str(model), key=API_KEY, patience=400, timeout=600)
    print(f"{len(list(shots.glob('*.png')))} screenshots in {shots}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
