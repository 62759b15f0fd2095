# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Before money moves, what is sent is held against the service's own description of the endpoint; and that description,
which comes from outside too, neither stops a purchase that would be fine nor makes one."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from consistency_pipeline.fal_backend import consent, descriptions, request_to_purchase
from consistency_pipeline.fal_backend.child import questions
from consistency_pipeline.fal_backend.endpoints import input_schema, kept
from consistency_pipeline.fal_backend.endpoints.catalogue import CATALOGUE
from consistency_pipeline.fal_backend.errors import Drifted, ServerFault, UnknownEndpoint
from consistency_pipeline.pipeline.driver import PAUSE, finish
from consistency_pipeline.pipeline.errors import TryAgainLater, UsageError
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from tests.fake_fal import API_KEY, FakeFal
from tests.fake_fal.endpoint import Endpoint
from tests.fake_fal.schemas import choice, flag, image, integer, many, text

from . import shop
from .shop import KONTEXT, agrees, buy_one, kinds, new_folder, stills

pytestmark = [pytest.mark.by_turns, pytest.mark.usefixtures("near", "asks_near")]
MESHY, KLING, VISION = (
    "fal-ai/meshy/v6/multi-image-to-3d",
    "fal-ai/kling-video/v2.5-turbo/pro/image-to-video",
    "openrouter/router/vision",
)
UNLISTED = "somebody/new-edit"  # an id that the catalogue doesn't know
DRIFTS: dict[str, dict[str, Any]] = {
    "renamed": {"rename": {"image_url": "start_url", "image_urls": "start_urls"}},
    "required": {"require": {"licence": text()}},
    "choices": {"change": {"output_format": choice("webp"), "duration": choice("8s"), "topology": choice("hexagon")}},
}


@pytest.fixture
def asks_near(monkeypatch: pytest.MonkeyPatch) -> None:
    """Questions before a run go to a child in this process, too."""
    monkeypatch.setattr(questions, "connect", shop.NearQuestion)


def request_for(stage: str, folder: RunFolder) -> Any:
    if stage == "model":
        return shop.model(folder, photos=2)
    return shop.clip(folder) if stage == "video" else stills(folder)[0]


def endpoint_of(stage: str) -> str:
    return {"model": MESHY, "video": KLING, "photoreal": KONTEXT, "unknown": UNLISTED}[stage]


def folder_for(stage: str, root: Path) -> RunFolder:
    more = {"video_endpoint": KLING} if stage == "video" else {}
    more |= (
        {"image_endpoint": UNLISTED, "overrides": {UNLISTED: {"output_format": "png"}}} if stage == "unknown" else {}
    )
    more |= {"model_endpoint": MESHY, "overrides": {MESHY: {"topology": "triangle"}}} if stage == "model" else {}
    return new_folder(root, **more)


def add_unlisted(fake: FakeFal) -> None:
    fields = {"prompt*": text(), "image_url*": image(), "seed": integer(), "output_format": choice("png", "jpeg")}
    fake.add_endpoint(Endpoint(UNLISTED, "picture", fields, file_format="png"), 0.02, "images")


@pytest.mark.parametrize("stage", ["model", "photoreal", "video", "unknown"])
@pytest.mark.parametrize("drift", [*DRIFTS, "retired"])
def test_what_the_service_takes_no_more_is_told_before_anything_is_sent(
    fake: FakeFal, tmp_path: Path, stage: str, drift: str
) -> None:
    add_unlisted(fake)
    endpoint = endpoint_of(stage)
    if drift == "retired":
        fake.retire(endpoint)
    else:
        fake.drift(endpoint, **DRIFTS[drift])
    folder = folder_for(stage, tmp_path / "run")
    event = buy_one(folder, request_for(stage, folder))
    assert isinstance(event.error, Drifted)
    assert endpoint in event.text
    assert "nothing was sent" in event.text
    assert len(fake.books) == 0
    assert not [request for request in fake.requests if request.operation in ("submit", "token", "upload")]
    assert not folder.journal.is_file() or kinds(folder) == []
    expected = {
        "renamed": ("has no field 'image_url", "'start_url"),
        "required": ("needs a field 'licence'",),
        "choices": ("doesn't take", "it takes one of "),
        "retired": ("lists no endpoint", "choose another"),
    }[drift]
    assert all(words in event.text for words in expected)


def test_the_same_endpoint_as_it_is_known_is_bought(fake: FakeFal, tmp_path: Path) -> None:
    add_unlisted(fake)
    for stage in ("model", "photoreal", "video", "unknown"):
        folder = folder_for(stage, tmp_path / stage)
        assert buy_one(folder, request_for(stage, folder)).kind == "done", stage
        agrees_with = [entry.endpoint for entry in fake.wait()]
        assert agrees_with[-1] == endpoint_of(stage)
    assert fake.ignored_fields == {}


def test_a_second_opinion_is_held_against_its_description_too(fake: FakeFal) -> None:
    sent = {"image_urls": ["https://fal.media/a.png"], "prompt": "same?", "model": "google/gemini-2.5-flash"}
    fake.drift(VISION, rename={"image_urls": "pictures"})
    with pytest.raises(Drifted, match="'image_urls'"):
        descriptions.Descriptions(API_KEY).check(VISION, sent, lambda _endpoint: True)


def test_it_is_told_with_the_estimate_before_anything_is_rendered(fake: FakeFal) -> None:
    settings = new_folder_settings()
    fake.drift(KONTEXT, require={"licence": text()})

    def ask(endpoints: list[str], to_send: Any) -> Any:
        return questions.ask_prices(API_KEY, endpoints, purchases=to_send)

    with pytest.raises(Drifted, match="needs a field 'licence'"):
        finish(consent.estimate(settings, None, ask), PAUSE)
    unchecked = settings.model_copy(update={"check_inputs": False})
    assert finish(consent.estimate(unchecked, None, ask), PAUSE).total > 0.0
    assert len(fake.books) == 0


def new_folder_settings() -> Any:
    from consistency_pipeline.pipeline.settings.groups import RunSettings

    return RunSettings(inputs=("/duck.glb",), backend="fal", motion="none")


def test_who_knows_better_sends_it_all_the_same(fake: FakeFal, tmp_path: Path) -> None:
    fake.drift(KONTEXT, rename={"acceleration": "speed"})
    given = {"overrides": {KONTEXT: {"acceleration": "none"}}}
    refused = buy_one(new_folder(tmp_path / "a", **given))
    assert "--no-check-inputs" in refused.text
    folder = new_folder(tmp_path / "b", check_inputs=False, **given)
    assert buy_one(folder).kind == "done"
    agrees(folder, fake)


def test_a_field_that_was_renamed_can_be_set_without_a_new_version_of_the_program(
    fake: FakeFal, tmp_path: Path
) -> None:
    renamed = {"overrides": {KONTEXT: {"start_url": "@reference", "image_url": None}}}
    with pytest.raises(UsageError, match="image_url"):  # a slip of the pen, as long as the service says nothing else
        request_to_purchase.purchase_for(stills(new_folder(tmp_path / "a", **renamed))[0])
    fake.drift(KONTEXT, rename={"image_url": "start_url"})
    assert isinstance(buy_one(new_folder(tmp_path / "b")).error, Drifted)
    folder = new_folder(tmp_path / "c", **renamed)
    assert buy_one(folder).kind == "done"
    agrees(folder, fake)
    [entry] = fake.wait()
    assert fake.storage.fetch(entry.arguments["start_url"]) == (folder.references / "front.png").read_bytes()
    assert "image_url" not in entry.arguments


def test_an_id_that_nobody_here_knows_is_filled_in_by_its_description(fake: FakeFal, tmp_path: Path) -> None:
    """Several pictures in place of one, a duration in numbers, choices and ranges: nothing of it is in the catalogue."""
    fields = {
        "prompt*": text(),
        "image_urls*": many(image(), 1, 4),
        "aspect_ratio": choice("1:1", "16:9"),
        "resolution": choice("1K", "2K"),
    }
    fake.add_endpoint(Endpoint(UNLISTED, "picture", fields, file_format="png"), 0.02, "images")
    clip = {"words*": text(), "prompt*": text(), "first_frame_url*": image(), "duration": integer(3, 12)}
    clip |= {"last_frame_url": image(), "generate_audio": flag()}
    fake.add_endpoint(Endpoint("somebody/new-clip", "video", clip), 0.1, "seconds")

    def ask(endpoints: list[str], to_send: Any) -> Any:
        return questions.ask_prices(API_KEY, endpoints, purchases=to_send)

    more = {"image_endpoint": UNLISTED, "video_endpoint": "somebody/new-clip", "duration": 6.5}
    folder = new_folder(tmp_path / "run", **more, overrides={"somebody/new-clip": {"words": "slowly"}})
    costs = finish(consent.estimate(folder.settings, None, ask), PAUSE)
    assert costs.total == pytest.approx(5 * 0.02 + 7 * 0.1)
    folder.note(prices=costs.prices)
    assert buy_one(folder).kind == buy_one(folder, shop.clip(folder)).kind == "done"
    agrees(folder, fake)
    still, made = (entry.arguments for entry in fake.wait())
    assert still.keys() == {"prompt", "image_urls", "aspect_ratio", "resolution"}
    assert (made["duration"], made["generate_audio"], made["words"]) == (7, False, "slowly")
    assert fake.ignored_fields == {}
    with pytest.raises(UsageError, match="at most 12 seconds"):
        request_to_purchase.purchase_for(shop.clip(new_folder(tmp_path / "long", **{**more, "duration": 13.0})))


# a description that is not to be trusted

HUGE = {"components": {"schemas": {"Input": {"type": "object", "properties": {}}}}, "x": "y" * (9 << 20)}


def deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}, "required": ["a"]}
    return schema


def described(schema: Any, endpoint: str = KONTEXT, **more: Any) -> dict[str, Any]:
    content = {"application/json": {"schema": schema}}
    return {"openapi": "3.0.4", "paths": {f"/{endpoint}": {"post": {"requestBody": {"content": content}}}}, **more}


LOOP = described({"$ref": "#/components/schemas/A"}, components={"schemas": {"A": {"$ref": "#/components/schemas/A"}}})
USELESS = {
    "none": None,
    "text": "no schema here",
    "list": [],
    "an error": {"error": {"code": "expansion_failed", "message": "no document"}},
    "no paths": {"openapi": "3.0.4"},
    "another endpoint's": described({"type": "object", "properties": {"zip": {}}, "required": ["zip"]}, "fal-ai/other"),
    "a loop": LOOP,
    "an endless tree": described({"type": "object", "properties": {"prompt": {}, "image_url": {}, "deep": deep(200)}}),
    "a foreign reference": described({"$ref": "https://evil.example/schema.json"}),
    "no fields": described({"type": "object", "properties": {}}),
    "fields that are none": described({"type": "object", "properties": ["prompt"]}),
    "too many fields": described({"type": "object", "properties": {f"f{n}": {} for n in range(5000)}}),
    "everything goes": described({"type": "object", "properties": {"a": {}}, "additionalProperties": True}),
    "huge": HUGE,
}


def test_a_description_that_says_nothing_usable_stops_nothing(fake: FakeFal, folder: RunFolder) -> None:
    sent = {"prompt": "a duck", "image_url": "https://fal.media/a.png"}
    for name, document in USELESS.items():
        read = input_schema.read(document, KONTEXT)
        assert read is None or input_schema.objection(read, sent) is None, name
    fake.fault("models", "odd", merge={"models": [{"endpoint_id": KONTEXT, "openapi": HUGE}]}, times=None)
    assert buy_one(folder).kind == "done"
    agrees(folder, fake)


def test_a_service_that_cannot_describe_it_stops_nothing(fake: FakeFal) -> None:
    """Nor does one that denies an endpoint which it still has a price for."""
    for fault in (
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 404},
        {"kind": "nginx"},
        {"kind": "broken_json"},
        {"kind": "rate_limited"},
        {"kind": "drop_mid_body"},
        {"kind": "odd", "body": []},
        {"kind": "odd", "body": {"models": 7}},
        {"kind": "odd", "body": {"models": []}},
        {"kind": "odd", "body": {"models": [{"endpoint_id": "fal-ai/another", "openapi": {}}, "x", None]}},
    ):
        fake.fault("models", **{"times": None, **fault})
        told = descriptions.Descriptions(API_KEY)
        told.check(KONTEXT, {"prompt": "a duck", "image_url": "https://fal.media/a.png"}, lambda _endpoint: True)
        fake.faults.clear()


def test_one_that_is_denied_once_is_looked_for_again(fake: FakeFal, folder: RunFolder) -> None:
    fake.fault("models", "odd", body={"models": []}, times=1)
    fake.fault("pricing", "status", status=500, times=None)
    assert buy_one(folder).kind == "done"


STRICT = described({
    "type": "object", "properties": {"image_urls": {"type": "array"}, "prompt": {"type": "string"}}, "required": ["image_urls"],
})  # fmt: skip


def wrong(fake: FakeFal, times: int | None, document: Any = STRICT) -> None:
    fake.fault("models", "odd", merge={"models": [{"endpoint_id": KONTEXT, "openapi": document}]}, times=times)


def test_a_wrong_description_that_comes_once_stops_nothing(fake: FakeFal, folder: RunFolder) -> None:
    wrong(fake, 1)
    assert buy_one(folder).kind == "done"


def test_one_that_stays_wrong_is_a_sentence_and_a_later_try_is_free_of_it(fake: FakeFal, folder: RunFolder) -> None:
    wrong(fake, None)
    assert isinstance(buy_one(folder).error, Drifted)
    fake.faults.clear()
    assert buy_one(folder).kind == "done"
    agrees(folder, fake)


def test_one_that_cannot_be_asked_again_sends_nothing_for_now(fake: FakeFal, folder: RunFolder) -> None:
    wrong(fake, 1)
    fake.fault("models", "status", status=503, times=None)
    event = buy_one(folder)
    assert isinstance(event.error, TryAgainLater)
    assert not isinstance(event.error, (ServerFault, UnknownEndpoint))
    assert "can't be asked again" in event.text
    assert len(fake.books) == 0


def test_it_is_asked_for_once_a_day(fake: FakeFal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked() -> int:
        return sum(request.operation == "models" for request in fake.requests)

    shop.buy(folder := new_folder(tmp_path / "a"), stills(folder, "front", "side", "top"))
    assert asked() == 1
    buy_one(new_folder(tmp_path / "b"))
    assert asked() == 1, "kept on this machine"
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + kept.A_DAY + 1.0)
    buy_one(new_folder(tmp_path / "c"))
    assert asked() == 2


def test_what_is_kept_lies_with_the_users_own_records_and_may_be_damaged(fake: FakeFal, tmp_path: Path) -> None:
    buy_one(new_folder(tmp_path / "a"))
    [path] = (tmp_path / "state" / "descriptions").iterdir()
    assert API_KEY not in path.read_text()
    whole = json.loads(path.read_text())
    for number, damaged in enumerate([
        "", "[]", "{}", '{"at": 1}', json.dumps({**whole, "input": {"fields": []}}), json.dumps({**whole, "at": 9e99}),
        json.dumps({**whole, "input": {"fields": {"prompt": 7}, "required": 3, "open": False}}),
        json.dumps({**whole, "endpoint": "fal-ai/other"}),
    ]):  # fmt: skip
        path.write_text(damaged)
        assert buy_one(new_folder(tmp_path / f"b{number}")).kind == "done", damaged


# what counts in a description, and what does not


def node(properties: dict[str, Any], required: tuple[str, ...] = (), **more: Any) -> Any:
    schema = {"type": "object", "properties": properties, "required": list(required), **more}
    return input_schema.read(described(schema), KONTEXT)


@pytest.mark.parametrize(("field", "value", "words"), [
    ({"type": "string", "enum": ["5", "10"]}, 5, "one of 5, 10"), ({"type": "integer", "enum": [5, 10]}, "5", "one of 5, 10"),
    ({"type": "integer", "minimum": 1, "maximum": 4}, 5, "from 1 to 4"), ({"type": "number", "exclusiveMaximum": 1}, 1.0, "number"),
    ({"type": "string", "maxLength": 3}, "four", "of at most 3 characters"), ({"type": "array", "maxItems": 1}, [1, 2], "1 entries"),
    ({"type": "string"}, 7, "text"), ({"type": "array", "items": {"type": "string"}}, ["a", 7], "a[1]"),
    ({"anyOf": [{"enum": ["auto"]}, {"type": "object", "properties": {"width": {"type": "integer"}}}]}, "square", "auto"),
    ({"type": "object", "properties": {"width": {}}, "required": ["width"]}, {"height": 1}, "a.height"),
    ({"type": "integer"}, {"$file": "/a.png", "content_type": "image/png"}, "a file for a"), ({"const": "x"}, "y", "one of x"),
    ({"allOf": [{"$ref": "#/components/schemas/Size"}], "default": None}, "large", "one of small"),
])  # fmt: skip
def test_what_a_field_does_not_take_is_said_with_what_it_does(field: dict[str, Any], value: Any, words: str) -> None:
    schema = {"type": "object", "properties": {"a": field}}
    read = input_schema.read(described(schema, components={"schemas": {"Size": {"enum": ["small"]}}}), KONTEXT)
    found = input_schema.objection(read, {"a": value})
    assert found is not None
    assert words in found.what


@pytest.mark.parametrize(("field", "value"), [
    ({"type": "number"}, "2.5"), ({"type": "integer"}, 2.0), ({"type": "boolean"}, 1), ({"type": "string", "nullable": True}, None),
    ({"type": "string", "enum": []}, "a"), ({"type": "integer", "minimum": 9, "maximum": 1}, 5), ({"type": "colour"}, 7),
    ({"type": "integer", "minimum": 9, "default": 1}, 5), ({"type": "string", "enum": ["a"], "default": "b"}, "c"),
    ({"type": "string", "pattern": "(a+)+$"}, "a" * 40 + "b"), ({"type": ["string", "null"]}, "a"), ({"enum": [{}]}, "a"),
    ({"anyOf": [{"type": "string"}, {}]}, 7), ({"minimum": "much"}, 1), ({"minimum": float("nan")}, 1), ({"type": {}}, 1),
    ({"type": "string", "format": "uri", "maxLength": 3}, {"$file": "/photo.png", "content_type": "image/png"}),
    ({"allOf": "x", "anyOf": 7, "items": [], "properties": 3, "required": {}}, 1), (7, 1), ("string", 1),
])  # fmt: skip
def test_what_is_not_plainly_said_allows_everything(field: Any, value: Any) -> None:
    assert input_schema.objection(node({"a": field}), {"a": value}) is None


def test_a_required_field_that_has_a_default_or_is_none_is_not_missed() -> None:
    read = node({"a": {"type": "string", "default": "x"}, "b": {}}, ("a", "c", 7))  # type: ignore[arg-type]
    assert input_schema.objection(read, {"b": 1}) is None


def test_every_endpoint_of_the_catalogue_passes_the_fakes_own_description(fake: FakeFal) -> None:
    """The catalogue's defaults, against what the fake reads from the service's documentation by itself."""
    for endpoint in CATALOGUE.values():
        if endpoint.id not in fake.endpoints:
            continue
        told = descriptions._answer(API_KEY, endpoint.id, None)
        assert isinstance(told, dict), endpoint.id
        optional = {name: value for name, value in endpoint.defaults().items() if value is not None}
        unknown = optional.keys() - told["fields"].keys()
        found = {
            name: input_schema.objection({**told, "required": []}, {name: optional[name]})
            for name in optional.keys() - unknown
        }
        assert {name: bad for name, bad in found.items() if bad} == {}, endpoint.id
