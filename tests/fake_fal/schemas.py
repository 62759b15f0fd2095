# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the fake checks arguments: pydantic's error shape, fal's media errors. endpoints.py says what each endpoint takes.

Stricter than fal in one way on purpose: a number sent as a string is refused, where fal's pydantic may convert it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from .media import decode

Loc = tuple[str | int, ...]
Problem = dict[str, Any]
Fetch = Callable[[str], bytes]  # URL → the file; raises Unreachable


class Unreachable(Exception):
    """A file that the service can't fetch."""


@dataclass
class Inputs:
    """What checking has seen: ``images`` by top-level field name, and fields that no schema knows."""

    fetch: Fetch
    images: dict[str, list[Image.Image]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    @property
    def first_image(self) -> Image.Image | None:
        return next((image for images in self.images.values() for image in images), None)


@dataclass(frozen=True)
class Check:
    run: Callable[[Any, Loc, Inputs], Iterator[Problem]]
    schema: dict[str, Any]  # for GET /v1/models?expand=openapi-3.0
    nullable: bool = False


def problem(kind: str, message: str, loc: Loc, value: Any, **ctx: Any) -> Problem:
    found = {
        "loc": list(loc),
        "msg": message,
        "type": kind,
        "url": f"https://docs.fal.ai/errors#{kind}",
        "input": value,
    }
    return found | ({"ctx": ctx} if ctx else {})


def text(longest: int | None = None, shortest: int = 0) -> Check:
    def run(value: Any, loc: Loc, inputs: Inputs) -> Iterator[Problem]:
        if not isinstance(value, str):
            yield problem("string_type", "Input should be a valid string", loc, value)
        elif longest is not None and len(value) > longest:
            message = f"String should have at most {longest} characters"
            yield problem("string_too_long", message, loc, value, max_length=longest)
        elif len(value) < shortest:
            message = f"String should have at least {shortest} characters"
            yield problem("string_too_short", message, loc, value, min_length=shortest)

    return Check(run, {"type": "string"} | ({"maxLength": longest} if longest else {}), nullable=True)


def number(low: float | None = None, high: float | None = None, *, whole: bool = False) -> Check:
    def run(value: Any, loc: Loc, inputs: Inputs) -> Iterator[Problem]:
        right_type = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
        if not right_type:
            name = "integer" if whole else "number"
            yield problem("int_type" if whole else "float_type", f"Input should be a valid {name}", loc, value)
        elif low is not None and value < low:
            yield problem("greater_than_equal", f"Input should be greater than or equal to {low}", loc, value, ge=low)
        elif high is not None and value > high:
            yield problem("less_than_equal", f"Input should be less than or equal to {high}", loc, value, le=high)

    limits = {k: v for k, v in (("minimum", low), ("maximum", high)) if v is not None}
    return Check(run, {"type": "integer" if whole else "number"} | limits)


def integer(low: int | None = None, high: int | None = None) -> Check:
    return number(low, high, whole=True)


def maybe(check: Check) -> Check:
    """The same, and null."""
    return Check(check.run, check.schema, nullable=True)


def flag() -> Check:
    def run(value: Any, loc: Loc, inputs: Inputs) -> Iterator[Problem]:
        if not isinstance(value, bool):
            yield problem("bool_type", "Input should be a valid boolean", loc, value)

    return Check(run, {"type": "boolean"})


def choice(*values: str) -> Check:
    listed = ", ".join(f"'{v}'" for v in values[:-1])
    expected = f"{listed} or '{values[-1]}'" if listed else f"'{values[0]}'"

    def run(value: Any, loc: Loc, inputs: Inputs) -> Iterator[Problem]:
        if not isinstance(value, str) or value not in values:
            yield problem("literal_error", f"Input should be {expected}", loc, value, expected=expected)

    return Check(run, {"type": "string", "enum": list(values)})


def either(*checks: Check) -> Check:
    """What any of them takes."""

    def run(value: Any, loc: Loc, inputs: Inputs) -> Iterator[Problem]:
        found = [list(check.run(value, loc, inputs)) for check in checks]
        if all(found):
            yield from found[0]

    return Check(run, {"anyOf": [check.schema for check in checks]})


def size(*names: str, low: int = 64, high: int = 14142) -> Check:
    """fal's ImageSize: one of the names, or {width, height}."""
    side = {"width*": integer(low, high), "height*": integer(low, high)}
    named, measured = choice(*names), record(side)

    def run(value: Any, loc: Loc, inputs: Inputs) -> Iterator[Problem]:
        yield from (measured if isinstance(value, dict) else named).run(value, loc, inputs)

    return Check(run, {"anyOf": [named.schema, measured.schema]}, nullable=True)


def many(check: Check, least: int = 0, most: int | None = None) -> Check:
    def run(value: Any, loc: Loc, inputs: Inputs) -> Iterator[Problem]:
        if not isinstance(value, list):
            yield problem("list_type", "Input should be a valid list", loc, value)
            return
        if len(value) < least:
            message = f"List should have at least {least} item after validation, not {len(value)}"
            yield problem("too_short", message, loc, value, min_length=least)
        if most is not None and len(value) > most:
            message = f"List should have at most {most} items after validation, not {len(value)}"
            yield problem("too_long", message, loc, value, max_length=most)
        for i, item in enumerate(value):
            yield from check.run(item, (*loc, i), inputs)

    return Check(run, {"type": "array", "items": check.schema}, nullable=True)


def record(fields: dict[str, Check]) -> Check:
    """An object; a name that ends in ``*`` is required. Other names are noted, as fal ignores them silently."""

    def run(value: Any, loc: Loc, inputs: Inputs) -> Iterator[Problem]:
        if not isinstance(value, dict):
            yield problem("dict_type", "Input should be a valid dictionary", loc, value)
            return
        for name, check in fields.items():
            key = name.rstrip("*")
            if key not in value:
                if name != key:
                    yield problem("missing", "Field required", (*loc, key), value)
            elif value[key] is not None or name != key or not check.nullable:
                yield from check.run(value[key], (*loc, key), inputs)
        known = {name.rstrip("*") for name in fields}
        inputs.unknown += [".".join(map(str, (*loc[1:], key))) for key in value if key not in known]

    properties = {name.rstrip("*"): check.schema for name, check in fields.items()}
    required = [name.rstrip("*") for name in fields if name.endswith("*")]
    return Check(run, {"type": "object", "properties": properties, "required": required}, nullable=True)


def image(smallest: int = 1, largest: int = 14142) -> Check:
    """A URL that the service can fetch, or a data URI, of a picture with sides within the limits (pixels)."""

    def run(value: Any, loc: Loc, inputs: Inputs) -> Iterator[Problem]:
        if not isinstance(value, str):
            yield problem("string_type", "Input should be a valid string", loc, value)
            return
        try:
            picture = decode(inputs.fetch(value))
        except Unreachable:
            message = "Failed to download the file. Please check if the URL is accessible and try again."
            yield problem("file_download_error", message, loc, value)
            return
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            message = "Failed to load the image. Please ensure the image file is not corrupted and is supported."
            yield problem("image_load_error", message, loc, value)
            return
        if min(picture.size) < smallest:
            message = f"Image is too small. The minimum is {smallest}x{smallest}."
            yield problem("image_too_small", message, loc, value, min_width=smallest, min_height=smallest)
        if max(picture.size) > largest:
            message = f"Image is too large. The maximum is {largest}x{largest}."
            yield problem("image_too_large", message, loc, value, max_width=largest, max_height=largest)
        inputs.images.setdefault(str(loc[1]), []).append(picture)

    return Check(run, {"type": "string", "format": "uri"}, nullable=True)


def blob() -> Check:
    """A URL of a file that isn't a picture: only fetched."""

    def run(value: Any, loc: Loc, inputs: Inputs) -> Iterator[Problem]:
        try:
            inputs.fetch(value if isinstance(value, str) else "")
        except Unreachable:
            message = "Failed to download the file. Please check if the URL is accessible and try again."
            yield problem("file_download_error", message, loc, value)

    return Check(run, {"type": "string", "format": "uri"}, nullable=True)
