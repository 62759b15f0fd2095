# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The jobs for render farms: what each engine is given is what it takes. OpenJD and SLURM really run in benchmarks.engines."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from consistency_pipeline.pipeline.catalogue.engines import Job, emit, how_to_run
from consistency_pipeline.pipeline.errors import UsageError
from tests.fake_fal import API_KEY

pytestmark = pytest.mark.by_turns

ROWS = [*range(25), 30]
# Flamenco's globals, as its Manager gives them to a job type (goja), in as few lines as tell what was made of them.
STUB = """
const author = {
  Task: (name, type) => ({ name, type, commands: [], dependencies: [],
    addCommand(command) { this.commands.push(command); }, addDependency(task) { this.dependencies.push(task.name); } }),
  Command: (name, parameters, totalStepCount) => ({ name, parameters, totalStepCount }),
};
function numbers(range) {
  return range.split(",").flatMap((part) => {
    const [first, last] = part.split("-").map(Number);
    return Array.from({ length: (last ?? first) - first + 1 }, (_, n) => first + n);
  });
}
function frameCount(range) { return numbers(range).length; }
function frameChunker(range, size) {
  const all = numbers(range), chunks = [];
  for (let at = 0; at < all.length; at += size) {
    const part = all.slice(at, at + size), runs = [];
    for (const n of part) {
      if (runs.length && runs[runs.length - 1][1] === n - 1) runs[runs.length - 1][1] = n; else runs.push([n, n]);
    }
    chunks.push(runs.map(([a, b]) => a === b ? `${a}` : `${a}-${b}`).join(","));
  }
  return chunks;
}
const job = { settings: SETTINGS, tasks: [], addTask(task) { this.tasks.push(task); } };
"""


@pytest.fixture
def job(tmp_path: Path) -> Job:
    options = ("--yes", "--budget", "20")
    table, out = tmp_path / "my products.csv", tmp_path / 'Ann\'s "best" out'
    return Job(
        "my products", table, out, tmp_path / "t.json", ROWS, 10, options, "blender", ("--command", "consistency")
    )


@pytest.mark.parametrize("engine", ["openjd", "flamenco", "slurm"])
def test_no_job_holds_the_key_and_each_says_how_it_is_handed_over(job, engine, monkeypatch):
    monkeypatch.setenv("FAL_KEY", API_KEY)
    written = emit(engine, job)
    assert all(API_KEY not in path.read_text() for path in written)
    said = shlex.split(how_to_run(engine, written))  # as a shell takes it apart
    assert all(any(word.endswith(str(path)) for word in said) for path in written)
    with pytest.raises(UsageError, match="--chunk"):
        emit(engine, Job(**{**vars(job), "chunk": 0}))


def test_the_openjd_template_addresses_rows_by_number_and_ends_with_the_page(job):
    template, parameters = (json.loads(path.read_text()) for path in emit("openjd", job))
    products, page = template["steps"]
    (row,) = products["parameterSpace"]["taskParameterDefinitions"]
    assert (row["type"], row["range"]) == ("CHUNK[INT]", "0-24,30")
    action = products["script"]["actions"]["onRun"]
    assert action["args"][:3] == ["--command", "consistency", "catalogue"]
    assert action["args"][-4:] == ["--rows", "{{Task.Param.Row}}", "--progress", "openjd"]
    assert action["cancelation"] == {"mode": "NOTIFY_THEN_TERMINATE", "notifyPeriodInSeconds": 60}
    assert page["dependencies"] == [{"dependsOn": "Products"}]
    named = {each["name"]: each for each in template["parameterDefinitions"]}
    assert parameters == {"Table": str(job.table), "Out": str(job.out), "Template": str(job.template)}
    assert all("default" not in named[name] for name in parameters)  # an absolute default of a PATH is refused


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node here")
def test_the_flamenco_job_type_makes_tasks_of_ten_rows_with_a_step_each(job):
    script, body = emit("flamenco", job)
    said = json.loads(body.read_text())
    assert said.keys() >= {"name", "type", "priority", "submitter_platform", "settings"}  # required by its API
    program = STUB.replace("SETTINGS", json.dumps(said["settings"])) + script.read_text()
    program += "\ncompileJob(job); console.log(JSON.stringify({ tasks: job.tasks, type: JOB_TYPE }));"
    answer = subprocess.run(["node", "-e", program], capture_output=True, text=True, check=True, timeout=60)
    made = json.loads(answer.stdout)
    assert [task["name"] for task in made["tasks"]] == ["products-0-9", "products-10-19", "products-20-24,30", "page"]
    first, page = made["tasks"][0], made["tasks"][-1]
    assert page["dependencies"] == [task["name"] for task in made["tasks"][:-1]]
    (command,) = first["commands"]
    assert (command["name"], command["totalStepCount"]) == ("blender-render", 10)
    assert command["parameters"]["blendfile"] == ""
    words = command["parameters"]["argsBefore"]
    assert words[:4] == ["--command", "consistency", "catalogue", str(job.table)]
    assert words[-4:] == ["--rows", "0-9", "--progress", "flamenco"]
    known = {setting["key"]: setting["type"] for setting in made["type"]["settings"]}
    kinds = {str: "string", int: "int32"}
    assert {name: kinds[type(value)] for name, value in said["settings"].items()} == known


def test_the_slurm_array_has_a_task_for_each_chunk_and_tries_again_only_what_may_pass(job, tmp_path):
    (script,) = emit("slurm", job)
    text = script.read_text()
    assert "#SBATCH --array=0-2\n" in text
    assert "rows=(0-9 10-19 20-24,30)" in text
    check = subprocess.run(["bash", "-n", str(script)], capture_output=True, text=True, check=False)
    assert (check.returncode, check.stderr) == (0, "")
    for status, requeued in ((0, False), (75, True), (1, False), (130, False)):
        place = tmp_path / f"bin-{status}"
        place.mkdir()
        for name, body in (
            ("blender", f'echo "$@" > {place}/words; exit {status}'),
            ("scontrol", f"echo $@ > {place}/requeued"),
        ):
            (place / name).write_text(f"#!/bin/bash\n{body}\n")
            (place / name).chmod(0o755)
        numbers = {"SLURM_ARRAY_TASK_ID": "2", "SLURM_ARRAY_JOB_ID": "9", "PATH": f"{place}:/usr/bin:/bin"}
        done = subprocess.run(["bash", str(script)], env=numbers, check=False, timeout=60)
        assert done.returncode == status
        assert "--rows 20-24,30" in (place / "words").read_text()
        assert (place / "requeued").exists() is requeued


def test_a_preset_of_one_s_own_is_found_by_workers_whatever_folder_they_stand_in(tmp_path):
    preset = {"title": "Own", "source": "ours", "date": "2026-11-27", "first_hand": True}
    (tmp_path / "own-shop.json").write_text(json.dumps(preset))
    (tmp_path / "a.glb").write_bytes(b"glTF")
    (tmp_path / "t.csv").write_text("sku,input\nA-1,a.glb\n")
    words = [
        "catalogue",
        "t.csv",
        "--out",
        "out",
        "--backend",
        "local",
        "--emit",
        "slurm",
        "--for",
        "web,own-shop.json",
    ]
    # In a process of its own: it asks Blender for its version, and here nothing may load bpy.
    program = "from consistency_pipeline.command_line import entry_point; entry_point()"
    command = [sys.executable, "-c", program, *words]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=120)
    script = (tmp_path / "out" / "catalogue.sbatch").read_text()
    assert f"--for web,{tmp_path / 'own-shop.json'} " in script
