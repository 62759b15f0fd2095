# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small product, ray-traced in numpy, for the gate's tests: exact passes, any camera, any fault."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from consistency_pipeline.pipeline.gate.scoring.pixels.arrays import blur, pull_outward, sample, shrink
from consistency_pipeline.pipeline.gate.scoring.pixels.colour import to_linear, to_srgb
from consistency_pipeline.pipeline.gate.scoring.raster import orbit
from consistency_pipeline.pipeline.gate.scoring.reference import Camera, Reference

SIZE = 384
UNIT = SIZE / 1024


@dataclass(frozen=True)
class Part:
    kind: str  # "ball" or "box"
    centre: tuple[float, float, float]
    size: tuple[float, float, float]  # radii, or half sides
    colour: tuple[float, float, float]
    print_seed: int | None = None


PRODUCT = {
    "body": Part("box", (0, 0, 0), (0.30, 0.20, 0.22), (0.30, 0.10, 0.08), print_seed=1),
    "knob": Part("ball", (-0.05, 0, 0.28), (0.09, 0.09, 0.09), (0.08, 0.10, 0.25)),
    "spout": Part("ball", (0.38, 0, 0.05), (0.16, 0.06, 0.06), (0.30, 0.10, 0.08)),
    "foot": Part("ball", (-0.2, -0.1, -0.22), (0.08, 0.08, 0.06), (0.05, 0.05, 0.05)),
}


def camera(azimuth: float = 30.0, elevation: float = 20.0, distance: float = 3.2) -> Camera:
    a, e = math.radians(azimuth), math.radians(elevation)
    back = np.array([math.sin(a) * math.cos(e), -math.cos(a) * math.cos(e), math.sin(e)])
    right = np.array([math.cos(a), math.sin(a), 0.0])
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([right, np.cross(back, right), back], axis=1)
    matrix[:3, 3] = back * distance
    near, far, focal = 0.1, 100.0, 5.2
    projection = np.zeros((4, 4))
    projection[0, 0] = projection[1, 1] = focal
    projection[2, 2], projection[2, 3], projection[3, 2] = (
        -(far + near) / (far - near),
        -2 * far * near / (far - near),
        -1,
    )
    return Camera(matrix, projection)


def render(parts: dict[str, Part], view: Camera, size: int = SIZE) -> dict[str, np.ndarray]:
    """mask and albedo antialiased; depth, normal, position at pixel centres, as Cycles writes them."""
    return _rendered(tuple(parts.items()), view.matrix_world.tobytes(), size)


@lru_cache(maxsize=24)
def _rendered(items: tuple[tuple[str, Part], ...], matrix: bytes, size: int) -> dict[str, np.ndarray]:
    parts, view = dict(items), Camera(np.frombuffer(matrix).reshape(4, 4), camera().projection)
    fine = _trace(parts, view, size * 3)
    plain = _trace(parts, view, size)
    mask = shrink(fine["hit"].astype(np.float32), 3)
    albedo = shrink(fine["albedo"] * fine["hit"][..., None], 3) / np.maximum(mask, 1e-3)[..., None]
    return {"mask": mask, "albedo": albedo.astype(np.float32)} | {k: plain[k] for k in ("depth", "normal", "position")}


def _trace(parts: dict[str, Part], view: Camera, size: int) -> dict[str, np.ndarray]:
    focal = view.projection[0, 0]
    ndc = (np.arange(size) + 0.5) / size * 2 - 1
    x, y = np.meshgrid(ndc, -ndc)
    ray = np.stack([x / focal, y / focal, -np.ones_like(x)], axis=-1) @ view.matrix_world[:3, :3].T
    ray, eye = ray.astype(np.float32), view.matrix_world[:3, 3].astype(np.float32)
    depth = np.full((size, size), 1e4, dtype=np.float32)
    normal, albedo = np.zeros((size, size, 3), np.float32), np.zeros((size, size, 3), np.float32)
    for part in parts.values():
        distance, facing = (_ball if part.kind == "ball" else _box)(part, eye, ray)
        near = distance < depth
        at = eye + ray * np.where(near, distance, 0)[..., None]
        depth = np.where(near, distance, depth)
        normal = np.where(near[..., None], facing, normal)
        albedo = np.where(near[..., None], _paint(part, at), albedo)
    hit = depth < 1e3
    position = np.where(hit[..., None], eye + ray * depth[..., None], 0)
    result = {"hit": hit, "depth": depth, "normal": normal, "albedo": albedo, "position": position}
    return {name: value if name == "hit" else value.astype(np.float32) for name, value in result.items()}


def _ball(part: Part, eye: np.ndarray, ray: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    radii = np.array(part.size, dtype=np.float32)
    o, d = (eye - np.float32(part.centre)) / radii, ray / radii
    a, b, c = (d * d).sum(-1), (d * o).sum(-1), (o * o).sum() - 1
    root = b * b - a * c
    distance = np.where(root > 0, (-b - np.sqrt(np.maximum(root, 0))) / a, 1e5)
    normal = (o + d * np.minimum(distance, 1e4)[..., None]) / radii
    return distance, normal / np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-9)


def _box(part: Part, eye: np.ndarray, ray: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    half, o = np.array(part.size, dtype=np.float32), eye - np.float32(part.centre)
    inverse = 1 / np.where(np.abs(ray) < 1e-7, np.float32(1e-7), ray)
    near, far = (
        np.minimum((-half - o) * inverse, (half - o) * inverse),
        np.maximum((-half - o) * inverse, (half - o) * inverse),
    )
    enter, leave = near.max(-1), far.min(-1)
    axis = near.argmax(-1)
    normal = np.eye(3)[axis] * -np.sign(np.take_along_axis(ray, axis[..., None], -1))
    return np.where((enter < leave) & (enter > 0), enter, 1e5), normal


def _paint(part: Part, at: np.ndarray) -> np.ndarray:
    colour = np.broadcast_to(np.array(part.colour), at.shape).copy()
    if part.print_seed is not None:
        # A print of light blocks on the front and back faces.
        random = np.random.default_rng(part.print_seed)
        cells = random.random((10, 14)) < 0.5
        u = (at[..., 0] / part.size[0] / 1.3 + 0.5) * 14
        v = (at[..., 2] / part.size[2] / 1.3 + 0.5) * 10
        inside = (u >= 0) & (u < 14) & (v >= 0) & (v < 10) & (np.abs(at[..., 1]) > part.size[1] - 1e-3)
        lit = cells[np.clip(v, 0, 9).astype(int), np.clip(u, 0, 13).astype(int)]
        colour[inside & lit] = (0.75, 0.7, 0.5)
    return colour


def shaded(shot: dict[str, np.ndarray], light: tuple[float, float, float] = (-0.3, -0.7, 0.65)) -> np.ndarray:
    """Linear colour, spread beyond the rim."""
    known = (shot["mask"] > 0.9).astype(np.float32)
    direction = np.array(light) / np.linalg.norm(light)
    shade = 0.35 + 0.9 * np.maximum(pull_outward(shot["normal"], known) @ direction, 0)
    return (pull_outward(shot["albedo"], known) * shade[..., None]).astype(np.float32)


def over(shot: dict[str, np.ndarray], grey: float = 0.8, **light: tuple[float, float, float]) -> np.ndarray:
    alpha = shot["mask"][..., None]
    return np.clip(to_srgb(shaded(shot, **light) * alpha + to_linear(np.float32(grey)) * (1 - alpha)), 0, 1).astype(
        np.float32
    )


def reference(view: Camera | None = None, parts: dict[str, Part] | None = None, size: int = SIZE) -> Reference:
    view = view or camera()
    shot = render(parts or PRODUCT, view, size)
    return Reference(over(shot), shot["mask"], shot["depth"], shot["normal"], shot["position"], view)


def restyle(
    parts: dict[str, Part] | None = None,
    seed: int = 0,
    yaw: float = 0.0,
    pitch: float = 0.0,
    move: np.ndarray | None = None,
    grey: float = 0.8,
    view: Camera | None = None,
    size: int = SIZE,
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0),
) -> np.ndarray:
    """A still as a generator would send it: other light, noise, a gradient and a soft shadow. (H, W, 3) float 0..1.

    ``move``: (2, 3), render grid -> picture, applied to the product.
    """
    random = np.random.default_rng(seed)
    shot = render(parts or PRODUCT, orbit(view or camera(), np.zeros(3), yaw, pitch), size)
    colour, mask = shaded(shot, tuple(np.array([-0.3, -0.7, 0.65]) + random.normal(size=3) * 0.3)), shot["mask"]
    x, y = np.meshgrid(np.arange(size, dtype=np.float32), np.arange(size, dtype=np.float32))
    if move is not None:
        back = np.linalg.inv(np.vstack([move, [0, 0, 1]]))
        at_x, at_y = (back[0, 0] * x + back[0, 1] * y + back[0, 2]), (back[1, 0] * x + back[1, 1] * y + back[1, 2])
        colour, mask = (sample(layer, at_x.astype(np.float32), at_y.astype(np.float32)) for layer in (colour, mask))
    grain = blur(random.normal(size=mask.shape).astype(np.float32), 3.0)
    colour = colour * (1 + 0.04 * grain / grain.std())[..., None] * np.array(tint, dtype=np.float32)
    shadow = 1 - 0.3 * np.exp(-(((x - size / 2) / (0.3 * size)) ** 2) - ((y - 0.78 * size) / (0.08 * size)) ** 2)
    backdrop = to_linear((grey + 0.04 * (x / size - 0.5)).astype(np.float32)) * shadow
    linear = colour * mask[..., None] + backdrop[..., None] * (1 - mask[..., None])
    noisy = to_srgb(np.clip(linear, 0, 1)) + random.normal(size=colour.shape) * 0.004
    return np.clip(noisy, 0, 1).astype(np.float32)


def without(name: str) -> dict[str, Part]:
    return {key: part for key, part in PRODUCT.items() if key != name}


def changed(name: str, **fields: object) -> dict[str, Part]:
    return PRODUCT | {name: replace(PRODUCT[name], **fields)}  # type: ignore[arg-type]


def mesh(parts: dict[str, Part] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The product as (V, 3) and (T, 3)."""
    points, corners, count = [], [], 0
    for part in (parts or PRODUCT).values():
        v, t = _grid_ball() if part.kind == "ball" else _unit_box()
        points.append(v * part.size + part.centre)
        corners.append(t + count)
        count += len(v)
    return np.concatenate(points), np.concatenate(corners)


def _grid_ball(rows: int = 24, columns: int = 48) -> tuple[np.ndarray, np.ndarray]:
    t, p = np.meshgrid(np.linspace(0, np.pi, rows + 1), np.arange(columns) * 2 * np.pi / columns, indexing="ij")
    points = np.stack([np.sin(t) * np.cos(p), np.sin(t) * np.sin(p), np.cos(t)], axis=-1).reshape(-1, 3)
    index = np.arange((rows + 1) * columns).reshape(rows + 1, columns)
    a, b, c, d = index[:-1], index[1:], np.roll(index[1:], -1, 1), np.roll(index[:-1], -1, 1)
    return points, np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])


def _unit_box() -> tuple[np.ndarray, np.ndarray]:
    points = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=float)
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    return points, np.array([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))])
