# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make demo`: builds the sample product and takes it through the whole pipeline with no key and no network.

An earlier demo is replaced. The size is one that two CPU cores manage in minutes; `consistency run` renders 1024 pixels.
Options given are handed on: `make demo OPTIONS="--size 1024 --samples 256"`.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

DEMO = Path("demo")
BUILD_SAMPLE = "import pathlib, sys\nfrom consistency_pipeline.studio.scene.sample_product import build_sample\n"
BUILD_SAMPLE += "build_sample(pathlib.Path(sys.argv[1]))"
SIZES = ["--size", "336", "--samples", "20", "--duration", "1"]


def main(options: list[str]) -> int:
    sample, run = DEMO / "sample.glb", DEMO / "run"
    DEMO.mkdir(exist_ok=True)
    shutil.rmtree(run, ignore_errors=True)

    print(f"Building the sample product: {sample}", flush=True)
    subprocess.run([sys.executable, "-c", BUILD_SAMPLE, str(sample)], check=True, stdout=subprocess.DEVNULL)

    consistency = str(Path(sys.executable).with_name("consistency"))
    command = [consistency, "run", str(sample), "--out", str(run), "--backend", "local", *SIZES, *options]
    print("$", shlex.join([".venv/bin/consistency", *command[1:]]), flush=True)
    status = subprocess.run(command, check=False).returncode
    if status == 0:
        print(f"\nLook at {run}/contact_sheet.png, and open {run}/scene.blend in Blender.")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
