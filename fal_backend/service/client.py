# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""fal-client, held to our rules: own polling, no blind re-sending, the key only to fal, no fallback upload."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

import fal_client
import httpx
from fal_client.client import USER_AGENT, CDNToken, CDNTokenManager, SyncClient, SyncRequestHandle

from ...pipeline.json_object import JsonObject
from ...pipeline.redaction import redact
from ...pipeline.run.attempt import CancelAnswer
from ..errors import BadAnswer, BadKey, FalError, ServerFault, Uncertain, Unreachable, UnsafeAnswer
from ..problems import Problem
from .clock import FalClock
from .error_answers import billable_units, from_answer
from .transport import CarefulTransport, Tries, is_fal_address, is_fals_own_error, json_object

MOST_TRIES = 4  # of fal-client's own, a request
# Seconds; the answers are small, and a cancel must not wait for a dead one.
QUESTION = httpx.Timeout(20.0, connect=10.0)
NAME = re.compile(r"[\w.-]{1,128}")  # a request id: it becomes part of an address
CANCEL_ANSWERS = {
    200: CancelAnswer.REMOVED,
    202: CancelAnswer.RUNNING,
    400: CancelAnswer.COMPLETED,
    404: CancelAnswer.GONE,
}

# Payloads are not stored, and what fal makes is not kept longer than a day; uploads below have the same lifetime.
PRIVATE = {
    "X-Fal-Store-IO": "0",
    "X-Fal-Object-Lifecycle-Preference": json.dumps({"expiration_duration_seconds": 24 * 3600}),
}


@dataclass(frozen=True)
class Handle:
    """Where fal said that this request can be asked after."""

    request_id: str
    status_url: str
    response_url: str
    cancel_url: str


class QueueState(StrEnum):
    """fal's own words for where a request stands."""

    IN_QUEUE = "IN_QUEUE"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"


@dataclass(frozen=True)
class Standing:
    """``state`` is None where fal gave no usable answer."""

    state: QueueState | None
    position: int | None = None
    log: str = ""
    error: str = ""
    error_type: str = ""


@dataclass(frozen=True)
class Answer:
    """A finished request: the model's output, and what fal counted for the bill (None where it did not say)."""

    body: JsonObject
    units: float | None


def _careful_client(headers: dict[str, str], clock: FalClock, tries: Tries) -> httpx.Client:
    # Redirects are not followed: fal's queue has none, and one would carry the request to an unknown host.
    return httpx.Client(
        transport=CarefulTransport(clock=clock, tries=tries),
        headers={**headers, "User-Agent": USER_AGENT},
        timeout=httpx.Timeout(60.0, connect=20.0),
        follow_redirects=False,
    )


class _CarefulTokens(CDNTokenManager):
    """The upload token, asked for over ``CarefulTransport`` too."""

    clock: FalClock
    tries: Tries

    def _refresh_token(self) -> CDNToken:
        with _careful_client(self._headers, self.clock, self.tries) as client:
            response = client.post(self._url, json={})
            response.raise_for_status()
            data = response.json()
        return CDNToken(
            token=data["token"],
            token_type=data["token_type"],
            base_upload_url=data["base_url"],
            expires_at=datetime.fromisoformat(data["expires_at"]),
        )


class _CarefulClient(SyncClient):
    """fal-client's client over ``CarefulTransport``."""

    @cached_property
    def clock(self) -> FalClock:
        return FalClock()

    @cached_property
    def tries(self) -> Tries:
        return Tries()

    @cached_property
    def _client(self) -> httpx.Client:
        return _careful_client({"Authorization": self._auth.header_value}, self.clock, self.tries)

    @cached_property
    def _token_manager(self) -> CDNTokenManager:
        tokens = _CarefulTokens(self._auth)
        tokens.clock, tokens.tries = self.clock, self.tries
        return tokens

    @cached_property
    def _uploads(self) -> httpx.Client:
        return _careful_client({}, self.clock, self.tries)

    def _get_cdn_client(self) -> httpx.Client:
        # fal-client opens one for each upload, and closes none.
        token = self._token_manager.get_token()
        self._uploads.headers["Authorization"] = f"{token.token_type} {token.token}"
        return self._uploads


class FalQueue:
    """The queue and the storage. Every method raises a FalError; several threads may use one FalQueue."""

    def __init__(self, key: str, *, private: bool = False) -> None:
        self._client = _CarefulClient(key=key)
        self._private = private
        self.clock = self._client.clock
        # Made now: since Python 3.12 a cached_property that several threads ask for at once is made several times.
        self._open = (self._client._client, self._client._uploads)
        assert self._client._token_manager

    def close(self) -> None:
        for client in self._open:
            client.close()

    def submit(self, endpoint: str, arguments: JsonObject) -> Handle:
        """Ask for one generation. Raises Uncertain where fal may or may not have taken it."""
        try:
            with self._client.tries.at_most(MOST_TRIES):
                handle = self._client.submit(endpoint, arguments, headers=PRIVATE if self._private else {})
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise Uncertain(Problem.LOST, why="it could not be read") from error
        except Exception as error:
            raise _translate(error, accepted=False) from error
        return self._trusted(endpoint, handle)

    def _trusted(self, endpoint: str, handle: SyncRequestHandle) -> Handle:
        if not isinstance(handle.request_id, str) or not NAME.fullmatch(handle.request_id):
            raise Uncertain(Problem.LOST, why="it names no request")
        addresses = (handle.status_url, handle.response_url, handle.cancel_url)
        # Of this request and no other: a mixed-up answer must not fetch somebody else's picture.
        if all(isinstance(url, str) and is_fal_address(url) and handle.request_id in url for url in addresses):
            return Handle(handle.request_id, *addresses)
        return self.rebuild(endpoint, handle.request_id)

    def rebuild(self, endpoint: str, request_id: str) -> Handle:
        """The addresses of a request that only its id is known of."""
        handle = self._client.get_handle(endpoint, request_id)
        return Handle(request_id, handle.status_url, handle.response_url, handle.cancel_url)

    # fal-client would retry these three for itself, and it drops the headers: the billed units are one of them.

    def standing(self, handle: Handle) -> Standing:
        """Where the request stands. Raises BadAnswer for a status fal does not document, Unreachable or a FalError."""
        response = self._ask("GET", handle.status_url, handle, {"logs": "1"})
        body = json_object(response)
        if response.status_code not in (200, 202):
            raise self._refusal(response, handle)
        state = body.get("status")
        is_its_own = body.get("request_id", handle.request_id) == handle.request_id
        if state not in tuple(QueueState) or not is_its_own:
            raise BadAnswer(Problem.STATE_UNKNOWN, request_id=handle.request_id)
        position = body.get("queue_position")
        return Standing(
            QueueState(state),
            position=position if isinstance(position, int) else None,
            log=_last_log(body.get("logs")),
            error=str(body.get("error") or ""),
            error_type=str(body.get("error_type") or ""),
        )

    def answer(self, handle: Handle) -> Answer:
        """The result. Raises BadAnswer where it can't be read, fal's own word as a FalError, or Unreachable."""
        response = self._ask("GET", handle.response_url, handle)
        if response.status_code != 200:
            raise self._refusal(response, handle)
        body = json_object(response)
        if not body:
            raise BadAnswer(Problem.RESULT_UNREADABLE, request_id=handle.request_id)
        return Answer(body, billable_units(response.headers))

    def _ask(self, method: str, url: str, handle: Handle, params: dict[str, str] | None = None) -> httpx.Response:
        try:
            url = str(httpx.URL(url).copy_merge_params(params or {}))
            return self._client._client.request(method, url, timeout=QUESTION)
        except FalError as error:
            error.about(handle.request_id)
            raise
        except httpx.InvalidURL as error:
            raise UnsafeAnswer(Problem.NO_ADDRESS, request_id=handle.request_id) from error
        except httpx.HTTPError as error:
            raise _translate(error, handle.request_id) from error

    def _refusal(self, response: httpx.Response, handle: Handle) -> Exception:
        # A gateway's error page says nothing about the request behind it.
        if response.status_code >= 500 and not is_fals_own_error(response):
            return Unreachable(Problem.GATEWAY, request_id=handle.request_id, status=response.status_code)
        return _from_response(response, handle.request_id, accepted=True)

    def cancel(self, handle: Handle) -> CancelAnswer:
        """Ask fal to stop. Raises a FalError where it gives none of the documented answers."""
        response = self._ask("PUT", handle.cancel_url, handle)
        if response.status_code not in CANCEL_ANSWERS:
            raise self._refusal(response, handle)
        return CANCEL_ANSWERS[response.status_code]

    def upload(self, data: bytes, content_type: str, file_name: str) -> str:
        """Put a file where fal's models can read it; its address. Nothing is billed for uploads."""
        # The fallback repository sends the key to the host of a signed address (fal-client 1.0.3), so there is none.
        lifecycle = fal_client.StorageSettings(expires_in="1d") if self._private else None
        try:
            with self._client.tries.at_most(MOST_TRIES):
                url = self._client.upload(
                    data, content_type, file_name, repository="fal_v3", fallback_repository=[], lifecycle=lifecycle
                )
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ServerFault(Problem.STORAGE_UNREADABLE) from error
        except Exception as error:
            raise _translate(error, accepted=False) from error
        if not isinstance(url, str) or not is_fal_address(url):
            raise ServerFault(Problem.STORAGE_ADDRESS)
        return url


def _translate(error: Exception, request_id: str | None = None, accepted: bool = True) -> Exception:
    """fal-client's and httpx's exceptions as ours; anything unknown is returned as it is."""
    if isinstance(error, FalError):
        return error
    if isinstance(error, (fal_client.FalClientHTTPError, httpx.HTTPStatusError)):
        return _from_response(error.response, request_id, accepted)
    if isinstance(error, (httpx.TransportError, httpx.TimeoutException)):
        return Unreachable(Problem.UNREACHABLE, request_id=request_id, why=type(error).__name__)
    if isinstance(error, fal_client.auth.MissingCredentialsError):
        return BadKey(Problem.NO_KEY)
    return error


def _from_response(response: httpx.Response, request_id: str | None, accepted: bool) -> Exception:
    body = json_object(response)
    return from_answer(response.status_code, body, response.headers, request_id=request_id, accepted=accepted)


def _last_log(logs: Any) -> str:
    if isinstance(logs, list) and logs and isinstance(logs[-1], Mapping):
        return redact(str(logs[-1].get("message", "")))[:200]  # before it is cut: half a key is one too
    return ""
