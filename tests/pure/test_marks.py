# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a picture's file says of how it was made, read as any other program would read it."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
from PIL import Image

from consistency_pipeline.pipeline.formats import marks, png


def test_a_composite_says_so_to_other_programs_and_its_mark_is_found_again(tmp_path: Path):
    file = tmp_path / "front.png"
    words = "a still & its render, 60% <faithful>"
    png.write(file, np.zeros((4, 4, 3), np.uint8), {"Software": "ours", **marks.composite(words)})
    with Image.open(file) as seen:
        packet = seen.info["XML:com.adobe.xmp"]
    body = packet[packet.index("<x:xmpmeta") : packet.index("<?xpacket end")]
    (told,) = ET.fromstring(body).iter("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description")
    source = told.get("{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType")
    assert source == "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
    assert words in "".join(told.itertext())
    assert marks.mark_of(file) == marks.composite(words)


def test_another_picture_has_no_mark(tmp_path: Path):
    plain, other = tmp_path / "plain.png", tmp_path / "photo.jpg"
    png.write(plain, np.zeros((4, 4, 3), np.uint8), {"Software": "ours"})
    other.write_bytes(b"\xff\xd8\xff")
    assert marks.mark_of(plain) == {}
    assert marks.mark_of(other) == {}
