# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Live through thousands of histories in which fal.ai answers anything at any moment and the program is killed.

Each history is drawn from its seed: one or two runs that ask for the same words, answers of the fake's catalogue at random
moments, SIGKILL at random effects, prices and limits that change, retries by the user's word. After each, in fair
weather, fal's own books are held against journal, ledger, book of spendings and folders (tests/pure/unfair.py says how).

    python -m benchmarks.unfair --histories 2000 [--jobs 2] [--seed N] [--only NUMBER]

Exit status 1 where anything is wrong in any history.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.fake_fal import FakeFal
from tests.pure import unfair
from tests.pure.forked import Nursery

_fake: FakeFal | None = None
_nursery: Nursery | None = None


def begin() -> None:
    """Each worker has a fake of its own, which lives as long as it does."""
    global _fake, _nursery
    _fake = FakeFal(latency=0.02, clip_side=64)
    os.environ.update(_fake.environment())
    _nursery = Nursery()


def one(seed: int, number: int, *, show: bool = False) -> tuple[int, list[str], Counter[str]]:
    assert _fake is not None
    assert _nursery is not None
    counts: Counter[str] = Counter()
    history = unfair.draw(random.Random(seed * 1_000_000 + number))
    with tempfile.TemporaryDirectory(prefix="unfair-") as name:
        os.environ["CONSISTENCY_STATE_FOLDER"] = str(Path(name) / "state")
        wrongs = unfair.play(history, _fake, _nursery, Path(name), counts)
        if show:
            print(unfair.to_text(history), unfair.journals(Path(name)), sep="\n")
    return number, wrongs, counts


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--histories", type=int, default=2000)
    parser.add_argument("--jobs", type=int, default=2, help="histories at once")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--only",
        type=int,
        help="the number of one history, which is told in full; with --seed 0 that of the tests' own",
    )
    options = parser.parse_args()
    began = time.monotonic()
    if options.only is not None:
        begin()
        _, wrongs, _ = one(options.seed, options.only, show=True)
        print(*(wrongs or ["all is well"]), sep="\n")
        assert _fake is not None
        _fake.close()
        return 1 if wrongs else 0
    total: Counter[str] = Counter()
    bad = 0
    with ProcessPoolExecutor(options.jobs, multiprocessing.get_context("spawn"), begin) as pool:
        futures = [pool.submit(one, options.seed, number) for number in range(options.histories)]
        for done, future in enumerate(futures, start=1):
            number, wrongs, counts = future.result()
            total += counts
            bad += bool(wrongs)
            for wrong in wrongs:
                print(f"seed {options.seed} history {number}: {wrong}", flush=True)
            if done % 100 == 0:
                print(f"{done} histories, {bad} wrong, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    print(f"{options.histories} histories, seed {options.seed}, {time.monotonic() - began:.0f} s")
    for what in sorted(total):
        print(f"{what:>12}: {total[what]}")
    print(f"{'wrong':>12}: {bad}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
