# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fake's other door: plain JSON on a local port, so that a script can drive a fake in another process.

GET  /state /books /requests /environment
POST /faults {"match", "kind", "times", "skip", "lasting", …options} · DELETE /faults
POST /oddity {"name": as in oddities.py} · POST /listing {"shows_open", "lag", "largest_page", "order", …}
POST /drop_all · /advance {"seconds"} · /offline {"seconds"} · /latency {"seconds" or "picture", "model", "video"}
POST /prices {endpoint id: USD or [USD, unit]} · /key {"secret", "admin", "locked", "revoked", "concurrency"}
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .fake import FakeFal


class Control:
    """Serves ``fake`` on 127.0.0.1. ``port`` 0: any free one."""

    def __init__(self, fake: FakeFal, port: int = 0) -> None:
        self._fake = fake
        control = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._do()

            def do_POST(self) -> None:
                self._do()

            def do_DELETE(self) -> None:
                self._do()

            def _do(self) -> None:
                try:
                    sent = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
                    status, body = 200, control._answer(self.command, self.path, sent)
                except (LookupError, ValueError, TypeError) as error:
                    status, body = 400, {"error": f"{type(error).__name__}: {error}"}
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def _answer(self, method: str, path: str, sent: dict[str, Any]) -> Any:
        name = f"{method} {path}"
        handlers: dict[str, Callable[[dict[str, Any]], Any]] = {
            "GET /state": lambda _: self._state(),
            "GET /books": lambda _: [asdict(entry) | {"usd": entry.usd} for entry in self._fake.books],
            "GET /requests": lambda _: [_line(request) for request in list(self._fake.requests)],
            "GET /environment": lambda _: self._fake.environment(),
            "POST /faults": lambda body: {"kind": self._fake.faults.add(**body).kind},
            "POST /oddity": lambda body: {"kind": self._fake.oddity(**body).kind},
            "POST /listing": self._listing,
            "DELETE /faults": lambda _: self._fake.faults.clear(),
            "POST /drop_all": lambda _: self._fake.drop_all(),
            "POST /advance": lambda body: self._fake.advance(float(body["seconds"])),
            "POST /offline": lambda body: self._offline(float(body["seconds"])),
            "POST /latency": self._latency,
            "POST /prices": self._prices,
            "POST /key": self._key,
        }
        if name not in handlers:
            raise LookupError(f"no {name}; there are: {', '.join(handlers)}")
        return handlers[name](sent) or {"ok": True}

    def _state(self) -> dict[str, Any]:
        fake, books = self._fake, self._fake.books
        states = [entry.state for entry in books]
        return {
            "jobs": {state: states.count(state) for state in ("IN_QUEUE", "IN_PROGRESS", "COMPLETED")},
            "billed": len(books.billed),
            "usd": books.usd,
            "requests": len(fake.requests),
            "refused": list(fake.refused),
            "key_leaks": len(fake.key_leaks),
            "ignored_fields": {name: sorted(fields) for name, fields in fake.ignored_fields.items()},
            "faults": [{"match": f.match, "kind": f.kind, "times": f.times} for f in fake.faults.waiting()],
        }

    def _offline(self, seconds: float) -> None:
        with self._fake.offline():
            time.sleep(seconds)

    def _latency(self, body: dict[str, Any]) -> None:
        self._fake.latency = body.get("seconds", body)

    def _prices(self, body: dict[str, Any]) -> None:
        for endpoint, price in body.items():
            self._fake.prices[endpoint] = price

    def _listing(self, body: dict[str, Any]) -> None:
        changed = dict(body) | ({"hidden": set(body["hidden"])} if "hidden" in body else {})
        self._fake.listing = replace(self._fake.listing, **changed)

    def _key(self, body: dict[str, Any]) -> None:
        key = self._fake.keys.get(body["secret"]) or self._fake.add_key(body["secret"])
        for name in body.keys() - {"secret"}:
            if not hasattr(key, name):
                raise ValueError(f"a key has no {name!r}")
            setattr(key, name, body[name])


def _line(request: Any) -> dict[str, Any]:
    shown = ("method", "host", "path", "query", "operation", "endpoint", "at", "status")
    return {name: getattr(request, name) for name in shown} | {"carried_key": request.key is not None}
