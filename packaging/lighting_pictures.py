# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/lighting/NAME.png: what each lighting makes of a product that it is meant for, as a run renders it.

.venv/bin/python packaging/lighting_pictures.py [NAME…] [--size 320] [--samples 96]
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

FOLDER = Path("docs/lighting")
PRODUCTS = {
    "studio": "camera",
    "softbox": "gadget",
    "dramatic": "camera",
    "hdri": "kettle",
    "strips": "kettle",
    "bank": "camera",
    "dark-field": "glasses",
    "bright-field": "glasses",
    "card-and-flag": "kettle",
    "gradient": "kettle",
    "jewellery": "ring",
}


def main() -> int:
    from consistency_pipeline.pipeline.settings.lighting import PRESETS

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="lightings (default: all)")
    parser.add_argument("--size", type=int, default=320, help="pixels (default 320)")
    parser.add_argument("--samples", type=int, default=96, help="Cycles samples a pixel (default 96)")
    options = parser.parse_args()
    FOLDER.mkdir(exist_ok=True)
    for name in options.names or PRESETS:
        _picture(name, options)
        print(FOLDER / f"{name}.png", flush=True)
    return 0


def _picture(name: str, options: argparse.Namespace) -> None:
    from consistency_pipeline.pipeline.rig import Angle
    from consistency_pipeline.pipeline.settings.groups import RunSettings
    from consistency_pipeline.pipeline.settings.lighting import PRESETS
    from consistency_pipeline.studio import BlenderStudio
    from consistency_pipeline.studio.model import adopt_objects

    angle = Angle(name="front", azimuth=0, elevation=28 if name == "jewellery" else 8, fill=0.75, focal_length=100)
    settings = RunSettings(
        angles=(angle,),
        motion="none",
        lighting=name,
        backdrop=PRESETS[name].backdrop,
        size=options.size,
        samples=options.samples,
    )
    studio = BlenderStudio(settings, own_file=True)
    adopt_objects(_product(PRODUCTS.get(name, "kettle")))
    with tempfile.TemporaryDirectory() as folder:
        _finish(studio.place_rig(settings))
        shot = _finish(studio.render_reference(angle, settings, Path(folder)))
        shutil.copyfile(shot.files["image"], FOLDER / f"{name}.png")
    studio.close()


def _product(name: str) -> list[Any]:
    import bpy

    from benchmarks.calibration import products

    if name == "ring":
        gold = products.material("gold", (1.0, 0.62, 0.22), 0.12, 1.0)
        stone = products.glass("stone", (0.97, 0.98, 1.0), 0.0)
        products.part("ring", "band", gold, (0, 0, 0.11), (0.2, 0.2, 0.2), (90, 0, 0))
        products.part("cone", "stone", stone, (0, 0, 0.255), (0.11, 0.11, 0.07), (180, 0, 0))
    elif name == "glasses":
        clear = products.glass("clear", (0.97, 0.985, 0.98), 0.0)
        _turned("goblet", clear, GOBLET)
    else:
        products.build(name, {})
    return [thing for thing in bpy.context.scene.objects if thing.type == "MESH"]


# Half width and height of a stemmed glass, from the foot's middle up the outside and down the inside again.
GOBLET = (
    (0.0, 0.0), (0.34, 0.0), (0.35, 0.015), (0.2, 0.05), (0.05, 0.1), (0.035, 0.16), (0.035, 0.5), (0.06, 0.58),
    (0.2, 0.66), (0.31, 0.78), (0.345, 0.92), (0.34, 1.1), (0.3, 1.3), (0.29, 1.31), (0.282, 1.3), (0.32, 1.1),
    (0.325, 0.92), (0.29, 0.8), (0.19, 0.69), (0.05, 0.63), (0.0, 0.62),
)  # fmt: skip


def _turned(name: str, material: Any, profile: tuple[tuple[float, float], ...]) -> None:
    import bpy

    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(
        [(width, 0.0, height) for width, height in profile], [(i, i + 1) for i in range(len(profile) - 1)], []
    )
    thing = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(thing)
    screw = thing.modifiers.new("Turn", "SCREW")
    screw.steps = screw.render_steps = 96
    screw.use_merge_vertices, screw.merge_threshold, screw.use_smooth_shade = True, 1e-4, True
    mesh.materials.append(material)


def _finish(steps: Any) -> Any:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


if __name__ == "__main__":
    sys.exit(main())
