# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fit the gate's thresholds on products whose faults are known, and say what they are worth on others.

    python -m benchmarks.calibration [--products NAME,…] [--angles NAME,…] [--quick] [--cache FOLDER] [--write]
    python -m benchmarks.calibration --decisions FILE_OR_FOLDER [--cache FOLDER]

Renders each product's views and faults once (kept in the cache), develops and paints them in many ways, scores every picture,
and reports, for each product, the verdicts by thresholds that were fitted on all the others. CONSISTENCY_TEST_MODELS names a
folder of GLB files that join the program's own products. ``--write`` stores thresholds fitted on all products where the gate
reads them; what is reported is never of these.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from . import decisions, limits, products, scenes, scores


def main() -> None:
    options = _options()
    if options.decisions:
        print(decisions.report(options.decisions, options.cache))
        return
    models = {
        path.stem: path for path in sorted(Path(os.environ.get("CONSISTENCY_TEST_MODELS") or os.devnull).glob("*.glb"))
    }
    names = options.products.split(",") if options.products else [*products.PRODUCTS, *models]
    angles = options.angles.split(",")
    print(f"products: {', '.join(names)}; angles: {', '.join(angles)}; cache: {options.cache}")
    _render(options.cache, names, angles, models, options.render_at_most)
    views = [
        scores.View(options.cache, name, angle, names[(index + 1) % len(names)], models, options.quick)
        for angle in angles
        for index, name in enumerate(names)
    ]
    rows = []
    with ProcessPoolExecutor(options.workers) as pool:
        for done, part in enumerate(pool.map(scores.rows_of, views), 1):
            rows += part
            print(f"\r{done}/{len(views)} views scored, {len(rows)} pictures", end="", flush=True)
    print()
    print(limits.report(rows))
    if options.write:
        limits.write(rows)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", default="", help="names, separated by commas; all by default")
    parser.add_argument("--angles", default="three-quarter,front")
    parser.add_argument("--quick", action="store_true", help="one camera chain a picture")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "consistency-calibration")
    parser.add_argument("--workers", type=int, default=max(1, min(4, (os.cpu_count() or 2) - 1)))
    parser.add_argument(
        "--render-at-most", type=int, default=10**9, help="pictures rendered in this call; the rest is left out"
    )
    parser.add_argument(
        "--decisions", type=Path, nargs="+", default=[], metavar="FILE_OR_FOLDER",
        help="only say how the limits would have to move for what people said of their stills (decisions.jsonl)",
    )  # fmt: skip
    parser.add_argument("--write", action="store_true", help="store the fitted thresholds")
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    return options


def _render(cache: Path, names: list[str], angles: list[str], models: dict[str, Path], most: int) -> None:
    """In this process, one after the other: Blender uses every core by itself."""
    began, made = time.perf_counter(), 0
    for angle in angles:
        for name in names:
            for variant in scenes.variants(name):
                if not scenes.is_cached(cache, name, angle, variant) and made < most:
                    with contextlib.redirect_stdout(None):
                        scenes.shot(cache, name, angle, variant, models)
                    made += 1
    print(f"{made} pictures rendered in {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
