# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A camera that goes around the standing product, from the place of one still's camera to that of the next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import bpy
from mathutils import Matrix

from ..pipeline.backend.requests import Piece
from ..pipeline.gate.scoring.reference import Camera
from ..pipeline.look.orbit import Arc
from .rig import camera_for, camera_matrices
from .video import Pose


def place_of(pieces: Sequence[Piece], share: float) -> tuple[int, float]:
    """The number of the piece that is seen at ``share`` of the turn, 0..1, and how much of that piece is over then, 0..1."""
    whole = sum(piece.degrees for piece in pieces)
    yaw = share * whole
    for number, piece in enumerate(pieces[:-1]):
        if yaw < piece.degrees - 1e-6:
            return number, yaw / piece.degrees
        yaw -= piece.degrees
    return len(pieces) - 1, min(1.0, max(0.0, yaw / pieces[-1].degrees))


@contextmanager
def orbiting(name: str, pieces: Sequence[Piece], resolution: tuple[int, int]) -> Iterator[Pose]:
    """The camera of the angle ``name`` goes along ``pieces``; on leaving, it stands where it stood.

    ``resolution``: width and height in pixels.
    """
    angles = {each for piece in pieces for each in (piece.one, piece.other)}
    lenses = {each: _lens(each) for each in angles}
    stand = {each: Camera.of(*camera_matrices(camera_for(each), resolution)) for each in angles}
    arcs = [Arc.between(stand[piece.one], stand[piece.other]) for piece in pieces]
    camera = camera_for(name)
    camera_name, before, own = camera.name, camera.matrix_world.copy(), _lens(name)

    def go(share: float) -> None:
        number, part = place_of(pieces, share)
        arc, piece = arcs[number], pieces[number]
        camera.matrix_world = Matrix(arc.at(part * arc.degrees).matrix_world.tolist())
        one, other = lenses[piece.one], lenses[piece.other]
        focal = one[0] * (1.0 - part) + other[0] * part
        _set_lens(camera, (focal, min(one[1], other[1]), max(one[2], other[2])))

    try:
        yield go
    finally:
        thing = bpy.data.objects.get(camera_name)  # by name: an undo meanwhile has made it another
        if thing is not None:
            thing.matrix_world = before
            _set_lens(thing, own)


def _lens(name: str) -> tuple[float, float, float]:
    """Focal length in millimetres, and what is nearest and furthest in metres that is seen."""
    data = camera_for(name).data
    return data.lens, data.clip_start, data.clip_end


def _set_lens(camera: bpy.types.Object, lens: tuple[float, float, float]) -> None:
    camera.data.lens, camera.data.clip_start, camera.data.clip_end = lens
