# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The slider from as it came to faithful, with real renders, a real image worker and a fal.ai that returns faults."""

from __future__ import annotations

import json
from pathlib import Path

import bpy
import numpy as np
import pytest

from consistency_pipeline.operators import startup
from consistency_pipeline.operators.display import compare, faithful, refresh, status
from consistency_pipeline.pipeline.formats import marks, png
from consistency_pipeline.pipeline.gate import by_hand
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from consistency_pipeline.studio.rendering import passes

from .test_gate import fake, product, run  # noqa: F401 - fixtures

pytestmark = pytest.mark.by_turns


@pytest.fixture
def shown(addon, run, product):  # noqa: F811
    """A finished run of one still, shown in the scene that it was made in."""
    folder = run()
    scene = bpy.context.scene
    own = scene.consistency
    own.source, own.file, own.run_folder = "FILE", str(product), str(folder.root)
    own.angles.clear()
    own.angles.add().name = "front"
    refresh.everything(scene, folder)
    yield scene
    faithful.unregister()


def faulty(folder: RunFolder) -> tuple[np.ndarray, tuple[slice, slice]]:
    """A dark spot, painted on the still of ``front`` where its product is."""
    take = folder.take("front", 1)
    picture, mask = passes.load(take)[..., :3].copy(), passes.load(folder.shot("front").files["mask"])[..., 0]
    rows, columns = np.nonzero(mask > 0.98)
    middle = int(np.median(rows)), int(np.median(columns))
    spot = (slice(middle[0] + 20, middle[0] + 24), slice(middle[1] - 2, middle[1] + 2))
    clean = picture.copy()
    picture[spot] = 0.02
    passes.save(take, picture)
    return clean, spot


def test_letting_go_keeps_a_take_that_says_what_it_is_and_another_choice_takes_it_back(shown, fake):  # noqa: F811
    folder = RunFolder.open(Path(shown.consistency.run_folder))
    clean, spot = faulty(folder)
    as_it_came = folder.take("front", 1).read_bytes()
    paid = len(fake.books)
    shown.consistency.angles["front"].faithful = 100.0
    assert bpy.ops.consistency.make_faithful(angle="front") == {"FINISHED"}
    folder = RunFolder.open(folder.root)
    entry = next(each for each in folder.entries("photoreal/front") if each.take == folder.chosen("photoreal/front"))
    assert (entry.made_by, entry.of, entry.faithful) == ("faithful", 1, 1.0)
    assert entry.outcome is not None
    made = passes.load(folder.still("front"))[..., :3]
    assert np.abs(made[spot] - clean[spot]).mean() < 0.2 * np.abs(0.02 - clean[spot]).mean()
    assert folder.take("front", 1).read_bytes() == as_it_came
    assert len(fake.books) == paid
    text = png.read_text(folder.still("front"))
    assert "compositeWithTrainedAlgorithmicMedia" in text[marks.XMP]
    assert "100%" in text[marks.WORDS]
    shot = compare.shot_named(bpy.context, "front")
    assert "faithful to the render, 100 %" in shot.verdict
    assert compare.under_of(shot)[1] == "Still, 100 % faithful"
    assert told(folder) == ("faithful", 1.0)
    bpy.ops.consistency.choose_take(angle="front", take=1)
    assert RunFolder.open(folder.root).still("front").read_bytes() == as_it_came
    assert shown.consistency.angles["front"].faithful == 0.0
    assert told(folder) == ("first", None)


def told(folder: RunFolder) -> tuple[str, float | None]:
    """What report.json says of the still that is shown; the contact sheet is as new."""
    verdict = json.loads(folder.report.read_text(encoding="utf-8"))["verdicts"]["photoreal/front"]
    assert folder.contact_sheet.stat().st_mtime_ns >= folder.report.stat().st_mtime_ns
    return verdict["made_by"], verdict.get("faithful")


def test_undo_takes_the_still_back_as_well(shown, monkeypatch):
    folder = RunFolder.open(Path(shown.consistency.run_folder))
    own = shown.consistency.angles["front"]
    own.faithful = 100.0
    assert bpy.ops.consistency.make_faithful(angle="front") == {"FINISHED"}
    own.own_faithful = -1.0  # as Blender's undo leaves it
    monkeypatch.setattr(faithful, "REST", 0.0)
    startup._undone()
    for _ in range(200):
        if faithful._tick() is None:
            break
    assert RunFolder.open(folder.root).chosen("photoreal/front") == 1
    startup._undone()
    assert faithful._tick() is None, "an undo of something else makes nothing"


def test_a_still_of_another_size_with_alpha_and_sixteen_bits_is_made_faithful_too(shown):
    """As some endpoints send them: laid onto the render's grid; what is shown is what is looked at."""
    folder = RunFolder.open(Path(shown.consistency.run_folder))
    take = folder.take("front", 1)
    plain = passes.load(take)[..., :3]
    height, width = plain.shape[:2]
    large = np.repeat(np.repeat(plain, 2, axis=0), 2, axis=1)
    pixels = np.concatenate([large, np.ones((2 * height, 2 * width, 1), np.float32)], axis=-1)
    image = bpy.data.images.new("sent", 2 * width, 2 * height, alpha=True, float_buffer=True, is_data=True)
    image.pixels.foreach_set(np.ascontiguousarray(pixels[::-1]).ravel())
    settings = shown.render.image_settings
    settings.file_format, settings.color_mode, settings.color_depth = "PNG", "RGBA", "16"
    shown.view_settings.view_transform = "Standard"
    image.file_format = "PNG"
    image.filepath_raw = str(take)
    image.save()
    bpy.data.images.remove(image)
    shown.consistency.angles["front"].faithful = 60.0
    assert bpy.ops.consistency.make_faithful(angle="front") == {"FINISHED"}
    made = passes.load(folder.still("front"))[..., :3]
    assert made.shape == plain.shape
    assert np.abs(made - plain).mean() < 0.02


def test_while_it_is_dragged_a_draft_lies_in_compare_and_the_take_comes_when_it_rests(shown, monkeypatch):
    folder = RunFolder.open(Path(shown.consistency.run_folder))
    clean, spot = faulty(folder)
    now = status.of()
    now.comparing = "front"
    monkeypatch.setattr(faithful, "REST", 3600.0)
    shown.consistency.angles["front"].faithful = 80.0
    for _ in range(20):
        assert faithful._tick() == faithful.TICK
    assert now.draft_of == "front"
    first = passes.load(Path(now.draft))[..., :3]
    factor = clean.shape[0] // first.shape[0]
    small = tuple(slice(part.start // factor, part.stop // factor) for part in spot)
    assert np.abs(first[small] - clean[spot][::factor, ::factor]).mean() < 0.15
    shown.consistency.angles["front"].faithful = 0.0
    faithful._tick()
    assert passes.load(Path(now.draft))[small].mean() < 0.1
    assert compare.under_of(compare.shot_named(bpy.context, "front"))[0] == now.draft
    assert RunFolder.open(folder.root).chosen("photoreal/front") == 1
    shown.consistency.angles["front"].faithful = 50.0
    monkeypatch.setattr(faithful, "REST", 0.0)
    for _ in range(200):
        if faithful._tick() is None:
            break
    assert by_hand.share_of(RunFolder.open(folder.root), "front") == 0.5
    assert (now.draft, now.making) == ("", "")
    now.comparing = ""
    # and where there is nothing to make, it says why
    assert faithful.why_not(shown, "front") is None
    now.running = True
    assert "A run is active" in faithful.why_not(shown, "front")
    now.running = False
    folder = RunFolder.open(folder.root)
    folder.still("front").unlink()
    refresh.everything(shown, folder)
    assert "no still yet" in faithful.why_not(shown, "front")
    with pytest.raises(RuntimeError, match="no still yet"):
        bpy.ops.consistency.make_faithful(angle="front")


def test_a_runs_dial_reaches_the_picture_and_an_angles_slider_the_next_run(addon, run, fake):  # noqa: F811
    folder = run(gate={"faithful": 0.7})
    (entry,) = [each for each in folder.entries("photoreal/front") if each.made_by == "faithful"]
    assert entry.faithful == 0.7
    assert folder.chosen("photoreal/front") == entry.take
    assert folder.headline == "1 of 1 on model"
    from consistency_pipeline.operators.editing import scene_settings

    scene = bpy.context.scene
    scene_settings.from_settings(
        scene, folder.settings.model_copy(update={"gate": {"faithful": 0.7, "faithful_at": {"front": 0.2}}})
    )
    assert round(scene.consistency.angles["front"].faithful) == 20
    again = scene_settings.to_settings(scene).gate
    assert (again.faithful, again.faithful_at) == (0.7, {"front": 0.2})
