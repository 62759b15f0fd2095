# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A catalogue's job on the engines of render farms, for real, with one product that fails and one that is slow.

    python -m benchmarks.engines openjd [--openjd PATH]    openjd-cli from PyPI: check, run, SIGTERM midway, run again
    python -m benchmarks.engines slurm                     Debian's slurmctld, slurmd and slurm-client, as root: an array
                                                           job, cancelled midway, then submitted again

Each starts all that it needs, the fake fal.ai too, and ends it. Exit status 1 unless every good product is finished, the
bad one is told, nothing was bought twice, and the key stands nowhere.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.chaos import Fake
from consistency_pipeline.pipeline.catalogue.engines import Job, emit
from tests.pure.catalogues import STILL, write_table

ROWS, CHUNK, BAD, SLOW = 8, 3, "P-3", "P-5"
DRIVER = Path(__file__).with_name("catalogue_driver.py")
PATIENCE = 180.0  # seconds that one step may take


def states(out: Path) -> dict[str, str]:
    return {row["sku"]: row["state"] for row in json.loads((out / "catalogue.json").read_text())["rows"]}


def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"waited {PATIENCE:g} s in vain: {what}")
        time.sleep(0.2)


def openjd(place: Path, job: Job, environment: dict[str, str], program: str) -> list[Path]:
    template, parameters = emit("openjd", job)
    subprocess.run([program, "check", str(template)], check=True)
    command = [program, "run", str(template), "--job-param", f"file://{parameters}"]
    first, second = place / "first.log", place / "second.log"
    with first.open("w") as log, subprocess.Popen(command, stdout=log, stderr=log, env=environment) as running:
        until(lambda: f"{SLOW}: begins" in first.read_text(), f"{SLOW} begins")
        began = time.monotonic()
        running.send_signal(signal.SIGTERM)
        print(f"openjd run, terminated midway: status {running.wait(PATIENCE)} after {time.monotonic() - began:.1f} s")
    with second.open("w") as log:
        done = subprocess.run(command, stdout=log, stderr=log, env=environment, timeout=PATIENCE, check=False)
    print(f"openjd run again: status {done.returncode}")
    return [first, second]


@contextmanager
def slurm_here(place: Path, environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """A SLURM of one machine, with all its files in ``place``."""
    host = os.uname().nodename
    (place / "state").mkdir()
    (place / "spool").mkdir()
    (place / "slurm.conf").write_text(
        f"""ClusterName=here
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort=36817
SlurmdPort=36818
SlurmUser=root
SlurmdUser=root
AuthType=auth/none
CredType=cred/none
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
ReturnToService=2
SwitchType=switch/none
StateSaveLocation={place}/state
SlurmdSpoolDir={place}/spool
SlurmctldPidFile={place}/slurmctld.pid
SlurmdPidFile={place}/slurmd.pid
KillWait=60
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""
    )
    environment = {**environment, "SLURM_CONF": str(place / "slurm.conf")}
    paths = os.pathsep.join([environment["PATH"], "/usr/sbin"])
    daemons = []
    for name in ("slurmctld", "slurmd"):
        program = shutil.which(name, path=paths)
        if program is None:
            raise SystemExit(f"{name} is not here; install slurmctld, slurmd and slurm-client")
        log = (place / f"{name}.log").open("w")
        command = [program, "-D", *(("-N", host) if name == "slurmd" else ("-c",))]
        # What a worker has in its environment: here, the machine's.
        daemons.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
        time.sleep(2.0)
    try:
        until(lambda: "idle" in ask(environment, "sinfo", "-h", "-o", "%t"), "the node is idle")
        yield environment
    finally:
        for daemon in reversed(daemons):
            daemon.terminate()
            daemon.wait(30)


def ask(environment: dict[str, str], *command: str) -> str:
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stdout


def queued(environment: dict[str, str], submit: list[str]) -> str:
    number = ask(environment, *submit).strip()
    if not number.isdigit():
        raise SystemExit("sbatch refused the job")
    return number


def await_end(environment: dict[str, str], number: str) -> None:
    began = time.monotonic()
    until(lambda: not ask(environment, "squeue", "-h", "-j", number).strip(), f"job {number} has ended")
    told = ask(environment, "scontrol", "show", "job", number)
    ends = [word.removeprefix("JobState=") for word in told.split() if word.startswith(("JobState=", "ExitCode="))]
    print(f"slurm array {number}: {', '.join(ends)} after {time.monotonic() - began:.1f} s")


def slurm(place: Path, job: Job, environment: dict[str, str], _program: str) -> list[Path]:
    (script,) = emit("slurm", job)
    with slurm_here(place, environment) as here:
        submit = ["sbatch", "--parsable", f"--output={place}/task-%a.log", "--export=ALL", str(script)]
        first = queued(here, submit)
        slow = place / "task-1.log"
        begins = f'"sku": "{SLOW}", "event": "begins"'
        until(lambda: slow.is_file() and begins in slow.read_text(), f"{SLOW} begins")
        ask(here, "scancel", "--signal=TERM", "--full", first)
        await_end(here, first)
        await_end(here, queued(here, submit))
    return [script, *place.glob("task-*.log")]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engines")
    parser.add_argument("engine", choices=("openjd", "slurm"))
    parser.add_argument("--openjd", default="openjd", help="the program openjd")
    options = parser.parse_args()
    fake = Fake(0.05)
    try:
        with tempfile.TemporaryDirectory(prefix="consistency-engine-") as name:
            place = Path(name)
            environment = {**os.environ, **fake.environment, "CONSISTENCY_STATE_FOLDER": str(place / "book")}
            environment |= {"STAND_IN_SECONDS": "0.5", "STAND_IN_BAD": BAD, "STAND_IN_SLOW": SLOW}
            fixed = ("--yes", "--backend", "fal", "--budget", "0.5")
            table, out = write_table(place, ROWS), place / "out"
            job = Job("products", table, out, None, range(ROWS), CHUNK, fixed, sys.executable, (str(DRIVER),))
            run = {"openjd": openjd, "slurm": slurm}[options.engine]
            told = run(place, job, environment, options.openjd)
            command = [sys.executable, str(DRIVER), "catalogue", str(table), "--out", str(out), "--page"]
            subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
            return judge(out, told, fake)
    finally:
        fake.close()


def judge(out: Path, told: list[Path], fake: Fake) -> int:
    faults = []
    for sku, state in states(out).items():
        if state != ("failed" if sku == BAD else "done"):
            faults.append(f"{sku} is {state}")
    books = fake.books()
    usd = sum(entry["usd"] or 0.0 for entry in books)
    if len(books) != ROWS - 1 or abs(usd - (ROWS - 1) * STILL) > 1e-6:
        faults.append(f"{len(books)} purchases for {usd:.3f} USD, where {ROWS - 1} were due")
    key = fake.environment["FAL_KEY"].encode()
    faults += [
        f"the key stands in {path}" for path in [*out.rglob("*"), *told] if path.is_file() and key in path.read_bytes()
    ]
    print(
        "\n".join(faults)
        or f"{ROWS - 1} products finished, {BAD} told as failed, {len(books)} purchases, no key anywhere"
    )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
