# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetch a bought file: without the key, from public https addresses only, bounded, whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO
from urllib.parse import urljoin, urlsplit

import requests

from ...pipeline.errors import RunFolderError
from ...pipeline.system.disk import beside, replace, sync_folder
from ..errors import BadDownload, Expired, Unreachable, UnsafeAnswer
from ..problems import Problem
from . import verify
from .deadline import Cutoff, DeadlinePassed, shut, within
from .transport import is_public_address

ATTEMPTS = 5
FIRST_PAUSE = 0.5  # seconds; then twice as long each time
REDIRECTS = 4
SLOWEST = 30 * 60.0  # seconds for one file, all attempts together
CONNECT, SILENCE = 20.0, 60.0  # seconds


@dataclass(frozen=True)
class Fetched:
    path: Path
    media: str
    bytes: int
    sha256: str


def fetch(url: str, out: Path, media: str, tell: Callable[[str], None] = lambda _text: None) -> Fetched:
    """Download ``url`` to ``out`` (its extension follows the type that arrives) and verify it.

    Tries again on transport faults and damaged files: a download costs nothing. Raises UnsafeAnswer, Expired,
    BadDownload, Unreachable or RunFolderError.
    """
    deadline = time.monotonic() + SLOWEST
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _fetch_once(url, out, media, deadline)
        except (BadDownload, Unreachable, Expired) as problem:
            # A new file may not have reached every server of the CDN, so "not found" is not believed at once either.
            late = time.monotonic() > deadline
            if late or attempt == ATTEMPTS or (isinstance(problem, Expired) and attempt == 3):
                raise
        tell(f"downloading again ({attempt + 1} of {ATTEMPTS})")
        time.sleep(min(FIRST_PAUSE * 2 ** (attempt - 1), 8.0))
    raise AssertionError


def receipt(path: Path, media: str) -> Fetched:
    """The receipt of a file that is there and whole."""
    with path.open("rb") as file:
        return Fetched(path, media, path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


def _fetch_once(url: str, out: Path, media: str, deadline: float) -> Fetched:
    part = beside(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:  # closed at the deadline, so that nothing is written after it
            promised, size, sha256 = within(
                deadline - time.monotonic(), lambda cutoff: _stream(url, file, verify.largest(media), cutoff)
            )
            file.flush()
            os.fsync(file.fileno())
        if promised is not None and promised.isdigit() and int(promised) != size:
            raise BadDownload(Problem.DOWNLOAD_BROKE_OFF)
        found = verify.check(part, media)
        target = out if verify.EXTENSIONS[found] == out.suffix else out.with_suffix(verify.EXTENSIONS[found])
        replace(part, target)
        sync_folder(target.parent)
        return Fetched(target, found, size, sha256)
    except DeadlinePassed as problem:
        raise Unreachable(Problem.DOWNLOAD_SLOW, seconds=SLOWEST) from problem
    except requests.RequestException as problem:
        raise Unreachable(Problem.DOWNLOAD_UNREACHABLE, why=type(problem).__name__) from problem
    except OSError as problem:
        raise RunFolderError(
            f"{out} could not be written ({problem.strerror or problem}); free some space, then resume to fetch it again"
        ) from problem
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _stream(url: str, file: IO[bytes], limit: int, cutoff: Cutoff) -> tuple[str | None, int, str]:
    """What the answer said of its length, the bytes that came into ``file``, and their SHA-256."""
    with _open(url, cutoff) as response:
        digest, size = hashlib.sha256(), 0
        for chunk in response.iter_content(1 << 16):
            cutoff.check()
            size += len(chunk)
            if size > limit:
                raise UnsafeAnswer(Problem.FILE_ENDLESS, url=response.url[:120])
            digest.update(chunk)
            file.write(chunk)
        return response.headers.get("content-length"), size, digest.hexdigest()


def _open(url: str, cutoff: Cutoff) -> requests.Response:
    """The answer at ``url``, following a few redirects, each of which must be a public https address too."""
    for _ in range(REDIRECTS + 1):
        if not is_public_address(url) or _leads_inside(url):
            raise UnsafeAnswer(Problem.FILE_ADDRESS)
        headers = {"Accept-Encoding": "identity"}
        response = requests.get(url, headers=headers, stream=True, timeout=(CONNECT, SILENCE), allow_redirects=False)
        cutoff.on_deadline(partial(shut, response))
        cutoff.check()
        if response.is_redirect:
            url = urljoin(url, response.headers["location"])
            response.close()
            continue
        if response.status_code in (403, 404, 410):
            response.close()
            raise Expired(Problem.FILE_EXPIRED)
        if response.status_code != 200:
            response.close()
            raise BadDownload(Problem.FILE_STATUS, status=response.status_code)
        if response.headers.get("content-encoding", "identity") != "identity":
            response.close()
            raise BadDownload(Problem.FILE_COMPRESSED)
        return response
    raise UnsafeAnswer(Problem.FILE_REDIRECTS)


def _leads_inside(url: str) -> bool:
    """Whether a public-looking name stands for an address inside somebody's own network.

    Behind a proxy the name is the proxy's to resolve, and this machine need not know it.
    """
    if requests.utils.get_environ_proxies(url):
        return False
    try:
        found = socket.getaddrinfo(urlsplit(url).hostname, 443, type=socket.SOCK_STREAM)
    except OSError:
        return False  # the connection will fail, and say so
    return any(not ipaddress.ip_address(str(address[4][0]).partition("%")[0]).is_global for address in found)
