# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The service's own list of models: what is new and what is gone is told, nothing is chosen, and no list is believed blindly."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from consistency_pipeline import command_line
from consistency_pipeline.fal_backend import model, roster
from consistency_pipeline.fal_backend.child import questions
from consistency_pipeline.fal_backend.endpoints.catalogue import CATALOGUE
from consistency_pipeline.fal_backend.errors import BadAnswer, FalError
from tests.fake_fal import API_KEY, FakeFal
from tests.fake_fal.endpoint import Endpoint
from tests.fake_fal.schemas import image, text

from .shop import NearQuestion

pytestmark = pytest.mark.by_turns

NEWEST = "somebody/better-edit"


def add_new(fake: FakeFal) -> None:
    fake.add_endpoint(Endpoint(NEWEST, "picture", {"prompt*": text(), "image_url*": image()}), 0.03, "images")


def test_what_is_new_and_what_is_gone_is_told_and_nothing_is_chosen(
    fake: FakeFal, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command_line, "_need_fal", lambda: API_KEY)
    monkeypatch.setattr(command_line, "python_args", tuple)  # those of bpy, which would keep standard output
    monkeypatch.delitem(sys.modules, "bpy", raising=False)  # another test's
    monkeypatch.setattr(questions, "connect", NearQuestion)
    assert command_line.main(["endpoints", "--refresh", "--json"]) == 0
    capfd.readouterr()
    add_new(fake)
    fake.retire("fal-ai/flux-2/edit")
    assert command_line.main(["endpoints", "--refresh", "--json"]) == 0
    said = json.loads(capfd.readouterr().out)["text"]
    assert "1 are new" in said
    assert NEWEST in said
    assert "$0.03 / images" in said
    assert "no longer listed: fal-ai/flux-2/edit" in said
    assert CATALOGUE["fal-ai/flux-2/edit"].retired == ""
    assert model.default_endpoint(3) in CATALOGUE
    with fake.offline():  # the stored one serves
        assert command_line.main(["endpoints", "--json"]) == 0
        rows = {row["id"]: row for row in json.loads(capfd.readouterr().out)["endpoints"]}
    assert rows["fal-ai/flux-2/edit"]["retired"] == "fal.ai lists it no more"
    assert rows["fal-ai/flux-kontext/dev"]["retired"] == ""
    assert len(fake.books) == 0


def test_a_list_in_pages_is_read_to_its_end(fake: FakeFal) -> None:
    for number in range(130):
        name = f"somebody/edit-{number}"
        fake.add_endpoint(Endpoint(name, "picture", {"prompt*": text(), "image_url*": image()}))
    found = roster.read(API_KEY)
    assert {f"somebody/edit-{number}" for number in range(130)} <= found.ids
    assert roster.kept() == found
    assert {model.stage for model in found.models} == {"model", "photoreal", "video"}


BAD: tuple[dict[str, Any], ...] = (
    {"body": {"models": []}},
    {"body": {"models": "many"}},
    {"body": {"models": [{"endpoint_id": "../../etc", "metadata": {"category": "image-to-image"}}, 7, None]}},
    {"merge": {"has_more": True, "next_cursor": None}},
    {"merge": {"has_more": True, "next_cursor": "MQ=="}},
    {"status": 500, "body": {}},
    {"text": "<html>"},
)


def test_a_list_that_is_none_leaves_the_kept_one(fake: FakeFal, tmp_path: Path) -> None:
    before = roster.read(API_KEY)
    for fault in BAD:
        fake.fault("models", "odd", **fault, times=None)
        with pytest.raises(FalError):
            roster.read(API_KEY)
        assert roster.kept() == before, fault
        fake.faults.clear()
    for name in list(fake.endpoints)[: len(fake.endpoints) * 3 // 4]:
        fake.retire(name)
    with pytest.raises(BadAnswer, match="the one before is kept"):
        roster.read(API_KEY)
    assert roster.kept() == before


@pytest.mark.parametrize(
    "damaged", ["", "[]", '{"at": 1}', '{"at": "x", "models": [{"id": 7}], "before": []}', "{" * 9999]
)
def test_a_kept_list_that_is_damaged_is_none(fake: FakeFal, tmp_path: Path, damaged: str) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "roster.json").write_text(damaged)
    assert roster.kept() == roster.Roster()
    assert roster.kept().gone == roster.kept().new == ()


def test_no_word_of_the_list_is_taken_as_it_comes(fake: FakeFal) -> None:
    long = {"display_name": "x" * 9000 + "\n" + API_KEY, "category": "image-to-image", "updated_at": "yesterday"}
    row = roster._model({"endpoint_id": "a/b", "metadata": long})
    assert row is not None
    assert (len(row.name), row.updated) == (80, "")
    assert roster._model({"endpoint_id": "a/b", "metadata": {**long, "status": "deprecated"}}) is None
    assert roster._model({"endpoint_id": "a/b", "metadata": {**long, "category": "training"}}) is None
