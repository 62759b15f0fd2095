# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a finished file is, measured from the file itself as a shop would, against what was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from ..formats import picture_marks
from ..formats.picture_bytes import kind_of
from ..formats.srgb_profile import srgb_profile
from ..gate.scoring.pixels.arrays import dilate
from ..gate.scoring.pixels.colour import bytes_to_lab, delta_e
from ..json_object import JsonObject
from ..wording.names import in_words
from .matting import SEEN, SOLID, box_of
from .placing import Placed
from .presets import Rules

TRUE = 1.5  # CIEDE2000 at the 95th percentile of the product's pixels: what encoding may change
OTHER = 10.0  # likewise: from here on they are other colours at a glance, and the picture is refused
# Pixels from the product within which encoding leaves traces of it: a JPEG's largest colour block, two of a WebP's macroblocks,
# which its filter joins. Where colour is kept at half the size, a strong one shows on the pixel beside it.
TRACES = {"jpeg": 16, "webp": 32, "png": 0}
BLURRED = 16.0  # times that a picture may be enlarged by a filter: beyond, nothing of the product is to be seen
HALO = 8.0  # 8-bit values by which a rim on black may be lighter than the product beside it
CENTRED = 0.01  # of the canvas's side: how far from its middle the product's box may be
PIXELS = 100_000  # of the canvas that are compared
_KINDS = {"jpeg": "JPEG", "png": "PNG", "webp": "WebP"}


class Found(StrEnum):
    """``ADVICE``: no shop refuses it, and better is to be had."""

    PASS = "pass"  # noqa: S105 - no password
    ADVICE = "advice"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """One rule: what was ``wanted``, what was ``found``, and the ``cure`` where it does not pass."""

    rule: str
    wanted: str
    found: str
    outcome: Found
    cure: str = ""

    def to_json(self) -> JsonObject:
        return asdict(self)

    @classmethod
    def of(cls, rule: str, wanted: str, found: str, ok: bool, cure: str, otherwise: Found = Found.FAIL) -> Finding:
        return cls(rule, wanted, found, Found.PASS if ok else otherwise, "" if ok else cure)


def findings(
    data: bytes,
    decoded: NDArray[np.uint8],
    placed: Placed,
    rules: Rules,
    source: str,
    change: float,
    *,
    crops: bool,
    cut: Sequence[str] = (),
) -> list[Finding]:
    """Of a file: its bytes, and its pixels (H, W, 4) as decoded again. ``placed``: what was encoded; ``source``: the mark's value;
    ``change``: colour_change; ``cut``: the sides of the still where the product goes on beyond it."""
    found = [*_file(data, rules, source), *_canvas(decoded, placed, rules, cut, crops=crops)]
    if rules.ground == "white":
        found.append(_white(decoded, placed, rules))
    if rules.ground == "transparent":
        found.append(_transparent(decoded, rules))
    wanted = f"CIEDE2000 at most {TRUE:g} at the 95th percentile"
    cure = "have it made larger (--larger render), allow it more bytes, or choose the format png"
    otherwise = Found.ADVICE if change <= OTHER else Found.FAIL  # no shop refuses it: a promise of our own
    return [*found, Finding.of("true colours", wanted, f"{change:.2f}", change <= TRUE, cure, otherwise)]


def _file(data: bytes, rules: Rules, source: str) -> list[Finding]:
    kind = kind_of(data)
    found = [
        Finding.of("format", _KINDS[rules.format], kind or "unknown", kind == _KINDS[rules.format], "deliver it again"),
        Finding.of(
            "colour profile",
            "sRGB, embedded",
            "sRGB" if picture_marks.profile_in(data) == srgb_profile() else "none, or another",
            picture_marks.profile_in(data) == srgb_profile(),
            "deliver it again",
        ),
        Finding.of(
            "mark",
            source.rpartition("/")[2],
            source.rpartition("/")[2] if source in picture_marks.xmp_in(data) else "none",
            source in picture_marks.xmp_in(data),
            "deliver it again",
        ),
    ]
    if rules.most_bytes is not None:
        text = f"at most {_size(rules.most_bytes)}"
        found.append(
            Finding.of("weight", text, _size(len(data)), len(data) <= rules.most_bytes, "use JPEG, or fewer pixels")
        )
    return found


def _size(count: int) -> str:
    return f"{count / 1e6:.2f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"


def _canvas(
    decoded: NDArray[np.uint8], placed: Placed, rules: Rules, cut: Sequence[str], *, crops: bool
) -> list[Finding]:
    height, width = decoded.shape[:2]
    long, scale = max(width, height), placed.where.scale
    found = [
        Finding.of(
            "pixels",
            f"{rules.least} to {rules.most} on the longer side",
            f"{width} × {height}",
            rules.least <= long <= rules.most,
            "render it larger (--larger render), or run again with a larger --size",
        )
    ]
    if long < rules.advised:
        cure = "have it made larger (--larger render, an endpoint, or filter), or run again with a larger --size"
        found.append(Finding("advised pixels", f"{rules.advised}", f"{long}", Found.ADVICE, cure))
    if scale > 1.0:
        found.append(
            Finding(
                "sharpness",
                "the still's own pixels",
                f"enlarged {scale:.2f} times by a Lanczos filter",
                Found.ADVICE if scale <= BLURRED else Found.FAIL,
                "run again with a larger --size, or frame the product closer",
            )
        )
    off = abs(width / height / rules.aspect - 1.0)
    found.append(
        Finding.of("shape", f"{rules.aspect:.3g} : 1", f"{width / height:.3g} : 1", off < 0.01, "deliver it again")
    )
    box = box_of(placed.alpha)
    if box is None:
        return [*found, Finding("product", "seen", "none", Found.FAIL, "render this angle again")]
    if crops:
        outcome = Found.PASS if rules.close_ups else Found.FAIL
        cure = "" if rules.close_ups else "make another angle the main picture, with --main"
        wanted = "close-up allowed" if rules.close_ups else "the whole product"
        return [*found, Finding("whole product", wanted, "a close-up, cropped on purpose", outcome, cure)]
    share = max((box[2] - box[0]) / width, (box[3] - box[1]) / height)
    wanted = f"{rules.fill.least:.0%} to {rules.fill.most:.0%} of the frame"
    ok = rules.fill.least - 1e-3 <= share <= rules.fill.most
    found.append(Finding.of("fill", wanted, f"{share:.1%}", ok, "deliver it again; the preset's fill says how much"))
    rim = box_of(placed.alpha, SEEN) or box
    if cut:
        said = f"cut off by the still's own frame ({in_words(list(cut), 'and')})"
        return [*found, Finding("whole product", "inside the frame", said, Found.FAIL, "give the angle a smaller fill, and render it again")]  # fmt: skip
    whole = rim[0] > 0 and rim[1] > 0 and rim[2] < width and rim[3] < height
    found.append(
        Finding.of(
            "whole product",
            "inside the frame",
            "inside" if whole else "touches the frame",
            whole or share >= 1.0,
            "render with a smaller framing",
        )
    )
    aside = max(abs(box[0] + box[2] - width) / width, abs(box[1] + box[3] - height) / height) / 2.0
    text = f"{aside:.1%} off the middle"
    otherwise = Found.FAIL if rules.ground != "keep" else Found.ADVICE
    found.append(
        Finding.of("centred", "margins even", text, aside <= CENTRED, "render with more room around it", otherwise)
    )
    return found


def _white(decoded: NDArray[np.uint8], placed: Placed, rules: Rules) -> Finding:
    """The ground, outside the product: exactly white but for what encoding leaves around the product, and a kept shadow."""
    near = TRACES[rules.format]
    seen = placed.alpha > 0.0
    if rules.shadow:
        seen = seen | (_darkest(placed.pixels) < 255)
    step = max(1, near // 4)
    away = ~_grown(seen, near, step) if near else ~seen
    ground = _darkest(decoded)
    worst = int(ground[away].min()) if away.any() else 255
    close = ~seen & ~away
    worst_close = int(ground[close].min()) if close.any() else 255
    off = int((ground[away] < 255).sum())
    found = "255 everywhere" if not off else f"{off} pixels below 255, down to {worst}"
    if near and worst_close < 255:
        found += f"; {_KINDS[rules.format]}'s traces within {near} px of the product, down to {worst_close}"
    wanted = "255, 255, 255 outside the product" + (" and its shadow" if rules.shadow else "")
    return Finding.of("white ground", wanted, found, not off, "choose the format jpeg or png")


def _darkest(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The least of each pixel's three colours; quicker than along so short an axis."""
    return np.minimum(np.minimum(pixels[..., 0], pixels[..., 1]), pixels[..., 2])


def _grown(region: np.ndarray, radius: int, step: int) -> np.ndarray:
    """Grown by at least ``radius`` pixels, in steps of ``step``: the ground's measure needs no finer edge."""
    height, width = region.shape
    padded = np.pad(region, ((0, -height % step), (0, -width % step)))
    coarse = padded.reshape(padded.shape[0] // step, step, padded.shape[1] // step, step).any(axis=(1, 3))
    grown = dilate(coarse, radius / step + 1.0)
    return np.repeat(np.repeat(grown, step, axis=0), step, axis=1)[:height, :width]


def _transparent(decoded: NDArray[np.uint8], rules: Rules) -> Finding:
    """Over black, a rim that keeps something of a light ground is lighter than the product beside it."""
    alpha = decoded[..., 3]
    halo = rim_excess(decoded)
    ok = halo <= HALO and int(alpha.min()) == 0
    cure = "choose the format png" if rules.format == "webp" else "deliver it again"
    found = f"{int((alpha == 0).mean() * 100)} % clear, rim at most {halo:.1f} lighter than the product beside it"
    return Finding.of("clean rim", f"clear ground, rim at most {HALO:g} lighter on black", found, ok, cure)


def rim_excess(pixels: NDArray[np.uint8]) -> float:
    """8-bit values by which, over black, the rim of (H, W, 4) is lighter than the lightest of the product within 4 pixels, at its
    99th percentile."""
    alpha = pixels[..., 3]
    rows, columns = np.nonzero((alpha > 0.02 * 255.0) & (alpha < SOLID * 255.0))
    if not len(rows):
        return 0.0
    pick = slice(None, None, max(1, len(rows) // 60_000))
    rows, columns = rows[pick], columns[pick]
    shown = np.maximum(np.maximum(pixels[..., 0], pixels[..., 1]), pixels[..., 2])
    solid = np.where(alpha >= SOLID * 255.0, shown.astype(np.int16), np.int16(-1))
    height, width = alpha.shape
    lightest = np.full(len(rows), -1, np.int16)
    for dy in range(-4, 5):
        for dx in range(-4, 5):
            at = np.clip(rows + dy, 0, height - 1), np.clip(columns + dx, 0, width - 1)
            np.maximum(lightest, solid[at], out=lightest)
    beside = lightest >= 0
    if not beside.any():
        return 0.0
    over_black = shown[rows, columns].astype(np.float32) * (alpha[rows, columns].astype(np.float32) / np.float32(255.0))
    return float(max(0.0, np.percentile(over_black[beside] - lightest[beside], 99)))


def colour_change(decoded: NDArray[np.uint8], placed: Placed) -> float:
    """CIEDE2000 between what was encoded and what comes out, at the 95th percentile of the product's pixels."""
    pick = slice(None, None, max(1, round((placed.alpha.size / PIXELS) ** 0.5)))
    inside = placed.alpha[pick, pick] > SOLID
    if not inside.any():
        return 0.0
    before, after = (each[pick, pick, :3][inside] for each in (placed.pixels, decoded))
    changed = (before != after).any(axis=1)
    difference = np.zeros(len(before))
    if changed.any():
        one, other = (bytes_to_lab(each[changed]) for each in (before, after))
        difference[changed] = delta_e(one, other)
    return float(np.percentile(difference, 95))
