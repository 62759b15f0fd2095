# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that `make test` checks, in every lane given, with one summary at the end.

    python packaging/check.py 3.11 3.13

A step that fails does not stop the others: one run tells the whole story. Each runs in a process group of its own
with a deadline, because a Blender module that is left with registered classes can hang at exit.

A test that fails is tried once more when nothing else runs, as CPython's own runner does: browsers, children and
servers on a busy machine can be too slow for it. The summary names each that needed it. A test of the books has no
second try: books that are wrong one time in a hundred are wrong.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ALL_LANES = {"3.11": "Blender 4.5 LTS", "3.13": "Blender 5.2 LTS"}
TEST_FOLDERS = ("pure", "blender", "package")
DEADLINE_SECONDS = 840
KEYS = ("FAL_KEY", "FAL_KEY_ID", "FAL_KEY_SECRET")  # withheld: no test may ever spend the money of who runs it
HISTORIES = 60  # of an unfair service, in all lanes together (tests/pure/test_unfair_service.py)
NO_SECOND_TRY = ("tests/pure/test_unfair_service.py", "tests/pure/test_catalogue_budget.py")
MOST_TRIED_AGAIN = 5  # more than that is no accident
TESTS_FAILED, NO_TESTS_COLLECTED = 1, 5  # exit statuses of pytest

UNDER_WAY: set[int] = set()  # process groups


@dataclass
class Result:
    name: str
    status: int
    seconds: float
    note: str
    command: list[str]
    environment: dict[str, str]

    @property
    def passed(self) -> bool:
        return self.status == 0 or (self.status == NO_TESTS_COLLECTED and "pytest" in self.command)


def run(name: str, command: list[str], **environment: str) -> Result:
    """Runs one step; the note is the last line it prints, which in pytest's case is the count.

    What it prints is shown when it has ended, because another step may run at its side.
    """
    print(f"-- {name} …", flush=True)
    started = time.monotonic()
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name not in KEYS} | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        UNDER_WAY.add(process.pid)
        try:
            output, _ = process.communicate(timeout=DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
        UNDER_WAY.discard(process.pid)
        status = process.returncode
    print(f"\n== {name}\n{output}", flush=True)
    last = (output.strip().splitlines() or [""])[-1].strip()
    seconds = time.monotonic() - started
    if status == -signal.SIGKILL:
        last = f"killed after {DEADLINE_SECONDS} s"
    elif status < 0:
        last = f"died of {signal.Signals(-status).name}"
    return Result(name, status, seconds, last.strip("= "), command, environment)


def tools(lane: str) -> list[Result]:
    """Lint, format, import rules and types: the same in every lane, so one is enough."""
    programs = ROOT / f".venv-{lane}" / "bin"
    return [
        run("ruff check", [str(programs / "ruff"), "check", "."]),
        run("ruff format", [str(programs / "ruff"), "format", "--check", "."]),
        run("import rules", [str(programs / "lint-imports"), "--no-cache"]),
        types(lane),
    ]


def types(lane: str) -> Result:
    """mypy, through a link that carries the package's name: the repository's root is the package, whatever it is called."""
    names = ROOT / f".venv-{lane}" / "names"
    names.mkdir(exist_ok=True)
    link = names / "consistency_pipeline"
    link.unlink(missing_ok=True)
    link.symlink_to(ROOT)
    mypy = str(ROOT / f".venv-{lane}" / "bin" / "mypy")
    return run("types", [mypy, "-p", "consistency_pipeline"], MYPYPATH=str(names))


def tests(lane: str, lanes: list[str]) -> list[Result]:
    """One pytest process for each folder: the pure one must not find bpy loaded, and a crash must not take the rest."""
    folders = [folder for folder in TEST_FOLDERS if (ROOT / "tests" / folder).is_dir()]
    share = {
        "CONSISTENCY_UNFAIR_HISTORIES": str(HISTORIES // len(lanes)),
        "CONSISTENCY_TURN": f"{lanes.index(lane) + 1}/{len(lanes)}",
    }
    return [run(f"{folder} tests, Python {lane}", pytest(lane, folder), **share) for folder in folders]


def pytest(lane: str, folder: str) -> list[str]:
    python = str(ROOT / f".venv-{lane}" / "bin" / "python")
    return [
        python,
        "-m",
        "pytest",
        "-q",
        "-o",
        f"cache_dir={ROOT / '.pytest_cache' / lane / folder}",
        "--cache-clear",
        f"tests/{folder}",
    ]


def second_try(first: Result) -> Result:
    """What failed of one pytest process, alone. Its note names what passed this time."""
    if first.status != TESTS_FAILED or "pytest" not in first.command:
        return first
    cache = Path(next(each for each in first.command if each.startswith("cache_dir=")).partition("=")[2])
    failed = list(json.loads((cache / "v" / "cache" / "lastfailed").read_text()))
    if len(failed) > MOST_TRIED_AGAIN or any(name.startswith(NO_SECOND_TRY) for name in failed):
        return first
    command = ["--last-failed" if each == "--cache-clear" else each for each in first.command]
    if not run(f"{first.name}: what failed, once more", command, **first.environment).passed:
        return first
    return replace(first, status=0, note=f"{first.note}; passed alone: {', '.join(failed)}")


def main(lanes: list[str]) -> int:
    started = time.monotonic()
    # Two side by side: one alone leaves the second core idle wherever it waits for a process, a server or a disk.
    with ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as side_by_side:
        running = [
            side_by_side.submit(tools, lanes[0]),
            *(side_by_side.submit(tests, lane, lanes) for lane in lanes),
        ]
        try:
            results = [result for steps in running for result in steps.result()]
        except KeyboardInterrupt:
            side_by_side.shutdown(wait=False, cancel_futures=True)
            for group in UNDER_WAY:
                os.killpg(group, signal.SIGKILL)
            raise
    # Alone, because clicks have to be answered in time. The real Blender brings its own Python, so one lane is enough.
    results.append(run("gui tests", pytest(lanes[0], "gui")))
    results = [second_try(result) for result in results]

    print("\n== summary")
    width = max(len(result.name) for result in results)
    for result in results:
        print(f"{'ok  ' if result.passed else 'FAIL'}  {result.name:{width}}  {result.seconds:6.1f} s  {result.note}")
    for lane, blender in ALL_LANES.items():
        if lane not in lanes:
            print(
                f"NOT RUN: {blender}, because no Python {lane} was found; PYTHON{lane.replace('.', '')}=PATH names one."
            )
    if shutil.which("blender") is None:
        print("NOT RUN: the tests in a real Blender window, because there is no `blender` on PATH.")
    failed = sum(not result.passed for result in results)
    print(f"{failed} of {len(results)} steps failed" if failed else f"all {len(results)} steps passed", end="")
    print(f" in {time.monotonic() - started:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
