# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One thing bought from fal.ai, as plain data: it travels to the child process as JSON and into the journal."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Protocol

from ...pipeline.json_object import JsonObject
from ...pipeline.stages import JobState
from ..endpoints.prices import Multiplier


class Tell(Protocol):
    """Says how a purchase stands; the facts are those of ``child.messages.Happened``."""

    def __call__(self, kind: JobState, text: str, **facts: Any) -> None: ...


@dataclass(frozen=True)
class Output:
    """Where the answer's file goes. ``place`` is its path in the result JSON, such as "images.0" or "model_glb"."""

    place: str
    file: str  # absolute path
    media: str  # "image/png", "model/gltf-binary", "video/mp4"


@dataclass(frozen=True)
class Purchase:
    """``arguments`` are an endpoint's fields; a local file in them is ``{"$file": path, "content_type": media}``.

    ``quoted_usd`` and ``unit_price`` are None where no price is known.
    """

    key: str
    stage: str
    angle: str | None
    take: int
    endpoint: str
    arguments: JsonObject
    outputs: tuple[Output, ...]
    quoted_usd: float | None = None
    unit: str = ""
    unit_price: float | None = None
    units: float = 1.0
    multipliers: tuple[Multiplier, ...] = ()
    price_source: str = ""
    price_confirmed: bool = False  # fal named the unit price, and it is of the kind and size that was expected
    size: tuple[int, int] | None = None  # pixels, where the arguments leave them to the endpoint
    doubt: str = ""  # what is odd about the price

    @property
    def amount(self) -> str:
        """How much is bought, in the words of its price: "1 image", "5 seconds"."""
        return f"{self.units:g} {self.unit.removesuffix('s') if self.units == 1 else self.unit}"

    def to_json(self) -> JsonObject:
        return asdict(self)

    @classmethod
    def from_json(cls, facts: JsonObject) -> Purchase:
        outputs = tuple(Output(**output) for output in facts["outputs"])
        multipliers = tuple(Multiplier(**multiplier) for multiplier in facts["multipliers"])
        size = tuple(facts["size"]) if facts.get("size") else None
        return cls(**{**facts, "outputs": outputs, "multipliers": multipliers, "size": size})
