# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failures on demand: ``fake.faults.add("submit:fal-ai/flux-kontext/*", "lost_answer")``.

``match`` is ``operation`` or ``operation:glob``. Operations: connect submit run status result cancel token upload
initiate put part complete download pricing estimate models requests usage, and ``*``. The glob is held against the
endpoint id, the path and the host. ``times`` counts down (None: for ever), after ``skip`` matches have gone by.
``lasting``: seconds by the fake's clock, from the first match on, in which it happens every time instead.

An ``answer`` fault stands in for the answer (with ``handled=True`` the request is carried out first, and only the answer
is lost). A ``wire`` fault breaks the connection. A ``job`` fault decides at submit how the request will end. A ``file``
fault changes what a download delivers. Options are listed with each kind below; oddities.py has a catalogue by name.

``odd`` gives any answer at all. What isn't said is as the service would have it:
``status``; ``body`` (anything that is JSON) or ``text`` (as is); or the true body with ``merge`` laid over it, ``each``
laid over every object in its lists, and the names in ``drop`` left out; ``headers`` (None leaves one out); ``skew``:
seconds that ``Date`` is wrong; ``delay``: seconds of silence first; ``drip``: seconds before each byte; ``cut``: share of
the body after which the connection ends; ``reprice``: factor on every price from then on. ``$KEY`` in a body or header
is the customer's key. ``handled``: the request is carried out, though the answer may deny it.
"""

from __future__ import annotations

import fnmatch
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .books import http_date
from .http import Request, Response, answer

if TYPE_CHECKING:
    from .fake import FakeFal

_NGINX = "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"

_BILLED: dict[str, Any] = {"billed": None}  # None: as the fake does

# kind → (where, its options with their defaults)
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "connect_refused": ("connect", {}),  # the proxy answers 502 to CONNECT; fake.offline() refuses for real
    "drop_at_connect": ("connect", {}),
    "hang_at_connect": ("connect", {"seconds": 3600.0}),
    "drop_before": ("wire", {}),  # closed before the request's body is read
    "lost_answer": ("wire", {}),  # carried out, never answered
    "drop_mid_body": ("wire", {}),  # half of the answer, then closed
    "stall": ("wire", {"seconds": 3600.0}),  # half of the answer, then silence
    "hang": ("wire", {"seconds": 3600.0, "handled": False}),  # until then, or until fake.drop_all()
    "slow": ("wire", {"seconds": 2.0}),  # the answer's body drips in over so many seconds
    "status": ("answer", {"status": 500, "detail": "Internal Server Error", "handled": False}),
    "nginx": ("answer", {"status": 502, "handled": False}),  # an ingress page without x-fal-request-id
    "rate_limited": ("answer", {"retry_after": 1, "handled": False}),
    "bad_key": ("answer", {"handled": False}),
    "locked": ("answer", {"handled": False}),
    "broken_json": ("answer", {"handled": True}),
    "unknown_status": ("answer", {"handled": True, "word": "PAUSED"}),
    "not_found": ("answer", {"handled": False}),  # an expired result
    "edit_answer": ("answer", {"handled": True, "edit": None}),  # edit(dict) → dict, in process only
    "odd": (
        "answer",
        {
            "status": None,
            "body": None,
            "text": None,
            "merge": {},
            "each": {},
            "drop": (),
            "headers": {},
            "skew": 0.0,
            "delay": 0.0,
            "drip": 0.0,
            "cut": None,
            "reprice": 1.0,
            "handled": True,
        },
    ),
    # Failures of the model or its runner; with ``billed=True`` or ``False`` against the fake's habit.
    "job_error": ("job", {"status": 500, "error_type": "runner_server_error", "detail": "Runner crashed", **_BILLED}),
    "content_policy": ("job", _BILLED),
    "no_media": ("job", _BILLED),
    "invalid_input": ("job", {"detail": "Invalid input.", **_BILLED}),  # 422 with a string detail
    "echo_key": ("job", {}),  # the result's seed and prompt and the log lines repeat the customer's key
    "queue_timeout": ("job", {}),
    "stuck_in_queue": ("job", {}),
    "stuck_running": ("job", {}),
    "latency": ("job", {"seconds": 1.0}),
    "nsfw": ("job", {}),
    "wrong_size": ("job", {}),
    "distorted": (
        "job",
        {"how": "shift"},
    ),  # a picture that is not the product: shift, scale, stretch, missing or other
    "output_url": ("job", {"url": "file:///etc/passwd"}),  # replaces every URL of the output
    "output_file_name": ("job", {"file_name": "../../evil.png"}),
    "edit_output": ("job", {"edit": None}),
    "says": ("job", {"text": "yes"}),  # an answer in words
    "footage": ("job", {"of": None}),  # of(arguments) → a clip's pictures, or None for the fake's own; in process only
    "truncated": ("file", {}),  # fewer bytes than Content-Length, then closed
    "cut_short": ("file", {}),  # fewer bytes, and a Content-Length that agrees
    "wrong_type": ("file", {"content_type": "text/html"}),
    "wrong_bytes": ("file", {"text": "<html><body>Not Found</body></html>"}),
    "endless": ("file", {}),
    "huge_length": ("file", {"length": 10 * 1024**3}),
    "redirect": ("file", {"to": None}),  # None: to a loopback address
    "redirect_loop": ("file", {}),
    "png_bomb": ("file", {}),
    "lying_glb": ("file", {}),
    "gone": ("file", {"status": 404}),
}
# Shorter names for the commonest.
_ALIASES: dict[str, tuple[str, dict[str, Any]]] = {
    **{f"http_{s}": ("status", {"status": s}) for s in (400, 403, 408, 409, 500, 502, 503, 504)},
    **{f"nginx_{s}": ("nginx", {"status": s}) for s in (502, 503, 504)},
    "http_429": ("rate_limited", {}),
    "private_redirect": ("redirect", {}),
}


@dataclass
class Fault:
    match: str
    kind: str
    where: str
    options: dict[str, Any]
    times: int | None = 1
    skip: int = 0
    lasting: float | None = None
    hits: int = field(default=0)
    until: float | None = field(default=None)  # set by the first match, where it lasts

    def applies(self, operation: str, *subjects: str) -> bool:
        wanted, _, glob = self.match.partition(":")
        if wanted not in ("*", operation):
            return False
        return not glob or any(fnmatch.fnmatchcase(subject, glob) for subject in subjects if subject)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["options"][name]
        except KeyError:
            raise AttributeError(name) from None


class Faults:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(
        self,
        match: str,
        kind: str,
        times: int | None = 1,
        skip: int = 0,
        lasting: float | None = None,
        **options: Any,
    ) -> Fault:
        """Raises ValueError for a kind or option that does not exist: a typo must not make a test pass."""
        known, preset = _ALIASES.get(kind, (kind, {}))
        if known not in KINDS:
            raise ValueError(f"no fault {kind!r}; there are: {', '.join(sorted({*KINDS, *_ALIASES}))}")
        where, defaults = KINDS[known]
        if wrong := options.keys() - defaults.keys():
            raise ValueError(f"fault {kind!r} has no option {', '.join(sorted(wrong))}; it has: {', '.join(defaults)}")
        times = times if lasting is None else None
        fault = Fault(match, known, where, defaults | preset | options, times, skip, lasting)
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def take(self, where: str, operation: str, *subjects: str) -> Fault | None:
        """The first fault that applies here; counts as one of its times."""
        with self._lock:
            for fault in self._faults:
                if fault.where != where or fault.times == 0 or not fault.applies(operation, *subjects):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                if fault.lasting is not None:
                    now = self._clock()
                    fault.until = now + fault.lasting if fault.until is None else fault.until
                    if now > fault.until:
                        continue
                fault.hits += 1
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None

    @property
    def all(self) -> list[Fault]:
        with self._lock:
            return list(self._faults)

    def waiting(self) -> list[Fault]:
        """Those that have not happened as often as asked: a test may check that there are none."""
        with self._lock:
            return [f for f in self._faults if f.times or (f.lasting is not None and not f.hits)]


def answered(fault: Fault, request: Request, handle: Callable[[Request], Response], fake: FakeFal) -> Response:
    """The answer under an ``answer`` fault."""
    if fault.kind == "odd":
        return _odd(fault, request, handle, fake)
    real = handle(request) if fault.handled else None
    if fault.kind == "status":
        return answer(fault.status, {"detail": fault.detail})
    if fault.kind == "nginx":
        title = {502: "502 Bad Gateway", 503: "503 Service Temporarily Unavailable", 504: "504 Gateway Time-out"}
        return Response(fault.status, _NGINX.format(title[fault.status]).encode(), {"content-type": "text/html"})
    if fault.kind == "rate_limited":
        return answer(429, {"detail": "Rate limit exceeded"}, {"retry-after": str(fault.retry_after)})
    if fault.kind == "bad_key":
        return answer(401, {"detail": "No user found for Key ID and Secret"})
    if fault.kind == "locked":
        return answer(403, {"detail": LOCKED})
    if fault.kind == "not_found":
        return answer(404, {"status": "NOT_FOUND"})
    if fault.kind == "broken_json":
        return Response(real.status, real.body[: len(real.body) // 2] or b"{", real.headers)
    body = json.loads(real.body)
    body = fault.edit(body) if fault.kind == "edit_answer" else body | {"status": fault.word}
    return answer(real.status, body, real.headers)


def _odd(fault: Fault, request: Request, handle: Callable[[Request], Response], fake: FakeFal) -> Response:
    real = handle(request) if fault.handled else answer(500, {"detail": "Internal Server Error"})
    key = request.key or ""
    headers = dict(real.headers) | {k: v and v.replace("$KEY", key) for k, v in fault.headers.items()}
    if fault.skew:
        headers.setdefault("date", http_date(fake.clock() + fault.skew))
    if fault.text is not None:
        body = fault.text.encode()
    elif fault.body is not None:
        body = json.dumps(fault.body).encode()
    else:
        body = _edited(real.body, fault)
    if fault.reprice != 1.0:
        fake.prices.scale(fault.reprice)
    status = real.status if fault.status is None else fault.status
    spoken = body.replace(b"$KEY", key.encode())
    return Response(status, spoken, headers, delay=fault.delay, drip=fault.drip, cut=fault.cut)


def _edited(body: bytes, fault: Fault) -> bytes:
    """The true body with the fault's changes; what isn't a JSON object stays as it is."""
    if not (fault.merge or fault.each or fault.drop):
        return body
    try:
        value = json.loads(body)
    except ValueError:
        return body
    if not isinstance(value, dict):
        return body
    value = {name: _each(inner, fault.each) for name, inner in (value | fault.merge).items() if name not in fault.drop}
    return json.dumps(value).encode()


def _each(value: Any, laid_over: dict[str, Any]) -> Any:
    if not isinstance(value, list):
        return value
    return [row | laid_over if isinstance(row, dict) else row for row in value]


LOCKED = "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."
