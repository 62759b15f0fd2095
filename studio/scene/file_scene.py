# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a render of a file's scene shows of solid things, evaluated in that scene, at its own frame.

The parts stay where the file has them: what refers to other parts, to places in the world, or to the file's own camera goes
on meaning the same. What they owe to the scene itself is written down before they leave it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

import bpy
import numpy as np
from bpy.types import ID, Depsgraph, FCurve, Material, Object, Scene, ViewLayer
from mathutils import Matrix
from numpy.typing import NDArray

from ...pipeline.errors import BadInput
from ...pipeline.sentences import no_such_part
from ...pipeline.wording.names import in_words
from .. import compat
from .animation import write_down
from .collections import rendered_objects, shown_scene
from .geometry import DRAWN, MESH_LIKE, SOLID, box_of, seen_by_cameras

LAMP_STRENGTH = 1.5  # an emission of 1 shows a colour as it is; lamps are stronger
APART = 0.05  # shares of the product's size by which a lamp stands away from it
MOVED = 0.01  # share of the size from which a part that leaves its scene has changed

# What is left out though renders do it, by the words that say why.
CATCHER = "only catches shadows"
UNSEEN = "can't be seen by cameras"
HOLDOUT = "is a holdout"
INDIRECT = "shows in reflections only"
LAMP = "is a lamp"
DRAWING = "is a drawing"
HIDDEN = "is hidden from renders"

Boxes = dict[
    tuple[Any, ...], NDArray[np.float64]
]  # of each part and instance: (2, 3) metres, lowest and highest corner


class FileScene(NamedTuple):
    """``objects`` of a file's scene that are the product, or what it hangs on. ``boxes``: where each stood in it. ``fineness``: ``fineness``
    of it."""

    objects: list[Object]
    frame: int
    boxes: Boxes
    fineness: dict[str, float]


def is_part(thing: Object) -> bool:
    """It has a surface, or may show instances of something that has."""
    return thing.type in SOLID or thing.instance_type == "COLLECTION"


def take_scene(
    scene: Scene, file: str, brought: Collection[ID], notes: list[str], leave_out: Collection[str] = ()
) -> FileScene:
    """What a render of ``scene`` shows of solid things. ``file``: the name of where it came from, with all of ``brought``.

    What animations and drivers say at the scene's own frame is written down. Adds a note for what is left out or can't be
    kept. Raises BadInput.
    """
    layer = next((layer for layer in scene.view_layers if layer.use), scene.view_layers[0])
    _leave_out(scene, file, leave_out, notes)
    with shown_scene(scene, layer):
        objects = _solid(scene, layer, file, notes)
        for item in brought:
            if isinstance(item, Object) and item.type in DRAWN:
                for home in item.users_collection:  # instances' collections, too
                    home.objects.unlink(item)
        for thing in objects:
            thing.hide_viewport = False  # renders show it
            show_modifiers_as_rendered(thing)
        # Only now: what is evaluated is made anew for such a change, at the values that the file was saved with.
        scene.frame_set(scene.frame_current, subframe=scene.frame_subframe)
        boxes = boxes_of(objects, bpy.context.evaluated_depsgraph_get())
        simulated = _rigid_bodies(scene, objects)
        write_down(brought, bpy.context.evaluated_depsgraph_get())
        _free_from_scene(brought, scene)
    for thing, matrix in simulated.items():
        thing.matrix_world = matrix
    if layer.material_override is not None:
        notes.append(
            f"the material {layer.material_override.name!r}, which the file's renders put over all others, is left out"
        )
    return FileScene(objects, scene.frame_current, boxes, fineness(scene))


_FINENESS = ("dicing_rate", "offscreen_dicing_scale", "max_subdivisions")


def fineness(scene: Scene) -> dict[str, float]:
    """How finely renders of ``scene`` subdivide what asks for adaptive subdivision; empty where they don't."""
    return {name: getattr(scene.cycles, name) for name in _FINENESS} if compat.subdivides_adaptively(scene) else {}


def set_fineness(scene: Scene, wanted: Mapping[str, float]) -> None:
    """Have renders of ``scene`` subdivide as ``fineness`` of another."""
    compat.set_adaptive_subdivision(scene, on=bool(wanted))
    for name, value in wanted.items():
        setattr(scene.cycles, name, value)


def show_modifiers_as_rendered(thing: Object) -> None:
    """Have the viewport show a modifier where renders do, as finely: framing measures what the viewport shows."""
    for modifier in thing.modifiers:
        modifier.show_viewport = modifier.show_render
        if modifier.type in ("SUBSURF", "MULTIRES"):
            modifier.levels = modifier.render_levels


def boxes_of(objects: Iterable[Object], depsgraph: Depsgraph) -> Boxes:
    """The box of each of ``objects``, and of each instance that it makes, as evaluated.

    Of a curve, a text or the like that of the mesh that it becomes: its own is now with, now without its thickness.
    """
    wanted, found = set(objects), {}
    for instance in depsgraph.object_instances:
        maker = (instance.parent if instance.is_instance else instance.object).original
        if maker in wanted and instance.object.type in SOLID - MESH_LIKE | {"MESH"}:
            key = (maker.session_uid, instance.object.original.session_uid, *instance.persistent_id)
            found[key] = box_of(instance.object, instance.matrix_world)
    return found


def changed(before: Boxes, now: Boxes, objects: Iterable[Object]) -> list[str]:
    """Names of the ``objects`` whose boxes, or whose instances', are no longer those of ``before``."""
    names = {thing.session_uid: thing.name for thing in objects}
    if not before:
        return []
    corners = np.concatenate(list(before.values()))
    limit = MOVED * float(np.linalg.norm(corners.max(axis=0) - corners.min(axis=0)))
    found = {}
    for key in {**before, **now}:
        same = key in before and key in now and np.abs(before[key] - now[key]).max() <= limit
        if not same and key[0] in names:
            found[names[key[0]]] = None
    return list(found)


# what is left out


def _leave_out(scene: Scene, file: str, wanted: Collection[str], notes: list[str]) -> None:
    """Take what the user has named out of every collection: of a group, all that hangs on it; of a part, itself alone."""
    if not wanted:
        return
    things = [*scene.objects, *(thing for home in _instanced(scene.objects) for thing in home.all_objects)]
    gone: set[Object] = set()
    for name in wanted:
        # Beside one of that name in the open file, Blender has called it NAME.001.
        same = [
            thing for thing in things if thing.name == name or re.fullmatch(re.escape(name) + r"\.\d{3,}", thing.name)
        ]
        exact = [thing for thing in same if thing.name == name]
        if not same:
            raise no_such_part(file, name, {thing.name for thing in things if is_part(thing)})
        for thing in exact or same:
            gone |= {thing, *(thing.children_recursive if thing.type == "EMPTY" else ())}
    for thing in gone:
        for home in thing.users_collection:
            home.objects.unlink(thing)
    notes.append(f"left out as asked: {in_words(list(wanted), 'and')}")


def _instanced(things: Iterable[Object]) -> set[bpy.types.Collection]:
    found: set[bpy.types.Collection] = set()
    pending = list(things)
    while pending:
        thing = pending.pop()
        home = thing.instance_collection if thing.instance_type == "COLLECTION" else None
        if home is not None and home not in found:
            found.add(home)
            pending += home.all_objects
    return found


def _solid(scene: Scene, layer: ViewLayer, file: str, notes: list[str]) -> list[Object]:
    """Everything that the scene's renders show of solid things, and what carries it. Raises BadInput where there is none."""
    in_renders = rendered_objects(layer)
    behind = scene.background_set
    while behind is not None:
        in_renders |= rendered_objects(behind.view_layers[0])
        behind = behind.background_set
    shown = [thing for thing in bpy.data.objects if thing in in_renders]
    left: dict[str, list[str]] = {}
    kept, apart = [], 0
    for thing in shown:
        why = _why_not(thing, layer) if thing.type in SOLID | DRAWN or thing.is_instancer else None
        if thing.type in ("CAMERA", "LIGHT", "LIGHT_PROBE", "SPEAKER"):
            apart += 1
        elif why is not None:
            left.setdefault(why, []).append(thing.name)
        else:
            kept.append(thing)
    lamps = _lamps([thing for thing in kept if thing.type in SOLID])
    if lamps:
        left[LAMP] = [thing.name for thing in lamps]
        kept = [thing for thing in kept if thing not in lamps]
    by_instances = {thing for home in _instanced(kept) for thing in home.all_objects}
    hidden = [thing.name for thing in scene.objects if is_part(thing) and thing not in in_renders | by_instances]
    if hidden:
        left[HIDDEN] = hidden
    if not any(is_part(thing) for thing in kept):
        why = "; ".join(f"{in_words(names, 'and')} {_plural(reason, names)}" for reason, names in left.items())
        raise BadInput(
            f"{file} shows nothing solid in renders ({why or 'no part is in its scene'}); "
            "show the product to renders and cameras, then save it again"
        )
    if apart:
        notes.append(f"cameras and lights of the file were left out ({apart})")
    notes += [f"left out: {in_words(names, 'and')}, which {_plural(reason, names)}" for reason, names in left.items()]
    return kept


def _plural(reason: str, names: Collection[str]) -> str:
    if len(names) == 1:
        return reason
    for one, several in (("is a ", "are "), ("is ", "are "), ("catches", "catch"), ("shows", "show")):
        if one in reason:
            return reason.replace(one, several, 1) + ("s" if one == "is a " else "")
    return reason


def _why_not(thing: Object, layer: ViewLayer) -> str | None:
    if thing.type in DRAWN:
        return DRAWING
    if thing.is_shadow_catcher:
        return CATCHER
    if thing.is_holdout or thing.holdout_get(view_layer=layer):
        return HOLDOUT
    if thing.indirect_only_get(view_layer=layer):
        return INDIRECT
    return None if seen_by_cameras(thing) else UNSEEN


def _lamps(things: list[Object]) -> set[Object]:
    """Those whose surface only glows, strongly, away from everything else; none where all glow."""
    glowing = {
        thing
        for thing in things
        if thing.material_slots and all(_is_lamp(slot.material) for slot in thing.material_slots)
    }
    rest = [thing for thing in things if thing not in glowing]
    if not glowing or not rest:
        return set()
    depsgraph = bpy.context.evaluated_depsgraph_get()
    boxes = {thing: box_of(evaluated := thing.evaluated_get(depsgraph), evaluated.matrix_world) for thing in things}
    corners = np.concatenate([boxes[thing] for thing in rest])
    low, high = corners.min(axis=0), corners.max(axis=0)
    margin = APART * float(np.linalg.norm(high - low))
    return {thing for thing in glowing if ((boxes[thing][0] > high + margin) | (boxes[thing][1] < low - margin)).any()}


def _is_lamp(material: Material | None) -> bool:
    """Its surface is made of strong emission alone, apart from what is transparent."""
    if material is None or material.node_tree is None:
        return False
    output = material.node_tree.get_output_node("CYCLES")
    if output is None or not output.inputs["Surface"].is_linked:
        return False
    pending, strongest = [output.inputs["Surface"].links[0].from_node], 0.0
    while pending:
        node = pending.pop()
        if node.type in ("MIX_SHADER", "ADD_SHADER"):
            pending += [link.from_node for socket in node.inputs if socket.type == "SHADER" for link in socket.links]
        elif node.type == "EMISSION":
            strength = node.inputs["Strength"]
            strongest = max(strongest, np.inf if strength.is_linked else float(strength.default_value))
        elif node.type != "BSDF_TRANSPARENT":
            return False
    return strongest > LAMP_STRENGTH


# what belongs to the scene


def _rigid_bodies(scene: Scene, objects: list[Object]) -> dict[Object, Matrix]:
    """Where the scene's physics have put things; outside of it they would fall back to where they began."""
    if scene.rigidbody_world is None:
        return {}
    depsgraph = bpy.context.evaluated_depsgraph_get()
    return {
        thing: thing.evaluated_get(depsgraph).matrix_world.copy()
        for thing in objects
        if thing.rigid_body is not None and thing.parent is None
    }


def _free_from_scene(brought: Iterable[ID], scene: Scene) -> None:
    """Take off the drivers that read ``scene``, or the frame: what they say now stays. It would mean another scene."""
    for item in brought:
        for owner in (item, getattr(item, "node_tree", None)):
            data = getattr(owner, "animation_data", None)
            for curve in list(data.drivers) if data is not None else ():
                if _reads_scene(curve, scene):
                    data.drivers.remove(curve)


def _reads_scene(curve: FCurve, scene: Scene) -> bool:
    driver = curve.driver
    if driver.type == "SCRIPTED" and re.search(r"\b(frame|depsgraph)\b", driver.expression):
        return True
    return any(
        variable.type == "CONTEXT_PROP" or target.id == scene
        for variable in driver.variables
        for target in variable.targets
    )
