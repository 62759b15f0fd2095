# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether files as they come end with the right picture, or with one right sentence.

    python -m benchmarks.awkward_files FOLDER… [--size 160] [--angles front,top] [--keep FOLDER]

Each .glb, .gltf and .blend of the folders, and of those that CONSISTENCY_AWKWARD_FILES names, goes through the real command
on this machine, without a key. Where that makes pictures, the same file is rendered by Blender alone: a .blend opened, its
active scene as it is, anything else imported; with the run's cameras, lamps and ground, since those are not the file's. The
box of the product's mask has to be the same within BOX of the frame, and its colours within COLOUR. Where the command refuses
the file, it has to say so in one sentence with the file's name, on standard error and as JSON, without a traceback.

A table tells all; the exit status is 1 where anything disagrees. ``--keep`` leaves both pictures of each angle side by side.
Two things are no fault of the command's: Blender's importer shows every scene of a glTF file and the first key of its
animations, so it is given the default scene without animations; and lamps that a line of the run names as left out are hidden
in Blender's render too. A refusal is listed to be read: no program can tell whether its sentence is right.
"""

from __future__ import annotations

import argparse
import json
import os
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

VARIABLE = "CONSISTENCY_AWKWARD_FILES"  # folders, separated as in PATH
KINDS = (".glb", ".gltf", ".blend")
BOX = 0.02  # share of the frame by which an edge of the mask's box may be elsewhere
COLOUR = 12.0  # 8-bit values by which the product's pixels may differ on average: noise, and what only casts shadows
DEADLINE = 900  # seconds for one file
KEYS = ("FAL_KEY", "FAL_KEY_ID", "FAL_KEY_SECRET")


@dataclass
class Row:
    """What became of one file. ``box`` in shares of the frame, ``colour`` in 8-bit values: the largest difference."""

    file: str
    outcome: str  # "picture", "refused" or "WRONG"
    says: str
    box: float | None = None
    colour: float | None = None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER", help="where the files are, or a file")
    parser.add_argument("--size", type=int, default=160, help="pixels of a picture's side (default 160)")
    parser.add_argument("--samples", type=int, default=24, help="Cycles samples (default 24)")
    parser.add_argument("--angles", default="front,top", help="of the default angles (default front,top)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the runs and the pictures here")
    parser.add_argument("--plain", nargs=2, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.plain:
        print("RESULT " + json.dumps(_plain(*options.plain, options.samples)), flush=True)
        return 0
    more = [Path(name) for name in os.environ.get(VARIABLE, "").split(os.pathsep) if name]
    files = list(_files([*options.folders, *more]))
    if not files:
        parser.error(f"no {', '.join(KINDS)} in these folders; name some, or set {VARIABLE}")
    with tempfile.TemporaryDirectory(prefix="consistency-awkward-") as scratch:
        keep = (options.keep or Path(scratch)).absolute()
        rows = []
        for number, file in enumerate(files):
            rows.append(_try(file, keep / f"{number:03d}-{file.stem[:60]}", options))
            _print(rows[-1])
    wrong = [row for row in rows if row.outcome == "WRONG"]
    refused = sum(row.outcome == "refused" for row in rows)
    print(f"{len(rows)} files: {len(rows) - refused - len(wrong)} pictures, {refused} refused, {len(wrong)} wrong")
    return 1 if wrong else 0


def _files(folders: list[Path]) -> Iterator[Path]:
    for folder in folders:
        found = [folder] if folder.is_file() else sorted(folder.rglob("*"))
        yield from (path.absolute() for path in found if path.suffix.lower() in KINDS and not path.is_dir())


def _print(row: Row) -> None:
    numbers = f"{row.box:6.1%} {row.colour:5.1f}" if row.box is not None and row.colour is not None else " " * 12
    print(f"{row.outcome:8} {numbers}  {row.file:40} {row.says}", flush=True)


def _try(file: Path, run: Path, options: argparse.Namespace) -> Row:
    program = Path(sys.executable).with_name("consistency")
    small = ["--size", options.size, "--samples", options.samples, "--angles", options.angles]
    local = ["--backend", "local", "--device", "cpu", "--motion", "none", "--json"]
    command = [program, "run", file, "--out", run, *local, *small]
    environment = {name: value for name, value in os.environ.items() if name not in KEYS}
    try:
        done = subprocess.run(
            [str(word) for word in command],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=DEADLINE,
            env=environment,
        )
    except subprocess.TimeoutExpired:
        return Row(file.name, "WRONG", f"no end after {DEADLINE} s")
    try:
        answer = json.loads(done.stdout.strip().splitlines()[-1])
    except (ValueError, IndexError):
        return Row(file.name, "WRONG", f"no JSON at the end of standard output (exit status {done.returncode})")
    if "Traceback" in done.stdout + done.stderr:
        return Row(file.name, "WRONG", "a traceback")
    if done.returncode == 1:
        return _refusal(file, str(answer.get("error", "")), done.stderr)
    if done.returncode != 0:
        return Row(file.name, "WRONG", f"exit status {done.returncode}: {answer.get('error', '')}")
    return _compare(file, run, options)


def _refusal(file: Path, error: str, told: str) -> Row:
    lines = [line for line in error.splitlines() if line.strip()]
    if len(lines) != 1:
        return Row(file.name, "WRONG", f"{len(lines)} lines of error: {error!r}")
    if error not in told:
        return Row(file.name, "WRONG", f"not on standard error: {error}")
    if file.name not in error and file.stem not in error:
        return Row(file.name, "WRONG", f"the file is not named: {error}")
    return Row(file.name, "refused", error)


def _compare(file: Path, run: Path, options: argparse.Namespace) -> Row:
    plain = ["--samples", str(options.samples), "--plain", str(file), str(run)]
    command = [sys.executable, "-m", "benchmarks.awkward_files", *plain]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=DEADLINE)
    except subprocess.TimeoutExpired:
        return Row(file.name, "WRONG", f"Blender alone had not rendered it after {DEADLINE} s")
    line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT ")), None)
    if line is None:
        last = (done.stderr.strip().splitlines() or ["no reason"])[-1]
        return Row(file.name, "WRONG", f"made pictures of what Blender alone could not render ({last})")
    angles = json.loads(line.removeprefix("RESULT "))
    box, colour = max(found["box"] for found in angles.values()), max(found["colour"] for found in angles.values())
    notes = json.loads((run / "run.json").read_text(encoding="utf-8"))["stages"]["rig"].get("notes", [])
    right = box <= BOX and colour <= COLOUR
    worst = max(angles, key=lambda name: angles[name]["box"] / BOX + angles[name]["colour"] / COLOUR)
    says = "; ".join(notes) if right else f"{worst}: {angles[worst]['says']}; {'; '.join(notes)}"
    return Row(file.name, "picture" if right else "WRONG", says, box, colour)


# Blender alone, in a process of its own


def _plain(file: Path, run: Path, samples: int) -> dict[str, Any]:
    """By angle: the largest difference of the masks' boxes and the mean one of the colours."""
    import bpy

    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    back = _back(run / "scene.blend")
    _open(file)
    scene = bpy.context.scene
    for name in _lamps_left_out(record["stages"]["rig"].get("notes", [])):
        if name in bpy.data.objects:
            bpy.data.objects[name].hide_render = True
    for thing in list(scene.objects):
        thing.hide_render = thing.hide_render or thing.type == "LIGHT" or thing.is_shadow_catcher
    cameras = _bring_the_rig(scene, run / "scene.blend", back)
    _set(scene, record["settings"], samples)
    found = {}
    for angle in record["settings"]["angles"]:
        scene.camera = cameras[angle["name"]]
        scene.render.filepath = str(run / f"{angle['name']}.plain.png")
        bpy.ops.render.render(write_still=True)
        found[angle["name"]] = _difference(run, angle["name"])
    return found


def _open(file: Path) -> None:
    import bpy

    if file.suffix.lower() == ".blend":
        bpy.ops.wm.open_mainfile(filepath=str(file), load_ui=False, use_scripts=False)
        return
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with tempfile.TemporaryDirectory() as folder:
        source = file
        if file.suffix.lower() == ".glb":
            source = Path(folder) / file.name
            source.write_bytes(_default_scene(file.read_bytes()))
        bpy.ops.import_scene.gltf(filepath=str(source), disable_bone_shape=True)


def _default_scene(data: bytes) -> bytes:
    """A GLB without animations, and without the meshes of what its default scene doesn't show."""
    length = struct.unpack_from("<I", data, 12)[0]
    document, rest = json.loads(data[20 : 20 + length]), data[20 + length : struct.unpack_from("<I", data, 8)[0]]
    document.pop("animations", None)
    nodes, scenes = document.get("nodes", []), document.get("scenes", [])
    if scenes:
        shown: set[int] = set()
        pending = list(scenes[document.get("scene", 0)].get("nodes", ()))
        while pending:
            number = pending.pop()
            off = nodes[number].get("extensions", {}).get("KHR_node_visibility", {}).get("visible") is False
            if number not in shown and not off:
                shown.add(number)
                pending += nodes[number].get("children", ())
        for number, node in enumerate(nodes):
            if number not in shown:
                node.pop("mesh", None)
    required = [
        name
        for name in document.get("extensionsRequired", [])
        if name not in ("KHR_node_visibility", "KHR_animation_pointer")
    ]
    document.pop("extensionsRequired", None)
    if required:
        document["extensionsRequired"] = required
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    return struct.pack("<4sIII4s", b"glTF", 2, 20 + len(text) + len(rest), len(text), b"JSON") + text + rest


def _lamps_left_out(notes: list[str]) -> list[str]:
    lines = [note for note in notes if note.endswith((", which is a lamp", ", which are lamps"))]
    return [
        name
        for line in lines
        for name in line.removeprefix("left out: ").rpartition(", which")[0].replace(" and ", ", ").split(", ")
    ]


def _back(path: Path) -> Any:
    """From where the product stands in the run's scene to where its file has it."""
    import bpy
    from mathutils import Matrix

    bpy.ops.wm.open_mainfile(filepath=str(path), load_ui=False, use_scripts=False)
    root = next(thing for thing in bpy.data.objects if "consistency_original_matrix" in thing)
    return Matrix() if "consistency_in_place" in root else root.matrix_world.inverted()


def _bring_the_rig(scene: Any, path: Path, back: Any) -> dict[str, Any]:
    """The run's cameras by angle, its lamps, ground and world, standing around the file's product as around its own."""
    import bpy
    from mathutils import Matrix

    with bpy.data.libraries.load(str(path), link=False) as (source, target):
        target.collections = [
            name
            for name in source.collections
            if name in ("Consistency Rig", "Consistency Lighting", "Consistency Backdrop")
        ]
        target.worlds = [name for name in source.worlds if name == "Consistency World"]
    for home in list(target.collections):
        scene.collection.children.link(home)
    bpy.context.view_layer.update()  # before, nothing that was brought knows where it is
    cameras = {}
    for home in target.collections:
        for thing in home.objects:
            place, turn, size = (back @ thing.matrix_world).decompose()
            thing.matrix_world = Matrix.LocRotScale(place, turn, size if thing.type == "MESH" else None)
            if thing.type == "CAMERA":
                thing.data.clip_start, thing.data.clip_end = (
                    d * back.median_scale for d in (thing.data.clip_start, thing.data.clip_end)
                )
                cameras[thing["consistency_angle"]] = thing
            elif thing.type == "LIGHT":
                thing.data.size *= back.median_scale
                thing.data.energy *= back.median_scale**2
    scene.world = target.worlds[0]
    return cameras


def _set(scene: Any, settings: dict[str, Any], samples: int) -> None:
    """Engine, size and colours as in the run; what the file shows stays."""
    import bpy

    shown = next((layer for layer in scene.view_layers if layer.use), scene.view_layers[0])
    for layer in scene.view_layers:
        layer.use = layer == shown
    shown.cycles.use_pass_shadow_catcher = True  # the picture is then the product alone
    scene.render.engine = "CYCLES"
    scene.cycles.device, scene.cycles.samples, scene.cycles.use_denoising = "CPU", samples, False
    scene.cycles.film_transparent_glass = False
    scene.cycles.max_bounces = scene.cycles.transmission_bounces = scene.cycles.transparent_max_bounces = 16
    render, view = scene.render, scene.view_settings
    render.resolution_x = render.resolution_y = settings["size"]
    render.resolution_percentage, render.film_transparent = 100, True
    render.pixel_aspect_x = render.pixel_aspect_y = 1.0
    render.use_border = render.use_compositing = render.use_sequencer = render.use_motion_blur = False
    render.use_multiview = False
    if hasattr(render.image_settings, "media_type"):
        render.image_settings.media_type = "IMAGE"
    render.image_settings.file_format, render.image_settings.color_mode = "PNG", "RGBA"
    scene.display_settings.display_device = "sRGB"
    view.view_transform, view.look, view.exposure, view.gamma = settings["view_transform"], "None", 0.0, 1.0
    view.use_curve_mapping = False
    bpy.context.view_layer.update()


def _difference(run: Path, angle: str) -> dict[str, Any]:
    references = run / "references"
    ours, mask = _load(references / f"{angle}.png")[..., :3], _load(references / f"{angle}.mask.png")[..., 0]
    plain = _load(run / f"{angle}.plain.png")
    theirs = plain[..., 3]
    boxes = [_box(mask), _box(theirs)]
    if None in boxes:
        return {"box": 1.0, "colour": 0.0, "says": "one of them shows nothing"}
    if ((mask > 0.1) & (mask < 0.9)).sum() > 0.3 * (
        mask > 0.1
    ).sum():  # sparse hair: its last strands are a matter of luck
        boxes = [_bulk(mask), _bulk(theirs)]
    edges = [int(abs(a - b)) for a, b in zip(*boxes, strict=True)]
    weight = np.minimum(mask, theirs)
    weight = np.where(weight > 0.9, weight, 0.0) if (weight > 0.9).sum() > 50 else weight
    colour = float((np.abs(ours - plain[..., :3]).mean(axis=-1) * weight).sum() / max(weight.sum(), 1e-6)) * 255.0
    return {
        "box": max(edges) / max(mask.shape),
        "colour": colour,
        "says": f"the mask's box is {boxes[0]}, Blender's {boxes[1]}, colours are {colour:.1f} apart",
    }


def _box(mask: np.ndarray) -> tuple[int, int, int, int] | None:
    """Left, top, right and bottom pixel of what is covered; None where nothing is."""
    rows, columns = np.nonzero(mask > 0.1)
    return (int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max())) if len(rows) else None


def _bulk(mask: np.ndarray) -> tuple[int, ...]:
    """As ``_box``, of all but a two-hundredth of the coverage on each side."""
    sums = [np.cumsum(mask.sum(axis=axis)) / mask.sum() for axis in (0, 1)]
    return tuple(int(np.searchsorted(sums[axis], share)) for share in (0.005, 0.995) for axis in (0, 1))


def _load(path: Path) -> np.ndarray:
    """(h, w, 4) values 0..1 of a picture as they are in the file, top row first."""
    import bpy

    image = bpy.data.images.load(str(path))
    image.colorspace_settings.name, image.alpha_mode = "Non-Color", "CHANNEL_PACKED"
    width, height = image.size
    pixels = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(pixels)
    bpy.data.images.remove(image)
    return pixels.reshape(height, width, 4)[::-1]


if __name__ == "__main__":
    raise SystemExit(main())
