# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variants as they are rendered and delivered: the same cameras, another material, each measured against its own."""

from __future__ import annotations

import json
import os

import bpy
import numpy as np
import pytest
from PIL import Image

from consistency_pipeline import command_line
from consistency_pipeline.pipeline.errors import BadInput, UsageError
from consistency_pipeline.pipeline.formats import gltf_shown, picture_marks
from consistency_pipeline.pipeline.formats.gltf_variants import VARIANTS
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from consistency_pipeline.studio.files.model_files import take_blend
from consistency_pipeline.studio.files.variants import show_variant, variants_in_blend

RED, BLUE = (0.7, 0.03, 0.03), (0.03, 0.05, 0.7)


@pytest.fixture
def two_colours(add_box, save_glb):
    """A red box in a GLB that has it in blue, too."""
    add_box("Ruby", (0.2, 0.3, 0.5), colour=RED)
    add_box("Sapphire", (0.01, 0.01, 0.01), colour=BLUE)
    path = save_glb("cube.glb")
    document, offset = gltf_shown.read_document(path)
    number = {material["name"]: n for n, material in enumerate(document["materials"])}
    document["nodes"][0].pop("children", None)
    document["scenes"][0]["nodes"] = [n for n, node in enumerate(document["nodes"]) if node["name"] == "Ruby"]
    document["extensionsUsed"] = [VARIANTS]
    document["extensions"] = {VARIANTS: {"variants": [{"name": "Ruby Red"}, {"name": "Night"}]}}
    (mesh,) = [mesh for mesh in document["meshes"] if mesh["name"] == "Ruby"]
    maps = [{"material": number["Ruby"], "variants": [0]}, {"material": number["Sapphire"], "variants": [1]}]
    mesh["primitives"][0]["extensions"] = {VARIANTS: {"mappings": maps}}
    gltf_shown.write_copy(path, document, offset, path)
    return path


def run(capfd, *words):
    output = os.dup(1)  # a command with Blender in it leaves it shut, for what Blender says at its end
    status = command_line.main([*map(str, words), "--json"])
    answer = json.loads(capfd.readouterr().out.splitlines()[-1])
    os.dup2(output, 1)
    os.close(output)
    assert answer["exit"] == status
    return answer


def colour(path):
    """The mean of the picture's middle."""
    with Image.open(path) as seen:
        pixels = np.asarray(seen.convert("RGB"), float)
    height, width = pixels.shape[:2]
    return pixels[height // 3 : 2 * height // 3, width * 2 // 5 : width * 3 // 5].mean(axis=(0, 1))


def test_variants_are_runs_with_the_same_cameras_and_are_delivered_by_name(two_colours, tmp_path, capfd):
    out = tmp_path / "out"
    options = ("--backend", "local", "--angles", "front", "--motion", "none", "--size", 64, "--samples", 1)
    answer = run(capfd, "run", two_colours, "--out", out, "--variants", "all", *options)
    assert (answer["exit"], answer["rows"]) == (0, {"done": 2})
    assert answer["variants"] == {"Ruby Red": "Ruby-Red", "Night": "Night"}
    red, blue = RunFolder.open(out / "Ruby-Red"), RunFolder.open(out / "Night")
    for picture in ("references/front.png", "photoreal/front.png"):
        assert colour(red.root / picture)[0] > 2 * colour(red.root / picture)[2]
        assert colour(blue.root / picture)[2] > 2 * colour(blue.root / picture)[0]
    shots = [json.loads(each.report.read_text())["pictures"] for each in (red, blue)]
    for part in ("matrix_world", "projection"):
        assert shots[0][0]["camera"][part] == shots[1][0]["camera"][part]
    masks = [np.asarray(Image.open(each.references / "front.mask.png")).astype(int) for each in (red, blue)]
    assert np.abs(masks[0] - masks[1]).max() <= 0.02 * 65535
    told = run(capfd, "deliver", out, "--for", "cutout", "--name", "{sku}_{variant}_{angle}")
    assert told["exit"] == 0
    for name, folder, words in (("Ruby Red", red, "Ruby-Red"), ("Night", blue, "Night")):
        (picture,) = told["variants"][name]["sets"]["cutout"]["pictures"]
        assert picture["file"] == f"cube-{words}_{words}_front.png"
        assert f"cube in {name}, " in picture["alt"]
        data = (folder.root / "deliver" / "cutout" / picture["file"]).read_bytes()
        assert picture["alt"] in picture_marks.xmp_in(data)
    red.still("front").unlink()
    told = run(capfd, "deliver", out, "--for", "cutout")
    assert told["exit"] == 1
    assert "Ruby Red: Ruby-Red has no still yet" in told["error"]
    assert told["variants"]["Night"]["sets"]["cutout"]["pictures"][0]["file"]  # the others are made all the same
    assert "article number of its own" in run(capfd, "deliver", out, "--for", "cutout", "--sku", "A1")["error"]


@pytest.fixture
def shoe_blend(add_box, tmp_path):
    """A sole that is always black, and an upper whose spare slots hold two other leathers; two uppers share one mesh."""
    add_box("Sole", (0.3, 0.1, 0.02), (0, 0, 0.01), (0.01, 0.01, 0.01))
    upper = add_box("Tan", (0.3, 0.1, 0.1), (0, 0, 0.07), (0.5, 0.3, 0.1))
    for name, value in (("Black", (0.02, 0.02, 0.02)), ("Ruby", RED)):
        extra = add_box(name, colour=value)
        upper.data.materials.append(extra.data.materials[0])
        bpy.data.objects.remove(extra)
    other = bpy.data.objects.new("Other", upper.data)
    other.location = (0, 0.3, 0.07)
    bpy.context.scene.collection.objects.link(other)
    path = tmp_path / "shoe.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return path


def test_spare_slots_of_a_blend_are_variants(shoe_blend, tmp_path, add_box):
    add_box("Ruby", colour=BLUE)  # another of this name in the open file
    before = set(bpy.data.materials)
    assert variants_in_blend(shoe_blend) == ["Tan", "Black", "Ruby"]
    assert set(bpy.data.materials) == before
    out = tmp_path / "product.blend"
    take_blend(shoe_blend, out, lambda brought: show_variant(brought, shoe_blend, "ruby"))
    assert set(bpy.data.materials) == before
    with pytest.raises(UsageError, match="no variant called 'Sand'; its variants are Tan, Black and Ruby"):
        take_blend(shoe_blend, tmp_path / "no.blend", lambda brought: show_variant(brought, shoe_blend, "Sand"))
    assert not (tmp_path / "no.blend").exists()
    bpy.ops.wm.open_mainfile(filepath=str(out))
    shown = {}
    for scene in bpy.data.scenes:
        for thing in scene.objects:
            shader = thing.material_slots[0].material.node_tree.nodes["Principled BSDF"]
            shown[thing.name] = [round(value, 2) for value in shader.inputs["Base Color"].default_value[:3]]
    assert shown == {"Sole": [0.01, 0.01, 0.01], "Tan": list(RED), "Other": list(RED)}


def test_a_variant_is_one_of_the_files_own_and_has_runs_of_its_own(sidebar, two_colours, box_glb):
    from consistency_pipeline.operators import startup
    from consistency_pipeline.operators.buttons import variants
    from consistency_pipeline.operators.editing.scene_settings import to_settings
    from consistency_pipeline.operators.runs import run_request

    own = bpy.context.scene.consistency  # of the empty file that making the others has left
    startup.give_default_angles(bpy.context.scene)

    def again():
        scene = bpy.context.scene
        return run_request.matching_run(scene, to_settings(scene), run_request.RunRequest())

    assert not bpy.ops.consistency.choose_variant.poll()
    bpy.ops.consistency.drop_model(filepath=str(two_colours))
    assert variants.variants_of(two_colours) == ["Ruby Red", "Night"]
    own.backend, own.variant = "local", "Night"
    settings = to_settings(bpy.context.scene)
    assert settings.inputs.variant == "Night"
    folder = RunFolder.create(run_request.runs_home() / "night", settings, {})
    own.run_folder = str(folder.root)
    assert again() is not None
    own.variant = "Ruby Red"
    assert again() is None
    bpy.ops.consistency.drop_model(filepath=str(box_glb))
    assert own.variant == ""
    with pytest.raises(BadInput, match="not there any more"):
        variants.variants_of(box_glb.with_name("gone.glb"))
