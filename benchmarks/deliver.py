# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a delivered picture costs, beside Pillow doing the same: read, placed, encoded, marked, read again and measured; and
what encoding does to its colours.

    python -m benchmarks.deliver [--side 2000] [--times 3]
    python -m benchmarks.deliver --colours RUN --angle front

Seconds are the processor's, the best of several, so that what else the machine does is left out. Aim: 1 s at 2000 pixels.
Colours: CIEDE2000 at the 95th percentile of the product's pixels, and kB, of a local run's still, pixel on pixel: of a JPEG
with colour at full size and as Blender alone writes it, of a WebP as it is and handed stronger colours; and what is chosen.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=2000, help="pixels of the delivered picture (default 2000)")
    parser.add_argument("--times", type=int, default=3, help="how often each is done (default 3)")
    parser.add_argument("--colours", type=Path, metavar="RUN", help="what encoding does to a still of this run")
    parser.add_argument("--angle", default="front", help="… from which angle (default front)")
    options = parser.parse_args()
    if options.colours:
        _colours(options.colours, options.angle)
        return 0
    with tempfile.TemporaryDirectory(prefix="consistency-") as folder:
        for words, side in (("pixel on pixel", round(options.side * 1.1)), ("enlarged", options.side // 2)):
            still, mask = _drawn(Path(folder), side)
            for preset in ("amazon", "cutout", "web"):
                ours = _best(
                    lambda p=preset, s=still, m=mask: _ours(s, m, p, options.side, Path(folder)), options.times
                )
                theirs = _best(lambda p=preset, s=still, m=mask: _pillow(s, m, p, options.side), options.times)
                print(
                    f"{words:14} {preset:7} {ours:6.2f} s, Pillow {theirs:6.2f} s, ratio {ours / theirs:.2f}",
                    flush=True,
                )
    return 0


def _colours(run: Path, angle: str) -> None:
    from unittest import mock

    from consistency_pipeline.pipeline.deliver.half_colour import for_half_colour
    from consistency_pipeline.pipeline.deliver.placing import Layout, Placed
    from consistency_pipeline.pipeline.deliver.presets import Rules
    from consistency_pipeline.pipeline.deliver.quality import Tries
    from consistency_pipeline.pipeline.deliver.rules import TRUE, colour_change
    from consistency_pipeline.studio import compat
    from consistency_pipeline.studio.image_worker.encode import decode, encode
    from consistency_pipeline.studio.rendering import passes

    still = decode((run / "photoreal" / f"{angle}.png").read_bytes())[..., :3]
    alpha = passes.load_grey(run / "references" / f"{angle}.mask.png").astype(np.float32)
    placed = Placed(np.ascontiguousarray(still), alpha, Layout(still.shape[1], still.shape[0], 1.0, 0.0, 0.0))

    def told(data: bytes) -> str:
        return f"{colour_change(decode(data), placed):5.2f} {len(data) / 1000:6.0f} kB"

    print(f"{angle}, {still.shape[1]} × {still.shape[0]} pixels; {TRUE} is wanted")
    print("quality  JPEG              JPEG by Blender   WebP              WebP, stronger")
    stronger = for_half_colour(placed.pixels, alpha)
    for quality in (90, 93, 96, 98, 99, 100):
        whole = told(encode(placed.pixels, "jpeg", quality))
        with mock.patch.object(compat, "open_image_io", return_value=None):
            half = told(encode(placed.pixels, "jpeg", quality))
        webp = (told(encode(pixels, "webp", quality)) for pixels in (placed.pixels, stronger))
        print(f"{quality:7}  {whole}   {half}   {'   '.join(webp)}", flush=True)
    for kind in ("jpeg", "webp"):
        data, quality, _, change = Tries(placed, Rules(format=kind, most=8000), encode, decode).best()
        print(f"{kind}: quality {quality} is chosen, {change:.2f}, {len(data) / 1000:.0f} kB")


def _drawn(folder: Path, side: int) -> tuple[Path, Path]:
    """A textured ball on grey and its mask, which fill 0.8 of the frame."""
    from consistency_pipeline.pipeline.formats import png

    y, x = (np.mgrid[0:side, 0:side] + 0.5) / side - 0.5
    alpha = np.clip((0.4 - np.hypot(x, y)) * side + 0.5, 0.0, 1.0)
    stripes = 0.5 + 0.5 * np.sin(60.0 * x + 9.0 * np.sin(12.0 * y))
    colour = np.stack([0.7 * stripes, 0.25 + 0.3 * y, 0.6 - 0.4 * stripes], axis=-1)
    shown = colour * alpha[..., None] + 0.8 * (1.0 - alpha[..., None])
    still, mask = folder / f"still-{side}.png", folder / f"mask-{side}.png"
    png.write(still, np.rint(np.clip(shown, 0.0, 1.0) * 255.0).astype(np.uint8))
    png.write(mask, np.rint(alpha * 65535.0).astype(np.uint16))
    return still, mask


def _best(work: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return min(taken)


def _ours(still: Path, mask: Path, preset: str, side: int, folder: Path) -> None:
    from consistency_pipeline.pipeline.deliver.presets import preset as read
    from consistency_pipeline.pipeline.formats import marks
    from consistency_pipeline.studio.image_worker.delivery import deliver

    rules = read(preset).rules(0).model_copy(update={"least": min(side, read(preset).least), "advised": side})
    facts = {
        "angle": "front",
        "azimuth": 0.0,
        "elevation": 15.0,
        "fill": 0.8,
        "product": "ball",
        "variant": "",
        "mark": marks.CREATION,
    }
    out = folder / f"out{rules.suffix}"
    deliver(str(still), str(mask), rules.model_dump(mode="json"), exact=True, enlarge=True, before=[], out=str(out), anyway=True, refused=False, **facts)  # fmt: skip


def _pillow(still: Path, mask: Path, preset: str, side: int) -> None:
    """The same steps in Pillow's way, without its rims being cleaned and its colours compared."""
    import io

    from PIL import Image, ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture, alpha = Image.open(still).convert("RGB"), Image.open(mask).point(lambda value: value / 257.0).convert("L")
    picture.putalpha(alpha)
    left, top, right, bottom = alpha.getbbox()
    middle_x, middle_y, half = (left + right) / 2, (top + bottom) / 2, max(right - left, bottom - top) / 0.88 / 2
    box = tuple(map(round, (middle_x - half, middle_y - half, middle_x + half, middle_y + half)))
    placed = picture.crop(box).resize((side, side), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    if preset == "amazon":
        ground = Image.new("RGB", placed.size, "white")
        ground.paste(placed, mask=placed.getchannel("A"))
        ground.save(file, "JPEG", quality=93, icc_profile=profile)
    elif preset == "cutout":
        placed.save(file, "PNG", icc_profile=profile)
    else:
        placed.save(file, "WEBP", quality=93, icc_profile=profile)
    again = Image.open(io.BytesIO(file.getvalue())).convert("RGBA")
    np.asarray(again).min(axis=(0, 1))


if __name__ == "__main__":
    sys.exit(main())
