# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""RUN/model/photoreal.glb: the product with the stills' look in its base colour, its other maps as they are.

Each part gets pictures of its own: where its map gives every place of the surface texels of its own by that map, otherwise by a
fresh one. The colours are made by the image worker; here are only Blender's data.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import bpy
import numpy as np
from bpy.types import Image, Material, Mesh, Node, Object

from ..pipeline import names
from ..pipeline.backend.ports import Task
from ..pipeline.errors import BadInput
from ..pipeline.json_object import JsonObject
from ..pipeline.look import texture, unwrap
from ..pipeline.look.coverage import is_inside_out
from ..pipeline.look.lenders import of_run, plain
from ..pipeline.run.run_folder import RunFolder
from ..pipeline.stages import Progress, Stage, Steps
from ..pipeline.system.disk import write_json
from ..pipeline.wording.names import in_words
from .export import product_parts, write_glb
from .files.model_files import import_gltf
from .image_worker import ImageWorker
from .model import product_points, product_root
from .scene.collections import collection, remove_objects, scratch_scene

NAME = "photoreal.glb"
PREVIEW = "consistency_photoreal"  # marks what stands beside the product to be looked at
FRESH = "Photoreal"  # the map of a fresh unwrap
SIDES = (512, 1024, 2048, 4096)  # px of a texture's side
FOR_PLAIN = 1024  # of a part that had a plain colour
BORDERS = {"REPEAT", "EXTEND", "MIRROR"}  # what a picture may show there
LIGHT = "the stills' own light and white balance are in the colours"
BY_NODES = "the base colour is made by nodes or by another shader, and stays as it is"
NEW_MAP = "the map repeats or overlaps, or there is none; a fresh one shows seams from far away"
COARSE = f"the picture shows more detail than {SIDES[-1]} pixels a side hold"
GLOSS = "highlights and reflections are not baked: the viewer's light makes them"


class Base(NamedTuple):
    """A material's base colour: a picture, where there is one, by the map ``uv`` ("": the active one), times ``colour``, linear.

    ``placed``: (2, 3), where in the picture the map's coordinates lie.
    """

    shader: Node
    image: Node | None
    uv: str
    colour: tuple[float, float, float]
    placed: np.ndarray = np.eye(2, 3)


class Surface(NamedTuple):
    """What a part's texture is for. ``side``: pixels. ``area``: square metres. ``is_coarse``: its picture had more detail."""

    is_fresh: bool
    side: int
    area: float
    is_coarse: bool


@dataclass(frozen=True)
class Written:
    """``seen``: share of the baked surface that the stills see, 0..1. ``losses``: what the file does not have, one clause each."""

    file: Path
    seen: float
    losses: tuple[str, ...]


def export_photoreal(folder: RunFolder, worker: ImageWorker) -> Steps[Written]:
    """Write the product as it stands in the scene to RUN/model/photoreal.glb, what is lost beside it in photoreal.json.

    Raises BadInput where no still lends a look, ConsistencyError where the file can't be written.
    """
    lend = [plain(lender) for lender in of_run(folder)]
    if not lend:
        raise BadInput("no still of this run lends its look: finished renders and pictures off model don't; make stills at fal.ai, then export again")  # fmt: skip
    out = folder.product.with_name(NAME)
    losses: dict[str, dict[str, None]] = {}
    points = product_points()
    size = float(np.linalg.norm(np.ptp(points, axis=0))) / 2.0 or 1.0
    seen: list[tuple[float, float]] = []
    with _parts() as parts, tempfile.TemporaryDirectory(prefix="consistency-") as scratch:
        jobs = [(part, slot) for part in parts for slot in range(len(part.data.materials))]
        for number, (part, slot) in enumerate(jobs):
            material = part.data.materials[slot]
            base = _base(material)
            triangles = _triangles(part, slot)
            if base is None or not len(triangles):
                if len(triangles):
                    losses.setdefault(BY_NODES, {})[material.name] = None
                continue
            text = f"baking {material.name}, {number + 1} of {len(jobs)}"
            yield Progress(Stage.RESULTS, text, number / len(jobs))
            surface, picture = Path(scratch, "surface.npz"), Path(scratch, f"{number:04d}.png")
            found = _write_surface(part, slot, triangles, base, surface)
            for is_lost, loss in ((found.is_fresh, NEW_MAP), (found.is_coarse, COARSE)):
                if is_lost:
                    losses.setdefault(loss, {})[part.name] = None
            told: JsonObject = yield from worker.do(
                Task.TEXTURE,
                Progress(Stage.RESULTS, text, number / len(jobs)),
                surface=str(surface), out=str(picture), side=found.side, size=size, lenders=lend,
                colour=[*base.colour, float(base.shader.inputs["Alpha"].default_value)],
            )  # fmt: skip
            seen.append((told["seen"], found.area))
            _put(part, slot, base, picture, FRESH if found.is_fresh else base.uv)
        yield Progress(Stage.RESULTS, f"writing {out.name}", 0.95)
        write_glb(parts, out)
    whole = sum(area for _, area in seen)
    share = sum(each * area for each, area in seen) / whole if whole else 0.0
    said = [LIGHT, GLOSS, *(f"{in_words(list(of), 'and')}: {loss}" for loss, of in losses.items())]
    if share < 0.995:
        said.append(f"{1 - share:.0%} of the surface no still sees: it is tinted like what lies around")
    write_json(out.with_suffix(".json"), {"seen": round(share, 4), "losses": said, "look_of": [each["angle"] for each in lend]})  # fmt: skip
    return Written(out, share, tuple(said))


@contextmanager
def _parts() -> Iterator[list[Object]]:
    """The product's parts with meshes and materials of their own, gone in the end with all that was made for them."""
    before = {kind: set(getattr(bpy.data, kind)) for kind in ("materials", "images", "meshes")}
    parts = [part for part in product_parts(product_root()) if part.type == "MESH"]
    try:
        for part in parts:
            if part.data.users > 1:
                part.data = part.data.copy()
            if not part.data.materials:
                part.data.materials.append(None)
            for slot, material in enumerate(part.data.materials):
                part.data.materials[slot] = _plain_material() if material is None else material.copy()
        yield parts
    finally:
        remove_objects(parts)
        for kind, there in before.items():
            bpy.data.batch_remove([each for each in getattr(bpy.data, kind) if each not in there and not each.users])


def _plain_material() -> Material:
    """What Blender shows where there is no material."""
    material = bpy.data.materials.new("plain")
    if material.node_tree is None:
        material.use_nodes = True
    return material


def _base(material: Material) -> Base | None:
    """None where it is neither a picture nor a colour, nor the one times the other."""
    nodes = [] if material.node_tree is None else list(material.node_tree.nodes)
    shader = next((node for node in nodes if node.type == "BSDF_PRINCIPLED"), None)
    if shader is None:
        return None
    socket: Any = shader.inputs["Base Color"]
    if not socket.is_linked:
        return Base(shader, None, "", tuple(socket.default_value[:3]))
    node, colour = socket.links[0].from_node, (1.0, 1.0, 1.0)
    if node.type == "MIX" and node.data_type == "RGBA" and node.blend_type == "MULTIPLY":
        factor, first, second = (socket for socket in node.inputs if socket.enabled)
        plain_side = next((each for each in (first, second) if not each.is_linked), None)
        if factor.is_linked or factor.default_value != 1.0 or plain_side is None:
            return None
        colour = tuple(plain_side.default_value[:3])
        other = second if plain_side == first else first
        if not other.is_linked:
            return Base(shader, None, "", tuple(a * b for a, b in zip(colour, other.default_value[:3], strict=True)))
        node = other.links[0].from_node
    if node.type != "TEX_IMAGE" or node.image is None or node.image.source != "FILE" or node.extension not in BORDERS:
        return None
    if 0 in tuple(node.image.size) or node.projection != "FLAT":
        return None
    placed, vector = np.eye(2, 3), node.inputs["Vector"]
    if vector.is_linked and vector.links[0].from_node.type == "MAPPING":
        mapping = vector.links[0].from_node
        found = _placed(mapping)
        if found is None:
            return None
        placed, vector = found, mapping.inputs["Vector"]
    if not vector.is_linked:
        return Base(shader, node, "", colour, placed)
    of = vector.links[0].from_node
    return Base(shader, node, of.uv_map, colour, placed) if of.type == "UVMAP" else None


def _placed(mapping: Any) -> np.ndarray | None:
    """(2, 3) of a Mapping node that moves a picture within its plane, as glTF's importer makes one; None of any other."""
    if mapping.vector_type != "POINT" or any(socket.is_linked for socket in list(mapping.inputs)[1:]):
        return None
    place, turn, scale = (tuple(mapping.inputs[name].default_value) for name in ("Location", "Rotation", "Scale"))
    if max(abs(turn[0]), abs(turn[1])) > 1e-6:
        return None
    sine, cosine = np.sin(turn[2]), np.cos(turn[2])
    turned = np.array([[cosine, -sine], [sine, cosine]]) @ np.diag(scale[:2])
    return np.column_stack([turned, place[:2]])


def _triangles(part: Object, slot: int) -> np.ndarray:
    """(T, 3) corners of the triangles of a material slot."""
    mesh: Mesh = part.data
    mesh.calc_loop_triangles()
    count = len(mesh.loop_triangles)
    corners, owners = np.empty(count * 3, np.int32), np.empty(count, np.int32)
    mesh.loop_triangles.foreach_get("loops", corners)
    mesh.loop_triangles.foreach_get("material_index", owners)
    return corners.reshape(-1, 3)[np.clip(owners, 0, max(0, len(mesh.materials) - 1)) == slot]


def _write_surface(part: Object, slot: int, triangles: np.ndarray, base: Base, out: Path) -> Surface:
    """Write what the worker bakes from. ``triangles``: (T, 3) corners of those of the material slot."""
    mesh: Mesh = part.data
    matrix = np.array(part.matrix_world)
    places, vertices = np.empty(len(mesh.vertices) * 3, np.float32), np.empty(len(mesh.loops), np.int32)
    normals = np.empty(len(mesh.loops) * 3, np.float32)
    mesh.vertices.foreach_get("co", places)
    mesh.loops.foreach_get("vertex_index", vertices)
    mesh.corner_normals.foreach_get("vector", normals)
    world = (places.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3])[vertices]
    upright = normals.reshape(-1, 3) @ np.linalg.inv(matrix[:3, :3])
    if is_inside_out(world[triangles], upright[triangles].mean(axis=1)):
        upright = -upright
    arrays: dict[str, np.ndarray] = {"points": world[triangles], "normals": upright[triangles]}
    own, wanted = _map(mesh, base.uv), float(FOR_PLAIN)
    is_fresh = own is None or not texture.is_usable(own[triangles])
    if base.image is not None and own is not None:
        shown = own[triangles] @ base.placed[:, :2].T + base.placed[:, 2]
        arrays |= {"base": _pixels(base.image.image), "base_uv": _within(shown, base.image)}
        wanted = _detail(shown, base, is_fresh=is_fresh)
    sides = [side for side in SIDES if side >= wanted] or [SIDES[-1]]
    side = sides[0]
    if is_fresh:
        own, side = _fresh_map(mesh, world, slot, sides)
    assert own is not None
    arrays["uv"] = own[triangles]
    np.savez(out, **arrays)
    along, across = (world[triangles[:, corner]] - world[triangles[:, 0]] for corner in (1, 2))
    area = np.linalg.norm(np.cross(along, across), axis=1).sum() / 2.0
    return Surface(is_fresh, side, float(area), wanted > 1.5 * side)


def _map(mesh: Mesh, name: str) -> np.ndarray | None:
    """(L, 2) of the map of that name, the one that renders use where it is ""."""
    layers = [layer for layer in mesh.uv_layers if layer.name != FRESH]
    layer = next((each for each in layers if (each.name == name if name else each.active_render)), None)
    return None if layer is None else _map_of(mesh, layer.name)


def _map_of(mesh: Mesh, name: str) -> np.ndarray | None:
    if name not in mesh.uv_layers:
        return None
    uv = np.empty(len(mesh.loops) * 2, np.float32)
    mesh.uv_layers[name].uv.foreach_get("vector", uv)
    return uv.reshape(-1, 2)


def _within(uv: np.ndarray, image: Node) -> np.ndarray:
    """``uv`` (…, 2) where the node shows the picture's own pixels, for a look-up that repeats it."""
    if image.extension == "EXTEND":
        half = 0.5 / np.array(tuple(image.image.size))
        return np.clip(uv, half, 1.0 - half)
    if image.extension == "MIRROR":
        return 1.0 - np.abs(uv % 2.0 - 1.0)
    return uv


def _detail(shown: np.ndarray, base: Base, *, is_fresh: bool) -> float:
    """The pixels of a side that hold what the picture shows of itself on the triangles ``shown`` (T, 3, 2)."""
    size = np.array(tuple(base.image.image.size), np.float64)
    if not is_fresh:
        return float((size * np.maximum(1.0, np.linalg.norm(base.placed[:, :2], axis=1))).max())
    one, other = (np.nan_to_num(shown[:, corner] - shown[:, 0]) * size for corner in (1, 2))
    texels = np.abs(one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]).sum() / 2.0
    return float(np.clip(np.sqrt(texels / unwrap.PACKED), 1.0, 1e6))


def _fresh_map(mesh: Mesh, world: np.ndarray, slot: int, sides: list[int]) -> tuple[np.ndarray, int]:
    """(L, 2), for the faces of a material slot, also in a map of the mesh; and the side of the texture that it is for."""
    starts, totals = np.empty(len(mesh.polygons), np.int32), np.empty(len(mesh.polygons), np.int32)
    slots = np.empty(len(mesh.polygons), np.int32)
    mesh.polygons.foreach_get("loop_start", starts)
    mesh.polygons.foreach_get("loop_total", totals)
    mesh.polygons.foreach_get("material_index", slots)
    mine = np.clip(slots, 0, max(0, len(mesh.materials) - 1)) == slot
    corners = np.repeat(mine, totals)  # a mesh keeps its corners face by face
    uv = _map_of(mesh, FRESH)
    if uv is None:
        mesh.uv_layers.new(name=FRESH, do_init=False)
        uv = np.zeros((len(mesh.loops), 2), np.float32)
    own_starts = np.cumsum(totals[mine]) - totals[mine]
    uv[corners], side = unwrap.unwrapped(world[corners], own_starts, totals[mine], sides)
    mesh.uv_layers[FRESH].uv.foreach_set("vector", uv.ravel())
    return uv, side


def _pixels(image: Image) -> np.ndarray:
    """(H, W, 4) sRGB 0..1 in rows from below."""
    width, height = image.size
    pixels = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(pixels)
    found = pixels.reshape(height, width, 4)
    if image.is_float or image.colorspace_settings.is_data:
        linear = np.clip(found[..., :3], 0.0, 1.0)
        found[..., :3] = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)  # fmt: skip
    return found


def _put(part: Object, slot: int, base: Base, picture: Path, uv: str) -> None:
    """The picture as the base colour of the part's material, and as its alpha where the one before was."""
    material = part.data.materials[slot]
    nodes, links = material.node_tree.nodes, material.node_tree.links
    image = bpy.data.images.load(str(picture))
    image.name = f"{material.name} photoreal"
    image.pack()
    node = nodes.new("ShaderNodeTexImage")
    node.image = image
    if uv:
        place = nodes.new("ShaderNodeUVMap")
        place.uv_map = uv
        links.new(place.outputs["UV"], node.inputs["Vector"])
    links.new(node.outputs["Color"], base.shader.inputs["Base Color"])
    if base.image is not None:  # also where what is cut out by it is asked of nodes between
        for link in list(base.image.outputs["Alpha"].links):
            links.new(node.outputs["Alpha"], link.to_socket)


def show_beside(file: Path) -> list[Object]:
    """The exported model beside the product, to be looked at: in no render, and gone with the run's results."""
    points, home = product_points(), collection(names.RESULTS)
    remove_objects([thing for thing in home.objects if PREVIEW in thing])
    with scratch_scene() as scene:
        shown = import_gltf(file, scene, [])
        for thing in shown:
            home.objects.link(thing)
            thing[PREVIEW], thing.hide_render = True, True
            if thing.parent is None:
                thing.location.x += 1.3 * float(np.ptp(points[:, 0]))
    return shown
