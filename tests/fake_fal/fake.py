# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""FakeFal: the whole of fal.ai in one object."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from .access import ADMIN_KEY, API_KEY, Key
from .books import Books, Clock, Prices
from .endpoint import Endpoint
from .endpoints import table
from .faults import Fault, Faults
from .http import Request, Response, answer
from .oddities import CATALOGUE
from .platform import Listing, Platform
from .queue import DIRECT, Queue
from .schemas import Check
from .server import Proxy
from .storage import CDN, SIGNED_HOST, Storage

# Seconds of processing by what an endpoint makes: as fal's are, for benchmarks.
REALISTIC = {"picture": 4.0, "video": 60.0, "model": 90.0}
KEY_HOSTS = ("queue.fal.run", "queue.falrun.com", *DIRECT, "rest.fal.ai", "api.fal.ai")
_BODY_KEPT = 1_000_000  # bytes of a request's body that stay in ``requests``


class FakeFal:
    """A running fake. Use it as a context manager; leaving it raises RuntimeError if the fake itself had a defect.

    ``latency``: seconds of processing, for all or by "picture", "model", "video". ``queue_wait``: seconds that every
    request stays IN_QUEUE at least. ``prices``: endpoint id → USD or (USD, unit). ``bill_refused``: a policy refusal
    (422) is charged. ``cancel_stops_running``: cancelling a running request stops it, unbilled. ``clip_side``: pixels of
    a clip's longer side.
    """

    def __init__(
        self,
        *,
        latency: float | dict[str, float] = 0.05,
        prices: dict[str, Any] | None = None,
        queue_wait: float = 0.0,
        concurrency: int = 10,
        bill_refused: bool = False,
        cancel_stops_running: bool = False,
        clip_side: int = 640,
        token_lifetime: float = 3600.0,
    ) -> None:
        self.latency, self.queue_wait = latency, queue_wait
        self.bill_refused, self.cancel_stops_running = bill_refused, cancel_stops_running
        self.clip_side, self.token_lifetime = clip_side, token_lifetime
        self.clock = Clock()
        self.endpoints: dict[str, Endpoint] = table()
        self.prices = Prices({endpoint.id: endpoint.makes for endpoint in self.endpoints.values()}, prices)
        self._first_prices = copy.deepcopy(self.prices)
        self.keys = {
            API_KEY: Key(API_KEY, concurrency=concurrency),
            ADMIN_KEY: Key(ADMIN_KEY, admin=True, concurrency=concurrency),
        }
        self.faults = Faults(self.clock)
        self.listing = Listing()
        self.ignored_fields: dict[str, set[str]] = {}
        self.requests: list[Request] = []
        self.contacted: list[str] = []  # hosts that somebody wanted to reach through the proxy
        self.refused: list[str] = []  # those that are not fal's; a plain http request as its URL
        self.listed: dict[str, tuple[Any, Any]] = {}  # endpoint id → (price, unit), as the price list last said it
        self.books_kept = Books()
        self.queue, self.storage, self.platform = Queue(self), Storage(self), Platform(self)
        services = dict.fromkeys(("queue.fal.run", "queue.falrun.com", *DIRECT), self.queue)
        services |= dict.fromkeys(("rest.fal.ai", SIGNED_HOST, *CDN), self.storage)
        self.hosts: dict[str, Any] = {**services, "api.fal.ai": self.platform}
        self.closing = threading.Event()
        self.pool = ThreadPoolExecutor(2, thread_name_prefix="fake-fal-work")
        self._errors: list[Exception] = []
        self._folder = tempfile.TemporaryDirectory(prefix="fake-fal-")
        self._proxy = Proxy(self)
        self.port = self._proxy.port
        self.ca_file = Path(self._folder.name) / "ca.pem"
        self.ca_file.write_bytes(self._proxy.ca_pem)

    def __enter__(self) -> FakeFal:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close()
        if kind is None and self._errors:
            raise RuntimeError(f"the fake itself failed {len(self._errors)} times") from self._errors[0]

    def close(self) -> None:
        """Stop everything; twice does no harm."""
        self.closing.set()
        self._proxy.close()
        self.pool.shutdown(wait=True, cancel_futures=True)
        self._folder.cleanup()

    # what a test sets and reads

    def environment(self, key: str | None = API_KEY) -> dict[str, str]:
        """Variables that lead fal-client, httpx and requests here, and nowhere else. None: no key."""
        proxy = f"http://127.0.0.1:{self.port}"
        variables = {"HTTPS_PROXY": proxy, "HTTP_PROXY": proxy, "ALL_PROXY": proxy, "NO_PROXY": ""}
        if os.name != "nt":  # there the names' case doesn't count; elsewhere the small ones win
            variables |= {name.lower(): value for name, value in variables.items()}
        variables |= {"SSL_CERT_FILE": str(self.ca_file), "REQUESTS_CA_BUNDLE": str(self.ca_file)}
        return variables | ({"FAL_KEY": key} if key is not None else {})

    @property
    def books(self) -> Books:
        """The accounts as of now."""
        self.queue.settle()
        return self.books_kept

    def wait(self, seconds: float = 30.0) -> Books:
        """The books once nothing runs or waits any more. Raises TimeoutError."""
        until = time.monotonic() + seconds
        while any(entry.state != "COMPLETED" for entry in self.books):
            if time.monotonic() > until:
                raise TimeoutError(f"requests still unfinished after {seconds} s")
            time.sleep(0.005)
        return self.books_kept

    def forget(self) -> None:
        """As new: no requests, files or faults, and the prices it began with. Nobody may be connected."""
        self.wait()
        self.faults.clear()
        self.listing, self.prices, self.clock.pushed = Listing(), copy.deepcopy(self._first_prices), 0.0
        self.books_kept.entries.clear()
        self.queue.forget()
        self.storage.files.clear()
        for kept in (self.requests, self.contacted, self.refused, self.listed, self.ignored_fields):
            kept.clear()

    def advance(self, seconds: float) -> None:
        """Push the fake's clock: for expiry, and to skip a latency."""
        self.clock.advance(seconds)

    def latency_of(self, makes: str) -> float:
        return self.latency if isinstance(self.latency, (int, float)) else self.latency.get(makes, 0.05)

    def add_endpoint(self, endpoint: Endpoint, price: float = 0.01, unit: str = "units") -> None:
        self.endpoints[endpoint.id] = endpoint
        self.prices[endpoint.id] = (price, unit)

    def drift(
        self,
        endpoint_id: str,
        *,
        rename: dict[str, str] | None = None,
        require: dict[str, Check] | None = None,
        change: dict[str, Check] | None = None,
        drop: tuple[str, ...] = (),
    ) -> None:
        """From now on the endpoint takes, and describes, something else: fields under new names, further required ones,
        others checked otherwise, or fewer."""
        endpoint, fields = self.endpoints[endpoint_id], {}
        for name, check in endpoint.fields.items():
            bare, star = name.rstrip("*"), "*" * name.endswith("*")
            if bare not in drop:
                fields[(rename or {}).get(bare, bare) + star] = (change or {}).get(bare, check)
        fields |= {f"{name}*": check for name, check in (require or {}).items()}
        self.endpoints[endpoint_id] = replace(endpoint, fields=fields)

    def retire(self, endpoint_id: str) -> None:
        """Nobody lists, prices or runs the endpoint any more."""
        del self.endpoints[endpoint_id]

    def add_host(self, host: str) -> None:
        """Let a host that isn't fal's be reached: it answers 200 to everything, and ``requests`` shows what came."""
        self.hosts[host] = None

    def add_key(self, secret: str, **about: Any) -> Key:
        self.keys[secret] = Key(secret, **about)
        return self.keys[secret]

    def of(self, operation: str) -> list[Request]:
        """The requests of one operation, in order."""
        return [request for request in list(self.requests) if request.operation == operation]

    @property
    def key_leaks(self) -> list[Request]:
        """Requests that carried a key to a host that has no business with it."""
        known = list(self.keys)

        def said(request: Request) -> list[str]:
            return [request.query, request.path, *request.headers.values(), request.body.decode("latin-1")]

        return [
            request
            for request in list(self.requests)
            if request.host not in KEY_HOSTS and any(key in text for key in known for text in said(request))
        ]

    def drop_all(self) -> None:
        """Cut every open connection."""
        self._proxy.drop_all()

    @contextlib.contextmanager
    def offline(self) -> Iterator[None]:
        """Refuse connections for as long as the block runs."""
        with self._proxy.offline():
            yield

    def fault(self, match: str, kind: str, **options: Any) -> Fault:
        return self.faults.add(match, kind, **options)

    def oddity(self, name: str, **changed: Any) -> Fault:
        """A fault of oddities.py's catalogue; ``changed``: another ``match``, ``times``, ``lasting`` or option."""
        return self.faults.add(**(CATALOGUE[name].fault | changed))

    # what the proxy calls

    def seen(self, request: Request) -> None:
        request.at = self.clock()
        service = self.hosts.get(request.host)
        if service is not None:
            service.classify(request)
        self.requests.append(request)

    def respond(self, request: Request) -> Response:
        service = self.hosts.get(request.host)
        return service.handle(request) if service is not None else answer(200, {})

    def answered(self, request: Request, response: Response) -> None:
        """What the customer is about to be told."""
        if request.accepted is not None:
            request.accepted.answered = response.status
        if request.operation == "pricing" and response.status == 200:
            with contextlib.suppress(LookupError, RecursionError, TypeError, ValueError):
                for row in json.loads(response.body)["prices"]:
                    self.listed[row["endpoint_id"]] = (row["unit_price"], row["unit"])

    def done(self, request: Request) -> None:
        if len(request.body) > _BODY_KEPT:
            request.body = b""

    def failed(self, error: Exception) -> None:
        """A defect of the fake: kept, and raised when it is left."""
        self._errors.append(error)
