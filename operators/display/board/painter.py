# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""An angle on the GPU: textures of each light's share, made once, and the shaders that mix them into a picture.

The shaders compute what pipeline.lighting.board.shown does. Lights are added one pass each, so there may be any number of
them. Everything here runs while Blender draws, when its GPU is at hand. Textures are filled in strips: no step takes long.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ....pipeline.json_object import JsonObject

if TYPE_CHECKING:
    import gpu
    import numpy as np
    from numpy.typing import NDArray

STRIP = 1 << 17  # pixels that are handed to the GPU at once

_WHOLE = "void main() { gl_Position = vec4(pos, 0.0, 1.0); }"
_PLACED = """
void main()
{
  uv = pos * 0.5 + 0.5;
  gl_Position = vec4(mix(rect.xy, rect.zw, uv), 0.0, 1.0);
}
"""
_COPY = "void main() { colour = texelFetch(source, ivec2(gl_FragCoord.xy) - ivec2(0, int(row)), 0); }"
_ADD = "void main() { colour = vec4(texelFetch(source, ivec2(gl_FragCoord.xy), 0).rgb * factor.rgb, 1.0); }"
_CHANGE = """
float left_of(float lit, float open)
{
  return open > 1e-6 ? max(lit, 0.0) / open : 1.0;
}
void main()
{
  ivec2 p = ivec2(gl_FragCoord.xy);
  vec3 lit = texelFetch(with_product, p, 0).rgb;
  vec3 open = texelFetch(without, p, 0).rgb;
  float mean = (left_of(lit.r, open.r) + left_of(lit.g, open.g) + left_of(lit.b, open.b)) / 3.0;
  colour = vec4(clamp(mean / texelFetch(before, p, 0).r, 0.0, 100.0));
}
"""
_DEVELOP = """
float darkened(float value, float light)
{
  float linear = (value > 0.04045 ? pow((value + 0.055) / 1.055, 2.4) : value / 12.92) * light;
  return linear > 0.0031308 ? 1.055 * pow(linear, 1.0 / 2.4) - 0.055 : linear * 12.92;
}
void main()
{
  ivec2 p = ivec2(gl_FragCoord.xy);
  vec4 rest = texelFetch(ground, p, 0);
  vec4 at = texelFetch(place, p, 0);
  vec3 left = min(rest.rgb * texture(change, at.xy).r + rest.a, vec3(1.0));
  float lost = clamp((1.0 - (left.r + left.g + left.b) / 3.0 - NOISE) / (1.0 - NOISE), 0.0, 1.0) * at.z;
  vec3 result = texture(behind, gl_FragCoord.xy / frame).rgb;
  if (lost > 0.0) {
    float light = 1.0 - lost;
    result = vec3(darkened(result.r, light), darkened(result.g, light), darkened(result.b, light));
  }
  ivec2 inside = p - ivec2(window.xy);
  if (all(greaterThanEqual(inside, ivec2(0))) && all(lessThan(inside, ivec2(window.zw)))) {
    vec3 level = log(1.0 + CURVE * clamp(texelFetch(total, inside, 0).rgb, 0.0, BRIGHTEST)) / log(1.0 + CURVE * BRIGHTEST);
    vec3 at_grey = (level * (GREYS - 1.0) + 0.5) / GREYS;
    vec3 shown = vec3(
        texture(greys, vec2(at_grey.r, 0.5)).r, texture(greys, vec2(at_grey.g, 0.5)).r, texture(greys, vec2(at_grey.b, 0.5)).r);
    shown = clamp(shown + texture(corrections, level).rgb, 0.0, 1.0);
    result = mix(result, shown, at.a);
  }
  colour = vec4(result, 1.0);
}
"""
# Four bilinear looks: a picture that is drawn up to four times as small keeps its fine print.
_SHOW = """
void main()
{
  vec2 away = 0.25 * fwidth(uv);
  vec3 four = texture(source, uv + away * vec2(-1.0, -1.0)).rgb + texture(source, uv + away * vec2(1.0, -1.0)).rgb
            + texture(source, uv + away * vec2(-1.0, 1.0)).rgb + texture(source, uv + away * vec2(1.0, 1.0)).rgb;
  colour = vec4(four * 0.25, 1.0);
}
"""
# name: vertex source, fragment source, samplers, push constants
_SHADERS: dict[str, tuple[str, str, tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]] = {
    "copy": (_WHOLE, _COPY, (("FLOAT_2D", "source"),), (("FLOAT", "row"),)),
    "add": (_WHOLE, _ADD, (("FLOAT_2D", "source"),), (("VEC4", "factor"),)),
    "change": (
        _WHOLE,
        _CHANGE,
        (("FLOAT_2D", "with_product"), ("FLOAT_2D", "without"), ("FLOAT_2D", "before")),
        (),
    ),
    "develop": (
        _WHOLE,
        _DEVELOP,
        (
            ("FLOAT_2D", "ground"),
            ("FLOAT_2D", "place"),
            ("FLOAT_2D", "change"),
            ("FLOAT_2D", "behind"),
            ("FLOAT_2D", "total"),
            ("FLOAT_2D", "greys"),
            ("FLOAT_3D", "corrections"),
        ),
        (("VEC4", "window"), ("VEC2", "frame")),
    ),
    "show": (_PLACED, _SHOW, (("FLOAT_2D", "source"),), (("VEC4", "rect"),)),
}
_made: dict[str, tuple[gpu.types.GPUShader, gpu.types.GPUBatch]] = {}


def _shader(name: str) -> tuple[gpu.types.GPUShader, gpu.types.GPUBatch]:
    if name not in _made:
        import gpu
        from gpu_extras.batch import batch_for_shader

        from ....pipeline.lighting import board, view
        from ....pipeline.references import SHADOW_NOISE

        types: Any = gpu.types  # its stubs know no arguments

        vertex, fragment, samplers, constants = _SHADERS[name]
        info = types.GPUShaderCreateInfo()
        numbers = {
            "CURVE": view.CURVE,
            "BRIGHTEST": view.BRIGHTEST,
            "GREYS": float(board.GREYS),
            "NOISE": SHADOW_NOISE,
        }
        for word, number in numbers.items():
            info.define(word, f"{number:.8f}")
        for slot, (kind, word) in enumerate(samplers):
            info.sampler(slot, kind, word)
        for kind, word in constants:
            info.push_constant(kind, word)
        if vertex is _PLACED:
            between = types.GPUStageInterfaceInfo(f"consistency_{name}")
            between.smooth("VEC2", "uv")
            info.vertex_out(between)
        info.vertex_in(0, "VEC2", "pos")
        info.fragment_out(0, "VEC4", "colour")
        info.vertex_source(vertex)
        info.fragment_source(fragment)
        shader = gpu.shader.create_from_info(info)
        corners = [(-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0), (1.0, 1.0)]
        _made[name] = shader, batch_for_shader(shader, "TRI_STRIP", {"pos": corners})
    return _made[name]


def forget() -> None:
    """The shaders, with the extension."""
    _made.clear()


def _draw(name: str, samplers: Mapping[str, Any], **constants: Any) -> None:
    shader, batch = _shader(name)
    shader.bind()
    for word, texture in samplers.items():
        shader.uniform_sampler(word, texture)
    for word, value in constants.items():
        shader.uniform_float(word, value)
    batch.draw(shader)


def texture_of(array: NDArray[Any], times: float = 1.0, kind: str = "RGBA16F") -> gpu.types.GPUTexture:
    """A texture of (h, w, c) or (d, h, w, c), of up to four channels, ``times`` as much."""
    import gpu
    import numpy as np

    types: Any = gpu.types
    pixels = np.ones((*array.shape[:-1], 4), np.float32)
    np.multiply(array, np.float32(times), out=pixels[..., : array.shape[-1]])
    data = types.Buffer("FLOAT", pixels.size, pixels.ravel())
    return types.GPUTexture(array.shape[-2::-1], format=kind, data=data)


class Canvas:
    """A texture that is drawn on."""

    def __init__(self, width: int, height: int, kind: str = "RGBA16F") -> None:
        import gpu

        types: Any = gpu.types
        self.size, self._kind = (width, height), kind
        self.texture = types.GPUTexture(self.size, format=kind)
        self._buffer = types.GPUFrameBuffer(color_slots=self.texture)

    def draw(self, passes: Any, *, adding: bool = False) -> None:
        """Call ``passes`` to draw on it; ``adding``: on black, one on top of the other."""
        import gpu

        with self._buffer.bind():
            gpu.state.depth_test_set("NONE")
            gpu.state.blend_set("ADDITIVE" if adding else "NONE")
            self._buffer.viewport_set(0, 0, *self.size)
            if adding:
                self._buffer.clear(color=(0.0, 0.0, 0.0, 0.0))
            passes()
            gpu.state.blend_set("NONE")

    def clear(self, value: float) -> None:
        with self._buffer.bind():
            self._buffer.clear(color=(value,) * 4)

    def fill(self, array: NDArray[Any], times: float = 1.0) -> Iterator[None]:
        """Put (h, w, c) on it, a strip in each step."""
        rows = max(1, STRIP // max(1, array.shape[1]))
        for row in range(0, array.shape[0], rows):
            strip = texture_of(array[row : row + rows], times)
            height = strip.height

            def put(strip: Any = strip, row: int = row, height: int = height) -> None:
                self._buffer.viewport_set(0, row, self.size[0], height)
                _draw("copy", {"source": strip}, row=float(row))

            self.draw(put)
            yield

    def read(self) -> NDArray[np.float32]:
        """(h, w, 4), the lowest row first: slow, for who wants to look at it."""
        import numpy as np

        found = np.array(self.texture.read().to_list(), np.float32).reshape(self.size[1], self.size[0], -1)
        return found / 255.0 if self._kind == "RGBA8" else found


class Views:
    """View transforms, by the file of their arrays."""

    def __init__(self) -> None:
        self._made: dict[Path, tuple[Any, Any]] = {}

    def of(self, folder: Path, name: str) -> tuple[Any, Any]:
        """The textures of greys and corrections."""
        import numpy as np

        path = folder / name
        if path not in self._made:
            greys, corrections = (np.load(f"{path}.{part}.npy") for part in ("greys", "corrections"))
            self._made[path] = texture_of(greys[None]), texture_of(corrections)
        return self._made[path]


class Picture:
    """An angle on the GPU. ``told``: what image_worker.tasks.plates has told of the arrays in ``folder``."""

    def __init__(self, told: JsonObject, folder: Path, views: Path) -> None:
        self.told, self.size = told, (int(told["size"][0]), int(told["size"][1]))
        self.is_ready = False
        self.canvas: Canvas | None = None
        self.drawn: Any = None  # what is on the canvas
        self._folder, self._views = folder, views
        self._plates: dict[str, Canvas] = {}
        self._steps = self._load()

    def load(self, until: float) -> bool:
        """Go on loading until the clock (time.perf_counter) says ``until``, one step at least. True once it can be drawn."""
        while not self.is_ready:
            if next(self._steps, self) is self:
                self.is_ready = True
            if time.perf_counter() >= until:
                break
        return self.is_ready

    def discard(self) -> None:
        """Another one is shown: remove the files that it was made from."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _load(self) -> Iterator[None]:
        import numpy as np

        below = [f"{kind}.{name}" for kind in ("lit", "open") for name in self.told["ground"]]
        names = ["ground", "place", *(f"share.{name}" for name in self.told["kelvins"]), *below]
        for name in [*names, "before"] if below else names:
            array = np.load(self._folder / f"{name}.npy", mmap_mode="r")
            self._plates[name] = plate = Canvas(array.shape[1], array.shape[0])
            yield from plate.fill(array)
        width, height = self.told["window"][2:]
        self._total, self.canvas = Canvas(width, height), Canvas(*self.size, "RGBA8")
        yield
        sides = self._plates["before"].size if below else (1, 1)
        self._change, *self._floor = (Canvas(*sides) for _ in range(3))
        self._change.clear(1.0)
        yield

    def mix(self, factors: Mapping[str, Any], behind: Any, views: Views) -> None:
        """Draw it with ``factors`` (3,) by light, over the texture ``behind``, on ``canvas``."""
        assert self.canvas is not None
        ground, told = self.told["ground"], self.told
        for canvas, kind in zip(self._floor, ("lit", "open"), strict=True) if ground else ():
            self._add(canvas, {name: self._plates[f"{kind}.{name}"] for name in ground}, factors)
        if ground:
            lit, free = (canvas.texture for canvas in self._floor)
            before = self._plates["before"].texture
            self._change.draw(lambda: _draw("change", {"with_product": lit, "without": free, "before": before}))
        self._add(self._total, {name: self._plates[f"share.{name}"] for name in told["kelvins"]}, factors)
        greys, corrections = views.of(self._views, told["view"])
        samplers = {
            "ground": self._plates["ground"].texture,
            "place": self._plates["place"].texture,
            "change": self._change.texture,
            "behind": behind,
            "total": self._total.texture,
            "greys": greys,
            "corrections": corrections,
        }
        window = tuple(float(side) for side in told["window"])
        size = (float(self.size[0]), float(self.size[1]))
        self.canvas.draw(lambda: _draw("develop", samplers, window=window, frame=size))

    @staticmethod
    def _add(canvas: Canvas, lights: Mapping[str, Canvas], factors: Mapping[str, Any]) -> None:
        def passes() -> None:
            for name, plate in lights.items():
                factor = factors.get(name)
                rgb = (1.0, 1.0, 1.0) if factor is None else tuple(float(value) for value in factor)
                if any(rgb):
                    _draw("add", {"source": plate.texture}, factor=(*rgb, 1.0))

        canvas.draw(passes, adding=True)


def show(texture: Any, rect: tuple[float, float, float, float], region: tuple[int, int]) -> None:
    """Draw a texture of displayed colours in ``rect`` (left, bottom, right, top) of a ``region`` of so many pixels."""
    places = [2.0 * value / region[index % 2] - 1.0 for index, value in enumerate(rect)]
    _draw("show", {"source": texture}, rect=places)
