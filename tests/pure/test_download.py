# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A bought file arrives whole, without the key, from public addresses only, or an error says what to do."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from consistency_pipeline.fal_backend.errors import BadDownload, Expired, FalError, Unreachable, UnsafeAnswer
from consistency_pipeline.fal_backend.service import download, web
from consistency_pipeline.pipeline.errors import RunFolderError
from tests.fake_fal import API_KEY, FakeFal, media

from .stand_in import png

pytestmark = pytest.mark.by_turns

Put = Callable[..., str]
PICTURE = png()


@pytest.fixture
def put(fake: FakeFal, monkeypatch: pytest.MonkeyPatch) -> Put:
    """Puts a file on fal's CDN; its address."""
    monkeypatch.setattr(download, "FIRST_PAUSE", 0.01)
    save = fake.storage.saver("fal-ai/flux-kontext/dev")
    return lambda data=PICTURE, kind="image/png", name="a.png": save(data, kind, name)["url"]


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_good_file_arrives_with_its_receipt(put: Put, fake: FakeFal, tmp_path: Path):
    got = download.fetch(put(), tmp_path / "out" / "front.png", "image/png")
    assert got.path.read_bytes() == png()
    assert got.bytes == len(png())
    assert left(tmp_path / "out") == ["front.png"]
    assert not any(API_KEY in str(request.headers) for request in fake.of("download"))


def test_a_jpeg_is_not_called_png(put: Put, tmp_path: Path):
    got = download.fetch(put(media.photo((64, 64)), "image/png"), tmp_path / "front.png", "image/png")
    assert got.path == tmp_path / "front.jpg"
    assert got.media == "image/jpeg"


@pytest.mark.parametrize(
    "fault",
    [
        "truncated",
        "cut_short",
        "wrong_bytes",
        "png_bomb",
        "huge_length",
        "drop_mid_body",
        "drop_before",
        "http_500",
        "nginx_502",
        "http_429",
        "gone",
    ],
)
def test_a_fault_that_passes_is_outlived(put: Put, fake: FakeFal, tmp_path: Path, fault: str):
    url = put()
    happened = fake.fault("download", fault)
    assert download.fetch(url, tmp_path / "front.png", "image/png").path.read_bytes() == png()
    assert happened.hits == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("truncated", FalError),
        ("cut_short", BadDownload),
        ("wrong_bytes", BadDownload),
        ("png_bomb", BadDownload),
        ("gone", Expired),
        ("private_redirect", UnsafeAnswer),
        ("redirect_loop", UnsafeAnswer),
        ("http_403", Expired),
        ("http_500", BadDownload),
    ],
)
def test_a_fault_that_stays_is_said_and_leaves_nothing(
    put: Put, fake: FakeFal, tmp_path: Path, fault: str, error: type[FalError]
):
    url = put()
    fake.fault("download", fault, times=None)
    with pytest.raises(error):
        download.fetch(url, tmp_path / "out" / "front.png", "image/png")
    assert left(tmp_path / "out") == []
    assert not fake.refused  # nothing outside fal was even contacted


@pytest.mark.parametrize("fault", ["endless", "huge_length"])
def test_an_endless_body_is_cut_off(
    put: Put, fake: FakeFal, tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch
):
    url = put()
    fake.fault("download", fault, times=None)
    monkeypatch.setitem(download.verify.LARGEST_FILE, "image", 1 << 20)
    with pytest.raises((UnsafeAnswer, Unreachable, BadDownload)):
        download.fetch(url, tmp_path / "front.png", "image/png")
    assert left(tmp_path) == []


@pytest.mark.parametrize("fault", ["slow", "hang"])
def test_a_deadline_ends_a_body_that_drips_and_headers_that_never_come(
    put: Put, fake: FakeFal, tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch
):
    url = put()
    fake.fault("download", fault, times=None, seconds=20.0)  # after which it would have come
    monkeypatch.setattr(download, "SLOWEST", 0.5)
    with pytest.raises(Unreachable, match=r"within 0\.5 s; resume"):
        download.fetch(url, tmp_path / "out" / "front.png", "image/png")
    assert left(tmp_path / "out") == []


@pytest.mark.parametrize("fault", ["slow", "hang"])
def test_a_list_that_drips_is_given_up_too(fake: FakeFal, fault: str, monkeypatch: pytest.MonkeyPatch):
    fake.fault("pricing", fault, times=None, seconds=20.0)
    monkeypatch.setattr(web, "SLOWEST", 0.5)
    with pytest.raises(Unreachable, match=r"within 0\.5 s"):
        web.get("models/pricing", API_KEY, [("endpoint_id", "fal-ai/flux-kontext/dev")])


@pytest.mark.parametrize(
    "to", ["http://v3.fal.media/a.png", "https://10.0.0.1/a.png", "file:///etc/passwd", "//localhost/a.png"]
)
def test_a_redirect_must_lead_somewhere_public_too(put: Put, fake: FakeFal, tmp_path: Path, to: str):
    url = put()
    fake.fault("download", "redirect", to=to, times=None)
    with pytest.raises(UnsafeAnswer, match="not opened"):
        download.fetch(url, tmp_path / "front.png", "image/png")
    assert not fake.refused


def test_a_redirect_to_another_public_place_is_followed(put: Put, fake: FakeFal, tmp_path: Path):
    url = put()
    fake.fault("download", "redirect", to=url.replace("v3b.", "v3."))
    download.fetch(url, tmp_path / "front.png", "image/png")
    assert [request.host for request in fake.of("download")] == ["v3b.fal.media", "v3.fal.media"]


def test_a_public_name_for_a_private_address_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: [(2, 1, 6, "", ("192.168.1.1", 443))])
    monkeypatch.setattr(requests, "get", lambda *_a, **_k: pytest.fail("it was opened"))
    with pytest.raises(UnsafeAnswer):
        download.fetch("https://innocent.example/a.png", tmp_path / "front.png", "image/png")


def test_without_a_network_it_says_so(put: Put, fake: FakeFal, tmp_path: Path):
    url = put()
    with fake.offline(), pytest.raises(Unreachable, match="resume") as error:
        download.fetch(url, tmp_path / "front.png", "image/png")
    assert error.value.exit_status == 75


def test_a_folder_that_cannot_be_written_is_said_and_an_old_file_stays(put: Put, tmp_path: Path):
    (tmp_path / "photoreal").write_bytes(b"in the way")
    with pytest.raises(RunFolderError, match="then resume to fetch it again"):
        download.fetch(put(), tmp_path / "photoreal" / "front.png", "image/png")
