# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Content Credentials (C2PA) of the user's own: delivered files signed with a certificate and its key, by c2pa-python.

The key is read where it lies and goes nowhere else. What was signed is read back before it takes the place of the file.
"""

from __future__ import annotations

import importlib.util
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ConsistencyError, UsageError
from ..formats import marks, png
from ..json_object import JsonObject
from ..sentences import unreadable
from ..system.disk import whole_file
from ..wording.program import PROGRAM
from .rules import Finding, Found

MEDIA = {".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp", ".mp4": "video/mp4"}
ALGORITHMS = ("es256", "ps256", "ed25519", "es384", "es512", "ps384", "ps512")  # the key's kind decides; see check
INSTALLED = "c2pa"
PLAIN = {"builder": {"thumbnail": {"enabled": False}}}  # the file is its own picture


@dataclass(frozen=True)
class Certificate:
    """``chain``: PEM of the certificate, then of those that issued it. ``key``: its private key, PEM. ``algorithm``: as C2PA calls it."""

    chain: bytes
    key: bytes
    algorithm: str = ""

    def __repr__(self) -> str:  # no key in a log
        return f"Certificate({self.algorithm})"


def certificate(chain: Path, key: Path) -> Certificate:
    """A certificate that signs, tried on a small picture. Raises UsageError, one sentence, before anything is delivered."""
    if importlib.util.find_spec(INSTALLED) is None:
        raise UsageError(
            "signing needs c2pa-python, which the extension does not bring; in a checkout "
            "'pip install -e .[sign]' adds it, or leave --sign out"
        )
    try:
        read = chain.read_bytes(), key.read_bytes()
    except OSError as error:
        raise unreadable(Path(error.filename or chain), error) from error
    if b"PRIVATE KEY" not in read[1] or b"BEGIN CERTIFICATE" not in read[0]:
        raise UsageError(
            f"{chain.name} and {key.name} are not a certificate and its private key as PEM; export both so"
        )
    trial, why = png.encode(np.zeros((8, 8, 3), np.uint8)), ""
    for algorithm in ALGORITHMS:
        found = Certificate(*read, algorithm)
        try:
            signed(trial, ".png", "trial.png", marks.CREATION, found)
        except ConsistencyError as error:
            why = why or str(error)
        else:
            return found
    raise UsageError(
        f"{chain.name} can't sign with {key.name} ({why}); C2PA wants a certificate for signing that a CA issued"
    )


def signed(data: bytes, suffix: str, title: str, source: str, own: Certificate) -> bytes:
    """The bytes of a file with Content Credentials that say how it was made (``source``, IPTC's value). Raises ConsistencyError."""
    import c2pa

    action = {"action": "c2pa.created", "digitalSourceType": source}
    manifest = {
        "claim_generator_info": [{"name": PROGRAM}],
        "title": title,
        "assertions": [{"label": "c2pa.actions", "data": {"actions": [action]}}],
    }
    out = io.BytesIO()
    try:
        context = c2pa.Context(settings=c2pa.Settings.from_dict(PLAIN))
        signer = c2pa.Signer.from_info(c2pa.C2paSignerInfo(own.algorithm, own.chain, own.key, None))
        c2pa.Builder(manifest, context=context).sign(signer, MEDIA[suffix], io.BytesIO(data), out)
        state = _state(out.getvalue(), suffix)
    except (c2pa.C2paError, ValueError, TypeError) as error:
        raise ConsistencyError(f"{title} could not be signed ({_said(error)})") from error
    if state not in ("Valid", "Trusted"):
        raise ConsistencyError(f"{title} was signed, and its signature does not hold ({state})")
    return out.getvalue()


def _state(data: bytes, suffix: str) -> Any:
    import c2pa

    return json.loads(c2pa.Reader(MEDIA[suffix], io.BytesIO(data)).json()).get("validation_state")


def _said(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:120]


def sign_told(told: JsonObject, folder: Path, own: Certificate, most_bytes: int | None = None) -> None:
    """Sign the file of ``told``, what is known of a delivered picture or clip, and write that down there; one that would be too
    heavy with it, or that its maker has signed, stays as it is."""
    if not told["file"] or (told.get("signed_by_its_maker") and Path(told["file"]).suffix == ".mp4"):
        return
    path = folder / told["file"]
    data = signed(path.read_bytes(), path.suffix, path.name, told["digital_source_type"], own)
    wanted = "signed with your certificate (C2PA)"
    if most_bytes is not None and len(data) > most_bytes:
        finding = Finding("signature", wanted, "left out, or the file would be too heavy", Found.ADVICE, "fewer pixels")
    else:
        with whole_file(path) as file:
            file.write(data)
        told["bytes"] = len(data)
        finding = Finding("signature", wanted, "signed, and read back", Found.PASS)
    told["rules"] = [*told["rules"], finding.to_json()]
    if finding.outcome == Found.ADVICE and told["outcome"] == Found.PASS:
        told["outcome"] = Found.ADVICE.value
