# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long a run takes beside what it can't be shorter than, and beside the article's script.

The real command, the real Blender and the real fal-client run against a fake of fal.ai that answers as slowly as fal
does: 4 s a still, 60 s a clip, 90 s a model. The critical path is read off the run's own records: the longest chain of
steps of which each needs the one before. What the program adds to it is its own.

The article's script goes stage by stage: all references, then all stills at once, then the clip. Its references are
measured here, on the run's own model and right after it, as the obvious script makes them: one Blender after another at
Blender's default samples. Its stills and clip are fal's latencies alone, so its uploads and downloads count as nothing.
The model stage, the same wait for both, is left out of both.

    python -m benchmarks.makespan [--size 512]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.references import measure
from tests.fake_fal import FakeFal

LATENCY = {"picture": 4.0, "video": 60.0, "model": 90.0}  # seconds, fal.ai's own order of magnitude


def run(root: Path, photo: Path, size: int, environment: dict[str, str]) -> tuple[float, dict[str, Any]]:
    """Seconds of one whole run, and its run.json."""
    program = Path(sys.executable).with_name("consistency")
    began = time.monotonic()
    subprocess.run(
        [program, "run", photo, "--out", root, "--backend", "fal", "--yes", "--size", str(size)],
        env={**os.environ, **environment},
        check=True,
    )
    return time.monotonic() - began, json.loads((root / "run.json").read_text(encoding="utf-8"))


def purchases(root: Path) -> dict[str, tuple[float, float]]:
    """Key → (when it was sent, when its file was there), in seconds since the epoch."""
    sent: dict[str, float] = {}
    there: dict[str, float] = {}
    for line in (root / "journal.jsonl").read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        at = datetime.fromisoformat(event["at"]).timestamp()
        if event["event"] == "intended":
            sent[event["key"]] = at
        elif event["event"] == "downloaded":
            there[event["key"]] = at
    return {key: (sent[key], there[key]) for key in there}


def critical_path(record: dict[str, Any]) -> float:
    """Seconds that no order of the steps can undercut: Blender renders one thing at a time, fal all at once."""
    stages = record["stages"]
    renders = [shot["seconds"] for shot in stages["references"]["shots"].values()]
    clip_angle = stages["references"]["shots"]["three-quarter"]["seconds"]
    to_clip = clip_angle + LATENCY["picture"] + LATENCY["video"]
    to_last_still = sum(renders) + LATENCY["picture"]
    return LATENCY["model"] + max(to_clip, to_last_still)


def without_model(root: Path, took: float) -> float:
    """Seconds of the run without its model stage: from the moment that the model's file was there."""
    began = min(sent for sent, _ in purchases(root).values())
    model = max(there for key, (_, there) in purchases(root).items() if key.startswith("model"))
    return took - (model - began)


def scripted_references(record: dict[str, Any], model: Path, size: int, folder: Path) -> float:
    """Seconds that the obvious script takes for the same references: a Blender of its own for each."""
    angles = record["stages"]["references"]["shots"]
    return sum(measure(f"obvious:{angle}", model, size, folder)["wall"] for angle in angles)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=512, help="pixels of a reference's side")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, FakeFal(latency=LATENCY) as fake:
        from tests.fake_fal import media

        photo = Path(folder, "photo.jpg")
        photo.write_bytes(media.photo())
        environment = {**fake.environment(), "CONSISTENCY_STATE_FOLDER": str(Path(folder, "state"))}
        took, record = run(Path(folder, "run"), photo, options.size, environment)
        path = critical_path(record)
        print(f"run                       {took:7.1f} s")
        print(f"critical path             {path:7.1f} s")
        print(f"run / critical path       {took / path:7.2f}     (aim 1.10)")
        renders = sum(shot["seconds"] for shot in record["stages"]["references"]["shots"].values())
        print(f"references                {renders:7.1f} s")
        ours = without_model(Path(folder, "run"), took)
        references = scripted_references(record, Path(folder, "run/model/product.glb"), options.size, Path(folder))
        article = references + LATENCY["picture"] + LATENCY["video"]
        print(f"run without the model     {ours:7.1f} s")
        print(
            f"article's script          {article:7.1f} s = {references:.1f} s references, one Blender after another"
            f" + {LATENCY['picture']:.0f} s stills, all at once + {LATENCY['video']:.0f} s clip"
        )
        print(f"run / article's script    {ours / article:7.2f}     (aim 0.50)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
