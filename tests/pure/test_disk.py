# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from consistency_pipeline.pipeline.errors import RunFolderError
from consistency_pipeline.pipeline.run import run_folder
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from consistency_pipeline.pipeline.settings.groups import RunSettings
from consistency_pipeline.pipeline.stages import Stage, StageState
from consistency_pipeline.pipeline.system import disk
from consistency_pipeline.pipeline.system.processes import is_alive


def full(*_args: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_line_after_a_torn_one_is_read(tmp_path: Path):
    path = tmp_path / "lines.jsonl"
    disk.append_line(path, {"n": 1})
    with path.open("ab") as file:
        file.write(b'{"n": 2, "text": "never fin')
    disk.append_line(path, {"n": 3})
    assert disk.read_lines(path) == [{"n": 1}, {"n": 3}]


@pytest.mark.parametrize("damage", [b"\x00" * 64, b"\xff\xfe{}", b"[1, 2]", b'"text"', b"", b"{" * 10])
def test_damage_in_the_middle_costs_one_line(tmp_path: Path, damage: bytes):
    path = tmp_path / "lines.jsonl"
    path.write_bytes(b'{"n": 1}\n' + damage + b'\n{"n": 2}\n')
    assert disk.read_lines(path) == [{"n": 1}, {"n": 2}]


def test_a_file_name_that_is_not_unicode_can_be_written_down(tmp_path: Path):
    disk.append_line(tmp_path / "lines.jsonl", {"path": "photo-\udcff.png"})
    assert disk.read_lines(tmp_path / "lines.jsonl") == [{"path": "photo-\udcff.png"}]


def test_a_line_that_was_refused_is_not_there_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What the caller is told has not happened must not come back with the next start."""
    path = tmp_path / "lines.jsonl"
    disk.append_line(path, {"n": 1})
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(RunFolderError, match="free some space"):
            disk.append_line(path, {"n": 2})
    disk.append_line(path, {"n": 3})
    assert disk.read_lines(path) == [{"n": 1}, {"n": 3}]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_said_in_one_sentence():
    with pytest.raises(RunFolderError, match="No space left on device"):
        disk.append_line(Path("/dev/full"), {"n": 1})


def test_a_file_that_could_not_be_finished_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "run.json"
    disk.write_json(path, {"state": "old"})
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunFolderError):
        disk.write_json(path, {"state": "new"})
    assert json.loads(path.read_bytes()) == {"state": "old"}
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_while_writing_leaves_the_old_file(tmp_path: Path):
    path = tmp_path / "picture.png"
    path.write_bytes(b"old")

    def write_half() -> None:
        with disk.whole_file(path) as file:
            file.write(b"half of the new")
            raise KeyError

    with pytest.raises(KeyError):
        write_half()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_readers_never_see_half_a_file(tmp_path: Path):
    path = tmp_path / "run.json"
    disk.write_json(path, {"text": ""})
    stop = threading.Event()

    def write() -> None:
        for number in range(60):
            disk.write_json(path, {"text": str(number) * 20_000})
        stop.set()

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    while not stop.is_set():
        json.loads(path.read_bytes())
    for writer in writers:
        writer.join(30)


def test_what_a_killed_process_was_writing_is_swept_and_what_a_living_one_writes_is_not(tmp_path: Path):
    (tmp_path / "video").mkdir()
    code = f"""
import os, sys, pathlib
from consistency_pipeline.pipeline.system.disk import beside
beside(pathlib.Path({str(tmp_path)!r}) / 'video' / 'clip.mp4').write_bytes(b'half')
os._exit(9)"""
    subprocess.run([sys.executable, "-c", code], timeout=60, check=False)
    ours = disk.beside(tmp_path / "run.json")
    ours.write_bytes(b"being written")
    assert len(list(tmp_path.glob("*/.*.part"))) == 1
    disk.sweep(tmp_path, is_alive)
    assert list(tmp_path.glob("*/.*.part")) == []
    assert ours.exists()


def test_a_folder_that_cannot_hold_anything_is_noticed_before_buying(tmp_path: Path):
    disk.check_writable(tmp_path / "new" / "folder", 1)
    assert list((tmp_path / "new" / "folder").iterdir()) == []
    with pytest.raises(RunFolderError, match="Nothing was bought"):
        disk.check_writable(tmp_path, 1 << 60)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(RunFolderError, match="Nothing was bought"):
        disk.check_writable(tmp_path / "file" / "folder", 1)


def test_equal_files_are_not_written_again(tmp_path: Path):
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_bytes(b"same")
    disk.copy_file(source, target)
    before = target.stat().st_mtime_ns, target.stat().st_ino
    disk.copy_file(source, target)
    assert (target.stat().st_mtime_ns, target.stat().st_ino) == before


def test_what_is_changed_together_is_written_once_and_what_failed_between_is_not_lost(tmp_path, monkeypatch):
    folder = RunFolder.create(tmp_path / "run", RunSettings(), {})
    written: list[str] = []
    write = run_folder.write_json
    monkeypatch.setattr(run_folder, "write_json", lambda path, value: written.append(path.name) or write(path, value))
    with folder.together(), folder.together():
        folder.mark(Stage.MODEL, StageState.RUNNING)
        folder.note(device="CPU")
        assert written == []
    assert written == ["run.json"]
    assert (RunFolder.open(folder.root).device, RunFolder.open(folder.root).states[Stage.MODEL]) == ("CPU", "running")
    with folder.together():
        pass
    assert written == ["run.json"]
    with contextlib.suppress(ZeroDivisionError), folder.together():
        folder.note(device="GPU")
        raise ZeroDivisionError
    assert RunFolder.open(folder.root).device == "GPU"


def test_what_is_written_seldom_is_there_when_it_is_asked_for_and_at_the_end(tmp_path):
    folder = RunFolder.create(tmp_path / "run", RunSettings(), {})

    def on_disk() -> str | None:
        return RunFolder.open(folder.root).device

    with contextlib.suppress(ZeroDivisionError), folder.seldom(every=3600.0):
        folder.note(device="CPU")
        with folder.together():
            folder.mark(Stage.MODEL, StageState.RUNNING)
        assert on_disk() is None
        folder.write()
        assert on_disk() == "CPU"
        folder.note(device="GPU")
        assert on_disk() == "CPU"
        raise ZeroDivisionError
    assert on_disk() == "GPU"
    folder.note(device="HIP")
    assert on_disk() == "HIP"
    with folder.seldom(every=0.0):
        folder.note(device="METAL")
        assert on_disk() == "METAL"
