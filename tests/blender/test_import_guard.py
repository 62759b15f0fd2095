# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A model that may be too much is imported in a second Blender first; its end is one sentence and takes nothing along."""

from __future__ import annotations

import json
import os

import bpy
import pytest

from consistency_pipeline import command_line
from consistency_pipeline.pipeline.errors import BadInput
from consistency_pipeline.studio import model, second_blender
from consistency_pipeline.studio.files import import_guard
from tests.pure.test_model_files import document, glb


@pytest.fixture
def children(monkeypatch):
    """The connections that were made; each model counts as one that may be too much."""
    made = []

    class Noted(second_blender.Connection):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            made.append(self)

    monkeypatch.setattr(second_blender, "Connection", Noted)
    monkeypatch.setattr(import_guard, "SMALL", 0)
    yield made
    assert all(child._process.poll() is not None for child in made)  # none is left behind


def load(path):
    steps, said = model.load_product(path), []
    while True:
        try:
            said.append(next(steps).text)
        except StopIteration as done:
            return done.value, said


def test_a_good_model_is_tried_and_then_imported(children, box_glb):
    product, said = load(box_glb)
    assert product.size == pytest.approx((0.2, 0.3, 0.5), rel=1e-5)
    assert said.count("trying to import box.glb") > 1  # the caller was never kept waiting
    assert len(children) == 1


def test_a_small_model_goes_straight_in(children, box_glb, monkeypatch):
    monkeypatch.setattr(import_guard, "SMALL", 1 << 20)
    load(box_glb)
    assert not children


def test_memory_that_runs_out_ends_the_other_blender(children, box_glb, monkeypatch):
    monkeypatch.setattr(import_guard, "_half_of_the_memory", lambda: 1)
    with pytest.raises(BadInput, match=r"box\.glb"):
        load(box_glb)
    assert not bpy.data.objects


def test_an_import_that_does_not_end_is_given_up(children, box_glb, monkeypatch):
    monkeypatch.setattr(import_guard, "LONGEST", 0.0)
    with pytest.raises(BadInput, match=r"box\.glb takes longer"):
        load(box_glb)


def test_cancel_ends_the_trial_at_once(children, box_glb):
    steps = model.load_product(box_glb)
    while "trying" not in next(steps).text:
        pass
    steps.close()
    with pytest.raises(ProcessLookupError):
        os.kill(children[0].pid, 0)
    assert not bpy.data.objects


def test_where_no_second_blender_starts_the_first_one_imports(children, box_glb, tmp_path, monkeypatch):
    monkeypatch.setattr(second_blender.compat, "second_blender", lambda script: [str(tmp_path / "none"), str(script)])
    assert load(box_glb)[0].vertices == 24


def test_what_the_importer_throws_is_one_sentence_and_nothing_else(tmp_path, capfd):
    """A skin that is not there: nothing that can be counted is wrong with the file."""
    path = tmp_path / "kettle.glb"
    path.write_bytes(glb(document(nodes=[{"mesh": 0, "skin": 4}], scenes=[{"nodes": [0]}], scene=0)))
    status = command_line.main(["run", str(path), "--out", str(tmp_path / "run"), "--backend", "local", "--json"])
    out, err = capfd.readouterr()
    assert status == json.loads(out)["exit"] == 1
    assert json.loads(out)["error"].startswith("kettle.glb can't be imported (")
    assert "Traceback" not in err
    assert not bpy.data.objects
