# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Deliver panel: what is chosen there is made, and each picture shows whether it meets the shop's rules."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest
from PIL import Image

from consistency_pipeline.pipeline.formats import png
from tests.fake_fal.clip import mp4

from .stand_in import status


@pytest.fixture
def delivery(studio):
    """A finished run of drawn pictures, and what it is delivered for."""
    bpy.ops.consistency.run()
    root = Path(bpy.path.abspath(bpy.context.scene.consistency.run_folder))
    picture, mask = np.full((64, 64, 3), 255, np.uint8), np.zeros((64, 64), np.uint16)
    picture[12:52, 20:44], mask[12:52, 20:44] = (200, 60, 20), 65535
    for shot in status().shots:
        png.write(Path(shot.still), picture)
        png.write(root / "references" / f"{shot.name}.mask.png", mask)
    return bpy.context.scene.consistency.delivery


def test_the_chosen_shops_get_their_files_and_the_panel_shows_them(delivery):
    delivery.shops, delivery.sku = {"google", "cutout"}, "A-17"
    assert bpy.ops.consistency.deliver() == {"FINISHED"}
    sets = {each.name: each for each in status().delivered}
    assert set(sets) == {"google", "cutout"}
    assert sets["google"].title == "Google Merchant Center"
    pictures = {picture.name: picture for picture in sets["google"].pictures}
    assert Path(pictures["front"].file).name == "A-17-front.jpg"
    assert Path(pictures["front"].file).is_file()
    assert pictures["front"].outcome == "advice"  # 64 pixels are enlarged to the least that Google takes
    assert "sharpness" in pictures["front"].why
    assert Path(sets["google"].folder).with_suffix(".zip").is_file()


def test_what_was_delivered_is_there_again_with_the_run(delivery):
    delivery.shops = {"cutout"}
    bpy.ops.consistency.deliver()
    status().delivered.clear()
    bpy.ops.consistency.refresh()
    assert [each.name for each in status().delivered] == ["cutout"]


def test_nothing_chosen_or_a_wrong_preset_is_said_in_the_results_panel(delivery, tmp_path):
    delivery.shops = set()
    with pytest.raises(RuntimeError, match="Name what to deliver for"):
        bpy.ops.consistency.deliver()
    assert status().error_at == "results"
    own = tmp_path / "mine.json"
    own.write_text('{"title": "Mine"}')
    delivery.own = str(own)
    with pytest.raises(RuntimeError, match=r"mine\.json, source"):
        bpy.ops.consistency.deliver()
    assert status().delivering == ""


def test_without_a_still_it_says_what_to_do_first(sidebar):
    assert not bpy.ops.consistency.deliver.poll()


def test_a_zip_is_left_out_where_none_is_wanted(delivery):
    delivery.shops, delivery.zip = {"cutout"}, False
    bpy.ops.consistency.deliver()
    (each,) = status().delivered
    assert not Path(each.folder).with_suffix(".zip").exists()


def test_clips_go_with_the_stills_or_alone(delivery):
    from consistency_pipeline.pipeline.run.run_folder import RunFolder

    root = Path(bpy.path.abspath(bpy.context.scene.consistency.run_folder))
    delivery.shops, delivery.clips = set(), True
    with pytest.raises(RuntimeError, match="has no clip"):
        bpy.ops.consistency.deliver()
    clip = RunFolder.open(root).clip("turntable")
    clip.parent.mkdir(exist_ok=True)
    clip.write_bytes(mp4(Image.new("RGB", (64, 64), "red"), 0.5, 64))
    assert bpy.ops.consistency.deliver() == {"FINISHED"}
    (each,) = status().delivered
    assert [Path(picture.file).suffix for picture in each.pictures] == [".mp4"]
    assert (each.name, each.outcome) == ("clips", "pass")
