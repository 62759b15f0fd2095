# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How an option is declared: once, as a field of a group, with all that is shown of it anywhere.

The command's flag (arguments), the scene's property and the conversion between a scene and a run
(operators.editing.option_properties), the check of a run's settings (settings) and docs/reference.md follow from it.
Neither pydantic nor bpy is imported here: Blender reads the declarations while it registers the add-on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from inspect import get_annotations
from types import NoneType, UnionType
from typing import Any, ClassVar, Literal, Self, Union, dataclass_transform, get_args, get_origin

Unit = Literal["", "USD", "pixels", "seconds", "degrees", "millimetres", "kelvin", "share", "file"]
Choices = Mapping[str, tuple[str, str]]  # value → its label and its tooltip


@dataclass(kw_only=True, eq=False)
class Option:
    """One option of a run. ``option`` makes it; its ``Group`` fills in what its field says: name, kind, default.
    Nothing changes it after that.

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
    default: Any = None
    makes: Any = None  # what makes the default, where each run needs one of its own
    # filled in by its group
    name: str = ""
    kind: Any = str  # its type, without None
    optional: bool = False
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
    """An Option with these ``facts``, as a field of a Group; a callable ``default`` makes the default."""
    if not callable(default):
        return Option(help=help, default=default, **facts)
    is_group = isinstance(default, type) and issubclass(default, Group)  # its own options have defaults
    return Option(help=help, default=None if is_group else default(), makes=default, **facts)


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Group:
    """Options that belong together: a frozen dataclass whose fields ``option`` declares.

    It becomes one when the first of it is made. Blender registers by the declarations alone, and the code of every group's
    methods would take a third of that time.
    """

    options: ClassVar[tuple[Option, ...]] = ()  # those that it declares, in its order

    def __init_subclass__(cls) -> None:
        kinds = get_annotations(cls, eval_str=True)
        declared = ((name, vars(cls).get(name)) for name in kinds)
        cls.options = tuple(_completed(each, name, kinds[name]) for name, each in declared if isinstance(each, Option))

    def __new__(cls, *_arguments: Any, **_options: Any) -> Self:
        if "__dataclass_fields__" not in vars(cls):
            for each in cls.options:
                setattr(cls, each.name, _field(each))
            dataclass(frozen=True, kw_only=True)(cls)
        return super().__new__(cls)


def _completed(made: Option, name: str, annotation: Any) -> Option:
    members = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    (made.kind,) = (member for member in members if member is not NoneType)
    made.name, made.optional, made.path = name, len(members) > 1, made.path or (name,)
    if made.flag == "":
        made.flag = f"--{'no-' if made.default is True else ''}{name.replace('_', '-')}"
    made.prop = name if made.prop == "" and made.label else made.prop or None
    return made


def _field(declared: Option) -> Any:
    """The dataclass's field. Pydantic reads the range in it when a group is checked as a part of RunSettings."""
    limits = {"ge": declared.least, "le": declared.most, "max_length": declared.longest}
    metadata = {name: limit for name, limit in limits.items() if limit is not None}
    given = {"default_factory": declared.makes} if declared.makes else {"default": declared.default}
    return field(metadata=metadata, **given)


def check_ranges(group: Group) -> None:
    """Make a group's whole numbers floats where its options are floats. Raises ValueError out of a range."""
    for each in group.options:
        if each.kind is not float:
            continue
        value = float(getattr(group, each.name))
        object.__setattr__(group, each.name, value)
        if not (each.least is None or value >= each.least) or not (each.most is None or value <= each.most):
            raise ValueError(f"{each.name} {value:g} is not {each.range}")
