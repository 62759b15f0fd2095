# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the quality of a reference changes for those that look at it: the gate, and the print that it reads.

    python -m benchmarks.quality [--size 512] [--products tin,gadget,…] [--angle three-quarter] [--qualities draft,standard,final]
        [--device cpu|gpu]

Each product is rendered as a reference in each quality. Then the same pictures are judged by each of these references: true
ones, rendered in another light and put through cameras and codecs, and ones with faults that generators paint. Printed side by
side from one run:

    time      of the reference, in seconds of the processor (of the clock, where a GPU renders), beside final
    PSNR      in the product's pixels, beside final
    true      pictures called wrong, and unsure
    faults    pictures caught, and unsure
    changed   verdicts that are others than by the final reference
    print     by how much the correlation of the print differs from that by the final reference: median, and at most
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.calibration import pictures, prints, products
from benchmarks.lighting import _psnr, _references

LIGHTS = 3  # presets that true pictures are taken in
CHAINS = 2  # cameras and codecs over each picture


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=512, help="pixels of a reference's side (default 512)")
    parser.add_argument(
        "--products", default="tin,gadget,backpack,perfume,camera,shoe", help="of benchmarks.calibration, or GLB files"
    )
    parser.add_argument("--angle", default="three-quarter")
    parser.add_argument(
        "--qualities", default="draft,standard,final", help="the last one is what the others are beside"
    )
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu", help="what renders (default cpu)")
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in options.products.split(","):
            rows += _of_product(name, options, Path(folder))
            _report(rows, options.qualities.split(","))
    return 0


def _of_product(name: str, options: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    from consistency_pipeline.pipeline.gate.scoring import gate
    from consistency_pipeline.pipeline.gate.scoring.measures import edges, label
    from consistency_pipeline.pipeline.settings.groups import RunSettings
    from consistency_pipeline.pipeline.settings.lighting import PRESETS
    from consistency_pipeline.studio.image_worker.inspection import reference_of

    plain = RunSettings(inputs=(str(_file(name, folder)),), size=options.size, motion="none", device=options.device)
    plain = plain.model_copy(update={"angles": (plain.angle(options.angle),)})

    def made(words: str, **changes: Any) -> tuple[Any, float]:
        settings = plain.model_copy(update=changes)
        shots, seconds, _ = _references(Path(plain.inputs.files[0]), settings, folder / f"{Path(name).stem}-{words}")
        shot = shots[0]
        return reference_of(
            {"files": {key: str(file) for key, file in shot.files.items()}, "matrix_world": shot.matrix_world,
             "projection": shot.projection}  # type: ignore[typeddict-item]
        ), seconds  # fmt: skip

    known = {word: made(word, quality=word) for word in options.qualities.split(",")}
    best, whole = known[options.qualities.split(",")[-1]]
    others = [light for light in PRESETS if light != plain.studio.lighting][:LIGHTS]
    clean = {light: made(light, quality="standard", lighting=light)[0].rgb for light in others}
    looked_at = list(_pictures(name, clean, best, label.find(best, edges.geometry_edges(best))))
    rows = []
    for word, (reference, seconds) in known.items():
        prepared, inside = gate.Prepared(reference), best.mask > 0.99
        rows += [
            {"quality": word, "product": name, "time": seconds / whole, "psnr": _psnr(reference.rgb[inside], best.rgb[inside])}
        ]  # fmt: skip
        for number, (kind, picture) in enumerate(looked_at):
            scored = gate.score(picture, prepared)
            rows.append(
                {
                    "quality": word,
                    "product": name,
                    "number": number,
                    "kind": kind,
                    "outcome": scored.verdict.outcome.value,
                    "print": scored.numbers.label_correlation if scored.numbers.label_area > 0 else None,
                }
            )
    return rows


def _file(name: str, folder: Path) -> Path:
    if Path(name).suffix:
        return Path(name)
    import bpy

    products.build(name, {})
    file = folder / f"{name}.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(file), check_existing=False)
    return file


def _pictures(name: str, clean: dict[str, Any], reference: Any, printed: Any) -> Any:
    """(kind, (H, W, 3) uint8) each."""

    def random(*words: object) -> np.random.Generator:
        return np.random.default_rng(zlib.crc32(" ".join(map(str, (name, *words))).encode()))

    for light, picture in clean.items():
        for chain in range(CHAINS):
            yield "true", pictures.developed(picture, random("true", light, chain))
    looks = list(clean.values())
    for number, kind in enumerate(pictures.PAINTED):
        picture = looks[number % len(looks)]
        faulty = pictures.painted(kind, picture, reference.mask, reference.surface, random(kind))
        if pictures.visible(faulty, picture).any():
            yield kind, pictures.developed(faulty, random(kind, "camera"))
    for number, kind in enumerate(prints.KINDS if printed.any() else ()):
        picture = looks[number % len(looks)]
        faulty = prints.painted(kind, picture, printed, random(kind))
        if pictures.visible(faulty, picture).any():
            yield kind, pictures.developed(faulty, random(kind, "camera"))


def _report(rows: list[dict[str, Any]], qualities: list[str]) -> None:
    names = list(dict.fromkeys(row["product"] for row in rows))
    print(f"\n{', '.join(names)}")
    best = {(row["product"], row["number"]): row for row in rows if "number" in row and row["quality"] == qualities[-1]}
    for word in qualities:
        mine = [row for row in rows if row["quality"] == word]
        renders, seen = [row for row in mine if "time" in row], [row for row in mine if "number" in row]
        true = Counter(row["outcome"] for row in seen if row["kind"] == "true")
        faulty = Counter(row["outcome"] for row in seen if row["kind"] != "true")
        changed = Counter(
            f"{best[row['product'], row['number']]['outcome']} to {row['outcome']}"
            for row in seen
            if row["outcome"] != best[row["product"], row["number"]]["outcome"]
        )
        prints_ = [
            abs(row["print"] - best[row["product"], row["number"]]["print"])
            for row in seen
            if row["print"] is not None and best[row["product"], row["number"]]["print"] is not None
        ]
        times = [row["time"] for row in renders]
        print(
            f"{word:9} time {np.mean(times):.3f}, PSNR lowest {min(row['psnr'] for row in renders):.1f} dB; "
            f"true: {true['fail']} wrong, {true['unsure']} unsure of {sum(true.values())}; "
            f"faults: {faulty['fail']} caught, {faulty['unsure']} unsure of {sum(faulty.values())}; "
            f"changed: {dict(changed) or 'none'}; "
            + (f"print: {np.median(prints_):.3f}, at most {max(prints_):.3f}" if prints_ else "no print"),
            flush=True,
        )


if __name__ == "__main__":
    sys.exit(main())
