# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every fault of the service in the child's path: bought through the backend and its real child process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from consistency_pipeline.fal_backend import errors
from consistency_pipeline.pipeline.money.ledger import Ledger
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from tests.fake_fal import FakeFal

from .shop import KONTEXT, agrees, buy, buy_one, clip, kinds, model, new_folder, purchases, stills, with_prices

pytestmark = [
    pytest.mark.by_turns,
    pytest.mark.usefixtures("near"),
]  # test_resume, test_cancel and test_private use a process

KEY = "photoreal/front/take-01"
Fault = tuple[str, str, dict]


def no_parts(folder: RunFolder) -> bool:
    return not list(folder.root.rglob("*.part"))


def test_stills_a_model_and_a_clip_are_bought_once_each(folder: RunFolder, fake: FakeFal):
    several = [model(folder), clip(folder)]
    requests = [*stills(folder, *(angle.name for angle in folder.settings.studio.angles)), *several]
    ended = buy(with_prices(folder, several), requests)
    assert {event.kind for event in ended.values()} == {"done"}
    assert all(request.out.is_file() for request in requests)
    assert len(fake.books) == len(fake.of("submit")) == 7
    agrees(folder, fake)
    assert not fake.refused
    assert not fake.key_leaks
    assert not fake.ignored_fields


# faults that pass by themselves: the purchase is made once, and arrives


@pytest.mark.parametrize(
    "faults",
    [
        [("token", "nginx_502", {})],
        [("upload", "drop_before", {}), ("upload", "http_429", {})],
        [("submit", "http_429", {"times": 2})],
        [
            ("status", "broken_json", {}),
            ("status", "unknown_status", {"skip": 1}),
            ("status", "nginx_503", {"skip": 2}),
        ],
        [("status", "http_500", {}), ("status", "http_429", {"skip": 1}), ("status", "lost_answer", {"skip": 2})],
        [("status", "bad_key", {}), ("status", "not_found", {"skip": 2})],
        [("result", "nginx_502", {}), ("result", "broken_json", {"skip": 1}), ("result", "http_500", {"skip": 2})],
        [("result", "not_found", {}), ("result", "drop_mid_body", {"skip": 1}), ("result", "http_429", {"skip": 2})],
        [("result", "bad_key", {})],
        [("download", "truncated", {}), ("download", "wrong_bytes", {"skip": 1}), ("download", "gone", {"skip": 2})],
        [("download", "png_bomb", {}), ("download", "drop_mid_body", {"skip": 1})],
        [("connect:queue.fal*", "drop_at_connect", {"skip": 1})],
    ],
    ids=lambda faults: "+".join(f"{where}-{kind}" for where, kind, _ in faults),
)
def test_a_fault_that_passes_costs_nothing(folder: RunFolder, fake: FakeFal, faults: list[Fault]):
    for where, kind, options in faults:
        fake.fault(where, kind, **options)
    event = buy_one(folder)
    assert (event.kind, event.billed_usd) == ("done", 0.025)
    assert len(fake.books) == 1
    agrees(folder, fake)
    assert no_parts(folder)


@pytest.mark.parametrize(
    "fault",
    [("job_error", {}), ("job_error", {"status": 503, "error_type": "runner_disconnected"}), ("queue_timeout", {})],
    ids=lambda fault: fault[0] + str(fault[1].get("status", "")),
)
def test_what_fal_does_not_bill_is_asked_for_again(folder: RunFolder, fake: FakeFal, fault: tuple[str, dict]):
    fake.fault("submit", fault[0], **fault[1])
    assert buy_one(folder).kind == "done"
    assert [entry.billed for entry in fake.wait()] == [False, True]
    agrees(folder, fake)


# a lost answer


@pytest.mark.parametrize("fault", ["lost_answer", "drop_mid_body", "nginx_502", "http_500", "broken_json"])
def test_a_lost_answer_is_found_in_fals_own_list_and_never_sent_again(folder: RunFolder, fake: FakeFal, fault: str):
    fake.fault("submit", fault, **({"handled": True} if fault.startswith(("nginx", "http")) else {}))
    assert buy_one(folder).kind == "done"
    assert kinds(folder)[:3] == ["intended", "uncertain", "submitted"]
    assert len(fake.of("submit")) == 1
    agrees(folder, fake)


def test_two_lost_takes_with_the_same_words_each_find_their_own(tmp_path: Path, fake: FakeFal):
    folder = new_folder(tmp_path / "takes", takes=2)
    fake.fault("submit", "lost_answer", times=2)
    ended = buy(folder, stills(folder))
    assert [event.kind for event in ended.values()] == ["done", "done"]
    assert len(fake.of("submit")) == len({event.request_id for event in ended.values()}) == 2
    agrees(folder, fake)


def test_a_lost_answer_that_cannot_be_looked_up_is_left_to_the_user(folder: RunFolder, fake: FakeFal):
    fake.fault("submit", "lost_answer")
    fake.fault("requests", "http_403", times=None)
    event = buy_one(folder)
    assert isinstance(event.error, errors.Uncertain)
    assert "--send-again" in event.text
    assert len(fake.books) == 1

    again = buy_one(folder)  # a resume asks again, and sends nothing
    assert isinstance(again.error, errors.Uncertain)
    assert "$0.025 at stake" in again.text
    assert len(fake.of("submit")) == 1
    assert Ledger.read([folder.root]).uncertain_usd == 0.025

    fake.faults.clear()  # now the key may read the list
    assert buy_one(folder).kind == "done"
    assert len(fake.of("submit")) == 1
    agrees(folder, fake)


def test_only_the_user_sends_an_uncertain_request_again(folder: RunFolder, fake: FakeFal):
    fake.fault("submit", "drop_before")  # it never arrived, but nobody here can know
    assert isinstance(buy_one(folder).error, errors.Uncertain)
    assert isinstance(buy_one(folder).error, errors.Uncertain)
    assert len(fake.books) == 0
    assert buy_one(folder, send_again=True).kind == "done"
    assert len(fake.books) == 1
    ledger = Ledger.read([folder.root])
    assert (ledger.billed_usd, ledger.uncertain_usd) == (0.025, 0.025)  # the given-up one goes on counting


def test_send_again_does_not_send_while_the_list_cannot_be_asked(folder: RunFolder, fake: FakeFal):
    fake.fault("submit", "lost_answer")
    fake.fault("requests", "nginx_502", times=4)
    assert isinstance(buy_one(folder).error, errors.Uncertain)
    assert buy_one(folder, send_again=True).kind == "done"
    assert len(fake.of("submit")) == 1
    agrees(folder, fake)


# refusals


@pytest.mark.parametrize(
    ("fault", "options", "error"),
    [
        ("bad_key", {}, errors.BadKey),
        ("locked", {}, errors.EmptyBalance),
        ("http_403", {}, errors.Forbidden),
        ("status", {"status": 404}, errors.UnknownEndpoint),
        ("status", {"status": 422, "detail": "no"}, errors.InvalidInput),
        ("http_409", {}, errors.Unreachable),
        ("http_429", {}, errors.Unreachable),
    ],
)
def test_a_refused_request_costs_nothing_and_is_sent_by_the_next_resume(
    folder: RunFolder, fake: FakeFal, fault: str, options: dict, error: type[errors.FalError]
):
    fake.fault("submit", fault, times=None, **options)
    event = buy_one(folder)
    assert isinstance(event.error, error)
    assert event.error.billed == "no"
    assert purchases(folder).committed_usd == 0.0
    fake.faults.clear()
    assert buy_one(folder).kind == "done"
    agrees(folder, fake)


@pytest.mark.parametrize(
    ("fault", "options", "error"),
    [
        ("content_policy", {}, errors.PolicyRefusal),
        ("no_media", {}, errors.ModelFailed),
        ("invalid_input", {}, errors.InvalidInput),
        ("nsfw", {}, errors.PolicyRefusal),
        ("edit_output", {"edit": lambda output: {"images": []}}, errors.ModelFailed),
        ("edit_output", {"edit": lambda output: {"images": "none"}}, errors.ModelFailed),
        ("edit_output", {"edit": lambda output: {**output, "images": [{"url": None}]}}, errors.ModelFailed),
    ],
)
def test_what_may_have_been_billed_is_bought_again_only_on_demand(
    folder: RunFolder, fake: FakeFal, fault: str, options: dict, error: type[errors.FalError]
):
    fake.fault("submit", fault, **options)
    event = buy_one(folder)
    assert isinstance(event.error, error)
    assert event.error.billed in ("maybe", "yes")
    assert fake.books.entries[0].request_id in event.text
    again = buy_one(folder)
    assert "--retry-failed" in again.text
    assert len(fake.books) == 1
    assert buy_one(folder, retry_failed=True).kind == "done"
    assert len(fake.books) == 2
    assert purchases(folder).billed_usd == fake.books.usd


def test_an_expired_result_is_said_with_its_id_and_cost_and_not_bought_again(folder: RunFolder, fake: FakeFal):
    fake.fault("download", "gone", times=None)
    event = buy_one(folder)
    request = fake.books.entries[0].request_id
    for text in (event.text, buy_one(folder).text):
        assert isinstance(event.error, errors.Expired)
        assert request in text
        assert "$0.025" in text
        assert KEY in text
    assert len(fake.of("submit")) == 1
    fake.faults.clear()
    assert buy_one(folder, retry_failed=True).kind == "done"


def test_a_result_is_fetched_whatever_the_status_says(folder: RunFolder, fake: FakeFal):
    fake.fault("status", "not_found", times=None)
    assert buy_one(folder).kind == "done"
    agrees(folder, fake)


def test_a_forgotten_request_is_expired(folder: RunFolder, fake: FakeFal):
    fake.fault("status", "not_found", times=None)
    fake.fault("result", "not_found", times=None)
    for event in (buy_one(folder), buy_one(folder)):
        assert isinstance(event.error, errors.Expired)
        assert fake.books.entries[0].request_id in event.text
    assert len(fake.of("submit")) == 1


@pytest.mark.parametrize(
    ("status", "result"), [("unknown_status", "http_500"), ("bad_key", "bad_key"), ("broken_json", "broken_json")]
)
def test_what_is_never_answered_is_left_for_later_and_not_lost(
    folder: RunFolder, fake: FakeFal, status: str, result: str
):
    fake.fault("status", status, times=None)
    fake.fault("result", result, times=None)
    event = buy_one(folder)
    assert event.kind == "failed"
    assert "not lost" in event.text or "billed" in event.text
    assert "othing was billed" not in event.text
    assert purchases(folder).committed_usd == 0.025
    fake.faults.clear()
    assert buy_one(folder).kind == "done"
    assert len(fake.of("submit")) == 1
    agrees(folder, fake)


# hostile answers


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "http://127.0.0.1:1/a.png",
        "https://10.0.0.1/a.png",
        "https://169.254.169.254/latest/meta-data",
        "https://localhost/a.png",
        "data:image/png;base64,AAAA",
        "https://user:pw@v3.fal.media/a.png",
        "../../../etc/passwd",
        "",
    ],
)
def test_an_evil_address_is_not_opened(folder: RunFolder, fake: FakeFal, url: str):
    fake.fault("submit", "output_url", url=url)
    event = buy_one(folder)
    assert isinstance(event.error, errors.UnsafeAnswer)
    assert fake.books.entries[0].request_id in event.text
    assert not folder.take("front", 1).exists()
    assert not fake.refused
    # The user, who sees that this result is no use, can buy another; nobody does it for him.
    assert isinstance(buy_one(folder).error, errors.UnsafeAnswer)
    assert len(fake.books) == 1
    assert buy_one(folder, retry_failed=True).kind == "done"
    assert len(fake.books) == 2


@pytest.mark.parametrize("name", ["../../evil.png", "/etc/cron.d/evil", "C:\\evil.png", "a\0b.png", "x" * 5000])
def test_fals_file_names_are_not_used(folder: RunFolder, fake: FakeFal, tmp_path: Path, name: str):
    before = {path for path in tmp_path.rglob("*") if folder.root not in path.parents}
    fake.fault("submit", "output_file_name", file_name=name)
    assert buy_one(folder).path == folder.take("front", 1)
    outside = {path for path in tmp_path.rglob("*") if folder.root not in path.parents} - before
    assert all(path.is_relative_to(tmp_path / "state") for path in outside)


@pytest.mark.parametrize("fault", ["endless", "redirect_loop", "private_redirect", "wrong_bytes"])
def test_a_hostile_download_leaves_nothing_and_the_request_is_named(folder: RunFolder, fake: FakeFal, fault: str):
    fake.fault("download", fault, times=None)
    event = buy_one(folder)
    assert isinstance(event.error, (errors.UnsafeAnswer, errors.BadDownload))
    assert fake.books.entries[0].request_id in event.text
    assert not folder.take("front", 1).exists()
    assert no_parts(folder)
    fake.faults.clear()
    assert buy_one(folder).kind == "done"  # the paid result is still there
    agrees(folder, fake)


def test_a_lying_glb_is_not_kept(folder: RunFolder, fake: FakeFal):
    fake.fault("download", "lying_glb", times=None)
    event = buy_one(folder, model(folder))
    assert isinstance(event.error, errors.BadDownload)
    assert not folder.product.exists()


@pytest.mark.parametrize("name", ["status_url", "response_url", "cancel_url"])
def test_the_key_follows_no_address_of_somebody_else(folder: RunFolder, fake: FakeFal, name: str):
    fake.fault("submit", "edit_answer", edit=lambda body: {**body, name: "https://evil.example/x"})
    assert buy_one(folder).kind == "done"
    assert not fake.refused
    assert "evil.example" not in fake.contacted


# the machine


def test_the_network_comes_back(folder: RunFolder, fake: FakeFal):
    fake.latency = 0.6
    cut: list[Callable] = []

    def cut_once(_backend: object, event: object) -> None:
        if not cut and len(fake.books):
            cut.append(fake.drop_all)
            fake.drop_all()

    assert buy_one(folder, on_event=cut_once).kind == "done"
    assert cut
    agrees(folder, fake)


def test_a_model_is_asked_for_with_a_picture_that_is_gone(folder: RunFolder, fake: FakeFal):
    [request] = stills(folder)
    request.reference.unlink()  # type: ignore[union-attr]
    event = buy_one(folder, request)
    assert event.kind == "failed"
    assert "put it back, then resume" in event.text
    assert len(fake.books) == 0
    assert kinds(folder) == []


def test_an_unknown_endpoint_of_the_users_is_bought_by_its_id(tmp_path: Path, fake: FakeFal):
    folder = new_folder(tmp_path / "own", image_endpoint="nobody/knows/this-model")
    event = buy_one(folder)
    assert isinstance(event.error, errors.Drifted)
    assert "lists no endpoint nobody/knows/this-model" in event.text
    assert KONTEXT not in event.text
