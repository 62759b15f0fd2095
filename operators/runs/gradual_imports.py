# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Imports what a run needs, one module at a time, while the artist still looks at the panel: all at once would be felt.

Which modules those are is read from the import lines of their own sources, also from those inside functions, which is
where the heavy ones stand so that registering stays quick. A module comes after those that it imports, so that each step
is short. Only Blender's main thread imports.
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import resolve_name
from time import perf_counter

import bpy

from ... import __package__ as base_package

ROOT = f"{base_package}.operators.buttons.run"  # whatever a button can reach from there
PAUSE = 0.02  # seconds between two turns
TURN = 0.006  # seconds after which a turn begins no further step

# Parsing each source would take longer than importing all of them; tests hold this against a parser.
ONLY_FOR_TYPES = r"\n( *+)if TYPE_CHECKING:(?:\n\1 +.*|\n(?=\n))+"
IMPORT = r"\n( *+)(?:from ([.\w]+) import (?:\(([^)]+)\)|(.+))|import ([.\w]+)(?: as \w+)? *(?:#.*)?(?=\n))"

_steps: Iterator[None] | None = None
_begun = _done = False


class _Walk:
    """Goes through the modules that one module imports, each after those that it imports itself."""

    def __init__(self) -> None:
        self._seen = {base_package}  # the command line is reached through it alone

    def imports(self, name: str) -> Iterator[None]:
        """Import ``name``, a module of ours, and all that it needs; yields after each step. A name that is none is passed over."""
        if name in self._seen or not _is_ours(name):
            return
        self._seen.add(name)
        spec = _find(name)
        if spec is None:
            return
        source = spec.loader.get_data(spec.origin).decode()
        package = name if spec.submodule_search_locations is not None else name.rpartition(".")[0]
        yield
        for module, names, at_once in wanted(source, package):
            if _is_ours(module):
                yield from self.imports(module)
                for each in names:
                    yield from self.imports(f"{module}.{each}")
            elif at_once:
                yield from _import_foreign(module, names)
        if name not in sys.modules:
            import_module(name)
            yield


def _is_ours(name: str) -> bool:
    return name == base_package or name.startswith(f"{base_package}.")


def _import_foreign(name: str, names: Sequence[str]) -> Iterator[None]:
    """Import a library's module, then what it loads only when it is asked for by ``names``, as pydantic does."""
    with contextlib.suppress(ImportError):  # an optional one
        if name not in sys.modules:
            import_module(name)
            yield
        for each in names:
            before = len(sys.modules)
            getattr(sys.modules[name], each, None)
            if len(sys.modules) > before:
                yield


def _find(name: str) -> ModuleSpec | None:
    """Where a module lies, found without importing the packages that it is in."""
    if (known := sys.modules.get(name)) is not None:
        return known.__spec__
    parent = name.rpartition(".")[0]
    if not parent:
        return PathFinder.find_spec(name)
    package = _find(parent)
    places = package.submodule_search_locations if package is not None else None
    return None if places is None else PathFinder.find_spec(name, places)


def wanted(source: str, package: str) -> Iterator[tuple[str, Sequence[str], bool]]:
    """What a module in ``package`` imports: each module, the names that it takes from there, and whether that is done
    ``at_once``, not in a function.

    What only type checkers are told, below ``if TYPE_CHECKING:``, is left out.
    """
    source = f"\n{source}"
    if "if TYPE_CHECKING:" in source:
        source = re.sub(ONLY_FOR_TYPES, "", source)
    for indent, module, in_brackets, in_line, plain in re.findall(IMPORT, source):
        said = in_brackets or in_line or plain
        said = re.sub(r"#.*", "", said) if "#" in said else said
        names = [name.split()[0] for name in said.split(",") if name.strip()]
        if plain:
            yield from ((name, (), not indent) for name in names)
        else:
            yield (resolve_name(module, package) if module.startswith(".") else module), names, not indent


def advance() -> bool:
    """Import a little more, for a few milliseconds where no single module takes longer. False once there is none left."""
    global _steps, _done
    if _steps is None:
        _steps = _Walk().imports(ROOT)
    ends = perf_counter() + TURN
    while not _done and perf_counter() < ends:
        _done = next(_steps, "none left") is not None
    return not _done


def is_ready() -> bool:
    """Nothing would have to be imported now; in background nobody feels it."""
    return _done or bpy.app.background


def begin() -> None:
    """Import in the pauses from now on; free of cost where that has begun."""
    global _begun
    if not _begun and not bpy.app.background:
        _begun = True
        bpy.app.timers.register(_tick, first_interval=0.5)


def _tick() -> float | None:
    if advance():
        return PAUSE
    from ..editing import live

    live.prompt_changed(bpy.context.scene, bpy.context)
    return None


def unregister() -> None:
    global _begun
    _begun = False
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
