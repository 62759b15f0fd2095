# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""rest.fal.ai's storage and the CDN: tokens, uploads (whole, signed, in parts) and downloads."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes, urlsplit

from .access import Refused, key_of
from .books import iso
from .downloads import served
from .http import Request, Response, answer
from .outputs import Save
from .schemas import Unreachable

if TYPE_CHECKING:
    from .fake import FakeFal

CDN = ("v3.fal.media", "v3b.fal.media", "fal.media")
SIGNED_HOST = "storage.googleapis.com"
_PART = re.compile(r"(?P<path>/files/.+)/multipart/(?P<upload>[0-9a-f-]{36})/(?P<part>\d+|complete)")


@dataclass
class Stored:
    """A file on the CDN. ``endpoint`` made it; "" for an upload. ``lifecycle`` is the customer's wish, as sent."""

    data: bytes
    content_type: str
    url: str
    endpoint: str = ""
    lifecycle: dict[str, Any] = field(default_factory=dict)
    expires_at: float | None = None


@dataclass
class _Pending:
    """An upload that was announced: by signed URL, or in parts."""

    url: str
    content_type: str
    lifecycle: dict[str, Any]
    signature: str = ""
    parts: dict[int, bytes] = field(default_factory=dict)


class Storage:
    def __init__(self, fake: FakeFal) -> None:
        self._fake = fake
        self._tokens: dict[str, float] = {}
        self._pending: dict[str, _Pending] = {}
        self._lock = threading.Lock()
        self.files: dict[str, Stored] = {}  # by path: every CDN host serves them

    def saver(self, endpoint: str, noted: dict[str, str] | None = None) -> Save:
        """``noted``, where given, gets each file's address and SHA-256."""

        def save(data: bytes, content_type: str, name: str) -> dict[str, Any]:
            stored = self._keep(data, content_type, name, endpoint=endpoint, host="v3b.fal.media")
            if noted is not None:
                noted[stored.url] = hashlib.sha256(data).hexdigest()
            return {"url": stored.url, "content_type": content_type, "file_name": name, "file_size": len(data)}

        return save

    @property
    def uploads(self) -> list[Stored]:
        return [stored for stored in list(self.files.values()) if not stored.endpoint]

    def fetch(self, url: str) -> bytes:
        """An input file, as fal's runners see it. Raises Unreachable."""
        if url.startswith("data:"):
            head, _, body = url.partition(",")
            try:
                return base64.b64decode(body, validate=True) if head.endswith(";base64") else unquote_to_bytes(body)
            except binascii.Error:
                raise Unreachable(url[:60]) from None
        parts = urlsplit(url)
        stored = self._live(parts.path) if parts.scheme == "https" and parts.hostname in CDN else None
        if stored is None:
            raise Unreachable(url)
        return stored.data

    def classify(self, request: Request) -> None:
        path, method = request.path, request.method
        if request.host == "rest.fal.ai":
            request.operation = {"/storage/auth/token": "token", "/storage/upload/initiate": "initiate"}.get(
                path, "rest"
            )
        elif request.host == SIGNED_HOST or path.startswith("/files/upload/signed/"):
            request.operation = "put"
        elif path in ("/files/upload", "/files/upload/multipart"):
            request.operation = "upload" if path == "/files/upload" else "multipart"
        elif found := _PART.fullmatch(path):
            request.operation = "complete" if found["part"] == "complete" else "part"
        else:
            request.operation = "download" if method in ("GET", "HEAD") else "cdn"
            stored = self.files.get(path)
            request.endpoint = stored.endpoint if stored else ""

    def handle(self, request: Request) -> Response:
        handler: Callable[[Request], Response] | None = getattr(self, f"_{request.operation}", None)
        if handler is None:
            return answer(404, {"detail": "Not Found"})
        try:
            return handler(request)
        except Refused as refusal:
            return answer(refusal.status, {"detail": refusal.detail})

    def _token(self, request: Request) -> Response:
        key_of(request, self._fake.keys)
        token, until = uuid.uuid4().hex, self._fake.clock() + self._fake.token_lifetime
        self._tokens[token] = until
        body = {"token": token, "token_type": "Bearer", "base_url": "https://v3.fal.media", "expires_at": iso(until)}
        return answer(200, body)

    def _upload(self, request: Request) -> Response:
        self._need_token(request)
        name = request.headers.get("x-fal-file-name", "file.bin")
        kind = request.headers.get("content-type", "application/octet-stream")
        return answer(200, {"access_url": self._keep(request.body, kind, name, _lifecycle(request)).url})

    def _initiate(self, request: Request) -> Response:
        key_of(request, self._fake.keys)
        wanted = request.json() or {}
        if not isinstance(wanted.get("content_type"), str):
            return answer(
                422, {"detail": [{"loc": ["body", "content_type"], "msg": "Field required", "type": "missing"}]}
            )
        number, signature = str(uuid.uuid4()), uuid.uuid4().hex
        url = self._new_url(wanted.get("file_name") or "file.bin")
        self._pending[number] = _Pending(url, wanted["content_type"], _lifecycle(request), signature)
        if request.parameters("storage_type") == ["gcs"]:
            target = f"https://{SIGNED_HOST}/fal_file_storage/{number}?X-Goog-Signature={signature}"
        else:
            target = f"https://v3.fal.media/files/upload/signed/{number}?X-Goog-Signature={signature}"
        return answer(200, {"upload_url": target, "file_url": url})

    def _put(self, request: Request) -> Response:
        pending = self._pending.get(request.path.rpartition("/")[2])
        signed = pending is not None and request.parameters("X-Goog-Signature") == [pending.signature]
        if request.method != "PUT" or not signed or request.headers.get("content-type") != pending.content_type:
            return Response(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>", {"content-type": "text/xml"})
        self._store(request.body, pending.content_type, pending.url, pending.lifecycle)
        return Response(200)

    def _multipart(self, request: Request) -> Response:
        self._need_token(request)
        url, number = self._new_url(request.headers.get("x-fal-file-name", "file.bin")), str(uuid.uuid4())
        self._pending[number] = _Pending(url, request.headers.get("content-type", ""), _lifecycle(request))
        return answer(200, {"access_url": url, "uploadId": number})

    def _part(self, request: Request) -> Response:
        self._need_token(request)
        found = _PART.fullmatch(request.path)
        pending = self._pending.get(found["upload"])
        if pending is None or request.method != "PUT":
            return answer(404, {"detail": "Not Found"})
        with self._lock:
            pending.parts[int(found["part"])] = request.body
        return answer(200, {}, {"etag": _etag(request.body)})

    def _complete(self, request: Request) -> Response:
        self._need_token(request)
        pending = self._pending.get(_PART.fullmatch(request.path)["upload"])
        if pending is None:
            return answer(404, {"detail": "Not Found"})
        claimed = {part["partNumber"]: part["etag"] for part in request.json()["parts"]}
        if claimed != {number: _etag(data) for number, data in pending.parts.items()}:
            return answer(400, {"detail": "The parts do not match what was uploaded"})
        whole = b"".join(data for _, data in sorted(pending.parts.items()))
        self._store(whole, pending.content_type, pending.url, pending.lifecycle)
        return answer(200, {"access_url": pending.url})

    def _download(self, request: Request) -> Response:
        fault = self._fake.faults.take("file", "download", request.endpoint, request.path, request.host)
        return served(request, self._live(request.path), fault, self._fake)

    def _live(self, path: str) -> Stored | None:
        stored = self.files.get(path)
        gone = stored is not None and stored.expires_at is not None and stored.expires_at < self._fake.clock()
        return None if gone else stored

    def _keep(
        self,
        data: bytes,
        content_type: str,
        name: str,
        lifecycle: dict[str, Any] | None = None,
        *,
        endpoint: str = "",
        host: str = "v3.fal.media",
    ) -> Stored:
        return self._store(data, content_type, self._new_url(name, host), lifecycle or {}, endpoint)

    def _store(self, data: bytes, content_type: str, url: str, lifecycle: dict[str, Any], endpoint: str = "") -> Stored:
        lasts = lifecycle.get("expiration_duration_seconds")
        until = None if lasts is None else self._fake.clock() + lasts
        stored = Stored(data, content_type, url, endpoint, lifecycle, until)
        with self._lock:
            self.files[urlsplit(url).path] = stored
        return stored

    def _new_url(self, name: str, host: str = "v3.fal.media") -> str:
        safe = re.sub(r"[^A-Za-z0-9._-]", "_", name)[-80:]
        return f"https://{host}/files/b/{uuid.uuid4().hex[:20]}_{safe}"

    def _need_token(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or self._tokens.get(token, 0.0) < self._fake.clock():
            raise Refused(401, "Invalid or expired upload token")


def _etag(data: bytes) -> str:
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'


def _lifecycle(request: Request) -> dict[str, Any]:
    headers = request.headers
    return json.loads(headers.get("x-fal-object-lifecycle") or headers.get("x-fal-object-lifecycle-preference") or "{}")
