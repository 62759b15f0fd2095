# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""An artist's afternoon in the real window, from the installed zip to the reopened file."""

from __future__ import annotations

import json
import shutil
import struct
import time
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from tests.fake_fal import API_KEY, FakeFal


def run_json(folder: str) -> dict:
    return json.loads((Path(folder) / "run.json").read_text())


def cube_glb(path: Path) -> Path:
    """A cube of 0.2 m as a GLB."""
    corners = [(x, y, z) for x in (-0.1, 0.1) for y in (-0.1, 0.1) for z in (-0.1, 0.1)]
    faces = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    triangles = [corner for a, b, c, d in faces for corner in (a, b, c, a, c, d)]
    places = b"".join(struct.pack("<3f", *corner) for corner in corners)
    data = places + struct.pack(f"<{len(triangles)}H", *triangles)
    content = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": "Cube"}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 8, "type": "VEC3", "min": [-0.1] * 3, "max": [0.1] * 3},
            {"bufferView": 1, "componentType": 5123, "count": len(triangles), "type": "SCALAR"},
        ],
        "bufferViews": [
            {"buffer": 0, "byteOffset": 0, "byteLength": len(places)},
            {"buffer": 0, "byteOffset": len(places), "byteLength": len(data) - len(places)},
        ],
        "buffers": [{"byteLength": len(data)}],
    }
    text = json.dumps(content).encode()
    text += b" " * (-len(text) % 4)
    data += b"\0" * (-len(data) % 4)
    chunks = struct.pack("<II", len(text), 0x4E4F534A) + text + struct.pack("<II", len(data), 0x004E4942) + data
    path.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks)
    return path


@pytest.mark.long
@pytest.mark.timeout(460)
def test_an_artist_clicks_through_it_all(window, fake: FakeFal):
    fake.latency = {"model": 0.3, "picture": 1000.0, "video": 0.5}  # until something in the queue has been cancelled

    def hurry() -> None:
        fake.latency = {"picture": 0.5, "video": 0.5}
        fake.advance(1000.0)

    window.answers["fal.ai hurries"] = hurry
    seen = window.play("artist_clicks_through", key=API_KEY, timeout=400, patience=240)

    assert not seen["greyed_out_and_still_worked"], "nothing to start from, and still the button worked"
    assert [Path(photo).name for photo in seen["photos"]] == ["front.png", "side.png"]
    assert seen["key_note"] == "The key is good: fal.ai accepts it"
    assert seen["estimate"] > 1.0

    assert seen["picked"] == seen["cancelled"], "a click in the list chose another job"
    assert seen["after_cancel"] == "cancelled"
    assert seen["stages_after_cancel"]["photoreal"] == "cancelled"
    assert 0 < seen["estimate_of_retry"] < 0.1, "the retry would pay for more than the one still"
    assert seen["retried"] == "done"
    assert set(seen["stages_after_retry"].values()) <= {"done", "skipped"}

    assert (seen["key_light"], seen["key_light_undone"]) == (200.0, 100.0)
    assert set(seen["stale"].values()) == {"light changed"}
    assert seen["still_stale"] == []
    assert "light changed" in seen["note"]
    assert seen["overtaken"]["references"] == "done"
    assert seen["overtaken"]["photoreal"] == "stale", "the stills are those of the earlier light, and nothing says so"
    assert seen["comparing"] == "front"
    assert seen["camera"] == "Camera front"
    assert 30 < seen["slider"] < 49, "the slider was dragged to the left of its middle"
    assert seen["planes_hidden"]
    assert seen["strips"] == ["turntable"]

    folder = Path(seen["run_folder"])
    assert seen["saved"]
    assert seen["prompt"] == "", "the reopened file is not what was saved"
    assert seen["reopened"]["photoreal"] == "stale"
    assert seen["angles"] == ["front", "three-quarter"]
    assert (folder / "photoreal" / "front.png").is_file()
    assert (folder / "video" / "turntable.mp4").is_file()
    assert not seen["key_in_file"]
    assert API_KEY not in (folder / "run.json").read_text() + (folder / "journal.jsonl").read_text()
    assert not [host for host in fake.refused if "blender.org" not in host], "somebody else was asked"
    assert not fake.key_leaks
    billed = [e for e in fake.books if e.endpoint.startswith("fal-ai/flux")]
    assert len(billed) <= 3, "a still was paid for more often than asked"
    assert {shot.stem for shot in window.shots.glob("*.png")} >= {"01-empty", "08-done", "10-compare"}


@pytest.mark.long
@pytest.mark.timeout(460)
def test_escape_cancels_and_resume_goes_on(window, tmp_path: Path):
    model = cube_glb(tmp_path / "cube.glb")
    seen = window.play("escape_cancels", model=str(model), timeout=400, patience=240)
    assert seen["dropped"] == ["FILE", str(model)]
    assert seen["undone"]
    assert seen["running_after_undo"], "undoing ended the run"
    assert "Resume" in seen["note"]
    assert seen["stages"]["references"] == "cancelled"
    assert seen["stages"]["results"] == "waiting"
    assert set(seen["resumed"].values()) <= {"done", "skipped"}
    assert seen["from_view"] == [0.0, 0.0], "the front view is not azimuth 0, elevation 0"
    assert seen["looks_through"] == ["CAMERA", "Camera view"]


@pytest.mark.long
@pytest.mark.timeout(900)
def test_escape_ends_the_run_in_each_stage(window, fake: FakeFal, tmp_path: Path):
    fake.latency = {"model": 1000.0, "picture": 0.3}

    def hurry() -> None:
        fake.latency = {"model": 0.3, "picture": 0.3}
        fake.advance(2000.0)

    def dawdle() -> None:
        fake.latency = {"model": 0.3, "picture": 1000.0}

    def film_for_hours() -> None:
        fake.latency = {"model": 0.3, "picture": 0.3, "video": 1000.0}
        fake.advance(900.0)

    window.answers |= {"fal.ai hurries": hurry, "fal.ai dawdles": dawdle, "fal.ai films for hours": film_for_hours}
    seen = window.play(
        "escape_at_each_stage",
        model=str(cube_glb(tmp_path / "cube.glb")),
        key=API_KEY,
        by_hand=True,
        timeout=840,
        patience=240,
    )
    resumed = seen.pop("resumed")
    for name, then in seen.items():
        assert then["there"], f"{name}: the run had ended before"
        assert not then["error"], name
        assert "Resume" in then["note"], name
        stage = name.removeprefix("fal: ").partition(",")[0]
        assert then["stages"][stage] == "cancelled", name
        assert stage not in ("video", "results") or then["stages"]["photoreal"] == "done"
        if stage != "results":
            assert then["stages"]["results"] == "waiting", f"{name}: results were made of nothing"
    for name in ("rig", "references", "references, one done", "video", "results"):
        assert not seen[name]["renders"], f"{name}: Blender renders on"
        assert seen[name]["can_run"], name
    assert seen["references, one done"]["references"] == ["front"], "the first angle was not the first one rendered"
    assert seen["rig"]["references"] == []
    for name in ("video", "results", "fal: video"):
        assert len(seen[name]["stills"]) == 2, f"{name}: what was done is not there any more"
    assert set(resumed.values()) <= {"done", "skipped"}


@pytest.mark.long
def test_what_else_there_is_to_click(window, fake: FakeFal, tmp_path: Path):
    model = cube_glb(tmp_path / "cube.glb")
    fake.latency = 0.3
    seen = window.play("what_else_there_is_to_click", key=API_KEY, model=str(model), timeout=300)
    assert seen["loaded_key_light"] == 200.0, "the lighting that was saved is not the one that was loaded"
    assert seen["over"] == ["front", "heatmap"]
    assert seen["selected"] == ["three-quarter"] * 3, "clicking a thumbnail did not select its angle"
    assert 24 < seen["dragged"] < 26, "the line did not follow the mouse in the viewport"
    assert seen["frame"] == [1920, 1080]
    folder = Path(seen["run_folder"])
    opened = (tmp_path / "opened.txt").read_text().splitlines()
    assert opened == [str(folder / "video" / "turntable.mp4"), str(folder)]
    assert seen["loaded"] == [256, 200.0], "an earlier run's settings are not those that it was made with"
    assert seen["picture"] == str(folder / "photoreal" / "front.png")
    if shutil.which("import") is not None:
        still, heatmap = (Image.open(window.shots / f"24-image-editor-{share}.png") for share in (0, 100))
        assert ImageChops.difference(still.convert("RGB"), heatmap.convert("RGB")).getbbox(), "the slider shows nothing"


def test_quitting_during_a_run_loses_nothing_paid_and_the_next_blender_says_where_it_is(window, fake: FakeFal):
    fake.latency = 3.0
    folder = Path(window.play("blender_is_quit_meanwhile", key=API_KEY)["run_folder"])
    fake.wait()
    wait_for(folder / "model" / "product.glb")
    fake.latency = 0.3
    seen = window.play("next_morning", key=API_KEY)
    assert str(folder) in seen["note"]
    assert "is saved there" in seen["note"]
    assert seen["run_folder"] == str(folder)
    assert seen["left_to_buy"]
    assert not [name for name in seen["left_to_buy"] if name.startswith("model")], "the model would be bought twice"
    assert set(seen["stages"].values()) == {"done"}
    assert len([entry for entry in fake.books if "meshy" in entry.endpoint]) == 1


def wait_for(file: Path) -> None:
    """Raises AssertionError where ``file`` does not appear within a minute."""
    deadline = time.monotonic() + 60
    while not file.is_file() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert file.is_file(), f"what was paid for did not arrive: {file}"


@pytest.mark.long
def test_loading_a_file_during_a_run_loses_nothing_paid(window, fake: FakeFal):
    fake.latency = 3.0
    seen = window.play("file_is_loaded_meanwhile", key=API_KEY)
    assert not seen["running"]
    assert "still being saved" in seen["note"]
    folder = Path(seen["run_folder"])
    fake.wait()
    wait_for(folder / "model" / "product.glb")


@pytest.mark.long
def test_cancelling_stops_the_render_and_closing_its_window_ends_the_run(window, tmp_path: Path):
    seen = window.play("run_is_let_go", model=str(cube_glb(tmp_path / "cube.glb")))
    assert seen["running_after_undos"]
    assert not seen["renders_after_cancel"], "Blender renders on although the run was cancelled"
    assert seen["scenes_after_cancel"] == ["Scene"]
    assert seen["again"] == "done"
    assert not seen["waits_for_ever"], "the panels wait for a run that nobody advances any more"
    assert seen["can_run"]
    assert "press Resume" in seen["note"]


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_new_artists_first_quarter_of_an_hour(window, tmp_path: Path):
    model, other = cube_glb(tmp_path / "cube.glb"), tmp_path / "other.glb"
    other.write_bytes(b"no model")
    seen = window.play("first_quarter_of_an_hour", model=str(model), other=str(other), timeout=540, patience=240)
    assert seen["source"] == "OBJECTS", "a mesh is selected in a new file"
    assert seen["guess"] > 0.05
    assert not seen["can_run_at_fal"], "without a key"
    assert (seen["backend"], seen["can_run_here"]) == ("local", True)
    assert "MESH" in seen["shown"], "the model was made, and is not shown"
    assert seen["turned"] == -90
    assert seen["picked"][:2] == [0, 0]
    assert seen["picked"][2] % 90 == 0
    assert [round(angle) for angle in seen["turn_in_the_run"]] == seen["picked"]
    fractions = [fraction for fraction, _ in seen["lines"] if fraction >= 0]
    assert fractions == sorted(fractions), "progress went backwards"
    counted = [int(text.split()[1]) for _, text in seen["lines"] if text.startswith("Reference ")]
    assert counted == sorted(counted)
    assert {1, 2} == set(counted)
    assert set(seen["done"].values()) <= {"done", "skipped"}
    assert seen["other_file"] == {}, "what was made of another file is still ticked"
    assert "other.glb" in seen["told"]
    assert seen["error_at"] == "references", "it is told elsewhere than where the button is"
    assert seen["first_file_again"] == seen["done"]
