# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How an endpoint is declared: its id, what it is for, its fields in fal's own names, and its price.

A new endpoint is one ``Endpoint`` in its family's file. Where its fields are those of a sibling it is one line more;
where they are the usual ones it needs no declaration at all (``catalogue.find``).

Sources of fields, defaults and ranges, in the order they are trusted: fal's OpenAPI (captured 2026-04-16) and llms.txt
pages, fal-js 381105e (2026-08-02), npm @fal-ai/client 1.8.5, then 1.10.1. The types carry no ranges.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ...pipeline.errors import UsageError
from ...pipeline.json_object import JsonObject
from ...pipeline.stages import Stage
from .check import choices, sentence
from .prices import Multiplier, Price, Quote, count_units, is_plausible, singular


class Role(StrEnum):
    """What an endpoint is for."""

    MODEL = "model"
    PICTURE = "picture"  # from words, for a model
    PHOTOREAL = "photoreal"
    VIDEO = "video"
    RETEXTURE = "retexture"  # of a mesh that is there, from a picture
    UPSCALE = "upscale"  # of a still or a clip
    MATTE = "matte"  # of a still or a clip: where the product is
    OPINION = "opinion"  # on a still beside its render


MAKES = {
    Role.MODEL: "3D models",
    Role.PICTURE: "pictures from words",
    Role.PHOTOREAL: "stills from a reference",
    Role.VIDEO: "clips",
    Role.RETEXTURE: "textures for a model",
    Role.UPSCALE: "larger pictures",
    Role.MATTE: "mattes",
    Role.OPINION: "second opinions",
}

# The path of what an endpoint makes in its answer, where it doesn't say another.
FILES = {
    Role.MODEL: "model_glb",
    Role.RETEXTURE: "model_glb",
    Role.PICTURE: "images.0",
    Role.PHOTOREAL: "images.0",
    Role.VIDEO: "video",
    Role.UPSCALE: "image",
    Role.MATTE: "image",
    Role.OPINION: "output",
}
CRAWLED = "fal's own words in the registry of github.com/gokayfem/ComfyUI-fal-API, crawled in August 2026"

# Fields that many endpoints share.
Prompt = Annotated[str, Field(min_length=1, description="what to make, in words")]
FileUrl = Annotated[str, Field(min_length=1, description="address of a file; a local path is uploaded first")]
Seed = Annotated[int | None, Field(description="the same seed and inputs usually give the same result")]
NumImages = Annotated[int, Field(ge=1, le=4, description="pictures per call")]
SyncMode = Annotated[bool, Field(description="data in the answer instead of addresses; never used here")]
Safety = Annotated[bool, Field(description="check inputs and outputs for unsafe content")]
Steps = Annotated[int, Field(description="denoising steps")]
Tolerance6 = Annotated[Literal["1", "2", "3", "4", "5", "6"], Field(description="1 is the strictest")]
Tolerance5 = Annotated[Literal["1", "2", "3", "4", "5"], Field(description="1 is the strictest")]
Acceleration = Annotated[Literal["none", "regular", "high"], Field(description="faster, at some cost in quality")]
JpegPng = Literal["jpeg", "png"]
JpegPngWebp = Literal["jpeg", "png", "webp"]
NamedSize = Literal["square_hd", "square", "portrait_4_3", "portrait_16_9", "landscape_4_3", "landscape_16_9"]


class Inputs(BaseModel):
    """What an endpoint, or a part of its input, takes. Unknown fields are refused: fal ignores them, so a typo would be paid for."""

    model_config = ConfigDict(
        extra="forbid", defer_build=True, protected_namespaces=(), coerce_numbers_to_str=True, allow_inf_nan=False
    )

    @field_validator("*", mode="before")
    @classmethod
    def _numbers_to_choices(cls, value: Any, info: Any) -> Any:
        # fal writes durations and tolerances as strings of digits; a user who types 5 means "5".
        known = cls.model_fields.get(info.field_name)
        is_number = isinstance(value, int) and not isinstance(value, bool)
        return str(value) if known and is_number and str(value) in choices(known.annotation) else value


class Result(BaseModel):
    """What an endpoint answers. Members may be null or missing, and new ones may appear, without harm."""

    model_config = ConfigDict(extra="allow", defer_build=True, protected_namespaces=())


class ImageSize(Inputs):
    width: int = Field(512, ge=1, le=14142, description="pixels")
    height: int = Field(512, ge=1, le=14142, description="pixels")


class LoraWeight(Inputs):
    path: str
    scale: float = 1.0
    force: bool = False


class File(Result):
    url: str
    content_type: str | None = None
    file_name: str | None = None
    file_size: int | None = None
    file_data: str | None = None


class Image(File):
    width: int | None = None
    height: int | None = None


class Images(Result):
    images: list[Image]


class FluxImages(Images):
    timings: JsonObject | None = None
    seed: int | None = None
    has_nsfw_concepts: list[bool] | None = None
    prompt: str | None = None


class Video(Result):
    video: File


@dataclass(frozen=True)
class Sizes:
    """Limits of an endpoint's own ``image_size``: pixels a side, pixels in all, and what each side is a multiple of."""

    side: tuple[int, int] = (1, 14142)
    pixels: tuple[int, int] = (1, 14142**2)
    step: int = 1

    def allow(self, width: int, height: int) -> bool:
        sides = self.side[0] <= min(width, height) and max(width, height) <= self.side[1]
        whole = width % self.step == 0 and height % self.step == 0
        return sides and whole and self.pixels[0] <= width * height <= self.pixels[1]

    def fit(self, size: tuple[int, int]) -> tuple[int, int]:
        """The smallest allowed size not below ``size`` that has exactly its aspect, else the largest below it.

        Raises UsageError where there is none.
        """
        parts = math.gcd(*size)
        width, height = size[0] // parts, size[1] // parts
        larger = range(parts, self.side[1] // max(width, height) + 1)
        for times in (*larger, *range(parts - 1, 0, -1)):
            if self.allow(width * times, height * times):
                return width * times, height * times
        raise UsageError(
            f"this endpoint makes no picture with the aspect of {size[0]} × {size[1]} pixels "
            f"(its sides are {self.side[0]} to {self.side[1]} pixels); choose a squarer aspect or another endpoint"
        )


STAGES = {
    Role.PICTURE: Stage.MODEL,
    Role.RETEXTURE: Stage.MODEL,
    Role.OPINION: Stage.PHOTOREAL,
    Role.UPSCALE: Stage.PHOTOREAL,
    Role.MATTE: Stage.PHOTOREAL,
}


@dataclass(frozen=True)
class Endpoint:
    """One endpoint.

    ``retired`` says since when and what to use instead; empty where it is in service. ``depth_field`` is the field that
    takes a depth map, near = white; empty where the endpoint follows none. ``file``: where its answer has what it makes.
    ``views``: the fields that photos fill, in the order front, left, back, right. ``follows``: which clip of this machine's
    it is sent in ``video_url``, "render" or "depth"; empty where it moves by itself.
    """

    id: str
    role: Role
    label: str
    Input: type[Inputs]
    Output: type[Result]
    price: Price
    retired: str = ""
    notes: str = ""
    sizes: Sizes = Sizes()
    depth_field: str = ""
    file: str = ""
    views: tuple[str, ...] = ()
    follows: Literal["", "render", "depth"] = ""
    known: bool = True

    @property
    def stage(self) -> Stage:
        return STAGES.get(self.role) or Stage(self.role)

    @property
    def place(self) -> str:
        """The path of what it makes in its answer: "model_glb", "images.0"."""
        return self.file or FILES[self.role]

    def takes(self, *fields: str) -> str | None:
        """The first of ``fields`` that the endpoint has, or None."""
        return next((name for name in fields if name in self.Input.model_fields), None)

    def choices(self, field: str) -> tuple[str, ...]:
        known = self.Input.model_fields.get(field)
        return choices(known.annotation) if known else ()

    def defaults(self) -> JsonObject:
        fields = self.Input.model_fields.items()
        return {name: field.default for name, field in fields if not field.is_required()}

    def validate(self, arguments: Mapping[str, Any]) -> JsonObject:
        """``arguments`` in fal's types, without the fields that were not given. Raises UsageError: one sentence."""
        try:
            checked = self.Input.model_validate(dict(arguments))
        except ValidationError as error:
            raise UsageError(sentence(self.id, self.Input, error)) from None
        return checked.model_dump(mode="json", exclude_unset=True)

    def quote_units(
        self, arguments: Mapping[str, Any], unit: str | None = None, size: tuple[int, int] | None = None
    ) -> tuple[float, list[Multiplier]]:
        """Units and multipliers of one call: USD = unit price × units × the product of ``times``.

        ``unit``: as the pricing API names it, None for the stored one. ``size``: pixels where the arguments name none.
        """
        values = {**self.defaults(), **arguments}
        units = count_units(unit or self.price.unit, values, size)
        return (1.0 if units is None else units), self.price.multipliers(values)

    def quote(
        self,
        arguments: Mapping[str, Any],
        live: tuple[float, str] | None = None,
        size: tuple[int, int] | None = None,
    ) -> Quote:
        """The price of one call in USD. ``live``: (unit price in USD, unit) from fal's pricing API, None offline.

        A live price is checked like any input. One in another unit than the stored one, or far from it, does not count
        by itself: the dearer of the two does, since a quote guards a limit, and ``doubt`` says so.
        """
        stored = self._quote(arguments, self.price.usd, self.price.unit, size, live=False)
        values = {**self.defaults(), **arguments}
        if live is None or not 0.0 < live[0] < math.inf or count_units(live[1], values, size) is None:
            return stored
        asked = self._quote(arguments, *live, size, live=True)
        if stored.usd is None or asked.usd is None:
            return replace(asked, confirmed=self.price.usd is None)
        same_kind = singular(asked.unit) == singular(stored.unit)
        if same_kind and is_plausible(asked.usd, stored.usd):
            return replace(asked, confirmed=True)
        named = f"${live[0]:.6g} per {singular(live[1])}"
        known = f"${self.price.usd:.6g} per {singular(self.price.unit)}"
        doubt = f"fal's pricing API says {named}, and {known} is stored; the dearer counts"
        return replace(max(asked, stored, key=lambda quote: quote.usd or 0.0), doubt=doubt)

    def _quote(
        self, arguments: Mapping[str, Any], usd: float | None, unit: str, size: tuple[int, int] | None, *, live: bool
    ) -> Quote:
        units, multipliers = self.quote_units(arguments, unit, size)
        total = usd
        if total is not None:
            total *= units
            for multiplier in multipliers:
                total *= multiplier.times
        source = "fal's pricing API" if live else self.price.source
        return Quote(total, unit, usd, units, tuple(multipliers), live, source)


def still(
    endpoint_id: str, label: str, fields: type[Inputs], answer: type[Result], price: Price, **more: Any
) -> Endpoint:
    """An endpoint that makes a still from a reference."""
    return Endpoint(endpoint_id, Role.PHOTOREAL, label, fields, answer, price, **more)
