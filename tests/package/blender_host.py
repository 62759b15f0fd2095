# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two Blenders with a fresh user folder, no key and no network: the bpy wheel, and the real one on PATH.

Both are asked the same things: to run a Python program, and to obey what follows `blender --command`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from abc import ABC, abstractmethod
from functools import cache
from pathlib import Path

from build import BLENDER_PLATFORMS, ask_blender
from wheels import Target

# What Blender brings along besides the standard library: in 4.5, and from 5.0 on for its own asset downloads.
SHIPPED = ["bpy", "numpy", "numpy.libs", "requests", "urllib3", "certifi", "idna", "charset_normalizer", "zstandard"]
if sys.version_info >= (3, 13):
    SHIPPED += ["attr", "attrs", "cattrs", "typing_extensions.py"]

# `blender --command` for the wheel, which has no command line: the same functions under the same preferences.
# It leaves without tearing down, because classes that are still registered then crash or hang Blender 4.5 as a module.
COMMAND = """
import os, traceback
import bpy, bl_pkg

commands = {"extension": bl_pkg.cli_extension}
bpy.utils.register_cli_command = lambda name, function: commands.update({name: function})
bpy.utils.unregister_cli_command = lambda handle: None
bpy.ops.wm.read_userpref()
online, name, *words = arguments
bpy.context.preferences.system.use_online_access = online == "--online-mode"
try:
    status = commands[name](words)
except SystemExit as left:
    status = left.code
except BaseException:
    traceback.print_exc()
    status = 1
sys.stdout.flush()
sys.stderr.flush()
os._exit(status or 0)
"""


class Host(ABC):
    """A Blender with a user folder of its own, ``home / "blender"``, and temporary files in ``home / "temporary"``."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.user_folder = home / "blender"
        self.temporary = home / "temporary"
        for folder in (self.user_folder, self.temporary):
            folder.mkdir(parents=True)

    def environment(self) -> dict[str, str]:
        """No key, no repository on the path, and a proxy that refuses: whoever asks the network is found out."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT", "DISPLAY") if name in os.environ}
        refused = "http://127.0.0.1:9"
        return kept | {
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "BLENDER_USER_RESOURCES": str(self.user_folder),
            "HTTP_PROXY": refused,
            "HTTPS_PROXY": refused,
            "NO_PROXY": "127.0.0.1",
        }

    @property
    @abstractmethod
    def target(self) -> Target:
        """What the zip has to be built for."""

    @abstractmethod
    def run(self, program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Runs a Python program that finds ``sys`` imported and the arguments in ``arguments``."""

    @abstractmethod
    def command(self, *words: str | Path, online: bool = False) -> subprocess.CompletedProcess[str]:
        """What `blender --command WORDS` does, under the preferences of the user folder."""

    def left_behind(self) -> list[str]:
        """Files in the home, relative to it, that are no preferences or caches of Blender's own."""
        own = ("blender/config/", "blender/extensions/.cache/", ".cache/")
        names = (str(file.relative_to(self.home)) for file in self.home.rglob("*") if not file.is_dir())
        compiled = re.compile(r"blender/extensions/\.local/.*/__pycache__/")  # Blender leaves these of every wheel
        return sorted(name for name in names if not name.startswith(own) and not compiled.match(name))

    def _start(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, env=self.environment(), cwd=self.home, capture_output=True, text=True, check=False, timeout=240
        )


class Wheel(Host):
    """The bpy wheel, in a Python that has only what Blender's own has: no bundled package is missed by luck."""

    target = Target(BLENDER_PLATFORMS[sysconfig.get_platform()], sysconfig.get_python_version())

    def __init__(self, home: Path, packages: Path) -> None:
        super().__init__(home)
        self.packages = packages
        packages.mkdir()
        installed = Path(sysconfig.get_path("purelib"))
        for name in SHIPPED:
            for found in (*installed.glob(name), *installed.glob(f"{name}-*.dist-info")):
                (packages / found.name).symlink_to(found)

    def run(self, program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        start = f"import sys; sys.path.append({str(self.packages)!r}); arguments = sys.argv[1:]\n"
        return self._start([sys.executable, "-I", "-S", "-c", start + program, *map(str, arguments)])

    def command(self, *words: str | Path, online: bool = False) -> subprocess.CompletedProcess[str]:
        return self.run(COMMAND, "--online-mode" if online else "--offline-mode", *words)


class Real(Host):
    """The `blender` on PATH, with its own Python, its own command line and its own way to leave."""

    @property
    def target(self) -> Target:
        return _asked()

    def run(self, program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        start = "import sys; arguments = sys.argv[sys.argv.index('--') + 1 :]\n"
        options = ["--background", "--offline-mode", "--python-exit-code", "1", "--python-expr", start + program]
        return self._start(["blender", *options, "--", *map(str, arguments)])

    def command(self, *words: str | Path, online: bool = False) -> subprocess.CompletedProcess[str]:
        return self._start(["blender", "--online-mode" if online else "--offline-mode", "--command", *map(str, words)])


@cache
def _asked() -> Target:
    return ask_blender("blender")
