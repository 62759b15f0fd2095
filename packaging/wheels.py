# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wheels that the zip carries: fetched unmodified, checked against requirements/extension.txt, attributed."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from email.parser import Parser
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "extension.txt"
CACHE = ROOT / "wheels"

# What Blender calls the platform, and what its wheels are called. The oldest tags that are published: they run on
# every system that Blender 4.5 runs on.
WHEEL_PLATFORMS = {
    "linux-x64": ("manylinux_2_17_x86_64", "manylinux2014_x86_64"),
    "macos-arm64": ("macosx_11_0_arm64",),
    "macos-x64": ("macosx_10_12_x86_64",),
    "windows-arm64": ("win_arm64",),
    "windows-x64": ("win_amd64",),
}


class WheelError(Exception):
    """A wheel is missing or is not the one that was pinned; the message says which and what to do."""


@dataclass(frozen=True)
class Target:
    """One Blender to serve: its platform in Blender's words, and its Python's version as "3.11"."""

    platform: str
    python: str


def collect(targets: list[Target], folder: Path, *, lock: Path = LOCK, cache: Path = CACHE) -> list[Path]:
    """Puts the wheels of all targets into `folder` and returns them sorted by name.

    The cache is asked first, so a second build needs no network. pip refuses whatever is not in the lock.
    Raises WheelError when a wheel is published for no such target, or nowhere to be had with the pinned hash.
    """
    folder.mkdir(parents=True, exist_ok=True)
    cache.mkdir(exist_ok=True)
    from_cache = ["--no-index", "--find-links", str(cache)]
    for target in targets:
        if not (not_cached := _download(target, folder, lock, from_cache)):
            continue
        if failure := _fetch(target, cache, lock) or _download(target, folder, lock, from_cache):
            raise WheelError(
                f"The wheels for {target.platform} with Python {target.python} are not complete: check the network, and "
                f"that {lock.name} names versions published for it. In {cache}: {not_cached} Elsewhere: {failure}"
            )
    return sorted(folder.glob("*.whl"))


def _fetch(target: Target, cache: Path, lock: Path) -> str | None:
    """Fills the cache whole files at a time, since another build may be reading it."""
    with tempfile.TemporaryDirectory(dir=cache) as arrived:
        failure = _download(target, Path(arrived), lock, ["--find-links", str(cache)])
        for wheel in Path(arrived).glob("*.whl"):
            wheel.replace(cache / wheel.name)
    return failure


def _download(target: Target, folder: Path, lock: Path, source: list[str]) -> str | None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--implementation", "cp"]
    command += ["--python-version", target.python, "--requirement", str(lock), "--dest", str(folder)]
    for tag in WHEEL_PLATFORMS[target.platform]:
        command += ["--platform", tag]
    answer = subprocess.run([*command, *source], capture_output=True, text=True, check=False)
    if answer.returncode == 0:
        return None
    report = answer.stderr[max(answer.stderr.find("ERROR: "), 0) :]
    return " ".join(report.replace("ERROR: ", "").split())


def write_attributions(wheels: list[Path], file: Path) -> None:
    """Writes name, version, licence and the licence texts of each package, as its own wheel carries them.

    Raises WheelError for a wheel that carries no licence text.
    """
    chapters: dict[str, str] = {}
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
            metadata = Parser().parsestr(archive.read(_only(names, ".dist-info/METADATA", wheel)).decode())
            texts = [archive.read(name).decode().strip() for name in sorted(names) if _is_licence(name)]
        classified = ", ".join(
            line.rpartition(" :: ")[2] for line in metadata.get_all("Classifier", []) if line.startswith("License :: ")
        )
        licence = metadata["License-Expression"] or metadata["License"] or classified or "the licence below"
        if not texts:
            raise WheelError(f"{wheel.name} carries no licence text: find out its licence before it is shipped.")
        title = f"{metadata['Name']} {metadata['Version']}: {licence}"
        chapters[title] = "\n\n".join([title, "=" * len(title), *dict.fromkeys(texts)])
    introduction = "The wheels in this extension, unmodified, under their own licences."
    file.write_text("\n\n\n".join([introduction, *(chapters[title] for title in sorted(chapters))]) + "\n", "utf-8")


def _only(names: list[str], ending: str, wheel: Path) -> str:
    found = [name for name in names if name.endswith(ending)]
    if len(found) != 1:
        raise WheelError(f"{wheel.name} is not a wheel: it has no single {ending}.")
    return found[0]


def _is_licence(name: str) -> bool:
    return ".dist-info/" in name and Path(name).name.upper().startswith(("LICENSE", "LICENCE", "COPYING", "NOTICE"))
