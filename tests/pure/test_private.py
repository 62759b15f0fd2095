# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The key is found nowhere but where the user put it."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from consistency_pipeline.fal_backend import errors, prices
from consistency_pipeline.fal_backend.backend import FalBackend
from consistency_pipeline.fal_backend.child.questions import check_key
from consistency_pipeline.fal_backend.service.client import FalQueue
from consistency_pipeline.pipeline.driver import PAUSE, finish
from consistency_pipeline.pipeline.redaction import hide
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from tests.fake_fal import API_KEY, FakeFal

from .shop import buy_one, kinds, new_folder, stills
from .stand_in import png

pytestmark = pytest.mark.by_turns

SECRET = API_KEY.split(":")[1]


def holds_key(data: bytes) -> bool:
    return API_KEY.encode() in data or SECRET.encode() in data


def on_disk(*roots: Path) -> list[Path]:
    return [path for root in roots for path in root.rglob("*") if path.is_file() and holds_key(path.read_bytes())]


def test_the_key_is_in_no_file(folder: RunFolder, fake: FakeFal, tmp_path: Path, near: None):
    fake.fault("submit", "status", status=422, detail=f"unknown field {API_KEY}")  # fal's own words may echo it
    assert buy_one(folder).kind == "failed"
    assert buy_one(folder).kind == "done"
    desk_prices = prices.fetch(API_KEY, ["fal-ai/flux-kontext/dev"])
    folder.note(prices=desk_prices)
    assert on_disk(tmp_path) == []


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_key_is_in_no_process_list(folder: RunFolder, fake: FakeFal, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("FAL_KEY")  # the user typed it into the preferences
    fake.latency = 60.0
    backend = FalBackend(folder, API_KEY)
    try:
        backend.start(stills(folder)[0])
        deadline = time.monotonic() + 30
        while not fake.of("status"):
            assert time.monotonic() < deadline
            backend.poll(0.05)
        process = Path(f"/proc/{backend._connection.pid}")
        assert not holds_key((process / "cmdline").read_bytes())
        assert not holds_key((process / "environ").read_bytes())
        assert "FAL_KEY" not in os.environ
        fake.advance(100)
        while not any(event.ends for event in backend.poll(0.1)):
            assert time.monotonic() < deadline
    finally:
        backend.close()


@pytest.mark.parametrize("where", ["submit", "status", "result", "pricing"])
def test_an_echo_of_the_key_reaches_nobody(fake: FakeFal, where: str):
    hide(API_KEY)  # as the child does first of all
    fake.fault(where, "status", status=422, detail=f"bad header: Key {API_KEY} / {SECRET}", times=None)
    queue = FalQueue(API_KEY)
    image = queue.upload(png(), "image/png", "a.png")
    with pytest.raises(errors.FalError) as failed:  # noqa: PT012
        if where == "pricing":
            prices.check_key(API_KEY)
        handle = queue.submit("fal-ai/flux-kontext/dev", {"prompt": "a", "image_url": image})
        queue.standing(handle)
        queue.answer(handle)
    queue.close()
    assert not holds_key(str(failed.value).encode())
    assert not holds_key(json.dumps(errors.to_json(failed.value)).encode())
    assert "bad header" in str(getattr(failed.value, "refusal", None) or failed.value)


def test_a_child_of_its_own_neither_writes_nor_says_an_echo(folder: RunFolder, fake: FakeFal, tmp_path: Path):
    """What it says is looked at as it comes, before this process could hide anything."""
    fake.fault("submit", "invalid_input", detail=f"Authorization: Key {API_KEY}", billed=True)
    backend = FalBackend(folder, API_KEY)
    said: list[dict] = []
    try:
        backend.start(stills(folder)[0])
        while not any(word.get("kind") in ("done", "failed") for word in said):
            said += backend._connection.read(0.1)
    finally:
        backend.close()
    assert "Authorization: Key ***" in said[-1]["text"]
    assert not holds_key(json.dumps(said).encode())
    assert "Authorization: Key ***" in folder.journal.read_text(encoding="utf-8")
    assert on_disk(tmp_path) == []


def test_an_address_that_repeats_the_key_is_not_written_down(
    folder: RunFolder, fake: FakeFal, tmp_path: Path, near: None
):
    fake.fault("submit", "output_url", url=f"https://v3.fal.media/files/{SECRET}.png")
    assert not holds_key(buy_one(folder).text.encode())
    assert "result" in kinds(folder)
    assert on_disk(tmp_path) == []


def test_a_log_line_is_cut_after_the_key_is_taken_out(fake: FakeFal):
    hide(API_KEY)
    queue = FalQueue(API_KEY)
    image = queue.upload(png(), "image/png", "a.png")
    handle = queue.submit("fal-ai/flux-kontext/dev", {"prompt": "a", "image_url": image})
    line = "x" * (204 - len(API_KEY)) + API_KEY
    fake.fault("status", "odd", merge={"status": "IN_PROGRESS", "logs": [{"message": line}]})
    assert SECRET[:-4] not in queue.standing(handle).log
    queue.close()


def test_the_childs_own_surprises_say_nothing_they_should_not(
    folder: RunFolder, fake: FakeFal, near: None, monkeypatch: pytest.MonkeyPatch
):
    def explode(*_given: object) -> None:
        raise RuntimeError(f"could not authorize {API_KEY}")

    monkeypatch.setattr(FalQueue, "submit", explode)
    event = buy_one(folder)
    assert event.kind == "failed"
    assert not holds_key(event.text.encode())
    assert "RuntimeError at test_private.py" in event.text


def test_only_fal_sees_the_key(folder: RunFolder, fake: FakeFal, near: None):
    buy_one(folder)
    assert not fake.key_leaks
    assert not fake.refused
    assert {request.host for request in fake.requests if request.key == API_KEY} <= {
        "queue.fal.run",
        "rest.fal.ai",
        "api.fal.ai",
    }


def test_private_asks_fal_to_keep_nothing(tmp_path: Path, fake: FakeFal, near: None):
    assert buy_one(new_folder(tmp_path / "private", private=True)).kind == "done"
    [submitted] = fake.of("submit")
    assert submitted.headers["x-fal-store-io"] == "0"
    assert json.loads(submitted.headers["x-fal-object-lifecycle-preference"]) == {"expiration_duration_seconds": 86400}
    [uploaded] = fake.storage.uploads
    assert uploaded.lifecycle["expiration_duration_seconds"] == 86400


def test_otherwise_nothing_of_the_kind_is_asked(folder: RunFolder, fake: FakeFal, near: None):
    buy_one(folder)
    [submitted] = fake.of("submit")
    assert "x-fal-store-io" not in submitted.headers
    assert fake.storage.uploads[0].lifecycle == {}


def test_a_private_upload_is_not_reused_for_longer_than_it_lives_nor_by_others(
    tmp_path: Path, fake: FakeFal, near: None
):
    folder = new_folder(tmp_path / "run")
    buy_one(folder)
    folder.settings = folder.settings.model_copy(update={"private": True})
    folder.new_round("photoreal/front")
    buy_one(folder)
    assert len(fake.storage.uploads) == 2


def test_a_question_outside_a_run_is_as_discreet(fake: FakeFal):
    finish(check_key(API_KEY), PAUSE)
    fake.keys.clear()
    with pytest.raises(errors.BadKey) as refused:
        finish(check_key(API_KEY), PAUSE)
    assert not holds_key(str(refused.value).encode())
