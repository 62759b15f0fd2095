# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kill and stop the program at random instants, and hold fal's own books against what the run folders hold.

Each run is a whole one: the real chain, the real fal backend, its real child process and the real fal-client, through
photos or words, five stills, retakes of those that the gate rejects, and a clip. Only Blender is replaced, by a studio
that writes small pictures, and fal.ai by the fake, in a process of its own. A run is struck at random instants until it
has finished: KILL takes the driver, its child alone, or both; INT, TERM and HUP go to the driver, to its child, or to the
driver's process group, as a terminal sends them. The fake's connections are cut at random, too. Between two lives the
driver does what a user would: when told that a request is uncertain, it looks it up in fal's own history, and only where
it isn't there asks to send again.

    python -m benchmarks.chaos --runs 300 [--jobs 2] [--seed N] [--scale 0.01]

Prints for each signal and victim how often it struck, and how the driver ended. Exit status 1 unless nothing was lost,
paid twice or overspent, and every run folder can be read.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from consistency_pipeline.pipeline.errors import ConsistencyError
from consistency_pipeline.pipeline.money.ledger import Ledger
from consistency_pipeline.pipeline.money.spending import SpendingBook
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from consistency_pipeline.pipeline.settings.groups import Gate, RunSettings
from tests.pure.stand_in import StandInStudio, png, verdict, write

REALISTIC = {"picture": 4.0, "video": 60.0, "model": 90.0}  # seconds, fal.ai's own order of magnitude
SUBMISSION = 0.1  # seconds that the answer to a submission is on its way; not scaled: here answers get lost
BUDGET = 4.00  # USD a run; one run without trouble costs less, and each kill may leave one request's price set aside
LIVES = 60  # after which a run counts as stuck
BLOWS = (  # signal, victim; drawn alike
    *(("KILL", victim) for victim in ("driver", "child", "both") for _ in range(2)),
    *((name, victim) for name in ("INT", "TERM", "HUP") for victim in ("driver", "child", "group")),
)
# How a driver ended after a blow, by its exit status; the first two are what the user reads as "resume to go on".
ENDS = {130: "cancelled", 75: "try later", 4: "uncertain", 0: "finished"}
ROUTES = ("photos", "words", "picture", "own")


RETAKES = 3  # stills that the gate may buy in place of one that failed, on the route that measures them


class DoubtfulStudio(StandInStudio):
    """Finds seven stills in ten off model, the same ones in every life."""

    def look(self, task: str, job: dict[str, Any]) -> dict[str, Any]:
        if task == "measure" and random.Random(job["still"]).random() < 0.7:
            return verdict("fail", "a part is missing", "part", bad_share=0.2)
        return super().look(task, job)


# the driver: a process that is killed


def drive(root: Path) -> int:
    """One life of a run: the chain until it ends. The exit status is the command's; 4 means uncertain."""
    from consistency_pipeline.fal_backend import prices, quote
    from consistency_pipeline.fal_backend.backend import FalBackend
    from consistency_pipeline.fal_backend.errors import Uncertain
    from consistency_pipeline.pipeline import chain, terminal

    stop = terminal.Stop()
    folder = RunFolder.open(root)
    if not folder.prices:  # as the command does before it asks for consent
        wanted = {purchase.endpoint for purchase in quote.plan(folder.settings)}
        try:
            folder.note(prices=prices.fetch(os.environ["FAL_KEY"], wanted))
        except ConsistencyError as error:
            return error.exit_status
    backend = FalBackend(folder, os.environ["FAL_KEY"], send_again="--send-again" in sys.argv)
    print(json.dumps({"child": backend._connection.pid}), flush=True)
    try:
        terminal.run_to_end(chain.run(folder, DoubtfulStudio(), backend, wait=0.02), backend, stop, root)
    except Uncertain:
        return 4
    except ConsistencyError as error:
        print(json.dumps({"error": str(error)}), flush=True)
        return error.exit_status
    finally:
        backend.close()
    return 0


# the tormentor


class Fake:
    """The fake in its own process, through its control door."""

    def __init__(self, scale: float) -> None:
        command = [sys.executable, "-m", "tests.fake_fal", "--json", "--concurrency", "40"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.environment: dict[str, str] = json.loads(self._process.stdout.readline())
        self._door = self.environment.pop("FAKE_FAL_CONTROL")
        self.ask("POST /latency", {kind: seconds * scale for kind, seconds in REALISTIC.items()})
        self.ask("POST /faults", {"match": "submit", "kind": "slow", "times": None, "seconds": SUBMISSION})

    def ask(self, what: str, body: dict[str, Any] | None = None) -> Any:
        method, path = what.split()
        request = urllib.request.Request(self._door + path, json.dumps(body or {}).encode(), method=method)
        # The control door is a plain local port, and not to be looked for behind the fake's own proxy.
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
            return json.load(answer)

    def books(self) -> list[dict[str, Any]]:
        """All accounts, once nothing is at work any more."""
        while True:
            entries: list[dict[str, Any]] = self.ask("GET /books")
            if all(entry["state"] == "COMPLETED" for entry in entries):
                return entries
            time.sleep(0.1)

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(30)


@contextmanager
def cut_connections(fake: Fake, seed: int, every: float) -> Iterator[None]:
    """Cut all of the fake's connections at random, on average once in ``every`` seconds."""
    stop, dice = threading.Event(), random.Random(seed)

    def work() -> None:
        while not stop.wait(dice.expovariate(1.0 / every)):
            fake.ask("POST /drop_all")

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield
    stop.set()
    thread.join(30)


def settings_for(route: str, place: Path) -> RunSettings:
    common: dict[str, Any] = {"backend": "fal", "size": 64, "budget": BUDGET, "seed": None}
    if route == "photos":
        photos = [str(write(place / f"photo-{number}.png", png(128, 128, grey=number))) for number in range(2)]
        return RunSettings(inputs=tuple(photos), **common)
    if route == "own":
        from tests.fake_fal.model import glb

        model = write(place / "duck.glb", glb(200, (9, 9, 9)))
        measured = {**common, "size": 256, "gate": Gate(retakes=RETAKES)}
        return RunSettings(inputs=(str(model),), takes=2, **measured)
    picture = "fal-ai/flux/schnell" if route == "picture" else None
    return RunSettings(text=f"a duck for {place.name}", picture_endpoint=picture, **common)


def torment(number: int, seed: int, scale: float, fake: Fake, place: Path, environment: dict[str, str]) -> Counter[str]:
    """One run, struck again and again until it is done. Counts of what happened to it."""
    dice = random.Random(f"{seed}/{number}")
    place.mkdir(parents=True)
    folder = RunFolder.create(place / "run", settings_for(ROUTES[number % len(ROUTES)], place), {})
    told: Counter[str] = Counter()
    ask_again = False
    blows = 1 + dice.randrange(5)
    for _ in range(LIVES):
        told["lives"] += 1
        command = [sys.executable, "-m", "benchmarks.chaos", "--drive", str(folder.root)]
        with (
            (place / "said").open("ab") as said,
            subprocess.Popen(
                [*command, *["--send-again"][: int(ask_again)]],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                start_new_session=True,  # a process group of its own
            ) as driver,
        ):
            status = endure(driver, dice, told, scale, strikes=told["blows"] < blows)
        ask_again = False
        if status == 0:
            told["runs struck"] += told["blows"] > 0
            return told
        if status == 4:
            told["uncertain"] += 1
            ask_again = not is_in_history(fake, folder)
        elif status > 0 and status not in ENDS:
            told[f"exit {status}"] += 1
    told["stuck"] += 1
    return told


def endure(
    driver: subprocess.Popen[str], dice: random.Random, told: Counter[str], scale: float, *, strikes: bool
) -> int:
    """Wait for a life to end, or strike it. The exit status, negative where it was killed."""
    assert driver.stdout is not None
    line = driver.stdout.readline()
    child = json.loads(line)["child"] if line else 0
    # A run takes about as long as its model, a still and its clip; a blow may fall anywhere in it.
    longest = sum(REALISTIC.values()) * scale + 1.5
    try:
        return driver.wait(dice.uniform(0.0, longest) if strikes and child else 300)
    except subprocess.TimeoutExpired:
        pass
    name, victim = dice.choice(BLOWS)
    strike(signal.Signals[f"SIG{name}"], victim, driver.pid, child, dice)
    status = driver.wait(300)
    told["blows"] += 1
    told[f"{name} {victim}"] += 1
    told[f"{name} {victim}: {'killed' if status < 0 else ENDS.get(status, f'exit {status}')}"] += 1
    return status


def strike(number: signal.Signals, victim: str, driver: int, child: int, dice: random.Random) -> None:
    with suppress(ProcessLookupError):
        if victim == "group":
            os.killpg(driver, number)
            return
        victims = {"driver": [driver], "child": [child], "both": [driver, child]}[victim]
        for pid in dice.sample(victims, len(victims)):
            os.kill(pid, number)
            time.sleep(dice.choice([0.0, 0.0, 0.05]))


def is_in_history(fake: Fake, folder: RunFolder) -> bool:
    """What the user sees on fal's own pages: whether a request of unknown fate is there after all."""
    time.sleep(0.3)  # an answer may still be on its way to the page
    attempts = folder.read_journal().purchases.attempts
    known = {attempt.request_id for attempt in attempts}
    words = [attempt.arguments for attempt in attempts if attempt.next_step == "uncertain"]
    return any(e["arguments"] in words and e["request_id"] not in known for e in fake.ask("GET /books"))


# the comparison


def compare(places: list[Path], entries: list[dict[str, Any]]) -> Counter[str]:
    """fal's books against the run folders."""
    found: Counter[str] = Counter()
    owner: dict[str, tuple[str, Path, bool]] = {}
    book = SpendingBook().entries()
    for place in places:
        try:
            folder = RunFolder.open(place / "run")
            ledger = Ledger.read([place / "run"])
            found["finished"] += folder.is_finished
        except ConsistencyError:
            found["unreadable run folders"] += 1
            continue
        for attempt in folder.read_journal().purchases.attempts:
            receipts = attempt.downloaded.values()
            is_here = bool(receipts) and all((folder.root / str(r.file)).stat().st_size == r.bytes for r in receipts)
            if attempt.request_id is not None:
                owner[attempt.request_id] = (f"{place.name}/{attempt.key}", folder.root, is_here)
        found["retakes"] += (own := retakes(folder))[0]
        found["retakes beyond the ladder"] += own[1]
        spent = sum(entry.usd for entry in book if entry.run == folder.id)
        mine = {line.request_id for line in ledger.lines}
        billed = sum(entry["usd"] for entry in entries if entry["request_id"] in mine)
        found["budget overruns"] += max(spent, billed) > BUDGET + 1e-9
        # A cut connection may hide a price or a count; then the ledger says that it is not certain, and of how much.
        found["ledgers with something uncertain"] += ledger.uncertain_usd > 0
        if not ledger.billed_usd - 1e-6 <= billed <= ledger.billed_usd + ledger.uncertain_usd + 1e-6:
            found["ledgers that disagree"] += 1
            print(f"{place.name}: billed ${billed:.4f}\n{ledger.table()}", file=sys.stderr)
        found["half-written files"] += len(list(place.rglob("*.part")))
    paid: Counter[str] = Counter()
    for entry in (entry for entry in entries if entry["billed"]):
        key, _, is_here = owner.get(entry["request_id"], ("", Path(), False))
        found["paid"] += 1
        found["paid and lost"] += not is_here
        paid[key] += 1
    found["paid twice"] = sum(count - 1 for key, count in paid.items() if key)
    return found


def retakes(folder: RunFolder) -> tuple[int, int]:
    """Stills that were bought beyond the first takes, and those of them that the ladder does not allow."""
    bought, beyond = 0, 0
    for angle in folder.settings.studio.angles:
        keys = [key for key in folder.read_journal().purchases.by_key if key.startswith(f"photoreal/{angle.name}/")]
        more = max(0, len(keys) - folder.settings.stills.takes)
        bought, beyond = bought + more, beyond + max(0, more - folder.settings.gate.retakes)
    return bought, beyond


MUST_BE_ZERO = (
    "retakes beyond the ladder",
    "paid and lost",
    "paid twice",
    "budget overruns",
    "unreadable run folders",
    "ledgers that disagree",
    "half-written files",
    "stuck",
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--jobs", type=int, default=2, help="runs at once")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=0.01, help="seconds here for a second at fal.ai")
    options = parser.parse_args()
    began = time.monotonic()
    fake = Fake(options.scale)
    with tempfile.TemporaryDirectory(prefix="chaos-") as name:
        place = Path(name)
        os.environ["CONSISTENCY_STATE_FOLDER"] = str(place / "state")
        environment = {**os.environ, **fake.environment}
        places = [place / f"run-{number:03d}" for number in range(options.runs)]

        def one(number: int) -> Counter[str]:
            return torment(number, options.seed, options.scale, fake, places[number], environment)

        with cut_connections(fake, options.seed, every=3.0), ThreadPoolExecutor(options.jobs) as pool:
            told: Counter[str] = Counter()
            for number, happened in enumerate(pool.map(one, range(options.runs)), start=1):
                told += happened
                if number % 20 == 0:
                    print(f"{number} runs, {told['blows']} blows", file=sys.stderr, flush=True)
        found = told + compare(places, fake.books())
        state = fake.ask("GET /state")
    fake.close()
    shape = ", ".join(f"{kind} {seconds:g} s" for kind, seconds in REALISTIC.items())
    print(
        f"{options.runs} runs, seed {options.seed}, fal's latencies ({shape}) times {options.scale:g}, "
        f"{time.monotonic() - began:.0f} s"
    )
    for what in (
        "lives",
        "runs struck",
        "blows",
        "uncertain",
        "finished",
        "paid",
        "retakes",
        "ledgers with something uncertain",
    ):
        print(f"{what:>32}: {found[what]}")
    for what in sorted(what for what in found if what.startswith("exit")):
        print(f"{what:>32}: {found[what]}")
    for blow in dict.fromkeys(f"{name} {victim}" for name, victim in BLOWS):
        ends = {what.removeprefix(f"{blow}: "): found[what] for what in found if what.startswith(f"{blow}: ")}
        words = ", ".join(f"{count} {end}" for end, count in sorted(ends.items(), key=lambda pair: -pair[1]))
        print(f"{blow:>32}: {found[blow]}{' (' if words else ''}{words}{')' if words else ''}")
    for what in MUST_BE_ZERO:
        print(f"{what:>32}: {found[what]}")
    bad = [what for what in MUST_BE_ZERO if found[what]] + ["key leaks"][: state["key_leaks"]]
    print(f"fal.ai was owed ${state['usd']:.2f}; {'all is well' if not bad else 'WRONG: ' + ', '.join(bad)}")
    return 1 if bad or found["finished"] != options.runs else 0


if __name__ == "__main__":
    sys.exit(drive(Path(sys.argv[2])) if sys.argv[1:2] == ["--drive"] else main())
