# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kinds of things that a product's file can lean on and a run can't have, each with its own cure."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

GO_ON = "or go on without (--allow-missing-textures; in Blender, Allow Missing Textures)"


class Kind(StrEnum):
    TEXTURE = "texture"
    LIBRARY = "library"
    FONT = "font"
    VOLUME = "volume"  # OpenVDB
    CACHE = "cache"  # Alembic, USD, or a Mesh Cache modifier's


CURES = {
    Kind.TEXTURE: "export the product with its textures as PNG or JPEG inside the file (of a .blend: File > External Data > "
    "Pack Resources)",
    Kind.LIBRARY: "put the library into the folder of the .blend and link it from there, or make its parts local (Object > "
    "Relations > Make Local)",
    Kind.FONT: "put the font into the folder of the .blend and choose it again, or pack it (File > External Data > Pack "
    "Resources)",
    Kind.VOLUME: "put the volume's file into the folder of the .blend and choose it again, or pack it (File > External Data "
    "> Pack Resources)",
    Kind.CACHE: "put the cache into the folder of the .blend and choose it again, or keep the shape as a mesh (Object > "
    "Convert > Mesh)",
}


def cures(kinds: Iterable[Kind]) -> str:
    """What to do about things of these kinds, each cure once."""
    return "; ".join(CURES[kind] for kind in dict.fromkeys(kinds))
