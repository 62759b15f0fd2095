"""Failures on demand: ``fake.faults.add("submit:fal-ai/flux-kontext/*", "lost_answer")``.

``match`` is ``operation`` or ``operation:glob``. Operations: connect submit run status result cancel token upload
initiate put part complete download pricing estimate models requests usage, and ``*``. The glob is held against the
endpoint id, the path and the host. ``times`` counts down (None: for ever), after ``skip`` matches have gone by.

An ``answer`` fault stands in for the answer (with ``handled=True`` the request is carried out first, and only the answer
is lost). A ``wire`` fault breaks the connection. A ``job`` fault decides at submit how the request will end. A ``file``
fault changes what a download delivers. Options are listed with each kind below.
"""

from __future__ import annotations

import fnmatch
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .http import Request, Response, answer

_NGINX = "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"

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
    "job_error": ("job", {"status": 500, "error_type": "runner_server_error", "detail": "Runner crashed"}),
    "content_policy": ("job", {}),
    "no_media": ("job", {}),
    "invalid_input": ("job", {"detail": "Invalid input."}),  # 422 with a string detail
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
    hits: int = field(default=0)

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
    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, match: str, kind: str, times: int | None = 1, skip: int = 0, **options: Any) -> Fault:
        """Raises ValueError for a kind or option that does not exist: a typo must not make a test pass."""
        known, preset = _ALIASES.get(kind, (kind, {}))
        if known not in KINDS:
            raise ValueError(f"no fault {kind!r}; there are: {', '.join(sorted({*KINDS, *_ALIASES}))}")
        where, defaults = KINDS[known]
        if wrong := options.keys() - defaults.keys():
            raise ValueError(f"fault {kind!r} has no option {', '.join(sorted(wrong))}; it has: {', '.join(defaults)}")
        fault = Fault(match, known, where, defaults | preset | options, times, skip)
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
                fault.hits += 1
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None

    def waiting(self) -> list[Fault]:
        """Those that have not happened as often as asked: a test may check that there are none."""
        with self._lock:
            return [fault for fault in self._faults if fault.times]


def answered(fault: Fault, request: Request, handle: Callable[[Request], Response]) -> Response:
    """The answer under an ``answer`` fault."""
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


LOCKED = "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."
