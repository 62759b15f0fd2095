# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands in a file beside its pixels, read as other programs read it: Pillow, and exiftool where it is installed."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import struct
import subprocess

import numpy as np
import pytest
from PIL import Image, ImageCms

from consistency_pipeline.pipeline.errors import BadInput
from consistency_pipeline.pipeline.formats import marks, picture_marks
from consistency_pipeline.pipeline.formats.srgb_profile import srgb_profile

WORDS = "Red & <round> bottle, front view"
PACKET = marks.packet(marks.TRAINED, WORDS)
KINDS = {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp"}


def picture(kind: str, mode: str = "RGB", **options) -> bytes:
    pixels = np.random.default_rng(1).integers(0, 255, (40, 60, len(mode)), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels, mode).save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_marks_are_there_for_pillow_and_no_pixel_changes(kind):
    plain = picture(kind)
    made = picture_marks.with_marks(plain, PACKET, srgb_profile(), 300)
    with Image.open(io.BytesIO(made)) as seen, Image.open(io.BytesIO(plain)) as before:
        assert (np.asarray(seen) == np.asarray(before)).all()
        profile = ImageCms.ImageCmsProfile(io.BytesIO(seen.info["icc_profile"]))
        xmp = seen.info.get("xmp") or seen.info.get("XML:com.adobe.xmp")
        dpi = seen.info.get("dpi")
    assert ImageCms.getProfileDescription(profile).startswith("sRGB")
    assert "trainedAlgorithmicMedia" in (xmp.decode() if isinstance(xmp, bytes) else xmp)
    assert picture_marks.xmp_in(made) == PACKET
    assert picture_marks.profile_in(made) == srgb_profile()
    if kind != "WEBP":
        assert [round(value) for value in dpi] == [300, 300]


@pytest.mark.parametrize("options", [{"lossless": True}, {"quality": 80}])
def test_a_transparent_webp_stays_transparent(options):
    made = picture_marks.with_marks(picture("WEBP", "RGBA", **options), PACKET, srgb_profile())
    with Image.open(io.BytesIO(made)) as seen:
        assert seen.mode == "RGBA"
        assert np.asarray(seen)[..., 3].std() > 10


@pytest.mark.parametrize("kind", KINDS)
def test_marking_twice_leaves_one_mark(kind):
    once = picture_marks.with_marks(picture(kind), PACKET, srgb_profile())
    twice = picture_marks.with_marks(once, marks.packet(marks.CREATION, "other"), srgb_profile())
    assert "digitalCreation" in picture_marks.xmp_in(twice)
    assert b"trainedAlgorithmicMedia" not in twice
    assert picture_marks.with_marks(once, PACKET, srgb_profile()) == once


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")
@pytest.mark.parametrize("kind", [*KINDS, "MP4"])
def test_exiftool_finds_the_mark_and_no_fault(kind, tmp_path):
    path = tmp_path / f"picture{KINDS.get(kind, '.mp4')}"
    if kind == "MP4":
        path.write_bytes(clip())
        picture_marks.mark_clip(path, PACKET)
    else:
        path.write_bytes(picture_marks.with_marks(picture(kind), PACKET, srgb_profile(), 300))
    asked = ["exiftool", "-json", "-G1", "-a", "-validate", "-warning", str(path)]
    (told,) = json.loads(subprocess.run(asked, capture_output=True, check=True).stdout)
    assert told.get("ExifTool:Validate", "OK") == "OK"
    asked = ["exiftool", "-json", "-DigitalSourceType", "-Description", str(path)]
    (told,) = json.loads(subprocess.run(asked, capture_output=True, check=True).stdout)
    assert told["DigitalSourceType"].endswith("/trainedAlgorithmicMedia")
    assert told["Description"] == WORDS


def box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), name) + body


def clip(*more: bytes) -> bytes:
    return b"".join([box(b"ftyp", b"isom\0\0\2\0isomiso2mp41"), box(b"free", b""), box(b"mdat", b"frames"), *more])


def test_a_clip_gets_its_mark_at_the_end_once(tmp_path):
    path = tmp_path / "turn.mp4"
    path.write_bytes(clip())
    assert picture_marks.mark_clip(path, PACKET)
    assert path.read_bytes().startswith(clip())
    assert picture_marks.mark_clip(path, PACKET)
    assert picture_marks.xmp_in(path.read_bytes()) == PACKET
    assert path.read_bytes().count(b"trainedAlgorithmicMedia") == 1
    assert sorted(tmp_path.iterdir()) == [path]


def signed(kind: str) -> bytes:
    """A file of a maker who signs: the place of the manifest is what tells, its bytes are not looked at."""
    data = picture(kind) if kind != "MP4" else b""
    manifest = b"\0\0\0\x20jumb\0\0\0\x18jumdc2pa\0\x11\0\x10\x80\0\0\xaa\0\x38\x9b\x71"
    if kind == "PNG":
        return data[:33] + picture_marks._png_chunk(b"caBX", manifest) + data[33:]
    if kind == "JPEG":
        return data[:2] + picture_marks._segment(0xEB, b"JP\0\1\0\0\0\1" + manifest) + data[2:]
    if kind == "WEBP":
        return picture_marks._riff([*picture_marks._riff_chunks(data), (b"C2PA", manifest)])
    return clip(box(b"uuid", picture_marks._MP4_C2PA + manifest))


@pytest.mark.parametrize("kind", [*KINDS, "MP4"])
def test_a_signed_file_is_known_and_never_touched(kind, tmp_path):
    path = tmp_path / "still"
    path.write_bytes(signed(kind))
    assert picture_marks.is_signed(path.read_bytes())
    if kind == "MP4":
        assert not picture_marks.mark_clip(path, PACKET)
    else:
        with pytest.raises(BadInput, match="signature"):
            picture_marks.with_marks(path.read_bytes(), PACKET)
    assert path.read_bytes() == signed(kind)
    assert not picture_marks.is_signed(clip() if kind == "MP4" else picture(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_refused_in_one_sentence(kind):
    data = picture(kind)
    for length in range(12, len(data), 37):
        with contextlib.suppress(BadInput):  # or nothing: what is cut of the pixels is the decoder's to find
            picture_marks.with_marks(data[:length], PACKET, srgb_profile())
        assert not picture_marks.is_signed(data[:length])
        picture_marks.xmp_in(data[:length])
        picture_marks.profile_in(data[:length])


def test_what_is_no_picture_is_refused():
    with pytest.raises(BadInput, match="can't be marked"):
        picture_marks.with_marks(b"GIF89a", PACKET)
