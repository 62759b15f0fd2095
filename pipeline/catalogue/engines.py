# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same work as a job of a render farm: Open Job Description, Flamenco or SLURM.

Each task is ``consistency catalogue … --rows FIRST-LAST``, which may be run again any number of times. Nothing of the key is
written: workers have it in their own environment. Facts about the engines are in docs/catalogue.md.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..system.disk import whole_file, write_json
from .rows import as_ranges

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS_A_ROW = 3600  # after which a row's share of a task's time is over
ADAPTS_TO = 900  # seconds of a chunk that a farm may choose by itself
NOTIFIED = 60  # seconds between being asked to end and being killed; a cancel takes up to 50
REQUEUES = 5  # times that SLURM is asked to try a task again after status 75
JOB_TYPE = "consistency-catalogue"
_SCRIPT = Path(__file__).with_name("flamenco.js")


@dataclass(frozen=True)
class Job:
    """What every engine is told. ``program`` and ``before``: how the command is started, such as blender --command consistency.

    ``numbers``: the rows. ``options``: those of the command that hold for each task.
    """

    name: str
    table: Path
    out: Path
    template: Path | None
    numbers: Sequence[int]
    chunk: int
    options: tuple[str, ...]
    program: str
    before: tuple[str, ...]

    def arguments(self, table: str, out: str, template: str, *more: str) -> list[str]:
        template_words = ["--template", template] if self.template is not None else []
        return [*self.before, "catalogue", table, "--out", out, *template_words, *self.options, *more]

    def here(self, *more: str) -> list[str]:
        """The arguments with this machine's paths."""
        return self.arguments(str(self.table), str(self.out), str(self.template or ""), *more)


def emit(engine: str, job: Job) -> list[Path]:
    """Write the job's files into its folder; their paths, the job itself first. Raises UsageError or RunFolderError."""
    if job.chunk < 1:
        raise UsageError("--chunk is 1 or more")
    return _ENGINES[engine](job)


def how_to_run(engine: str, written: Sequence[Path]) -> str:
    """The command that hands the job over."""
    first, *others = (shlex.quote(str(path)) for path in written)
    return {
        "openjd": f"openjd run {first} --job-param {shlex.quote(f'file://{written[-1]}')}",
        "flamenco": f"copy {first} into the scripts folder of the Manager, then: "
        f"curl -H 'Content-Type: application/json' --data @{''.join(others)} http://MANAGER:8080/api/v3/jobs",
        "slurm": f"sbatch {first}",
    }[engine]


# Open Job Description: github.com/OpenJobDescription/openjd-specifications, revision 2023-09 with TASK_CHUNKING


def _openjd(job: Job) -> list[Path]:
    paths = {"Table": (job.table, "FILE", "IN"), "Out": (job.out, "DIRECTORY", "INOUT")}
    if job.template is not None:
        paths["Template"] = (job.template, "FILE", "IN")
    parameters: list[dict[str, Any]] = [
        {"name": name, "type": "PATH", "objectType": kind, "dataFlow": flow} for name, (_, kind, flow) in paths.items()
    ]
    parameters += [
        {"name": "Program", "type": "STRING", "default": job.program},
        {"name": "Chunk", "type": "INT", "default": job.chunk, "minValue": 1},
    ]
    words = job.arguments("{{Param.Table}}", "{{Param.Out}}", "{{Param.Template}}")
    notice = {"mode": "NOTIFY_THEN_TERMINATE", "notifyPeriodInSeconds": NOTIFIED}

    def action(*more: str) -> dict[str, Any]:
        timeout = SECONDS_A_ROW * job.chunk
        run = {"command": "{{Param.Program}}", "args": [*words, *more], "timeout": timeout, "cancelation": notice}
        return {"actions": {"onRun": run}}

    rows = {
        "name": "Row",
        "type": "CHUNK[INT]",
        "range": as_ranges(job.numbers),
        "chunks": {
            "defaultTaskCount": "{{Param.Chunk}}",
            "targetRuntimeSeconds": ADAPTS_TO,
            "rangeConstraint": "NONCONTIGUOUS",
        },
    }
    template = {
        "specificationVersion": "jobtemplate-2023-09",
        "extensions": ["TASK_CHUNKING"],
        "name": f"Catalogue {job.name}"[:64],
        "parameterDefinitions": parameters,
        "steps": [
            {
                "name": "Products",
                "parameterSpace": {"taskParameterDefinitions": [rows]},
                "script": action("--rows", "{{Task.Param.Row}}", "--progress", "openjd"),
            },
            {"name": "Page", "dependencies": [{"dependsOn": "Products"}], "script": action("--page")},
        ],
    }
    written = [job.out / "catalogue.openjd.json", job.out / "catalogue.openjd.parameters.json"]
    write_json(written[0], template)
    write_json(written[1], {name: str(path) for name, (path, _, _) in paths.items()})
    return written


# Flamenco 3.5 or later: a job type for the Manager, and what is posted to /api/v3/jobs


def _flamenco(job: Job) -> list[Path]:
    script, body = job.out / f"{JOB_TYPE}.js", job.out / "catalogue.flamenco.json"
    with whole_file(script) as file:
        file.write(_SCRIPT.read_bytes())
    write_json(
        body,
        {
            "name": f"Catalogue {job.name}",
            "type": JOB_TYPE,
            "priority": 50,
            "submitter_platform": "manager",
            "settings": {
                "program": job.program,
                "rows": as_ranges(job.numbers),
                "chunk": job.chunk,
                "arguments": json.dumps(job.here()),
            },
            "metadata": {"products": str(len(job.numbers))},
        },
    )
    return [script, body]


# SLURM: one array task for each chunk of rows


def _slurm(job: Job) -> list[Path]:
    numbers = list(job.numbers)
    chunks = [as_ranges(numbers[first : first + job.chunk]) for first in range(0, len(numbers), job.chunk)]
    name = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in job.name)
    command = shlex.join([job.program, *job.here()])
    minutes = SECONDS_A_ROW * job.chunk // 60
    script = f"""#!/bin/bash
#SBATCH --job-name=catalogue-{name}
#SBATCH --array=0-{len(chunks) - 1}
#SBATCH --time={minutes}
#SBATCH --signal=B:TERM@{NOTIFIED}
#SBATCH --requeue
#SBATCH --open-mode=append
# The key is taken from the worker's environment (FAL_KEY); it stands nowhere here.
rows=({" ".join(chunks)})
{command} --rows "${{rows[$SLURM_ARRAY_TASK_ID]}}" --progress json &
work=$!
trap 'kill -TERM "$work"' TERM INT
wait "$work"; status=$?
while kill -0 "$work" 2>/dev/null; do wait "$work"; status=$?; done
wait "$work"; status=$?  # its own, where a signal had ended the waiting
# 75: the machine or the network, so that another try may fare better
if [ "$status" -eq 75 ] && [ "${{SLURM_RESTART_COUNT:-0}}" -lt {REQUEUES} ]; then
    scontrol requeue "${{SLURM_ARRAY_JOB_ID}}_${{SLURM_ARRAY_TASK_ID}}"
fi
exit "$status"
"""
    path = job.out / "catalogue.sbatch"
    with whole_file(path) as file:
        file.write(script.encode("utf-8", "surrogateescape"))
    return [path]


_ENGINES: dict[str, Callable[[Job], list[Path]]] = {"openjd": _openjd, "flamenco": _flamenco, "slurm": _slurm}
