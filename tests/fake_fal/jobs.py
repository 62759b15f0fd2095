# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One accepted request from queue to result. Its work is done at once in a thread; its times are kept by the clock."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .books import Entry, Price, iso, units
from .endpoint import Endpoint
from .faults import Fault
from .http import Request, Response, answer
from .outputs import Made, Save, Tweaks, make
from .schemas import Fetch, Inputs, problem

QUICK_FAILURE = 0.2  # seconds that a refused input runs at most
KEEP, KEEP_LARGE, LARGE = 3600.0, 360.0, 10 * 1024  # seconds a result stays, and the bytes that make it large
_TWEAKS = ("nsfw", "wrong_size", "distorted", "output_url", "output_file_name", "edit_output", "says", "footage")


@dataclass
class Job:
    entry: Entry
    endpoint: Endpoint
    latency: float
    price: Price
    fault: Fault | None
    low_priority: bool = False
    start_by: float = math.inf
    earliest_start: float = 0.0
    stores_payloads: bool = True
    echo: str = ""  # the customer's key, where a fault says that the service repeats it
    outcome: Response | None = None
    made: Made | None = None
    ready_at: float = math.inf
    error: str | None = None
    error_type: str | None = None

    @property
    def id(self) -> str:
        return self.entry.request_id

    @property
    def base_url(self) -> str:
        return f"https://queue.fal.run/{self.endpoint.app}/requests/{self.id}"

    @property
    def urls(self) -> dict[str, str]:
        base = self.base_url
        return {"response_url": base, "status_url": f"{base}/status", "cancel_url": f"{base}/cancel"}

    @property
    def due(self) -> float:
        """When it is finished, once it runs."""
        if self.outcome is None or self.entry.started_at is None or self._is("stuck_running"):
            return math.inf
        takes = self.latency if self.outcome.status == 200 else min(self.latency, QUICK_FAILURE)
        return max(self.entry.started_at + takes, self.ready_at)

    @property
    def startable(self) -> bool:
        return not self._is("stuck_in_queue")

    def expired(self, now: float) -> bool:
        if self.entry.finished_at is None or self.outcome is None:
            return False
        keep = KEEP_LARGE if len(self.outcome.body) >= LARGE else KEEP
        return now - self.entry.finished_at > keep

    def work(self, fetch: Fetch, save: Save, clip_side: int) -> tuple[Response, Made | None, list[str]]:
        """Check the input and make the output: the answer, what was made, and the fields that were ignored."""
        inputs = Inputs(fetch)
        problems = self.endpoint.check(self.entry.arguments, inputs)
        if problems:
            return answer(422, {"detail": problems}, {"x-fal-retryable": "false"}), None, inputs.unknown
        made = make(self.endpoint, self.entry.arguments, inputs, save, self._tweaks(clip_side))
        if self.echo:
            made.output |= {"seed": self.echo, "prompt": f"sent with Key {self.echo}"}
        return self._failure() or answer(200, made.output), made, inputs.unknown

    def finish(self, at: float, *, bill_refused: bool) -> None:
        self.entry.finished_at, self.entry.status_code = at, self.outcome.status
        billed = self.outcome.status == 200 or (self.outcome.status == 422 and bill_refused)
        if self.fault is not None and self.outcome.status != 200:
            said = self.fault.options.get("billed")
            billed = billed if said is None else said
        if self.made is not None and billed:
            self.entry.billed = True
            self.entry.units = units(self.price, self.endpoint.id, self.entry.arguments, self.made.pixels)
        self.entry.state = "COMPLETED"  # last: who sees it must find the bill written

    def fail(self, at: float, status: int, error_type: str, detail: str, headers: dict[str, str] | None = None) -> None:
        """End it without an output, at fal's level rather than the model's."""
        self.error, self.error_type = detail, error_type
        body = {"detail": detail, "error_type": error_type}
        self.outcome = answer(status, body, {"x-fal-error-type": error_type, **(headers or {})})
        self.finish(at, bill_refused=False)

    def time_out(self, at: float) -> None:
        detail = "Request timed out before processing started"
        self.fail(at, 504, "request_timeout", detail, {"x-fal-request-timeout-type": "user"})

    def status(self, position: int, *, logs: bool) -> dict[str, Any]:
        entry = self.entry
        body = {"status": entry.state, "request_id": self.id, **self.urls, "logs": None, "metrics": {}}
        if entry.state == "IN_QUEUE":
            return body | {"queue_position": position}
        if logs:
            words = ["Loading the model", "Running", "Uploading the result"]
            lines = words[: 3 if entry.state == "COMPLETED" else 2]
            if self.echo:
                lines.append(f"authorization: Key {self.echo}")
            stamp = iso(entry.started_at or entry.submitted_at)
            body["logs"] = [{"message": m, "timestamp": stamp, "level": "INFO", "source": "USER"} for m in lines]
        if entry.state == "COMPLETED":
            if entry.started_at is not None:
                body["metrics"] = {"inference_time": round(entry.finished_at - entry.started_at, 3)}
            if self.error:
                body |= {"error": self.error, "error_type": self.error_type}
        return body

    def record(self, *, payloads: bool) -> dict[str, Any]:
        """The row of ``/v1/models/requests/by-endpoint``."""
        entry = self.entry
        taken = entry.finished_at and round(entry.finished_at - entry.submitted_at, 3)
        row: dict[str, Any] = {
            "request_id": self.id,
            "endpoint_id": entry.endpoint,
            "sent_at": iso(entry.submitted_at),
            "started_at": iso(entry.started_at),
            "ended_at": iso(entry.finished_at),
            "status_code": entry.status_code,
            "duration": taken,
        }
        if payloads and self.stores_payloads:
            done = entry.state == "COMPLETED"
            row |= {"json_input": entry.arguments, "json_output": json.loads(self.outcome.body) if done else None}
        return row

    def _is(self, kind: str) -> bool:
        return self.fault is not None and self.fault.kind == kind

    def _tweaks(self, clip_side: int) -> Tweaks:
        return Tweaks(
            nsfw=self._is("nsfw"),
            wrong_size=self._is("wrong_size"),
            distorted=self.fault.how if self._is("distorted") else "",
            clip_side=clip_side,
            says=self.fault.text if self._is("says") else None,
            edit=self._edit(),
            footage=self.fault.of if self._is("footage") else None,
        )

    def _edit(self) -> Callable[[dict[str, Any]], dict[str, Any]] | None:
        if self._is("edit_output"):
            return self.fault.edit
        for kind, name in (("output_url", "url"), ("output_file_name", "file_name")):
            if self._is(kind):
                value = self.fault.options[name]
                return lambda output: _replaced(output, name, value)
        return None

    def _failure(self) -> Response | None:
        """The model's own failure, or the queue's, where a fault asks for one."""
        fault = self.fault
        if fault is None or fault.kind in _TWEAKS:
            return None
        if fault.kind == "content_policy":
            message = "The content could not be processed because it was flagged by a content checker."
            return _refusal("content_policy_violation", message, self.entry.arguments)
        if fault.kind == "no_media":
            return _refusal("no_media_generated", "No media was generated for this input.", self.entry.arguments)
        if fault.kind == "invalid_input":
            return answer(422, {"detail": fault.detail})
        if fault.kind == "job_error":
            self.error, self.error_type = fault.detail, fault.error_type
            body = {"detail": fault.detail, "error_type": fault.error_type}
            return answer(fault.status, body, {"x-fal-error-type": fault.error_type})
        return None


def _refusal(kind: str, message: str, arguments: dict[str, Any]) -> Response:
    return answer(
        422, {"detail": [problem(kind, message, ("body", "prompt"), arguments)]}, {"x-fal-retryable": "false"}
    )


def _replaced(value: Any, name: str, new: str) -> Any:
    if isinstance(value, list):
        return [_replaced(item, name, new) for item in value]
    if isinstance(value, dict):
        return {k: new if k == name else _replaced(v, name, new) for k, v in value.items()}
    return value


def arguments_of(request: Request) -> dict[str, Any]:
    """The submitted input. Raises ValueError unless it is a JSON object."""
    arguments = request.json()
    if not isinstance(arguments, dict):
        raise ValueError("Input should be a valid dictionary")  # noqa: TRY004 - as a body that isn't JSON
    return arguments
