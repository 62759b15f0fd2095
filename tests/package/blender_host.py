"""A Python that has only what Blender's own has, so that no bundled package is missed by luck."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

# What Blender brings along besides the standard library: in 4.5, and from 5.0 on for its own asset downloads.
SHIPPED = ["bpy", "numpy", "numpy.libs", "requests", "urllib3", "certifi", "idna", "charset_normalizer", "zstandard"]
if sys.version_info >= (3, 13):
    SHIPPED += ["attr", "attrs", "cattrs", "typing_extensions.py"]


@dataclass(frozen=True)
class Host:
    """A Blender-like Python with a user folder of its own."""

    home: Path
    packages: Path

    @property
    def user_folder(self) -> Path:
        return self.home / "blender"

    def environment(self) -> dict[str, str]:
        """No key, no repository on the path, and a proxy that refuses: whoever asks the network is found out."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT", "DISPLAY") if name in os.environ}
        refused = "http://127.0.0.1:9"
        return kept | {
            "HOME": str(self.home),
            "BLENDER_USER_RESOURCES": str(self.user_folder),
            "HTTP_PROXY": refused,
            "HTTPS_PROXY": refused,
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def run(self, program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        start = f"import sys; sys.path.append({str(self.packages)!r})\n"
        command = [sys.executable, "-I", "-S", "-B", "-c", start + program, *map(str, arguments)]
        return subprocess.run(
            command, env=self.environment(), cwd=self.home, capture_output=True, text=True, check=False, timeout=240
        )
