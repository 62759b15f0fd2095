# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/screenshots/catalogue-page.png and catalogue-row.png: the page of a catalogue that was made, in headless Chromium.

.venv/bin/python packaging/catalogue_pictures.py [--size 288] [--samples 8]

Products that a script builds, rendered here, their stills from the fake fal.ai of the tests: it sends the references back with
its marks. The budget ends before the last two products.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

PRODUCTS = {
    "teapot": "Teapot",
    "camera": "Camera",
    "kettle": "Kettle",
    "tin": "Tea tin",
    "shoe": "Trail shoe",
    "chair": "Chair",
}
BUDGET = 0.28  # USD; each product may cost 0.10 and does cost 0.05, so that it ends after four


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=288, help="pixels (default 288)")
    parser.add_argument("--samples", type=int, default=8, help="Cycles samples a pixel (default 8)")
    options = parser.parse_args()
    from tests.fake_fal import FakeFal

    with tempfile.TemporaryDirectory(prefix="consistency-catalogue-") as name, FakeFal() as fake:
        place = Path(name)
        table, out = _table(place, options), place / "out"
        words = ["catalogue", str(table), "--out", str(out), "--backend", "fal", "--yes", "--budget", f"{BUDGET:g}"]
        program = "from consistency_pipeline.command_line import entry_point; entry_point()"
        environment = {**os.environ, **fake.environment(), "CONSISTENCY_STATE_FOLDER": str(place / "book")}
        subprocess.run([sys.executable, "-c", program, *words], env=environment, cwd=ROOT, check=True)
        _shoot(place / "profile", out / "index.html")
    return 0


def _table(place: Path, options: argparse.Namespace) -> Path:
    import bpy

    from benchmarks.calibration import products

    lines = ["sku;input;name;angles;motion;size;samples"]
    for number, (product, name) in enumerate(PRODUCTS.items()):
        products.build(product, {})
        model = place / f"{product}.glb"
        bpy.ops.export_scene.gltf(filepath=str(model))
        lines.append(f"SP-{100 + number};{model.name};{name};front|side;none;{options.size};{options.samples}")
    table = place / "spring.csv"
    table.write_text("\n".join(lines))
    return table


def _shoot(profile: Path, page: Path) -> None:
    from PIL import Image

    from tests.pure.chromium import Chromium

    drawn = "Promise.all([...document.images].map((each) => (each.loading = 'eager', each.decode())))"
    browser = Chromium(profile, (1280, 900))
    try:
        browser.open(page)
        for name, script in (("page", drawn), ("row", f"open(0); {drawn}")):
            browser.run(script)
            shot = ROOT / "docs" / "screenshots" / f"catalogue-{name}.png"
            browser.screenshot(shot)
            with Image.open(shot) as picture:
                picture.convert("RGB").quantize(256).save(shot, optimize=True)
    finally:
        browser.close()


if __name__ == "__main__":
    sys.exit(main())
