"""Everything a run is asked to do. Saved in run.json, so that ``resume`` needs no other argument."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from .rig import ANGLE_SETS, DEFAULT_ANGLE_SET, Angle

# Kontext's training sizes, width × height, and their transposes: pictures of these sizes come back uncropped
# (black-forest-labs/flux issue 458).
SAFE_SIZES = ((1024, 1024), (944, 1104), (880, 1184), (832, 1248), (800, 1328), (752, 1392), (720, 1456), (688, 1504), (672, 1568))  # fmt: skip


class LightRig(BaseModel):
    """Corrections on top of a lighting preset; 1.0 and 0.0 change nothing."""

    model_config = ConfigDict(extra="forbid")

    key: float = Field(1.0, ge=0.0, le=10.0, description="key light, times the preset's strength")
    fill: float = Field(1.0, ge=0.0, le=10.0, description="fill light, times the preset's strength")
    rim: float = Field(1.0, ge=0.0, le=10.0, description="rim light, times the preset's strength")
    environment: float = Field(1.0, ge=0.0, le=10.0, description="environment, times the preset's strength")
    temperature: float = Field(
        0.0, ge=-4000.0, le=4000.0, description="kelvin added to every lamp's colour temperature"
    )
    rotation: float = Field(0.0, ge=-360.0, le=360.0, description="degrees the whole lighting turns about the product")
    softness: float = Field(1.0, ge=0.05, le=5.0, description="lamp size, times the preset's")


MEASURABLE = 256  # pixels of the longer side under which a 3 px tolerance at 1024 is less than a pixel

Rung = Literal["reroll", "stricter", "depth"]


class Gate(BaseModel):
    """What is done about a still that does not show the product of its render (see pipeline.acceptance)."""

    model_config = ConfigDict(extra="forbid")

    enabled: bool = Field(True, description="measure each still against its render")
    retakes: int = Field(1, ge=0, le=8, description="stills bought at most in place of one that failed, per angle")
    retake_budget: float | None = Field(None, ge=0.0, description="USD for all retakes of the run; None: no own limit")
    rungs: tuple[Rung, ...] = Field(
        ("reroll", "stricter", "depth"), description="what retakes try, in this order, the last one again and again"
    )
    depth_endpoint: str = Field("fal-ai/flux-control-lora-depth", description="what the rung depth buys from")
    unwarp: bool = Field(True, description="lay a misplaced product back onto its render, without a purchase")
    local: bool = Field(True, description="where all retakes failed, show the render's own finish, and say so")
    unsure: Literal["flag", "accept", "climb"] = Field("flag", description="what to do where nothing can be told")
    exact: bool = Field(False, description="cut each still out along its render's exact outline")
    restore: Literal["none", "label", "edges"] = Field(
        "none", description="detail of the render that exact mode restores"
    )
    regions: dict[str, str] = Field(
        default_factory=dict,
        description="angle → a picture, white where exact mode restores detail; in place of restore",
    )
    details: dict[str, str] = Field(
        default_factory=dict, description="angle → a photo from there that the detail is taken from, not the render"
    )


class RunSettings(BaseModel):
    """One run, from inputs to results. Lengths in metres, angles in degrees, times in seconds, money in USD."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    # inputs
    inputs: tuple[str, ...] = Field((), description="one .glb/.gltf/.blend, or 1-4 photos; absolute paths")
    leave_out: tuple[str, ...] = Field((), description="parts of the input that are not the product, by name")
    text: str = Field("", max_length=600, description="words instead of inputs")
    allow_missing_textures: bool = Field(
        False, description="go on where a texture, library or font is missing; then nothing is called on model"
    )
    backend: Literal["fal", "local"] = "local"
    name: str = Field("", max_length=80, description="what the product is called; empty: its file's name, or its words")
    turn: tuple[float, float, float] = Field(
        (0.0, 0.0, 0.0), description="degrees that it is turned about x, then y, then z, before it is put on the floor"
    )
    # rig
    angles: tuple[Angle, ...] = ANGLE_SETS[DEFAULT_ANGLE_SET]
    one_scale: bool = Field(False, description="the same scale in every angle, instead of filling each frame")
    # lighting
    lighting: str = "studio"
    light_rig: LightRig = LightRig()
    backdrop: Literal["white", "grey"] = "white"
    shadow: bool = True
    view_transform: str = "Khronos PBR Neutral"
    # references
    size: int = Field(1024, ge=64, le=4096, description="pixels of the longer side")
    aspect: float = Field(1.0, ge=0.4, le=2.5, description="width over height")
    samples: int | None = Field(None, ge=1, le=65536, description="None: the adaptive default")
    device: Literal["auto", "cpu", "gpu"] = "auto"
    # photoreal
    prompt: str = Field("", description="replaces the template's subject; empty: the template")
    materials: tuple[str, ...] | None = Field(None, description="None: hints from the product's own materials")
    seed: int | None = Field(None, ge=0, le=2**31 - 1)
    takes: int = Field(1, ge=1, le=16)
    # endpoints
    model_endpoint: str | None = Field(None, description="None: chosen by the number of photos")
    picture_endpoint: str | None = Field(None, description="words → this picture → model; None: words → model")
    image_endpoint: str = "fal-ai/flux-kontext/dev"
    video_endpoint: str = "fal-ai/kling-video/v3/pro/image-to-video"
    overrides: dict[str, dict[str, Any]] = Field(default_factory=dict, description="endpoint id → its fields")
    # video
    motion: Literal["turntable", "light_sweep", "detail_reveal", "none"] = "turntable"
    video_angle: str | None = Field(None, description="None: three-quarter, or the first angle")
    video_end_angle: str | None = None
    video_elements: bool = Field(
        False, description="send the other stills as further views where the endpoint takes them"
    )
    duration: float = Field(5.0, ge=1.0, le=15.0, description="seconds")
    audio: bool = False
    # geometry gate
    gate: Gate = Gate()
    # money
    budget: float | None = Field(None, ge=0.0, description="USD for this run; None: no limit of its own")
    daily_budget: float | None = Field(None, ge=0.0, description="USD a day over all runs of this machine")
    product_budget: float | None = Field(None, ge=0.0, description="USD for this product over all its runs")
    # privacy
    private: bool = Field(False, description="ask fal not to store payloads, and upload with a short lifetime")

    @field_validator("angles")
    @classmethod
    def _angles_have_distinct_names(cls, angles: tuple[Angle, ...]) -> tuple[Angle, ...]:
        if not angles:
            raise ValueError("a run needs at least one angle")
        names = [angle.name for angle in angles]
        if len(set(names)) != len(names):
            raise ValueError(f"two angles have the same name: {', '.join(sorted(names))}")
        return angles

    @model_validator(mode="after")
    def _video_angles_exist(self) -> RunSettings:
        names = [angle.name for angle in self.angles]
        for wanted in (self.video_angle, self.video_end_angle):
            if wanted is not None and self.motion != "none" and wanted not in names:
                raise ValueError(f"the video's angle {wanted!r} is not one of this run's angles: {', '.join(names)}")
        return self

    def angle(self, name: str) -> Angle:
        return next(angle for angle in self.angles if angle.name == name)

    @property
    def has_own_model(self) -> bool:
        """The input is a 3D model already, so that none is bought."""
        return len(self.inputs) == 1 and self.inputs[0].lower().endswith((".glb", ".gltf", ".blend"))

    @property
    def is_measured(self) -> bool:
        """Stills come from outside, are large enough to be measured, and shall be."""
        return self.gate.enabled and self.backend == "fal" and max(self.resolution) >= MEASURABLE

    @property
    def is_cut_out(self) -> bool:
        """Exact mode: the matte puts the true backdrop back, so that the generator may be sent another one."""
        return self.gate.exact and self.is_measured

    @property
    def product_name(self) -> str:
        """What the product is called, and what its own limit is counted under: its first file's name, or its words."""
        return Path(self.inputs[0]).stem if self.inputs else self.text.strip()[:80]

    @property
    def clip_angle(self) -> Angle:
        """The angle whose still starts the clip."""
        if self.video_angle is not None:
            return self.angle(self.video_angle)
        return next((angle for angle in self.angles if angle.name == "three-quarter"), self.angles[0])

    @property
    def resolution(self) -> tuple[int, int]:
        """Width and height in pixels, both multiples of 16 (what FLUX's latents keep exactly)."""
        if self.size == 1024 and self.aspect != 1.0:
            sizes = [*SAFE_SIZES, *((h, w) for w, h in SAFE_SIZES[1:])]
            return min(sizes, key=lambda wh: abs(wh[0] / wh[1] - self.aspect))
        width, height = (
            (self.size, self.size / self.aspect) if self.aspect >= 1 else (self.size * self.aspect, self.size)
        )
        return max(16, round(width / 16) * 16), max(16, round(height / 16) * 16)
