# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files for shops, read back with another library than the one that wrote them, and measured as a shop would."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image, ImageCms
from skimage.color import deltaE_ciede2000, rgb2lab

from consistency_pipeline import command_line
from consistency_pipeline.pipeline.deliver import delivery, presets
from consistency_pipeline.pipeline.deliver.shops import SHOPS
from consistency_pipeline.pipeline.driver import finish
from consistency_pipeline.pipeline.errors import BadInput, BadRender, RunFolderError, UsageError
from consistency_pipeline.pipeline.formats import picture_marks, png
from consistency_pipeline.pipeline.rig import Angle
from consistency_pipeline.pipeline.run.record import Decision, Entry
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from consistency_pipeline.pipeline.settings.groups import RunSettings
from consistency_pipeline.pipeline.stages import Progress, Stage
from consistency_pipeline.studio.deliver.ar import export_ar, read_back
from consistency_pipeline.studio.image_worker import ImageWorker, encode

pytestmark = pytest.mark.by_turns

SIZE = 384
GREY = 200  # of the ground behind the drawn product
ANGLES = (Angle(name="front"), Angle(name="detail", fill=1.6))
SKU = "00012345678905"  # a GTIN-14 suits every preset


def drawn(angle: str, shift: float = 0.0):
    """A red bottle with a blue label: (still (H, W, 3) uint8 on grey, alpha (H, W) 0..1), its rim mixed as a render's is."""
    reach = 1.6 if angle == "detail" else 1.0
    fine = 4
    y, x = (np.mgrid[0 : SIZE * fine, 0 : SIZE * fine] + 0.5) / (SIZE * fine) - 0.5
    x, y = (x - shift / SIZE) / reach, y / reach
    inside = (np.abs(x) < 0.3 - 0.1 * (y < -0.25)) & (np.abs(y) < 0.42) & (np.hypot(x, y) < 0.44)
    alpha = inside.reshape(SIZE, fine, SIZE, fine).mean(axis=(1, 3))
    colour = np.zeros((SIZE, SIZE, 3))
    colour[...] = (0.75, 0.12, 0.1)
    y, x = (np.mgrid[0:SIZE, 0:SIZE] + 0.5) / SIZE - 0.5
    colour[(np.abs(y / reach) < 0.1)] = (0.1, 0.2, 0.6)
    colour *= (0.9 + 0.2 * x)[..., None]
    still = colour * alpha[..., None] + GREY / 255.0 * (1.0 - alpha[..., None])
    return np.rint(still * 255.0).astype(np.uint8), alpha


def make_run(root, *, backend="local", made_by="local", outcome="pass", shift=0.0, file="bottle.glb"):
    settings = RunSettings(
        backend=backend, inputs=(str(root.parent / file),), angles=ANGLES, size=SIZE, motion="none", backdrop="#c8c8c8"
    )
    folder = RunFolder.create(root, settings, {})
    for angle in ANGLES:
        mask = folder.references / f"{angle.name}.mask.png"
        png.write(mask, np.rint(drawn(angle.name)[1] * 65535).astype(np.uint16))
        png.write(folder.take(angle.name, 1), drawn(angle.name, shift)[0], {"Software": "test"})
        subject = f"{Stage.PHOTOREAL}/{angle.name}"
        folder.keep_entry(subject, Entry(take=1, made_by=made_by, outcome=outcome, reason="as drawn"))
        folder.choose(
            subject, 1, Decision(take=1, made_by=made_by, outcome=outcome, reason="as drawn", action="accept")
        )
    return folder


def deliver(folder, shops, **wishes):
    chosen = delivery.Wishes(presets=tuple(presets.presets(shops)), sku=SKU, **wishes)
    return finish(delivery.deliver(folder, chosen, ImageWorker().do))


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """A run delivered for every preset, once."""
    folder = make_run(tmp_path_factory.mktemp("delivered") / "run")
    made = deliver(folder, ",".join(set(SHOPS) - {"print"}), zip=True)
    made["sets"] |= deliver(folder, "print", angles=("front",))["sets"]  # 9 million pixels each
    return folder, made


def shop_of(folder, preset):
    return json.loads((folder.root / "deliver" / preset / "shop.json").read_text())


@pytest.mark.parametrize("name", sorted(SHOPS))
def test_each_preset_holds_what_it_promises_for_another_library(everything, name):
    folder, _ = everything
    preset, shop = presets.preset(name), shop_of(folder, name)
    assert [picture["angle"] for picture in shop["pictures"]] == ["front", "detail"][: 1 if name == "print" else 2]
    for number, told in enumerate(shop["pictures"]):
        rules, path = preset.rules(number), folder.root / "deliver" / name / told["file"]
        assert path.name.startswith(SKU)
        with Image.open(path) as seen:
            assert seen.format.lower() == rules.format
            assert rules.least <= max(seen.size) <= rules.most
            assert seen.size == (told["width"], told["height"])
            assert seen.width / seen.height == pytest.approx(rules.aspect, rel=0.01)
            profile = ImageCms.ImageCmsProfile(io.BytesIO(seen.info["icc_profile"]))
            assert ImageCms.getProfileDescription(profile).startswith("sRGB")
            assert seen.getexif() is not None
            dpi = seen.info.get("dpi")
            pixels = np.asarray(seen.convert("RGBA"))
        assert rules.dpi is None or [round(value) for value in dpi] == [rules.dpi] * 2
        assert path.stat().st_size <= (rules.most_bytes or 1 << 40)
        xmp = picture_marks.xmp_in(path.read_bytes())
        assert "digitalsourcetype/digitalCreation" in xmp
        assert told["alt"] in xmp
        assert "ottle" in told["alt"]
        assert {rule["outcome"] for rule in told["rules"]} <= {"pass", "advice"}
        if told["angle"] != "detail":
            check_placed(pixels, rules)


def check_placed(pixels, rules):
    """Ground and fill as a stranger finds them."""
    red, green, blue, alpha = np.moveaxis(pixels.astype(int), -1, 0)
    product = (alpha > 128) & (np.maximum(red, blue) - green > 60)
    rows, columns = np.nonzero(product.any(axis=1))[0], np.nonzero(product.any(axis=0))[0]
    height, width = product.shape
    fill = max((rows[-1] + 1 - rows[0]) / height, (columns[-1] + 1 - columns[0]) / width)
    assert fill == pytest.approx(rules.fill.wanted, abs=0.012)
    assert abs(rows[0] - (height - 1 - rows[-1])) <= 3
    assert abs(columns[0] - (width - 1 - columns[-1])) <= 3
    rim = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    if rules.ground == "white":
        assert (rim == 255).all()
        corner = pixels[: max(0, rows[0] - 24), :, :3]
        assert (corner == 255).all()
    elif rules.ground == "transparent":
        assert (rim[:, 3] == 0).all()
    else:
        assert np.abs(rim[:, :3].astype(int) - GREY).max() <= 2


@pytest.mark.parametrize("name", ["cutout", "web"])
def test_a_cut_out_has_no_halo_on_black(everything, name):
    folder, _ = everything
    told = shop_of(folder, name)["pictures"][0]
    with Image.open(folder.root / "deliver" / name / told["file"]) as seen:
        pixels = np.asarray(seen.convert("RGBA")).astype(float)
    alpha = pixels[..., 3:] / 255.0
    shown = (pixels[..., :3] * alpha).max(axis=-1)
    rim = (alpha[..., 0] > 0.05) & (alpha[..., 0] < 0.95)
    assert rim.sum() > 100
    lightest = shown[alpha[..., 0] > 0.99].max()
    assert shown[rim].max() <= lightest + 3
    # Of the grey it stood on nothing is left: what shows of the rim is as red as the product.
    saturated = (pixels[rim].max(axis=-1, where=[True, True, True, False], initial=0) - pixels[rim][:, 1]) > 40
    assert saturated.mean() > 0.97


def test_colours_are_the_stills_own_in_every_lossy_file(everything):
    folder, _ = everything
    lossless = folder.root / "deliver" / "cutout" / shop_of(folder, "cutout")["pictures"][0]["file"]
    with Image.open(lossless) as seen:
        truth = np.asarray(seen.convert("RGBA"))
    solid = truth[..., 3] == 255
    still = np.asarray(Image.open(folder.still("front")).convert("RGB"))
    box = np.nonzero((still != GREY).any(axis=-1))
    assert (truth[solid][:, :3].astype(int).mean(axis=0) - still[box].mean(axis=0) < 3).all()
    with Image.open(folder.root / "deliver" / "web" / shop_of(folder, "web")["pictures"][0]["file"]) as seen:
        lossy = np.asarray(seen.convert("RGBA"))
    change = deltaE_ciede2000(rgb2lab(truth[solid][:, :3] / 255.0), rgb2lab(lossy[solid][:, :3] / 255.0))
    assert np.percentile(change, 95) <= 1.5


def test_a_jpeg_keeps_colour_at_full_size():
    """A red line of one pixel is red."""
    pixels = np.full((64, 64, 3), 255, np.uint8)
    pixels[:, ::2] = (200, 30, 30)
    shown = Image.open(io.BytesIO(encode.encode(pixels, "jpeg", 96)))
    assert np.abs(np.asarray(shown).astype(int) - pixels).mean() < 4.0


def test_a_blender_without_the_library_writes_a_jpeg_all_the_same(monkeypatch):
    monkeypatch.setattr(encode.compat, "open_image_io", lambda: None)
    pixels = np.full((64, 48, 3), (200, 30, 30), np.uint8)
    shown = Image.open(io.BytesIO(encode.encode(pixels, "jpeg", 96)))
    assert (shown.format, shown.size) == ("JPEG", (48, 64))
    assert np.abs(np.asarray(shown).astype(int) - pixels).max() < 4


def test_the_sets_are_named_zipped_and_seen_in_one_page(everything):
    folder, made = everything
    place = folder.root / "deliver"
    assert [each["file"] for each in shop_of(folder, "amazon")["pictures"]] == [
        f"{SKU}.MAIN.jpg",
        f"{SKU}.PT01.jpg",
    ]
    with zipfile.ZipFile(place / "amazon.zip") as archive:
        assert sorted(archive.namelist()) == sorted(each["file"] for each in shop_of(folder, "amazon")["pictures"])
    page = (place / "index.html").read_text()
    assert all(shop["title"] in page for shop in made["sets"].values())
    assert f'src="amazon/{SKU}.MAIN.jpg"' in page
    assert f'<a href="print/{SKU}-front-print.png">{SKU}-front-print.png</a>' in page
    table = (place / "amazon" / "shop.txt").read_text()
    assert "white ground" in table
    assert "255 everywhere" in table
    assert not list(place.glob(".*"))


def test_pixels_are_the_stills_own_where_it_is_large_enough(tmp_path):
    folder = make_run(tmp_path / "run")
    own = tmp_path / "own.json"
    rules = {
        "title": "Own",
        "source": "ours",
        "date": "2026-11-26",
        "first_hand": True,
        "advised": 2000,
        "format": "png",
    }
    own.write_text(json.dumps(rules))
    (told, *_) = deliver(folder, str(own))["sets"]["own"]["pictures"]
    assert told["scale"] == 1.0
    with Image.open(folder.root / "deliver" / "own" / told["file"]) as seen:
        pixels = np.asarray(seen)
    still = np.asarray(Image.open(folder.still("front")))
    y, x = 100, 150  # of the still, inside the product
    found = np.nonzero((pixels == still[y, x]).all(axis=-1))
    assert len(found[0])
    (larger, *_) = deliver(folder, str(own), larger="filter")["sets"]["own"]["pictures"]
    assert (larger["width"], larger["height"]) == (2000, 2000)
    assert any(rule["rule"] == "sharpness" and "Lanczos" in rule["found"] for rule in larger["rules"])


def test_a_generated_still_says_so_and_its_own_outline_is_kept(tmp_path):
    folder = make_run(tmp_path / "run", backend="fal", made_by="first", shift=1.0)
    (told, *_) = deliver(folder, "cutout")["sets"]["cutout"]["pictures"]
    assert told["digital_source_type"].endswith("/trainedAlgorithmicMedia")
    with Image.open(folder.root / "deliver" / "cutout" / told["file"]) as seen:
        pixels = np.asarray(seen).astype(int)
    shown = pixels[..., 3] > 128
    grey = np.abs(pixels[..., :3] - GREY).max(axis=-1) < 30
    assert not (shown & grey).any()  # nothing of the ground, though the render's mask lies a pixel aside
    columns = np.nonzero(shown.any(axis=0))[0]
    true = np.nonzero((drawn("front")[1] > 0.5).any(axis=0))[0]
    assert abs((columns[-1] - columns[0]) - (true[-1] - true[0])) <= 1


def test_how_a_still_was_made_decides_what_its_file_says(tmp_path):
    made = {}
    for made_by in ("exact", "faithful", "unwarp", "local"):
        folder = make_run(tmp_path / made_by, backend="fal", made_by=made_by)
        made[made_by] = deliver(folder, "cutout", angles=("front",))["sets"]["cutout"]["pictures"][0]
    values = {name: told["digital_source_type"].rpartition("/")[2] for name, told in made.items()}
    assert values == {
        "exact": "compositeWithTrainedAlgorithmicMedia",
        "faithful": "compositeWithTrainedAlgorithmicMedia",
        "unwarp": "trainedAlgorithmicMedia",
        "local": "digitalCreation",
    }
    bought = make_run(tmp_path / "bought", file="photo.jpg")  # a mesh that a model made
    told = deliver(bought, "cutout", angles=("front",))["sets"]["cutout"]["pictures"][0]
    assert told["digital_source_type"].endswith("/compositeWithTrainedAlgorithmicMedia")


def test_a_signed_still_is_kept_as_it_came_beside_what_was_made_of_it(tmp_path):
    folder = make_run(tmp_path / "run", backend="fal", made_by="first")
    still = folder.still("front")
    data = still.read_bytes()
    signed = data[:33] + picture_marks._png_chunk(b"caBX", b"jumbc2pa") + data[33:]
    still.write_bytes(signed)
    told = deliver(folder, "google")["sets"]["google"]["pictures"]
    assert [each["signed_by_its_maker"] for each in told] == [True, False]
    place = folder.root / "deliver" / "google"
    assert (place / told[0]["original"]).read_bytes() == signed
    assert still.read_bytes() == signed
    assert not picture_marks.is_signed((place / told[0]["file"]).read_bytes())


def test_what_breaks_a_rule_is_written_only_when_told_so(tmp_path, capfd):
    folder = make_run(tmp_path / "run", backend="fal", made_by="first", outcome="fail")
    command = ["deliver", str(folder.root), "--for", "google", "--json"]
    assert command_line.main(command) == 1
    said = capfd.readouterr()
    answer = json.loads(said.out)
    assert "off model: as drawn" in answer["error"]
    assert [path.name for path in sorted((folder.root / "deliver" / "google").iterdir())] == ["shop.json", "shop.txt"]
    assert command_line.main([*command, "--anyway"]) == 0
    assert len(list((folder.root / "deliver" / "google").glob("*.jpg"))) == 2
    assert shop_of(folder, "google")["outcome"] == "fail"


def test_an_article_number_that_the_shop_does_not_take(tmp_path):
    folder = make_run(tmp_path / "run")
    chosen = delivery.Wishes(presets=tuple(presets.presets("walmart")), sku="A-1", angles=("front",))
    told = delivery.summary(finish(delivery.deliver(folder, chosen, ImageWorker().do)))
    assert told["exit"] == 1
    assert "GTIN-14" in told["error"]


def test_bad_input_is_one_sentence_and_leaves_nothing(tmp_path):
    folder = make_run(tmp_path / "run")
    place = folder.root / "deliver"
    with pytest.raises(UsageError, match="no angle 'back'"):
        deliver(folder, "google", angles=("back",))
    with pytest.raises(UsageError, match="main picture 'top'"):
        deliver(folder, "google", main="top")
    with pytest.raises(UsageError, match="would be called"):
        deliver(folder, "google", name="{sku}")
    folder.still("detail").rename(folder.root / "gone.png")
    with pytest.raises(BadInput, match="no still of detail"):
        deliver(folder, "google", angles=("front", "detail"))
    told = deliver(folder, "google")["sets"]["google"]
    assert [each["angle"] for each in told["pictures"]] == ["front"]
    assert told["headline"] == "1 of 1 pictures written; no still of detail"
    assert told["outcome"] == "advice"
    mask = folder.references / "front.mask.png"
    before = mask.read_bytes()
    mask.unlink()
    with pytest.raises(BadInput, match=r"mask of front is missing.*consistency resume"):
        deliver(folder, "google")
    png.write(mask, np.zeros((SIZE, SIZE // 2), np.uint16))
    with pytest.raises(BadInput, match="another shape"):
        deliver(folder, "google")
    png.write(mask, np.zeros((SIZE, SIZE), np.uint16))
    with pytest.raises(BadInput, match="front: the mask shows no product"):
        deliver(folder, "shopify")
    assert not (place / "shopify").exists()
    assert not list(place.glob(".*"))
    mask.write_bytes(before)
    data = folder.still("front").read_bytes()
    folder.still("front").write_bytes(data[: len(data) // 2])
    with pytest.raises(BadInput, match="front: this PNG"):
        deliver(folder, "shopify")
    assert not (place / "shopify").exists()
    folder.still("front").write_bytes(data)
    with pytest.raises(RunFolderError, match="can't be written"):
        deliver(folder, "google", angles=("front",), out=folder.still("front") / "sets")


def test_a_still_that_somebody_saved_anew_is_not_shown_turned_or_in_other_colours(tmp_path):
    folder = make_run(tmp_path / "run")
    path = folder.still("front")
    picture = Image.open(path).copy()
    turned = Image.Exif()
    turned[0x0112] = 6  # to be turned by 90 degrees
    picture.rotate(90).save(path, exif=turned)
    with pytest.raises(BadInput, match=r"front.png is saved sideways .*Exif orientation 6.*save it upright"):
        deliver(folder, "google")
    turned[0x0112] = 1
    picture.save(path, exif=turned, icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    assert deliver(folder, "google", angles=("front",))["sets"]["google"]["pictures"][0]["file"]
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    at = profile.index(b"gXYZ", 128)
    start = int.from_bytes(profile[at + 4 : at + 8], "big")
    profile[start + 8 : start + 20] = (np.array([0.205, 0.626, 0.061]) * 65536).astype(">i4").tobytes()  # Adobe RGB's
    picture.save(path, icc_profile=bytes(profile))
    told = deliver(folder, "google", angles=("front",))["sets"]["google"]["pictures"][0]
    assert told["file"] is None
    (broken,) = [rule for rule in told["rules"] if rule["outcome"] == "fail"]
    assert broken["rule"] == "the still's colours"
    assert "convert it to sRGB" in broken["cure"]


def test_a_mask_of_another_size_but_the_same_shape_is_laid_on(tmp_path):
    folder = make_run(tmp_path / "run")
    alpha = drawn("front")[1].reshape(SIZE // 2, 2, SIZE // 2, 2).mean(axis=(1, 3))
    png.write(folder.references / "front.mask.png", np.rint(alpha * 65535).astype(np.uint16))
    (told,) = deliver(folder, "google", angles=("front",))["sets"]["google"]["pictures"]
    assert told["file"]


def test_a_file_that_would_be_too_heavy_gets_a_lower_quality(tmp_path):
    folder = make_run(tmp_path / "run")
    random = np.random.default_rng(0)
    grainy = drawn("front")[0] + random.normal(0.0, 40.0, (SIZE, SIZE, 1))
    png.write(folder.still("front"), np.clip(grainy, 0, 255).astype(np.uint8))
    own = tmp_path / "light.json"
    rules = {"title": "Light", "source": "ours", "date": "2026-11-26", "first_hand": True, "least": 16, "advised": 600}
    own.write_text(json.dumps(rules | {"most_bytes": 60_000}))
    (told, *_) = deliver(folder, str(own), angles=("front",))["sets"]["light"]["pictures"]
    assert told["file"]  # no shop refuses what grain loses of its colours, and it is told
    assert next(rule for rule in told["rules"] if rule["rule"] == "true colours")["outcome"] == "advice"
    assert 50 <= told["quality"] < 93
    assert 40_000 < told["bytes"] <= 60_000
    png.write(folder.still("front"), random.integers(0, 255, (SIZE, SIZE, 3), dtype=np.uint8))
    (told, *_) = deliver(folder, str(own), angles=("front",))["sets"]["light"]["pictures"]
    assert told["file"] is None
    assert next(rule for rule in told["rules"] if rule["rule"] == "true colours")["outcome"] == "fail"


def drawn_turn(wide=60):
    """Stands in for the renderer: cut-outs of a red slab that turns about the picture's middle."""

    def turn(size, views, out):
        out.mkdir(parents=True)
        made = []
        for number in range(views):
            pixels = np.zeros((160, 160, 4), np.uint8)
            half = 8 + round(abs(np.cos(2 * np.pi * number / views)) * wide)
            pixels[30:130, 80 - half : 80 + half] = (190, 30, 25, 255)
            made.append(out / f"{number:03d}.cutout.png")
            png.write(made[-1], pixels)
            yield Progress(Stage.RESULTS, f"view {number + 1}")
        return made

    return turn


def test_a_turn_is_a_set_of_views_of_one_scale_with_a_page(tmp_path):
    folder = make_run(tmp_path / "run")
    wishes = delivery.Wishes(presets=tuple(presets.presets("spin")), sku=SKU, views=24, zip=True)
    made = finish(delivery.deliver(folder, wishes, ImageWorker().do, drawn_turn()))
    place = folder.root / "deliver"
    names = [f"{SKU}-{number:02d}.webp" for number in range(1, 25)]
    assert [each["file"] for each in made["sets"]["spin"]["pictures"]] == names
    with zipfile.ZipFile(place / "spin.zip") as archive:
        assert archive.namelist() == names
    assert '<a href="spin/spin.html">' in (place / "index.html").read_text()
    heights, widths = [], []
    for name in names:
        assert (place / "spin" / name).stat().st_size <= 100_000
        with Image.open(place / "spin" / name) as seen:
            red = np.asarray(seen.convert("RGB"))[..., 1] < 120
        rows, columns = np.nonzero(red.any(axis=1))[0], np.nonzero(red.any(axis=0))[0]
        heights.append(len(rows))
        widths.append(len(columns))
        assert abs(columns[0] - (red.shape[1] - 1 - columns[-1])) <= 2  # the axis stays in the middle
    assert max(heights) - min(heights) <= 1
    assert max(widths) > 3 * min(widths)
    assert names[0] in (place / "spin" / "spin.html").read_text()
    assert sorted(path.name for path in (place / "spin").iterdir()) == sorted(
        [*names, "shop.json", "shop.txt", "spin.html"]
    )
    assert "24, 15° apart" in (place / "spin" / "shop.txt").read_text()


def test_a_turn_that_breaks_a_rule_is_written_only_when_told_so(tmp_path):
    folder = make_run(tmp_path / "run")
    own = tmp_path / "light.json"
    rules = {"title": "Light", "source": "ours", "date": "2026-11-26", "first_hand": True, "views": 24}
    own.write_text(json.dumps(rules | {"advised": 200, "most_bytes": 1000, "format": "png"}))
    wishes = delivery.Wishes(presets=tuple(presets.presets(str(own))), name="{sku}-{number}")
    with pytest.raises(UsageError, match="alone"):
        finish(delivery.deliver(folder, wishes, ImageWorker().do))
    with pytest.raises(BadRender, match="weight"):
        finish(delivery.deliver(folder, wishes, ImageWorker().do, drawn_turn()))
    assert not list((folder.root / "deliver").glob("*"))


def test_glb_and_usdz_are_the_product_in_its_true_size(tmp_path, box_glb):
    folder = make_run(tmp_path / "run")
    folder.product.parent.mkdir(exist_ok=True)
    folder.product.write_bytes(box_glb.read_bytes())
    wishes = delivery.Wishes(presets=(), ar=True, sku=SKU, zip=True)
    made = finish(delivery.deliver(folder, wishes, ImageWorker().do, export=lambda out: export_ar(folder, out)))
    place = folder.root / "deliver" / "ar"
    assert made["sets"]["ar"]["outcome"] == "pass"
    assert sorted(path.name for path in place.iterdir()) == ["product.glb", "product.usdz", "shop.json", "shop.txt"]
    for path in (place / "product.glb", place / "product.usdz"):
        found = read_back(path)
        assert sorted(found["size_m"]) == pytest.approx([0.2, 0.3, 0.5], abs=1e-4)
        assert found["size_m"][2] == pytest.approx(0.5, abs=1e-4)  # it stands as it stood
        assert (found["materials"], found["triangles"]) == (1, 12)
    with zipfile.ZipFile(place / "product.usdz") as archive:  # USD's own rule: nothing is compressed
        assert all(each.compress_type == zipfile.ZIP_STORED for each in archive.infolist())


def test_without_a_model_nothing_is_written(tmp_path):
    folder = make_run(tmp_path / "run")
    wishes = delivery.Wishes(presets=(), ar=True)
    with pytest.raises(BadInput, match="no model yet"):
        finish(delivery.deliver(folder, wishes, ImageWorker().do, export=lambda out: export_ar(folder, out)))
    assert not (folder.root / "deliver").exists() or not list((folder.root / "deliver").iterdir())
