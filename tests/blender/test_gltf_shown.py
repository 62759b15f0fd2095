# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""GLB files that show less than they hold, through Blender's own importer."""

from __future__ import annotations

import json
import struct

import bpy
import numpy as np
import pytest

from consistency_pipeline.studio import model

CORNERS = np.float32([(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)])
FACES = np.uint16(
    [0, 1, 3, 0, 3, 2, 4, 6, 7, 4, 7, 5, 0, 4, 5, 0, 5, 1, 2, 3, 7, 2, 7, 6, 0, 2, 6, 0, 6, 4, 1, 5, 7, 1, 7, 3]
)
TIMES, PLACES = np.float32([0, 1]), np.float32([(0, 0, 9), (0, 0, 5)])
TALLER = np.where(CORNERS[:, 1:2] > 0, np.float32([(0, 2, 0)]), np.float32([(0, 0, 0)]))  # a morph target: up by 2 m
ACCESSORS = (
    (CORNERS, 5126, "VEC3"),
    (FACES, 5123, "SCALAR"),
    (TIMES, 5126, "SCALAR"),
    (PLACES, 5126, "VEC3"),
    (TALLER.astype(np.float32), 5126, "VEC3"),
)


@pytest.fixture
def load(tmp_path):
    """Write a GLB in which mesh 0 is a cube of 1 m, mesh 1 the same with a morph target, and load it."""

    def write(nodes, leave_out=(), **more):
        views, accessors, binary = [], [], b""
        for values, component, kind in ACCESSORS:
            data = values.tobytes()
            views.append({"buffer": 0, "byteOffset": len(binary), "byteLength": len(data)})
            accessor = {"bufferView": len(accessors), "componentType": component, "type": kind, "count": len(values)}
            if values.ndim > 1:
                accessor |= {"min": values.min(axis=0).tolist(), "max": values.max(axis=0).tolist()}
            accessors.append(accessor)
            binary += data
        cube = {"attributes": {"POSITION": 0}, "indices": 1}
        meshes = [{"primitives": [cube]}, {"primitives": [{**cube, "targets": [{"POSITION": 4}]}], "weights": [0.0]}]
        document = {
            "asset": {"version": "2.0"},
            "scenes": [{"nodes": [0]}],
            "scene": 0,
            "nodes": nodes,
            "meshes": meshes,
            "accessors": accessors,
            "bufferViews": views,
            "buffers": [{"byteLength": len(binary)}],
            **more,
        }
        text = json.dumps(document).encode()
        text += b" " * (-len(text) % 4)
        path = tmp_path / "shown.glb"
        path.write_bytes(
            struct.pack("<4sIII4s", b"glTF", 2, 28 + len(text) + len(binary), len(text), b"JSON")
            + text
            + struct.pack("<I4s", len(binary), b"BIN\0")
            + binary
        )
        steps = model.load_product(path, leave_out)
        while True:
            try:
                next(steps)
            except StopIteration as stop:
                return stop.value

    return write


def meshes_now():
    return [thing.name for thing in model.product_root().children_recursive if thing.type == "MESH"]


def test_nodes_of_other_scenes_of_none_and_hidden_ones_do_not_come(load):
    off = {"extensions": {"KHR_node_visibility": {"visible": False}}}
    nodes = [
        {"name": "A", "mesh": 0, "children": [3]},
        {"name": "B", "mesh": 0, "translation": [9, 0, 0]},
        {"name": "Stray", "mesh": 0, "translation": [0, 9, 0]},
        {"name": "Off", "mesh": 0, "translation": [0, 0, 9], "children": [4], **off},
        {"name": "Below", "mesh": 0},
    ]
    product = load(
        nodes,
        scenes=[{"nodes": [0]}, {"nodes": [1]}],
        extensionsUsed=["KHR_node_visibility"],
        extensionsRequired=["KHR_node_visibility"],
    )
    assert product.size == pytest.approx((1, 1, 1))
    assert meshes_now() == ["A"]
    assert len(bpy.data.objects) == 2, "empty places of what is not shown were left"
    assert len(product.notes) == 3


def test_an_animation_leaves_the_nodes_own_pose(load):
    channel = {"sampler": 0, "target": {"node": 1, "path": "translation"}}
    animation = {"samplers": [{"input": 2, "output": 3}], "channels": [channel]}
    nodes = [{"name": "A", "mesh": 0, "children": [1]}, {"name": "Lid", "mesh": 0, "translation": [0, 2, 0]}]
    product = load(nodes, animations=[animation])
    assert product.size == pytest.approx((1, 1, 3))
    assert any("rest pose" in note for note in product.notes)


@pytest.mark.parametrize(("node", "height"), [({}, 1), ({"weights": [0.5]}, 2)])
def test_a_morph_keeps_the_weights_that_the_node_has(load, node, height):
    channel = {"sampler": 0, "target": {"node": 0, "path": "weights"}}
    animation = {"samplers": [{"input": 2, "output": 2}], "channels": [channel]}
    product = load([{"name": "A", "mesh": 1, **node}], animations=[animation])
    assert product.size == pytest.approx((1, 1, height))


def test_a_floor_that_carries_the_product_is_left_out_and_nothing_is_said_to_be_missing(load):
    nodes = [
        {"name": "Floor", "mesh": 0, "scale": [20, 0.01, 20], "children": [1]},
        {"name": "Vase", "mesh": 0, "scale": [0.05, 100, 0.05]},
    ]
    product = load(nodes, leave_out=["Floor"])
    assert product.missing == ()
    assert product.size == pytest.approx((1.0, 1.0, 1.0))
    assert meshes_now() == ["Vase"]
