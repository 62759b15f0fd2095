"""Which references no longer show the product as it stands: what they were rendered from, as short hashes."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import bpy

if TYPE_CHECKING:
    from ..pipeline.rig import Angle
    from ..pipeline.run_folder import RunFolder
    from ..pipeline.settings import RunSettings

RECORD = "rendered_from"  # in run.json: angle → cause → hash
WORDS = {
    "camera": "camera moved",
    "light": "light changed",
    "picture": "size or samples changed",
    "mesh": "mesh changed",
    "material": "material changed",
}


def _hash(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value, sort_keys=True, default=str).encode()
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def of_settings(settings: RunSettings, angle: Angle) -> dict[str, str]:
    """Hashes of what the settings say about an angle's picture."""
    camera = angle.model_dump(exclude={"prompt"})
    if settings.one_scale:
        camera["others"] = [other.model_dump(exclude={"prompt"}) for other in settings.angles]
    light = settings.model_dump(include={"lighting", "light_rig", "backdrop", "shadow", "view_transform"})
    return {
        "camera": _hash(camera),
        "light": _hash(light),
        "picture": _hash([settings.resolution, settings.samples]),
    }


def of_product() -> dict[str, str]:
    """Hashes of the product's mesh and materials as they stand in the scene; none where there is no product."""
    from ..pipeline.errors import ConsistencyError
    from ..studio import model

    try:
        root = model.product_root()
        points = model.product_points()
    except ConsistencyError:
        return {}
    return {"mesh": _hash(points.round(6).tobytes()), "material": _hash([_material(m) for m in _materials(root)])}


def _materials(root: bpy.types.Object) -> list[bpy.types.Material]:
    found: dict[str, bpy.types.Material] = {}
    for thing in root.children_recursive:
        members = thing.instance_collection.all_objects if thing.instance_collection else (thing,)
        for member in members:
            for slot in member.material_slots:
                if slot.material is not None:
                    found[slot.material.name] = slot.material
    return [found[name] for name in sorted(found)]


def _material(material: bpy.types.Material) -> list[Any]:
    """Nodes, their values and links; names of pictures instead of their pixels."""
    tree = material.node_tree
    if tree is None:
        return [material.name, list(material.diffuse_color)]
    nodes = [
        [node.bl_idname, node.name, node.mute, [_value(socket) for socket in node.inputs], getattr(getattr(node, "image", None), "name", "")]
        for node in tree.nodes
    ]  # fmt: skip
    links = sorted([link.from_node.name, link.from_socket.identifier, link.to_node.name, link.to_socket.identifier] for link in tree.links)  # fmt: skip
    return [material.name, nodes, links]


def _value(socket: bpy.types.NodeSocket) -> Any:
    value = getattr(socket, "default_value", None)
    if isinstance(value, float):
        return round(value, 6)
    return (
        [round(part, 6) for part in value] if hasattr(value, "__len__") and not isinstance(value, str) else str(value)
    )


def record(folder: RunFolder, settings: RunSettings, angle: Angle) -> None:
    """Keep what an angle's new reference was rendered from."""
    known = folder.record.get(RECORD, {})
    folder.note(**{RECORD: {**known, angle.name: {**of_settings(settings, angle), **of_product()}}})


def stale_angles(
    folder: RunFolder, settings: RunSettings, product: dict[str, str] | None = None
) -> dict[str, list[str]]:
    """Angle → what changed since its reference was rendered. An angle without a reference isn't stale, but missing.

    ``product``: hashes from ``of_product``, where they are known already.
    """
    product = of_product() if product is None else product
    found: dict[str, list[str]] = {}
    for angle in settings.angles:
        before = folder.record.get(RECORD, {}).get(angle.name)
        if before is None or folder.shot(angle.name) is None:
            continue
        now = {**of_settings(settings, angle), **product}
        changed = [WORDS[cause] for cause, value in now.items() if before.get(cause, value) != value]
        if changed:
            found[angle.name] = changed
    return found
