# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fit the gate's thresholds on pictures whose faults are known, and say what they are worth on others.

    python benchmarks/calibration.py [--fast] [--cache FOLDER] [--write] [--only-score]

Renders each product's views and defects once (kept in the cache), restyles them hundreds of ways, scores every picture,
fits the thresholds on one half of the views and reports on the other. CONSISTENCY_TEST_MODELS names a folder of GLB files
that join the program's own products. ``--write`` stores the thresholds where pipeline/scoring reads them.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import calibration_cases as labelled
import calibration_fit as fitting
import calibration_products as products
import calibration_render as renders
import calibration_restyle as restyling
import numpy as np

from consistency_pipeline.pipeline.gate.scoring import gate, verdict
from consistency_pipeline.pipeline.gate.scoring.pixels.arrays import resize


def main() -> None:
    options = _options()
    models = {
        path.stem: path for path in sorted(Path(os.environ.get("CONSISTENCY_TEST_MODELS") or os.devnull).glob("*.glb"))
    }
    names = [*products.PRODUCTS, *models]
    angles = ["three-quarter", "front", "side"]
    if options.fast:
        names, angles = ["teapot", "bottle", "gadget"], ["three-quarter", "front"]
    print(f"products: {', '.join(names)}; angles: {', '.join(angles)}; cache: {options.cache}")
    _render_all(options.cache, names, angles, models)
    jobs = [
        (options.cache, name, angle, names[(index + 1) % len(names)], models, options.true_per_view, options.fast)
        for angle in angles
        for index, name in enumerate(names)
    ]
    rows: list[dict[str, Any]] = []
    with ProcessPoolExecutor(options.workers) as pool:
        for done, part in enumerate(pool.map(labelled.rows_of_view, jobs), 1):
            rows += part
            print(f"\r{done}/{len(jobs)} views scored, {len(rows)} pictures", end="", flush=True)
        print()
        drifts = [row for part in pool.map(labelled.drift_of_view, jobs[: len(names)]) for row in part]
    fit_half, report_half = fitting.halves(rows)
    thresholds = fitting.fit(fit_half, verdict.Thresholds())
    invisible = sum(row["kind"] != "true" and not row["visible"] for row in rows)
    print(f"{len(rows)} pictures; {invisible} defects can't be seen from their angle and are left out")
    print(f"fitted on {len(fit_half)} pictures, reported on the other {len(report_half)}:")
    print(fitting.report(report_half, thresholds))
    print(fitting.recovery(rows))
    print(fitting.drift_report(drifts))
    print(f"\nscoring time at {renders.SIZE} px: mean {np.mean([row['seconds'] for row in rows]):.2f} s of one core")
    print(f"scoring time at 1024 px: {_seconds_at_1024(options.cache, names[0], angles[0], models):.2f} s of one core")
    print(f"thresholds: {json.dumps(asdict(thresholds))}")
    if options.write:
        note = {
            "pictures": len(fit_half),
            "products": len(names),
            "command": "python benchmarks/calibration.py --write",
        }
        text = json.dumps({"fitted_on": note, "thresholds": asdict(thresholds)}, indent=2) + "\n"
        Path(verdict.__file__).with_name("thresholds.json").write_text(text, encoding="utf-8")


def _seconds_at_1024(cache: Path, name: str, angle: str, models: dict[str, Path]) -> float:
    """Fastest of five: what else runs on the machine only ever adds."""
    shot = renders.shot(cache, name, angle, "true", models)
    large = {key: resize(shot[key], 1024, 1024) for key in ("rgb", "mask", "depth", "normal", "position")}
    prepared = gate.Prepared(labelled.reference(shot | large, restyling.as_reference(shot | large)[0]))
    still = resize(restyling.restyle(shot, 0.8, np.random.default_rng(0)) / np.float32(255), 1024, 1024)
    times = []
    for _ in range(5):
        began = time.process_time()
        gate.score(still, prepared)
        times.append(time.process_time() - began)
    return min(times)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fast", action="store_true", help="three products, two angles")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "consistency-calibration")
    parser.add_argument("--workers", type=int, default=max(1, min(4, (os.cpu_count() or 2) - 1)))
    parser.add_argument("--true-per-view", type=int, default=14, help="true pictures per view on plain backdrops")
    parser.add_argument("--write", action="store_true", help="store the fitted thresholds")
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    return options


def _render_all(cache: Path, names: list[str], angles: list[str], models: dict[str, Path]) -> None:
    """In this process, one after the other: Blender uses every core by itself."""
    began = time.perf_counter()
    for name in names:
        for angle in angles:
            for variant in renders.variants(name):
                if not renders.is_cached(cache, name, angle, variant):
                    with contextlib.redirect_stdout(None):
                        renders.shot(cache, name, angle, variant, models)
    print(f"renders ready after {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
