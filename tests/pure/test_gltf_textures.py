# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Textures that glTF importers leave out in silence, and pictures that decoders show half of, told from their bytes."""

from __future__ import annotations

import json
import struct

import pytest

from consistency_pipeline.pipeline.errors import BadInput
from consistency_pipeline.pipeline.formats.gltf_file import pack_gltf
from consistency_pipeline.pipeline.formats.gltf_textures import unreadable_textures
from consistency_pipeline.pipeline.formats.picture_bytes import is_cut_short, kind_of

from .test_model_files import TRIANGLE, document, glb, jpeg, png, webp_lossless

pytestmark = pytest.mark.by_turns


def textured(texture, images=({"bufferView": 0, "mimeType": "image/png"},), key="baseColorTexture", **changes):
    """A triangle whose material "Paper" names one texture."""
    shader = {"pbrMetallicRoughness": {key: {"index": 0}}} if key == "baseColorTexture" else {key: {"index": 0}}
    return document(
        scenes=[{"nodes": [0]}],
        nodes=[{"mesh": 0}],
        meshes=[{"primitives": [{"attributes": {"POSITION": 0}, "material": 0}]}],
        materials=[{"name": "Paper", **shader}],
        textures=[texture],
        images=list(images),
        **changes,
    )


def found(tmp_path, doc):
    path = tmp_path / "product.glb"
    path.write_bytes(glb(doc))
    return unreadable_textures(path)


@pytest.mark.parametrize("key", ["baseColorTexture", "normalTexture", "emissiveTexture"])
@pytest.mark.parametrize(
    ("extension", "kind"), [("KHR_texture_basisu", "KTX2"), ("EXT_texture_avif", "AVIF"), ("MSFT_texture_dds", "DDS")]
)
def test_a_texture_without_a_picture_that_importers_take_is_named(tmp_path, extension, kind, key):
    doc = textured({"name": "Label", "extensions": {extension: {"source": 0}}}, key=key)
    (bad,) = found(tmp_path, doc)
    assert (bad.material, bad.texture) == ("Paper", "Label")
    assert kind in bad.reason


@pytest.mark.parametrize(
    "texture",
    [
        {"source": 0},
        {"source": 0, "extensions": {"KHR_texture_basisu": {"source": 0}}},
        {"extensions": {"EXT_texture_webp": {"source": 0}}},
    ],
)
def test_a_picture_or_a_fallback_that_is_taken_is_no_alarm(tmp_path, texture):
    assert found(tmp_path, textured(texture)) == []


@pytest.mark.parametrize("texture", [{}, {"source": 7}, {"source": "0"}])
def test_a_texture_that_leads_nowhere_is_named(tmp_path, texture):
    assert [bad.material for bad in found(tmp_path, textured(texture))] == ["Paper"]


def test_textures_inside_material_extensions_are_looked_at(tmp_path):
    doc = textured({"extensions": {"KHR_texture_basisu": {"source": 0}}})
    doc["materials"][0] = {
        "name": "Coat",
        "extensions": {"KHR_materials_clearcoat": {"clearcoatTexture": {"index": 0}}},
    }
    assert [bad.material for bad in found(tmp_path, doc)] == ["Coat"]


def test_what_the_scene_does_not_show_is_no_alarm(tmp_path):
    bad = {"extensions": {"KHR_texture_basisu": {"source": 0}}}
    other_scene = textured(bad, scene=1)
    other_scene["scenes"].append({"nodes": []})
    unused = textured(bad)
    del unused["meshes"][0]["primitives"][0]["material"]
    hidden = textured(bad)
    hidden["nodes"][0]["extensions"] = {"KHR_node_visibility": {"visible": False}}
    occlusion = textured(bad, key="occlusionTexture")
    for doc in (other_scene, unused, hidden, occlusion):
        assert found(tmp_path, doc) == []


def gltf(tmp_path, uri, **files):
    doc = textured({"source": 0}, images=[{"uri": uri}])
    doc["buffers"] = [{"byteLength": len(TRIANGLE), "uri": "mesh.bin"}]
    (tmp_path / "mesh.bin").write_bytes(TRIANGLE)
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    path = tmp_path / "product.gltf"
    path.write_text(json.dumps(doc))
    return path


@pytest.mark.parametrize(("files", "why"), [({}, "missing"), ({"label": b"words, words"}, "neither PNG")])
def test_a_gltf_keeps_why_it_lacks_a_picture_and_nothing_else_of_its_file(tmp_path, files, why):
    packed = pack_gltf(gltf(tmp_path, "label", **files))
    assert b"words, words" not in packed
    path = tmp_path / "product.glb"
    path.write_bytes(packed)
    (bad,) = unreadable_textures(path)
    assert bad.material == "Paper"
    assert why in bad.reason
    assert "label" in bad.reason


def test_a_gltf_takes_its_picture_and_no_file_outside_its_folder(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "other.png").write_bytes(png())
    packed = pack_gltf(gltf(tmp_path / "model", "label.png", **{"label.png": png()}))
    assert png() in packed
    with pytest.raises(BadInput, match="outside its own folder"):
        pack_gltf(gltf(tmp_path / "model", "../other.png"))


def tiff(order):
    head = b"II*\0" if order == "<" else b"MM\0*"
    tags = struct.pack(f"{order}H", 2)
    tags += struct.pack(f"{order}HHII", 273, 4, 1, 8) + struct.pack(f"{order}HHII", 279, 4, 1, 100)
    return head + struct.pack(f"{order}I", 108) + bytes(100) + tags + bytes(4)


def test_what_decoders_do_not_notice_is_noticed():
    scan = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xda\x00\x02" + bytes(50)
    assert is_cut_short(scan)
    assert not is_cut_short(scan + b"\xff\xd9")
    assert is_cut_short(b"\xff\xd8\xff\xe1\x00\x08\xff\xd9ab" + scan[2:])  # the preview ends, the picture doesn't
    assert is_cut_short(webp_lossless()[:-3])
    for order in "<>":
        whole = tiff(order)
        assert not is_cut_short(whole)
        assert is_cut_short(whole[:4] + struct.pack(f"{order}I", 8) + whole[108:])
    head, line = b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 2 +X 200\n", b"\x02\x02\x00\xc8"
    line += (bytes((128 + 100, 7)) * 2) * 3 + bytes(
        (100, *range(100))
    ) * 2  # three channels of runs, one of single values
    assert not is_cut_short(head + 2 * line)
    assert is_cut_short(head + 2 * line[:-1])
    assert is_cut_short(head + line)
    assert not is_cut_short(b"#?RADIANCE\n\n-Y 1 +X 2\n" + bytes(8))  # without run lengths
    for whole in (png(), jpeg(), webp_lossless(), b"", b"text"):
        assert not is_cut_short(whole)
    assert [kind_of(data) for data in (png(), webp_lossless(), b"\xabKTX 20\xbb\r\n\x1a\n", b"x")] == [
        "PNG",
        "WebP",
        "KTX2",
        "",
    ]
