# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The product for augmented reality and 3D viewers: what shops take, and whether the files, read back, are that.

Google Merchant Center Help 13674896 (virtual_model_link; read 2026-11-25): GLB of at most 15 MB, 10 advised, textures of at most 4K.
Amazon: at most about 200,000 triangles (not read at first hand).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..json_object import JsonObject
from ..stages import Steps
from .folders import new_folder, settle_zip
from .page import write_shop
from .presets import AR as KEY
from .rules import Finding, Found

GLB, USDZ = "product.glb", "product.usdz"
MOST_BYTES, ADVISED_BYTES = 15_000_000, 10_000_000
SIDES = (4096, 2048, 1024, 512)  # pixels that textures may have, tried in this order until the GLB is light enough
TRIANGLES = 200_000
EXACT = 0.001  # of its size by which a file read back may differ
SOURCE = "Google Merchant Center Help, https://support.google.com/merchants/answer/13674896 (2026-11-25); Amazon's triangles not at first hand"
Export = Callable[[Path], Steps[dict[str, Any]]]  # folder → studio.deliver.ar.export_ar's facts


def deliver_ar(product: str, sku: str, out: Path, export: Export, *, zipped: bool) -> Steps[JsonObject]:
    """RUN/deliver/ar with both files, and what was found in them."""
    with new_folder(out / KEY) as part:
        facts = yield from export(part)
        files = [_file(name, found, facts["made"], facts["texture_side"]) for name, found in facts["files"].items()]
        outcomes = [each["outcome"] for each in files]
        shop = {
            "preset": KEY,
            "title": "AR and 3D",
            "source": SOURCE,
            "product": product,
            "sku": sku,
            "headline": "; ".join(
                f"{each['file']}: {each['bytes'] / 1e6:.2f} MB, {each['triangles']} triangles" for each in files
            ),
            "outcome": next((word for word in (Found.FAIL, Found.ADVICE) if word in outcomes), Found.PASS),
            "rules": [],
            "pictures": files,
            "left_out": [],
        }
        write_shop(part, shop)
    archive = settle_zip(out / KEY, [GLB, USDZ], wanted=zipped)
    return {**shop, "folder": str(out / KEY), "zip": str(archive) if archive else None}


def _file(name: str, found: dict[str, Any], made: dict[str, Any], side: int) -> JsonObject:
    same = all(
        abs(one - other) <= EXACT * max(made["size_m"])
        for one, other in zip(found["size_m"], made["size_m"], strict=True)
    )
    weight, again = found["bytes"], "deliver it again; if it stays so, report it"
    rules = [
        Finding.of("size", _metres(made["size_m"]), _metres(found["size_m"]), same, again),
        Finding.of(
            "materials", str(made["materials"]), str(found["materials"]), found["materials"] == made["materials"], again
        ),
        Finding.of(
            "triangles",
            f"at most {TRIANGLES:,}",
            f"{found['triangles']:,}",
            found["triangles"] <= TRIANGLES,
            "give a model with fewer, with Blender's Decimate modifier",
            Found.ADVICE,
        ),
        Finding.of(
            "textures",
            f"at most {SIDES[0]} px",
            f"{found['textures']}, at most {found['largest_texture']} px",
            found["largest_texture"] <= SIDES[0],
            "give a model with smaller textures",
        ),
    ]
    if name == GLB:
        rules.append(
            Finding.of(
                "weight",
                f"at most {MOST_BYTES / 1e6:g} MB",
                f"{weight / 1e6:.2f} MB",
                weight <= MOST_BYTES,
                "give a model with fewer triangles",
            )
        )
        if ADVISED_BYTES < weight <= MOST_BYTES:
            rules.append(
                Finding(
                    "advised weight",
                    f"at most {ADVISED_BYTES / 1e6:g} MB",
                    f"{weight / 1e6:.2f} MB",
                    Found.ADVICE,
                    "smaller textures",
                )
            )
        if side < SIDES[0]:
            rules.append(
                Finding(
                    "texture detail",
                    "the model's own",
                    f"made smaller, to {side} px, and JPEG",
                    Found.ADVICE,
                    "give a lighter model",
                )
            )
    outcomes = [rule.outcome for rule in rules]
    return {
        "file": name,
        "angle": name,
        "alt": f"{name}, {_metres(found['size_m'])}",
        "outcome": next((word for word in (Found.FAIL, Found.ADVICE) if word in outcomes), Found.PASS),
        "rules": [rule.to_json() for rule in rules],
        **found,
    }


def _metres(size: list[float]) -> str:
    return " × ".join(f"{side:.4g}" for side in size) + " m"
