# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Deliver panel in the real window: one variant of a file, delivered with its clip by mouse."""

from __future__ import annotations

import json
import shlex
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_sidebar import cube_glb


def in_two_colours(path: Path) -> Path:
    """A cube that is red, and has a variant in blue."""
    data = cube_glb(path).read_bytes()
    (length,) = struct.unpack("<I", data[12:16])
    content, rest = json.loads(data[20 : 20 + length]), data[20 + length :]
    colours = ((0.7, 0.03, 0.03), (0.03, 0.05, 0.7))
    content["materials"] = [{"pbrMetallicRoughness": {"baseColorFactor": [*colour, 1.0]}} for colour in colours]
    content["extensionsUsed"] = ["KHR_materials_variants"]
    content["extensions"] = {"KHR_materials_variants": {"variants": [{"name": "Ruby"}, {"name": "Night"}]}}
    maps = [{"material": number, "variants": [number]} for number in (0, 1)]
    (primitive,) = content["meshes"][0]["primitives"]
    primitive |= {"material": 0, "extensions": {"KHR_materials_variants": {"mappings": maps}}}
    text = json.dumps(content).encode()
    text += b" " * (-len(text) % 4)
    head = struct.pack("<4sIIII", b"glTF", 2, 20 + len(text) + len(rest), len(text), 0x4E4F534A)
    path.write_bytes(head + text + rest)
    return path


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_variant_is_chosen_and_its_pictures_and_clip_delivered(window, tmp_path):
    model = in_two_colours(tmp_path / "cube.glb")
    seen = window.play("delivers", model=str(model), timeout=840, patience=400)
    assert seen["said"] == ""
    assert seen["variant"] == "Night"
    assert set(seen["sets"]) == {"amazon", "google", "web", "clips"}
    assert set(seen["sets"].values()) <= {"pass", "advice"}
    files = [Path(file) for file in seen["files"]]
    assert len(files) == 3 * 2 + 1
    assert all(file.is_file() for file in files)
    main = next(file for file in files if ".MAIN." in file.name)
    pixels = np.asarray(Image.open(main).convert("RGB")).astype(int)
    red, _, blue = np.moveaxis(pixels, -1, 0)
    assert ((blue - red) > 40).mean() > 0.2
    words = shlex.split(seen["typed"])
    assert words[1:4] == ["--command", "consistency", "deliver"]
    assert Path(words[4]) == main.parents[2]
