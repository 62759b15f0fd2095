# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""An endpoint's own fields, as its pydantic model declares them; only those that were changed are kept and sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

import bpy
from bpy.props import StringProperty

if TYPE_CHECKING:
    from bpy.types import Context
    from pydantic.fields import FieldInfo

    from ...fal_backend.endpoints.base import Endpoint, Role

VALUE = "value"  # the custom property of an entry that holds its value, with the field's own range and description
NOT_OURS = {"sync_mode", "num_images", "max_images"}  # they would lose or multiply what is paid for


class CONSISTENCY_PG_parameter(bpy.types.PropertyGroup):
    endpoint: StringProperty(name="Endpoint", description="Id of the endpoint that the field is of")
    field: StringProperty(name="Field", description="Name of the field, as the endpoint has it")
    kind: StringProperty(name="Kind", description="int, float, bool, choice, text or json")


def endpoint_property(role: Role, name: str, description: str, default: str = "") -> StringProperty:
    """A text field for any endpoint's id, which suggests the ids of a role."""

    def ids(_self: Any, _context: Context, edit_text: str) -> list[tuple[str, str]]:
        from ...fal_backend.endpoints.catalogue import of_role
        from ...fal_backend.roster import kept

        wanted = edit_text.lower()
        known = [(end.id, f"{end.label}, {end.price.in_words}") for end in of_role(role) if not end.retired]
        listed = [(model.id, f"{model.name}, {model.updated}") for model in kept().new if model.stage == role]
        return [(name, words) for name, words in known + listed if wanted in f"{name} {words}".lower()]

    return StringProperty(
        name=name, description=description, default=default, search=ids, search_options={"SUGGESTION"}
    )


def find(endpoint_id: str, role: Role) -> Endpoint:
    """Raises UsageError for an id that can't be one."""
    from ...fal_backend.endpoints.catalogue import find as find_endpoint

    return find_endpoint(endpoint_id, role)


def own_fields(endpoint: Endpoint) -> dict[str, FieldInfo]:
    """The fields that a user may set: those that the pipeline doesn't fill by itself."""
    filled = {"prompt", "seed", "image_url", "image_urls", "start_image_url", "end_image_url", "elements", "duration"}
    return {
        name: field
        for name, field in endpoint.Input.model_fields.items()
        if name not in NOT_OURS and name not in filled and not name.endswith("_url")
    }


def kind_of(field: FieldInfo) -> Literal["int", "float", "bool", "choice", "text", "json"]:
    from ...fal_backend.endpoints.check import choices, members_of

    members = {member for member in members_of(field.annotation) if member is not type(None)}
    if choices(field.annotation) and not members & {int, float}:
        return "choice" if str not in members else "text"
    for kind, name in ((bool, "bool"), (int, "int"), (float, "float"), (str, "text")):
        if members == {kind}:
            return name  # type: ignore[return-value]
    return "json"


def limits(field: FieldInfo) -> dict[str, float]:
    """``min`` and ``max`` where the model has them."""
    found: dict[str, float] = {}
    for limit in field.metadata:
        for name, side in (("ge", "min"), ("gt", "min"), ("le", "max"), ("lt", "max")):
            if getattr(limit, name, None) is not None:
                found[side] = getattr(limit, name)
    return found


def describe(field: FieldInfo) -> str:
    """The field's description and what it accepts, for a tooltip."""
    from ...fal_backend.endpoints.check import allowed

    return f"{field.description or ''}; {allowed(field)}".strip("; ").capitalize()


def add(scene: bpy.types.Scene, endpoint: Endpoint, name: str) -> CONSISTENCY_PG_parameter:
    """Begin to override a field, from its default on; an entry that is there already is returned as it is."""
    entries = scene.consistency.parameters
    for entry in entries:
        if (entry.endpoint, entry.field) == (endpoint.id, name):
            return entry
    field = endpoint.Input.model_fields[name]
    default = None if field.is_required() else field.get_default(call_default_factory=True)
    return _new(scene, endpoint.id, name, kind_of(field), default, field)


def _new(
    scene: bpy.types.Scene, endpoint_id: str, name: str, kind: str, value: Any, field: FieldInfo | None
) -> CONSISTENCY_PG_parameter:
    entry = scene.consistency.parameters.add()
    entry.endpoint, entry.field, entry.kind = endpoint_id, name, kind
    facts: dict[str, Any] = {"description": describe(field) if field else "A field of the endpoint, as JSON"}
    if kind == "choice":
        from ...fal_backend.endpoints.check import choices

        ids = choices(field.annotation) if field else ()
        entry[VALUE] = ids.index(value) if value in ids else 0
        facts["items"] = [(choice or " ", choice or "(empty)", "", 0, number) for number, choice in enumerate(ids)]
    elif kind in ("int", "float"):
        whole = {"int": int, "float": float}[kind]
        bounds = limits(field) if field else {}
        entry[VALUE] = whole(value if value is not None else bounds.get("min", 0))
        for side, bound in bounds.items():
            facts |= {side: whole(bound), f"soft_{side}": whole(bound)}
    elif kind == "bool":
        entry[VALUE] = bool(value)
    else:
        entry[VALUE] = json.dumps(value) if kind == "json" else str(value or "")
    entry.id_properties_ui(VALUE).update(**facts)
    return entry


def value_of(entry: CONSISTENCY_PG_parameter) -> Any:
    """The entry's value as the endpoint takes it; JSON that isn't any is sent as words, for the check to refuse."""
    value = entry.get(VALUE)
    if entry.kind == "choice":
        items = entry.id_properties_ui(VALUE).as_dict().get("items", [])
        return next((item[0].strip() for item in items if item[-1] == value), "")
    if entry.kind == "json":
        try:
            return json.loads(value)
        except ValueError:
            return value
    return bool(value) if entry.kind == "bool" else value


def to_overrides(scene: bpy.types.Scene) -> dict[str, dict[str, Any]]:
    """Endpoint id → its changed fields."""
    overrides: dict[str, dict[str, Any]] = {}
    for entry in scene.consistency.parameters:
        overrides.setdefault(entry.endpoint, {})[entry.field] = value_of(entry)
    return overrides


def from_overrides(scene: bpy.types.Scene, overrides: dict[str, dict[str, Any]]) -> None:
    """Replace the entries. A field that neither the catalogue nor fal's description knows is kept as JSON."""
    from ...fal_backend.endpoints.base import Role
    from ...fal_backend.endpoints.catalogue import CATALOGUE, by_description

    scene.consistency.parameters.clear()
    for endpoint_id, values in overrides.items():
        known = CATALOGUE.get(endpoint_id) or by_description(
            endpoint_id, Role.PHOTOREAL
        )  # its fields, whatever it makes
        for name, value in values.items():
            field = known.Input.model_fields.get(name)
            kind = kind_of(field) if field is not None and value is not None else "json"
            _new(scene, endpoint_id, name, kind, value, field)


CLASSES = (CONSISTENCY_PG_parameter,)
