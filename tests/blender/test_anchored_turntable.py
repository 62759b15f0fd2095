# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A turn stitched of bought pieces and exact frames."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import bpy
import numpy as np
from PIL import Image

from consistency_pipeline.pipeline import plan
from consistency_pipeline.pipeline.backend.requests import Piece
from consistency_pipeline.pipeline.formats import marks
from consistency_pipeline.pipeline.formats.picture_marks import xmp_in
from consistency_pipeline.pipeline.settings.choices import MotionName
from consistency_pipeline.studio import exact_turntable, rig
from consistency_pipeline.studio.image_worker.frames import frames_of
from consistency_pipeline.studio.rendering import passes
from tests.fake_fal.clip import mp4

from .test_exact_turntable import SIZE, lent, table  # noqa: F401


def stitched(table, *pieces, rate=4):  # noqa: F811
    settings = table.settings.model_copy(update={"motion": MotionName.ANCHORED_TURNTABLE, "frame_rate": rate})
    clip = replace(
        plan.clip_request(table.folder, settings, plan.UNKNOWN_PRODUCT),
        angle=settings.angle("front"),
        lends=lent(table, "front", "back"),
        pieces=pieces,
        scene="the same",
    )
    said = [step.text for step in exact_turntable.render_exact_turntable(clip, settings, table.device, table.worker)]
    folder = clip.out.parent / f"{clip.motion}.frames"
    shown = [passes.load(folder / f"{number:05d}.png")[..., :3] for number in range(rate)]
    return clip, shown, sorted({text for text in said if text.startswith("frame ")}), said


def picture_of(path):
    return Image.open(BytesIO(path.read_bytes())).convert("RGB")


def test_bought_pieces_and_exact_frames_make_one_turn(table):  # noqa: F811
    before = [np.array(thing.matrix_world) for thing in bpy.data.objects]
    start, end = (picture_of(table.folder.still(name)) for name in ("front", "back"))
    bought = table.folder.clip_take("anchored_turntable.front.back", 1)
    bought.parent.mkdir()
    bought.write_bytes(mp4(start, 1.0, SIZE * 2, end))
    half = Piece("front", "back", 180.0, bought, "its bytes"), Piece("back", "front", 180.0)
    clip, shown, rendered, _ = stitched(table, *half)
    assert rendered == ["frame 3 of 4", "frame 4 of 4"]
    still = passes.load(table.folder.still("front"))[..., :3]
    assert np.abs(shown[0] - still).mean() < 0.03, "it begins with the still"
    reference = passes.load(table.shots["back"].files["image"])[..., :3]
    assert np.abs(shown[2] - reference).mean() < 0.01, "an exact frame at the other still's place is that still's view"
    assert np.abs(shown[3] - shown[2]).mean() > 0.01, "the camera goes on"
    told = xmp_in(clip.out.read_bytes())
    assert marks.COMPOSITE in told
    assert marks.STITCHED_WORDS in told
    assert len(list(frames_of(clip.out, 0.25, SIZE))) == 4
    assert all(
        np.allclose(*pair) for pair in zip(before, [np.array(t.matrix_world) for t in bpy.data.objects], strict=False)
    )
    assert rig.camera_for("front").data.lens == table.settings.angle("front").focal_length
    assert stitched(table, *half)[2] == [], "nothing is made twice"
    bought.write_bytes(b"no clip")
    _, _, rendered, said = stitched(table, replace(half[0], fingerprint="other bytes"), half[1])
    assert rendered == ["frame 1 of 4", "frame 2 of 4"], "what can't be read is shown by exact frames"
    assert any("exact frames from front to back" in text for text in said)
