# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where bytes and the key may go, and what a lost answer means."""

from __future__ import annotations

import threading

import httpx
import pytest

from consistency_pipeline.fal_backend.errors import Uncertain, UnsafeAnswer
from consistency_pipeline.fal_backend.service import transport
from consistency_pipeline.fal_backend.service.transport import CarefulTransport, is_fal_address, is_public_address

SUBMIT = httpx.Request("POST", "https://queue.fal.run/fal-ai/flux-kontext/dev", json={})
STATUS = httpx.Request("GET", "https://queue.fal.run/fal-ai/flux-kontext/requests/r/status")


@pytest.mark.parametrize(
    "url",
    [
        "https://queue.fal.run/a",
        "https://fal.run",
        "https://v3b.fal.media/files/x",
        "https://api.fal.ai:443/v1",
        "https://QUEUE.FALRUN.COM/a",
    ],
)
def test_fals_own_addresses_may_see_the_key(url: str):
    assert is_fal_address(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://queue.fal.run/a",
        "https://queue.fal.run:8443/a",
        "https://queue.fal.run.evil.example/a",
        "https://evilfal.run/a",
        "https://evil.example/fal.run",
        "https://key@queue.fal.run/a",
        "https://evil.example\\@queue.fal.run/a",
        "https://queue.fal.run@evil.example/a",
        "https://127.0.0.1/a",
        "file:///etc/passwd",
        "//queue.fal.run/a",
        "https://queue.fal.run:x/a",
        "https://[::1]/a",
        "https://queue.fal.run/" + "a" * 5000,
        "https://queue.fal.run/a\nHost: evil.example",
        "https://queue.fal.ruп/a",
        "",
    ],
)
def test_no_other_address_does(url: str):
    assert not is_fal_address(url)


@pytest.mark.parametrize(
    "url", ["https://v3b.fal.media/files/a.png", "https://storage.googleapis.com/x", "https://8.8.8.8/a"]
)
def test_results_may_lie_on_public_hosts(url: str):
    assert is_public_address(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://v3.fal.media/a.png",
        "ftp://v3.fal.media/a.png",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "https://localhost/a",
        "https://router.local/a",
        "https://metadata.google.internal/a",
        "https://127.0.0.1/a",
        "https://127.1/a",
        "https://2130706433/a",
        "https://0x7f.0.0.1/a",
        "https://0x7f000001/a",
        "https://0177.0.0.1/a",
        "https://10.0.0.1/a",
        "https://172.16.3.4/a",
        "https://192.168.1.1/a",
        "https://169.254.169.254/latest/meta-data",
        "https://100.64.0.1/a",
        "https://0.0.0.0/a",
        "https://[::1]/a",
        "https://[fd00::1]/a",
        "https://[::ffff:127.0.0.1]/a",
        "https://user:pw@v3.fal.media/a",
        "https://v3.fal.media:22/a",
        "https://intranet/a",
        "https://",
        "nonsense",
    ],
)
def test_results_do_not_lie_inside_somebodys_network(url: str):
    assert not is_public_address(url)


def through(request: httpx.Request, answer: httpx.Response | Exception) -> httpx.Response:
    def handle(_request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        if answer.is_stream_consumed:  # as it would come from a socket: not read yet
            return httpx.Response(answer.status_code, headers=answer.headers, stream=httpx.ByteStream(answer.content))
        return answer

    return CarefulTransport(httpx.MockTransport(handle)).handle_request(request)


@pytest.mark.parametrize(
    "fault",
    [
        httpx.ReadError("reset"),
        httpx.WriteError("reset"),
        httpx.ReadTimeout("silence"),
        httpx.WriteTimeout("silence"),
        httpx.RemoteProtocolError("server disconnected"),
        httpx.Response(500, json={"detail": "Internal Server Error"}),
        httpx.Response(502, text="<center>nginx</center>"),
        httpx.Response(503, json={"detail": "no runner"}),
        httpx.Response(504, text="<center>nginx</center>"),
        httpx.Response(408),
    ],
    ids=str,
)
def test_a_submission_whose_fate_is_unknown_is_uncertain(fault: httpx.Response | Exception):
    """fal-client sends it again on each of these; it must therefore see an exception that it does not know."""
    with pytest.raises(Uncertain, match="it is not sent again") as lost:
        through(SUBMIT, fault)
    assert lost.value.billed == "maybe"
    assert not isinstance(lost.value, httpx.HTTPError)


@pytest.mark.parametrize("fault", [httpx.ConnectError("refused"), httpx.ConnectTimeout("slow"), httpx.PoolTimeout("")])
def test_a_submission_that_never_left_may_be_sent_again(fault: Exception):
    with pytest.raises(type(fault)):
        through(SUBMIT, fault)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429])
def test_a_refusal_in_fals_own_words_is_kept_beside_the_doubt(status: int):
    with pytest.raises(Uncertain) as doubt:
        through(SUBMIT, httpx.Response(status, json={"detail": "no"}))
    assert doubt.value.refusal is not None
    assert doubt.value.refusal.billed == "no"


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(302), httpx.Response(409), httpx.Response(401, text="<html>"), httpx.Response(204)],
    ids=str,
)
def test_any_other_answer_refuses_nothing(answer: httpx.Response):
    with pytest.raises(Uncertain) as doubt:
        through(SUBMIT, answer)
    assert doubt.value.refusal is None


def test_questions_may_be_asked_again():
    with pytest.raises(httpx.ReadError):
        through(STATUS, httpx.ReadError("reset"))
    assert through(STATUS, httpx.Response(502)).status_code == 502


def test_the_key_goes_to_no_other_host():
    for host in ("evil.example", "storage.googleapis.com", "127.0.0.1"):
        request = httpx.Request("GET", f"https://{host}/a", headers={"Authorization": "Key x:y"})
        with pytest.raises(UnsafeAnswer, match="the key was not sent"):
            through(request, httpx.Response(200))


class Drip(httpx.SyncByteStream):
    def __iter__(self):
        while True:
            yield b" " * 65536


def test_an_endless_answer_is_bounded(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(UnsafeAnswer, match="does not end"):
        through(STATUS, httpx.Response(200, stream=Drip()))
    monkeypatch.setattr(transport, "SLOWEST_ANSWER", -1.0)
    with pytest.raises(UnsafeAnswer, match="does not end"):
        through(STATUS, httpx.Response(200, stream=Drip()))


@pytest.mark.parametrize("request_", [SUBMIT, STATUS], ids=["submission", "status"])
@pytest.mark.parametrize("is_in_headers", [True, False])
def test_a_deadline_ends_an_answer_that_drips(request_: httpx.Request, is_in_headers: bool, monkeypatch):
    let_go = threading.Event()

    class Slow(httpx.SyncByteStream):
        def __iter__(self):
            yield b"{"
            let_go.wait(20)
            yield b"}"

    def handle(_request: httpx.Request) -> httpx.Response:
        if is_in_headers:
            let_go.wait(20)
        return httpx.Response(200, stream=Slow())

    monkeypatch.setattr(transport, "SLOWEST_ANSWER", 0.2)
    try:
        with pytest.raises(Uncertain if request_ is SUBMIT else UnsafeAnswer):
            CarefulTransport(httpx.MockTransport(handle)).handle_request(request_)
    finally:
        let_go.set()


def test_an_answer_that_could_unpack_to_gigabytes_is_refused():
    with pytest.raises(UnsafeAnswer, match="compressed"):
        through(STATUS, httpx.Response(200, headers={"content-encoding": "gzip"}, stream=Drip()))
    assert STATUS.headers["accept-encoding"] == "identity"
