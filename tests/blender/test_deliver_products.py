# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole products through every preset: rendered, delivered, and read back with Pillow, which wrote none of it."""

from __future__ import annotations

import io
import os
from pathlib import Path

import bpy
import numpy as np
import pytest
from PIL import Image, ImageCms

from consistency_pipeline.pipeline import chain
from consistency_pipeline.pipeline.backend.local import LocalBackend
from consistency_pipeline.pipeline.deliver import delivery, presets
from consistency_pipeline.pipeline.deliver.shops import SHOPS
from consistency_pipeline.pipeline.driver import finish
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from consistency_pipeline.pipeline.settings.groups import RunSettings
from consistency_pipeline.studio import BlenderStudio
from consistency_pipeline.studio.deliver.ar import export_ar
from consistency_pipeline.studio.image_worker import ImageWorker
from consistency_pipeline.studio.scene.sample_product import build_sample

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(1500),
]  # the first test of a product waits for its run and all its sets
SKU = "00012345678905"  # a GTIN-14 suits every preset
ANGLES = ("front", "three-quarter", "detail")
SIZE = 384
LARGE = "print"  # 9 million pixels each
CLIP_OF = "duck"  # glass takes minutes to turn


def model(name, folder):
    """The sample product, or a model of the folder that an environment variable names."""
    if name == "sample":
        path = folder / "sample.glb"
        build_sample(path)
        bpy.ops.wm.read_factory_settings(use_empty=True)
        return path
    path = Path(os.environ.get("CONSISTENCY_TEST_MODELS") or os.devnull) / f"{name}.glb"
    if not path.is_file():
        pytest.skip(f"CONSISTENCY_TEST_MODELS has no {path.name}")
    return path


@pytest.fixture(scope="module", params=["sample", "duck", "milk_truck"])
def delivered(request, tmp_path_factory):
    """A run of the product and what was delivered of it. It is made before a test's own empty file and state folder are."""
    place = tmp_path_factory.mktemp(request.param)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONSISTENCY_STATE_FOLDER", str(place / "state"))
        return made_of(request.param, place)


def made_of(product, place):
    angles = tuple(angle for angle in RunSettings().studio.angles if angle.name in ANGLES)
    options = {
        "backend": "local",
        "angles": angles,
        "size": SIZE,
        "samples": 8,
        "device": "cpu",
        "motion": "turntable" if product == CLIP_OF else "none",
    }
    settings = RunSettings(inputs=(str(model(product, place)),), duration=1.0, **options)
    folder = RunFolder.create(place / "run", settings, {})
    studio = BlenderStudio(settings, own_file=True)
    finish(chain.run(folder, studio, LocalBackend(studio, settings)))
    worker = ImageWorker()
    shops = tuple(presets.presets(",".join(set(SHOPS) - {LARGE})))
    wishes = delivery.Wishes(shops, ar=True, clips=product == CLIP_OF, sku=SKU)
    large = delivery.Wishes(tuple(presets.presets(LARGE)), angles=ANGLES[:1], sku=SKU)
    try:
        made = finish(delivery.deliver(folder, wishes, worker.do, export=lambda out: export_ar(folder, out)))
        made["sets"] |= finish(delivery.deliver(folder, large, worker.do))["sets"]
    finally:
        worker.close()
    return folder, made


@pytest.mark.parametrize("name", sorted(SHOPS))
def test_every_file_is_what_its_shop_asks_for(delivered, name):
    folder, made = delivered
    preset, shop = presets.preset(name), made["sets"][name]
    assert [told["file"] for told in shop["pictures"] if told["file"] is None] == [], shop["headline"]
    assert {told["outcome"] for told in shop["pictures"]} <= {"pass", "advice"}
    for number, told in enumerate(shop["pictures"]):
        rules, path = preset.rules(number), folder.root / "deliver" / name / told["file"]
        assert path.name.startswith(SKU)
        with Image.open(path) as seen:
            assert seen.format.lower() == rules.format
            assert rules.least <= max(seen.size) <= rules.most
            assert seen.width / seen.height == pytest.approx(rules.aspect, rel=0.01)
            profile = ImageCms.ImageCmsProfile(io.BytesIO(seen.info["icc_profile"]))
            assert ImageCms.getProfileDescription(profile).startswith("sRGB")
            xmp = seen.info.get("xmp") or seen.info.get("XML:com.adobe.xmp") or b""
            pixels = np.asarray(seen.convert("RGBA")).astype(int)
        assert path.stat().st_size <= (rules.most_bytes or 1 << 40)
        assert "digitalsourcetype/digitalCreation" in (xmp.decode() if isinstance(xmp, bytes) else xmp)
        if told["angle"] != "detail":
            check_ground_and_fill(pixels, rules)


def check_ground_and_fill(pixels, rules):
    """As a shop's own checker would: what is not the ground is the product."""
    rim = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    if rules.ground == "keep":
        return
    if rules.ground == "white":
        assert (rim[:, :3] == 255).all()
        if rules.shadow:
            return
        product = pixels[..., :3].min(axis=-1) < 240
    else:
        assert (rim[:, 3] == 0).all()
        product = pixels[..., 3] > 128
    rows, columns = np.nonzero(product.any(axis=1))[0], np.nonzero(product.any(axis=0))[0]
    height, width = product.shape
    high, wide = rows[-1] + 1 - rows[0], columns[-1] + 1 - columns[0]
    assert max(high / height, wide / width) == pytest.approx(rules.fill.wanted, abs=0.02)
    assert abs(rows[0] - (height - 1 - rows[-1])) <= 0.02 * height
    assert abs(columns[0] - (width - 1 - columns[-1])) <= 0.02 * width


def test_clip_and_3d_files_are_delivered_with_it(delivered):
    folder, made = delivered
    assert made["sets"]["ar"]["outcome"] in ("pass", "advice")
    if folder.settings.clip.motion == "none":
        return
    (clip,) = made["sets"]["clips"]["pictures"]
    assert clip["outcome"] == "pass"
    assert (folder.root / "deliver" / "clips" / clip["file"]).stat().st_size == clip["bytes"]
