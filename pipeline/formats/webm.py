# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a WebM says of how it was made: tags at its end (RFC 9559, section 5.1.8), since it has no place for XMP.

An element is its id, its size and its content (RFC 8794): the leading zeros of a size's first byte say how many bytes follow.
"""

from __future__ import annotations

from pathlib import Path

from ..errors import BadInput

_HEADER, _SEGMENT, _TAGS, _TAG = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67", b"\x12\x54\xc3\x67", b"\x73\x73"
_TARGETS, _SIMPLE, _NAME, _STRING = b"\x63\xc0", b"\x67\xc8", b"\x45\xa3", b"\x44\x87"
SOURCE_TYPE = "DIGITAL_SOURCE_TYPE"  # IPTC's name, as Matroska writes names of its own


def mark_webm(path: Path, source: str, words: str) -> None:
    """Add tags: ``source``, IPTC's value of how it was made (``marks``), and that in ``words``. Raises BadInput for what is no WebM."""
    data = path.read_bytes()
    start = _after(data, 0, _HEADER, path)
    at, width = start + len(_SEGMENT), _width(data, start + len(_SEGMENT), path)
    if data[start:at] != _SEGMENT:
        raise _none(path)
    size = int.from_bytes(data[at : at + width]) & ((1 << 7 * width) - 1)
    tags = _tags({SOURCE_TYPE: source, "DESCRIPTION": words})
    is_open = size == (1 << 7 * width) - 1  # it goes on to the file's end
    if not is_open and at + width + size != len(data):
        raise _none(path)
    if not is_open:
        grown = (size + len(tags) | 1 << 7 * width).to_bytes(width)
        data = data[:at] + grown + data[at + width :]
    beside = path.with_name(f".{path.name}.part")
    try:
        beside.write_bytes(data + tags)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _tags(facts: dict[str, str]) -> bytes:
    simple = [
        _element(_SIMPLE, _element(_NAME, name.encode()) + _element(_STRING, text.encode()))
        for name, text in facts.items()
    ]
    return _element(_TAGS, _element(_TAG, _element(_TARGETS, b"") + b"".join(simple)))


def _element(name: bytes, content: bytes) -> bytes:
    return name + (len(content) | 1 << 56).to_bytes(8) + content


def _after(data: bytes, at: int, name: bytes, path: Path) -> int:
    """Where the element ``name`` at ``at`` ends."""
    if data[at : at + len(name)] != name:
        raise _none(path)
    at += len(name)
    width = _width(data, at, path)
    return at + width + (int.from_bytes(data[at : at + width]) & ((1 << 7 * width) - 1))


def _width(data: bytes, at: int, path: Path) -> int:
    """Bytes of the size at ``at``."""
    if at >= len(data) or not data[at]:
        raise _none(path)
    return 9 - data[at].bit_length()


def _none(path: Path) -> BadInput:
    return BadInput(f"{path.name} is not a whole WebM; make the clip again")
