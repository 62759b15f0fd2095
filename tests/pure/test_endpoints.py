# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The catalogue itself: any id can be named, slips are caught, fields complain in one sentence, prices add up."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import pytest

from consistency_pipeline.fal_backend.endpoints.base import Endpoint, Inputs, Result, Role, Sizes
from consistency_pipeline.fal_backend.endpoints.catalogue import CATALOGUE, ENDPOINTS, catalogue_rows, find, of_role
from consistency_pipeline.fal_backend.endpoints.prices import Price, count_units
from consistency_pipeline.fal_backend.endpoints.usual import usual
from consistency_pipeline.pipeline.errors import UsageError
from consistency_pipeline.pipeline.settings.groups import SAFE_SIZES

KONTEXT = CATALOGUE["fal-ai/flux-kontext/dev"]
KLING = CATALOGUE["fal-ai/kling-video/v3/pro/image-to-video"]
MINIMAL = {"prompt": "a watch", "image_url": "https://example.com/a.png"}


def test_ids_are_unique_and_every_role_has_some() -> None:
    assert len(CATALOGUE) == len(ENDPOINTS)
    for role in ("model", "picture", "photoreal", "video"):
        assert of_role(role)


def test_a_known_endpoint_is_found_for_its_role_only() -> None:
    assert find(KONTEXT.id, "photoreal") is KONTEXT
    with pytest.raises(UsageError, match=r"makes clips, not stills from a reference; use fal-ai/flux-kontext/dev"):
        find(KLING.id, "photoreal")


@pytest.mark.parametrize(
    "name",
    [
        "fal-ai/kling-video/v2.1/master/image-to-video",
        "meshy/v8/image-to-3d",
        "fal-ai/veo2/image-to-video",
        "me/my-app",
    ],
)
def test_any_other_well_formed_id_is_taken_as_it_is(name: str) -> None:
    endpoint = find(name, "video")
    assert (endpoint.id, endpoint.known) == (name, False)
    assert endpoint.validate({"prompt": "p", "whatever": [1, {"a": 2}]}) == {"prompt": "p", "whatever": [1, {"a": 2}]}


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("fal-ai/flux-kontext/dve", "fal-ai/flux-kontext/dev"),
        ("fal-ai/flux-kontxt/dev", "fal-ai/flux-kontext/dev"),
        ("flux-kontext/dev", "fal-ai/flux-kontext/dev"),
        ("Fal-AI/flux-kontext/Dev", "fal-ai/flux-kontext/dev"),
        ("fal-ai/bytedance/seedream/v5/lite/edit", "bytedance/seedream/v5/lite/edit"),
    ],
)
def test_a_slip_of_the_pen_is_named(slip: str, meant: str) -> None:
    with pytest.raises(UsageError, match=f"did you mean {meant}"):
        find(slip, "photoreal")


@pytest.mark.parametrize(
    "name", ["", "kontext", "fal-ai/", "/dev", "fal-ai//dev", "fal ai/dev", "a/../b", "https://fal.ai/x", "a/b?c"]
)
def test_a_malformed_id_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="no endpoint id"):
        find(name, "photoreal")


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("guidance_scale", 25, "guidance_scale = 25; it takes a number from 1 to 20"),
        ("guidance_scale", "high", "guidance_scale = 'high'; it takes a number from 1 to 20"),
        ("guidance_scale", math.nan, "guidance_scale = nan; it takes a number"),
        ("num_inference_steps", 28.5, "num_inference_steps = 28.5; it takes a whole number from 10 to 50"),
        ("output_format", "gif", "output_format = 'gif'; it takes one of jpeg, png"),
        ("enable_safety_checker", "perhaps", "enable_safety_checker = 'perhaps'; it takes true or false"),
        ("guidance", 2, "has no field 'guidance'; did you mean 'guidance_scale'"),
        ("negative_prompt", "blur", "has no field 'negative_prompt'; did you mean"),
        ("zzz", 1, "has no field 'zzz'; its fields are prompt, image_url"),
    ],
)
def test_a_wrong_field_is_one_sentence_with_the_cure(field: str, value: object, says: str) -> None:
    with pytest.raises(UsageError) as raised:
        KONTEXT.validate({**MINIMAL, field: value})
    text = str(raised.value)
    assert text.startswith(KONTEXT.id)
    assert says in text
    assert "\n" not in text


def test_a_missing_field_is_named() -> None:
    with pytest.raises(UsageError, match="flux-kontext/dev needs image_url: text"):
        KONTEXT.validate({"prompt": "a watch"})


def test_nested_fields_are_named_too() -> None:
    endpoint = CATALOGUE["fal-ai/flux-2/edit"]
    arguments = {"prompt": "a", "image_urls": ["https://example.com/a.png"], "image_size": {"width": 0, "height": 9}}
    with pytest.raises(UsageError, match=r"image_size\.width = 0; it should be greater than or equal to 1"):
        endpoint.validate(arguments)


def test_values_come_out_in_fals_types_and_only_those_given() -> None:
    given = {**MINIMAL, "num_inference_steps": "30", "enable_safety_checker": "false"}
    assert KONTEXT.validate(given) == {**MINIMAL, "num_inference_steps": 30, "enable_safety_checker": False}
    clip = {"prompt": "p", "start_image_url": "https://example.com/a.png", "duration": 7}
    assert KLING.validate(clip)["duration"] == "7"


def test_rules_between_fields_are_told() -> None:
    clip = {"start_image_url": "https://example.com/a.png"}
    with pytest.raises(UsageError, match="either prompt or multi_prompt"):
        KLING.validate(clip)
    meshy = CATALOGUE["fal-ai/meshy/v6/image-to-3d"]
    with pytest.raises(UsageError, match="enable_pbr needs should_texture"):
        meshy.validate({"image_url": "https://example.com/a.png", "should_texture": False, "enable_pbr": True})


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=CATALOGUE)
def test_answers_may_hold_nulls_and_news(endpoint: Endpoint) -> None:
    file = {"url": "https://v3.fal.media/x", "content_type": None, "file_size": None, "brand_new": 1}
    media = {"images": [file], "masks": [file], "output": "a word"}
    media |= dict.fromkeys(("video", "model_glb", "model_mesh", "image"), file)
    needed = {name: media[name] for name, field in endpoint.Output.model_fields.items() if field.is_required()}
    optional = {name: None for name, field in endpoint.Output.model_fields.items() if not field.is_required()}
    assert needed
    endpoint.Output.model_validate({**needed, **optional, "news": {"a": 1}})
    endpoint.Output.model_validate(needed)


@pytest.mark.parametrize("size", [(64, 64), *SAFE_SIZES, *((h, w) for w, h in SAFE_SIZES), (4096, 4096)])
@pytest.mark.parametrize("endpoint", [e for e in ENDPOINTS if e.sizes != Sizes()], ids=lambda e: e.id)
def test_a_size_is_fitted_with_its_exact_aspect(endpoint: Endpoint, size: tuple[int, int]) -> None:
    width, height = endpoint.sizes.fit(size)
    assert endpoint.sizes.allow(width, height)
    assert width * size[1] == height * size[0]
    if endpoint.sizes.allow(*size):
        assert (width, height) == size


def test_an_aspect_that_fits_nowhere_says_so() -> None:
    with pytest.raises(UsageError, match="squarer aspect"):
        Sizes(side=(512, 1024)).fit((3000, 100))


@pytest.mark.parametrize(
    ("endpoint", "arguments", "usd"),
    [
        ("fal-ai/flux-kontext/dev", {}, 0.025),
        ("fal-ai/flux-pro/v1.1", {"image_size": "square_hd"}, 0.04),
        ("fal-ai/flux-pro/v1.1", {"image_size": {"width": 2048, "height": 1024}}, 0.08),
        ("fal-ai/nano-banana-2/edit", {"resolution": "4K"}, 0.16),
        ("fal-ai/meshy/v6/image-to-3d", {}, 1.20),
        ("fal-ai/meshy/v6/image-to-3d", {"should_texture": False}, 0.80),
        ("fal-ai/meshy/v6/image-to-3d", {"enable_rigging": True, "enable_animation": True}, 1.52),
        ("fal-ai/meshy/v6/text-to-3d", {"mode": "preview"}, 0.80),
        ("fal-ai/kling-video/v2.5-turbo/pro/image-to-video", {"duration": "10"}, 0.70),
        ("fal-ai/kling-video/v3/pro/image-to-video", {"generate_audio": False}, 0.56),
        ("fal-ai/kling-video/v3/pro/image-to-video", {"generate_audio": True}, 0.84),
        ("fal-ai/kling-video/v3/pro/image-to-video", {"elements": [{"voice_id": "v"}, {}]}, 0.98),
        ("fal-ai/kling-video/v3/pro/image-to-video", {"elements": [{"voice_id": "v"}], "generate_audio": False}, 0.56),
        ("fal-ai/kling-video/v3/standard/image-to-video", {"generate_audio": False}, 0.42),
        ("fal-ai/kling-video/v3/standard/image-to-video", {}, 0.63),
        ("fal-ai/kling-video/v3/standard/image-to-video", {"elements": [{"voice_id": "v"}]}, 0.77),
        ("fal-ai/kling-video/v2.6/pro/image-to-video", {"generate_audio": False}, 0.35),
        ("fal-ai/kling-video/v2.6/pro/image-to-video", {}, 0.70),
        ("fal-ai/kling-video/v2.6/pro/image-to-video", {"duration": "10", "voice_ids": ["v"]}, 1.68),
        ("fal-ai/veo3.1/image-to-video", {"generate_audio": False, "duration": "4s"}, 0.80),
        ("fal-ai/veo3.1/image-to-video", {"resolution": "4k"}, 4.80),
        ("fal-ai/veo3.1/fast/image-to-video", {"resolution": "4k", "generate_audio": False}, 2.40),
        ("bytedance/seedream/v5/pro/edit", {"image_size": {"width": 1024, "height": 1024}}, 0.0675),
    ],
)
def test_a_quote_adds_up(endpoint: str, arguments: dict[str, object], usd: float) -> None:
    quote = CATALOGUE[endpoint].quote(arguments)
    assert quote.usd == pytest.approx(usd)
    product = quote.unit_price * quote.units * math.prod(each.times for each in quote.multipliers)
    assert quote.usd == pytest.approx(product)
    assert all(each.reason and each.source for each in quote.multipliers)


def test_fals_live_price_goes_before_the_stored_one() -> None:
    quote = KLING.quote({"generate_audio": True, "duration": "10"}, live=(0.1, "seconds"))
    assert (quote.usd, quote.live) == (pytest.approx(1.5), True)
    assert quote.confirmed
    assert not quote.doubt


@pytest.mark.parametrize(
    ("live", "usd"),
    [
        ((0.000000025, "images"), 0.025),  # far too cheap: the stored price counts
        ((2.5, "images"), 2.5),  # far dearer: it counts, and is doubted
        ((0.07, "units"), 0.07),  # another unit: the dearer of the two
        ((0.001, "units"), 0.025),
    ],
)
def test_of_a_price_that_is_not_what_was_expected_the_dearer_counts_and_it_is_said(live, usd: float) -> None:
    quote = KONTEXT.quote({}, live=live)
    assert quote.usd == pytest.approx(usd)
    assert not quote.confirmed
    assert "the dearer counts" in quote.doubt


@pytest.mark.parametrize("price", [0.0, -1.0, math.nan, math.inf])
def test_no_price_is_none(price: float) -> None:
    quote = KONTEXT.quote({}, live=(price, "images"))
    assert (quote.usd, quote.live, quote.confirmed) == (0.025, False, False)


def test_a_live_price_in_a_unit_that_cannot_be_counted_is_not_guessed() -> None:
    quote = KONTEXT.quote({}, live=(0.00001, "compute seconds of H100"))
    assert (quote.usd, quote.live) == (0.025, False)


def test_no_price_known_is_said_as_none() -> None:
    bare = Endpoint("a/b", "photoreal", "", Inputs, Result, Price("images", None, "", "2026-01-01"))
    assert bare.quote({}).usd is None
    assert bare.quote({}, live=(0.03, "images")).usd == 0.03


def test_units_are_counted_as_fal_bills_them() -> None:
    assert count_units("megapixels", {}, (1392, 752)) == 1
    assert count_units("Megapixel", {}, (1392, 1392)) == 2
    assert count_units("seconds", {"duration": "8s"}, None) == 8
    assert count_units("images", {"num_images": 3}, None) == 3
    assert count_units("bananas", {}, None) is None


def test_the_rows_for_the_command_are_plain_json() -> None:
    rows = json.loads(json.dumps(catalogue_rows()))
    assert [row["id"] for row in rows] == list(CATALOGUE)
    row = next(row for row in rows if row["id"] == KONTEXT.id)
    assert row["inputs"]["image_url"] == "required"
    assert row["inputs"]["guidance_scale"] == 2.5
    assert (row["unit"], row["usd"]) == ("images", 0.025)
    retired = {row["id"] for row in rows if row["retired"]}
    assert retired == {"fal-ai/kling-video/v1/pro/image-to-video", "fal-ai/veo3/image-to-video"}


@pytest.mark.parametrize("endpoint", [*ENDPOINTS, usual("a/b", "video")], ids=lambda endpoint: endpoint.id)
def test_every_price_says_where_it_is_from_and_of_which_day(endpoint: Endpoint) -> None:
    day = date.fromisoformat(endpoint.price.date)
    assert endpoint.price.source
    assert date(2025, 1, 1) < day <= datetime.now(UTC).date()
    assert all(year == str(day.year) for year in re.findall(r"\b20\d\d\b", endpoint.price.source))


def test_a_stored_price_is_stale_after_ninety_days() -> None:
    day = date.fromisoformat(KLING.price.date)
    assert KLING.id not in {row["id"] for row in catalogue_rows(stale_on=day + timedelta(days=90))}
    row = next(row for row in catalogue_rows(stale_on=day + timedelta(days=91)) if row["id"] == KLING.id)
    assert (row["price_date"], row["price_source"]) == (KLING.price.date, KLING.price.source)
    much_later = {row["id"] for row in catalogue_rows(stale_on=date(2050, 1, 1))}
    assert much_later == {endpoint.id for endpoint in ENDPOINTS if endpoint.price.usd is not None}


def test_importing_the_backend_leaves_the_catalogue_alone() -> None:
    code = "import consistency_pipeline.fal_backend, sys; print('pydantic' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"


@pytest.mark.parametrize("role", [Role.MODEL, Role.PICTURE, Role.PHOTOREAL, Role.VIDEO, Role.OPINION, Role.UPSCALE])
def test_an_endpoint_that_nobody_knows_has_the_usual_fields_of_its_role(role: Role) -> None:
    assert not usual("a/b", role).known


@pytest.mark.parametrize("role", [Role.RETEXTURE, Role.MATTE])
def test_where_no_fields_are_usual_an_unknown_endpoint_is_refused(role: Role) -> None:
    with pytest.raises(UsageError, match=r"a/b is not among the endpoints .*consistency endpoints"):
        usual("a/b", role)
