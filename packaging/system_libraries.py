# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names every system library that Blender's module links to and this machine lacks, and installs them when allowed.

`import bpy` only names the first one that is missing, so people would install eight packages in eight attempts.
Run with the virtual environment's Python; status 0 when nothing is missing.

Installing is allowed when it can work without asking: root, apt-get, and CONSISTENCY_INSTALL_LIBRARIES is not 0.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

# Debian's names. Ubuntu renamed a few with a t64 ending and still accepts these.
PACKAGES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libICE.so.6": "libice6",
    "libSM.so.6": "libsm6",
    "libX11.so.6": "libx11-6",
    "libXext.so.6": "libxext6",
    "libXfixes.so.3": "libxfixes3",
    "libXi.so.6": "libxi6",
    "libXrender.so.1": "libxrender1",
    "libXt.so.6": "libxt6",
    "libXxf86vm.so.1": "libxxf86vm1",
    "libgomp.so.1": "libgomp1",
    "libxcb.so.1": "libxcb1",
    "libxkbcommon.so.0": "libxkbcommon0",
}


def missing_libraries(module: Path) -> list[str]:
    """File names of the libraries that `module`, or anything it links to, asks for and the loader cannot find."""
    listing = subprocess.run(["ldd", module], capture_output=True, text=True, check=True).stdout
    return sorted({line.split()[0] for line in listing.splitlines() if line.endswith("=> not found")})


def install_command(libraries: list[str]) -> list[str]:
    """The apt-get command that brings them; a library nobody wrote down here keeps its own name, to be searched for."""
    return [
        "apt-get",
        "install",
        "-y",
        "--no-install-recommends",
        *sorted({PACKAGES.get(name, name) for name in libraries}),
    ]


def may_install() -> bool:
    allowed = os.environ.get("CONSISTENCY_INSTALL_LIBRARIES", "1") != "0"
    return allowed and hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get") is not None


def main() -> int:
    specification = importlib.util.find_spec("bpy")
    if specification is None or specification.origin is None:
        print("The bpy wheel is not in this virtual environment: delete it and run `make venv`.", file=sys.stderr)
        return 1
    if not sys.platform.startswith("linux") or not (missing := missing_libraries(Path(specification.origin))):
        return 0
    command = install_command(missing)
    print(f"Blender needs system libraries that are not here: {', '.join(missing)}.", file=sys.stderr)
    if not may_install():
        print(f"Install them as root, then run the same command again:\n    {' '.join(command)}", file=sys.stderr)
        return 1
    print(f"Installing them (CONSISTENCY_INSTALL_LIBRARIES=0 forbids it): {' '.join(command)}", file=sys.stderr)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-q"], env=environment, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return 0


if __name__ == "__main__":
    sys.exit(main())
