# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A catalogue of single odd answers by name: ``fake.oddity("accepted-401")``, ``fake.oddity("result-500", lasting=8)``.

Each happens once unless ``times`` or ``lasting`` says otherwise. None changes what was accepted, made or billed, except
where ``books`` says so: the books hold the truth, and a customer must find it behind the odd answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

# weather: the answer says nothing of the request.
# lie: the service states in its own words something that is not so; a customer may believe it.
# outcome: the request really ends so, and the books say it too.
Sort = Literal["weather", "lie", "outcome"]


@dataclass(frozen=True)
class Oddity:
    """``operation``: where it can be seen. ``sort``: what a customer may conclude from it."""

    name: str
    fault: dict[str, Any]
    sort: Sort = "weather"

    @property
    def operation(self) -> str:
        return self.fault["match"].partition(":")[0]


def _odd(match: str, sort: Sort = "weather", **options: Any) -> tuple[dict[str, Any], Sort]:
    return {"match": match, "kind": "odd", **options}, sort


def _fault(match: str, kind: str, sort: Sort = "weather", **options: Any) -> tuple[dict[str, Any], Sort]:
    return {"match": match, "kind": kind, **options}, sort


_DETAIL = {
    301: "Moved Permanently",
    302: "Found",
    400: "Bad Request",
    401: "No user found for Key ID and Secret",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    408: "Request Timeout",
    409: "Conflict",
    410: "Gone",
    413: "Request Entity Too Large",
    418: "I'm a teapot",
    422: "Unprocessable Entity",
    425: "Too Early",
    429: "Rate limit exceeded",
    451: "Unavailable For Legal Reasons",
    499: "Client Closed Request",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Time-out",
    520: "Web server returned an unknown error",
    529: "Site is overloaded",
}


def _status(match: str, status: int, **options: Any) -> tuple[dict[str, Any], Sort]:
    headers = {"location": "https://fal.ai/login"} if status in (301, 302) else {}
    return _odd(match, status=status, body={"detail": _DETAIL[status]}, headers=headers, **options)


_HTML = "<html><head><title>Just a moment...</title></head><body>Checking your browser</body></html>"
_UNTOLD = "2000-01-01T00:00:00"
_BILLED = "x-fal-billable-units"
_DEEP = '{"images": ' + "[" * 5000 + "]" * 5000 + "}"
_BODIES: dict[str, dict[str, Any]] = {
    "empty-body": {"text": ""},
    "empty-object": {"body": {}},
    "list": {"body": []},
    "null": {"text": "null"},
    "string": {"body": "ok"},
    "number": {"body": 7},
    "html": {"text": _HTML, "headers": {"content-type": "text/html"}},
    "half-json": {"text": '{"status": "COMP'},
    "not-utf8": {"text": "\udcff\udcfe".encode("utf-8", "surrogateescape").decode("latin-1")},
    "gzip-that-is-none": {"text": "plain", "headers": {"content-encoding": "gzip"}},
    "deep-json": {"text": _DEEP},
    "cut": {"cut": 0.5},
    "slow": {"delay": 0.1},
    "no-content": {"status": 204},
    "error-in-200": {"body": {"detail": "Internal Server Error"}},
}

_ROWS: dict[str, tuple[dict[str, Any], Sort]] = {}
# Accepted, whatever the answer says; and the same not accepted.
for _code in (302, 400, 401, 402, 403, 404, 408, 409, 410, 413, 422, 425, 429, 499, 500, 501, 502, 503, 504, 520):
    _ROWS[f"accepted-{_code}"] = _status("submit", _code)
    _ROWS[f"not-accepted-{_code}"] = _status("submit", _code, handled=False)
for _name, _options in _BODIES.items():
    _ROWS[f"accepted-{_name}"] = _odd("submit", **_options)
_ROWS |= {
    "accepted-and-lost": _fault("submit", "lost_answer"),
    "accepted-and-cut": _fault("submit", "drop_mid_body"),
    "accepted-rate-limit": _odd(
        "submit", status=429, body={"detail": "Rate limit exceeded"}, headers={"retry-after": "1"}
    ),
    "accepted-retry-after-a-year": _odd("submit", status=503, text="", headers={"retry-after": "31536000"}),
    "accepted-without-id": _odd("submit", drop=("request_id",)),
    "accepted-without-addresses": _odd("submit", drop=("status_url", "response_url", "cancel_url")),
    "accepted-with-null-id": _odd("submit", merge={"request_id": None}),
    "accepted-with-foreign-addresses": _odd(
        "submit",
        merge={f"{n}_url": f"https://evil.example/{n}" for n in ("status", "response", "cancel")},
    ),
    "accepted-201": _odd("submit", status=201),
    "accepted-202": _odd("submit", status=202),
    "dropped-before-submission": _fault("submit", "drop_before"),
}
for _code in (302, 400, 401, 403, 404, 408, 409, 410, 413, 418, 422, 429, 451, 499, 500, 502, 503, 504, 529):
    _ROWS[f"status-{_code}"] = _status("status", _code)
    _ROWS[f"result-{_code}"] = _status("result", _code)
    _ROWS[f"download-{_code}"] = _status("download:fal-ai/*", _code)
for _code in (401, 403, 404, 408, 422, 429, 500, 502, 503, 504):
    _ROWS[f"requests-{_code}"] = _odd("requests", status=_code, body={"error": {"type": "x", "message": "odd"}})
    _ROWS[f"pricing-{_code}"] = _odd("pricing", status=_code, body={"error": {"type": "x", "message": "odd"}})
for _code in (400, 401, 404, 409, 429, 500, 503):
    _ROWS[f"cancel-{_code}"] = _status("cancel", _code)
    _ROWS[f"token-{_code}"] = _status("token", _code)
    _ROWS[f"upload-{_code}"] = _status("upload", _code)
for _operation in ("status", "result", "requests", "pricing"):
    for _name, _options in _BODIES.items():
        _ROWS[f"{_operation}-{_name}"] = _odd(_operation, **_options)
for _name in ("empty-object", "null", "html", "half-json", "cut"):
    _ROWS[f"token-{_name}"] = _odd("token", **_BODIES[_name])
    _ROWS[f"upload-{_name}"] = _odd("upload", **_BODIES[_name])
_ERROR = {"status": "COMPLETED", "error": "Runner crashed", "error_type": "runner_server_error"}
_ROWS |= {
    "status-unknown-word": _odd("status", merge={"status": "PAUSED"}),
    "status-failed": _odd("status", merge={"status": "FAILED"}),
    "status-of-another-type": _odd("status", merge={"status": 5}),
    "status-done-too-early": _odd("status", merge={"status": "COMPLETED"}),
    "status-back-in-queue": _odd("status", merge={"status": "IN_QUEUE", "queue_position": 7}),
    "status-running-again": _odd("status", merge={"status": "IN_PROGRESS"}),
    "status-of-another-request": _odd("status", merge={"request_id": "00000000-0000-4000-8000-000000000000"}),
    "status-odd-position": _odd("status", merge={"queue_position": -1, "logs": "none", "metrics": None}),
    "status-echoes-key": _odd("status", merge={"logs": [{"message": "Authorization: Key $KEY", "timestamp": _UNTOLD}]}),
    "status-error-that-is-none": _odd("status", "lie", merge=_ERROR),
    "status-null-error": _odd("status", merge={"error": None, "error_type": None}),
    "status-empty-error": _odd("status", merge={"error": ""}),
    "result-no-images": _odd("result", merge={"images": [], "video": None, "model_glb": None}),
    "result-null-images": _odd("result", merge={"images": None, "video": [], "model_glb": 3}),
    "result-image-without-url": _odd("result", merge={"images": [{}], "video": {}, "model_glb": {}}),
    "result-url-of-another-type": _odd(
        "result", merge={"images": [{"url": 7}], "video": {"url": []}, "model_glb": {"url": {}}}
    ),
    "result-url-elsewhere": _odd("result", each={"url": "https://evil.example/x.png"}),
    "result-url-of-a-file": _odd("result", each={"url": "file:///etc/passwd"}),
    "result-of-ten-megabytes": _odd("result", merge={"note": "x" * 10_000_000}),
    "result-still-in-progress": _odd("result", status=400, body={"detail": "Request is still in progress"}),
    "result-echoes-key": _odd("result", merge={"seed": "Key $KEY", "prompt": "$KEY"}),
    "result-error-echoes-key": _odd(
        "result", status=422, body={"detail": [{"loc": ["header"], "msg": "Key $KEY", "type": "x"}]}
    ),
    "result-refusal-that-is-none": _odd(
        "result",
        status=422,
        headers={"x-fal-retryable": "false"},
        body={"detail": [{"loc": ["body", "prompt"], "msg": "flagged", "type": "content_policy_violation"}]},
    ),
    "result-validation-of-strings": _odd("result", status=422, body={"detail": ["a", 7, None]}),
    "units-absent": _odd("result", headers={_BILLED: None}),
    "units-zero": _odd("result", headers={_BILLED: "0"}),
    "units-negative": _odd("result", headers={_BILLED: "-1"}),
    "units-nan": _odd("result", headers={_BILLED: "nan"}),
    "units-infinite": _odd("result", headers={_BILLED: "inf"}),
    "units-huge": _odd("result", headers={_BILLED: "1e8"}),
    "units-a-word": _odd("result", headers={_BILLED: "abc"}),
    "units-empty": _odd("result", headers={_BILLED: ""}),
    "units-in-pixels": _odd("result", headers={_BILLED: "1048576"}),
    "units-on-an-error": _odd("result", status=500, body={"detail": "Internal Server Error"}, headers={_BILLED: "1"}),
    "units-with-comma": _odd("result", headers={_BILLED: "1,0"}),
    "date-absent": _odd("*", headers={"date": None}),
    "date-a-word": _odd("*", headers={"date": "yesterday"}),
    "date-eleven-minutes-ahead": _odd("*", skew=660.0),
    "date-a-day-behind": _odd("*", skew=-86_400.0),
    "requests-none": _odd("requests", merge={"items": []}),
    "requests-null": _odd("requests", merge={"items": None}),
    "requests-without-items": _odd("requests", drop=("items",)),
    "requests-without-payloads": _odd("requests", each={"json_input": None, "json_output": None}),
    "requests-without-ids": _odd("requests", each={"request_id": None}),
    "requests-without-times": _odd("requests", each={"sent_at": None, "started_at": None, "ended_at": None}),
    "requests-with-odd-times": _odd("requests", each={"sent_at": "soon", "ended_at": 5}),
    "requests-never-ending": _odd("requests", merge={"next_cursor": "Mg==", "has_more": True}),
    "requests-of-strings": _odd("requests", merge={"items": ["a", 7, None]}),
    "requests-all-failed": _odd("requests", "lie", each={"status_code": 500}),
    "price-zero": _odd("pricing", each={"unit_price": 0}),
    "price-tiny": _odd("pricing", each={"unit_price": 2.5e-8}),
    "price-negative": _odd("pricing", each={"unit_price": -0.025}),
    "price-true": _odd("pricing", each={"unit_price": True}),
    "price-null": _odd("pricing", each={"unit_price": None}),
    "price-a-string": _odd("pricing", each={"unit_price": "0.025"}),
    "price-a-list": _odd("pricing", each={"unit_price": [0.025]}),
    "price-nan": _odd("pricing", each={"unit_price": float("nan")}),
    "price-infinite": _odd("pricing", each={"unit_price": float("inf")}),
    "price-huge": _odd("pricing", each={"unit_price": 1e9}),
    "price-a-hundredth": _odd("pricing", each={"unit_price": 0.00025}),
    "price-in-another-unit": _odd("pricing", each={"unit": "videos"}),
    "price-in-an-unknown-unit": _odd("pricing", each={"unit": "gpu-hours"}),
    "price-without-unit": _odd("pricing", each={"unit": None}),
    "price-in-euro": _odd("pricing", each={"currency": "EUR"}),
    "price-without-currency": _odd("pricing", each={"currency": None}),
    "prices-missing": _odd("pricing", merge={"prices": []}),
    "prices-null": _odd("pricing", merge={"prices": None}),
    "prices-of-others": _odd("pricing", each={"endpoint_id": "fal-ai/nothing"}),
    "prices-rise-fourfold": _odd("pricing", reprice=4.0),
    "prices-fall": _odd("pricing", reprice=0.25),
    "download-empty": _odd("download:fal-ai/*", text=""),
    "download-html": _odd("download:fal-ai/*", text=_HTML, headers={"content-type": "text/html"}),
    "download-cut": _odd("download:fal-ai/*", cut=0.5),
    "download-slow": _odd("download:fal-ai/*", delay=0.3),
    "download-no-content": _odd("download:fal-ai/*", status=204),
    "download-partial": _odd("download:fal-ai/*", status=206),
    "download-truncated": _fault("download:fal-ai/*", "truncated"),
    "download-cut-short": _fault("download:fal-ai/*", "cut_short"),
    "download-wrong-type": _fault("download:fal-ai/*", "wrong_type"),
    "download-redirect": _fault("download:fal-ai/*", "redirect"),
    "download-redirect-loop": _fault("download:fal-ai/*", "redirect_loop"),
    "download-gone": _fault("download:fal-ai/*", "gone"),
    "model-error": _fault("submit", "job_error", "outcome"),
    "model-error-billed": _fault("submit", "job_error", "outcome", billed=True),
    "refused": _fault("submit", "content_policy", "outcome"),
    "refused-and-billed": _fault("submit", "content_policy", "outcome", billed=True),
    "no-media-and-billed": _fault("submit", "no_media", "outcome", billed=True),
    "queue-timeout": _fault("submit", "queue_timeout", "outcome"),
    "echoed-key": _fault("submit", "echo_key"),
    "connection-refused": _fault("connect", "connect_refused"),
    "connection-dropped": _fault("connect", "drop_at_connect"),
    "everything-500": _odd("*", status=500, body={"detail": "Internal Server Error"}),
    "everything-dropped": _fault("*", "drop_before"),
    "every-answer-lost": _fault("*", "lost_answer"),
}

CATALOGUE: dict[str, Oddity] = {name: Oddity(name, fault, sort) for name, (fault, sort) in _ROWS.items()}
