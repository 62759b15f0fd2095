# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The endpoints that came in 2026, each bought from in a whole run: what they make lies where an artist looks for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from consistency_pipeline.fal_backend import prices
from consistency_pipeline.fal_backend.endpoints.catalogue import CATALOGUE
from consistency_pipeline.pipeline.backend.requests import DerivedRequest
from consistency_pipeline.pipeline.errors import ConsistencyError
from consistency_pipeline.pipeline.rig import Angle
from tests.fake_fal import API_KEY, FakeFal, media
from tests.fake_fal.model import glb

from .shop import agrees, buy_one, go, new_folder
from .stand_in import StandInStudio, write
from .test_chain import new_run, photos

pytestmark = [pytest.mark.by_turns, pytest.mark.usefixtures("near")]
MODELS = (
    "meshy/v7/multi-image-to-3d",
    "tripo3d/h3.1/multiview-to-3d",
    "hitem3d/hi3d/v3.0/multi-view-to-3d",
    "fal-ai/hunyuan-3d/v3.1/pro/image-to-3d",
    "fal-ai/hyper3d/rodin/v2.5",
)
TEXTURES = ("fal-ai/trellis-2/retexture", "fal-ai/meshy/v5/retexture", "hitem3d/hi3d/texture")
STILLS = (
    "alibaba/qwen-image-3/edit",
    "microsoft/mai-image-2.5-pro/edit",
    "reve/2.1/edit",
    "xai/grok-imagine-image/v2.0/edit",
)
CLIPS = (
    "bytedance/seedance-2.5/image-to-video",
    "bytedance/seedance-2.5/reference-to-video",
    "blackforestlabs/flux-3/first-last-frame-to-video",
    "blackforestlabs/flux-3/keyframes-to-video",
    "fal-ai/kling-video/v3/turbo/pro/image-to-video",
    "fal-ai/kling-video/v3/4k/image-to-video",
    "fal-ai/kling-video/o3/pro/reference-to-video",
    "lightricks/ltx-2.5/image-to-video/pro",
    "minimax/h3/image-to-video",
    "fal-ai/veo3.1/lite/image-to-video",
    "fal-ai/veo3.1/reference-to-video",
    "fal-ai/ltx-2.3-quality/render-to-real",
    "fal-ai/wan-22-vace-fun-a14b/depth",
)
OF_ONE_PICTURE = (
    "topaz/upscale/image/precision",
    "fal-ai/seedvr/upscale/image",
    "fal-ai/birefnet/v2",
    "fal-ai/sam-3-1/image",
)
OF_ONE_CLIP = ("topaz/upscale/video/precision", "fal-ai/seedvr/upscale/video", "bria/video/background-removal/v3")
ONE = ({"name": "front"}, {"name": "three-quarter", "azimuth": 40.0})


def cycled(names: tuple[str, ...], number: int) -> str:
    return names[number % len(names)]


@pytest.mark.parametrize("number", range(len(CLIPS)), ids=CLIPS)
def test_a_whole_run(fake: FakeFal, tmp_path: Path, number: int) -> None:
    still, clip, is_made = cycled(STILLS, number), CLIPS[number], number < len(MODELS)
    model, texture = cycled(MODELS, number), cycled(TEXTURES, number)
    more: dict[str, Any] = {"video_end_angle": "front"} if "first-last" in clip else {}
    folder = new_run(
        tmp_path,
        inputs=photos(tmp_path, 3) if is_made else (str(write(tmp_path / "duck.glb", glb(200, (9, 9, 9)))),),
        model_endpoint=model,
        retexture_endpoint=texture,
        image_endpoint=still,
        video_endpoint=clip,
        size=384,
        angles=ONE,
        gate={"enabled": False},
        **more,
    )
    studio = StandInStudio()
    go(folder, studio)
    wanted = [model, texture] if is_made else []
    assert sorted(entry.endpoint for entry in fake.books) == sorted([*wanted, still, still, clip])
    assert folder.is_finished
    assert folder.product.read_bytes()[:4] == b"glTF"
    assert folder.bare_product.is_file() == is_made
    assert folder.still("front").is_file()
    assert folder.clip("turntable").is_file()
    agrees(folder, fake)
    assert fake.ignored_fields == {}
    follows = CATALOGUE[clip].follows
    own = folder.own_clip("turntable", 1, follows)
    assert own.is_file() == bool(follows)
    assert studio.calls.get("render_turntable", 0) == (1 if follows else 0)
    if follows:
        sent = next(entry for entry in fake.books if entry.endpoint == clip)
        assert fake.storage.fetch(sent.arguments["video_url"]) == own.read_bytes()


def test_every_new_entry_was_in_one_of_those_runs() -> None:
    newest = {e.id for e in CATALOGUE.values() if e.price.date >= "2026-07-01" and e.role != "opinion"}
    assert newest - {"fal-ai/kling-video/v3/pro/image-to-video", "fal-ai/kling-video/v3/standard/image-to-video"} - {
        "meshy/v7/image-to-3d"
    } <= {*MODELS, *TEXTURES, *STILLS, *CLIPS, *OF_ONE_PICTURE, *OF_ONE_CLIP, *unpriced()}


def unpriced() -> set[str]:
    return {endpoint.id for endpoint in CATALOGUE.values() if endpoint.price.usd is None}


def test_a_render_that_fails_keeps_the_stills_and_says_so(fake: FakeFal, tmp_path: Path) -> None:
    class Broken(StandInStudio):
        def render_turntable(self, *_: Any, **__: Any) -> Any:
            raise ConsistencyError("this Blender was built without FFmpeg")
            yield

    folder = new_run(
        tmp_path, inputs=photos(tmp_path, 1), video_endpoint=CLIPS[-1], angles=ONE, gate={"enabled": False}
    )
    with pytest.raises(ConsistencyError, match="without FFmpeg"):
        go(folder, Broken())
    assert folder.still("front").is_file()
    assert folder.contact_sheet.is_file()
    assert CLIPS[-1] not in {entry.endpoint for entry in fake.books}
    agrees(folder, fake)
    go(folder)
    assert folder.clip("turntable").is_file()


@pytest.mark.parametrize("endpoint", [*OF_ONE_PICTURE, *OF_ONE_CLIP])
def test_what_is_made_of_one_picture_or_clip_comes_home(fake: FakeFal, tmp_path: Path, endpoint: str) -> None:
    folder = new_folder(tmp_path / "run")
    is_clip = endpoint in OF_ONE_CLIP
    source = write(folder.clip("turntable"), b"clip") if is_clip else write(folder.still("front"), media_png())
    out = source.with_name("made.mp4" if is_clip else "made.png")
    makes = CATALOGUE[endpoint].role.value
    assert makes in ("upscale", "matte")
    folder.note(prices=prices.fetch(API_KEY, [endpoint]))
    request = DerivedRequest(
        "photoreal/front/made-01", endpoint, makes, Angle(name="front"), 1, source, "duck", (64, 64), out
    )
    assert buy_one(folder, request).kind == "done"
    assert out.is_file()
    agrees(folder, fake)
    assert fake.ignored_fields == {}


def media_png() -> bytes:
    return media.encode(media.drawn("a duck", (64, 64), 1), "png")
