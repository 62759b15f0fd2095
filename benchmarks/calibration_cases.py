# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The labelled set: which pictures are made of which render, and what is wrong with each."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import calibration_render as renders
import calibration_restyle as restyling
import numpy as np
from calibration_restyle import HARD_BACKDROPS, STILL, Move

from consistency_pipeline.pipeline.gate.scoring import drift, gate
from consistency_pipeline.pipeline.gate.scoring.pixels.arrays import dilate, erode
from consistency_pipeline.pipeline.gate.scoring.reference import Camera, Reference

MOVES = {
    "shift": (Move(dx=5.0), Move(dx=-8.0, dy=6.0), Move(dy=-20.0)),
    "scale": (Move(scale=0.98), Move(scale=1.02), Move(scale=1.05)),
    "stretch": (Move(stretch=1.03), Move(stretch=0.95)),
}
VISIBLE = 1.0  # px at 1024: mean displacement of the worst 5 % of the outline that a defect must cause to be seen …
VISIBLE_AREA = 0.01  # … or share of the product whose surface must have changed


@dataclass(frozen=True)
class Case:
    """One picture. ``kind``: "true" or the defect's; ``detail``: which one; ``render``: the variant it is made of."""

    kind: str
    detail: str
    backdrop: str
    seed: int
    render: str = "true"
    move: Move = STILL


def cases(product: str, true_per_view: int, fast: bool) -> list[Case]:
    """All pictures of one view. Difficult backdrops take turns; every defect comes on plain ones and half as often on those."""
    backdrops = ["plain"] * true_per_view + [HARD_BACKDROPS[i % 5] for i in range(max(1, true_per_view // 2))]
    planned: list[tuple[str, str, str, Move]] = []
    listed = [Case("true", "", backdrop, seed) for seed, backdrop in enumerate(backdrops)]
    for kind, moves in MOVES.items():
        planned += [(kind, str(index), "true", move) for index, move in enumerate(moves)]
    for variant in renders.variants(product)[1:]:
        kind, _, detail = variant.partition(":")
        planned.append((kind, detail, variant, STILL))
    planned += [("blank", "", "blank", STILL), ("wrong product", "", "wrong", STILL)]
    for index, (kind, detail, render, move) in enumerate(planned):
        listed.append(Case(kind, detail, "plain", 1000 + index, render, move))
        if index % 2 == 0 and not (fast and index % 4):
            hard = HARD_BACKDROPS[(index // 2) % 5]
            listed.append(Case(kind, detail, hard, 2000 + index, render, move))
    return listed


Job = tuple[Path, str, str, str, dict[str, Path], int, bool]
MEASURING = (
    "arrays",
    "silhouette",
    "walk",
    "placement",
    "shape",
    "backdrop",
    "edges",
    "label",
    "added",
    "colour",
    "gate",
)


def rows_of_view(job: Job) -> list[dict[str, Any]]:
    """score_view, kept in the cache until a measuring module, the cases or the restyling change."""
    cache, product, angle, _, _, true_per_view, fast = job
    scoring = Path(gate.__file__).parent
    sources = [*(scoring / f"{name}.py" for name in MEASURING), Path(__file__), Path(restyling.__file__)]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources) + repr((true_per_view, fast)).encode())
    file = cache / "rows" / f"{product}.{angle}.{digest.hexdigest()[:12]}.json"
    if not file.is_file():
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(score_view(job)), encoding="utf-8")
    return json.loads(file.read_text(encoding="utf-8"))


def score_view(job: Job) -> list[dict[str, Any]]:
    """Every picture of one view, made and scored: one row each."""
    cache, product, angle, other, models, true_per_view, fast = job
    shots = {"true": renders.shot(cache, product, angle, "true", models)}
    picture, grey = restyling.as_reference(shots["true"])
    prepared = gate.Prepared(reference(shots["true"], picture))
    rows = []
    for case in cases(product, true_per_view, fast):
        random = np.random.default_rng([case.seed, sum(map(ord, product + angle))])
        if case.render == "blank":
            still = restyling.blank(renders.SIZE, grey, random)
        else:
            if case.render not in shots:
                owner, variant = (other, "true") if case.render == "wrong" else (product, case.render)
                shots[case.render] = renders.shot(cache, owner, angle, variant, models)
            still = restyling.restyle(shots[case.render], grey, random, case.backdrop, case.move)
        began = time.process_time()
        scored = gate.score(still, prepared)
        rows.append(
            {
                "product": product,
                "angle": angle,
                "kind": kind_of(case, shots),
                "detail": case.detail,
                "backdrop": case.backdrop,
                "visible": case.render in ("blank", "wrong") or visible(shots["true"], shots[case.render], case),
                "seconds": time.process_time() - began,
                "numbers": scored.numbers.as_dict(),
                "expected": expected(case.move, prepared),
                "seed": case.seed,
            }
        )
    return rows


def kind_of(case: Case, shots: dict[str, restyling.Shot]) -> str:
    """An added part that hardly leaves the outline is another task than one that sticks out: it is reported by itself."""
    if case.kind != "added":
        return case.kind
    was, now = (shots[name]["mask"] > 0.5 for name in ("true", case.render))
    return "added" if (now & ~was).sum() > 0.005 * was.sum() else "added inside"


def reference(shot: dict[str, np.ndarray], picture: np.ndarray) -> Reference:
    camera = Camera(shot["matrix_world"], shot["projection"])
    return Reference(picture, shot["mask"], shot["depth"], shot["normal"], shot["position"], camera)


def expected(move: Move, prepared: gate.Prepared) -> dict[str, float]:
    """What an ideal fit finds for ``move``: the shift at the product's centroid, px at 1024, and the scale."""
    work = prepared.work
    x, y = work.silhouette.centre
    middle = work.mask.shape[1] / 2 - 0.5
    grown = move.scale * (1 + (move.stretch - 1) / 2)
    return {
        "dx_px": move.dx + (x - middle) * (move.scale * move.stretch - 1) / work.unit,
        "dy_px": move.dy + (y - middle) * (move.scale - 1) / work.unit,
        "scale": grown,
    }


def visible(true: dict[str, np.ndarray], changed: dict[str, np.ndarray], case: Case) -> bool:
    """Can the defect be seen at all? A handle behind the body, or a bottle's yaw, can't: same pixels, no fault."""
    if case.kind in ("true", *MOVES):
        return case.kind != "true"
    was, now = true["mask"] > 0.5, changed["mask"] > 0.5
    rim = max(1, int((was & ~erode(was, 1.0)).sum()))
    differing = was ^ now
    # A difference one pixel deep along the whole rim is antialiasing; two pixels deep is a displaced outline.
    deep = differing & (erode(differing, 1.0) | dilate(erode(differing, 1.0), 1.5))
    moved = deep.sum() / rim > 0.02 or differing.sum() / rim > VISIBLE * renders.SIZE / 1024
    both = was & now
    turned = (true["normal"] * changed["normal"]).sum(axis=-1) < 0.94
    painted = np.abs(true["albedo"] - changed["albedo"]).max(axis=-1) > 0.15
    surface = erode((turned | painted) & both, 1.0).sum() / max(1, both.sum())
    return bool(moved or surface > VISIBLE_AREA)


DRIFTS = {"true": (0.0, 0.0), "yaw:3": (3.0, 0.0), "yaw:-6": (-6.0, 0.0), "yaw:12": (12.0, 0.0), "pitch:4": (0.0, 4.0)}


def drift_of_view(job: Job) -> list[dict[str, Any]]:
    """Degrees found against degrees put in, on plain backdrops; one row per drift that the outline can tell."""
    cache, product, angle, _, models, _, _ = job
    true = renders.shot(cache, product, angle, "true", models)
    _, grey = restyling.as_reference(true)
    camera = Camera(true["matrix_world"], true["projection"])
    fan = drift.fan_of_mesh(true["vertices"], true["triangles"], camera, renders.SIZE, renders.SIZE)
    rows = []
    for variant, (yaw, pitch) in DRIFTS.items():
        still = restyling.restyle(
            renders.shot(cache, product, angle, variant, models), grey, np.random.default_rng(len(variant) + 7)
        )
        began = time.process_time()
        found = drift.find_drift(still.astype(np.float32) / 255, fan)
        rows.append(
            {
                "product": product,
                "angle": angle,
                "variant": variant,
                "telling": found.telling or variant == "true",
                "yaw_error": abs(found.yaw - yaw),
                "pitch_error": abs(found.pitch - pitch),
                "seconds": time.process_time() - began,
            }
        )
    return rows
