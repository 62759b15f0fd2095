# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Catalogues in numbers: kills, makespan, overhead and many rows. fal.ai is the fake, in a process of its own.

    python -m benchmarks.catalogue kills --kills 100 [--shards 4]     shards on one folder, killed at random and begun again
    python -m benchmarks.catalogue makespan --rows 20                 one catalogue against single runs one after another
    python -m benchmarks.catalogue plan --rows 10000                  estimate of fresh rows, each with a model of its own
    python -m benchmarks.catalogue many --rows 10000                  resume, estimate and page of finished rows
    python -m benchmarks.catalogue fresh --rows 10                    a row beside a single run, both in real Blender
    python -m benchmarks.catalogue memory --rows 200                  real Blender, no key: data blocks and memory between rows

``kills``: exit status 1 unless fal's own books show each picture bought once and the budget kept. Pictures take as long as
``--scale`` times fal's own; a reference is a pause of STAND_IN_SECONDS, but in ``memory`` and ``fresh``, which render.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.chaos import Fake
from tests.pure.catalogues import STILL, write_table

DRIVER = Path(__file__).with_name("catalogue_driver.py")
PYTHON = [sys.executable, str(DRIVER)]


def command(table: Path, out: Path, *words: str) -> list[str]:
    return [*PYTHON, "catalogue", str(table), "--out", str(out), "--yes", "--backend", "fal", *words]


def rows(out: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((out / "catalogue.json").read_text())["rows"]
    return found


def kills(options: argparse.Namespace, place: Path, fake: Fake, environment: dict[str, str]) -> int:
    """Begin shards on one folder again and again, and kill one of them at random instants: with its child, or without."""
    table, out = write_table(place, options.rows), place / "out"
    environment = {**environment, "STAND_IN_SECONDS": str(options.render)}
    budget = options.rows * STILL * 1.5  # each row may cost twice a still, so that the limit is felt
    dice, ends, killed = random.Random(options.seed), Counter[str](), 0
    going: dict[int, subprocess.Popen[bytes]] = {}
    began = time.monotonic()
    while killed < options.kills:
        for shard in range(options.shards):
            process = going.get(shard)
            if process is not None and process.poll() is not None:
                ends[str(process.returncode)] += 1
                del going[shard]
            if shard not in going:
                words = ("--budget", f"{budget:g}", "--retry-failed")  # every shard wants all rows
                going[shard] = subprocess.Popen(
                    command(table, out, *words),
                    env=environment,
                    stdout=subprocess.DEVNULL,
                    stderr=(place / f"shard-{shard}.log").open("ab"),
                    start_new_session=True,
                )
        time.sleep(dice.uniform(0.1, options.every))
        alive = [shard for shard, process in going.items() if process.poll() is None]
        if alive:
            shard = dice.choice(alive)
            with_child = dice.random() < 0.5
            pid = going[shard].pid
            children = [int(name) for name in _children(pid)] if with_child else []
            for each in (pid, *children):
                try:
                    os.kill(each, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            killed += 1
    finished, bought = len(list(out.glob("*/contact_sheet.png"))), len(fake.ask("GET /books"))
    ends.update(str(process.wait()) for process in going.values())
    time.sleep(3.0)  # children that outlive their parents save what was paid for
    for _ in range(6):  # a user who goes on until all is done, or the budget is spent
        subprocess.run(
            command(table, out, "--budget", f"{budget:g}", "--retry-failed"),
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=(place / "last.log").open("ab"),
            check=False,
        )
        if all(row["state"] in ("done", "not begun", "unfinished") for row in rows(out)):
            break
    books = fake.books()
    usd = sum(entry["usd"] or 0.0 for entry in books)
    states = Counter(row["state"] for row in rows(out))
    twice = max(0, len(books) - options.rows)  # each row is one still
    print(f"{killed} kills in {time.monotonic() - began:.0f} s; shards ended {dict(ends)}; rows: {dict(states)}")
    print(f"{finished} of {options.rows} rows were finished when the last kill fell, {bought} requests accepted")
    print(f"fal billed {len(books)} requests for {usd:.3f} USD; the limit was {budget:.3f} USD")
    print(f"bought twice: {twice}; beyond the limit: {max(0.0, usd - budget):.3f} USD")
    return 1 if twice or usd > budget + 1e-6 else 0


def _children(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []


class Timed:
    """A call of the command: seconds in all, ``head`` before its first reference, ``tail`` after its last, and ``between`` them
    in which none was being rendered."""

    def __init__(self, words: list[str], environment: dict[str, str], times: Path) -> None:
        times.unlink(missing_ok=True)
        began = time.time()
        subprocess.run(words, env={**environment, "STAND_IN_TIMES": str(times)}, capture_output=True, check=True)
        self.seconds = time.time() - began
        renders = [tuple(map(float, line.split())) for line in times.read_text().splitlines()] if times.exists() else []
        if renders:
            first, last = min(each[0] for each in renders), max(each[1] for each in renders)
            self.head, self.tail = first - began, began + self.seconds - last
            self.between = last - first - sum(end - begin for begin, end in renders)


def makespan(options: argparse.Namespace, place: Path, fake: Fake, environment: dict[str, str]) -> int:
    """What no program can do without is measured on single runs: their start until the first render, and from the last render
    until all has come from fal and is written down, each by its median. The renders are one after another in between."""
    del fake
    render, times = options.render, place / "times"
    environment = {**environment, "STAND_IN_SECONDS": str(render)}
    table = write_table(place, options.rows, "angles,motion", "front|side|top,none")
    runs = [
        Timed(command(table, place / "single", "--rows", str(row), "--at-once", "1"), environment, times)
        for row in range(options.singles or options.rows)
    ]
    single = sum(run.seconds for run in runs) / len(runs) * options.rows
    head, tail = (statistics.median(getattr(run, name) for run in runs) for name in ("head", "tail"))
    all_rows = Timed(command(table, place / "all", *options.more), environment, times)
    together, renders = all_rows.seconds, options.rows * 3 * render
    print(
        f"{options.rows} products of 3 stills, a render {render:g} s, a picture {4.0 * options.scale:g} s at the fake"
    )
    print(
        f"single runs one after another {single:.1f} s ({len(runs)} measured); one catalogue {together:.1f} s: {together / single:.2f}"
    )
    print(f"renders alone {renders:.1f} s: the catalogue takes {together / renders:.2f} of that")
    print(
        f"with a single run's {head:.1f} s before its first render and {tail:.1f} s after its last {renders + head + tail:.1f} s: "
        f"{together / (renders + head + tail):.2f}"
    )
    print(
        f"the catalogue: {all_rows.head:.1f} s before, {all_rows.between:.1f} s between renders, {all_rows.tail:.1f} s after"
    )
    again = Timed(command(table, place / "all"), environment, times)
    print(f"once more, all finished: {again.seconds:.1f} s, most of it to start")
    return 0


def plan(options: argparse.Namespace, place: Path, fake: Fake, environment: dict[str, str]) -> int:
    """Every model is opened. Of a tenth of the rows, a fifth, a half, and all."""
    del fake
    write_table(place, 1)
    for number in range(1, options.rows):
        os.link(place / "p0.glb", place / f"p{number}.glb")
    for count in (options.rows // 10, options.rows // 5, options.rows // 2, options.rows):
        lines = ["sku,input,angles,motion", *(f"P-{n},p{n}.glb,front,none" for n in range(count))]
        (place / "plan.csv").write_text("\n".join(lines))
        clock, processor = timed(command(place / "plan.csv", place / "fresh", "--estimate"), environment)
        print(f"{count} fresh rows are planned in {clock:.1f} s, {processor:.1f} s of the processor")
    return 0


def timed(words: list[str], environment: dict[str, str], folder: Path | None = None) -> tuple[float, float]:
    """Seconds by the clock and of the processor that a command takes, with its children."""
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(words, env=environment, cwd=folder, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - began, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def many(options: argparse.Namespace, place: Path, fake: Fake, environment: dict[str, str]) -> int:
    """One real row, copied: what a catalogue of so many finished rows costs, and one of half as many."""
    del fake
    table = write_table(place, 1)
    subprocess.run(command(table, place / "one"), env=environment, capture_output=True, check=True)
    for count in (options.rows // 2, options.rows):
        out = place / f"out-{count}"
        lines = ["sku,input,angles,motion", *(f"P-{n},p0.glb,front,none" for n in range(count))]
        (place / "many.csv").write_text("\n".join(lines))
        for number in range(count):
            shutil.copytree(place / "one" / "P-0", out / f"P-{number}", copy_function=os.link)
        took = {}
        for name, words in (("resume", ()), ("estimate", ("--estimate",)), ("page", ("--page",))):
            took[name], _ = timed(command(place / "many.csv", out, *words), environment)
        size = (out / "index.html").stat().st_size / 1e6
        print(
            f"{count} rows: "
            + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in took.items())
            + f", page {size:.1f} MB"
        )
    return 0


MEMORY = """
import os, sys
sys.path.insert(0, sys.argv[1])
import bpy
from consistency_pipeline import command_line
from consistency_pipeline.command_line import catalogue as catalogue_command
from consistency_pipeline.pipeline.catalogue import conductor
count = conductor.Conductor._count
def counted(self, row, ended):
    count(self, row, ended)
    blocks = sum(len(getattr(bpy.data, name)) for name in dir(bpy.data) if hasattr(getattr(bpy.data, name), "foreach_get"))
    resident = int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    print(f"MEMORY {row.number} {blocks} {resident:.1f}", file=sys.stderr, flush=True)
conductor.Conductor._count = counted
sys.argv = ["consistency", *sys.argv[2:]]
command_line.entry_point()
"""


def memory(options: argparse.Namespace, place: Path, fake: Fake, environment: dict[str, str]) -> int:
    del fake
    table = write_table(place, options.rows, "angles,motion,size,samples", "front,none,64,1")
    words = [
        sys.executable,
        "-c",
        MEMORY,
        str(DRIVER.parent.parent),
        "catalogue",
        str(table),
        "--out",
        str(place / "out"),
    ]
    done = subprocess.run(
        [*words, "--backend", "local", "--yes"], env=environment, stderr=subprocess.PIPE, text=True, check=False
    )
    found = [line.split()[1:] for line in done.stderr.splitlines() if line.startswith("MEMORY ")]
    if len(found) < 20:
        print(done.stderr[-2000:])
        return 1
    sizes = [float(size) for _, _, size in found]
    early, late = sum(sizes[10:20]) / 10, sum(sizes[-10:]) / 10
    print(
        f"{len(found)} rows in one Blender: data blocks {min(int(b) for _, b, _ in found)} to {max(int(b) for _, b, _ in found)}"
    )
    print(f"resident memory after rows 10-20 {early:.0f} MiB, at the end {late:.0f} MiB: {late / early - 1:+.1%}")
    return 0


def fresh(options: argparse.Namespace, place: Path, fake: Fake, environment: dict[str, str]) -> int:
    """A single run's own time is what its log tells, without the start of Blender. What a row takes in a catalogue is the time of
    all rows, less that of a call that finds them finished, divided by their number."""
    del fake
    program = [sys.executable, "-c", "from consistency_pipeline.command_line import entry_point; entry_point()"]
    cells = {"angles": "front", "motion": "none", "size": "128", "samples": "16"}
    table = write_table(place, options.rows, ",".join(cells), ",".join(cells.values()))

    def call(*words: str) -> tuple[float, float]:
        return timed([*program, *words], environment, DRIVER.parents[1])

    def own(root: Path) -> float:
        return float(re.findall(r"done after ([\d.]+) s", (root / "log.txt").read_text())[-1])

    flags = [word for name, cell in cells.items() for word in (f"--{name}", cell)]
    for row in range(options.rows):
        words = ("run", str(place / f"p{row}.glb"), "--out", str(place / f"single-{row}"), "--backend", "local", *flags)
        call(*words)
    single = statistics.median(own(place / f"single-{row}") for row in range(options.rows))
    words = ("catalogue", str(table), "--out", str(place / "all"), "--backend", "local")
    all_rows, again = call(*words), call(*words)
    clock, processor = ((each - start) / options.rows for each, start in zip(all_rows, again, strict=True))
    inside = statistics.median(own(place / "all" / f"P-{row}") for row in range(options.rows))
    print(
        f"{options.rows} products in real Blender, {cells['size']} px: a single run's own time {single:.2f} s, median"
    )
    print(
        f"a fresh row {clock:.2f} s ({processor:.2f} s of the processor), of which its run's own {inside:.2f} s, median"
    )
    print(f"over a single run's own time: {clock / single - 1:+.1%}")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.catalogue")
    parser.add_argument("what", choices=("kills", "makespan", "plan", "many", "memory", "fresh"))
    parser.add_argument("--rows", type=int, default=20)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument("--every", type=float, default=2.0, help="seconds at most between two kills")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=0.25, help="of the fake's realistic latencies")
    parser.add_argument("--render", type=float, default=0.5, help="seconds that a reference takes")
    parser.add_argument("--singles", type=int, default=0, help="single runs that are measured for all; 0: each row's")
    parser.add_argument("more", nargs="*", help="options of the catalogue")
    options = parser.parse_args()
    fake = Fake(options.scale)
    try:
        with tempfile.TemporaryDirectory(prefix="consistency-catalogue-") as name:
            place = Path(name)
            environment = {**os.environ, **fake.environment, "CONSISTENCY_STATE_FOLDER": str(place / "book")}
            return int(globals()[options.what](options, place, fake, environment))
    finally:
        fake.close()


if __name__ == "__main__":
    sys.exit(main())
