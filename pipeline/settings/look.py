# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A look: how a product is lit and what stands behind it, apart from any product. As a file it can be shared.

{"consistency_look": 1, "name": "Warm", "lighting": "studio", "lights": {"key": {"strength": 1.2}}, …}: what is left out is
as the program has it. A file named in it is looked for beside the look.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..sentences import unreadable
from ..system.disk import write_json
from .backdrop import is_file

if TYPE_CHECKING:
    from .groups import RunSettings

FORMAT = 1
MARK = "consistency_look"
OPTIONS = (
    "lighting",
    "light_rig",
    "lights",
    "lamps",
    "environment",
    "environment_rotation",
    "environment_strength",
    "backdrop",
    "shadow",
    "view_transform",
)
LONGEST = 1 << 20  # bytes; a look has a few hundred


def look_of(settings: RunSettings) -> dict[str, Any]:
    """What of ``settings`` is their look, as run.json has it, without what is as in any run."""
    from .groups import RunSettings

    plain, flat = RunSettings().model_dump(mode="json"), settings.model_dump(mode="json")
    return {name: flat[name] for name in OPTIONS if flat[name] != plain[name]}


def with_look(settings: RunSettings, look: Mapping[str, Any]) -> RunSettings:
    """``settings`` with ``look`` in place of their own. Raises ValidationError for what makes no sense."""
    from .groups import RunSettings

    plain = RunSettings().model_dump()
    return settings.model_copy(update={name: look.get(name, plain[name]) for name in OPTIONS})


def save_look(path: Path, name: str, look: Mapping[str, Any]) -> None:
    """Write ``look_of``'s answer as a file; files beside it are named relative to it. Raises RunFolderError."""
    write_json(path, {MARK: FORMAT, "name": name, **_with_files(look, lambda file: _beside(file, path.parent))})


def read_look(path: Path) -> tuple[str, dict[str, Any]]:
    """The name and the options of a look file, its files absolute. Raises UsageError, one sentence, for what is none."""
    from pydantic import ValidationError

    from .groups import RunSettings, first_fault

    try:
        if path.stat().st_size > LONGEST:
            raise ValueError("too long")
        found = json.loads(path.read_text(encoding="utf-8"))
        version = found.pop(MARK)
        name = str(found.pop("name", path.stem))
    except OSError as error:
        raise unreadable(path, error) from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise UsageError(f"{path.name} is not a look file; export one with Save Look, or choose another") from error
    if version != FORMAT:
        raise UsageError(
            f"{path.name} is a look of format {version}, and this version reads {FORMAT}; update the extension"
        )
    strange = sorted(found.keys() - set(OPTIONS))
    if strange:
        raise UsageError(f"{path.name} sets {strange[0]!r}, which no look has; a look has {', '.join(OPTIONS)}")
    look = _with_files(found, lambda file: str((path.parent / file).absolute()))
    try:
        settings = RunSettings.model_validate(look)
    except ValidationError as error:
        option, where, words = first_fault(error)
        raise UsageError(f"{path.name}: {option.name if option else '.'.join(where)}: {words}") from None
    return name, look_of(settings)


def _with_files(look: Mapping[str, Any], change: Any) -> dict[str, Any]:
    changed = dict(look)
    if isinstance(changed.get("environment"), str):
        changed["environment"] = change(changed["environment"])
    if isinstance(changed.get("backdrop"), str) and is_file(changed["backdrop"]):
        changed["backdrop"] = change(changed["backdrop"])
    return changed


def _beside(file: str, folder: Path) -> str:
    path = Path(file)
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else file
