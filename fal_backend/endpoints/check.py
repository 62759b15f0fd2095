# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turns what pydantic says about an endpoint's fields into one sentence with the cure."""

from __future__ import annotations

import difflib
import types
import typing
from typing import Any, Literal

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}


def choices(annotation: Any) -> tuple[str, ...]:
    """The strings an annotation allows, in order; empty where it names none."""
    if typing.get_origin(annotation) is Literal:
        return tuple(choice for choice in typing.get_args(annotation) if isinstance(choice, str))
    return tuple(choice for inner in typing.get_args(annotation) for choice in choices(inner))


def numbers(annotation: Any) -> tuple[int, ...]:
    """The whole numbers that an annotation names, in order; empty where it names none."""
    if typing.get_origin(annotation) is Literal:
        return tuple(choice for choice in typing.get_args(annotation) if type(choice) is int)
    return tuple(number for inner in typing.get_args(annotation) for number in numbers(inner))


def allowed(field: FieldInfo) -> str:
    """What a field accepts, in words: "a number from 1 to 20", "one of jpeg, png"."""
    members = [member for member in members_of(field.annotation) if member is not type(None)]
    said = []
    named = choices(field.annotation)
    if every := (*map(str, numbers(field.annotation)), *named):
        said.append("one of " + ", ".join(choice or '""' for choice in every))
    for member in members:
        if member in WORDS and not (named and member is str):
            said.append(WORDS[member] + _range(field))
        elif typing.get_origin(member) is list:
            said.append("a list" + _range(field))
        elif isinstance(member, type) and issubclass(member, BaseModel):
            said.append("{" + ", ".join(f'"{name}": …' for name in member.model_fields) + "}")
    return " or ".join(said) or "another value"


def members_of(annotation: Any) -> tuple[Any, ...]:
    """The members of a union, or the annotation itself."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return tuple(m for member in typing.get_args(annotation) for m in members_of(member))
    return (annotation,)


def _range(field: FieldInfo) -> str:
    limits = {name: getattr(limit, name) for limit in field.metadata for name in LIMITS if hasattr(limit, name)}
    low = next((limits[name] for name in ("ge", "min_length") if limits.get(name) is not None), None)
    high = next((limits[name] for name in ("le", "max_length") if limits.get(name) is not None), None)
    of = " entries" if "max_length" in limits and typing.get_origin(field.annotation) is list else ""
    of = of or (" characters" if "max_length" in limits else "")
    if high is None:
        return "" if low is None or "min_length" in limits else f" from {low:g} up"
    return f" of at most {high:g}{of}" if low is None else f" from {low:g} to {high:g}{of}"


LIMITS = ("ge", "le", "min_length", "max_length")


def sentence(endpoint_id: str, model: type[BaseModel], error: ValidationError) -> str:
    """The first complaint as one sentence that names the field, its value and what it accepts."""
    first = error.errors()[0]
    if not first["loc"]:
        return f"{endpoint_id}: {first['msg'].removeprefix('Value error, ')}"
    name = str(first["loc"][0])
    where = (
        ".".join(
            str(part)
            for part in first["loc"]
            if (str(part).isidentifier() and str(part).islower()) or isinstance(part, int)
        )
        or name
    )
    field = model.model_fields.get(name)
    if field is None:
        return unknown_field(endpoint_id, model, name)
    if first["type"] == "missing":
        return f"{endpoint_id} needs {where}: {allowed(field)}"
    if first["type"] == "extra_forbidden":
        return f"{endpoint_id} has no field {where}"
    value = repr(first["input"])
    value = value if len(value) <= 60 else value[:57] + "…"
    if where != name:
        return f"{endpoint_id} can't take {where} = {value}; it {first['msg'].removeprefix('Input ')}"
    return f"{endpoint_id} can't take {where} = {value}; it takes {allowed(field)}"


def unknown_field(endpoint_id: str, model: type[BaseModel], name: str) -> str:
    near = difflib.get_close_matches(name, model.model_fields, n=1, cutoff=0.6)
    near = near or [known for known in model.model_fields if name and (name in known or known in name)][:1]
    if near:
        return f"{endpoint_id} has no field {name!r}; did you mean {near[0]!r}?"
    return f"{endpoint_id} has no field {name!r}; its fields are {', '.join(model.model_fields)}"
