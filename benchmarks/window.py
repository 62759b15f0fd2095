# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long the sidebar holds a real window: python -m benchmarks.window [blender]

Builds the zip for that Blender, installs it into a fresh user folder, and plays the scenario ``measures`` of the window
tests in a virtual screen: a run on this machine, every panel open. Prints the longest hold of the main thread by what
was being done, the time the panels take to draw, and the cost of register(). Targets: 16 ms a hold, Blender's own
render, import and save aside; 50 ms for register().
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BLENDERS_OWN = (
    "importing",
    "measuring",
    "saving scene",
    "scene.blend saved",
    "rendering",
    "finishing",
)  # it renders, imports or saves there


def main(arguments: list[str]) -> int:
    program = arguments[0] if arguments else os.environ.get("BLENDER") or shutil.which("blender")
    if program is None or shutil.which("Xvfb") is None:
        print("NOT RUN: this needs a Blender (BLENDER=…, or on PATH) and Xvfb")
        return 0
    sys.path[:0] = [str(ROOT), str(ROOT / "packaging"), str(ROOT / "tests" / "gui")]
    with tempfile.TemporaryDirectory(prefix="consistency-window-") as name:
        said = measure(program, Path(name))
    print(f"register(): {said['register_ms']:.1f} ms")
    print(f"all panels drawn once: {said['draw_ms']:.1f} ms mean; the slowest: {said['slowest_panel']}")
    print(f"settings of this run: {said['what']}")
    for doing, milliseconds in sorted(said["holds_ms"].items(), key=lambda pair: -pair[1])[:12]:
        own = " (Blender's own work)" if any(word in doing for word in BLENDERS_OWN) else ""
        print(f"{milliseconds:8.1f} ms  {doing}{own}")
    return 0


def measure(program: str, home: Path) -> dict[str, Any]:
    from launch import Window, virtual_screen
    from test_sidebar import cube_glb

    from build import ask_blender, build

    (archive,) = build([ask_blender(program)], home / "dist")
    model = os.environ.get("CONSISTENCY_BENCH_MODEL") or str(cube_glb(home / "cube.glb"))
    with virtual_screen() as display:
        return Window.install(program, archive, home, display, home / "shots").play(
            "measures", model=model, timeout=400
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
