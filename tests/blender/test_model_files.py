# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A .blend of one's own, taken into a run."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from consistency_pipeline.pipeline.errors import BadInput
from consistency_pipeline.studio.files.model_files import take_blend
from consistency_pipeline.studio.model import load_product


@pytest.fixture
def textured_blend(add_box, tmp_path):
    """A box whose texture lies beside its file, under a relative path."""
    box = add_box()
    image = bpy.data.images.new("Paint", 8, 8)
    image.pixels.foreach_set(np.tile(np.float32([1.0, 0.0, 0.0, 1.0]), 64))
    image.filepath_raw, image.file_format = str(tmp_path / "paint.png"), "PNG"
    image.save()
    tree = box.data.materials[0].node_tree
    texture = tree.nodes.new("ShaderNodeTexImage")
    texture.image = image
    shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    tree.links.new(texture.outputs[0], shader.inputs["Base Color"])
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "mine.blend"), relative_remap=True)
    image.filepath = "//paint.png"
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return tmp_path / "mine.blend"


def test_textures_beside_a_blend_travel_with_it(textured_blend, tmp_path):
    out = tmp_path / "run" / "model" / "product.blend"
    take_blend(textured_blend, out)
    assert len(bpy.data.objects) == len(bpy.data.images) == 0, "nothing of it stays in the open file"
    (tmp_path / "paint.png").unlink()
    for _ in load_product(out):
        pass
    image = bpy.data.images["Paint"]
    assert image.packed_file is not None
    assert tuple(image.pixels[:3]) == (1.0, 0.0, 0.0)


def test_what_is_no_blend_is_refused_and_leaves_nothing(tmp_path):
    bad = tmp_path / "bad.blend"
    bad.write_bytes(b"BLENDER-v405" + b"\0" * 100)
    with pytest.raises(BadInput, match=r"bad\.blend"):
        take_blend(bad, tmp_path / "run" / "product.blend")
    assert not (tmp_path / "run" / "product.blend").exists()
