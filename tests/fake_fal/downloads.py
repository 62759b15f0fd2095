# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the CDN hands a file out: whole, in ranges, or as badly as a ``file`` fault asks."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .faults import Fault
from .http import Request, Response, answer
from .media import png_bomb
from .model import lying

if TYPE_CHECKING:
    from .fake import FakeFal
    from .storage import Stored

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def served(request: Request, stored: Stored | None, fault: Fault | None, fake: FakeFal) -> Response:
    if stored is None:
        return answer(404, {"detail": "File not found"})
    if fault is not None:
        return _spoilt(request, stored, fault, fake)
    return _whole(request, stored)


def _whole(request: Request, stored: Stored) -> Response:
    headers = {
        "content-type": stored.content_type,
        "accept-ranges": "bytes",
        "etag": f'"{hashlib.sha256(stored.data).hexdigest()[:32]}"',
        "cache-control": "public, max-age=31536000",
    }
    wanted = _RANGE.fullmatch(request.headers.get("range", ""))
    if wanted is None or wanted.groups() == ("", ""):
        return Response(200, stored.data, headers)
    total = len(stored.data)
    first, last = wanted.groups()
    start = int(first) if first else max(0, total - int(last))
    stop = min(total, int(last) + 1) if first and last else total
    if start >= stop:
        return Response(416, b"", {"content-range": f"bytes */{total}"})
    headers["content-range"] = f"bytes {start}-{stop - 1}/{total}"
    return Response(206, stored.data[start:stop], headers)


def _spoilt(request: Request, stored: Stored, fault: Fault, fake: FakeFal) -> Response:
    good = _whole(request, stored)
    kind = fault.kind
    if kind == "truncated":
        return Response(200, good.body[: len(good.body) // 2], good.headers, length=len(good.body), close=True)
    if kind == "cut_short":
        return Response(200, good.body[: len(good.body) // 2], good.headers)
    if kind == "wrong_type":
        return Response(200, good.body, good.headers | {"content-type": fault.content_type})
    if kind == "huge_length":
        return Response(200, good.body, good.headers, length=fault.length, close=True)
    if kind == "endless":
        return Response(200, good.body, good.headers, endless=_for_ever(good.body, fake))
    if kind == "redirect":
        return Response(302, b"", {"location": fault.to or f"http://127.0.0.1:{fake.port}/private"})
    if kind == "redirect_loop":
        return Response(302, b"", {"location": request.url})
    if kind == "gone":
        return answer(fault.status, {"detail": "File not found"})
    body = {
        "wrong_bytes": lambda: fault.text.encode(),
        "png_bomb": png_bomb,
        "lying_glb": lambda: lying(stored.data),
    }[kind]()
    return Response(200, body, good.headers)


def _for_ever(body: bytes, fake: FakeFal) -> Iterator[bytes]:
    yield body
    while not fake.closing.is_set():
        yield bytes(65_536)
