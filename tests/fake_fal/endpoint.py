# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""An endpoint as the fake knows it, and the fields that many share. A name that ends in ``*`` is required."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from .schemas import Check, Inputs, Problem, choice, flag, image, integer, many, maybe, record

Fields = dict[str, Check]
Rule = Callable[[dict[str, Any]], Iterator[Problem]]


@dataclass(frozen=True)
class Endpoint:
    """``sizing`` names the rule for a picture's size (outputs.py); ``shape`` the members beside the media."""

    id: str
    makes: Literal["picture", "model", "video", "words"]
    fields: Fields
    sizing: str = "match"
    shape: Literal["flux", "seed", "images", "described", "mesh", "one", "masks"] = "flux"
    rule: Rule | None = None
    file_format: str = "jpeg"

    @property
    def app(self) -> str:
        """Owner and app, which is all that fal's request URLs keep of the id."""
        return "/".join(self.id.split("/")[:2])

    def check(self, arguments: dict[str, Any], inputs: Inputs) -> list[Problem]:
        problems = list(record(self.fields).run(arguments, ("body",), inputs))
        return problems or list(self.rule(arguments) if self.rule else ())

    @property
    def schema(self) -> dict[str, Any]:
        return record(self.fields).schema


SEED = {"seed": maybe(integer())}
SYNC = {"sync_mode": flag()}
FORMAT: Fields = {"output_format": choice("jpeg", "png")}
COUNT = {"num_images": integer(1, 4)}
SAFE = {"enable_safety_checker": flag()}
RATIOS = ("21:9", "16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16", "9:21")
SIZES = ("square_hd", "square", "portrait_4_3", "portrait_16_9", "landscape_4_3", "landscape_16_9")
ACCELERATION = {"acceleration": choice("none", "regular", "high")}


def tolerance(most: int) -> Fields:
    return {"safety_tolerance": choice(*(str(i) for i in range(1, most + 1)))}


ONE: Fields = {"image_url*": image()}


def several(most: int | None = None, smallest: int = 1) -> Fields:
    return {"image_urls*": many(image(smallest), 1, most)}
