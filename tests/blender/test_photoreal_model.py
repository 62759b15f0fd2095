# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""model/photoreal.glb: the stills' look in the base colour of the sides that they see, and what is lost said beside it."""

from __future__ import annotations

import json

import bpy
import numpy as np
import pytest

from consistency_pipeline.pipeline.errors import BadInput
from consistency_pipeline.studio.model import product_root
from consistency_pipeline.studio.photoreal_model import export_photoreal, show_beside

from .test_exact_turntable import finish, table  # noqa: F401 - the fixture


@pytest.fixture
def run(table):  # noqa: F811
    for shot in table.shots.values():
        table.folder.keep_shot(shot)
    table.folder.product.parent.mkdir(exist_ok=True)
    return table


def colours(thing):
    """By direction of a face's normal, green by red of its base colour, in the middle of the face."""
    mesh = thing.data
    shader = next(node for node in mesh.materials[0].node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    image = shader.inputs["Base Color"].links[0].from_node.image
    pixels = np.array(image.pixels[:]).reshape(*reversed(tuple(image.size)), 4)
    found = {}
    for face in mesh.polygons:
        uv = np.mean([mesh.uv_layers[-1].uv[loop].vector for loop in face.loop_indices], axis=0)
        row, column = (int(at * side) for at, side in zip(uv[::-1], pixels.shape[:2], strict=True))
        normal = (thing.matrix_world.to_3x3() @ face.normal).normalized()
        key = tuple(round(value) for value in normal)
        found.setdefault(key, []).append(float(pixels[row, column, 1] / pixels[row, column, 0]))
    return {key: float(np.mean(values)) for key, values in found.items()}


def exported(run):
    """The meshes of the file that is written."""
    written = finish(export_photoreal(run.folder, run.worker))
    return [thing for thing in show_beside(written.file) if thing.type == "MESH"]


def test_each_side_has_the_colour_that_its_still_gives_it(run):
    before = {kind: len(getattr(bpy.data, kind)) for kind in ("objects", "meshes", "materials", "images")}
    written = finish(export_photoreal(run.folder, run.worker))
    assert {kind: len(getattr(bpy.data, kind)) for kind in before} == before
    assert written.file == run.folder.root / "model" / "photoreal.glb"
    told = json.loads(written.file.with_suffix(".json").read_text(encoding="utf-8"))
    assert told["look_of"] == ["front", "back"]
    assert any("highlights" in loss for loss in told["losses"])
    assert any("no still sees" in loss for loss in told["losses"]), "neither side of the box is in a still"
    (shown,) = (thing for thing in show_beside(written.file) if thing.type == "MESH")
    assert shown.hide_render
    ratio = colours(shown)
    assert ratio[0, -1, 0] > 1.25 * ratio[0, 1, 0], "the front took the front still's green, the back none"
    assert finish(export_photoreal(run.folder, run.worker)).seen == written.seen, (
        "what stands beside is no part of the product"
    )


def product_mesh():
    (box,) = (thing for thing in product_root().children_recursive if thing.type == "MESH")
    return box.data


def test_a_product_that_is_inside_out_gets_its_look_all_the_same(run):
    """Renders show it like any other."""
    product_mesh().flip_normals()
    (shown,) = exported(run)
    ratio = colours(shown)
    assert ratio[0, 1, 0] > 1.25 * ratio[0, -1, 0]


def test_a_picture_that_is_moved_and_not_repeated_is_baked_as_it_shows(run):
    mesh = product_mesh()
    mesh.uv_layers.new(name="all faces over each other")
    (material,) = mesh.materials
    picture = bpy.data.images.new("halves", 16, 16)
    pixels = np.ones((16, 16, 4), np.float32)
    pixels[:, :8, :3], pixels[:, 8:, :3] = (0.8, 0.4, 0.2), (0.2, 0.4, 0.8)
    picture.pixels.foreach_set(pixels.ravel())
    picture.filepath_raw, picture.file_format = str(run.folder.root / "halves.png"), "PNG"
    picture.save()
    picture.source = "FILE"
    nodes, links = material.node_tree.nodes, material.node_tree.links
    image, mapping, place = (nodes.new(f"ShaderNode{name}") for name in ("TexImage", "Mapping", "UVMap"))
    image.image, image.extension = picture, "EXTEND"
    mapping.inputs["Location"].default_value[0], mapping.inputs["Scale"].default_value[0] = 0.7, 0.6
    links.new(place.outputs["UV"], mapping.inputs["Vector"])
    links.new(mapping.outputs["Vector"], image.inputs["Vector"])
    shader = next(node for node in nodes if node.type == "BSDF_PRINCIPLED")
    links.new(image.outputs["Color"], shader.inputs["Base Color"])
    (shown,) = exported(run)
    ratio = colours(shown)
    assert ratio[0, 1, 0] > 1.5, "of the half that is shown, 0.4 : 0.2, and not 0.4 : 0.8"
    assert ratio[0, -1, 0] > 1.15 * ratio[0, 1, 0], "with the front still's green"


def test_a_run_without_generated_stills_has_no_look_to_bake(run):
    for name in run.shots:
        run.folder.still(name).unlink()
    with pytest.raises(BadInput, match="no still of this run lends its look"):
        finish(export_photoreal(run.folder, run.worker))
