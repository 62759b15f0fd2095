# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP/1.1 as the fake speaks it: a request read from a socket, a response written to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from io import BufferedReader
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


class BadRequest(Exception):
    """What came in isn't HTTP."""


@dataclass
class Request:
    """One request as it was seen. Header names are lower-case; ``query`` is as sent."""

    method: str
    host: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes = b""
    operation: str = ""
    endpoint: str = ""
    at: float = 0.0
    status: int | None = None  # of the answer; None where there was none
    accepted: Any = None  # the books' entry that a submission became

    @property
    def url(self) -> str:
        return f"https://{self.host}{self.path}" + (f"?{self.query}" if self.query else "")

    @property
    def key(self) -> str | None:
        """The fal key in it, if it carries one."""
        scheme, _, secret = self.headers.get("authorization", "").partition(" ")
        return secret if scheme.lower() == "key" else None

    def parameters(self, name: str) -> list[str]:
        """Values of a query parameter, repeated or as a comma list."""
        values = parse_qs(self.query).get(name, [])
        return [part for value in values for part in value.split(",") if part]

    def json(self) -> Any:
        """Raises ValueError where the body isn't JSON."""
        return json.loads(self.body or b"null")


@dataclass
class Response:
    status: int
    body: bytes = b""
    headers: dict[str, str | None] = field(default_factory=dict)  # None: a header that is left out
    endless: Iterator[bytes] | None = None  # sent chunked instead of the body
    length: int | None = None  # a Content-Length that lies
    close: bool = False
    delay: float = 0.0  # seconds before the first byte
    drip: float = 0.0  # seconds before each byte of the body
    cut: float | None = None  # share of the body after which the connection ends

    @property
    def bodiless(self) -> bool:
        """HTTP has no body under these."""
        return self.status < 200 or self.status in (204, 304)

    def head(self) -> bytes:
        headers = {"content-length": str(len(self.body) if self.length is None else self.length), **self.headers}
        if self.endless is not None:
            del headers["content-length"]
            headers["transfer-encoding"] = "chunked"
        if self.close:
            headers["connection"] = "close"
        if self.bodiless:
            headers.pop("content-length", None)
        kept = (f"{k}: {v}" for k, v in headers.items() if v is not None)
        lines = [f"HTTP/1.1 {self.status} {_reason(self.status)}", *kept]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def answer(status: int, body: Any, headers: dict[str, str] | None = None) -> Response:
    """A JSON response."""
    data = json.dumps(body).encode()
    kept = {k: v for k, v in (headers or {}).items() if k != "content-type"}
    return Response(status, data, {"content-type": "application/json", **kept})


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Client Closed Request" if status == 499 else "Unknown"


def read_head(stream: BufferedReader, host: str) -> Request | None:
    """The request line and headers; None at the end of the connection."""
    line = stream.readline(65_536)
    if not line.strip():
        return None
    try:
        method, target, version = line.decode("latin-1").split()
    except ValueError:
        raise BadRequest(line[:80]) from None
    if not version.startswith("HTTP/1."):
        raise BadRequest(version)
    headers: dict[str, str] = {}
    while (line := stream.readline(65_536)) not in (b"\r\n", b"\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    if method == "CONNECT":
        return Request(method, target.rpartition(":")[0].strip("[]").lower(), "", "", headers)
    url = urlsplit(target)
    return Request(method, (url.hostname or host).lower(), unquote(url.path), url.query, headers)


def read_body(stream: BufferedReader, request: Request) -> None:
    if "chunked" in request.headers.get("transfer-encoding", ""):
        parts = []
        while size := int(stream.readline().split(b";")[0], 16):
            parts.append(stream.read(size))
            stream.readline()
        stream.readline()
        request.body = b"".join(parts)
        return
    wanted = int(request.headers.get("content-length", 0))
    request.body = stream.read(wanted)
    if len(request.body) < wanted:
        raise BadRequest(f"{len(request.body)} of {wanted} bytes")
