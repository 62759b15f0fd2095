# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The zip of ``doctor --bundle``: what a maintainer needs, shown before it is written, and nothing that is secret."""

from __future__ import annotations

import getpass
import json
import platform
import zipfile
from pathlib import Path

import pytest

from consistency_pipeline import command_line, surroundings
from consistency_pipeline.pipeline import redaction
from consistency_pipeline.pipeline.run.bug_report import BugReport, _Cleaner
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from tests.fake_fal import API_KEY, FakeFal
from tests.fake_fal.model import glb

from .shop import go
from .stand_in import write
from .test_chain import new_run
from .test_private import SECRET, holds_key

SIGNED = "https://v3.fal.media/files/koala/abc.png?X-Amz-Signature=deadbeef"


@pytest.fixture(autouse=True)
def _nothing_hidden_yet(monkeypatch: pytest.MonkeyPatch):
    """A process that was started for the bundle alone knows of no key."""
    monkeypatch.setattr(redaction, "_hidden", set())
    monkeypatch.setattr(surroundings, "doctor_facts", lambda: {"blender": "9.9", "path": f"{Path.home()}/blender"})


def contents(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def plant(folder: RunFolder) -> None:
    """The key in every file, and what else is nobody's business, as earlier versions or other programs may have left it."""
    secrets = f"Authorization: Key {API_KEY}; {SECRET}; {SIGNED}; {Path.home()}/photos/a.png; {platform.node()}"
    for name in ("run.json", "report.json"):
        path = folder.root / name
        record = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        path.write_text(json.dumps(record | {"said": secrets, "fal_key": API_KEY}), encoding="utf-8")
    for name in ("journal.jsonl", "log.txt", "log.txt.1"):
        with (folder.root / name).open("a", encoding="utf-8") as file:
            file.write(f"{secrets}\n{json.dumps({'event': 'odd', 'url': SIGNED})}\n")


def bundle(capfd: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    status = command_line.main(["doctor", "--bundle", *map(str, arguments)])
    return status, *capfd.readouterr()


def test_no_file_in_it_holds_the_key(fake: FakeFal, tmp_path: Path, near: None, capfd):
    settings = {
        "inputs": (str(write(tmp_path / "duck.glb", glb(8, (200, 150, 40)))),),
        "prompt": f"a duck {API_KEY}",
        "motion": "none",
    }
    folder = new_run(tmp_path, **settings)
    fake.fault("submit", "status", status=422, detail=f"unknown field {API_KEY}")
    with pytest.raises(Exception, match="unknown field"):
        go(folder)
    plant(folder)
    redaction._hidden.clear()
    out = tmp_path / "out.zip"
    status, _, shown = bundle(capfd, folder.root, "--out", out, "--yes")
    assert status == 0, shown
    assert not holds_key(out.read_bytes())
    found = contents(out)
    assert set(found) == {"README.txt", "machine.json", "run.json", "report.json", "journal.jsonl", "log.txt", "log.txt.1"}  # fmt: skip
    for name, text in found.items():
        assert name in shown
        assert not holds_key(text.encode()), name
        assert "deadbeef" not in text
        assert "koala" not in text  # whoever knows a picture's address can look at it
        assert str(Path.home()) not in text
        if len(platform.node()) > 2:
            assert platform.node() not in text
    assert json.loads(found["run.json"])["settings"]["size"] == 64
    assert "unknown field" in found["log.txt"]
    assert "keys" in shown


def test_another_key_than_todays_is_taken_out_too(tmp_path: Path):
    other = "0a1b2c3d-1111-2222-3333-444455556666:00112233445566778899aabbccddeeff"
    (tmp_path / "log.txt").write_text(f"sent {other}\nrequest 0a1b2c3d-1111-2222-3333-444455556666\n", encoding="utf-8")
    report = BugReport.collect({}, tmp_path)
    assert report.files["log.txt"].decode().splitlines() == ["sent ***", "request 0a1b2c3d-1111-2222-3333-444455556666"]


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ('{"authorization": "Key abcdefgh12"}', '{"authorization": ***}'),
        ("X-Api-Key: abcdefgh12", "X-Api-Key: ***"),
        ("password=abcdefgh12 next", "password=*** next"),
        ("https://queue.fal.run/a/requests/12/status?x=1", "https://queue.fal.run/a/requests/12/status"),
        ("http://me:word@proxy.example:3128", "http://proxy.example:3128"),
        ("data:image/png;base64,iVBORw0KGgoAAAANSUhEUg==", "data:…"),
        (r"C:\\Users\\jane\\duck.glb", r"~\\duck.glb"),
        ("/Users/jane/duck.glb", "~/duck.glb"),
        ('"key": "photoreal/front/take-01"', '"key": "photoreal/front/take-01"'),
    ],
)
def test_what_is_taken_out(text: str, cleaned: str):
    assert _Cleaner(()).clean(text) == cleaned


def test_a_name_is_taken_out_as_a_word_only(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(getpass, "getuser", lambda: "ann")
    assert _Cleaner(()).clean("/mnt/ann/planned") == "/mnt/USER/planned"


def test_a_broken_run_folder_is_bundled_as_far_as_it_can_be_read(tmp_path: Path, capfd):
    run = tmp_path / "run"
    run.mkdir()
    (run / "run.json").write_bytes(b'{"settings": {"size": 64, "fal_key": "' + SECRET.encode() + b'"}, "sta\xff')
    (run / "report.json").mkdir()
    out = tmp_path / "out.zip"
    status, said, shown = bundle(capfd, run, "--out", out, "--yes", "--json")
    assert status == 0, shown
    assert "report.json (" in shown
    assert "journal.jsonl (" in shown
    assert not holds_key(contents(out)["run.json"].encode())
    assert '"size": 64' in contents(out)["run.json"]
    answer = json.loads(said.splitlines()[-1])
    assert answer["bundle"] == str(out)
    assert answer["files"]["run.json"] == len(contents(out)["run.json"].encode())


def test_nothing_is_written_without_consent(tmp_path: Path, capfd, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    status, _, shown = bundle(capfd)
    assert status == 2
    assert "machine.json" in shown
    assert "--yes" in shown
    assert bundle(capfd, tmp_path / "nowhere", "--yes")[0] == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("answer", "status"), [("y\n", 0), ("\n", 130)])
def test_a_terminal_is_asked(tmp_path: Path, capfd, monkeypatch: pytest.MonkeyPatch, answer: str, status: int):
    class Terminal:
        def isatty(self) -> bool:
            return True

        def readline(self) -> str:
            return answer

    monkeypatch.setattr("sys.stdin", Terminal())
    out = tmp_path / "out.zip"
    assert bundle(capfd, "--out", out)[0] == status
    assert out.exists() == (status == 0)


def test_a_file_that_is_there_is_not_replaced(tmp_path: Path, capfd):
    out = write(tmp_path / "out.zip", b"mine")
    assert bundle(capfd, "--out", out, "--yes")[0] == 2
    assert out.read_bytes() == b"mine"
