# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A studio without Blender: it writes small pictures where Blender would render, at once.

With it the real chain, the real backends and the real child process run in tests and benchmarks of everything but pixels.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

from consistency_pipeline.pipeline.backend.ports import Product, Results, Shot
from consistency_pipeline.pipeline.backend.requests import ClipRequest
from consistency_pipeline.pipeline.rig import Angle
from consistency_pipeline.pipeline.settings.groups import RunSettings
from consistency_pipeline.pipeline.stages import Progress, Steps
from consistency_pipeline.pipeline.system.disk import whole_file

_UNIT = [[float(row == column) for column in range(4)] for row in range(4)]


def png(width: int = 64, height: int = 64, grey: int = 128) -> bytes:
    """A grey picture, 8 bits a pixel."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = (b"\0" + bytes([grey]) * width) * height
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


def write(path: Path, data: bytes) -> Path:
    with whole_file(path) as file:
        file.write(data)
    return path


def verdict(outcome: str, reason: str = "as seen", cause: str = "", **numbers: float) -> dict[str, Any]:
    """What the gate says of a still."""
    pose = {"dx": 0.0, "dy": 0.0, "scale": 1.0, "rotation": 0.0, "pivot": [0.0, 0.0]}
    return {
        "outcome": outcome,
        "reason": reason,
        "cause": cause,
        "repairable": cause == "placement",
        "numbers": numbers,
        "pose": pose,
    }


class StandInStudio:
    """``calls`` counts what was asked of it, by method; its product is a duck, mirror-like where ``reflective`` says so."""

    def __init__(self, *, reflective: bool = False) -> None:
        self.calls: dict[str, int] = {}
        self.reflective = reflective

    def _count(self, name: str) -> None:
        self.calls[name] = self.calls.get(name, 0) + 1

    def close(self) -> None:
        self._count("close")

    def load_product(self, model: Path) -> Steps[Product]:
        self._count("load_product")
        yield Progress("rig", f"loading {model.name}")
        assert model.is_file()
        return Product(name="duck", size=(1.0, 1.0, 1.0), vertices=8, reflective=self.reflective)

    def export_product(self, out: Path) -> Steps[None]:
        self._count("export_product")
        yield Progress("rig", "exporting")
        write(out, b"glTF")

    def place_rig(self, settings: RunSettings) -> Steps[None]:
        self._count("place_rig")
        yield Progress("rig", f"{len(settings.studio.angles)} cameras")

    def render_reference(self, angle: Angle, settings: RunSettings, folder: Path) -> Steps[Shot]:
        self._count("render_reference")
        yield Progress("references", "rendering", 0.0, angle.name)
        # A grey of its own for each angle: equal bytes would be uploaded once, and a swapped still go unnoticed.
        image = png(*settings.resolution, grey=40 + 20 * [a.name for a in settings.studio.angles].index(angle.name))
        files = {name: write(folder / f"{angle.name}.{name}.png", image) for name in ("mask", "depth_map")}
        files["image"] = write(folder / f"{angle.name}.png", image)
        return Shot(
            angle=angle.name,
            files=files,
            matrix_world=_UNIT,
            projection=_UNIT,
            focal_length=85.0,
            device="stand-in",
            samples=1,
            seconds=0.0,
            coverage=0.5,
        )

    def finish_reference(self, angle: Angle, references: Path, out: Path) -> Steps[None]:
        self._count("finish_reference")
        yield Progress("photoreal", "finishing", 0.0, angle.name)
        write(out, (references / f"{angle.name}.png").read_bytes())

    def render_turntable(
        self, angle: Angle, settings: RunSettings, out: Path, kind: str = "render", frames: int | None = None
    ) -> Steps[None]:
        self._count("render_turntable")
        yield Progress("video", "rendering", 0.0, angle.name)
        write(out, b"clip")

    def render_exact_clip(self, clip: ClipRequest, settings: RunSettings) -> Steps[None]:
        self._count("render_exact_clip")
        self.lent = [lender.angle for lender in clip.lends]
        yield Progress("video", "rendering", 0.0, clip.angle.name)
        write(clip.out, b"clip")

    def inspect(self, task: str, meanwhile: Progress, **job: Any) -> Steps[dict[str, Any]]:
        self._count(task)
        yield meanwhile
        if "out" in job:
            write(Path(job["out"]), Path(job["still"]).read_bytes())
        return self.look(task, job)

    def look(self, task: str, job: dict[str, Any]) -> dict[str, Any]:
        """What is seen; a test may see something else."""
        if task == "tint":
            return {"outlier": "", "action": "", "reason": "the views agree", "gains": {}}
        if task == "coverage":
            rest = {"angle": "look-180-15", "azimuth": 180.0, "elevation": 15.0, "seen": 0.98}
            return {"seen": 0.6, "further": [rest]}
        return verdict("pass")

    def save_results(self, results: Results, settings: RunSettings, folder: Path) -> Steps[None]:
        self._count("save_results")
        yield Progress("results", "saving")
        assert all(path.is_file() for path in (*results.stills.values(), *results.clips.values()))
        write(folder / "contact_sheet.png", png())
        write(folder / "scene.blend", b"BLENDER")
