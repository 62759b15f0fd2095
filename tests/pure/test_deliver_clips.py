# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clips for shops: copied as they are, named, marked by how they were made, and told."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess

import pytest
from PIL import Image

from consistency_pipeline.pipeline.deliver import delivery
from consistency_pipeline.pipeline.deliver.presets import presets
from consistency_pipeline.pipeline.driver import finish
from consistency_pipeline.pipeline.errors import BadInput
from consistency_pipeline.pipeline.formats import picture_marks
from consistency_pipeline.pipeline.formats.mp4 import clip_facts
from consistency_pipeline.pipeline.run.record import Track
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from consistency_pipeline.pipeline.settings.groups import RunSettings
from tests.fake_fal.clip import mp4

pytestmark = pytest.mark.by_turns
SKU = "A-1"


def run_with(root, motion="turntable", backend="fal", data=None):
    settings = RunSettings(backend=backend, inputs=(str(root.parent / "shoe.glb"),), motion=motion)
    folder = RunFolder.create(root, settings, {})
    folder.clip_take(motion, 2).parent.mkdir(exist_ok=True)
    folder.clip_take(motion, 2).write_bytes(data or mp4(Image.new("RGB", (96, 64), "red"), 1.5, 96))
    folder.choose(f"video/{motion}", 2)
    return folder


def deliver(folder, **wishes):
    chosen = delivery.Wishes(presets=tuple(presets("clips")), clips=True, **{"sku": SKU, **wishes})
    return finish(delivery.deliver(folder, chosen, lambda *_: None))["sets"]["clips"]


def test_a_clip_says_how_it_was_made_and_the_run_s_own_stays_as_it_came(tmp_path):
    folder = run_with(tmp_path / "run")
    before = folder.clip("turntable").read_bytes()
    (told,) = deliver(folder, zip=True)["pictures"]
    made = folder.root / "deliver" / "clips" / told["file"]
    assert told["file"] == "A-1-turntable.mp4"
    assert made.read_bytes().startswith(before)  # nothing is encoded again
    assert folder.clip("turntable").read_bytes() == before
    xmp = picture_marks.xmp_in(made.read_bytes())
    assert "digitalsourcetype/trainedAlgorithmicMedia" in xmp
    assert told["alt"] in xmp
    assert (told["width"], told["height"], told["seconds"]) == (96, 64, pytest.approx(1.5, abs=0.05))
    assert told["outcome"] == "advice"  # nobody has followed it
    page = (folder.root / "deliver" / "index.html").read_text()
    assert f'<video src="clips/{told["file"]}"' in page
    assert (folder.root / "deliver" / "clips.zip").is_file()
    if shutil.which("exiftool"):
        read = subprocess.run(["exiftool", "-j", "-n", str(made)], capture_output=True, check=True, text=True).stdout
        (seen,) = json.loads(read)
        assert seen["DigitalSourceType"].endswith("/trainedAlgorithmicMedia")
        assert (seen["ImageWidth"], seen["Duration"]) == (96, pytest.approx(1.5, abs=0.05))


@pytest.mark.parametrize(
    ("motion", "backend", "value"),
    [
        ("turntable", "local", "digitalCreation"),
        ("exact_turntable", "local", "digitalCreation"),
        ("exact_turntable", "fal", "compositeWithTrainedAlgorithmicMedia"),
    ],
)
def test_how_a_clip_was_made_decides_what_it_says(tmp_path, motion, backend, value):
    (told,) = deliver(run_with(tmp_path / "run", motion, backend))["pictures"]
    assert told["digital_source_type"].endswith(f"/{value}")


def test_a_clip_that_leaves_the_product_is_written_only_when_told_so(tmp_path):
    folder = run_with(tmp_path / "run")
    folder.keep_track("video/turntable/take-02", Track(outcome="fail", reason="from 0.8 s on it is another shape"))
    made = deliver(folder)
    (told,) = made["pictures"]
    assert (told["file"], told["outcome"]) == (None, "fail")
    assert [path.name for path in sorted((folder.root / "deliver" / "clips").iterdir())] == ["shop.json", "shop.txt"]
    answer = delivery.summary({"sets": {"clips": made}, "page": ""})
    assert (answer["exit"], "from 0.8 s on it is another shape" in answer["error"]) == (1, True)
    assert deliver(folder, anyway=True)["pictures"][0]["file"]


def test_a_signed_clip_is_left_as_it_came(tmp_path):
    plain = mp4(Image.new("RGB", (64, 64), "blue"), 0.5, 64)
    box = struct.pack(">I4s", 24 + 4, b"uuid") + bytes.fromhex("d8fec3d61b0e483c92975828877ec481") + b"jumb"
    folder = run_with(tmp_path / "run", data=plain + box)
    (told,) = deliver(folder)["pictures"]
    assert told["signed_by_its_maker"]
    assert (folder.root / "deliver" / "clips" / told["file"]).read_bytes() == plain + box


def test_no_clip_and_a_broken_one_are_one_sentence_and_leave_nothing(tmp_path):
    folder = RunFolder.create(tmp_path / "none", RunSettings(inputs=("a.glb",)), {})
    with pytest.raises(BadInput, match="none has no clip"):
        deliver(folder)
    whole = mp4(Image.new("RGB", (64, 64), "blue"), 0.5, 64)
    for number, data in enumerate((whole[:40], b"GIF89a" + bytes(64), whole.replace(b"moov", b"free"))):
        folder = run_with(tmp_path / f"{number}", data=data)
        with pytest.raises(BadInput, match="turntable.mp4 is not a whole MP4"):
            deliver(folder)
        assert not (folder.root / "deliver" / "clips").exists()
    assert clip_facts(whole, "a.mp4").width == 64


@pytest.mark.parametrize(
    ("of_table", "said", "file"),
    [
        ("00042", None, "00042-turntable.mp4"),
        ("WA/7", None, "WA-7-turntable.mp4"),  # no file can be called so
        ("00042", "B-1", "B-1-turntable.mp4"),
        ("", None, "Blue-shoe-turntable.mp4"),
    ],
)
def test_files_have_the_catalogue_s_article_number_where_none_is_said(tmp_path, of_table, said, file):
    folder = run_with(tmp_path / "run")
    folder.settings = folder.settings.with_inputs(name="Blue\nshoe")
    if of_table:
        folder.note(sku=of_table)
    (told,) = deliver(RunFolder.open(folder.root), sku=said)["pictures"]
    assert told["file"] == file
    assert told["alt"] == "Blue shoe, turning once"
