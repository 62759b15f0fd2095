# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each picture of a view through the gate: one row of numbers, kept until what measures or what is measured has changed."""

from __future__ import annotations

import hashlib
import json
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from consistency_pipeline.pipeline.gate import scoring
from consistency_pipeline.pipeline.gate.scoring import gate
from consistency_pipeline.pipeline.gate.scoring.measures import edges, label
from consistency_pipeline.pipeline.gate.scoring.measures.cast import solid_points
from consistency_pipeline.pipeline.gate.scoring.pixels.colour import to_srgb
from consistency_pipeline.pipeline.gate.scoring.reference import Camera, Reference

from . import pictures, prints, products, scenes

CHAINS = 3  # camera and codec chains over each true picture
CAUGHT_IN = 2  # … over each picture of a fault made in 3D
PAINTED_IN = 2  # pictures of each painted fault
# Files of the two rooms that change no number: what decides on numbers, what mends pictures, what is only drawn.
UNMEASURED = (
    "limits.py", "__main__.py", "verdict.py", "together.py", "ladder.py", "decisions.py", "faithful.py", "crossview.py", "heatmap.py",
    "places.py", "recomposite.py", "thin.py",
)  # fmt: skip


@dataclass(frozen=True)
class View:
    """``others``: another product, for the picture of a wrong one."""

    cache: Path
    product: str
    angle: str
    other: str
    models: dict[str, Path]
    quick: bool = False

    def random(self, *words: str) -> np.random.Generator:
        """The same draws for the same picture, whatever else is drawn."""
        return np.random.default_rng(zlib.crc32(" ".join((self.product, self.angle, *words)).encode()))

    def composed(self, variant: str, grey: float) -> np.ndarray:
        shot = scenes.shot(self.cache, self.product, self.angle, variant, self.models)
        return pictures.composed(shot, grey)


def rows_of(view: View) -> list[dict[str, Any]]:
    """All rows of a view; from the cache where nothing has changed."""
    rooms = (Path(scoring.__file__).parent, Path(__file__).parent)
    digest = hashlib.sha256(repr((view.product, view.angle, view.other, view.quick)).encode())
    for room in rooms:
        for path in sorted(room.rglob("*.py")):
            if path.name not in UNMEASURED:
                digest.update(path.read_bytes())
    file = view.cache / "rows" / f"{view.product}.{view.angle}.{digest.hexdigest()[:16]}.json"
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(score(view)), encoding="utf-8")
    return json.loads(file.read_text(encoding="utf-8"))


def reference_of(shot: pictures.Shot) -> tuple[Reference, float]:
    picture, grey = pictures.as_reference(shot)
    surface = np.clip(to_srgb(np.clip(shot["albedo"], 0, 1)), 0, 1).astype(np.float32)
    camera = Camera(shot["matrix_world"], shot["projection"])
    return Reference(
        picture,
        shot["alpha"],
        shot["depth"],
        shot["normal"],
        shot["position"],
        camera,
        surface=surface,
        solid=solid_points(shot["vertices"], shot["triangles"].astype(int)),
    ), grey


@dataclass(frozen=True)
class Sample:
    """One picture whose truth is known. ``seen``: (H, W) bool, where its fault shows; None: it has none."""

    kind: str
    detail: str
    look: str
    picture: np.ndarray
    seen: np.ndarray | None


def score(view: View) -> list[dict[str, Any]]:
    reference, grey = reference_of(scenes.shot(view.cache, view.product, view.angle, "reference", view.models))
    prepared = gate.Prepared(reference)
    rows = []
    for sample in samples(view, reference, grey):
        began = time.process_time()
        scored = gate.score(sample.picture, prepared)
        rows.append(
            {
                "product": view.product, "class": products.facts(view.product).kind, "angle": view.angle, "kind": sample.kind,
                "detail": sample.detail, "look": sample.look, "visible": 0 if sample.seen is None else int(sample.seen.sum()),
                "seconds": round(time.process_time() - began, 3), "numbers": scored.numbers.as_dict(), "own": prepared.own.as_dict(),
            }
        )  # fmt: skip
    return rows


def samples(view: View, reference: Reference, grey: float) -> Iterator[Sample]:
    """The reference harmlessly worse, then true pictures, faults in 3D, faults of the whole picture, painted ones."""
    degraded = pictures.degraded(reference.rgb, view.random("degraded"))
    for name in ("itself", "jpeg") if view.quick else degraded:
        yield Sample("reference", name, "reference", degraded[name], None)
    clean = {look: view.composed(f"{look}:true:", grey) for look in scenes.LOOKS}
    for look, picture in clean.items():
        for chain in range(1 if view.quick else CHAINS):
            yield Sample(
                "true", str(chain), look, pictures.developed(picture, view.random(look, "true", str(chain))), None
            )
    yield from _made_in_3d(view, clean, grey)
    yield from _moved(view, clean)
    yield from _painted(view, clean, reference)
    yield from _painted_on_print(view, clean, reference)
    if scenes.is_cached(view.cache, view.other, view.angle, "soft:true:"):
        other = replace(view, product=view.other).composed("soft:true:", grey)
        seen = pictures.visible(other, clean["soft"])
        yield Sample("wrong product", view.other, "soft", pictures.developed(other, view.random("wrong")), seen)
    yield Sample(
        "blank", "", "soft", pictures.blank(scenes.SIZE, grey, view.random("blank")), np.ones((1, 1), dtype=bool)
    )


def _made_in_3d(view: View, clean: dict[str, np.ndarray], grey: float) -> Iterator[Sample]:
    """Those that are rendered already."""
    for variant in scenes.variants(view.product)[1 + len(scenes.LOOKS) :]:
        look, kind, detail = variant.split(":")
        if not scenes.is_cached(view.cache, view.product, view.angle, variant):
            continue
        picture = view.composed(variant, grey)
        seen = pictures.visible(picture, clean[look])
        for chain in range(1 if view.quick else CAUGHT_IN):
            yield Sample(kind, detail, look, pictures.developed(picture, view.random(variant, str(chain))), seen)


def _moved(view: View, clean: dict[str, np.ndarray]) -> Iterator[Sample]:
    for index, (kind, moves) in enumerate(pictures.MOVES.items()):
        for number, move in enumerate(moves[:1] if view.quick else moves):
            look = scenes.LOOKS[(index + number) % 4]
            picture = pictures.moved(clean[look], move)
            seen = pictures.visible(picture, clean[look])
            yield Sample(kind, str(number), look, pictures.developed(picture, view.random(kind, str(number))), seen)


def _painted_on_print(view: View, clean: dict[str, np.ndarray], reference: Reference) -> Iterator[Sample]:
    """Where the product carries a print that is large enough to be judged."""
    where = label.find(reference, edges.geometry_edges(reference))
    if where.sum() < label.SMALLEST * reference.inside.sum():
        return
    for index, kind in enumerate(prints.KINDS):
        for number in range(1 if view.quick else PAINTED_IN):
            look = scenes.LOOKS[(index + number) % 4]
            random = view.random(kind, str(number))
            picture = prints.painted(kind, clean[look], where, random)
            seen = pictures.visible(picture, clean[look])
            yield Sample(kind, str(number), look, pictures.developed(picture, random), seen)


def _painted(view: View, clean: dict[str, np.ndarray], reference: Reference) -> Iterator[Sample]:
    for index, kind in enumerate(pictures.PAINTED):
        for number in range(1 if view.quick else PAINTED_IN):
            look = scenes.LOOKS[(index + number) % 4]
            random = view.random(kind, str(number))
            picture = pictures.painted(kind, clean[look], reference.mask, reference.surface, random)
            seen = pictures.visible(picture, clean[look])
            yield Sample(kind, str(number), look, pictures.developed(picture, random), seen)
