# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one place where bytes for fal.ai leave this machine: it decides what may be sent where, and what a retry may do.

fal-client re-sends a request up to ten times when an answer is lost, or is a 409 or a 429, a submission too; but a request
whose answer is missing or odd may have been accepted and will be billed. So below fal-client sits ``CarefulTransport``: for
every submission without a plain acceptance it raises ``Uncertain``, which fal-client does not know and does not retry. Ten
tries are most of a minute that no cancel can interrupt, so it ends them sooner in the same way (``Tries``).
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
from fal_client.client import BackupDomainTransport

from ...pipeline.json_object import JsonObject
from ..errors import Uncertain, Unreachable, UnsafeAnswer
from ..problems import Problem
from .clock import FalClock
from .deadline import Cutoff, DeadlinePassed, within
from .error_answers import from_answer

QUEUE_HOSTS = ("queue.fal.run", "queue.falrun.com")
# Hosts that may see the key: fal's own, by the domains of its documentation.
FAL_DOMAINS = ("fal.run", "falrun.com", "fal.ai", "fal.media")
LARGEST_ANSWER = 32 * 1024 * 1024  # bytes; fal's JSON answers are kilobytes
LONGEST_ADDRESS = 4096  # characters
SLOWEST_ANSWER = 5 * 60.0  # seconds; a body may drip for ever without any silence

_NOTHING_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


def is_fal_address(url: str) -> bool:
    """https, the usual port, a host of fal's: only such an address may be sent the key."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    if len(url) > LONGEST_ADDRESS or not (url.isascii() and url.isprintable()):
        return False
    host = (parts.hostname or "").rstrip(".").lower()
    known = any(host == domain or host.endswith("." + domain) for domain in FAL_DOMAINS)
    return parts.scheme == "https" and known and port in (None, 443) and parts.username is None


def is_public_address(url: str) -> bool:
    """https and not an address inside somebody's own network; a result's file may lie there."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    host = (parts.hostname or "").rstrip(".").lower()
    if parts.scheme != "https" or parts.username is not None or port not in (None, 443) or "." not in host:
        return False
    if host.endswith((".localhost", ".local", ".internal", ".home.arpa")):
        return False
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        # A name. Numbers in disguise (0x7f.1, 017700000001) are read as addresses by some resolvers.
        last = host.rsplit(".", 1)[-1]
        return not last.isdigit() and not last.startswith("0x")


class Tries(threading.local):
    """How often a request of this thread may fail before fal-client is told an error that it does not retry.

    What is to be tried longer is tried again above, where it can be interrupted.
    """

    most: int | None = None  # None: fal-client is not the one who sends
    failed = 0  # in a row

    @contextlib.contextmanager
    def at_most(self, most: int) -> Iterator[None]:
        self.most, self.failed = most, 0
        try:
            yield
        finally:
            self.most = None

    def count(self, *, is_failure: bool) -> bool:
        """Whether the request that has just ended was the last try."""
        self.failed = self.failed + 1 if is_failure else 0
        return self.most is not None and self.failed >= self.most


class CarefulTransport(httpx.BaseTransport):
    """Wraps fal-client's own transport.

    Raises UnsafeAnswer for a host that is not fal's or an endless answer, Uncertain for a submission that was not plainly
    accepted. Everything else passes, so fal-client's own retries stay in force for reads.
    """

    def __init__(
        self, inner: httpx.BaseTransport | None = None, clock: FalClock | None = None, tries: Tries | None = None
    ) -> None:
        self._inner = inner or BackupDomainTransport()
        self._clock = clock or FalClock()
        self._tries = tries or Tries()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        try:
            response = self._handle(request)
        except httpx.TransportError as error:
            if self._tries.count(is_failure=True):
                raise Unreachable(Problem.UNREACHABLE, why=type(error).__name__) from error
            raise
        if self._tries.count(is_failure=response.status_code >= 400):
            raise from_answer(response.status_code, json_object(response), response.headers, accepted=False)
        return response

    def _handle(self, request: httpx.Request) -> httpx.Response:
        if not is_fal_address(str(request.url)):
            raise UnsafeAnswer(Problem.FOREIGN_HOST, host=request.url.host)
        # An answer that unpacks to gigabytes can't be bounded otherwise.
        request.headers["Accept-Encoding"] = "identity"
        submits = request.method == "POST" and request.url.host in QUEUE_HOSTS
        if not submits:
            return self._send(request)
        try:
            response = self._send(request)
        except _NOTHING_SENT:
            raise
        except (httpx.TransportError, UnsafeAnswer) as error:
            raise Uncertain(Problem.LOST, why=type(error).__name__) from error
        if response.status_code == 200:
            return response
        # Any other answer may hide an acceptance: a gateway's, a proxy's, and fal's own, which can fail after it has queued
        # the request. Whether a refusal is one, fal's request list must say as well.
        problem = Uncertain(Problem.LOST, why=f"HTTP {response.status_code}")
        if 400 <= response.status_code < 500 and response.status_code != 408 and is_fals_own_error(response):
            body = json_object(response)
            problem.refusal = from_answer(response.status_code, body, response.headers, accepted=False)
        raise problem

    def _send(self, request: httpx.Request) -> httpx.Response:
        try:
            return within(SLOWEST_ANSWER, lambda cutoff: self._exchange(request, cutoff))
        except DeadlinePassed as error:
            raise UnsafeAnswer(Problem.ENDLESS, host=request.url.host) from error

    def _exchange(self, request: httpx.Request, cutoff: Cutoff) -> httpx.Response:
        response = self._inner.handle_request(request)
        self._clock.heard(response.headers)
        try:
            cutoff.on_deadline(lambda: _shut(response))
            if response.headers.get("content-encoding", "identity") != "identity":
                raise UnsafeAnswer(Problem.COMPRESSED, host=request.url.host)
            body = bytearray()
            for chunk in response.iter_raw():
                cutoff.check()
                body += chunk
                if len(body) > LARGEST_ANSWER:
                    raise UnsafeAnswer(Problem.ENDLESS, host=request.url.host)
        finally:
            response.close()
        return httpx.Response(
            response.status_code, headers=response.headers, stream=httpx.ByteStream(bytes(body)), request=request
        )

    def close(self) -> None:
        self._inner.close()


def _shut(response: httpx.Response) -> None:
    """End a connection that another thread reads from."""
    stream = response.extensions.get("network_stream")
    if stream is not None:
        stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)


def json_object(response: httpx.Response) -> JsonObject:
    """The JSON object of an answer, empty where it is none."""
    try:
        body = json.loads(response.read())
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def is_fals_own_error(response: httpx.Response) -> bool:
    """fal's error bodies are JSON with ``detail``; a gateway's are not."""
    return "detail" in json_object(response)
