"""Each picture of a view through the gate: one row of numbers, kept until what measures or what is measured has changed."""

from __future__ import annotations

import hashlib
import json
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from consistency_pipeline.pipeline.gate import scoring
from consistency_pipeline.pipeline.gate.scoring import gate
from consistency_pipeline.pipeline.gate.scoring.pixels.colour import to_srgb
from consistency_pipeline.pipeline.gate.scoring.reference import Camera, Reference

from . import pictures, products, scenes

CHAINS = 3  # camera and codec chains over each true picture
CAUGHT_IN = 2  # … over each picture of a fault made in 3D


@dataclass(frozen=True)
class View:
    """``others``: another product, for the picture of a wrong one."""

    cache: Path
    product: str
    angle: str
    other: str
    models: dict[str, Path]
    quick: bool = False


def rows_of(view: View) -> list[dict[str, Any]]:
    """All rows of a view; from the cache where nothing has changed."""
    rooms = (Path(scoring.__file__).parent, Path(__file__).parent)
    digest = hashlib.sha256(repr((view.product, view.angle, view.other, view.quick)).encode())
    for room in rooms:
        for path in sorted(room.glob("*.py")):
            if path.name not in ("limits.py", "__main__.py", "verdict.py", "ladder.py"):
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
        picture, shot["alpha"], shot["depth"], shot["normal"], shot["position"], camera, surface=surface
    ), grey


def score(view: View) -> list[dict[str, Any]]:
    shots = {"reference": scenes.shot(view.cache, view.product, view.angle, "reference", view.models)}
    reference, grey = reference_of(shots["reference"])
    prepared = gate.Prepared(reference)
    rows: list[dict[str, Any]] = []

    def add(kind: str, detail: str, look: str, picture: np.ndarray, seen: np.ndarray | None) -> None:
        began = time.process_time()
        scored = gate.score(picture, prepared)
        rows.append(
            {
                "product": view.product, "class": products.facts(view.product).kind, "angle": view.angle, "kind": kind,
                "detail": detail, "look": look, "visible": 0 if seen is None else int(seen.sum()),
                "seconds": round(time.process_time() - began, 3), "numbers": scored.numbers.as_dict(), "own": prepared.own.as_dict(),
            }
        )  # fmt: skip

    def random(*words: str) -> np.random.Generator:
        return np.random.default_rng(zlib.crc32(" ".join((view.product, view.angle, *words)).encode()))

    def load(variant: str, product: str = view.product) -> np.ndarray:
        return pictures.composed(scenes.shot(view.cache, product, view.angle, variant, view.models), grey)

    for name, picture in pictures.degraded(reference.rgb, random("degraded")).items():
        add("reference", name, "reference", picture, None)
    clean = {look: load(f"{look}:true:") for look in scenes.LOOKS}
    for look, picture in clean.items():
        for chain in range(1 if view.quick else CHAINS):
            add("true", str(chain), look, pictures.developed(picture, random(look, "true", str(chain))), None)
    for variant in scenes.variants(view.product)[1 + len(scenes.LOOKS) :]:
        look, kind, detail = variant.split(":")
        if not scenes.is_cached(view.cache, view.product, view.angle, variant):
            continue
        picture = load(variant)
        seen = pictures.visible(picture, clean[look])
        for chain in range(1 if view.quick else CAUGHT_IN):
            add(kind, detail, look, pictures.developed(picture, random(variant, str(chain))), seen)
    for index, (kind, moves) in enumerate(pictures.MOVES.items()):
        for number, move in enumerate(moves):
            look = scenes.LOOKS[(index + number) % 4]
            picture = pictures.moved(clean[look], move)
            add(kind, str(number), look, pictures.developed(picture, random(kind, str(number))), pictures.visible(picture, clean[look]))  # fmt: skip
    for index, kind in enumerate(pictures.PAINTED):
        for number in range(1 if view.quick else 2):
            look = scenes.LOOKS[(index + number) % 4]
            draws = random(kind, str(number))
            picture = pictures.painted(kind, clean[look], reference.mask, shots["reference"]["albedo"], draws)
            add(kind, str(number), look, pictures.developed(picture, draws), pictures.visible(picture, clean[look]))
    if scenes.is_cached(view.cache, view.other, view.angle, "soft:true:"):
        picture = load("soft:true:", view.other)
        add("wrong product", view.other, "soft", pictures.developed(picture, random("wrong")), pictures.visible(picture, clean["soft"]))  # fmt: skip
    add("blank", "", "soft", pictures.blank(scenes.SIZE, grey, random("blank")), np.ones((1, 1), dtype=bool))
    return rows
