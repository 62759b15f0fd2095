# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the enabled extension costs when Blender starts: python -m benchmarks.startup [STARTS]

Installs the zip into a fresh user folder and starts Blender again and again (default 9 times), by turns with and
without the extension: the bpy wheel of this Python, and the Blender on PATH where there is one. Prints the time of
importing and registering, cold in each process; the memory that it takes; what a start takes altogether; and the
modules that importing spends most time in. Status 1 when import and register take 50 ms of CPU or more at the median;
the time on the clock beside it is the same where nothing else runs.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "packaging"), str(ROOT / "tests" / "package")]

if TYPE_CHECKING:
    from blender_host import Host

REPORT_ONLY = "--report-only"  # for a busy machine: nothing fails for being slow
LIMIT_MS = 50.0

# All leave without tearing down: classes that are still registered then crash or hang Blender 4.5 as a module.
INSTALL = """
import bpy, os
archive, enable = arguments
bpy.ops.extensions.package_install_files(filepath=archive, repo="user_default", enable_on_install=bool(enable))
bpy.ops.wm.save_userpref()
os._exit(0)
"""

# What a start does by itself and, where Blender is a module, has to be asked for: the preferences and all they enable.
START = """
import bpy, os
if bpy.app.module:
    bpy.ops.wm.read_userpref()
os._exit(0)
"""

# The part of enabling that is ours: everything else is Blender's, for any extension.
ENABLE = """
import gc, importlib, json, os, time
import bpy
from importlib.machinery import SourceFileLoader

how, report = arguments
spent_ms, below = {}, [0.0]

def memory():  # in MB, now; where there is no /proc, unknown
    if not os.path.exists("/proc/self/statm"):
        return float("nan")
    with open("/proc/self/statm") as numbers:
        return int(numbers.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

def timed(self, module, execute=SourceFileLoader.exec_module):
    below.append(0.0)
    began = time.process_time()
    try:
        execute(self, module)
    finally:
        spent = time.process_time() - began
        spent_ms[module.__name__] = (spent - below.pop()) * 1e3
        below[-1] += spent

if how == "modules":
    gc.disable()  # a collection, 20 ms in Python 3.11, would be charged to whichever module it falls into
    SourceFileLoader.exec_module = timed
before, began, worked = memory(), time.perf_counter(), time.process_time()
extension = importlib.import_module("bl_ext.user_default.consistency_pipeline")
extension.register()
cpu, wall = time.process_time() - worked, time.perf_counter() - began
seen = {"cpu_ms": cpu * 1e3, "ms": wall * 1e3, "mb": memory() - before, "modules": spent_ms}
with open(report, "w") as file:
    json.dump(seen, file)
os._exit(0)
"""


def main(arguments: list[str]) -> int:
    from blender_host import Real, Wheel

    numbers = [argument for argument in arguments if argument != REPORT_ONLY]
    starts = int(numbers[0]) if numbers else 9
    with tempfile.TemporaryDirectory(prefix="consistency-startup-") as name:
        folder = Path(name)
        medians = [measure(lambda word: Wheel(folder / word, folder / f"{word}-packages"), folder / "wheel", starts)]
        if shutil.which("blender"):
            medians.append(measure(lambda word: Real(folder / f"real-{word}"), folder / "real", starts))
        else:
            print("NOT RUN: a real Blender, because there is no `blender` on PATH")
    return 0 if REPORT_ONLY in arguments or max(medians) < LIMIT_MS else 1


def measure(new_host: Callable[[str], Host], folder: Path, starts: int) -> float:
    """Prints the figures of one kind of Blender; returns the median CPU time of import and register in milliseconds."""
    from build import build

    bare, enabled = new_host("bare"), new_host("enabled")
    (archive,) = build([bare.target], folder)
    run(bare, INSTALL, archive, "")
    run(enabled, INSTALL, archive, "yes")
    first = enable(bare, "first")
    turns = [enable(bare, "again") for _ in range(starts)]
    cpu, clock = (median(turn[key] for turn in turns) for key in ("cpu_ms", "ms"))
    whole = [(run(bare, START), run(enabled, START)) for _ in range(starts)]
    without, with_it = median(turn[0] for turn in whole), median(turn[1] for turn in whole)

    print(f"\nBlender ({type(bare).__name__.lower()}) with Python {bare.target.python}, {starts} starts of each kind")
    print(f"  import and register  {cpu:6.1f} ms of CPU median, {clock:.1f} on the clock")
    print(f"  the first time       {first['cpu_ms']:6.1f} ms of CPU, which compiles")
    print(f"  memory               {median(turn['mb'] for turn in turns):6.1f} MB")
    print(f"  a whole start        {with_it:6.0f} ms median with it, {without:.0f} without")
    for name, milliseconds in sorted(enable(bare, "modules")["modules"].items(), key=lambda pair: -pair[1])[:6]:
        print(f"  {milliseconds:6.1f} ms of CPU  {name.removeprefix('bl_ext.user_default.')}")
    return cpu


def enable(host: Host, how: str) -> dict[str, Any]:
    """Import and register once, in a process of its own: ``ms``, ``mb`` and, how == "modules", what each import took."""
    report = host.home / "report.json"
    run(host, ENABLE, how, report)
    return json.loads(report.read_text())


def run(host: Host, program: str, *arguments: str | Path) -> float:
    """Starts Blender for a program; returns how long that took in milliseconds, start and exit included."""
    began = time.perf_counter()
    answer = host.run(program, *arguments)
    spent = time.perf_counter() - began
    if answer.returncode != 0 or "Traceback" in answer.stderr:
        raise SystemExit(f"Blender did not do it:\n{answer.stdout}{answer.stderr}")
    return spent * 1e3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
