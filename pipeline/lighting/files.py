# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each light gives an angle, and the ground, on disk: OpenEXR with half floats, which a GPU takes as they are.

    references/front.lights.exr   NAME.R NAME.G NAME.B   the light NAME's share of the product, linear, premultiplied
                                  coverage.Y             the product's coverage, 0..1
                                  shadow.R …             what the product leaves of the ground's light, as a factor
    references/ground.exr         NAME.R …               light of NAME on the ground with the product, seen from above
                                  NAME.open.R …          the same without the product

Both carry what else a mixer has to know as JSON in the text attribute "consistency".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BadRender
from ..formats import exr
from ..system.disk import whole_file

Plane = NDArray[np.float32]
FACTS = "consistency"
GROUND = "ground.exr"  # beside the angles' files
HALF = 65504.0  # the largest half float


@dataclass(frozen=True)
class View:
    """How an angle was rendered. ``lights``: by name, the colour temperature in kelvin that each had. ``look``: settings.look_of
    the run; ``sent``: what the lamps that the artist added sent out, by their group's name, in red, green and blue, and then numbers
    that say where they stood.

    ``matrix_world``: camera to world, ``projection``: camera to clip space (OpenGL's, −1..1), 4×4 row-major, metres.
    """

    lights: dict[str, float]
    view_transform: str
    matrix_world: list[list[float]]
    projection: list[list[float]]
    look: dict[str, Any] = field(default_factory=dict)
    sent: dict[str, list[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """The square of ground that the lights were looked at on: its middle, half its side and its height, metres.

    ``fade``: share of ``reach`` from the middle beyond which the ground becomes clear, until it is at ``reach``.
    """

    x: float
    y: float
    reach: float
    height: float
    fade: float


@dataclass(frozen=True)
class Lights:
    """One angle: (H, W, 3) by light, (H, W) coverage and (H, W, 3) shadow, a factor on the ground's light."""

    view: View
    shares: dict[str, Plane]
    coverage: Plane
    shadow: Plane


@dataclass(frozen=True)
class Ground:
    """Light on the ground by name, (N, N, 3), +Y at the top, with the product (``lit``) and without it (``open``)."""

    place: Place
    lit: dict[str, Plane]
    open: dict[str, Plane]


def write_lights(path: Path, lights: Lights) -> None:
    """Raises RunFolderError."""
    channels = _channels(lights.shares) | _channels({"shadow": lights.shadow}) | {"coverage.Y": _half(lights.coverage)}
    _write(path, channels, asdict(lights.view))


def read_lights(path: Path) -> Lights:
    """Raises BadRender for what ``write_lights`` has not written."""
    channels, facts = _read(path)
    try:
        view = View(**facts)
        return Lights(
            view,
            {name: _planes(channels, name) for name in view.lights},
            channels["coverage.Y"],
            _planes(channels, "shadow"),
        )
    except (TypeError, KeyError) as error:
        raise _not_ours(path) from error


def write_ground(path: Path, ground: Ground) -> None:
    """Raises RunFolderError."""
    free = {f"{name}.open": plane for name, plane in ground.open.items()}
    _write(path, _channels(ground.lit) | _channels(free), {**asdict(ground.place), "lights": list(ground.lit)})


def read_ground(path: Path) -> Ground:
    """Raises BadRender for what ``write_ground`` has not written."""
    channels, facts = _read(path)
    try:
        names = facts.pop("lights")
        lit, free = ({name: _planes(channels, f"{name}{tail}") for name in names} for tail in ("", ".open"))
        return Ground(Place(**facts), lit, free)
    except (TypeError, KeyError) as error:
        raise _not_ours(path) from error


def _write(path: Path, channels: Mapping[str, np.ndarray], facts: dict[str, Any]) -> None:
    with whole_file(path) as file:
        exr.write(file, channels, {FACTS: json.dumps(facts)})


def _read(path: Path) -> tuple[dict[str, Plane], dict[str, Any]]:
    try:
        facts = json.loads(exr.read_text(path, FACTS))
        channels = exr.read(path)
    except OSError as error:
        raise BadRender(f"{path.name} can't be read ({error.strerror}); render the angle again") from error
    except ValueError as error:
        raise _not_ours(path) from error
    return {name: plane.astype(np.float32) for name, plane in channels.items()}, facts


def _not_ours(path: Path) -> BadRender:
    return BadRender(f"{path.name} does not hold the lights of a reference; render the angle again")


def _channels(planes: Mapping[str, Plane]) -> dict[str, np.ndarray]:
    return {
        f"{name}.{letter}": _half(plane[..., i]) for name, plane in planes.items() for i, letter in enumerate("RGB")
    }


def _half(plane: Plane) -> NDArray[np.float16]:
    return np.clip(plane, -HALF, HALF).astype(np.float16)


def _planes(channels: Mapping[str, Plane], name: str) -> Plane:
    return np.stack([channels[f"{name}.{letter}"] for letter in "RGB"], axis=-1)
