# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way in: a CONNECT proxy that ends the TLS of fal's hosts itself and turns every other host away."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from io import BufferedReader
from typing import TYPE_CHECKING

import trustme

from .books import http_date
from .faults import Fault, answered
from .http import BadRequest, Request, Response, answer, read_body, read_head

if TYPE_CHECKING:
    from .fake import FakeFal

_REFUSED = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_HANDSHAKE = 20.0  # seconds


class _Hangup(Exception):
    """This connection ends here, without another word."""


class _TLS(ssl.SSLSocket):
    """Closed when it is let go: Python 3.11 forgets one whose customer has left before the handshake."""

    def __del__(self) -> None:
        self.close()


class _Connection:
    """One customer's connection. ``dropped`` ends what waits on its behalf."""

    def __init__(self, raw: socket.socket) -> None:
        self.socket = raw
        # TLS takes the first handle over; the second can always be shut down from another thread.
        self._handle = raw.dup()
        self.dropped = threading.Event()

    def drop(self) -> None:
        self.dropped.set()
        with contextlib.suppress(OSError):
            self._handle.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.dropped.set()
        for handle in (self.socket, self._handle):
            with contextlib.suppress(OSError):
                handle.close()


class Proxy:
    def __init__(self, fake: FakeFal) -> None:
        self._fake = fake
        self._authority = trustme.CA()
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._lock = threading.Lock()
        self._connections: set[_Connection] = set()
        self._threads: set[threading.Thread] = set()
        self._listener = self._listen(0)
        self.port: int = self._listener.getsockname()[1]
        self._listening = threading.Event()
        self._listening.set()
        self._deaf = threading.Event()
        self._accepting = threading.Thread(target=self._accept, name="fake-fal-accept", daemon=True)
        self._accepting.start()

    @property
    def ca_pem(self) -> bytes:
        return self._authority.cert_pem.bytes()

    def drop_all(self) -> None:
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            connection.drop()

    @contextlib.contextmanager
    def offline(self) -> Iterator[None]:
        """While it lasts, the port refuses connections, and those that were open are gone."""
        self._listening.clear()
        self._wake()
        self._deaf.wait()  # only the accepting thread may close what it listens on
        self.drop_all()
        try:
            yield
        finally:
            self._listener = self._listen(self.port)
            self._deaf.clear()
            self._listening.set()

    def close(self) -> None:
        self._listening.set()
        self._wake()
        self._accepting.join(5)
        self._listener.close()
        self.drop_all()
        for thread in list(self._threads):
            thread.join(5)

    def _wake(self) -> None:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 1).close()

    @staticmethod
    def _listen(port: int) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", port), backlog=256)
        listener.settimeout(0.05)
        return listener

    def _accept(self) -> None:
        while not self._fake.closing.is_set():
            if not self._listening.is_set():
                self._listener.close()
                self._deaf.set()
                self._listening.wait()
            try:
                raw, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:  # aborted before it was taken, or too many open files: the others go on
                self._fake.closing.wait(0.01)
                continue
            thread = threading.Thread(target=self._serve, args=(raw,), name="fake-fal", daemon=True)
            with self._lock:
                self._threads.add(thread)
            thread.start()

    def _serve(self, raw: socket.socket) -> None:
        connection = _Connection(raw)
        with self._lock:
            self._connections.add(connection)
        if self._fake.closing.is_set():
            connection.drop()
        try:
            raw.settimeout(_HANDSHAKE)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            host = self._tunnel(connection)
            if host is not None:
                connection.socket.settimeout(None)
                with connection.socket.makefile("rb") as stream:
                    while self._exchange(connection, stream, host):
                        pass
        except (_Hangup, BadRequest, OSError, ValueError):
            pass  # the customer left, or was left
        except Exception as error:  # noqa: BLE001 - reported by the fake itself when it closes
            self._fake.failed(error)
        finally:
            connection.close()
            with self._lock:
                self._connections.discard(connection)
                self._threads.discard(threading.current_thread())

    def _tunnel(self, connection: _Connection) -> str | None:
        """From CONNECT to TLS. The host, or None when it was turned away."""
        fake = self._fake
        with connection.socket.makefile("rb", buffering=0) as stream:
            # Unbuffered: what follows the head belongs to TLS.
            request = read_head(stream, "127.0.0.1")
        if request is None:
            return None
        host = request.host
        fake.contacted.append(host)
        if request.method != "CONNECT" or host not in fake.hosts:
            fake.refused.append(host if request.method == "CONNECT" else f"http://{host}{request.path}")
            connection.socket.sendall(_REFUSED)
            return None
        fault = fake.faults.take("connect", "connect", host)
        if fault is not None:
            if fault.kind == "connect_refused":
                connection.socket.sendall(_BAD_GATEWAY)
            elif fault.kind == "hang_at_connect":
                connection.dropped.wait(fault.seconds)
            return None
        connection.socket.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        connection.socket = self._context(host).wrap_socket(connection.socket, server_side=True)
        return host

    def _context(self, host: str) -> ssl.SSLContext:
        with self._lock:
            if host not in self._contexts:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.sslsocket_class = _TLS
                self._authority.issue_cert(host).configure_cert(context)
                context.set_alpn_protocols(["http/1.1"])
                self._contexts[host] = context
            return self._contexts[host]

    def _exchange(self, connection: _Connection, stream: BufferedReader, host: str) -> bool:
        """One request and its answer. True while the connection may carry another."""
        fake = self._fake
        request = read_head(stream, host)
        if request is None:
            return False
        fake.seen(request)
        subjects = (request.endpoint, request.path, request.host)
        wire = fake.faults.take("wire", request.operation, *subjects)
        if wire is not None and wire.kind == "drop_before":
            raise _Hangup
        read_body(stream, request)
        if wire is not None and wire.kind == "hang" and not wire.handled:
            connection.dropped.wait(wire.seconds)
            raise _Hangup
        fault = fake.faults.take("answer", request.operation, *subjects)
        response = answered(fault, request, self._handle, fake) if fault else self._handle(request)
        response.headers.setdefault("date", http_date(fake.clock()))
        if wire is not None and wire.kind == "hang":
            connection.dropped.wait(wire.seconds)
        if wire is not None and wire.kind in ("lost_answer", "hang"):
            raise _Hangup
        if response.delay and connection.dropped.wait(response.delay):
            raise _Hangup
        request.status = response.status
        keep = (
            not response.close and response.status >= 200 and request.headers.get("connection", "").lower() != "close"
        )
        fake.answered(request, response)
        self._send(connection, response, wire, bodiless=request.method == "HEAD" or response.bodiless)
        fake.done(request)
        return keep

    def _handle(self, request: Request) -> Response:
        try:
            return self._fake.respond(request)
        except Exception as error:  # noqa: BLE001 - the customer gets an answer, the test gets the error
            self._fake.failed(error)
            return answer(500, {"detail": "the fake itself failed"})

    def _send(self, connection: _Connection, response: Response, wire: Fault | None, *, bodiless: bool) -> None:
        send = connection.socket.sendall
        if bodiless:
            send(response.head())
            return
        if response.endless is not None:
            send(response.head())
            for piece in response.endless:
                send(b"%x\r\n%s\r\n" % (len(piece), piece))
            return
        kind = wire.kind if wire is not None else ""
        share = 0.5 if kind in ("drop_mid_body", "stall") else response.cut
        if share is not None:
            send(response.head() + response.body[: int(len(response.body) * share)])
            if kind == "stall":
                connection.dropped.wait(wire.seconds)
            raise _Hangup
        if kind == "slow":
            _drip(connection, response, max(1, len(response.body) // 20), wire.seconds / 20)
        elif response.drip:
            _drip(connection, response, 1, response.drip)
        else:
            send(response.head() + response.body)


def _drip(connection: _Connection, response: Response, step: int, pause: float) -> None:
    """The body in pieces of ``step`` bytes, with ``pause`` seconds before each."""
    connection.socket.sendall(response.head())
    for start in range(0, len(response.body), step):
        if connection.dropped.wait(pause):
            raise _Hangup
        connection.socket.sendall(response.body[start : start + step])
