# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A studio whose front stills carry a fault of a kind, and are really measured: all else is as in the stand-in."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from consistency_pipeline.pipeline.formats import png
from consistency_pipeline.pipeline.gate.scoring import gate
from consistency_pipeline.pipeline.gate.scoring.faithful import Ground
from consistency_pipeline.pipeline.gate.scoring.heatmap import heatmap
from consistency_pipeline.pipeline.gate.scoring.pixels.colour import to_srgb
from consistency_pipeline.pipeline.gate.scoring.pixels.placement import Similarity
from consistency_pipeline.pipeline.gate.scoring.pixels.unwarp import unwarp
from consistency_pipeline.pipeline.gate.scoring.reference import Reference

from . import scoring_scene as scene
from .stand_in import StandInStudio, verdict

SIZE = 288
MIDDLE = (SIZE / 2 - 0.5, SIZE / 2 - 0.5)
OTHER = {
    "ball": scene.Part("ball", (0, 0, 0.05), (0.3, 0.3, 0.3), (0.30, 0.10, 0.08)),
    "rod": scene.Part("box", (0.3, 0, 0.2), (0.05, 0.05, 0.25), (0.08, 0.10, 0.25)),
}
EXTRA = scene.Part("ball", (-0.42, 0, 0.1), (0.14, 0.05, 0.05), (0.30, 0.10, 0.08))


def _moved(dx: float, dy: float, scale: float) -> np.ndarray:
    return scene.restyle(seed=3, size=SIZE, move=Similarity(dx, dy, scale, 0.0, MIDDLE).matrix())


def _made(parts: dict[str, scene.Part], **options: float) -> np.ndarray:
    return scene.restyle(parts, seed=4, size=SIZE, **options)


FAULTS: dict[str, Callable[[], np.ndarray]] = {
    "shift": lambda: _moved(5.0, -3.0, 1.0),
    "scale": lambda: _moved(0.0, 0.0, 1.04),
    "yaw": lambda: _made(scene.PRODUCT, yaw=9.0),
    "shape": lambda: _made(scene.changed("body", size=(0.36, 0.20, 0.22))),
    "missing part": lambda: _made(scene.without("spout")),
    "added part": lambda: _made({**scene.PRODUCT, "extra": EXTRA}),
    "label changed": lambda: _made(scene.changed("body", print_seed=9)),
    "recoloured": lambda: _made(scene.changed("body", colour=(0.05, 0.25, 0.08))),
    "wrong product": lambda: _made(OTHER),
    "blank": lambda: np.full((SIZE, SIZE, 3), 0.8, dtype=np.float32),
}


@lru_cache(maxsize=1)
def known() -> gate.Prepared:
    view = scene.camera()
    shot = scene.render(scene.PRODUCT, view, SIZE)
    planes = (shot["depth"], shot["normal"], shot["position"])
    surface = np.clip(to_srgb(shot["albedo"] * (shot["mask"] > 0.5)[..., None]), 0, 1).astype(np.float32)
    return gate.Prepared(Reference(scene.over(shot), shot["mask"], *planes, view, surface=surface))


@cache
def picture(kind: str) -> np.ndarray:
    """A front still with a fault of ``kind``; of "", none."""
    return FAULTS[kind]() if kind else scene.restyle(seed=5, size=SIZE)


@cache
def scored(kind: str) -> gate.Score:
    return gate.score(picture(kind), known())


class Faulty(StandInStudio):
    """``kinds``: of the front's takes in their order; the last one of all further ones."""

    def __init__(self, *kinds: str) -> None:
        super().__init__()
        self.kinds, self.mended = kinds, dict[str, np.ndarray]()

    def look(self, task: str, job: dict[str, Any]) -> dict[str, Any]:
        still = str(job.get("still", ""))
        angle, _, number = Path(still).stem.partition(".take-")
        if task not in ("measure", "unwarp", "faithful") or angle != "front":
            return verdict("pass", "the outline fits") if task == "measure" else super().look(task, job)
        kind = self.kinds[min(int(number), len(self.kinds)) - 1]
        seen = self.mended.get(still, picture(kind))
        if task != "measure":
            pose = job["pose"]
            own = Similarity(pose["dx"], pose["dy"], pose["scale"], pose["rotation"], tuple(pose["pivot"]))
            straight = unwarp(seen, own)
            if task == "faithful":
                straight = Ground.of(known().reference).at(straight, job["dial"], has_print=job["has_print"])
            self.mended[job["out"]] = straight
            return {}
        score = gate.score(seen, known()) if still in self.mended else scored(kind)
        drawn = heatmap(seen, known(), score)[..., :3]
        Path(job["heatmap"]).parent.mkdir(parents=True, exist_ok=True)
        png.write(Path(job["heatmap"]), np.clip(np.rint(drawn * 255), 0, 255).astype(np.uint8), {})
        found, pose = score.verdict, score.pose
        told = verdict(found.outcome, found.reason, found.cause, **score.numbers.as_dict())
        place = {"dx": pose.dx, "dy": pose.dy, "scale": pose.scale, "rotation": pose.rotation, "pivot": pose.pivot}
        return {**told, "pose": place, "own": known().own.as_dict()}
