# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an exact turntable costs beside bare Cycles.

    python -m benchmarks.turntable [--size 1024] [--samples 64] [--frames 4] [--stills 8] [--model FILE]

Frames of a turn with the look of so many stills, carried, written and encoded, beside renders of the same scene at the same places
without our passes and without anything else, in seconds of processor time, so that other programs on the machine count for little.
The stills are the references with another tint. The sample product without a model.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from .references import _plain, _sample


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=1024, help="pixels of a frame's side")
    parser.add_argument("--samples", type=int, default=64, help="a pixel")
    parser.add_argument("--frames", type=int, default=4)
    parser.add_argument("--stills", type=int, default=8)
    parser.add_argument("--model", type=Path, help="a GLB (default: the sample product)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = options.model or _sample(Path(folder))
        bare, ready, ours = _times(Path(folder), model, options)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    print(f"{options.frames} frames of {options.size}², {options.samples} samples, {options.stills} stills:")
    print(f"bare Cycles {bare:.1f} s, ours {ours:.1f} s: {ours / bare:.2f} × as much")
    print(f"of which once for the whole clip, making the stills ready: {ready:.1f} s; 120 frames: {_whole(bare, ready, ours, options.frames):.2f} ×")  # fmt: skip
    print(f"{peak:.0f} MiB at most, Blender and all")
    return 0


def _whole(bare: float, ready: float, ours: float, frames: int) -> float:
    """The factor for 120 frames, of which the stills are made ready once."""
    return ((ours - ready) / frames * 120 + ready) / (bare / frames * 120)


def _times(folder: Path, model: Path, options: argparse.Namespace) -> tuple[float, float, float]:
    from consistency_pipeline.pipeline import plan
    from consistency_pipeline.pipeline.backend.ports import Task
    from consistency_pipeline.pipeline.backend.requests import Lender
    from consistency_pipeline.pipeline.gate.inspections import AS_IT_IS, facts_of
    from consistency_pipeline.pipeline.look.lenders import plain
    from consistency_pipeline.pipeline.run.run_folder import RunFolder
    from consistency_pipeline.pipeline.settings.groups import RunSettings
    from consistency_pipeline.pipeline.stages import Progress, Stage
    from consistency_pipeline.studio import compat, exact_turntable, rig, video
    from consistency_pipeline.studio.image_worker import ImageWorker
    from consistency_pipeline.studio.model import load_product
    from consistency_pipeline.studio.references import render_reference
    from consistency_pipeline.studio.rendering import devices, passes
    from consistency_pipeline.studio.rendering.render_scene import render, render_scene, scratch_file

    angles = [{"name": f"turn-{n:02d}", "azimuth": 360.0 * n / options.stills} for n in range(options.stills)]
    settings = RunSettings(
        inputs=(str(model),), backend="fal", size=options.size, samples=options.samples, device="cpu", angles=angles,
        motion="exact_turntable", duration=max(1.0, options.frames / 24), frame_rate=min(24, options.frames),
    )  # fmt: skip
    run = RunFolder.create(folder / "run", settings, {})
    compat.empty_file()
    _finish(load_product(model))
    _finish(rig.place_rig(settings))
    device, worker = devices.find("cpu"), ImageWorker()
    coarse = settings.model_copy(update={"samples": 4})  # how clean the stills are changes no time
    shots = {}
    for angle in settings.studio.angles:
        shots[angle.name] = _finish(render_reference(angle, coarse, run.references, device, worker))
        still = passes.load(shots[angle.name].files["image"])
        still[..., :3] *= np.array([1.0, 0.95, 0.9], np.float32)
        passes.save(run.still(angle.name), still)
    pose = AS_IT_IS.model_dump(mode="json")
    lend = tuple(Lender(n, run.still(n), facts_of(shots[n], sent=False), pose, n) for n in shots)
    clip = replace(plan.clip_request(run, settings, plan.UNKNOWN_PRODUCT), lends=lend)

    def bare() -> Any:
        scene = render_scene(settings, device)
        _plain(scene, as_blender_comes=False)
        camera = rig.camera_for(clip.angle.name)
        with devices.chosen(device), video.turning(camera) as at, scratch_file() as file:
            for number in range(options.frames):
                at(number / options.frames)
                yield from render(scene, camera, file, Stage.VIDEO, "bare")
                file.unlink()

    def ready() -> Any:
        yield from worker.do(Task.LOOK, Progress(Stage.VIDEO, "ready"), lenders=[plain(each) for each in lend])

    _finish(bare())  # Cycles' kernels and the scene are loaded by then, for both
    spent = [_spent(each) for each in (bare(), ready())]
    return (*spent, spent[1] + _spent(exact_turntable.render_exact_turntable(clip, settings, device, worker)))


def _finish(steps: Any) -> Any:
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value


def _spent(steps: Any) -> float:
    """Seconds of processor time."""
    began = time.process_time()
    _finish(steps)
    return time.process_time() - began


if __name__ == "__main__":
    raise SystemExit(main())
