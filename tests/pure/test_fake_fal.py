# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fake is what all other tests believe about fal.ai, so it is tested with fal's own client over real HTTPS."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import struct
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import fal_client
import httpx
import pytest
import requests
from PIL import Image

from tests.fake_fal import ADMIN_KEY, API_KEY, FakeFal
from tests.fake_fal.control import Control
from tests.fake_fal.media import drawn, encode

pytestmark = pytest.mark.by_turns

KONTEXT = "fal-ai/flux-kontext/dev"
MESHY = "fal-ai/meshy/v6/multi-image-to-3d"
KLING = "fal-ai/kling-video/v3/pro/image-to-video"
PRICING = "https://api.fal.ai/v1/models/pricing"


def picture(size: tuple[int, int] = (128, 96)) -> bytes:
    return encode(drawn("a vase", size, 1), "png")


@contextlib.contextmanager
def service(monkeypatch: pytest.MonkeyPatch, **options) -> Iterator[FakeFal]:
    with FakeFal(**options) as fake:
        for name, value in fake.environment().items():
            monkeypatch.setenv(name, value)
        yield fake


@pytest.fixture
def fake(monkeypatch) -> Iterator[FakeFal]:
    with service(monkeypatch) as fake:
        yield fake


@pytest.fixture
def client(fake, monkeypatch) -> Iterator[fal_client.SyncClient]:
    yield from closing_client(monkeypatch)


def closing_client(monkeypatch, key: str = API_KEY) -> Iterator[fal_client.SyncClient]:
    """fal's client leaves its upload connections open; pytest would call them leaks."""
    monkeypatch.setattr("fal_client.client.BASE_DELAY", 0.001, raising=False)
    opened = []
    original = fal_client.SyncClient._get_cdn_client

    def remembered(self):
        opened.append(original(self))
        return opened[-1]

    monkeypatch.setattr(fal_client.SyncClient, "_get_cdn_client", remembered)
    client = fal_client.SyncClient(key=key)
    yield client
    client._client.close()
    for each in opened:
        each.close()


def finished(handle: fal_client.SyncRequestHandle) -> fal_client.Completed:
    for _ in range(500):
        status = handle.status(with_logs=True)
        if isinstance(status, fal_client.Completed):
            return status
        time.sleep(0.01)
    raise AssertionError("never completed")


def headers(key: str = API_KEY) -> dict[str, str]:
    return {"Authorization": f"Key {key}"}


def submit(fake: FakeFal, endpoint: str, arguments: dict, **more: str) -> requests.Response:
    url = f"https://queue.fal.run/{endpoint}"
    return requests.post(url, json=arguments, headers=headers() | more, timeout=20)


def get(url: str, key: str | None = API_KEY, **more) -> requests.Response:
    return requests.get(url, headers=headers(key) if key else {}, timeout=20, **more)


def kontext(client) -> dict:
    return {"prompt": "studio photo", "image_url": client.upload(picture(), "image/png", "front.png"), "seed": 7}


# the good path


def test_a_still_keeps_the_size_and_the_edges_of_the_picture_sent(fake, client):
    handle = client.submit(KONTEXT, kontext(client) | {"output_format": "png"})
    assert handle.status_url.startswith(f"https://queue.fal.run/fal-ai/flux-kontext/requests/{handle.request_id}/")
    status = finished(handle)
    assert status.logs
    assert status.metrics["inference_time"] >= 0.05
    [image] = handle.get()["images"]
    assert (image["width"], image["height"]) == (128, 96)
    with Image.open(io.BytesIO(get(image["url"], None).content)) as got:
        assert (got.size, got.format) == ((128, 96), "PNG")
        assert got.tobytes() != Image.open(io.BytesIO(picture())).tobytes()
    assert handle.get()["seed"] == 7


def test_the_same_seed_gives_the_same_picture_and_another_seed_another(fake, client):
    arguments = kontext(client)
    urls = [client.submit(KONTEXT, arguments | {"seed": seed}).get()["images"][0]["url"] for seed in (1, 1, 2)]
    first, again, other = (get(url, None).content for url in urls)
    assert first == again != other


def test_the_books_agree_with_the_billable_units(fake, client):
    handle = client.submit(KLING, {"prompt": "turn", "start_image_url": client.upload(picture(), "image/png")})
    finished(handle)
    result = get(handle.response_url)
    assert result.headers["x-fal-billable-units"] == "7.5"  # five seconds, with the audio that is on by default
    assert result.headers["x-fal-request-id"] == handle.request_id
    [entry] = fake.books
    assert (entry.usd, fake.books.usd) == (pytest.approx(0.84), pytest.approx(0.84))
    assert entry.billed


def test_a_model_is_a_whole_glb_with_its_texture_inside(fake, client):
    sent = {"image_urls": [client.upload(picture(), "image/png")], "enable_pbr": True, "target_polycount": 2000}
    result = client.submit(MESHY, sent).get()
    data = get(result["model_glb"]["url"], None).content
    magic, version, length, json_length = struct.unpack("<4sIII", data[:16])
    assert (magic, version, length) == (b"glTF", 2, len(data))
    document = json.loads(data[20 : 20 + json_length])
    assert "normalTexture" in document["materials"][0]
    view = document["bufferViews"][document["images"][0]["bufferView"]]
    start = 28 + json_length + view["byteOffset"]
    with Image.open(io.BytesIO(data[start : start + view["byteLength"]])) as texture:
        assert texture.size == (256, 256)
    assert result["model_urls"]["glb"]["url"] == result["model_glb"]["url"]


def test_a_clip_is_as_long_as_asked(fake, client):
    sent = {"prompt": "turn", "start_image_url": client.upload(picture(), "image/png"), "duration": "3"}
    data = get(client.submit(KLING, sent).get()["video"]["url"], None).content
    assert data[4:8] == b"ftyp"
    at = data.index(b"mvhd")
    rate, duration = struct.unpack(">II", data[at + 16 : at + 24])
    assert duration / rate == 3.0


def test_the_key_goes_to_fal_only_and_nobody_else_is_asked(fake, client):
    client.submit(KONTEXT, kontext(client)).get()
    assert {request.host for request in fake.requests} <= {"queue.fal.run", "rest.fal.ai", "v3.fal.media"}
    assert fake.refused == []
    assert fake.key_leaks == []


def test_another_host_is_turned_away_and_noted(fake):
    with pytest.raises(requests.exceptions.ProxyError):
        requests.get("https://example.org/", timeout=5)
    assert requests.get("http://127.0.0.1:1/secret", timeout=5).status_code == 403
    assert fake.refused == ["example.org", "http://127.0.0.1/secret"]


def test_a_key_sent_to_a_stranger_is_noted(fake):
    fake.add_host("evil.example")
    assert get("https://evil.example/x").status_code == 200
    assert [request.host for request in fake.key_leaks] == ["evil.example"]


# inputs


@pytest.mark.parametrize(
    ("change", "kind", "loc"),
    [
        ({"guidance_scale": 25}, "less_than_equal", ["body", "guidance_scale"]),
        ({"num_inference_steps": 5}, "greater_than_equal", ["body", "num_inference_steps"]),
        ({"num_inference_steps": "28"}, "int_type", ["body", "num_inference_steps"]),
        ({"num_images": True}, "int_type", ["body", "num_images"]),
        ({"output_format": "exr"}, "literal_error", ["body", "output_format"]),
        ({"enable_safety_checker": "yes"}, "bool_type", ["body", "enable_safety_checker"]),
        ({"prompt": None}, "string_type", ["body", "prompt"]),
        ({"image_url": "https://example.org/a.png"}, "file_download_error", ["body", "image_url"]),
        ({"image_url": "data:image/png;base64,AAAA"}, "image_load_error", ["body", "image_url"]),
        ({"image_url": "http://v3.fal.media/files/a.png"}, "file_download_error", ["body", "image_url"]),
    ],
)
def test_a_wrong_argument_is_a_422_at_the_result(fake, client, change, kind, loc):
    handle = client.submit(KONTEXT, kontext(client) | change)
    assert finished(handle).error is None
    with pytest.raises(fal_client.client.FalClientHTTPError) as caught:
        handle.get()
    assert caught.value.status_code == 422
    [detail] = caught.value.message
    assert (detail["type"], detail["loc"]) == (kind, loc)
    assert "input" in detail
    assert fake.books.usd == 0


def test_a_missing_field_echoes_the_whole_input(fake, client):
    handle = client.submit(KONTEXT, {"image_url": "data:image/png;base64,AAAA"})
    finished(handle)
    details = get(handle.response_url).json()["detail"]
    missing = next(detail for detail in details if detail["type"] == "missing")
    assert missing["loc"] == ["body", "prompt"]
    assert missing["input"] == {"image_url": "data:image/png;base64,AAAA"}


def test_unknown_fields_are_ignored_and_noted(fake, client):
    client.submit(KONTEXT, kontext(client) | {"negative_prompt": "blur"}).get()
    assert fake.ignored_fields == {KONTEXT: {"negative_prompt"}}


@pytest.mark.parametrize("prompts", [{}, {"prompt": "a", "multi_prompt": [{"prompt": "a", "duration": "5"}]}])
def test_kling_wants_one_kind_of_prompt(fake, client, prompts):
    handle = client.submit(KLING, prompts | {"start_image_url": client.upload(picture(), "image/png")})
    finished(handle)
    assert get(handle.response_url).status_code == 422


def test_an_unknown_or_retired_endpoint_is_404(fake):
    for endpoint in ("fal-ai/no-such", "fal-ai/kling-video/v1/pro/image-to-video"):
        assert submit(fake, endpoint, {}).status_code == 404
    assert len(fake.books) == 0


# the queue


def test_status_codes_and_too_early(monkeypatch):
    with service(monkeypatch, latency=30.0, concurrency=1) as fake:
        first, second = (submit(fake, "fal-ai/flux/schnell", {"prompt": "a"}).json() for _ in range(2))
        running, queued = (get(body["status_url"]) for body in (first, second))
        assert (running.status_code, running.json()["status"], running.json()["logs"]) == (202, "IN_PROGRESS", None)
        assert (queued.status_code, queued.json()["status"], queued.json()["queue_position"]) == (202, "IN_QUEUE", 0)
        assert get(first["status_url"], params={"logs": "true"}).json()["logs"]
        early = get(first["response_url"])
        assert (early.status_code, early.json()) == (400, {"detail": "Request is still in progress"})
        until_made(fake)
        fake.advance(31)
        assert get(first["status_url"]).status_code == 200
        assert get(second["status_url"]).json()["status"] == "IN_PROGRESS"


def until_made(fake: FakeFal) -> None:
    for _ in range(500):
        if all(job.outcome is not None for job in fake.queue.jobs()):
            return
        time.sleep(0.01)
    raise AssertionError("nothing was made")


def test_full_endpoint_paths_do_not_work_for_status(fake):
    body = submit(fake, KONTEXT, {}).json()
    assert get(f"https://queue.fal.run/{KONTEXT}/requests/{body['request_id']}/status").status_code == 405


def test_cancel(monkeypatch):
    with service(monkeypatch, latency=30.0, concurrency=1) as fake:
        running, queued = (submit(fake, "fal-ai/flux/schnell", {"prompt": "a"}).json() for _ in range(2))

        def cancel(body):
            return requests.put(body["cancel_url"], headers=headers(), timeout=20)

        assert (cancel(queued).status_code, cancel(queued).status_code) == (200, 400)
        asked = cancel(running)
        assert (asked.status_code, asked.json()) == (202, {"status": "CANCELLATION_REQUESTED"})
        nowhere = running["cancel_url"].replace(running["request_id"], "0" * 8 + running["request_id"][8:])
        assert cancel({"cancel_url": nowhere}).status_code == 404
        until_made(fake)
        fake.advance(31)
        assert [(entry.billed, entry.cancelled) for entry in fake.books] == [(True, True), (False, True)]
        assert get(queued["status_url"]).json()["error_type"] == "client_cancelled"


def test_results_expire_after_an_hour(fake):
    body = submit(fake, "fal-ai/flux/schnell", {"prompt": "a"}).json()
    fake.wait()
    fake.advance(3500)
    assert get(body["response_url"]).status_code == 200
    fake.advance(200)
    gone = get(body["response_url"])
    assert (gone.status_code, gone.json()) == (404, {"status": "NOT_FOUND"})


def test_waiting_too_long_to_start_is_a_504_that_is_not_billed(monkeypatch):
    with service(monkeypatch, latency=30.0, concurrency=1) as fake:
        submit(fake, "fal-ai/flux/schnell", {"prompt": "a"})
        late = submit(fake, "fal-ai/flux/schnell", {"prompt": "a"}, **{"X-Fal-Request-Timeout": "5.0"}).json()
        fake.advance(6)
        assert get(late["status_url"]).json()["error_type"] == "request_timeout"
        result = get(late["response_url"])
        assert (result.status_code, result.headers["x-fal-request-timeout-type"]) == (504, "user")
        assert fake.books.entry(late["request_id"]).usd == 0


def test_the_direct_door_waits_for_the_answer(fake, client):
    assert client.run("fal-ai/flux/schnell", {"prompt": "a", "seed": 3})["seed"] == 3


# keys


@pytest.mark.parametrize(
    ("sent", "status", "words"),
    [
        ({}, 401, "Authentication is required"),
        ({"Authorization": "Key nonsense"}, 401, "Invalid Key Authorization header format"),
        ({"Authorization": "Bearer a:b"}, 401, "Invalid Key Authorization header format"),
        ({"Authorization": "Key a:b"}, 401, "No user found for Key ID and Secret"),
    ],
)
def test_keys_are_refused_in_fals_words(fake, sent, status, words):
    queue = requests.post(f"https://queue.fal.run/{KONTEXT}", json={}, headers=sent, timeout=20)
    assert queue.status_code == status
    assert words in queue.json()["detail"]
    price = requests.get(PRICING, params={"endpoint_id": KONTEXT}, headers=sent, timeout=20)
    assert (price.status_code, price.json()["error"]["type"]) == (status, "authorization_error")


def test_a_locked_account_can_look_but_not_buy(fake):
    fake.keys[API_KEY].locked = True
    refused = submit(fake, KONTEXT, {})
    assert refused.status_code == 403
    assert refused.json()["detail"].startswith("User is locked. Reason: Exhausted balance")
    assert get(PRICING, params={"endpoint_id": KONTEXT}).status_code == 200


# storage


def test_an_upload_comes_back_whole_and_in_ranges(fake, client):
    data = bytes(range(256)) * 40
    url = client.upload(data, "application/octet-stream", "a b/../c.bin")
    assert get(url, None).content == data
    part = get(url, None, stream=False) and requests.get(url, headers={"Range": "bytes=10-19"}, timeout=20)
    assert (part.status_code, part.content) == (206, data[10:20])
    assert requests.get(url, headers={"Range": "bytes=999999-"}, timeout=20).status_code == 416
    assert fake.storage.uploads[0].data == data


def test_an_upload_with_a_lifetime_is_gone_after_it(fake, client):
    url = client.upload(b"x", "text/plain", lifecycle=fal_client.StorageSettings(expires_in="1h"))
    fake.advance(3700)
    assert get(url, None).status_code == 404


def test_parts_are_put_together(fake, client, monkeypatch):
    monkeypatch.setattr("fal_client.client.MULTIPART_THRESHOLD", 1000)
    monkeypatch.setattr("fal_client.client.MULTIPART_CHUNK_SIZE", 700, raising=False)
    data = bytes(range(251)) * 10
    assert get(client.upload(data, "application/octet-stream"), None).content == data
    assert fake.of("complete")


def test_the_fallback_upload_leaks_the_key_and_the_fake_sees_it(fake, client):
    fake.faults.add("upload", "http_500")
    url = client.upload(picture(), "image/png", repository="fal_v3", fallback_repository="fal")
    assert get(url, None).content == picture()
    assert [request.host for request in fake.key_leaks] == ["storage.googleapis.com"]


# the platform


def test_prices_are_a_list_with_the_base_price(monkeypatch):
    with service(monkeypatch, prices={KONTEXT: 0.031, KLING: (0.2, "seconds")}):
        repeated = get(PRICING, params={"endpoint_id": [KONTEXT, KLING]}).json()
        assert repeated == get(PRICING, params={"endpoint_id": f"{KONTEXT},{KLING}"}).json()
        assert repeated["prices"] == [
            {"endpoint_id": KONTEXT, "unit_price": 0.031, "unit": "images", "currency": "USD"},
            {"endpoint_id": KLING, "unit_price": 0.2, "unit": "seconds", "currency": "USD"},
        ]
        unknown = get(PRICING, params={"endpoint_id": "fal-ai/nothing"})
        assert (unknown.status_code, unknown.json()["error"]["type"]) == (404, "not_found")
        assert get(PRICING).status_code == 400


def test_an_estimate_multiplies(fake):
    body = {"estimate_type": "unit_price", "endpoints": {KONTEXT: {"unit_quantity": 4}}}
    got = requests.post(f"{PRICING}/estimate", json=body, headers=headers(), timeout=20)
    assert got.json() == {"estimate_type": "unit_price", "total_cost": 0.1, "currency": "USD"}


def test_usage_needs_an_admin_key(fake, client):
    client.submit(KONTEXT, kontext(client)).get()
    usage = "https://api.fal.ai/v1/models/usage"
    assert get(usage).status_code == 403
    assert get(usage, ADMIN_KEY).json()["usage"][0]["cost_total"] == 0.025


def test_requests_can_be_found_again_by_endpoint(fake, client):
    lost = kontext(client)
    fake.faults.add("submit", "lost_answer")
    with pytest.raises(requests.ConnectionError):
        submit(fake, KONTEXT, lost)
    fake.wait()
    url = "https://api.fal.ai/v1/models/requests/by-endpoint"
    [item] = get(url, params={"endpoint_id": KONTEXT, "expand": "payloads"}).json()["items"]
    assert (item["json_input"], item["status_code"], item["endpoint_id"]) == (lost, 200, KONTEXT)
    assert item["json_output"]["images"][0]["url"].startswith("https://v3b.fal.media/")
    assert "json_input" not in get(url, params={"endpoint_id": KONTEXT}).json()["items"][0]
    assert get(url, ADMIN_KEY, params={"endpoint_id": KONTEXT}).json()["items"] == []


def test_models_can_be_listed_with_their_schema(fake):
    url = "https://api.fal.ai/v1/models"
    [model] = get(url, params={"endpoint_id": KONTEXT, "expand": "openapi-3.0"}).json()["models"]
    schema = model["openapi"]["components"]["schemas"]["Input"]
    assert schema["required"] == ["prompt", "image_url"]
    assert schema["properties"]["guidance_scale"] == {"type": "number", "minimum": 1, "maximum": 20}
    assert get(url, params={"limit": 5}).json()["has_more"]


# faults


def test_a_lost_answer_is_submitted_twice_by_fal_client(fake, client):
    fake.faults.add("submit", "lost_answer")
    client.submit("fal-ai/flux/schnell", {"prompt": "a"}).get()
    assert len(fake.wait().billed) == 2


@pytest.mark.parametrize("kind", ["drop_before", "nginx_502", "nginx_503", "http_429", "http_408", "connect_refused"])
def test_fal_client_gets_over_a_passing_fault(fake, client, kind):
    fault = fake.faults.add("connect" if kind == "connect_refused" else "submit", kind)
    client.submit("fal-ai/flux/schnell", {"prompt": "a"}).get()
    assert fault.hits == 1
    assert len(fake.wait().billed) == 1


@pytest.mark.parametrize(
    ("kind", "options", "status"),
    [
        ("content_policy", {}, 422),
        ("no_media", {}, 422),
        ("invalid_input", {}, 422),
        ("job_error", {}, 500),
        ("job_error", {"status": 503, "error_type": "runner_disconnected"}, 503),
        ("queue_timeout", {}, 504),
    ],
)
def test_a_job_can_be_made_to_fail(fake, client, kind, options, status):
    fake.faults.add("submit:fal-ai/flux/*", kind, **options)
    handle = client.submit("fal-ai/flux/schnell", {"prompt": "a"})
    completed = finished(handle)
    assert (completed.error_type is not None) == (status >= 500)
    assert get(handle.response_url).status_code == status
    assert fake.books.usd == 0


def test_a_policy_refusal_can_be_billed(monkeypatch):
    with service(monkeypatch, bill_refused=True, prices={"fal-ai/flux/schnell": 0.01}) as fake:
        fake.faults.add("submit", "content_policy")
        submit(fake, "fal-ai/flux/schnell", {"prompt": "a"})
        assert fake.wait().usd == 0.01


def test_downloads_go_wrong_in_every_way(fake, client):
    url = client.submit("fal-ai/flux/schnell", {"prompt": "a", "output_format": "png"}).get()["images"][0]["url"]
    good = get(url, None).content

    def spoilt(kind: str, **options) -> requests.Response:
        fake.faults.add("download:fal-ai/flux/*", kind, **options)
        return get(url, None, allow_redirects=False)

    with pytest.raises(requests.RequestException):
        spoilt("truncated")
    with pytest.raises(requests.RequestException):
        spoilt("huge_length")
    assert spoilt("cut_short").content == good[: len(good) // 2]
    assert spoilt("wrong_type").headers["content-type"] == "text/html"
    assert spoilt("wrong_bytes").content.startswith(b"<html>")
    assert spoilt("redirect").headers["location"].startswith("http://127.0.0.1:")
    assert spoilt("redirect_loop").headers["location"] == url
    assert spoilt("gone").status_code == 404
    bomb = spoilt("png_bomb").content
    assert struct.unpack(">II", bomb[16:24]) == (40_000, 40_000)
    assert len(bomb) < 2_000_000
    fake.faults.add("download", "endless")
    with get(url, None, stream=True) as endless:
        assert sum(len(piece) for _, piece in zip(range(400), endless.iter_content(65_536), strict=False)) > 10_000_000
    assert get(url, None).content == good


def test_outputs_can_point_anywhere(fake, client):
    fake.faults.add("submit", "output_url", url="file:///etc/passwd")
    fake.faults.add("submit", "output_file_name", file_name="../../x.png")
    fake.faults.add("submit", "nsfw")
    fake.faults.add("submit", "wrong_size")
    url, name, nsfw, wrong = (client.submit(KONTEXT, kontext(client)).get() for _ in range(4))
    assert url["images"][0]["url"] == "file:///etc/passwd"
    assert name["images"][0]["file_name"] == "../../x.png"
    assert nsfw["has_nsfw_concepts"] == [True]
    assert (wrong["images"][0]["width"], wrong["images"][0]["height"]) != (128, 96)


def test_broken_answers(fake, client):
    handle = client.submit("fal-ai/flux/schnell", {"prompt": "a"})
    fake.faults.add("status", "unknown_status")
    with pytest.raises(ValueError, match="PAUSED"):
        handle.status()
    fake.faults.add("status", "broken_json")
    with pytest.raises(json.JSONDecodeError):
        handle.status()
    fake.faults.add("status", "drop_mid_body")
    with pytest.raises(requests.RequestException):
        get(handle.status_url)
    fake.faults.add("result", "not_found", skip=1)
    finished(handle)
    assert [get(handle.response_url).status_code for _ in range(3)] == [200, 404, 200]


def test_a_hang_ends_with_drop_all(fake):
    fake.faults.add("submit", "hang")
    threading.Timer(0.2, fake.drop_all).start()
    started = time.monotonic()
    with pytest.raises(requests.ConnectionError):
        submit(fake, KONTEXT, {})
    assert time.monotonic() - started < 5


def test_a_slow_answer_drips(fake):
    fake.faults.add("pricing", "slow", seconds=0.4)
    started = time.monotonic()
    assert get(PRICING, params={"endpoint_id": KONTEXT}).status_code == 200
    assert time.monotonic() - started >= 0.35


def test_offline_refuses_and_comes_back(fake):
    with fake.offline(), pytest.raises(httpx.ConnectError):
        httpx.get("https://fal.run/", timeout=5)
    assert get(PRICING, params={"endpoint_id": KONTEXT}).status_code == 200


def test_a_misspelt_fault_is_an_error(fake):
    with pytest.raises(ValueError, match="no fault 'lost-answer'"):
        fake.faults.add("submit", "lost-answer")
    with pytest.raises(ValueError, match="no option secs"):
        fake.faults.add("submit", "hang", secs=1)


# as a whole


def test_forty_customers_at_once(fake):
    statuses = []

    def one() -> None:
        statuses.append(submit(fake, "fal-ai/flux/schnell", {"prompt": "a", "image_size": "square"}).status_code)

    threads = [threading.Thread(target=one) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 40
    assert len(fake.wait().billed) == 40


def test_no_more_run_at_once_than_the_key_allows(monkeypatch):
    with service(monkeypatch, latency=5.0, concurrency=2) as fake:
        for _ in range(5):
            submit(fake, "fal-ai/flux/schnell", {"prompt": "a", "image_size": "square"})
        until_made(fake)
        assert [entry.state for entry in fake.books].count("IN_PROGRESS") == 2
        fake.advance(16)
        spans = sorted((entry.started_at, entry.finished_at) for entry in fake.wait())
        assert spans[2][0] == pytest.approx(spans[0][1])
        assert spans[4][0] == pytest.approx(spans[2][1])


def test_the_control_door(fake):
    control = Control(fake)
    plain = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def call(path: str, body: dict | None = None) -> dict:
        data = None if body is None else json.dumps(body).encode()
        with plain.open(urllib.request.Request(control.url + path, data), timeout=5) as answer:
            return json.load(answer)

    try:
        call("/faults", {"match": "pricing", "kind": "http_500"})
        call("/prices", {KONTEXT: 0.5})
        assert call("/state")["faults"] == [{"match": "pricing", "kind": "status", "times": 1}]
        assert get(PRICING, params={"endpoint_id": KONTEXT}).status_code == 500
        assert get(PRICING, params={"endpoint_id": KONTEXT}).json()["prices"][0]["unit_price"] == 0.5
        call("/key", {"secret": API_KEY, "locked": True})
        assert submit(fake, KONTEXT, {}).status_code == 403
        with pytest.raises(urllib.error.HTTPError) as caught:
            call("/faults", {"match": "pricing", "kind": "nonsense"})
        assert caught.value.code == 400
        caught.value.close()
    finally:
        control.close()


def test_by_hand_in_its_own_process():
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "tests.fake_fal", "--json"]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            environment = json.loads(process.stdout.readline())
            proxies = {"https": environment["HTTPS_PROXY"]}
            got = requests.get(
                PRICING,
                params={"endpoint_id": KONTEXT},
                headers=headers(environment["FAL_KEY"]),
                proxies=proxies,
                verify=environment["SSL_CERT_FILE"],
                timeout=20,
            )
            assert got.json()["prices"][0]["unit_price"] == 0.025
        finally:
            process.terminate()
        assert "billed: 0.0000 USD" in process.stderr.read()
    assert process.returncode == 0


def test_a_stalled_download_is_silent_until_cut(fake, client):
    url = client.submit("fal-ai/flux/schnell", {"prompt": "a"}).get()["images"][0]["url"]
    fake.faults.add("download", "stall")
    with pytest.raises(requests.RequestException, match="timed out"):
        requests.get(url, timeout=0.3)


def test_every_endpoint_makes_what_it_says_from_its_required_fields_alone(monkeypatch):
    with service(monkeypatch, latency=0.0, clip_side=32, concurrency=100) as fake:
        uri = "data:image/png;base64," + base64.b64encode(picture((400, 400))).decode()
        values = {"prompt": "a vase", "image_urls": [uri, uri], "model": "google/gemini-2.5-flash"}
        values["keyframes"] = [{"image_url": uri, "frame_index": 0}]
        for name, endpoint in fake.endpoints.items():
            arguments = {field: values.get(field, uri) for field in endpoint.schema["required"]}
            if endpoint.rule is not None and endpoint.makes == "video":
                arguments["prompt"] = "turn"
            if "image_size" in endpoint.fields and "seedream" not in name:
                arguments["image_size"] = "square"
            assert submit(fake, name, arguments).status_code == 200
        for entry in fake.wait(120):
            assert (entry.endpoint, entry.status_code) == (entry.endpoint, 200)
            assert entry.usd > 0
        member = {"picture": "images", "model": "model_glb", "video": "video", "words": "output"}
        shaped = {"mesh": "model_mesh", "one": "image", "masks": "masks"}
        for job in fake.queue.jobs():
            wanted = shaped.get(job.endpoint.shape) or member[job.endpoint.makes]
            assert wanted in json.loads(job.outcome.body)
