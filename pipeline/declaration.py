# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How an option is declared: once, as a field of a dataclass, with all that is shown of it anywhere.

The command's flag (arguments), the scene's property and the conversion between a scene and a run
(operators.editing.option_properties), the check of a run's settings (settings) and docs/reference.md follow from it.
Neither pydantic nor bpy is imported here: Blender reads the declarations while it registers the add-on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

Unit = Literal["", "USD", "pixels", "seconds", "degrees", "millimetres", "kelvin", "share", "file"]
Choices = Mapping[str, tuple[str, str]]  # value → its label and its tooltip


@dataclass(frozen=True, kw_only=True)
class Option:
    """One option of a run. ``option`` makes it; ``options_of`` fills in what its field says: name, kind, default.

    ``help`` begins in lower case and has no full stop. A ``share`` is a part of one, shown as a percentage in the window;
    ``degrees`` are radians there, and a ``file`` is a path, made absolute where it is typed.
    """

    help: str
    unit: Unit = ""
    least: float | None = None
    most: float | None = None
    longest: int | None = None  # characters
    choices: Choices | None = None
    unset: str = ""  # what None, or empty words, stand for
    digits: int | None = None  # decimals that survive Blender's single precision; None: as the unit has it
    # command line
    flag: str | None = ""  # of run and estimate; "" follows from the name, None: not there; without dashes: positional
    metavar: str | None = None
    off: str = ""  # help of a flag that switches off what is on by default
    repeatable: bool = False
    resume: bool = False  # resume has the flag too
    # window
    label: str = ""  # its name there; "": it is not there
    prop: str | None = ""  # of the scene's settings; "" is the option's name, None: declared by hand, or not there
    switch: str = ""  # a bool property of the scene's that says whether the option is set
    in_window: Any = None  # a new scene's value, where it is not the default
    endpoint: Any = ""  # an endpoint's id: of this role (fal_backend.endpoints.base.Role)
    # filled in by options_of
    name: str = ""
    kind: Any = str  # its type, without None
    optional: bool = False
    default: Any = None
    group: str = ""  # its group in RunSettings
    path: tuple[str, ...] = ()  # where run.json has it

    def value_in(self, settings: Any) -> Any:
        """Its value in a RunSettings."""
        return getattr(getattr(settings, self.group), self.name)

    def put(self, value: Any, flat: dict[str, Any]) -> None:
        """Set it where run.json has it, in the settings there, or those that are going to be."""
        for name in self.path[:-1]:
            flat = flat.setdefault(name, {})
        flat[self.path[-1]] = value

    @property
    def is_positional(self) -> bool:
        """It is an argument of the command that no flag introduces."""
        return self.flag is not None and not self.flag.startswith("-")

    @property
    def range(self) -> str:
        """Its range in words; empty where it has none."""
        if self.least is None:
            return ""
        return f"{self.least:g} or more" if self.most is None else f"{self.least:g} to {self.most:.12g}"

    @property
    def words(self) -> tuple[str, ...]:
        """The words that it may be one of, where its type names them."""
        if isinstance(self.kind, type) and issubclass(self.kind, StrEnum):
            return tuple(each.value for each in self.kind)
        return get_args(self.kind) if get_origin(self.kind) is Literal else ()

    @property
    def is_list(self) -> bool:
        """Any number of words: ``tuple[str, ...]`` or of literals."""
        return get_origin(self.kind) is tuple and Ellipsis in get_args(self.kind)


def option(default: Any, help: str, **facts: Any) -> Any:  # noqa: A002 - it is the help
    """A field with an Option's ``facts``, for a frozen dataclass; a callable ``default`` makes the default.

    Pydantic reads the ranges in the metadata when a group is checked as a part of RunSettings.
    """
    made = Option(help=help, **facts)
    limits = {"ge": made.least, "le": made.most, "max_length": made.longest}
    metadata = {"option": made, **{name: limit for name, limit in limits.items() if limit is not None}}
    given = {"default_factory": default} if callable(default) else {"default": default}
    return field(metadata=metadata, **given)


@cache
def options_of(group: Any) -> tuple[Option, ...]:
    """The options that a dataclass declares, in its order."""
    kinds = get_type_hints(group)
    return tuple(
        _completed(each.metadata["option"], each.name, kinds[each.name], _default(each))
        for each in fields(group)
        if "option" in each.metadata
    )


def _default(declared: Any) -> Any:
    return declared.default_factory() if declared.default is MISSING else declared.default


def _completed(made: Option, name: str, annotation: Any, default: Any) -> Option:
    members = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    (kind,) = (member for member in members if member is not NoneType)
    flag = made.flag
    if flag == "":
        flag = f"--{'no-' if default is True else ''}{name.replace('_', '-')}"
    return replace(
        made,
        name=name,
        kind=kind,
        optional=len(members) > 1,
        default=default,
        flag=flag,
        prop=name if made.prop == "" and made.label else made.prop or None,
        path=made.path or (name,),
    )


def check_ranges(group: Any) -> None:
    """Make a frozen dataclass's whole numbers floats where its options are floats. Raises ValueError out of a range."""
    for each in options_of(group.__class__):
        if each.kind is not float:
            continue
        value = float(getattr(group, each.name))
        object.__setattr__(group, each.name, value)
        if not (each.least is None or value >= each.least) or not (each.most is None or value <= each.most):
            raise ValueError(f"{each.name} {value:g} is not {each.range}")
