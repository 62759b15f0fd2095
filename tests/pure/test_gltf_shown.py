# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a glTF file shows: its default scene without hidden nodes, at the nodes' own pose."""

from __future__ import annotations

import copy
import json

import pytest

from consistency_pipeline.pipeline.errors import BadInput
from consistency_pipeline.pipeline.formats import gltf_shown

HIDDEN = {"extensions": {"KHR_node_visibility": {"visible": False}}}


def node(name, children=(), **more):
    return {"name": name, "mesh": 0, **({"children": list(children)} if children else {}), **more}


def drawn_of(document):
    return [part["name"] for part in document["nodes"] if "mesh" in part]


def document(*nodes, scenes=None, **more):
    return {
        "asset": {"version": "2.0"},
        "meshes": [{"primitives": [{}]}],
        "nodes": list(nodes),
        "scenes": scenes or [{"nodes": [0]}],
        **more,
    }


def test_a_file_that_shows_everything_is_left_as_it_is():
    whole = document(node("A", [1]), node("B"), scene=0)
    before = copy.deepcopy(whole)
    assert gltf_shown.keep_shown(whole, "a.glb") == (False, [])
    assert whole == before


@pytest.mark.parametrize(("scene", "kept"), [(0, "A"), (1, "B"), (None, "A"), (7, "A"), ("x", "A")])
def test_only_the_default_scene_is_taken(scene, kept):
    more = {} if scene is None else {"scene": scene}
    two = document(node("A"), node("B"), scenes=[{"nodes": [0], "name": "One"}, {"nodes": [1], "name": "Two"}], **more)
    changed, notes = gltf_shown.keep_shown(two, "a.glb")
    assert changed
    assert drawn_of(two) == [kept]
    assert [note for note in notes if "2 scenes" in note and ("'One'" if kept == "A" else "'Two'") in note]


def test_a_node_in_no_scene_is_left_out_and_said():
    stray = document(node("A"), node("Stray", [2]), node("Below"))
    _, notes = gltf_shown.keep_shown(stray, "a.glb")
    assert drawn_of(stray) == ["A"]
    assert notes == ["left out: Stray and Below, in no scene of the file"]


def test_without_any_scene_all_nodes_are_shown():
    none = document(node("A"), node("B", [2]), node("C"))
    del none["scenes"]
    assert gltf_shown.keep_shown(none, "a.glb") == (False, [])


def test_a_hidden_node_hides_what_is_below_it():
    hidden = document(
        node("A", [1]),
        node("Off", [2], **copy.deepcopy(HIDDEN)),
        node("Below"),
        extensionsUsed=["KHR_node_visibility"],
        extensionsRequired=["KHR_node_visibility"],
    )
    _, notes = gltf_shown.keep_shown(hidden, "a.glb")
    assert drawn_of(hidden) == ["A"]
    assert notes == ["left out: Off and Below, hidden in the file"]
    assert "extensionsRequired" not in hidden
    assert "KHR_node_visibility" not in json.dumps(hidden)


def test_nodes_keep_their_numbers_and_joints_their_places():
    skinned = document(node("A", [1], skin=0), {"name": "Joint"}, node("Else"), skins=[{"joints": [1]}])
    gltf_shown.keep_shown(skinned, "a.glb")
    assert [part["name"] for part in skinned["nodes"]] == ["A", "Joint", "Else"]
    assert skinned["nodes"][0]["skin"] == 0


def test_animations_go_and_the_pose_of_the_nodes_stays():
    moving = document(node("A", translation=[1, 2, 3], weights=[0.5]), animations=[{"channels": []}])
    changed, notes = gltf_shown.keep_shown(moving, "a.glb")
    assert changed
    assert moving["nodes"][0]["translation"] == [1, 2, 3]
    assert moving["nodes"][0]["weights"] == [0.5]
    assert notes == [gltf_shown.REST_POSE]


def test_a_part_is_left_out_alone_and_a_group_with_all_that_is_in_it():
    carried = document(node("Floor", [1]), node("Product"))
    _, notes = gltf_shown.keep_shown(carried, "a.glb", ["Floor"])
    assert drawn_of(carried) == ["Product"]
    assert notes == ["left out as asked: Floor"]
    grouped = document(
        {"name": "Root", "children": [1, 3]}, {"name": "Set", "children": [2]}, node("Wall"), node("Product")
    )
    gltf_shown.keep_shown(grouped, "a.glb", ["Set"])
    assert drawn_of(grouped) == ["Product"]


def test_a_node_without_a_name_is_called_by_its_mesh():
    unnamed = document({"mesh": 0, "children": [1]}, node("Product"))
    unnamed["meshes"][0]["name"] = "Floor"
    gltf_shown.keep_shown(unnamed, "a.glb", ["Floor"])
    assert drawn_of({"nodes": unnamed["nodes"][1:]}) == ["Product"]
    assert "mesh" not in unnamed["nodes"][0]


@pytest.mark.parametrize(
    ("leave_out", "says"),
    [
        (["Flor"], r"a\.glb has no part called 'Flor'; its parts are Floor and Product"),
        (["Floor", "Product"], "nothing"),
    ],
)
def test_a_wrong_name_and_an_empty_rest_are_said(leave_out, says):
    with pytest.raises(BadInput, match=says):
        gltf_shown.keep_shown(document(node("Floor", [1]), node("Product")), "a.glb", leave_out)


def test_nodes_below_themselves_end():
    around = document(node("A", [1]), node("B", [0]))
    assert gltf_shown.keep_shown(around, "a.glb")[1] == []
