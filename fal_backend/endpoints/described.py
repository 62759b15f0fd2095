# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""An endpoint that the catalogue doesn't know, by fal's own description of it: its fields, choices, ranges and words.

They say what to fill in and what a panel shows. Nothing is refused by them here: that is decided when fal has been asked
twice (``descriptions``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ConfigDict, Field, create_model

from ...pipeline.json_object import JsonObject
from .base import Endpoint, Inputs, Result, Role
from .input_schema import Node, allowed
from .usual import UNKNOWN

KINDS = {"string": str, "integer": int, "number": float, "boolean": bool, "array": list[Any]}
SECONDS = re.compile(r"\d{1,3}s?")


class _Open(Inputs):
    model_config = ConfigDict(extra="allow")


@dataclass(frozen=True)
class Described(Endpoint):
    known: bool = False

    def validate(self, arguments: Mapping[str, Any]) -> JsonObject:
        return dict(arguments)

    def defaults(self) -> JsonObject:
        """Only what counts for a price, where it is what it should be."""
        found = {name: value for name, value in super().defaults().items() if name in ("duration", "num_images")}
        if not SECONDS.fullmatch(str(found.get("duration", "5"))):
            del found["duration"]
        if found.get("num_images", 1) not in range(1, 17):
            del found["num_images"]
        return found


def described(endpoint_id: str, role: Role, node: Node) -> Endpoint:
    """``node``: its input, as ``input_schema.read`` gives it."""
    fields: dict[str, Any] = {
        name: _field(each, name in node["required"]) for name, each in node["fields"].items() if _is_usable(name)
    }
    model = create_model("Described", __base__=_Open, **fields)
    return Described(endpoint_id, role, endpoint_id, model, Result, UNKNOWN)


def _is_usable(name: str) -> bool:
    return name.isascii() and name.isidentifier() and not name.startswith("_") and not hasattr(Inputs, name)


def _field(node: Node, is_required: bool) -> tuple[Any, Any]:
    inner = [each for each in node.get("any", ()) if each.get("types") != ["null"]]
    facts = {**inner[0], **{n: v for n, v in node.items() if n != "any"}} if len(inner) == 1 else node
    kind = _kind(facts)
    limits = {}
    if kind in (int, float):
        limits = {ours: facts[name] for name, ours in (("least", "ge"), ("most", "le")) if name in facts}
    words = "; ".join(filter(None, (facts.get("text", ""), allowed(facts) if kind is Any else "")))
    default = ... if is_required else facts.get("default")
    return (kind if is_required else kind | None), Field(default, description=words or None, **limits)


def _kind(node: Node) -> Any:
    if "any" in node:
        return Any
    if "choices" in node:
        named = tuple(choice for choice in node["choices"] if isinstance(choice, str))
        return Literal[named] if named and len(named) == len([c for c in node["choices"] if c is not None]) else Any
    kinds = [kind for kind in node.get("types", ()) if kind != "null"]
    return KINDS.get(kinds[0], Any) if len(kinds) == 1 else Any
