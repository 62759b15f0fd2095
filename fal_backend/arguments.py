# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the three kinds of request share on their way to an endpoint's fields."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..pipeline.backend.requests import Request
from ..pipeline.errors import BadInput, UsageError
from ..pipeline.json_object import JsonObject
from .buying.purchase import Output, Purchase
from .endpoints.base import Endpoint
from .endpoints.kept import kept

MEDIA = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".jfif": "image/jpeg",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".heic": "image/heic",
    ".heif": "image/heif",
    ".mp4": "video/mp4",
    ".glb": "model/gltf-binary",
}
ONE_EACH = ("num_images", "max_images")
LEFT_OUT = "https://left.out"  # stands for a field that the service has no more, while the others are checked

Live = tuple[float, str] | None  # unit price in USD and its unit, as fal's pricing API gave them


def local_file(path: Path) -> dict[str, str]:
    """The placeholder that the child process uploads and replaces by an address."""
    media = MEDIA.get(path.suffix.lower())
    if media is None:
        raise BadInput(f"{path} is of a kind that can't be sent; use a {', '.join(sorted(MEDIA))} file")
    return {"$file": str(path.absolute()), "content_type": media}


def finish(
    endpoint: Endpoint, arguments: JsonObject, overrides: Mapping[str, Any], files: Mapping[str, Path]
) -> JsonObject:
    """``arguments`` with the user's ``overrides`` on top, checked against the endpoint's fields.

    An override of None leaves the field out. "@reference" and the other names of ``files`` stand for the run's own
    files, and a path in a field of addresses for a file of the user's. On an endpoint that the catalogue doesn't know,
    such a name also replaces the field that would have carried that file. Raises UsageError.
    """
    chosen = {name: _with_files(name, value, files) for name, value in overrides.items()}
    if not endpoint.known:
        placed = [local_file(path) for name, path in files.items() if _mentions(overrides, f"@{name}")]
        arguments = {name: value for name, value in arguments.items() if not any(_holds(value, one) for one in placed)}
    merged = {name: value for name, value in {**arguments, **chosen}.items() if value is not None}
    if merged.get("sync_mode"):
        raise UsageError(f"{endpoint.id}: sync_mode would lose the result after minutes; leave it out")
    for name in ONE_EACH:
        if str(merged.get(name, 1)) != "1":
            raise UsageError(
                f"{endpoint.id}: {name} would pay for pictures that have no place; ask for more takes instead (--takes)"
            )
    placeholders: dict[str, dict[str, str]] = {}
    addressed = _addressed(merged, placeholders)
    new, gone = _drifted(endpoint, overrides)
    checked = endpoint.validate(
        {**{n: v for n, v in addressed.items() if n not in new}, **dict.fromkeys(gone, LEFT_OUT)}
    )
    left = {name: value for name, value in checked.items() if name not in gone}
    return _restored({**left, **{name: addressed[name] for name in new if name in addressed}}, placeholders)


def _drifted(endpoint: Endpoint, overrides: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    """Where the user sets a field that the catalogue doesn't know, or leaves one out that it calls required, and fal's kept
    description of the endpoint agrees: those names. The catalogue is older than the service then."""
    fields = endpoint.Input.model_fields
    new = {name for name in overrides if name not in fields} if endpoint.known else set()
    gone = {
        name for name, value in overrides.items() if value is None and name in fields and fields[name].is_required()
    }
    if not (new or gone) or (described := kept(endpoint.id)) is None:
        return set(), set()
    return {name for name in new if name in described["fields"]}, gone - described["fields"].keys()


def bought(
    endpoint: Endpoint,
    request: Request,
    arguments: JsonObject,
    output: Output,
    live: Live,
    size: tuple[int, int] | None = None,
) -> Purchase:
    """The finished purchase with its quote. ``size``: pixels where the arguments leave it to the endpoint."""
    quote = endpoint.quote(arguments, live, size)
    angle = getattr(request, "angle", None)
    return Purchase(
        key=request.key,
        stage=request.stage,
        angle=angle.name if angle else None,
        take=getattr(request, "take", 1),
        endpoint=endpoint.id,
        arguments=arguments,
        outputs=(output,),
        quoted_usd=None if quote.usd is None else round(quote.usd, 6),
        unit=quote.unit,
        unit_price=quote.unit_price,
        units=quote.units,
        multipliers=quote.multipliers,
        price_source=quote.source,
        price_confirmed=quote.confirmed,
        size=size,
        doubt=quote.doubt,
    )


def nearest_ratio(choices: tuple[str, ...], size: tuple[int, int]) -> str | None:
    """The "W:H" among ``choices`` nearest to the aspect of ``size`` in pixels; None where there is none."""
    ratios = [choice for choice in choices if choice.replace(":", "").isdigit() and ":" in choice]
    aspect = size[0] / size[1]
    return min(ratios, key=lambda ratio: abs(_aspect(ratio) / aspect - 1.0), default=None)


def _aspect(ratio: str) -> float:
    width, height = ratio.split(":")
    return int(width) / int(height)


def _with_files(name: str, value: Any, files: Mapping[str, Path]) -> Any:
    if isinstance(value, list):
        return [_with_files(name, item, files) for item in value]
    if isinstance(value, dict):
        return {inner: _with_files(inner, item, files) for inner, item in value.items()}
    if not isinstance(value, str):
        return value
    if value.startswith("@") and value[1:] in files:
        return local_file(files[value[1:]])
    if name.endswith(("_url", "_urls")) and not value.startswith(("http://", "https://", "data:")):
        if not Path(value).is_file():
            known = ", ".join(f"@{known}" for known in files)
            raise UsageError(f"{name} = {value!r} is neither an address nor a file here; give one, or one of {known}")
        return local_file(Path(value))
    return value


def _mentions(value: Any, word: str) -> bool:
    if isinstance(value, Mapping):
        return any(_mentions(item, word) for item in value.values())
    return any(_mentions(item, word) for item in value) if isinstance(value, list) else value == word


def _holds(value: Any, placeholder: dict[str, str]) -> bool:
    if value == placeholder:
        return True
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(_holds(item, placeholder) for item in items)


def _addressed(value: Any, placeholders: dict[str, dict[str, str]]) -> Any:
    """``value`` with each placeholder as an address of its own, so that fal's types can be checked."""
    if isinstance(value, dict) and "$file" in value:
        address = Path(value["$file"]).as_uri()
        placeholders[address] = value
        return address
    if isinstance(value, dict):
        return {name: _addressed(item, placeholders) for name, item in value.items()}
    return [_addressed(item, placeholders) for item in value] if isinstance(value, list) else value


def _restored(value: Any, placeholders: dict[str, dict[str, str]]) -> Any:
    if isinstance(value, dict):
        return {name: _restored(item, placeholders) for name, item in value.items()}
    if isinstance(value, list):
        return [_restored(item, placeholders) for item in value]
    return placeholders.get(value, value) if isinstance(value, str) else value
