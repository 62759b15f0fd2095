# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signing with a certificate of one's own: verified by the library that others verify with, where it is installed."""

from __future__ import annotations

import importlib.util
import io
import json
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from consistency_pipeline import command_line
from consistency_pipeline.pipeline.deliver import signing
from consistency_pipeline.pipeline.errors import UsageError
from consistency_pipeline.pipeline.formats import marks, picture_marks
from tests.fake_fal.clip import mp4

there = importlib.util.find_spec("c2pa") is not None and shutil.which("openssl") is not None
signs = pytest.mark.skipif(not there, reason="needs c2pa-python (the extra 'sign') and openssl")
EXTENSIONS = """basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=emailProtection
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
"""


def openssl(place, *words):
    subprocess.run(["openssl", *words], cwd=place, check=True, capture_output=True)


@pytest.fixture(scope="module")
def issued(tmp_path_factory):
    """A certificate for signing that a CA of the test issued: (chain, key)."""
    place = tmp_path_factory.mktemp("certificate")
    (place / "ext").write_text(EXTENSIONS)
    for name in ("ca", "own"):
        openssl(place, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", f"{name}.key")
    openssl(
        *(place, "req", "-x509", "-new", "-key", "ca.key", "-days", "30", "-subj", "/CN=Root/O=Test", "-out", "ca.pem"),
        *("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"),
    )
    openssl(place, "req", "-new", "-key", "own.key", "-subj", "/CN=Seller/O=Seller", "-out", "own.csr")
    openssl(
        *(place, "x509", "-req", "-in", "own.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"),
        *("-days", "20", "-extfile", "ext", "-out", "own.pem"),
    )
    (place / "chain.pem").write_bytes((place / "own.pem").read_bytes() + (place / "ca.pem").read_bytes())
    return place / "chain.pem", place / "own.key"


def files():
    pixels = np.random.default_rng(1).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    for kind, suffix in (("PNG", ".png"), ("JPEG", ".jpg"), ("WEBP", ".webp")):
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, kind)
        yield suffix, picture_marks.with_marks(file.getvalue(), marks.packet(marks.TRAINED, "a bottle"))
    yield ".mp4", mp4(Image.new("RGB", (64, 64), "red"), 0.5, 64)


@signs
def test_what_is_signed_says_how_it_was_made_and_shows_the_same_pixels(issued, tmp_path):
    import c2pa

    own = signing.certificate(*issued)
    assert own.algorithm == "es256"
    assert "PRIVATE" not in repr(own)
    for suffix, data in files():
        told = {"file": f"a{suffix}", "digital_source_type": marks.TRAINED, "rules": [], "outcome": "pass"}
        path = tmp_path / told["file"]
        path.write_bytes(data)
        signing.sign_told(told, tmp_path, own)
        made = path.read_bytes()
        assert told["bytes"] == len(made)
        assert told["rules"][0]["outcome"] == "pass"
        seen = json.loads(c2pa.Reader(signing.MEDIA[suffix], io.BytesIO(made)).json())
        assert seen["validation_state"] in ("Valid", "Trusted")
        assert marks.TRAINED in json.dumps(seen["manifests"][seen["active_manifest"]])
        assert picture_marks.is_signed(made)
        if suffix != ".mp4":
            assert "trainedAlgorithmicMedia" in picture_marks.xmp_in(made)
            with Image.open(io.BytesIO(made)) as now, Image.open(io.BytesIO(data)) as before:
                assert (np.asarray(now) == np.asarray(before)).all()


@signs
def test_a_file_that_would_be_too_heavy_stays_as_it_is(issued, tmp_path):
    suffix, data = next(files())
    told = {"file": f"a{suffix}", "digital_source_type": marks.TRAINED, "rules": [], "outcome": "pass"}
    (tmp_path / told["file"]).write_bytes(data)
    signing.sign_told(told, tmp_path, signing.certificate(*issued), most_bytes=len(data) + 10)
    assert (tmp_path / told["file"]).read_bytes() == data
    assert (told["outcome"], told["rules"][0]["outcome"]) == ("advice", "advice")


@signs
def test_a_key_that_is_not_the_certificate_s_is_one_sentence(issued, tmp_path):
    other = tmp_path / "other.key"
    openssl(tmp_path, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "other.key")
    with pytest.raises(UsageError, match=r"chain\.pem can't sign with other\.key"):
        signing.certificate(issued[0], other)


def test_what_can_t_sign_is_said_before_anything_is_made(tmp_path, monkeypatch, capfd):
    one = tmp_path / "one.pem"
    one.write_text("-----BEGIN CERTIFICATE-----\n")
    assert command_line.main(["deliver", str(tmp_path), "--for", "google", "--sign", str(one)]) == 2
    assert "--sign and --sign-key belong together" in capfd.readouterr().err
    monkeypatch.setattr(signing, "INSTALLED", "no_such_package")
    with pytest.raises(UsageError, match=r"needs c2pa-python.*pip install -e \.\[sign\]"):
        signing.certificate(one, one)
    monkeypatch.setattr(signing, "INSTALLED", "json")
    with pytest.raises(UsageError, match="are not a certificate and its private key"):
        signing.certificate(one, one)
    with pytest.raises(UsageError, match=r"gone\.pem can't be read"):
        signing.certificate(one, tmp_path / "gone.pem")
