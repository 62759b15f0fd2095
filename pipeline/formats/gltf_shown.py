# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a glTF file shows, before any importer sees it: its default scene, without hidden nodes, at each node's own pose.

Importers bring more: nodes of every scene and of none, nodes that KHR_node_visibility hides, and the first key of an
animation in place of the pose that the nodes have themselves. So what a file doesn't show is taken out of a copy of it.
glTF 2.0 specification, §3.5.1 (scenes), §3.5.2 (nodes) and §3.11 (animations); KHR_node_visibility.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Collection, Iterable
from pathlib import Path

from ..errors import BadInput
from ..sentences import no_such_part
from ..system.disk import whole_file
from ..wording.names import in_words
from .gltf_json import GltfDocument, GltfPart

VISIBILITY = "KHR_node_visibility"
_MOVED = "KHR_animation_pointer"
EMPTY_PLACE = "consistency_empty_place"  # in the extras of a node that has lost what it showed
REST_POSE = "animations of the file were left out; the product stands in its rest pose"


def read_document(path: Path) -> tuple[GltfDocument, int]:
    """The JSON of a GLB that has been checked, and where in the file the chunk after it begins."""
    with path.open("rb") as file:
        head = file.read(20)
        length = struct.unpack_from("<I", head, 12)[0]
        return json.loads(file.read(length)), len(head) + length


def write_copy(path: Path, document: GltfDocument, offset: int, out: Path) -> None:
    """The GLB at ``path`` with ``document`` for its JSON; ``offset``: where its other chunks begin."""
    text = json.dumps(document, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    with path.open("rb") as file:
        declared = struct.unpack_from("<I", file.read(12), 8)[0]
        file.seek(offset)
        rest = file.read(max(0, declared - offset))
    with whole_file(out) as copy:
        copy.write(struct.pack("<4sIII4s", b"glTF", 2, 20 + len(text) + len(rest), len(text), b"JSON"))
        copy.write(text)
        copy.write(rest)


def keep_shown(document: GltfDocument, name: str, leave_out: Collection[str] = ()) -> tuple[bool, list[str]]:
    """Take out of ``document`` what the file called ``name`` doesn't show, and the nodes named in ``leave_out``.

    Nodes keep their numbers, which skins refer to: what is left out loses its mesh. Returns whether anything was changed,
    and what the user should know, a sentence each. Raises BadInput where nothing is left, or no node has such a name.
    """
    before = json.dumps(document, sort_keys=True)
    nodes = [node for node in document.get("nodes", ()) if isinstance(node, dict)]
    called = [_name(document, node) for node in nodes]
    names = {name for name in called if name}
    for wanted in leave_out:
        if wanted not in names:
            raise no_such_part(name, wanted, names)
    notes = []
    if document.pop("animations", None):
        notes.append(REST_POSE)
    roots, scene_note = _roots(document)
    shown, hidden, unwanted = _walk(nodes, roots, {number for number, own in enumerate(called) if own in leave_out})
    drawn = [number for number, node in enumerate(nodes) if "mesh" in node]
    outside = [number for number in drawn if number not in shown | hidden | unwanted]
    listed = {root for scene in document.get("scenes", ()) for root in scene.get("nodes", ())}
    stray = [number for number in outside if number not in _below(nodes, listed)]
    if scene_note and any(number not in stray for number in outside):
        notes.append(scene_note)
    if stray:
        notes.append(f"left out: {_called(called, stray)}, in no scene of the file")
    if hidden.intersection(drawn):
        notes.append(f"left out: {_called(called, [n for n in drawn if n in hidden])}, hidden in the file")
    if unwanted.intersection(drawn):
        notes.append(f"left out as asked: {in_words(list(leave_out), 'and')}")
    if drawn and not shown.intersection(drawn):
        raise BadInput(
            f"{name} shows nothing: its default scene holds no mesh that is visible; "
            "export it again with the product's meshes shown"
        )
    _empty(document, nodes, shown)
    return json.dumps(document, sort_keys=True) != before, notes


def shown_nodes(document: GltfDocument) -> list[GltfPart]:
    """The nodes that the default scene shows, in their order in the file."""
    nodes = document.get("nodes", [])
    shown, _, _ = _walk(nodes, _roots(document)[0], ())
    return [nodes[number] for number in sorted(shown)]


def _roots(document: GltfDocument) -> tuple[list[int], str]:
    """The default scene's topmost nodes; all nodes that have no parent where the file has no scene."""
    scenes = [scene for scene in document.get("scenes", ()) if isinstance(scene, dict)]
    if not scenes:
        children = {child for node in document.get("nodes", ()) for child in node.get("children", ())}
        return [number for number in range(len(document.get("nodes", ()))) if number not in children], ""
    number = document.get("scene", 0)
    number = number if isinstance(number, int) and 0 <= number < len(scenes) else 0
    called = scenes[number].get("name") or f"number {number + 1}"
    note = f"the file has {len(scenes)} scenes; its default one, {called!r}, was taken"
    return list(scenes[number].get("nodes", ())), note


def _walk(
    nodes: list[GltfPart], roots: Iterable[int], leave_out: Collection[int]
) -> tuple[set[int], set[int], set[int]]:
    """Numbers of the nodes below ``roots`` that are shown, hidden by the file, and left out by their ``leave_out`` numbers."""
    shown: set[int] = set()
    hidden: set[int] = set()
    unwanted: set[int] = set()
    pending = [(root, shown) for root in roots]
    while pending:
        number, state = pending.pop()
        if not 0 <= number < len(nodes) or number in shown or number in hidden or number in unwanted:
            continue
        node = nodes[number]
        if state is shown and node.get("extensions", {}).get(VISIBILITY, {}).get("visible", True) is False:
            state = hidden
        below = state
        if state is shown and number in leave_out:
            state = unwanted  # a group with all that is in it, a part by itself: a floor may carry the product
            below = shown if "mesh" in node else unwanted
        state.add(number)
        pending += [(child, below) for child in node.get("children", ())]
    return shown, hidden, unwanted


def _below(nodes: list[GltfPart], roots: Iterable[int]) -> set[int]:
    return set().union(*_walk([{"children": node.get("children", ())} for node in nodes], roots, ()))


def _empty(document: GltfDocument, nodes: list[GltfPart], shown: set[int]) -> None:
    for number, node in enumerate(nodes):
        extensions = node.get("extensions", {})
        extensions.pop(VISIBILITY, None)
        if number not in shown:
            for drawn in ("mesh", "skin", "weights", "camera"):
                node.pop(drawn, None)
            for drawn in ("KHR_lights_punctual", "EXT_mesh_gpu_instancing"):
                extensions.pop(drawn, None)
            extras = node.get("extras")
            node["extras"] = {**(extras if isinstance(extras, dict) else {}), EMPTY_PLACE: 1}
        if "extensions" in node and not extensions:
            del node["extensions"]
    for key in ("extensionsRequired", "extensionsUsed"):
        if key in document:
            document[key] = [extension for extension in document[key] if extension not in (VISIBILITY, _MOVED)]
            if not document[key]:
                del document[key]


def _name(document: GltfDocument, node: GltfPart) -> str:
    """As the importer calls it: without a name of its own, by its mesh's."""
    meshes, mesh = document.get("meshes", []), node.get("mesh")
    own = meshes[mesh] if isinstance(mesh, int) and 0 <= mesh < len(meshes) else {}
    return str(node.get("name") or own.get("name") or "")


def _called(called: list[str], numbers: Iterable[int]) -> str:
    return in_words([called[number] or f"node {number}" for number in numbers], "and")
