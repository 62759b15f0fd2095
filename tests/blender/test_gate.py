# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The geometry gate from end to end: real renders, real measuring, and a fal.ai that returns pictures out of shape."""

from __future__ import annotations

import os
from pathlib import Path

import bpy
import numpy as np
import pytest

from consistency_pipeline.fal_backend import prices, quote
from consistency_pipeline.fal_backend.backend import FalBackend
from consistency_pipeline.pipeline import chain
from consistency_pipeline.pipeline.formats import png
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from consistency_pipeline.pipeline.settings.groups import Gate, RunSettings
from consistency_pipeline.pipeline.system.disk import read_lines
from consistency_pipeline.studio import BlenderStudio
from consistency_pipeline.studio.image_worker import inspection
from consistency_pipeline.studio.rendering import passes
from tests.fake_fal import API_KEY, FakeFal

pytestmark = pytest.mark.by_turns

KONTEXT = "fal-ai/flux-kontext/dev"
SIZE = 256  # pixels


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    """A mug: a body, a handle, and a label of another colour."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.mesh.primitive_cylinder_add(radius=0.04, depth=0.1, location=(0, 0, 0.05))
    body = bpy.context.object
    bpy.ops.mesh.primitive_torus_add(
        major_radius=0.025, minor_radius=0.007, location=(0.05, 0, 0.05), rotation=(1.5708, 0, 0)
    )
    bpy.ops.mesh.primitive_cube_add(size=1, location=(0, -0.03, 0.05))
    bpy.context.object.scale = (0.03, 0.025, 0.03)
    label = bpy.context.object
    for thing, colour in ((body, (0.1, 0.2, 0.35, 1)), (label, (0.7, 0.15, 0.05, 1))):
        material = bpy.data.materials.new("paint")
        if material.node_tree is None:
            material.use_nodes = True
        material.node_tree.nodes["Principled BSDF"].inputs["Base Color"].default_value = colour
        thing.data.materials.append(material)
    path = tmp_path_factory.mktemp("product") / "mug.glb"
    bpy.ops.export_scene.gltf(filepath=str(path))
    return path


@pytest.fixture
def fake(monkeypatch, tmp_path):
    with FakeFal() as service:
        for name, value in service.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("CONSISTENCY_STATE_FOLDER", str(tmp_path / "state"))
        yield service


@pytest.fixture
def run(product, fake, tmp_path):
    def go(gate=None, names=("front",), **settings):
        angles = tuple(angle for angle in RunSettings().studio.angles if angle.name in names)
        chosen = RunSettings(
            **{
                "inputs": (str(product),),
                "backend": "fal",
                "angles": angles,
                "size": SIZE,
                "samples": 8,
                "device": "cpu",
                "motion": "none",
                "seed": 3,
                "gate": Gate(**(gate or {})),
                **settings,
            }
        )
        folder = RunFolder.create(tmp_path / "run", chosen, {})
        folder.note(prices=prices.fetch(API_KEY, {p.endpoint for p in quote.plan(chosen)}))
        studio = BlenderStudio(chosen, own_file=True)
        backend = FalBackend(folder, API_KEY)
        try:
            for _ in chain.run(folder, studio, backend):
                pass
        finally:
            backend.close()
        return folder

    return go


def actions(folder, angle="front"):
    return [
        line["action"] for line in read_lines(folder.journal) if line["event"] == "decided" and line["angle"] == angle
    ]


def test_true_pictures_pass(run, fake):
    folder = run(names=("front", "three-quarter"))
    assert folder.headline == "2 of 2 on model", folder.all_entries
    assert len(fake.books) == 2
    assert all((folder.root / decision.heatmap).is_file() for decision in folder.decisions.values())


def test_a_shifted_picture_is_laid_back_onto_the_render_for_free(run, fake):
    fake.fault("submit", "distorted", how="shift", times=1)
    folder = run()
    assert actions(folder) == ["unwarp", "accept"]
    assert len(fake.books) == 1
    before, after = folder.entries("photoreal/front")
    assert abs(before.numbers["dx_px"] - 0.02 * 1024) < 1.5
    assert after.numbers["shift_px"] < 1.5
    assert folder.headline == "1 of 1 on model"
    still = passes.load(folder.still("front"))
    assert still.shape[:2] == (SIZE, SIZE)


@pytest.mark.parametrize("how", ["stretch", "missing", "other"])
def test_a_picture_of_another_shape_is_bought_again_and_the_good_one_shown(run, fake, how):
    fake.fault("submit", "distorted", how=how, times=1)
    folder = run()
    assert actions(folder) == ["reroll", "accept"]
    assert len(fake.books) == 2
    assert folder.chosen("photoreal/front") == 2
    assert folder.headline == "1 of 1 on model"


def test_when_all_are_wrong_the_local_finish_stands_in_and_says_so(run, fake):
    fake.fault("submit", "distorted", how="missing", times=None)
    folder = run(gate={"retakes": 2})
    assert len(fake.books) == 3  # one still, two retakes, and never more
    assert actions(folder) == ["reroll", "stricter", "local", "accept"]
    assert {decision.made_by for decision in folder.decisions.values()} == {"local"}
    assert folder.headline == "1 of 1 on model; front: the render's own finish, since no still that was bought is right"


def test_exact_mode_keeps_the_backdrop_to_the_bit_and_the_outline_to_the_pixel(run, fake):
    folder = run(gate={"exact": True}, shadow=False)
    still = passes.load(folder.still("front"))
    mask = passes.load(folder.references / "front.mask.png")[..., 0]
    assert (still[mask == 0] == 1.0).all()
    sent = passes.load(folder.references / "front.sent.png")
    assert sent.shape == still.shape
    assert (np.abs(still - 1.0).max(axis=-1)[mask > 0.99] > 0.02).mean() > 0.9
    assert folder.decision("photoreal/front").made_by == "exact"
    assert Path(os.fspath(folder.take("front", 1))).is_file()


def test_exact_mode_takes_the_print_from_a_photo_where_it_is_told_to(run, fake, tmp_path):
    folder = run(names=("front",))
    still, mask = folder.still("front"), passes.load(folder.references / "front.mask.png")[..., 0]
    stripes = passes.load(folder.references / "front.png")
    stripes[:, ::8] *= 0.3  # what only the photo shows
    png.write(tmp_path / "photo.png", (stripes * 255).astype(np.uint8))
    region = np.zeros((*mask.shape, 3), np.uint8)
    region[: SIZE // 2] = 255
    png.write(tmp_path / "region.png", region)
    shot = folder.shot("front")
    facts = {
        "files": {name: str(path) for name, path in shot.files.items()},
        "matrix_world": shot.matrix_world,
        "projection": shot.projection,
    }
    entry = folder.entries("photoreal/front")[0]
    for photo in ("", str(tmp_path / "photo.png")):
        out = tmp_path / f"out-{bool(photo)}.png"
        inspection.exact(
            str(still), facts, entry.pose.model_dump(), "white", str(out), "none", str(tmp_path / "region.png"), photo
        )
    plain, striped = passes.load(tmp_path / "out-False.png"), passes.load(tmp_path / "out-True.png")
    changed = np.abs(plain - striped).max(axis=-1) > 0.05
    core = mask > 0.99
    assert changed[: SIZE // 2 - 8][core[: SIZE // 2 - 8]].mean() > 0.05
    assert not changed[SIZE // 2 + 24 :].any()
