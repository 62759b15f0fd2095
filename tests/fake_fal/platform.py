# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""api.fal.ai/v1: prices, models, the customer's own requests; usage and billing for ADMIN keys."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from .access import Key, Refused, key_of
from .books import Entry, iso
from .http import Request, Response, answer

if TYPE_CHECKING:
    from .fake import FakeFal

T = TypeVar("T")
_PATHS = {
    "/v1/models": "models",
    "/v1/models/pricing": "pricing",
    "/v1/models/pricing/estimate": "estimate",
    "/v1/models/requests/by-endpoint": "requests",
    "/v1/models/usage": "usage",
    "/v1/models/billing-events": "billing",
    "/v1/account/billing": "account",
}
_ERRORS = {400: "validation_error", 401: "authorization_error", 403: "authorization_error", 404: "not_found"}
_DAY = 86_400.0
_CATEGORIES = {"picture": "image-to-image", "model": "image-to-3d", "video": "image-to-video", "words": "vision"}


@dataclass
class Listing:
    """How the list of a customer's requests behaves; what fal's does where these differ isn't documented."""

    shows_open: bool = True  # requests that wait or run
    lag: float = 0.0  # seconds until a request, or its end, is in the list
    largest_page: int = 100  # rows, whatever limit is asked for
    order: str = "newest"  # newest, oldest, or shuffled (by request id)
    payloads: bool = True
    strangers: bool = False  # requests of other keys too
    hidden: set[str] = field(default_factory=set)  # request ids that are never shown


class _Wrong(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def _error(status: int, message: str) -> Response:
    return answer(status, {"error": {"type": _ERRORS[status], "message": message, "docs_url": "https://docs.fal.ai"}})


class Platform:
    def __init__(self, fake: FakeFal) -> None:
        self._fake = fake

    def classify(self, request: Request) -> None:
        request.operation = _PATHS.get(request.path, "platform")
        request.endpoint = ",".join(request.parameters("endpoint_id"))

    def handle(self, request: Request) -> Response:
        handler: Callable[[Request], Any] | None = getattr(self, f"_{request.operation}", None)
        if handler is None:
            return _error(404, f"Not found: {request.path}")
        try:
            return answer(200, handler(request))
        except Refused as refusal:
            return _error(refusal.status, refusal.detail)
        except _Wrong as wrong:
            return _error(wrong.status, str(wrong))

    def _key(self, request: Request, *, admin: bool = False) -> Key:
        return key_of(request, self._fake.keys, admin=admin)

    def _known(self, names: list[str]) -> list[str]:
        if not 1 <= len(names) <= 50:
            raise _Wrong(400, "endpoint_id: between 1 and 50 values are needed")
        if missing := [name for name in names if name not in self._fake.endpoints]:
            raise _Wrong(404, f"Endpoint not found: {', '.join(missing)}")
        return names

    def _pricing(self, request: Request) -> dict[str, Any]:
        self._key(request)
        prices = []
        for name in self._known(request.parameters("endpoint_id")):
            price = self._fake.prices[name]
            row = {"endpoint_id": name, "unit_price": price.usd, "unit": price.unit, "currency": "USD"}
            prices.append(row)
        return {"prices": prices, "next_cursor": None, "has_more": False}

    def _estimate(self, request: Request) -> dict[str, Any]:
        self._key(request)
        if request.method != "POST":
            raise _Wrong(404, "Not found")
        wanted = request.json() or {}
        field = {"unit_price": "unit_quantity", "historical_api_price": "call_quantity"}.get(
            wanted.get("estimate_type")
        )
        if field is None:
            raise _Wrong(400, "estimate_type: 'unit_price' or 'historical_api_price'")
        total = 0.0
        for name in self._known(list(wanted.get("endpoints", {}))):
            quantity = wanted["endpoints"][name].get(field)
            if not isinstance(quantity, (int, float)) or quantity < 1e-6:
                raise _Wrong(400, f"endpoints.{name}.{field}: a positive number is needed")
            total += quantity * (self._fake.prices[name].usd if field == "unit_quantity" else self._usual(name))
        return {"estimate_type": wanted["estimate_type"], "total_cost": round(total, 6), "currency": "USD"}

    def _usual(self, endpoint: str) -> float:
        """USD a call has cost so far, or one unit's price before the first."""
        paid = [entry.usd for entry in self._fake.books.of(endpoint) if entry.billed]
        return sum(paid) / len(paid) if paid else self._fake.prices[endpoint].usd

    def _models(self, request: Request) -> dict[str, Any]:
        names = request.parameters("endpoint_id")
        words = request.parameters("q")
        endpoints = [
            endpoint
            for endpoint in self._fake.endpoints.values()
            if (not names or endpoint.id in names)
            and all(word.lower() in endpoint.id for word in words)
            and _category(endpoint) in (request.parameters("category") or [_category(endpoint)])
        ]
        page, more = _page(request, endpoints, 50)
        expand = "openapi-3.0" in request.parameters("expand")
        return {"models": [_model(endpoint, expand=expand) for endpoint in page], **more}

    def _requests(self, request: Request) -> dict[str, Any]:
        key = self._key(request)
        names = self._known(request.parameters("endpoint_id"))
        now = self._fake.clock()
        start, end = _moment(request, "start", now - _DAY), _moment(request, "end", now)
        wanted, status = request.parameters("request_id"), request.parameters("status")
        habits = self._fake.listing
        jobs = [
            job
            for job in self._fake.queue.jobs(None if habits.strangers else key)
            if job.entry.endpoint in names
            and _shown(job.entry, habits, now)
            and start <= job.entry.submitted_at <= end
            and (not wanted or job.id in wanted)
            and (not status or _outcome(job.entry.status_code) == status[0])
        ]
        if habits.order == "shuffled":
            jobs.sort(key=lambda job: job.id)
        else:
            by_time = habits.order == "newest"
            jobs.sort(key=lambda job: job.entry.finished_at or job.entry.submitted_at, reverse=by_time)
        page, more = _page(request, jobs, 50, habits.largest_page)
        payloads = habits.payloads and "payloads" in request.parameters("expand")
        return {"items": [job.record(payloads=payloads) for job in page], **more}

    def _usage(self, request: Request) -> dict[str, Any]:
        self._key(request, admin=True)
        rows = []
        for name in sorted({entry.endpoint for entry in self._fake.books.billed}):
            entries = [entry for entry in self._fake.books.of(name) if entry.billed and entry.endpoint == name]
            cost = round(sum(entry.usd for entry in entries), 6)
            row = {"endpoint_id": name, "unit": entries[0].unit, "quantity": sum(entry.units for entry in entries)}
            row |= {"unit_price": entries[0].unit_price, "percent_discount": 0, "cost_subtotal": cost}
            rows.append(row | {"cost_discount": 0.0, "cost_total": cost, "currency": "USD"})
        return {"usage": rows, "next_cursor": None, "has_more": False}

    def _billing(self, request: Request) -> dict[str, Any]:
        self._key(request, admin=True)
        wanted = request.parameters("request_id")
        events = [
            {
                "request_id": entry.request_id,
                "endpoint_id": entry.endpoint,
                "timestamp": iso(entry.finished_at),
                "output_units": entry.units,
                "unit_price": entry.unit_price,
                "cost_total": entry.usd,
                "cost_estimate_nano_usd": round(entry.usd * 1e9),
            }
            for entry in self._fake.books.billed
            if not wanted or entry.request_id in wanted
        ]
        return {"billing_events": events, "next_cursor": None, "has_more": False}

    def _account(self, request: Request) -> dict[str, Any]:
        self._key(request, admin=True)
        return {"username": "fake", "credits": {"current_balance": 100.0 - self._fake.books.usd, "currency": "USD"}}


def _category(endpoint: Any) -> str:
    if endpoint.makes == "model" and any(name.startswith(("mesh_url", "model_url")) for name in endpoint.fields):
        return "3d-to-3d"
    return "video-to-video" if "video_url*" in endpoint.fields else _CATEGORIES[endpoint.makes]


def _model(endpoint: Any, *, expand: bool) -> dict[str, Any]:
    category = _category(endpoint)
    about = {"display_name": endpoint.id, "category": category, "description": "", "status": "active", "tags": []}
    about |= {"updated_at": "2026-08-02T00:00:00Z", "model_url": f"https://fal.run/{endpoint.id}"}
    if not expand:
        return {"endpoint_id": endpoint.id, "metadata": about}
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Input"}}}
    document = {
        "openapi": "3.0.4",
        "info": {"title": endpoint.id, "version": "1.0.0"},
        "components": {"schemas": {"Input": endpoint.schema}},
        "paths": {f"/{endpoint.id}": {"post": {"requestBody": {"required": True, "content": content}}}},
    }
    return {"endpoint_id": endpoint.id, "metadata": about, "openapi": document}


def _shown(entry: Entry, habits: Listing, now: float) -> bool:
    if entry.request_id in habits.hidden:
        return False
    seen_since = entry.submitted_at if habits.shows_open else entry.finished_at
    return seen_since is not None and seen_since + habits.lag <= now


def _page(request: Request, rows: list[T], usual: int, most: int = 100) -> tuple[list[T], dict[str, Any]]:
    """One page; the cursor is the next page's number in base64, as fal's."""
    limit = int((request.parameters("limit") or [usual])[0])
    if not 1 <= limit <= 100:
        raise _Wrong(400, "limit: between 1 and 100")
    limit = min(limit, most)
    cursor = request.parameters("cursor")
    number = int(base64.b64decode(cursor[0])) if cursor else 1
    more = number * limit < len(rows)
    after = base64.b64encode(str(number + 1).encode()).decode() if more else None
    return rows[(number - 1) * limit : number * limit], {"next_cursor": after, "has_more": more}


def _moment(request: Request, name: str, otherwise: float) -> float:
    value = request.parameters(name)
    if not value:
        return otherwise
    try:
        # A "+" that wasn't escaped arrives as a space.
        moment = datetime.fromisoformat(value[0].replace(" ", "+"))
    except ValueError:
        raise _Wrong(400, f"{name}: an ISO 8601 time is needed") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _outcome(status: int | None) -> str | None:
    if status is None:
        return None
    return "success" if status < 400 else "user_error" if status < 500 else "error"
