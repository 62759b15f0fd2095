# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The second Blender: the same pictures as the first one makes, errors that travel, and a death that costs nothing."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import types
from dataclasses import asdict
from typing import Any, get_args, get_origin, get_type_hints, is_typeddict

import numpy as np
import pytest

from consistency_pipeline.pipeline import redaction
from consistency_pipeline.pipeline.backend.ports import Task
from consistency_pipeline.pipeline.errors import BadInput, ConsistencyError
from consistency_pipeline.pipeline.formats import png
from consistency_pipeline.pipeline.run.run_log import log_of
from consistency_pipeline.pipeline.settings.groups import RunSettings
from consistency_pipeline.pipeline.stages import Progress
from consistency_pipeline.studio import compat
from consistency_pipeline.studio.image_worker import ImageWorker, tasks
from consistency_pipeline.studio.rendering import passes
from tests.fake_fal import API_KEY
from tests.pure.test_private import holds_key

MEANWHILE = Progress("photoreal", "writing")


@pytest.fixture
def worker(monkeypatch):
    monkeypatch.setattr(compat, "in_background", lambda: False)
    room = ImageWorker()
    yield room
    room.close()


@pytest.fixture
def picture(tmp_path):
    pixels = np.arange(48 * 64 * 3, dtype=np.uint32).reshape(48, 64, 3) % 251
    png.write(tmp_path / "in.png", pixels.astype(np.uint8))
    return tmp_path / "in.png"


def finish(steps):
    count = 0
    while True:
        try:
            next(steps)
            count += 1
        except StopIteration as done:
            return done.value, count


def test_the_caller_goes_on_while_the_other_one_works(worker, picture, tmp_path):
    out = tmp_path / "out.png"
    _, steps = finish(worker.do("convert", MEANWHILE, source=str(picture), out=str(out)))
    assert steps > 10  # it was asked again and again, and never had to wait
    np.testing.assert_array_equal(passes.load(out), passes.load(picture))


def test_what_goes_wrong_there_is_raised_here(worker, tmp_path, monkeypatch):
    with pytest.raises(BadInput, match=r"is not a picture"):
        finish(worker.do("convert", MEANWHILE, source=str(tmp_path / "missing.png"), out=str(tmp_path / "out.png")))
    with pytest.raises(ConsistencyError, match="please report it"):
        finish(worker.do("convert", MEANWHILE, nonsense=1))


@pytest.mark.parametrize("window", [True, False])
def test_what_nobody_foresaw_there_is_one_sentence_for_the_user_and_a_traceback_in_the_log(
    window, tmp_path, monkeypatch
):
    monkeypatch.setattr(compat, "in_background", lambda: not window)
    monkeypatch.setattr(redaction, "_hidden", set())
    redaction.hide(API_KEY)  # the second Blender doesn't know it
    room = ImageWorker()
    with log_of(tmp_path), pytest.raises(ConsistencyError) as raised:
        finish(room.do(Task.CONVERT, MEANWHILE, **{API_KEY: 1}))  # no argument has that name
    room.close()
    assert re.fullmatch(
        r"convert: an unforeseen TypeError at tasks.py:\d+: .*; please report it, .*", str(raised.value)
    )
    said = (tmp_path / "log.txt").read_text(encoding="utf-8")
    assert "the task convert failed\nTraceback (most recent call last):" in said
    assert "unexpected keyword argument" in said
    assert not any(holds_key(text.encode()) for text in (said, str(raised.value)))


def test_a_second_blender_that_dies_only_makes_it_slower(worker, picture, tmp_path):
    finish(worker.do("convert", MEANWHILE, source=str(picture), out=str(tmp_path / "first.png")))
    os.kill(worker._child.pid, signal.SIGKILL)
    finish(worker.do("convert", MEANWHILE, source=str(picture), out=str(tmp_path / "second.png")))
    assert (tmp_path / "second.png").read_bytes() == (tmp_path / "first.png").read_bytes()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_it_goes_with_the_first_blender_also_in_the_middle_of_a_task(worker, tmp_path):
    endless = tmp_path / "render.exr"
    os.mkfifo(endless)
    settings = RunSettings(size=64)
    steps = worker.do(
        "reference",
        MEANWHILE,
        render=str(endless),
        settings=settings.model_dump(mode="json"),
        angle=asdict(settings.studio.angles[0]),
        folder=str(tmp_path),
        facts={},
    )
    writer = None
    while writer is None:  # until it reads
        next(steps)
        with contextlib.suppress(OSError):
            writer = os.open(endless, os.O_WRONLY | os.O_NONBLOCK)
    process = worker._child._process
    process.stdin.close()  # as the system does it for a Blender that is killed
    try:
        assert process.wait(30) == 0
    finally:
        os.close(writer)


PARENT = """
import json, sys, time
from consistency_pipeline.pipeline.stages import Progress
from consistency_pipeline.studio import compat
from consistency_pipeline.studio.image_worker import ImageWorker

compat.in_background = lambda: False
room = ImageWorker()
for _ in room.do("reference", Progress("references", "writing"), **json.loads(sys.argv[1])):
    print(room._child.pid if room._child else "", flush=True)
    time.sleep(0.1)
"""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_killing_a_blender_takes_its_second_one_along(tmp_path):
    endless = tmp_path / "render.exr"
    os.mkfifo(endless)
    settings = RunSettings(size=64)
    job = {
        "render": str(endless),
        "settings": settings.model_dump(mode="json"),
        "angle": asdict(settings.studio.angles[0]),
        "folder": str(tmp_path),
        "facts": {},
    }
    first = subprocess.Popen([sys.executable, "-c", PARENT, json.dumps(job)], stdout=subprocess.PIPE, text=True)
    try:
        second = next(int(line) for line in first.stdout if line.strip().isdigit())
        with endless.open("wb"):  # waits until the second one reads
            assert is_alive(second)
            first.kill()
            first.wait()
            deadline = time.monotonic() + 30
            while is_alive(second) and time.monotonic() < deadline:
                time.sleep(0.1)
            assert not is_alive(second), "a Blender that nobody waits for works on"
    finally:
        first.kill()
        first.communicate()


def is_alive(pid):
    """A process that has ended and that nobody has asked how is no longer alive."""
    said = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return said.stdout.strip() not in ("", "Z", "Zs")


def test_where_none_can_be_started_it_is_done_here(worker, picture, tmp_path, monkeypatch):
    monkeypatch.setattr(compat, "second_blender", lambda script: [str(tmp_path / "no-blender"), str(script)])
    finish(worker.do("convert", MEANWHILE, source=str(picture), out=str(tmp_path / "out.png")))
    assert (tmp_path / "out.png").is_file()


def test_every_task_takes_and_returns_what_json_can_hold():
    for name, task in tasks.TASKS.items():
        for where, kind in get_type_hints(task).items():
            assert is_json(kind), f"{where} of {name} is {kind}"


def is_json(kind: Any) -> bool:
    if is_typeddict(kind):
        return all(map(is_json, get_type_hints(kind).values()))
    inner = get_args(kind)
    own = kind in (str, float, int, bool, Any, type(None)) or get_origin(kind) in (dict, list, types.UnionType)
    return own and all(map(is_json, inner))
