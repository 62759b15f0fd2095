# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of awkward kinds and names: taken as they should be, or one sentence; nothing waits and nothing prints a traceback."""

from __future__ import annotations

import json
import os

import pytest

from consistency_pipeline import command_line
from consistency_pipeline.pipeline import model
from consistency_pipeline.pipeline.formats.gltf_file import check_glb
from consistency_pipeline.pipeline.formats.photo_header import photo_size

from .test_model_files import TRIANGLE, document, glb, jpeg, png


@pytest.fixture(autouse=True)
def _no_key(monkeypatch, tmp_path):
    for name in ("FAL_KEY", "FAL_KEY_ID", "FAL_KEY_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CONSISTENCY_STATE_FOLDER", str(tmp_path / "state"))


def pipe(path):
    os.mkfifo(path)


def dangling(path):
    path.symlink_to("moved away")


def own_link(path):
    path.symlink_to(path)


def gltf_of_a_pipe(path):
    os.mkfifo(path.with_name("mesh.bin"))
    path.write_text(json.dumps(document(buffers=[{"byteLength": len(TRIANGLE), "uri": "mesh.bin"}])))


def bytes_of(data):
    return lambda path: path.write_bytes(data)


DEEP = b'{"asset":' + b"[" * 200_000
AWKWARD = {
    "pipe.glb": (pipe, "is a pipe"),
    "pipe.gltf": (pipe, "is a pipe"),
    "pipe.blend": (pipe, "is a pipe"),
    "pipe.png": (pipe, "is a pipe"),
    "of_a_pipe.gltf": (gltf_of_a_pipe, "is a pipe"),
    "link.glb": (dangling, "link to moved away"),
    "link.png": (dangling, "link to moved away"),
    "itself.glb": (own_link, "can't be read"),
    "a" * 300 + ".glb": (lambda path: None, "can't be read"),
    "deep.gltf": (bytes_of(DEEP), "JSON"),
    "empty.blend": (bytes_of(b""), "empty"),
    "words.blend": (bytes_of(b"not Blender's"), "not a Blender file"),
    "name.blend": (bytes_of(b"BLENDER is what it says"), "not a Blender file"),
    "folder.glb": (lambda path: path.mkdir(), "is a folder"),
    "cut.png": (bytes_of(png()[:-6]), "cut short"),
}


@pytest.mark.parametrize("command", ["run", "estimate"])
@pytest.mark.parametrize("name", AWKWARD, ids=lambda name: name[:20])
def test_an_awkward_file_is_one_sentence_and_an_answer(capfd, tmp_path, name, command):
    make, says = AWKWARD[name]
    make(tmp_path / name)
    more = ["--out", str(tmp_path / "run")] if command == "run" else []
    status = command_line.main([command, str(tmp_path / name), *more, "--json"])
    out, err = capfd.readouterr()
    answer = json.loads(out.splitlines()[-1])
    assert status == answer["exit"] == 1
    assert says in answer["error"]
    assert name[:80] in answer["error"] or name == "of_a_pipe.gltf"
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_a_folder_name_that_is_too_long_is_a_usage_error(capfd, tmp_path):
    (tmp_path / "a.glb").write_bytes(glb(document()))
    assert command_line.main(["run", str(tmp_path / "a.glb"), "--out", str(tmp_path / ("b" * 300)), "--json"]) == 2
    out, err = capfd.readouterr()
    assert "too long" in json.loads(out)["error"]
    assert len(err.strip().splitlines()) == 1


def test_what_nobody_foresaw_is_answered_too(capfd, tmp_path, monkeypatch):
    monkeypatch.setitem(command_line._COMMANDS, "ledger", lambda _options: [][1])
    assert command_line.main(["ledger", str(tmp_path), "--json"]) == 1
    out, err = capfd.readouterr()
    assert "IndexError" in json.loads(out)["error"]
    assert len(err.strip().splitlines()) == 1
    assert "Traceback" not in err


def test_bytes_after_the_end_are_passed_over(tmp_path):
    data = glb(document())
    (tmp_path / "a.glb").write_bytes(data + b"a signature of somebody's")
    assert check_glb(tmp_path / "a.glb").length == len(data)
    model.take_own(tmp_path / "a.glb", tmp_path / "model")
    assert (tmp_path / "model" / "product.glb").read_bytes() == data

    (tmp_path / "a.png").write_bytes(png(320, 200) + bytes(500))
    assert photo_size(tmp_path / "a.png") == (320, 200)


def test_a_jfif_is_a_jpeg(tmp_path):
    (tmp_path / "a.jfif").write_bytes(jpeg())
    assert model.classify([tmp_path / "a.jfif"]) == "photos"
