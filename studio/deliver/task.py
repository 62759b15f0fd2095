# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One picture for a shop, as the image worker makes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...pipeline.deliver.delivery import worst
from ...pipeline.deliver.picture import check_shapes, make
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
        picture, alpha = passes.load(Path(still)), passes.load(Path(mask))[..., 0]
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
            alt=lambda colour: alt_text(product, view, colour),
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
