# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a second witness is shown, what this machine reads, and what is said of it in the window."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest

from consistency_pipeline.operators.display import status as states
from consistency_pipeline.pipeline.errors import UsageError
from consistency_pipeline.pipeline.gate.witness import Word
from consistency_pipeline.studio.image_worker import inspection, reading
from consistency_pipeline.studio.rendering import passes
from tests.pure import scoring_scene

from .test_panels import draw_all

POSE = {"dx": 0.0, "dy": 0.0, "scale": 1.0, "rotation": 0.0, "pivot": [0.0, 0.0]}


def picture(path: Path, height: int, width: int, grey: float) -> str:
    passes.save(path, np.full((height, width, 3), grey, np.float32))
    return str(path)


@pytest.mark.parametrize("still", [(96, 96), (48, 96), (300, 100)], ids=["as large", "wide", "tall"])
def test_the_pair_shows_both_whole_with_the_render_on_the_left(tmp_path, still):
    shot = {"files": {"image": picture(tmp_path / "render.png", 96, 96, 0.25)}}
    came = picture(tmp_path / "still.png", *still, 0.75)
    inspection.pair(came, shot, str(tmp_path / "pair.png"))
    pair = passes.load(tmp_path / "pair.png")
    height, width = 96, round(96 * still[1] / still[0])
    assert pair.shape[:2] == (height, 96 + inspection.PAIR_GAP + width)
    assert np.allclose(pair[:, :96, :3], 0.25, atol=0.01)
    assert np.allclose(pair[:, -width:, :3], 0.75, atol=0.01)


def test_a_large_pair_is_no_larger_than_what_its_price_is_for(tmp_path):
    shot = {"files": {"image": picture(tmp_path / "render.png", 1300, 1300, 0.2)}}
    inspection.pair(picture(tmp_path / "still.png", 600, 1500, 0.8), shot, str(tmp_path / "pair.png"))
    height, width = passes.load(tmp_path / "pair.png").shape[:2]
    assert width <= 2 * inspection.PAIR_SIDE + inspection.PAIR_GAP
    assert height <= inspection.PAIR_SIDE


@pytest.fixture
def seen(monkeypatch):
    """Readings of the sample's render and still, and the pictures that the reader was given."""
    known = scoring_scene.reference()
    given = []

    def read_as(*texts):
        words = iter(texts)

        def read(region):
            given.append(region)
            return [Word(text, 0.99, (0.5, 0.5)) for text in next(words)]

        monkeypatch.setattr(inspection, "print_reader", lambda: read)
        monkeypatch.setattr(inspection, "reference_of", lambda _shot: known)
        monkeypatch.setattr(inspection, "laid_back", lambda _still, _mask, _pose: known.rgb)
        return inspection.read("still.png", {"files": {}}, POSE), given

    return read_as


def test_the_print_is_read_in_its_region_alone_and_enlarged(seen):
    found, given = seen(["AURORA"], ["AURORA"])
    assert found["says"] == "yes"
    assert len(given) == 2
    assert given[0].shape == given[1].shape
    assert scoring_scene.SIZE < max(given[0].shape) <= inspection.READING_SIDE


def test_other_letters_are_a_no(seen):
    found, _ = seen(["AURORA"], ["ZENITH"])
    assert found == {"says": "no", "reason": "the print reads “ZENITH” in place of “AURORA”"}


def test_without_the_library_the_cure_is_said(monkeypatch):
    reading.print_reader.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "rapidocr", None)
    with pytest.raises(UsageError, match=r"pip install -e .\[ocr\]"):
        reading.print_reader()


def test_the_check_panel_has_the_field_and_jobs_name_the_question(sidebar):
    sidebar.backend = "fal"
    assert sidebar.second_opinion == "none"
    assert ("prop", "second_opinion") in draw_all()["CONSISTENCY_PT_check"]
    assert states.in_words("photoreal/front/opinion-01") == "Photoreal front opinion #1"
    assert bpy.context.scene.consistency.bl_rna.properties["second_opinion"].name == "Second Opinion"


@pytest.mark.parametrize(
    ("grown", "says"),
    [(0, "yes"), (2, "yes"), (8, "can't tell"), (30, "no"), (-64, "can't tell"), (400, "can't tell")],
    ids=["the same", "softer", "a little wider", "much wider", "nothing found", "everything found"],
)
def test_a_matte_agrees_as_far_as_it_covers_the_renders_own(tmp_path, grown, says):
    """A square of 256 on a side, and one that is so many pixels longer and wider."""
    side = 256
    squares = []
    for name, wide in (("mask", side), ("matte", side + grown)):
        drawn = np.zeros((400, 400, 3), np.float32)
        half = 0 if grown == -64 and name == "matte" else min(200, wide // 2)
        drawn[200 - half : 200 + half, 200 - half : 200 + half] = 1.0
        passes.save(tmp_path / f"{name}.png", drawn)
        squares.append(str(tmp_path / f"{name}.png"))
    found = inspection.matte(squares[1], {"files": {"mask": squares[0]}}, POSE)
    assert found["says"] == says, found
    assert set(found) == {"says", "reason"}
