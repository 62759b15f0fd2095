# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the chain asks for becomes exactly the fields that the chosen endpoint has, and nothing it would be paid to ignore."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from consistency_pipeline.fal_backend import model, photoreal, video
from consistency_pipeline.fal_backend.buying.purchase import Purchase
from consistency_pipeline.fal_backend.endpoints.catalogue import CATALOGUE, of_role
from consistency_pipeline.fal_backend.request_to_purchase import purchase_for
from consistency_pipeline.pipeline.backend.requests import (
    ClipRequest,
    DerivedRequest,
    ModelRequest,
    OpinionRequest,
    PictureRequest,
    Request,
    StillRequest,
    TextureRequest,
)
from consistency_pipeline.pipeline.errors import BadInput, UsageError
from consistency_pipeline.pipeline.rig import Angle

pytestmark = pytest.mark.by_turns

RUN = Path("/run").absolute()
KLING_3 = "fal-ai/kling-video/v3/pro/image-to-video"
KLING_25 = "fal-ai/kling-video/v2.5-turbo/pro/image-to-video"
KLING_26 = "fal-ai/kling-video/v2.6/pro/image-to-video"
KLING_16 = "fal-ai/kling-video/v1.6/pro/image-to-video"
VEO = "fal-ai/veo3.1/image-to-video"
VEO_FRAMES = "fal-ai/veo3.1/first-last-frame-to-video"
DEPTH = "fal-ai/flux-control-lora-depth"

STILL = StillRequest(
    key="photoreal/front/1",
    endpoint="fal-ai/flux-kontext/dev",
    angle=Angle(name="front"),
    take=1,
    reference=RUN / "references/front.png",
    depth=RUN / "references/front.depth.png",
    prompt="a steel watch on white",
    avoid="blur, other products",
    seed=7,
    size=(1024, 1024),
    out=RUN / "photoreal/front.png",
)
CLIP = ClipRequest(
    key="video/turntable",
    endpoint=KLING_3,
    angle=Angle(name="three-quarter"),
    motion="turntable",
    start=RUN / "photoreal/three-quarter.png",
    end=None,
    elements=(),
    prompt="it turns",
    avoid="shaky camera",
    duration=5.0,
    audio=False,
    seed=7,
    size=(1024, 1024),
    out=RUN / "video/turntable.mp4",
    drawn={kind: RUN / f"video/turntable.{kind}.mp4" for kind in ("render", "depth")},
)
MODEL = ModelRequest(
    key="model", endpoint=model.FROM_ONE, photos=(RUN / "photos/1.jpg",), text="", out=RUN / "model/product.glb", seed=7
)
PICTURE = PictureRequest(
    key="picture", endpoint="fal-ai/flux-pro/v1.1", prompt="a watch", out=RUN / "photos/1.png", seed=7
)
TEXTURE = TextureRequest(
    key="model/texture",
    endpoint="fal-ai/meshy/v5/retexture",
    model=RUN / "model/bare.glb",
    photos=(RUN / "photos/1.jpg",),
    text="",
    out=RUN / "model/product.glb",
    seed=7,
)
DERIVED = DerivedRequest(
    key="photoreal/front/matte-01",
    endpoint="fal-ai/birefnet/v2",
    makes="matte",
    angle=Angle(name="front"),
    take=1,
    source=RUN / "photoreal/front.png",
    subject="a steel watch",
    size=(1024, 1024),
    out=RUN / "photoreal/front.matte.png",
    seed=7,
)
OPINION = OpinionRequest(
    key="photoreal/front/opinion-01",
    endpoint="openrouter/router/vision",
    angle=Angle(name="front"),
    take=1,
    pair=RUN / "photoreal/opinions/front.take-01.png",
    question="Is it the same product?",
    out=RUN / "photoreal/opinions/front.take-01.txt",
)


def file(path: str, media: str = "image/png") -> dict[str, str]:
    return {"$file": str(RUN / path), "content_type": media}


REFERENCE, DEPTH_MAP = file("references/front.png"), file("references/front.depth.png")


def still(endpoint: str = STILL.endpoint, **changes: Any) -> Purchase:
    return photoreal.purchase(replace(STILL, endpoint=endpoint, **changes))


def clip(endpoint: str = KLING_3, **changes: Any) -> Purchase:
    return video.purchase(replace(CLIP, endpoint=endpoint, **changes))


def made(photos: int, endpoint: str | None = None, text: str = "", **overrides: Any) -> Purchase:
    paths = tuple(RUN / f"photos/{i}.jpg" for i in range(1, photos + 1))
    endpoint = endpoint or model.default_endpoint(photos)
    return model.purchase(replace(MODEL, endpoint=endpoint, photos=paths, text=text, overrides=overrides))


def request_for(endpoint_id: str) -> Request:
    endpoint = CATALOGUE[endpoint_id]
    if endpoint.role == "picture":
        return replace(PICTURE, endpoint=endpoint_id)
    if endpoint.role == "photoreal":
        return replace(STILL, endpoint=endpoint_id)
    if endpoint.role == "video":
        fields = endpoint.Input.model_fields
        needs_end = any(name in fields and fields[name].is_required() for name in video.END)
        end = RUN / "photoreal/front.png" if needs_end else None
        return replace(CLIP, endpoint=endpoint_id, end=end)
    if endpoint.role == "opinion":
        return replace(OPINION, endpoint=endpoint_id)
    if endpoint.role == "retexture":
        return replace(TEXTURE, endpoint=endpoint_id)
    if endpoint.role in ("upscale", "matte"):
        of_clips = "video_url" in endpoint.Input.model_fields
        source, out = (
            ("video/turntable.mp4", "video/more.mp4") if of_clips else ("photoreal/front.png", "photoreal/m.png")
        )
        return replace(DERIVED, endpoint=endpoint_id, makes=endpoint.role, source=RUN / source, out=RUN / out)
    count = 0 if endpoint_id == model.FROM_WORDS else 2 if "tripo" in endpoint_id else 1
    photos = tuple(RUN / f"photos/{number + 1}.jpg" for number in range(count))
    return replace(MODEL, endpoint=endpoint_id, photos=photos, text="" if photos else "a watch")


@pytest.mark.parametrize("endpoint_id", CATALOGUE)
def test_every_endpoint_can_be_bought_from(endpoint_id: str) -> None:
    endpoint, request = CATALOGUE[endpoint_id], request_for(endpoint_id)
    bought = purchase_for(request)
    fields = endpoint.Input.model_fields
    assert bought.arguments.keys() <= fields.keys()
    assert {name for name, field in fields.items() if field.is_required()} <= bought.arguments.keys()
    assert "sync_mode" not in bought.arguments
    assert bought.arguments.get("num_images", 1) == 1
    if "png" in endpoint.choices("output_format") and endpoint.role != "model":
        assert bought.arguments["output_format"] == "png"
    if "seed" in fields:
        assert bought.arguments["seed"] == 7
    assert ("negative_prompt" in bought.arguments) == ("negative_prompt" in fields)
    assert [output.file for output in bought.outputs] == [str(request.out)]
    assert Purchase.from_json(json.loads(json.dumps(bought.to_json()))) == bought
    if endpoint.price.usd is not None:
        assert bought.quoted_usd > 0


def test_kontext_dev_gets_fals_own_defaults() -> None:
    assert still().arguments == {
        "prompt": "a steel watch on white",
        "image_url": REFERENCE,
        "resolution_mode": "match_input",
        "num_images": 1,
        "output_format": "png",
        "seed": 7,
    }


def test_the_purchase_carries_what_the_journal_needs() -> None:
    bought = still(take=2)
    assert (bought.key, bought.stage, bought.angle, bought.take) == (STILL.key, "photoreal", "front", 2)
    assert (bought.outputs[0].place, bought.outputs[0].media) == ("images.0", "image/png")
    assert (bought.quoted_usd, bought.unit, bought.unit_price, bought.units) == (0.025, "images", 0.025, 1)
    assert (clip().outputs[0].place, clip().outputs[0].media) == ("video", "video/mp4")
    assert (made(1).outputs[0].place, made(1).outputs[0].media) == ("model_glb", "model/gltf-binary")


def test_fals_live_price_is_quoted() -> None:
    assert purchase_for(STILL, (0.03, "images")).quoted_usd == 0.03


@pytest.mark.parametrize(("size", "ratio"), [((1024, 1024), "1:1"), ((1392, 752), "16:9"), ((832, 1248), "2:3")])
def test_kontext_pro_gets_the_nearest_ratio(size: tuple[int, int], ratio: str) -> None:
    assert still("fal-ai/flux-pro/kontext", size=size).arguments["aspect_ratio"] == ratio


def test_several_image_endpoints_get_a_list() -> None:
    assert still("fal-ai/flux-pro/kontext/max/multi").arguments["image_urls"] == [REFERENCE]


@pytest.mark.parametrize(
    ("endpoint", "size", "asked"),
    [
        ("fal-ai/flux-2/edit", (1392, 752), (1392, 752)),
        ("fal-ai/flux-2/edit", (64, 64), (512, 512)),
        ("fal-ai/bytedance/seedream/v4.5/edit", (1024, 1024), (1920, 1920)),
        ("openai/gpt-image-2/edit", (1024, 1024), (1024, 1024)),
    ],
)
def test_sizes_are_given_in_pixels_where_the_endpoint_keeps_them(endpoint: str, size: Any, asked: Any) -> None:
    assert still(endpoint, size=size).arguments["image_size"] == {"width": asked[0], "height": asked[1]}


@pytest.mark.parametrize(("size", "resolution"), [((1024, 1024), "1K"), ((2048, 1024), "2K"), ((4096, 4096), "4K")])
def test_nano_banana_gets_the_resolution_that_is_enough(size: tuple[int, int], resolution: str) -> None:
    arguments = still("fal-ai/nano-banana-2/edit", size=size).arguments
    assert (arguments["resolution"], arguments["aspect_ratio"]) == (resolution, "auto")


def test_depth_endpoints_get_our_depth_map_as_it_is() -> None:
    plain = still(DEPTH).arguments
    assert (plain["control_lora_image_url"], plain["preprocess_depth"]) == (DEPTH_MAP, False)
    assert "image_url" not in plain
    edit = still(DEPTH + "/image-to-image").arguments
    assert (edit["control_lora_image_url"], edit["image_url"]) == (DEPTH_MAP, REFERENCE)
    assert still("fal-ai/z-image/turbo/controlnet").arguments["image_url"] == DEPTH_MAP
    union = still("fal-ai/sdxl-controlnet-union").arguments
    assert (union["depth_image_url"], union["depth_preprocess"], union["format"]) == (DEPTH_MAP, False, "png")
    assert still("fal-ai/flux-control-lora-canny").arguments["control_lora_image_url"] == REFERENCE


def test_a_depth_endpoint_without_a_depth_map_is_refused() -> None:
    with pytest.raises(UsageError, match="follows a depth map and none was rendered"):
        still(DEPTH, depth=None)


def test_negative_wishes_go_only_where_there_is_a_field() -> None:
    assert "negative_prompt" not in still("fal-ai/flux-kontext/dev").arguments
    assert still("fal-ai/qwen-image-edit-2511").arguments["negative_prompt"] == STILL.avoid
    assert "negative_prompt" not in still("fal-ai/qwen-image-edit-2511", avoid="").arguments


# overrides


def test_overrides_come_last_and_none_leaves_a_field_out() -> None:
    arguments = still(overrides={"guidance_scale": "3.5", "output_format": "jpeg", "seed": None}).arguments
    assert (arguments["guidance_scale"], arguments["output_format"]) == (3.5, "jpeg")
    assert "seed" not in arguments


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        ({"guidance_scale": 99}, "it takes a number from 1 to 20"),
        ({"num_inference_steps": "many"}, "num_inference_steps = 'many'"),
        ({"guidanc_scale": 3}, "did you mean 'guidance_scale'"),
        ({"prompt": None}, "needs prompt"),
        ({"sync_mode": True}, "sync_mode"),
        ({"num_images": 4}, "ask for more takes"),
        ({"image_url": "nowhere.png"}, "neither an address nor a file here"),
        ({"image_url": "@depht"}, "@reference, @depth"),
    ],
)
def test_a_bad_override_is_refused_before_anything_is_paid(overrides: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        still(overrides=overrides)


def test_an_override_can_name_the_runs_own_files_an_address_or_a_path(tmp_path: Path) -> None:
    own = tmp_path / "texture.png"
    own.write_bytes(b"png")
    assert still(overrides={"image_url": "@depth"}).arguments["image_url"] == DEPTH_MAP
    assert still(overrides={"image_url": "https://a.b/c.png"}).arguments["image_url"] == "https://a.b/c.png"
    textured = made(1, texture_image_url=str(own)).arguments
    assert textured["texture_image_url"] == {"$file": str(own), "content_type": "image/png"}


def test_an_unknown_endpoint_gets_the_usual_fields_and_the_users() -> None:
    plain = still("someone/new-model").arguments
    assert plain == {"prompt": STILL.prompt, "image_url": REFERENCE, "seed": 7}
    own = still("someone/new-model", overrides={"image_urls": ["@reference"], "strength": 0.5, "seed": None}).arguments
    assert own == {"prompt": STILL.prompt, "image_urls": [REFERENCE], "strength": 0.5}
    assert clip("someone/new-clips").arguments.keys() == {"prompt", "image_url", "seed"}
    assert made(2, "someone/new-3d").arguments.keys() == {"image_urls", "seed"}


def test_a_file_of_another_kind_is_refused() -> None:
    with pytest.raises(BadInput, match=r"photo\.tiff is of a kind that can't be sent"):
        model.purchase(replace(MODEL, photos=(RUN / "photo.tiff",)))


# models


def test_the_default_model_endpoint_follows_the_number_of_photos() -> None:
    assert [model.default_endpoint(n) for n in range(5)] == [
        model.FROM_WORDS,
        model.FROM_ONE,
        *[model.FROM_SEVERAL] * 3,
    ]


def test_models_are_textured_with_pbr_unless_told_otherwise() -> None:
    one = made(1).arguments
    assert one == {"image_url": file("photos/1.jpg", "image/jpeg"), "should_texture": True, "enable_pbr": True}
    assert len(made(4).arguments["image_urls"]) == 4
    assert made(0, text="a watch").arguments == {"prompt": "a watch", "enable_pbr": True, "seed": 7}
    bare = made(1, should_texture=False)
    assert bare.arguments["should_texture"] is False
    assert "enable_pbr" not in bare.arguments
    assert bare.quoted_usd < made(1).quoted_usd


@pytest.mark.parametrize(
    ("photos", "endpoint", "text", "says"),
    [
        (2, model.FROM_ONE, "", "takes one photo, not 2; use meshy/v7/multi-image-to-3d"),
        (1, model.FROM_WORDS, "", "takes no photo; use meshy/v7/image-to-3d"),
        (1, "tripo3d/h3.1/multiview-to-3d", "", "it takes a list from 2 to 4 entries"),
        (0, model.FROM_ONE, "a watch", "makes no model from words; use fal-ai/meshy/v6/text-to-3d"),
        (0, model.FROM_WORDS, "", "neither a photo nor words"),
        (5, model.FROM_SEVERAL, "", "at most 4 photos, not 5"),
        (0, model.FROM_WORDS, "x" * 601, "prompt = .* it takes text of at most 600 characters|600"),
    ],
)
def test_inputs_that_the_model_endpoint_cannot_take(photos: int, endpoint: str, text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        made(photos, endpoint, text)


def test_pictures_from_words_are_square_pngs() -> None:
    assert purchase_for(PICTURE).arguments == {
        "prompt": "a watch",
        "image_size": "square_hd",
        "output_format": "png",
        "num_images": 1,
        "seed": 7,
    }
    ultra = purchase_for(replace(PICTURE, endpoint="fal-ai/flux-pro/v1.1-ultra"))
    assert ultra.arguments["aspect_ratio"] == "1:1"


# clips


def test_kling_3_is_told_that_it_shall_be_silent() -> None:
    assert clip().arguments == {
        "prompt": "it turns",
        "start_image_url": file("photoreal/three-quarter.png"),
        "duration": "5",
        "generate_audio": False,
        "negative_prompt": "shaky camera",
    }
    assert clip(audio=True).arguments["generate_audio"] is True
    assert clip(audio=True).quoted_usd == pytest.approx(1.5 * clip().quoted_usd)


@pytest.mark.parametrize(
    ("endpoint", "seconds", "sold"),
    [
        (KLING_3, 4.2, "5"),
        (KLING_3, 1, "3"),
        (KLING_3, 15, "15"),
        (KLING_25, 5.1, "10"),
        (VEO, 5, "6s"),
        (VEO, 8, "8s"),
    ],
)
def test_durations_are_rounded_up_to_what_is_sold(endpoint: str, seconds: float, sold: str) -> None:
    assert clip(endpoint, duration=seconds).arguments["duration"] == sold


def test_a_clip_longer_than_any_that_is_sold_is_refused() -> None:
    with pytest.raises(UsageError, match=rf"at most 8 seconds, not 9; ask for less, or use {KLING_3}"):
        clip(VEO, duration=9)
    with pytest.raises(UsageError, match=r"at most 30 seconds, not 31; ask for less$"):
        clip("bytedance/seedance-2.5/image-to-video", duration=31)


@pytest.mark.parametrize(
    ("endpoint", "start", "end"),
    [
        (KLING_3, "start_image_url", "end_image_url"),
        (KLING_26, "start_image_url", "end_image_url"),
        (KLING_25, "image_url", "tail_image_url"),
        (VEO_FRAMES, "first_frame_url", "last_frame_url"),
    ],
)
def test_start_and_end_pictures_go_to_their_fields(endpoint: str, start: str, end: str) -> None:
    arguments = clip(endpoint, end=RUN / "photoreal/side.png").arguments
    assert arguments[start] == file("photoreal/three-quarter.png")
    assert arguments[end] == file("photoreal/side.png")


def test_an_end_picture_where_none_is_taken_or_needed() -> None:
    with pytest.raises(UsageError, match=f"takes no end picture; leave out the end angle, or use {KLING_3}"):
        clip(VEO, end=RUN / "photoreal/side.png")
    with pytest.raises(UsageError, match="needs an end picture too"):
        clip(VEO_FRAMES)


def test_elements_are_filled_from_the_stills() -> None:
    assert [e.id for e in of_role("video") if e.takes("elements")] == [
        KLING_3,
        KLING_3.replace("pro", "4k"),
        KLING_3.replace("pro", "standard"),
        "fal-ai/kling-video/o3/pro/reference-to-video",
    ]
    views = tuple(RUN / f"photoreal/{name}.png" for name in ("front", "side", "top", "back", "detail"))
    arguments = clip(elements=views).arguments
    assert arguments["elements"] == [
        {
            "frontal_image_url": file("photoreal/front.png"),
            "reference_image_urls": [file(f"photoreal/{name}.png") for name in ("side", "top", "back")],
        }
    ]
    assert arguments["prompt"] == "it turns The product is @Element1."
    assert clip(elements=views, prompt="@Element1 turns").arguments["prompt"] == "@Element1 turns"
    assert "elements" not in clip(KLING_25, elements=views).arguments


def test_shots_of_the_users_own_replace_the_prompt() -> None:
    shots = [{"prompt": "it turns", "duration": 3}, {"prompt": "it stops", "duration": "2"}]
    bought = clip(overrides={"multi_prompt": shots})
    assert not {"prompt", "duration"} & bought.arguments.keys()
    assert [shot["duration"] for shot in bought.arguments["multi_prompt"]] == ["3", "2"]
    assert bought.units == 5
    with pytest.raises(UsageError, match=r"multi_prompt\.0\.duration = '99'; it should be"):
        clip(overrides={"multi_prompt": [{"prompt": "it turns", "duration": "99"}]})


def test_audio_where_none_is_made_is_refused() -> None:
    with pytest.raises(UsageError, match=f"makes no sound; leave out the audio, or use {KLING_3}"):
        clip(KLING_25, audio=True)


def test_aspect_is_named_only_where_the_endpoint_does_not_follow_the_picture() -> None:
    assert clip(KLING_16, size=(752, 1392)).arguments["aspect_ratio"] == "9:16"
    assert "aspect_ratio" not in clip(VEO).arguments
    assert "aspect_ratio" not in clip(KLING_25).arguments


def test_a_model_that_follows_a_clip_is_sent_this_machines_own() -> None:
    real = clip("fal-ai/ltx-2.3-quality/render-to-real").arguments
    assert real["video_url"] == file("video/turntable.render.mp4", "video/mp4")
    assert (real["num_frames"], real["frames_per_second"], real["prompt"]) == (121, 24, "3DREAL. it turns")
    assert real["image_url"] == file("photoreal/three-quarter.png")
    assert "resolution" not in real
    assert clip("fal-ai/ltx-2.3-quality/render-to-real", duration=9.0).arguments["resolution"] == "480p"
    depth = clip("fal-ai/wan-22-vace-fun-a14b/depth").arguments
    assert depth["video_url"] == file("video/turntable.depth.mp4", "video/mp4")
    assert depth["ref_image_urls"] == [file("photoreal/three-quarter.png")]
    with pytest.raises(UsageError, match="follows a clip of at most 10 seconds, not 12; ask for less"):
        clip("fal-ai/wan-22-vace-fun-a14b/depth", duration=12.0)
    wide = clip("fal-ai/ltx-2.3-quality/render-to-real", size=(1280, 720))
    assert wide.quoted_usd == pytest.approx(0.27, abs=0.01)


def test_views_and_keyframes_take_the_stills_where_an_endpoint_has_no_start() -> None:
    views = tuple(RUN / f"photoreal/{name}.png" for name in ("three-quarter", "front"))
    seedance = clip("bytedance/seedance-2.5/reference-to-video", elements=views).arguments
    assert seedance["image_urls"] == [file("photoreal/three-quarter.png"), file("photoreal/front.png")]
    assert seedance["prompt"] == "it turns The product is @Image1."
    assert clip("fal-ai/veo3.1/reference-to-video").arguments["image_urls"] == [file("photoreal/three-quarter.png")]
    keyed = clip("blackforestlabs/flux-3/keyframes-to-video", end=RUN / "photoreal/front.png", duration=5.5).arguments
    assert keyed["keyframes"] == [
        {"image_url": file("photoreal/three-quarter.png"), "frame_index": 0},
        {"image_url": file("photoreal/front.png"), "frame_index": 144},
    ]
    assert keyed["duration"] == 6


def test_photos_go_to_the_views_that_an_endpoint_names() -> None:
    sent = made(3, "fal-ai/hunyuan-3d/v3.1/pro/image-to-3d").arguments
    views = {name: value["$file"][-5] for name, value in sent.items() if name.endswith("_image_url")}
    assert views == {"input_image_url": "1", "left_image_url": "2", "back_image_url": "3"}


def test_a_texture_is_made_from_the_first_photo_or_from_words() -> None:
    sent = purchase_for(TEXTURE).arguments
    assert sent["model_url"] == file("model/bare.glb", "model/gltf-binary")
    assert sent["image_style_url"] == file("photos/1.jpg", "image/jpeg")
    words = purchase_for(replace(TEXTURE, photos=(), text="a red duck")).arguments
    assert (words["text_style_prompt"], "image_style_url" in words) == ("a red duck", False)
    with pytest.raises(UsageError, match="makes a texture from a photo"):
        purchase_for(replace(TEXTURE, endpoint="fal-ai/trellis-2/retexture", photos=(), text="a red duck"))


def test_what_takes_pictures_takes_no_clip() -> None:
    with pytest.raises(UsageError, match="takes no clip; choose another endpoint for turntable.mp4"):
        purchase_for(replace(DERIVED, source=RUN / "video/turntable.mp4"))
