# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an endpoint takes by fal's own word: its OpenAPI document, cut down to facts that arguments can be held against.

The document comes from outside, so only what it says plainly counts. What is not understood, too deep, too long or
contradicts itself allows everything: an empty enum, a least value above the largest, a default outside its own range, a
required field that has a default or is not among the fields. Patterns are never run, and references never leave the
document. Plain JSON in and out: a ``Node`` is kept on disk as it is.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...pipeline.json_object import JsonObject

DEEPEST = 8  # objects within objects, references and alternatives
MOST_NODES = 4000
MOST_CHOICES = 2000
MOST_FIELDS = 300
LONGEST_NAME = 80
LONGEST_TEXT = 400  # characters of a description
TYPES = ("string", "number", "integer", "boolean", "array", "object", "null")
LIMITS = {
    "minimum": "least",
    "maximum": "most",
    "exclusiveMinimum": "above",
    "exclusiveMaximum": "below",
    "minLength": "shortest",
    "maxLength": "longest",
    "minItems": "fewest",
    "maxItems": "most_items",
}
PAIRS = (("least", "most"), ("shortest", "longest"), ("fewest", "most_items"))

Node = JsonObject  # keys: types, choices, the values of LIMITS, items, fields, required, open, any, default, text


@dataclass(frozen=True)
class Objection:
    """What fal's description says against an argument. ``field``: its name at the top; ``instead``: what it may be called now."""

    field: str
    what: str  # "has no field 'image_url'", "takes duration = '7' no more: it takes one of '5', '10'"
    instead: str = ""


def read(document: Any, endpoint: str) -> Node | None:
    """The input of ``endpoint`` as an OpenAPI 3 document describes it; None where it doesn't, or nothing usable."""
    schema = _input_of(document, endpoint)
    if schema is None:
        return None
    try:
        node = _Reader(document).node(schema, 0)
    except RecursionError:
        return None
    return node if node.get("fields") else None


def _input_of(document: Any, endpoint: str) -> JsonObject | None:
    """The schema of the body that is posted to the endpoint's own path."""
    paths = document.get("paths") if isinstance(document, Mapping) else None
    if not isinstance(paths, Mapping):
        return None
    at = paths.get(f"/{endpoint}")
    body: Any = at.get("post") if isinstance(at, Mapping) else None
    for name in ("requestBody", "content", "application/json", "schema"):
        body = body.get(name) if isinstance(body, Mapping) else None
    return body if isinstance(body, dict) else None


class _Reader:
    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._left = MOST_NODES

    def node(self, schema: Any, depth: int) -> Node:
        """What ``schema`` plainly says; empty where that is nothing."""
        self._left -= 1
        schema = self._followed(schema)
        if schema is None or depth > DEEPEST or self._left < 0:
            return {}
        found = self._own(schema, depth)
        for part in _list(schema.get("allOf"))[:20]:
            found = _both(found, self.node(part, depth + 1))
        alternatives = _list(schema.get("anyOf")) or _list(schema.get("oneOf"))
        if alternatives:
            members = [self.node(each, depth + 1) for each in alternatives[:30]]
            if all(members) and len(alternatives) <= 30:
                found["any"] = members
        return _coherent(found)

    def _own(self, schema: Mapping[str, Any], depth: int) -> Node:
        found: Node = {}
        kinds = schema.get("type")
        types = [kind for kind in (kinds if isinstance(kinds, list) else [kinds]) if kind in TYPES]
        if types and (not isinstance(kinds, list) or len(types) == len(kinds)):
            found["types"] = types + (["null"] if schema.get("nullable") is True else [])
        choices = [schema["const"]] if "const" in schema else _list(schema.get("enum"))
        if choices and len(choices) <= MOST_CHOICES and all(_is_scalar(choice) for choice in choices):
            found["choices"] = choices
        for name, kept in LIMITS.items():
            value = schema.get(name)
            if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
                found[kept] = value
        if _is_plain(schema.get("default")) and "default" in schema:
            found["default"] = schema["default"]
        words = schema.get("description")
        if isinstance(words, str) and words.strip():
            found["text"] = " ".join(words.split())[:LONGEST_TEXT]
        if isinstance(schema.get("items"), Mapping):
            found["items"] = self.node(schema["items"], depth + 1)
        return found | self._members(schema, depth)

    def _members(self, schema: Mapping[str, Any], depth: int) -> Node:
        members = schema.get("properties")
        if not isinstance(members, Mapping) or not 0 < len(members) <= MOST_FIELDS:
            return {}
        names = [name for name in members if isinstance(name, str) and 0 < len(name) <= LONGEST_NAME]
        if len(names) != len(members):
            return {}
        fields = {name: self.node(members[name], depth + 1) for name in names}
        required = [name for name in _list(schema.get("required")) if isinstance(name, str) and name in fields]
        other = schema.get("additionalProperties", False)
        return {"fields": fields, "required": required, "open": other is not False}

    def _followed(self, schema: Any) -> Mapping[str, Any] | None:
        """``schema``, or what its reference inside the document leads to."""
        for _ in range(DEEPEST):
            if not isinstance(schema, Mapping):
                return None
            target = schema.get("$ref")
            if target is None:
                return schema
            if not isinstance(target, str) or not target.startswith("#/"):
                return None
            found: Any = self._document
            for name in target[2:].split("/"):
                found = found.get(name.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
            schema = found
        return None


def _both(one: Node, other: Node) -> Node:
    """What both say; the fields of both."""
    merged = {**other, **one}
    if "fields" in one or "fields" in other:
        merged["fields"] = {**other.get("fields", {}), **one.get("fields", {})}
        merged["required"] = [*one.get("required", ()), *other.get("required", ())]
        merged["open"] = bool(one.get("open") or other.get("open"))
    return merged


def _coherent(node: Node) -> Node:
    """``node`` without what contradicts itself."""
    for low, high in PAIRS:
        if low in node and high in node and node[low] > node[high]:
            del node[low], node[high]
    default = node.get("default")
    if default is not None and next(_against(default, {k: v for k, v in node.items() if k != "default"}, ""), None):
        node = {name: node[name] for name in ("default", "text") if name in node}
    if "fields" in node:
        fields = node["fields"]
        node["required"] = [name for name in dict.fromkeys(node["required"]) if "default" not in fields[name]]
    return node


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float, bool))


def _is_plain(value: Any) -> bool:
    """Small, and nothing but JSON."""
    return _is_scalar(value) or (isinstance(value, (list, dict)) and len(json.dumps(value, default=str)) <= 2000)


# arguments against a node


def objection(node: Node, arguments: Mapping[str, Any]) -> Objection | None:
    """The first thing that the endpoint would not take, or would take no notice of; None where there is none.

    A file that is still to be uploaded (``{"$file": …}``) stands for its address.
    """
    fields = node["fields"]
    missing = [name for name in node["required"] if arguments.get(name) is None]
    unknown = [name for name in arguments if name not in fields] if not node["open"] else []
    if unknown:
        near = difflib.get_close_matches(unknown[0], missing or fields, n=1, cutoff=0.55)
        instead = near[0] if near else missing[0] if len(missing) == 1 else ""
        return Objection(unknown[0], f"has no field {unknown[0]!r}", instead)
    if missing:
        text = fields[missing[0]].get("text", "")
        return Objection(missing[0], f"needs a field {missing[0]!r}{f' ({_short(text)})' if text else ''}")
    for name, value in arguments.items():
        if name in fields and (found := next(_against(value, fields[name], name), None)):
            return Objection(name, found)
    return None


def _against(value: Any, node: Node, name: str) -> Iterator[str]:
    """What ``node`` has against ``value``. pydantic's leniencies are kept: "5" is a number, and 1 is true."""
    if value is None or not node:
        return
    if "any" in node and all(next(_against(value, each, name), None) for each in node["any"]):
        yield f"doesn't take {_said(name, value)}{_takes(node)}"
        return
    is_file = isinstance(value, Mapping) and "$file" in value
    plain = "" if is_file else value
    if "types" in node and not any(_is_of(plain, kind) for kind in node["types"]):
        yield f"doesn't take {_said(name, value)}{_takes(node)}"
        return
    if is_file:
        return
    if "choices" in node and not any(_same(value, choice) for choice in node["choices"]):
        yield f"doesn't take {_said(name, value)}{_takes(node)}"
        return
    if _outside(value, node):
        yield f"doesn't take {_said(name, value)}{_takes(node)}"
        return
    if isinstance(value, Mapping) and "fields" in node:
        yield from _against_members(value, node, name)
    if isinstance(value, list) and "items" in node:
        for number, item in enumerate(value):
            yield from _against(item, node["items"], f"{name}[{number}]")


def _against_members(value: Mapping[str, Any], node: Node, name: str) -> Iterator[str]:
    for member in value:
        if member not in node["fields"] and not node["open"]:
            yield f"has no field {f'{name}.{member}'!r}"
    for member in node["required"]:
        if value.get(member) is None:
            yield f"needs a field {f'{name}.{member}'!r}"
    for member, inner in node["fields"].items():
        yield from _against(value.get(member), inner, f"{name}.{member}")


def _is_of(value: Any, kind: str) -> bool:
    match kind:
        case "string":
            return isinstance(value, str)
        case "number" | "integer":
            return _number(value) is not None and (kind == "number" or float(_number(value) or 0.0).is_integer())
        case "boolean":
            return value in (True, False, 0, 1) or str(value).lower() in ("true", "false")
        case "array":
            return isinstance(value, (list, tuple))
        case "object":
            return isinstance(value, Mapping)
    return value is None


def _number(value: Any) -> float | None:
    if isinstance(value, (Mapping, list, tuple)) or value is None:
        return None
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _same(value: Any, choice: Any) -> bool:
    is_number = all(isinstance(each, (int, float)) and not isinstance(each, bool) for each in (value, choice))
    return bool(value == choice and (is_number or type(value) is type(choice)))


def _outside(value: Any, node: Node) -> bool:
    if isinstance(value, str) and "choices" not in node:
        if not node.get("shortest", 0) <= len(value) <= node.get("longest", math.inf):
            return True
        if not {"number", "integer"} & set(node.get("types", ())):
            return False
    if isinstance(value, (list, tuple)):
        return not node.get("fewest", 0) <= len(value) <= node.get("most_items", math.inf)
    number = None if isinstance(value, bool) else _number(value)
    if number is None:
        return False
    if not node.get("least", -math.inf) <= number <= node.get("most", math.inf):
        return True
    return not node.get("above", -math.inf) < number < node.get("below", math.inf)


def _said(name: str, value: Any) -> str:
    if isinstance(value, Mapping) and "$file" in value:
        return f"a file for {name}"
    text = repr(value)
    return f"{name} = {text if len(text) <= 60 else text[:57] + '…'}"


def _takes(node: Node) -> str:
    words = allowed(node)
    return f"; it takes {words}" if words else ""


def allowed(node: Node) -> str:
    """What a node takes, in words: "a number from 1 to 20", "one of jpeg, png"; empty where it doesn't say."""
    if "any" in node:
        return " or ".join(filter(None, dict.fromkeys(allowed(each) for each in node["any"])))
    if "choices" in node:
        shown = [str(choice) for choice in node["choices"] if choice is not None]
        return "one of " + ", ".join(choice or '""' for choice in shown[:12]) + (" …" if len(shown) > 12 else "")
    types = [kind for kind in node.get("types", ()) if kind != "null"]
    words = {"string": "text", "number": "a number", "integer": "a whole number", "boolean": "true or false"}
    words |= {"array": "a list", "object": "an object"}
    said = " or ".join(words[kind] for kind in types)
    for low, high, unit in (
        ("least", "most", ""),
        ("above", "below", ""),
        ("shortest", "longest", " characters"),
        ("fewest", "most_items", " entries"),
    ):
        if low in node and high in node:
            said += f" from {node[low]:g} to {node[high]:g}{unit}"
        elif high in node:
            said += f" of at most {node[high]:g}{unit}"
        elif node.get(low):
            said += f" from {node[low]:g}{unit} up"
    return said


def _short(text: str) -> str:
    return text if len(text) <= 90 else text[:87] + "…"
