# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which side of the product is its front, and which it stands on: a turn of the whole, kept on its root."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from bpy.types import Object
from mathutils import Euler, Matrix, Vector
from mathutils.bvhtree import BVHTree

from ..pipeline import names
from ..pipeline.errors import BadInput
from .model import as_instance, product_triangles, restore_transform, stand_on_ground

NONE = (0.0, 0.0, 0.0)
FRONT = Vector((0.0, -1.0, 0.0))  # towards the camera at azimuth 0
DOWN = Vector((0.0, 0.0, -1.0))
UPRIGHT = 0.1  # length of a normal's level part under which it says nothing of left and right

Turn = Sequence[float]


def turn_product(root: Object, turn: Turn) -> None:
    """Have the product turned by ``turn`` in place of any earlier one. It is to be put on the floor afterwards."""
    if names.IN_PLACE in root and tuple(turn) != NONE:  # parts that stand beside the root don't turn with it
        restore_transform(root)
        as_instance(root)
    before = rotation(root.get(names.TURN, NONE))
    original = Matrix(np.array(root[names.ORIGINAL_MATRIX]).reshape(4, 4).tolist())
    turned = rotation(turn) @ before.inverted() @ original
    root[names.ORIGINAL_MATRIX] = [value for row in turned for value in row]
    root[names.TURN] = [float(value) for value in turn]


@contextmanager
def unturned(root: Object) -> Iterator[None]:
    """The product as its file has it, on the floor; afterwards turned as before."""
    turn = tuple(root.get(names.TURN, NONE))
    if turn == NONE:
        yield
        return
    turn_product(root, NONE)
    stand_on_ground(root, [])
    try:
        yield
    finally:
        turn_product(root, turn)
        stand_on_ground(root, [])


def rotation(turn: Turn) -> Matrix:
    """4×4 of a turn in degrees about x, then y, then z."""
    return Euler([math.radians(angle) for angle in turn], "XYZ").to_matrix().to_4x4()


def turn_of(matrix: Matrix) -> tuple[float, float, float]:
    """The turn in degrees, -180 to 180, that a rotation's 4×4 is."""
    x, y, z = (round(math.degrees(angle), 3) + 0.0 for angle in matrix.to_euler("XYZ"))
    return x, y, z


def side_at(origin: Vector, direction: Vector) -> Vector | None:
    """The normal, towards ``origin``, of the product's face that a ray hits first; None where it hits none."""
    vertices, triangles = product_triangles()
    tree = BVHTree.FromPolygons(vertices.tolist(), triangles.tolist(), all_triangles=True)
    normal = tree.ray_cast(origin, direction)[1]
    if normal is None:
        return None
    return normal if normal.dot(direction) < 0.0 else -normal


def to_front(normal: Vector) -> Matrix:
    """The rotation about z that has a side with this normal look to the front. Raises BadInput where it looks up or down."""
    level = Vector((normal.x, normal.y, 0.0))
    if level.length < UPRIGHT:
        raise BadInput("this side looks straight up or down; pick one that looks sideways, or tip the product first")
    angle = math.atan2(FRONT.y, FRONT.x) - math.atan2(level.y, level.x)
    return Matrix.Rotation(angle, 4, "Z")


def to_floor(normal: Vector) -> Matrix:
    """The shortest rotation that has a side with this normal look down."""
    if normal.dot(DOWN) < -0.9999:  # opposite: any half turn does; this one keeps left and right
        return Matrix.Rotation(math.pi, 4, "Y")
    return normal.rotation_difference(DOWN).to_matrix().to_4x4()
