# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares what this checkout costs at the start with another one: python -m benchmarks.startup_against CHECKOUT [STARTS] [--cold]

CHECKOUT: another one, such as ``git worktree add ../before COMMIT`` leaves. Both by turns, each time in a process of its
own, with the bpy wheel of this Python: import and register; then drawing the sidebar for the first time, for which a
layout stands in that takes every call, since all else is Blender's work; then importing what a run needs, and the longest
hold of a window by it; and ``consistency --help``. --cold: before each start the system forgets what it has read from the
disk (Linux, as root).
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
COLD = "--cold"

PARTS = """
import importlib, json, os, time
import bpy

class Layout:
    def __getattr__(self, name):
        return lambda *arguments, **options: Layout()

seen = {}
def timed(name, work):
    clock, worked = time.perf_counter(), time.process_time()
    result = work()
    seen[name] = [(time.process_time() - worked) * 1e3, (time.perf_counter() - clock) * 1e3]
    return result

def register():
    importlib.import_module("consistency_pipeline").register()

def draw():
    from consistency_pipeline.panels.sidebar import CONSISTENCY_PT_sidebar as panel
    class Standing:
        layout = Layout()
    panel.draw(Standing(), bpy.context)

def imports():
    for name in ("operators.runs.gradual_imports", "operators.warm_up"):  # its name now, and before
        try:
            steps = importlib.import_module("consistency_pipeline." + name)
            break
        except ImportError:
            pass
    longest, more = [0.0, 0.0], True
    while more:
        clock, worked = time.perf_counter(), time.process_time()
        more = steps.advance()
        longest = [
            max(longest[0], (time.process_time() - worked) * 1e3),
            max(longest[1], (time.perf_counter() - clock) * 1e3),
        ]
    return longest

timed("import and register", register)
timed("first draw of the sidebar", draw)
seen["longest hold by an import"] = timed("imports for a run", imports)
print(json.dumps(seen), flush=True)
os._exit(0)
"""
HELP = "from consistency_pipeline.command_line import main; main(['--help'])"


def main(arguments: list[str]) -> int:
    cold = COLD in arguments
    other, *starts = [argument for argument in arguments if argument != COLD]
    compare(Path(other).resolve(), int(starts[0]) if starts else 9, cold=cold)
    return 0


def compare(other: Path, starts: int, *, cold: bool) -> None:
    """Prints the medians of ``starts`` starts of each."""
    found: dict[str, dict[str, list[tuple[float, float]]]] = {"before": {}, "after": {}}
    with tempfile.TemporaryDirectory(prefix="consistency-startup-") as name:
        for word, checkout in (("before", other), ("after", ROOT)):
            (Path(name) / word).mkdir()
            (Path(name) / word / "consistency_pipeline").symlink_to(checkout)
        for number in range(starts + 1):
            for word, seen in found.items():
                said, _ = run(Path(name) / word, PARTS, cold=cold)
                _, spent = run(Path(name) / word, HELP, cold=cold)
                if number:  # the first one compiles
                    for what, times in {**json.loads(said), "consistency --help": spent}.items():
                        seen.setdefault(what, []).append(tuple(times))
    how = "nothing of it in memory" if cold else "files in memory"
    print(f"Python {sys.version.split()[0]}, {starts} starts of each, {how}; milliseconds at the median")
    print(f"{'':28}{'CPU: before':>12}{'after':>9}{'ratio':>7}{'clock: before':>16}{'after':>9}{'ratio':>7}")
    for what, before in found["before"].items():
        columns = []
        for column, width in ((0, 12), (1, 16)):
            was, now = (median(each[column] for each in turns) for turns in (before, found["after"][what]))
            columns.append(f"{was:{width}.1f}{now:9.1f}{now / was if was else 1.0:7.2f}")
        print(f"{what:28}{''.join(columns)}")


def run(place: Path, program: str, *, cold: bool) -> tuple[str, tuple[float, float]]:
    """The last line that a Python with the checkout in ``place`` prints, and its CPU and clock time in milliseconds."""
    if cold:
        os.sync()
        Path("/proc/sys/vm/drop_caches").write_text("3")
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": str(place)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # Blender keeps what it has compiled
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=False
    )
    clock, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if answer.returncode != 0:
        raise SystemExit(f"Python did not do it:\n{answer.stdout}{answer.stderr}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return (answer.stdout.splitlines() or [""])[-1], (cpu * 1e3, clock * 1e3)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
