# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a shop asks of its pictures, as data: one JSON file each, with the source of the rules and the day they were read."""

from __future__ import annotations

import datetime as dt
import json
import re
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ..errors import UsageError

AR = "ar"  # the product as files for viewers, no pictures
CLIPS = "clips"  # the run's clips
FOLDER = Path(__file__).parent / "presets"
SUFFIX = {"jpeg": ".jpg", "png": ".png", "webp": ".webp"}
# Shops for which no preset would be right, and why.
REFUSED = {
    "etsy": "Etsy asks for your own photos of the item itself as listing pictures and allows neither renderings nor stock "
    "photos there (house rules, policy 253962679005, read 2026-11-25); photograph the item for it"
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Fill(_Strict):
    """Shares of the canvas's side that the product's box takes, on the side where it takes more."""

    least: float = Field(0.0, ge=0.0, le=1.0)
    wanted: float = Field(0.86, gt=0.0, le=1.0)
    most: float = Field(1.0, gt=0.0, le=1.0)

    @model_validator(mode="after")
    def _in_order(self) -> Fill:
        if not self.least <= self.wanted <= self.most:
            raise ValueError("fill wants least, wanted and most in that order")
        return self


class Rules(_Strict):
    """Of one picture. Sides are pixels of the canvas's longer one; ``aspect`` is width over height.

    ``ground``: exactly "white", "transparent", or "keep", as the still has it. ``shadow``: it stays on a white ground.
    ``close_ups``: pictures that crop the product are taken.
    """

    least: int = Field(1, ge=1, le=20000)
    advised: int = Field(2000, ge=16, le=20000)
    most: int = Field(20000, ge=16, le=20000)
    aspect: float = Field(1.0, ge=0.2, le=5.0)
    fill: Fill = Fill()
    ground: Literal["white", "transparent", "keep"] = "white"
    shadow: bool = False
    close_ups: bool = False
    format: Literal["jpeg", "png", "webp"] = "jpeg"
    quality: int = Field(93, ge=1, le=100)
    most_bytes: int | None = Field(None, ge=1000)
    dpi: int | None = Field(None, ge=1, le=4800)

    @model_validator(mode="after")
    def _fits(self) -> Rules:
        if not self.least <= self.advised <= self.most:
            raise ValueError("least, advised and most pixels are not in that order")
        if self.ground == "transparent" and self.format == "jpeg":
            raise ValueError("a JPEG can't be transparent; choose png or webp as its format")
        if self.format == "webp" and self.most > 16383:
            raise ValueError("a WebP has at most 16383 pixels a side; set most to that or less")
        return self

    @property
    def suffix(self) -> str:
        return SUFFIX[self.format]


class Preset(Rules):
    """A shop's. ``further``: rules that differ for pictures after the first. ``sku``: what the article number has to match."""

    key: str = ""  # by the file's name
    title: str = Field(min_length=1, max_length=80)
    source: str = Field(min_length=1)
    url: str = ""
    date: dt.date
    first_hand: bool
    name: str = "{sku}-{angle}"
    codes: tuple[str, ...] = ()
    sku: str = ""
    sku_words: str = ""
    views: Literal[24, 36, 48, 72] | None = None  # of one turn, instead of the run's stills
    least_pictures: int = Field(1, ge=1)
    most_pictures: int = Field(100, ge=1)
    further: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _whole(self) -> Preset:
        self.rules(1)
        try:
            re.compile(self.sku)
        except re.error as error:
            raise ValueError(f"sku {self.sku!r} is no regular expression ({error})") from None
        if self.codes and len(self.codes) < self.most_pictures:
            raise ValueError(f"there are {len(self.codes)} codes for {self.most_pictures} pictures")
        return self

    def rules(self, number: int) -> Rules:
        """Of the ``number``-th picture, from 0: the first is the main one."""
        own = {name: getattr(self, name) for name in Rules.model_fields}
        return Rules.model_validate({**own, **(self.further if number else {})})

    @property
    def said_source(self) -> str:
        hand = "" if self.first_hand else ", not read at first hand"
        return f"{self.source}{f', {self.url}' if self.url else ''} ({self.date.isoformat()}{hand})"


def preset_names() -> list[str]:
    """Of the presets that come with the program."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def preset(name: str) -> Preset:
    """The preset of that name, or of the file of that name. Raises UsageError with the field that is wrong."""
    if name.lower() in REFUSED:
        raise UsageError(REFUSED[name.lower()])
    if name.lower().endswith(".json"):
        return _read(Path(name).expanduser())
    if name not in preset_names():
        near = get_close_matches(name, preset_names(), 1)
        hint = (
            f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(preset_names())}, or name a .json file"
        )
        raise UsageError(f"there is no preset {name!r}; {hint}")
    return _read(FOLDER / f"{name}.json")


def presets(names: str) -> list[Preset]:
    """Of names with commas between; "ar" and "clips" are none, and passed over. Raises UsageError, for two of one name as well."""
    asked = [name.strip() for name in names.split(",") if name.strip()]
    found = [preset(name) for name in asked if name not in (AR, CLIPS)]
    if not asked:
        raise UsageError(f"name what to deliver for: {', '.join(preset_names())}, or a .json file of your own")
    keys = [each.key for each in found]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice is not None:
        raise UsageError(f"the preset {twice!r} is named twice; name each once, own files under names of their own")
    return found


def _read(path: Path) -> Preset:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}", path.stem):
        raise UsageError(
            f"{path.name}: a preset's file is named with 1-40 letters, digits and dashes, such as my-shop.json"
        )
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"the preset {path.name} can't be read ({error.strerror}); check the name") from None
    except ValueError as error:
        raise UsageError(f"the preset {path.name} is not JSON ({error}); mend that line") from None
    if not isinstance(told, dict):
        raise UsageError(f"the preset {path.name} is not an object with fields such as title and format")
    try:
        return Preset.model_validate({**told, "key": path.stem})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            said = _no_field(str(first["loc"][-1]), Fill if len(first["loc"]) > 1 else Preset)
        raise UsageError(f"the preset {path.name}{f', {where}' if where else ''}: {said}") from None


def _no_field(name: str, of: type[BaseModel]) -> str:
    near = get_close_matches(name, of.model_fields, 1)
    return (
        f"there is no such field; did you mean {near[0]!r}?"
        if near
        else f"there is no such field; there are {', '.join(of.model_fields)}"
    )
