# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A bought answer that is words, not a file: it comes with the result itself, so its address holds it.

As a data: address (RFC 2397) it stands in the journal as soon as fal has named it, and needs no network from there to its
file. Only an output that is to be text is taken from such an address.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote, unquote

from ...pipeline.redaction import redact
from ...pipeline.system.disk import whole_file
from ..errors import BadDownload
from ..problems import Problem
from .download import Fetched, receipt

SUFFIX, MEDIA = ".txt", "text/plain"
PREFIX = "data:text/plain;charset=utf-8,"
LONGEST = 4000  # characters that are kept; no answer that is worth anything has so many


def is_words(path: str) -> bool:
    """An output of that name is text."""
    return path.endswith(SUFFIX)


def address_of(answer: str) -> str:
    """``answer`` without secrets, and not endless."""
    said = redact(answer)[:LONGEST]  # before it is cut: half a key is one too
    return PREFIX + quote(said.encode("utf-8", "replace"), safe="")


def keep(address: str, out: Path) -> Fetched:
    """Write the answer that an address holds to ``out``. Raises BadDownload for another address, RunFolderError."""
    if not address.startswith(PREFIX):
        raise BadDownload(Problem.FILE_OF_OTHER_KIND, media=MEDIA, found="an address")
    with whole_file(out) as file:
        file.write(unquote(address.removeprefix(PREFIX)).encode("utf-8"))
    return receipt(out, MEDIA)
