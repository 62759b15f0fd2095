# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a picture's file says of how it was made, where any program finds it: IPTC's Digital Source Type, in XMP.

IPTC Photo Metadata Standard 2023.2, section Digital Source Type; XMP in a PNG: XMP specification part 3, section 1.1.5.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape

from ..errors import BadInput
from . import png

XMP = "XML:com.adobe.xmp"
WORDS = "Description"
LOOK_WORDS = "a render with the look of generated pictures"
STITCHED_WORDS = "generated pieces, and renders with the look of generated pictures, put together"
_VALUES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
CREATION = f"{_VALUES}digitalCreation"  # by people and programs, with no trained model
TRAINED = f"{_VALUES}trainedAlgorithmicMedia"  # by a trained model
COMPOSITE = f"{_VALUES}compositeWithTrainedAlgorithmicMedia"  # put together, a trained model's part among the rest
_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" Iptc4xmpExt:DigitalSourceType="{source}">
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{words}</rdf:li></rdf:Alt></dc:description>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""


def packet(source: str, words: str) -> str:
    """An XMP packet. ``source``: one of the values above; ``words``: what is seen, or how it was made."""
    readable = "".join(letter for letter in words if letter.isprintable())  # XML has no others
    return _PACKET.format(source=source, words=escape(readable))


def of_render(*, own_model: bool) -> tuple[str, str]:
    """Of what Blender renders: the value, and that in words. A mesh that a model made carries that on."""
    return (CREATION, "a render of a 3D model") if own_model else (COMPOSITE, "a render of a generated 3D model")


def rendered(*, own_model: bool) -> dict[str, str]:
    """A PNG's facts of a render."""
    return {XMP: packet(*of_render(own_model=own_model))}


def generated(picture: Path) -> dict[str, str]:
    """A PNG's facts of what was made of ``picture``, a generated one: its own mark, where it has one of ours."""
    return dict(mark_of(picture)) or {XMP: packet(TRAINED, "a generated picture")}


def composite(words: str) -> dict[str, str]:
    """A PNG's facts (png.encode) of a picture put together from a generated one and a render; ``words`` say how."""
    return {WORDS: words, XMP: packet(COMPOSITE, words)}


def mark_of(picture: Path) -> Mapping[str, str]:
    """The facts of ``composite`` in a file; empty where it has none, or is no PNG."""
    try:
        facts = png.read_text(picture)
    except BadInput:
        return {}
    return {key: facts[key] for key in (WORDS, XMP) if key in facts} if COMPOSITE in facts.get(XMP, "") else {}
