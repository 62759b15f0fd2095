# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything a run is asked to do, checked. Saved in run.json, so that ``resume`` needs no other argument."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from ..declaration import Option
from ..rig import Angle
from ..ring import spans
from . import backdrop
from .choices import BackendName, MotionName
from .options import GROUPS, OPTIONS, Clip, Gate, Inputs, LightRig, Money, Privacy, Service, Stills, Studio

__all__ = ["MEASURABLE", "SAFE_SIZES", "Gate", "LightRig", "RunSettings", "first_fault"]

MEASURABLE = 256  # pixels of the longer side under which a 3 px tolerance at 1024 is less than a pixel
# Kontext's training sizes, width × height, and their transposes: pictures of these sizes come back uncropped
# (black-forest-labs/flux issue 458).
SAFE_SIZES = (
    (1024, 1024),
    (944, 1104),
    (880, 1184),
    (832, 1248),
    (800, 1328),
    (752, 1392),
    (720, 1456),
    (688, 1504),
    (672, 1568),
)


def first_fault(error: ValidationError) -> tuple[Option | None, tuple[str, ...], str]:
    """The option that settings were refused for, None where it is none of a group's; where it is, such as ("studio",
    "size"), empty for a fault of the whole; and what is wrong, in words."""
    first = error.errors()[0]
    where = tuple(str(part) for part in first["loc"][:2])
    option = next((each for each in OPTIONS if (each.group, each.name) == where), None)
    return option, where, first["msg"].removeprefix("Value error, ")


class RunSettings(BaseModel):
    """One run, from inputs to results: options says what each option means.

    Read in groups; made, copied and written flat, by the names that run.json has: ``RunSettings(size=512)`` is one whose
    ``studio.size`` is 512, and ``model_dump()["size"]`` is 512 again. Raises ValidationError for what makes no sense.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, revalidate_instances="always")

    inputs: Inputs = Inputs()
    service: Service = Service()
    studio: Studio = Studio()
    stills: Stills = Stills()
    gate: Gate = Gate()
    clip: Clip = Clip()
    money: Money = Money()
    privacy: Privacy = Privacy()

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> RunSettings:
        """A copy with the options in ``update`` changed, and checked."""
        return (
            type(self).model_validate({**self.model_dump(), **(update or {})})
            if update
            else super().model_copy(deep=deep)
        )

    def with_inputs(self, **options: Any) -> RunSettings:
        """A copy for another product, of which ``options`` of the group "inputs" are checked and nothing else is: thousands of
        rows differ in nothing else."""
        return super().model_copy(update={"inputs": replace(self.inputs, **options)})

    @model_validator(mode="before")
    @classmethod
    def _in_groups(cls, flat: Any) -> Any:
        if not isinstance(flat, Mapping) or isinstance(flat.get("inputs"), Inputs):
            return flat  # an instance, which is checked again
        left = dict(flat)
        groups: dict[str, Any] = {name: {} for name in GROUPS}
        for option in OPTIONS:
            if len(option.path) == 1 and option.path[0] in left:
                groups[option.group][option.name] = left.pop(option.path[0])
        return {**left, **{name: values for name, values in groups.items() if values}}

    @model_serializer(mode="wrap")
    def _flat(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        groups = dump(self)
        flat = {o.path[0]: groups[o.group][o.name] for o in OPTIONS if len(o.path) == 1 and o.group in groups}
        return {**flat, **({"gate": groups["gate"]} if "gate" in groups else {})}

    @model_validator(mode="after")
    def _angles_fit(self) -> RunSettings:
        names = [angle.name for angle in self.studio.angles]
        if not names:
            raise ValueError("a run needs at least one angle")
        if len(set(names)) != len(names):
            raise ValueError(f"two angles have the same name: {', '.join(sorted(names))}")
        for wanted in (self.clip.video_angle, self.clip.video_end_angle):
            if wanted is not None and self.clip.motion != MotionName.NONE and wanted not in names:
                raise ValueError(f"the video's angle {wanted!r} is not one of this run's angles: {', '.join(names)}")
        if self.clip.motion == MotionName.ANCHORED_TURNTABLE and not spans(self.studio.angles, self.clip_angle):
            raise ValueError("an anchored turntable needs an angle that shows the whole product from the side")
        for name, share in self.gate.faithful_at.items():
            if name not in names:
                raise ValueError(f"faithful at {name!r}: that is not one of this run's angles: {', '.join(names)}")
            if not 0.0 <= share <= 1.0:
                raise ValueError(f"faithful at {name!r}: {share:g} is not 0 to 1")
        return self

    @model_validator(mode="after")
    def _backdrop_is_one(self) -> RunSettings:
        backdrop.check(self.studio.backdrop)
        return self

    def angle(self, name: str) -> Angle:
        return next(angle for angle in self.studio.angles if angle.name == name)

    @property
    def has_own_model(self) -> bool:
        """The input is a 3D model already, so that none is bought."""
        files = self.inputs.files
        return len(files) == 1 and files[0].lower().endswith((".glb", ".gltf", ".blend"))

    @property
    def is_measured(self) -> bool:
        """Stills come from outside, are large enough to be measured, and shall be."""
        return self.gate.enabled and self.service.backend == BackendName.FAL and max(self.resolution) >= MEASURABLE

    @property
    def is_cut_out(self) -> bool:
        """Exact mode: the matte puts the true backdrop back, so that the generator may be sent another one."""
        return self.gate.exact and self.is_measured

    def faithful_at(self, angle: str) -> float:
        """How much of an angle's detail its render gives, 0..1; 0 where stills come from this machine or aren't measured."""
        return self.gate.faithful_at.get(angle, self.gate.faithful) if self.is_measured else 0.0

    @property
    def product_name(self) -> str:
        """What the product is called, and what its own limit is counted under: its first file's name, or its words."""
        return Path(self.inputs.files[0]).stem if self.inputs.files else self.inputs.text.strip()[:80]

    @property
    def clip_angle(self) -> Angle:
        """The angle whose still starts the clip."""
        if self.clip.video_angle is not None:
            return self.angle(self.clip.video_angle)
        angles = self.studio.angles
        return next((angle for angle in angles if angle.name == "three-quarter"), angles[0])

    @property
    def resolution(self) -> tuple[int, int]:
        """Width and height in pixels, both multiples of 16 (what FLUX's latents keep exactly)."""
        size, aspect = self.studio.size, self.studio.aspect
        if size == 1024 and aspect != 1.0:
            sizes = [*SAFE_SIZES, *((h, w) for w, h in SAFE_SIZES[1:])]
            return min(sizes, key=lambda wh: abs(wh[0] / wh[1] - aspect))
        width, height = (size, size / aspect) if aspect >= 1 else (size * aspect, size)
        return max(16, round(width / 16) * 16), max(16, round(height / 16) * 16)
