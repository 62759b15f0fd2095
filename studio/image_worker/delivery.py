# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One picture for a shop, as the image worker makes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ...pipeline.deliver.delivery import worst
from ...pipeline.deliver.matting import box_of
from ...pipeline.deliver.picture import check_shapes, cut_out, finished, make
from ...pipeline.deliver.placing import layout_of
from ...pipeline.deliver.presets import Rules
from ...pipeline.deliver.rules import Finding, Found
from ...pipeline.deliver.sources import alt_text
from ...pipeline.errors import BadInput
from ...pipeline.formats import png
from ...pipeline.json_object import JsonObject
from ...pipeline.rig import Angle
from ...pipeline.system.disk import whole_file
from ..rendering import passes
from .encode import decode, encode


def deliver(
    still: str,
    mask: str,
    rules: JsonObject,
    exact: bool,
    angle: str,
    azimuth: float,
    elevation: float,
    fill: float,
    mark: str,
    product: str,
    variant: str,
    enlarge: bool,
    before: list[JsonObject],
    out: str,
    anyway: bool,
    refused: bool,
) -> dict[str, Any]:
    """Make the picture ``out`` and measure it. ``before``: what was found of it already. It is written where no rule is broken,
    or ``anyway``; not where the whole set is ``refused``. Raises BadInput for a picture or mask that can't be used."""
    view, wanted = Angle(name=angle, azimuth=azimuth, elevation=elevation, fill=fill), Rules.model_validate(rules)
    try:
        for path in (Path(still), Path(mask)):  # a decoder shows a grey rest of what was cut short, and says nothing
            png.check(path.read_bytes())
        picture, alpha = passes.load(Path(still)), passes.load_grey(Path(mask))
        check_shapes(picture, alpha)
        made = make(
            picture,
            alpha,
            wanted,
            encode,
            decode,
            exact=exact,
            crops=view.crops,
            mark=mark,
            alt=lambda colour: alt_text(product, view, colour, variant),
            enlarge=enlarge,
        )
    except BadInput as error:
        raise BadInput(f"{angle}: {error}") from error
    found = [*(Finding(**each) for each in before), *made.rules]
    outcome = worst([each.outcome for each in found])
    written = (outcome != Found.FAIL or anyway) and not refused
    if written:
        with whole_file(Path(out)) as file:
            file.write(made.data)
    height, width = made.placed.pixels.shape[:2]
    return {
        "written": written,
        "outcome": outcome,
        "rules": [each.to_json() for each in found],
        "alt": made.alt,
        "width": width,
        "height": height,
        "bytes": len(made.data),
        "quality": made.quality,
        "scale": round(made.placed.where.scale, 4),
    }


def view_box(picture: str) -> dict[str, Any]:
    """Where the product of a cut-out view is: its box in pixels, None where it is nowhere, and the picture's (height, width)."""
    pixels = decode(Path(picture).read_bytes())
    return {"box": box_of(pixels[..., 3].astype(np.float32) / 255.0), "shape": pixels.shape[:2]}


def deliver_view(picture: str, rules: JsonObject, box: list[int], mark: str, words: str, out: str) -> dict[str, Any]:
    """A cut-out view of a turn as the picture ``out``, placed by the ``box`` that all views of the turn share."""
    wanted = Rules.model_validate(rules)
    found = cut_out(decode(Path(picture).read_bytes()))
    left, top, right, bottom = box
    where = layout_of((left, top, right, bottom), found.alpha.shape, wanted)
    made = finished(
        found,
        found.colour,
        where,
        wanted,
        encode,
        decode,
        crops=False,
        mark=mark,
        alt=lambda colour: f"{colour} {words}".strip(),
    )
    with whole_file(Path(out)) as file:
        file.write(made.data)
    height, width = made.placed.pixels.shape[:2]
    return {
        "rules": [each.to_json() for each in made.rules],
        "alt": made.alt,
        "width": width,
        "height": height,
        "bytes": len(made.data),
        "quality": made.quality,
        "scale": round(where.scale, 4),
    }
