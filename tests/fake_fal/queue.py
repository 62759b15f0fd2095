# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""queue.fal.run and fal.run: submit, status, result, cancel.

Nothing here ticks. What has happened since the last request is worked out, in the order of the clock, whenever
somebody asks.
"""

from __future__ import annotations

import math
import re
import threading
import uuid
from typing import TYPE_CHECKING, Any

from .access import Key, Refused, key_of
from .books import Entry
from .http import Request, Response, answer
from .jobs import Job, arguments_of

if TYPE_CHECKING:
    from .fake import FakeFal

DIRECT = ("fal.run", "falrun.com")
_NOT_FOUND = {"status": "NOT_FOUND"}
_REQUEST = re.compile(r"/(?P<app>.+)/requests/(?P<id>[0-9a-f-]{36})(?P<action>/status|/cancel)?")
_METHODS = {"status": "GET", "result": "GET", "cancel": "PUT"}


class Queue:
    def __init__(self, fake: FakeFal) -> None:
        self._fake = fake
        self._jobs: dict[str, Job] = {}
        self._lock = threading.RLock()

    def classify(self, request: Request) -> None:
        found = _REQUEST.fullmatch(request.path)
        if found is None:
            request.operation = "run" if request.host in DIRECT else "submit"
            request.endpoint = request.path.strip("/")
            return
        request.operation = (found["action"] or "/result").strip("/")
        job = self._jobs.get(found["id"])
        request.endpoint = job.entry.endpoint if job else found["app"]

    def handle(self, request: Request) -> Response:
        try:
            key = key_of(request, self._fake.keys, spends=request.operation in ("submit", "run"))
        except Refused as refusal:
            return answer(refusal.status, {"detail": refusal.detail})
        if request.operation == "submit":
            return self._submit(request, key)
        if request.operation == "run":
            return self._run(request, key)
        return self._about(request, key)

    def settle(self) -> None:
        """Let everything happen that was due by now."""
        with self._lock:
            now = self._fake.clock()
            for key in list(self._fake.keys.values()):
                self._settle(key, now)

    def jobs(self, key: Key | None = None) -> list[Job]:
        self.settle()
        with self._lock:
            return [job for job in self._jobs.values() if key is None or job.entry.key_id == key.id]

    def forget(self) -> None:
        with self._lock:
            self._jobs.clear()

    def job(self, request_id: str) -> Job:
        return self._jobs[request_id]

    def _settle(self, key: Key, now: float) -> None:
        jobs = [j for j in self._jobs.values() if j.entry.key_id == key.id and j.entry.state != "COMPLETED"]
        running = [job for job in jobs if job.entry.state == "IN_PROGRESS"]
        waiting = [job for job in jobs if job.entry.state == "IN_QUEUE"]
        waiting.sort(key=lambda job: job.low_priority)  # stable: first come, first served within a priority
        freed = 0.0
        while True:
            ready = [job for job in waiting if job.startable and job.earliest_start <= now]
            if ready and len(running) < key.concurrency:
                job = ready[0]
                waiting.remove(job)
                start = max(job.earliest_start, freed)
                if start > job.start_by:
                    job.time_out(job.start_by)
                    continue
                job.entry.state, job.entry.started_at = "IN_PROGRESS", start
                self._start(job, start)
                if job.entry.state == "IN_PROGRESS":
                    running.append(job)
                continue
            job = min(running, key=lambda job: job.due, default=None)
            if job is None or job.due > now:
                break
            freed = job.due
            running.remove(job)
            job.finish(job.due, bill_refused=self._fake.bill_refused)
        for job in waiting:
            if job.start_by <= now:
                job.time_out(job.start_by)

    def _start(self, job: Job, at: float) -> None:
        if job.fault is not None and job.fault.kind == "queue_timeout":
            job.entry.started_at = None
            job.time_out(at)

    def _submit(self, request: Request, key: Key) -> Response:
        fake, name = self._fake, request.path.strip("/")
        if request.method != "POST":
            return answer(405, {"detail": "Method Not Allowed"})
        if name not in fake.endpoints:
            return answer(404, {"detail": f'Application "{name}" not found'})
        try:
            job = self._accept(request, key, arguments_of(request))
        except ValueError as error:
            return answer(422, {"detail": str(error)})
        with self._lock:
            ahead = sum(1 for other in self.jobs() if other.entry.state == "IN_QUEUE")
            limit = request.parameters("fal_max_queue_length")
            if limit and ahead > int(limit[0]):
                return answer(429, {"detail": "Queue is too long", "error_type": "queue_full"})
            self._jobs[job.id] = job
            job.entry.listed = fake.listed.get(job.endpoint.id)
            fake.books_kept.entries.append(job.entry)
            request.accepted = job.entry
            fake.pool.submit(self._work, job)
        body = {"status": "IN_QUEUE", "request_id": job.id, **job.urls, "logs": None, "metrics": {}}
        body |= {"queue_position": ahead, "gateway_request_id": job.id}
        return answer(200, body, {"x-fal-request-id": job.id})

    def _accept(self, request: Request, key: Key, arguments: dict[str, Any]) -> Job:
        fake, endpoint = self._fake, self._fake.endpoints[request.endpoint]
        priority = request.headers.get("x-fal-queue-priority", "normal")
        if priority not in ("normal", "low"):
            raise ValueError("X-Fal-Queue-Priority must be 'normal' or 'low'")
        patience = float(request.headers.get("x-fal-request-timeout", math.inf))
        now, price = fake.clock(), fake.prices[endpoint.id]
        entry = Entry(str(uuid.uuid4()), endpoint.id, arguments, key.id, price.unit, price.usd, now)
        fault = fake.faults.take("job", "submit", endpoint.id, request.path, request.host)
        slow = fault is not None and fault.kind == "latency"
        return Job(
            entry,
            endpoint,
            fault.seconds if slow else fake.latency_of(endpoint.makes),
            price,
            fault,
            low_priority=priority == "low",
            start_by=now + patience,
            earliest_start=now + fake.queue_wait,
            stores_payloads=request.headers.get("x-fal-store-io") != "0",
            echo=key.secret if fault is not None and fault.kind == "echo_key" else "",
        )

    def _work(self, job: Job) -> None:
        fake = self._fake
        try:
            save = fake.storage.saver(job.endpoint.id, job.entry.files)
            outcome, made, ignored = job.work(fake.storage.fetch, save, fake.clip_side)
        except Exception as error:  # noqa: BLE001 - a defect of the fake must end the job, and be seen
            fake.failed(error)
            outcome, made, ignored = answer(500, {"detail": "the fake itself failed"}), None, []
        with self._lock:
            if ignored:
                fake.ignored_fields.setdefault(job.endpoint.id, set()).update(ignored)
            if job.entry.state != "COMPLETED":  # cancelled meanwhile
                job.outcome, job.made, job.ready_at = outcome, made, fake.clock()

    def _run(self, request: Request, key: Key) -> Response:
        busy = sum(1 for job in self.jobs(key) if job.entry.state == "IN_PROGRESS")
        if busy >= key.concurrency:
            body = {"detail": "Too many concurrent requests", "error_type": "concurrent_requests_limit"}
            return answer(429, body, {"x-fal-needs-retry": "1"})
        accepted = self._submit(request, key)
        if accepted.status != 200:
            return accepted
        job = self._jobs[accepted.headers["x-fal-request-id"]]
        while job.entry.state != "COMPLETED" and not self._fake.closing.wait(0.005):
            self.settle()
        return self._result(job)

    def _about(self, request: Request, key: Key) -> Response:
        found = _REQUEST.fullmatch(request.path)
        self.settle()
        job = self._jobs.get(found["id"])
        if job is None or job.entry.key_id != key.id or job.expired(self._fake.clock()):
            return answer(404, _NOT_FOUND)
        if found["app"] != job.endpoint.app or request.method != _METHODS[request.operation]:
            return answer(405, {"detail": "Method Not Allowed"})
        response = {"status": self._status, "cancel": self._cancel}.get(request.operation, lambda j, _: self._result(j))
        answered = response(job, request)
        answered.headers["x-fal-request-id"] = job.id
        return answered

    def _status(self, job: Job, request: Request) -> Response:
        with self._lock:
            waiting = [j for j in self._jobs.values() if j.entry.state == "IN_QUEUE"]
            position = waiting.index(job) if job in waiting else 0
            logs = request.parameters("logs")[:1] in (["1"], ["true"])
            return answer(200 if job.entry.state == "COMPLETED" else 202, job.status(position, logs=logs))

    def _result(self, job: Job) -> Response:
        if job.entry.state != "COMPLETED":
            return answer(400, {"detail": "Request is still in progress"})
        headers = dict(job.outcome.headers) | {"x-fal-request-id": job.id, "x-fal-served-from": "fake"}
        if job.entry.billed:
            headers["x-fal-billable-units"] = f"{job.entry.units:g}"
        return Response(job.outcome.status, job.outcome.body, headers)

    def _cancel(self, job: Job, request: Request) -> Response:
        with self._lock:
            state, now = job.entry.state, self._fake.clock()
            if state == "COMPLETED":
                return answer(400, {"status": "ALREADY_COMPLETED"})
            job.entry.cancelled = True
            if state == "IN_QUEUE":
                job.fail(now, 499, "client_cancelled", "Request was cancelled")
                return answer(200, {"status": "OK"})
            if self._fake.cancel_stops_running:
                job.fail(now, 499, "client_cancelled", "Request was cancelled")
            return answer(202, {"status": "CANCELLATION_REQUESTED"})
