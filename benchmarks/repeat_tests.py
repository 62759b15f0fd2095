# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run tests again and again while the machine is busy: a crash that comes once in twenty times is found no other way.

    python -m benchmarks.repeat_tests [TEST…] [--times 30] [--busy 4]

TEST is what pytest takes; without any, it is those of the scene that references are rendered from. Each time is a process of
its own, since what it looks for ends the process: memory that was freed too early. Meanwhile as many processes as ``--busy``
says do nothing but load the cores, so that Blender's threads overtake one another as on an artist's machine.

Stops at the first crash or failure, with all that was printed and where each thread was. The last line is a tally; the exit
status is 0 where every time passed, else 1.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = ["tests/blender/test_render_scene.py"]
DEADLINE = 1800  # seconds for one time; pytest itself ends a test that hangs


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tests", nargs="*", default=TESTS, metavar="TEST", help=f"default {' '.join(TESTS)}")
    parser.add_argument("--times", type=int, default=30, help="how often (default 30)")
    parser.add_argument("--busy", type=int, default=4, help="processes that load the cores meanwhile (default 4)")
    options = parser.parse_args()
    passed, began = 0, time.monotonic()
    with _busy(options.busy):
        while passed < options.times:
            since = time.monotonic()
            ending, printed = _once(options.tests)
            if ending:
                print(f"{printed}\n{passed + 1}: {ending}", flush=True)
                break
            passed += 1
            print(
                f"{passed}: {printed.strip().splitlines()[-1].strip('= ')}, {time.monotonic() - since:.0f} s",
                flush=True,
            )
    print(
        f"{passed} of {options.times} times passed in a row beside {options.busy} busy processes, "
        f"Python {sys.version_info.major}.{sys.version_info.minor}, {time.monotonic() - began:.0f} s"
    )
    return 0 if passed == options.times else 1


def _once(tests: list[str]) -> tuple[str, str]:
    """How one time ended, empty where it passed, and what it printed."""
    command = [sys.executable, "-X", "faulthandler", "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=DEADLINE)
    except subprocess.TimeoutExpired as error:
        return f"no end after {DEADLINE} s", (error.stdout or b"").decode(errors="replace")
    printed = done.stdout.decode(errors="replace")
    if done.returncode < 0:
        return f"crashed ({signal.Signals(-done.returncode).name})", printed
    return "failed" if done.returncode else "", printed


@contextlib.contextmanager
def _busy(number: int) -> Iterator[None]:
    workers = [multiprocessing.get_context("spawn").Process(target=_spin, daemon=True) for _ in range(number)]
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        for worker in workers:
            worker.kill()
            worker.join()


def _spin() -> None:
    while True:
        sum(range(10_000))


if __name__ == "__main__":
    raise SystemExit(main())
