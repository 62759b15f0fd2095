"""fal-client, held to our rules: own polling, no blind re-sending, the key only to fal, no fallback upload."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

import fal_client
import httpx
from fal_client.client import USER_AGENT, CDNToken, CDNTokenManager, SyncClient, SyncRequestHandle

from .errors import BadAnswer, BadKey, FalError, ServerFault, TryAgainLater, Uncertain, Unreachable, from_answer
from .transport import CarefulTransport, is_fal_address

CancelAnswer = Literal["removed", "running", "completed", "gone"]


@dataclass(frozen=True)
class Handle:
    """Where fal said that this request can be asked after."""

    request_id: str
    status_url: str
    response_url: str
    cancel_url: str


@dataclass(frozen=True)
class Standing:
    """``state`` is fal's own word: IN_QUEUE, IN_PROGRESS or COMPLETED."""

    state: str
    position: int | None = None
    log: str = ""
    error: str = ""
    error_type: str = ""


@dataclass(frozen=True)
class Answer:
    """A finished request: the model's output, and what fal counted for the bill (None where it did not say)."""

    body: dict[str, Any]
    units: float | None


def _careful_client(headers: dict[str, str]) -> httpx.Client:
    # Redirects are not followed: fal's queue has none, and one would carry the request to an unknown host.
    return httpx.Client(
        transport=CarefulTransport(),
        headers={**headers, "User-Agent": USER_AGENT},
        timeout=httpx.Timeout(60.0, connect=20.0),
        follow_redirects=False,
    )


class _CarefulTokens(CDNTokenManager):
    """The upload token, asked for over ``CarefulTransport`` too."""

    def _refresh_token(self) -> CDNToken:
        with _careful_client(self._headers) as client:
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
    def _client(self) -> httpx.Client:
        return _careful_client({"Authorization": self._auth.header_value})

    @cached_property
    def _token_manager(self) -> CDNTokenManager:
        return _CarefulTokens(self._auth)

    def _get_cdn_client(self) -> httpx.Client:
        token = self._token_manager.get_token()
        return _careful_client({"Authorization": f"{token.token_type} {token.token}"})


class FalQueue:
    """The queue and the storage. Every method raises a FalError; several threads may use one FalQueue."""

    def __init__(self, key: str, *, private: bool = False) -> None:
        self._client = _CarefulClient(key=key)
        self._private = private

    def submit(self, endpoint: str, arguments: dict[str, Any]) -> Handle:
        """Ask for one generation. Raises Uncertain where fal may or may not have taken it."""
        headers = {"X-Fal-Store-IO": "0"} if self._private else {}
        try:
            handle = self._client.submit(endpoint, arguments, headers=headers)
        except (ValueError, KeyError, TypeError) as error:
            raise Uncertain(
                "fal.ai's answer to this request could not be read; it may have accepted it and may bill it, so it is not "
                "sent again. Look in fal's own history, then 'consistency resume RUN --send-again' if it is not there"
            ) from error
        except Exception as error:
            raise _translate(error, accepted=False) from error
        return self._trusted(endpoint, handle)

    def _trusted(self, endpoint: str, handle: SyncRequestHandle) -> Handle:
        addresses = (handle.status_url, handle.response_url, handle.cancel_url)
        if all(isinstance(url, str) and is_fal_address(url) for url in addresses):
            return Handle(str(handle.request_id), *addresses)
        return self.rebuild(endpoint, str(handle.request_id))

    def rebuild(self, endpoint: str, request_id: str) -> Handle:
        """The addresses of a request that only its id is known of."""
        handle = self._client.get_handle(endpoint, request_id)
        return Handle(request_id, handle.status_url, handle.response_url, handle.cancel_url)

    def _handle(self, handle: Handle) -> SyncRequestHandle:
        return SyncRequestHandle(
            request_id=handle.request_id,
            response_url=handle.response_url,
            status_url=handle.status_url,
            cancel_url=handle.cancel_url,
            client=self._client._client,
        )

    def standing(self, handle: Handle) -> Standing:
        """Where the request stands. Raises BadAnswer for a status fal does not document."""
        try:
            status = self._handle(handle).status(with_logs=True)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadAnswer("fal.ai sent a status this version does not understand; resume later", request_id=handle.request_id) from error  # fmt: skip
        except Exception as error:
            raise _translate(error, handle.request_id) from error
        if isinstance(status, fal_client.Queued):
            return Standing("IN_QUEUE", status.position)
        if isinstance(status, fal_client.InProgress):
            return Standing("IN_PROGRESS", log=_last_log(status.logs))
        return Standing("COMPLETED", error=str(status.error or ""), error_type=str(status.error_type or ""))

    def answer(self, handle: Handle) -> Answer:
        """The result. fal-client drops the headers, and the billed units are one, so this reads it itself."""
        try:
            response = self._client._client.get(handle.response_url)
        except FalError:
            raise
        except httpx.HTTPError as error:
            raise _translate(error, handle.request_id) from error
        try:
            body = response.json()
        except ValueError as error:
            if response.status_code < 400:
                raise BadAnswer("fal.ai sent a result that is not JSON; resume to ask for it again", request_id=handle.request_id) from error  # fmt: skip
            body = None
        if response.status_code != 200:
            raise from_answer(response.status_code, body, response.headers, request_id=handle.request_id)
        if not isinstance(body, dict):
            raise BadAnswer("fal.ai sent a result that is not an object; resume to ask for it again", request_id=handle.request_id)  # fmt: skip
        return Answer(body, _number(response.headers.get("x-fal-billable-units")))

    def cancel(self, handle: Handle) -> CancelAnswer:
        """Ask fal to stop. "removed" is the only answer that means: not billed."""
        try:
            response = self._client._client.put(handle.cancel_url)
        except FalError:
            raise
        except httpx.HTTPError as error:
            raise _translate(error, handle.request_id) from error
        if response.status_code == 200:
            return "removed"
        if response.status_code == 202:
            return "running"
        if response.status_code == 400:
            return "completed"
        if response.status_code == 404:
            return "gone"
        raise from_answer(response.status_code, None, response.headers, request_id=handle.request_id)

    def upload(self, data: bytes, content_type: str, file_name: str) -> str:
        """Put a file where fal's models can read it; its address. Nothing is billed for uploads."""
        # The fallback repository sends the key to the host of a signed address (fal-client 1.0.3), so there is none.
        lifecycle = fal_client.StorageSettings(expires_in="1d") if self._private else None
        try:
            url = self._client.upload(data, content_type, file_name, repository="fal_v3", fallback_repository=[], lifecycle=lifecycle)  # fmt: skip
        except (ValueError, KeyError, TypeError) as error:
            raise ServerFault("fal.ai's storage sent an answer that can't be read; resume to try again. Nothing was billed") from error  # fmt: skip
        except Exception as error:
            raise _translate(error, accepted=False) from error
        if not isinstance(url, str) or not is_fal_address(url):
            raise ServerFault(
                "fal.ai's storage named an address that is not fal's; resume to try again. Nothing was billed"
            )
        return url


def _translate(error: Exception, request_id: str | None = None, accepted: bool = True) -> Exception:
    """fal-client's and httpx's exceptions as ours; anything unknown is returned as it is."""
    if isinstance(error, FalError):
        return error
    if isinstance(error, fal_client.FalClientHTTPError):
        return _from_response(error.response, request_id, accepted)
    if isinstance(error, httpx.HTTPStatusError):
        return _from_response(error.response, request_id, accepted)
    if isinstance(error, (httpx.TransportError, httpx.TimeoutException)):
        why = type(error).__name__
        return Unreachable(
            f"fal.ai can't be reached ({why}); check the network or proxy, then resume", request_id=request_id
        )
    if isinstance(error, fal_client.auth.MissingCredentialsError):
        return BadKey("there is no fal.ai key; set FAL_KEY or enter one in the preferences")
    return error


def _from_response(response: httpx.Response, request_id: str | None, accepted: bool) -> Exception:
    if response.status_code == 429:
        return TryAgainLater("fal.ai is taking no more requests at the moment (HTTP 429); resume in a few minutes. Nothing was billed")  # fmt: skip
    try:
        body: Any = response.json()
    except ValueError:
        body = None
    headers: Mapping[str, str] = response.headers
    return from_answer(response.status_code, body, headers, request_id=request_id, accepted=accepted)


def _last_log(logs: Any) -> str:
    if isinstance(logs, list) and logs and isinstance(logs[-1], Mapping):
        return str(logs[-1].get("message", ""))[:200]
    return ""


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else None
    except ValueError:
        return None
    return value if value is not None and 0.0 <= value < 1e9 else None
