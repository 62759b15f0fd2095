# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The README's shell commands, run in their order as they stand, made small: a stranger copies them like that.

Those of the pages beside it that are no steps, benchmarks and make, are each run or planned by themselves.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.fake_fal import API_KEY, FakeFal
from tests.fake_fal.model import glb
from wheels import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
WHOLE = "\n".join(path.read_text(encoding="utf-8") for path in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")))


def shell_lines(page: str) -> list[list[str]]:
    blocks = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    lines = [shlex.split(line, comments=True) for block in blocks for line in block.splitlines()]
    return [words for words in lines if words]


LINES = shell_lines(README)
SMALL = ["--size", "64", "--angles", "front", "--device", "cpu", "--duration", "1"]
MORE = {"run": ["--yes", *SMALL, "--samples", "2"], "estimate": SMALL, "resume": ["--yes"]}  # there is nobody to ask

# Benchmarks take minutes; the least of each shows that the command is right. Those not listed only say their help.
MODULES = {
    "benchmarks.chaos": ["--runs", "1", "--jobs", "1"],
    "benchmarks.unfair": ["--histories", "1", "--jobs", "1"],
    "benchmarks.startup": ["1", "--report-only"],
    "benchmarks.window": [],  # where there is no window to be had it says so
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What the reader is taken to have: a model and photos of a product."""
    (tmp_path / "product.glb").write_bytes(glb(200, (200, 60, 40)))
    for number in (1, 2):
        Image.new("RGB", (256, 256), (200, 60, 40 * number)).save(tmp_path / f"photo-{number}.jpg")
    return tmp_path


def run(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    answer = subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240
    )
    assert answer.returncode == 0, f"{shlex.join(command)}\n{answer.stdout}{answer.stderr}"
    return answer.stdout


def test_the_commands_work_in_the_order_they_are_read(folder: Path):
    program = str(Path(sys.executable).with_name("consistency"))
    with FakeFal(latency=0.02, clip_side=64) as fake:
        environment = dict(os.environ) | fake.environment(key=None)
        environment |= {"CONSISTENCY_STATE_FOLDER": str(folder / "state"), "FAL_KEY": ""}
        done = set()
        for words in LINES:
            if words[0] == "export":
                assert words[1].startswith("FAL_KEY=")
                environment["FAL_KEY"] = API_KEY
            elif words[0].endswith("consistency"):
                run([program, *words[1:], *MORE.get(words[1], [])], folder, environment)
                done.add(words[1])
        assert not fake.refused
        assert 0 < fake.books.usd < 8, "what the README's limit allows"
    assert {"run", "estimate", "resume", "ledger"} <= done


def test_make_demo_leaves_what_the_readme_shows(folder: Path):
    options = ["--size", "64", "--samples", "1", "--device", "cpu", "--angles", "front", "--duration", "1"]
    run([sys.executable, str(ROOT / "packaging" / "demo.py"), *options], folder, dict(os.environ))
    for name in re.findall(r"`demo/(run/[\w.]+)`", README):
        assert (folder / "demo" / name).stat().st_size > 0


@pytest.mark.by_turns
@pytest.mark.parametrize("module", sorted(set(re.findall(r"python -m (benchmarks\.\w+)", WHOLE))))
def test_every_benchmark_starts(module: str):
    run([sys.executable, "-m", module, *MODULES.get(module, ["--help"])], ROOT, dict(os.environ))


@pytest.mark.parametrize("line", sorted({shlex.join(words) for words in shell_lines(WHOLE) if words[0] == "make"}))
def test_every_make_command_is_one_that_make_can_plan(line: str):
    run([*shlex.split(line), "--dry-run"], ROOT, dict(os.environ))
