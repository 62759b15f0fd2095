# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors that several places raise, each with its sentence and its cure. What one place alone raises has its sentence there;
fal.ai's are in fal_backend.sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from .errors import BadInput, ConsistencyError, RunFolderError, UsageError
from .wording.names import in_words


def not_written(path: Path, reason: BaseException | str) -> RunFolderError:
    """Writing began, and failed."""
    return RunFolderError(f"{path} could not be written ({_said(reason)}); free some space or choose another folder")


def not_writable(path: Path, reason: OSError, look_at: str = "the permissions of its folder") -> RunFolderError:
    """It could not be opened."""
    return RunFolderError(f"{path} can't be written ({_said(reason)}); check {look_at}")


def no_such_part(file: str, name: str, parts: Iterable[str]) -> BadInput:
    """A part of a product's file that shall be left out."""
    return BadInput(f"{file} has no part called {name!r}; its parts are {in_words(sorted(parts), 'and', 12)}")


def no_such_variant(file: str, name: str, variants: Sequence[str]) -> UsageError:
    """A variant of a product's file that shall be shown."""
    if not variants:
        return UsageError(f"{file} has no variants of its materials, so {name!r} is none; leave --variant out")
    return UsageError(f"{file} has no variant called {name!r}; its variants are {in_words(list(variants), 'and', 12)}")


def no_such_lighting(name: str, known: Iterable[str]) -> UsageError:
    return UsageError(f"there is no lighting {name!r}; choose from {', '.join(known)}")


def no_such_light(name: str, lighting: str, known: Iterable[str]) -> UsageError:
    return UsageError(
        f"the lighting {lighting!r} has no light {name!r}; its lights are {in_words(list(known), 'and', 12)}"
    )


def no_environment(path: Path) -> BadInput:
    return BadInput(f"{path.name} is not an environment picture that can be read; choose a whole .exr or .hdr file")


def layered_environment(path: Path) -> BadInput:
    return BadInput(
        f"{path.name} has layers, and an environment is one picture; save it again as OpenEXR, not as OpenEXR MultiLayer"
    )


def no_such_angle_set(name: str, known: Iterable[str]) -> UsageError:
    return UsageError(f"there is no angle set {name!r}; choose from {', '.join(known)}")


def unreadable(path: Path, reason: OSError) -> UsageError:
    """A file of options, of rows or of decisions that was named, and can't be opened."""
    return UsageError(f"{path.name} can't be read ({_said(reason)}); check its name and its folder")


def no_video() -> ConsistencyError:
    return ConsistencyError("this Blender was built without FFmpeg and can't encode video; choose the motion none")


def no_model_yet(run: Path) -> BadInput:
    return BadInput(f"{run.name} has no model yet; 'consistency resume {run}' makes it")


def renders_already() -> ConsistencyError:
    return ConsistencyError("Blender is rendering something else; wait for it or stop it, then try again")


def _said(reason: BaseException | str) -> str:
    said = reason.strerror if isinstance(reason, OSError) else None
    return (said or str(reason)).strip()
