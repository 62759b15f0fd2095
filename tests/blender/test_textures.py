# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Textures that can't be shown stop a run by name; what a .blend leans on comes along, or is left out and said."""

from __future__ import annotations

import shutil
import struct
import zlib
from pathlib import Path

import bpy
import pytest

from consistency_pipeline.pipeline.errors import BadInput
from consistency_pipeline.pipeline.settings.groups import RunSettings
from consistency_pipeline.studio import BlenderStudio
from consistency_pipeline.studio.files.model_files import take_blend
from consistency_pipeline.studio.model import adopt_objects, load_product
from consistency_pipeline.studio.results import save_scene
from tests.pure.test_gltf_textures import textured
from tests.pure.test_model_files import glb

SECRET = b"a line of somebody's own, which no run may hold\n"


def finish(steps):
    try:
        while True:
            next(steps)
    except StopIteration as stop:
        return stop.value


def png(side=8, colour=(20, 160, 60)):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(b"".join(b"\0" + bytes(colour) * side for _ in range(side)))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def saved(path, file_format):
    """A picture as Blender writes it."""
    image = bpy.data.images.new("Made", 64, 64)
    image.pixels.foreach_set([((i * 2654435761) % 255) / 255 for i in range(64 * 64 * 4)])
    image.file_format, image.filepath_raw = file_format, str(path)
    image.save()
    bpy.data.images.remove(image)
    return path.read_bytes()


DAMAGED = {
    "text": lambda _: b"words",
    "empty": lambda _: b"",
    "ktx2": lambda _: b"\xabKTX 20\xbb\r\n\x1a\n" + bytes(200),
    "png, cut": lambda _: png()[:-30],
    "png, one byte other": lambda _: png()[:50] + bytes([png()[50] ^ 255]) + png()[51:],
    "jpeg, cut": lambda path: saved(path / "a.jpg", "JPEG")[:-200],
    "webp, cut": lambda path: saved(path / "a.webp", "WEBP")[:-200],
    "tiff, cut": lambda path: saved(path / "a.tif", "TIFF")[:-200],
    "exr, cut": lambda path: saved(path / "a.exr", "OPEN_EXR")[:-200],
}
WHOLE = {
    "png": lambda _: png(),
    "exr": lambda path: saved(path / "a.exr", "OPEN_EXR"),
    "jpeg": lambda path: saved(path / "a.jpg", "JPEG"),
    "webp": lambda path: saved(path / "a.webp", "WEBP"),
    "tiff": lambda path: saved(path / "a.tif", "TIFF"),
    "bytes after the end": lambda path: saved(path / "a.jpg", "JPEG") + b"\xff\xda and a film",
}


def material_of(thing):
    return thing.material_slots[0].material


def show(thing, image, socket="Base Color"):
    """Let the box's material show a picture."""
    tree = material_of(thing).node_tree
    shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    node = tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    tree.links.new(node.outputs["Color"], shader.inputs[socket])
    return node


def packed(data, name="label"):
    image = bpy.data.images.new(name, 1, 1)
    image.pack(data=data, data_len=len(data))
    image.source = "FILE"
    return image


def file_image(path, name="label"):
    image = bpy.data.images.new(name, 1, 1)
    image.source, image.filepath = "FILE", str(path)
    return image


@pytest.fixture
def save_blend(tmp_path):
    """Save the scene as the user's .blend in a folder of its own, with relative paths, and start anew."""

    def save(name="product.blend"):
        path = tmp_path / "own" / name
        path.parent.mkdir(exist_ok=True)
        bpy.ops.wm.save_as_mainfile(filepath=str(path))
        bpy.ops.file.make_paths_relative()
        bpy.ops.wm.save_as_mainfile(filepath=str(path))
        bpy.ops.wm.read_factory_settings(use_empty=True)
        return path

    return save


@pytest.fixture
def taken(tmp_path, save_blend):
    """The open scene as a run takes it; loading comes after the user's folder has gone."""

    def take(allow=False):
        out = tmp_path / "run" / "model" / "product.blend"
        own = save_blend()
        take_blend(own, out)
        shutil.rmtree(own.parent)
        return finish(load_product(out, allow_missing=allow))

    return take


@pytest.fixture
def own(tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    return folder


def run_bytes(tmp_path):
    return b"".join(file.read_bytes() for file in (tmp_path / "run").rglob("*") if file.is_file())


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_packed_picture_that_cannot_be_decoded_stops_by_name(add_box, taken, tmp_path, kind):
    show(add_box(name="Paper"), packed(DAMAGED[kind](tmp_path)))
    with pytest.raises(BadInput, match=r"'label' of the material 'Paper'"):
        taken()


@pytest.mark.parametrize("kind", WHOLE)
def test_a_whole_picture_is_no_alarm(add_box, taken, tmp_path, kind):
    show(add_box(), packed(WHOLE[kind](tmp_path)))
    assert taken().missing == ()


@pytest.mark.parametrize("socket", ["Roughness", "Normal", "Alpha"])
def test_any_socket_counts(add_box, taken, socket):
    show(add_box(), packed(b"words"), socket)
    with pytest.raises(BadInput, match="no picture"):
        taken()


def test_a_picture_that_nothing_shows_is_no_alarm(add_box, taken):
    box = add_box()
    show(box, packed(b"words", "muted")).mute = True
    material_of(box).node_tree.nodes.new("ShaderNodeTexImage").image = packed(b"words", "loose")
    spare = add_box(name="Spare", at=(5, 0, 0))
    show(spare, packed(b"words", "hidden"))
    spare.hide_render = True
    box.data.materials.append(material_of(spare))  # no face has it
    world = bpy.context.scene.world = bpy.data.worlds.new("World")
    if world.node_tree is None:
        world.use_nodes = True
    tree = world.node_tree
    sky = tree.nodes.new("ShaderNodeTexEnvironment")
    sky.image = packed(b"words", "sky")
    tree.links.new(sky.outputs[0], next(node for node in tree.nodes if node.type == "BACKGROUND").inputs[0])
    assert taken().missing == ()


def test_a_picture_behind_a_group_is_reached(add_box, taken):
    tree = material_of(add_box()).node_tree
    group = bpy.data.node_groups.new("Print", "ShaderNodeTree")
    group.interface.new_socket("Color", in_out="OUTPUT", socket_type="NodeSocketColor")
    inner, out = group.nodes.new("ShaderNodeTexImage"), group.nodes.new("NodeGroupOutput")
    inner.image = packed(b"words", "in a group")
    group.links.new(inner.outputs["Color"], out.inputs["Color"])
    node = tree.nodes.new("ShaderNodeGroup")
    node.node_tree = group
    tree.links.new(node.outputs["Color"], tree.nodes["Principled BSDF"].inputs["Base Color"])
    with pytest.raises(BadInput, match="in a group"):
        taken()


def test_allowed_it_goes_on_and_says_so(add_box, taken):
    show(add_box(), packed(b"words"))
    product = taken(allow=True)
    assert len(product.missing) == 1
    assert any("'label'" in note and "on model" in note for note in product.notes)


def test_a_product_that_is_refused_leaves_the_earlier_one(box_glb):
    finish(load_product(box_glb))
    before = sorted(thing.name for thing in bpy.data.objects)
    path = box_glb.with_name("bad.glb")
    path.write_bytes(glb(textured({"extensions": {"KHR_texture_basisu": {"source": 0}}})))
    with pytest.raises(BadInput, match="KTX2"):
        finish(load_product(path))
    assert sorted(thing.name for thing in bpy.data.objects) == before


def test_objects_of_the_artists_own_scene_are_looked_at_too(add_box, tmp_path):
    box = add_box(name="Paper")
    node = show(box, packed(b"words"))
    product = adopt_objects([box])
    studio = BlenderStudio(RunSettings())
    with pytest.raises(BadInput, match=r"'label' of the material 'Paper'"):
        finish(studio.check_standing(product, tmp_path / "product.glb.gone"))
    allowing = BlenderStudio(RunSettings(allow_missing_textures=True))
    assert finish(allowing.check_standing(product, tmp_path / "product.glb.gone")).missing
    (tmp_path / "label.png").write_bytes(png())
    node.image = file_image(tmp_path / "label.png")  # the artist's own folder: nothing is packed, nothing refused
    assert finish(studio.check_standing(product, tmp_path / "product.glb.gone")).missing == ()
    (tmp_path / "label.png").unlink()
    with pytest.raises(BadInput, match=r"is missing \(label\.png\)"):
        finish(studio.check_standing(product, tmp_path / "product.glb.gone"))


# what lies beside a .blend


def test_a_picture_beside_the_file_comes_along(add_box, taken, own):
    (own / "label.png").write_bytes(png())
    show(add_box(), file_image(own / "label.png"))
    assert taken().missing == ()
    image = bpy.data.images["label"]
    assert image.packed_file is not None
    assert tuple(image.size) == (8, 8)


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("secret.txt", r"is no picture .*\(secret\.txt\)"),
        ("../secret.txt", r"outside the folder of product\.blend \(secret\.txt\) and is no picture"),
        ("link.png", r"outside the folder of product\.blend \(link\.png\)"),
        ("gone.png", r"is missing \(gone\.png\)"),
        ("../other.png", r"outside the folder of product\.blend \(other\.png\)"),
    ],
)
def test_what_is_no_picture_of_its_folder_is_not_in_the_run(add_box, taken, own, tmp_path, place, why):
    (own / "secret.txt").write_bytes(SECRET)
    (tmp_path / "secret.txt").write_bytes(SECRET)
    (tmp_path / "other.png").write_bytes(png(side=16))
    (own / "link.png").symlink_to(tmp_path / "secret.txt")
    show(add_box(), file_image(own / place))
    with pytest.raises(BadInput, match=why):
        taken()
    assert SECRET not in run_bytes(tmp_path)
    finish(load_product(tmp_path / "run" / "model" / "product.blend", allow_missing=True))
    assert 0 in bpy.data.images["label"].size
    assert bpy.data.images["label"].filepath == ""


def test_every_tile_comes_along_and_a_missing_one_is_named(add_box, taken, own):
    tiles = bpy.data.images.new("tiles", 8, 8, tiled=True)
    tiles.filepath = str(own / "tiles.<UDIM>.png")
    tiles.tiles.new(1002)
    for number in (1001, 1002):
        (own / f"tiles.{number}.png").write_bytes(png())
    show(add_box(), tiles)
    assert taken().missing == ()
    assert sorted(part.tile_number for part in bpy.data.images["tiles"].packed_files) == [1001, 1002]


def test_a_missing_tile_is_named(add_box, taken, own):
    tiles = bpy.data.images.new("tiles", 8, 8, tiled=True)
    tiles.filepath = str(own / "tiles.<UDIM>.png")
    tiles.tiles.new(1002)
    (own / "tiles.1001.png").write_bytes(png())
    show(add_box(), tiles)
    with pytest.raises(BadInput, match=r"tiles\.1002\.png"):
        taken()


def test_faces_in_a_tile_that_the_picture_lacks_are_named(add_box, taken, own):
    tiles = bpy.data.images.new("tiles", 8, 8, tiled=True)
    tiles.filepath = str(own / "tiles.<UDIM>.png")
    (own / "tiles.1001.png").write_bytes(png())
    box = add_box()
    show(box, tiles)
    places = box.data.uv_layers.new(name="UVMap").data
    for corner in places:
        corner.uv = (0.5, 0.5)
    for corner in box.data.polygons[2].loop_indices:
        places[corner].uv = (1.5, 0.5)
    with pytest.raises(BadInput, match="has no tile 1002"):
        taken()


def test_of_a_sequence_the_picture_of_the_moment_comes_along(add_box, taken, own):
    for number in (1, 2, 3):
        (own / f"film_{number:03d}.png").write_bytes(png(side=8 * number))
    image = file_image(own / "film_001.png", "film")
    image.source = "SEQUENCE"
    node = show(add_box(), image)
    node.image_user.frame_duration, node.image_user.frame_start = 3, 1
    bpy.context.scene.frame_set(2)
    assert taken().missing == ()
    assert tuple(next(image for image in bpy.data.images if image.packed_file).size) == (16, 16)


@pytest.fixture
def library(add_box, own):
    """own/parts.blend with a collection "Part"."""

    def make(folder=own):
        folder.mkdir(exist_ok=True)
        box = add_box(name="Knob", size=(2, 2, 2))
        part = bpy.data.collections.new("Part")
        bpy.context.scene.collection.children.link(part)
        part.objects.link(box)
        bpy.context.scene.collection.objects.unlink(box)
        (folder / "knob.png").write_bytes(png())
        show(box, file_image(folder / "knob.png", "knob"))
        path = folder / "parts.blend"
        bpy.ops.wm.save_as_mainfile(filepath=str(path))
        bpy.ops.wm.read_factory_settings(use_empty=True)
        return path

    return make


def use_library(path, add_box):
    with bpy.data.libraries.load(str(path), link=True) as (_, target):
        target.collections = ["Part"]
    instance = bpy.data.objects.new("Instance", None)
    instance.instance_type, instance.instance_collection = "COLLECTION", target.collections[0]
    bpy.context.scene.collection.objects.link(instance)
    return add_box(name="Body", size=(1, 1, 1))


def test_a_library_of_the_folder_comes_along(add_box, taken, library, tmp_path):
    use_library(library(), add_box)
    product = taken()
    assert product.missing == ()
    assert product.size == pytest.approx((2, 2, 2), rel=1e-4)
    assert bpy.data.images["knob"].packed_file is not None
    assert not any(item.library for item in bpy.data.objects)


@pytest.mark.parametrize("case", ["missing", "outside"])
def test_a_library_that_is_missing_or_outside_stops_by_name(add_box, taken, library, own, tmp_path, case):
    path = library(tmp_path / "elsewhere" if case == "outside" else own)
    use_library(path, add_box)
    if case == "missing":
        path.unlink()
    with pytest.raises(BadInput, match=rf"'Instance' needs .*parts\.blend.*{case}"):
        taken()
    product = finish(load_product(tmp_path / "run" / "model" / "product.blend", allow_missing=True))
    assert product.size == pytest.approx((1, 1, 1), rel=1e-4)
    assert product.missing


@pytest.fixture
def words():
    def write(font):
        text = bpy.data.objects.new("Words", bpy.data.curves.new("Words", "FONT"))
        text.data.body = "PRODUCT"
        if font is not None:
            text.data.font = bpy.data.fonts.load(str(font))
        bpy.context.scene.collection.objects.link(text)

    return write


def font_file():
    folder = Path(bpy.utils.system_resource("DATAFILES", path="fonts"))
    return next(folder.glob("*.woff2"))


def test_a_font_of_the_folder_comes_along(words, taken, own):
    shutil.copy(font_file(), own / "own.woff2")
    words(own / "own.woff2")
    assert taken().missing == ()
    assert any(font.packed_file for font in bpy.data.fonts)


@pytest.mark.parametrize("case", ["outside", "missing", "no font"])
def test_a_font_that_is_not_there_to_be_taken_stops_by_name(words, taken, own, tmp_path, case):
    place = tmp_path / "x.woff2" if case == "outside" else own / "x.woff2"
    shutil.copy(font_file(), place)
    words(place)
    if case == "missing":
        place.unlink()
    elif case == "no font":
        place.write_bytes(SECRET)
    with pytest.raises(BadInput, match=rf"'Words' needs a font that .*{case}"):
        taken()
    assert SECRET not in run_bytes(tmp_path)


def cached(add_box, path):
    """A box whose shape comes from an Alembic file."""
    add_box(name="Shape", size=(1, 1, 3))
    bpy.ops.wm.alembic_export(filepath=str(path), as_background_job=False)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.wm.alembic_import(filepath=str(path), as_background_job=False, always_add_cache_reader=True)


def test_a_cache_of_the_folder_comes_along(add_box, taken, own):
    cached(add_box, own / "shape.abc")
    product = taken()
    assert product.missing == ()
    assert product.size == pytest.approx((1, 1, 3), rel=1e-3)


def test_a_cache_outside_stops_by_name(add_box, taken, own, tmp_path):
    cached(add_box, tmp_path / "shape.abc")
    with pytest.raises(BadInput, match=r"'Shape' needs a cache that lies outside"):
        taken()


def volume(path):
    thing = bpy.data.objects.new("Smoke", bpy.data.volumes.new("Smoke"))
    thing.data.filepath = str(path)
    bpy.context.scene.collection.objects.link(thing)
    return thing


SMOKE = b" BDV" + bytes(200)  # begins as OpenVDB does


def test_each_kind_of_thing_that_is_missing_has_a_sentence_and_a_cure_of_its_own(
    add_box, words, taken, library, own, tmp_path
):
    cases = {
        "texture": (lambda: show(add_box(), file_image(own / "gone.png")), "gone.png", "PNG or JPEG"),
        "library": (lambda: use_library(library(), add_box), "parts.blend", "Make Local"),
        "font": (lambda: words(font_file_in(own)), "x.woff2", "put the font"),
        "volume": (lambda: [add_box(), volume(own / "smoke.vdb")], "smoke.vdb", "volume's file"),
        "cache": (lambda: cached(add_box, own / "shape.abc"), "shape.abc", "Convert > Mesh"),
        "modifier": (lambda: mesh_cache(add_box(), own / "wave.mdd"), "wave.mdd", "Convert > Mesh"),
    }
    cures = {cure for *_, cure in cases.values()}
    for kind, (make, file, cure) in cases.items():
        bpy.ops.wm.read_factory_settings(use_empty=True)
        make()
        (own / file).unlink(missing_ok=True)
        with pytest.raises(BadInput) as told:
            taken()
        assert file in str(told.value), kind
        assert [each for each in sorted(cures) if each in str(told.value)] == [cure], kind
        assert ("texture" in str(told.value).replace("--allow-missing-textures", "")) == (kind == "texture"), kind
        shutil.rmtree(tmp_path / "run")
        own.mkdir(exist_ok=True)


def test_what_objects_of_the_artists_own_scene_lack_is_told_with_its_cure(add_box, words, own):
    kinds = {
        "Smoke": (lambda: volume(own / "smoke.vdb"), "smoke.vdb", "volume's file"),
        "Words": (lambda: words(font_file_in(own)), "x.woff2", "put the font"),
        "Cube": (lambda: mesh_cache(add_box(name="Cube"), own / "wave.mdd"), "wave.mdd", "Convert > Mesh"),
    }
    for name, (make, file, cure) in kinds.items():
        bpy.ops.wm.read_factory_settings(use_empty=True)
        body = add_box(name="Body")
        make()
        (own / file).unlink(missing_ok=True)
        product = adopt_objects([body, bpy.data.objects[name]])
        with pytest.raises(BadInput, match=rf"'{name}' needs a .* that is missing \({file}\); .*{cure}"):
            finish(BlenderStudio(RunSettings()).check_standing(product, own / "product.glb.gone"))
        assert "texture" not in str(finish_allowing(product, own).missing)


def finish_allowing(product, own):
    studio = BlenderStudio(RunSettings(allow_missing_textures=True))
    return finish(studio.check_standing(product, own / "product.glb.gone"))


def font_file_in(folder):
    return shutil.copy(font_file(), folder / "x.woff2")


def mesh_cache(box, path):
    box.modifiers.new("Wave", "MESH_CACHE").filepath = str(path)


def test_a_missing_sound_is_no_alarm(add_box, taken, own):
    (own / "notes.wav").write_bytes(SECRET)
    add_box()
    bpy.data.sounds.load(str(own / "notes.wav")).use_fake_user = True
    (own / "notes.wav").unlink()
    assert taken().missing == ()


@pytest.mark.parametrize(
    ("data", "why"), [(None, r"is missing \(smoke\.vdb\)"), (SECRET, r"is no OpenVDB file \(smoke\.vdb\)")]
)
def test_a_volume_that_is_not_there_is_no_part_of_the_run(add_box, taken, own, tmp_path, data, why):
    add_box()
    volume(own / "smoke.vdb")
    if data is not None:
        (own / "smoke.vdb").write_bytes(data)
    with pytest.raises(BadInput, match=rf"product\.blend: 'Smoke' needs a volume that {why}; put the volume's file"):
        taken()
    assert SECRET not in run_bytes(tmp_path)
    product = finish(load_product(tmp_path / "run" / "model" / "product.blend", allow_missing=True))
    assert product.missing


def test_a_changed_copy_of_a_librarys_part_comes_along(taken, library):
    path = library()
    with bpy.data.libraries.load(str(path), link=True) as (_, target):
        target.objects = ["Knob"]
    made = target.objects[0].override_create(remap_local_usages=False)
    made.scale = (2, 1, 1)
    bpy.context.scene.collection.objects.link(made)
    product = taken()
    assert product.missing == ()
    assert product.size == pytest.approx((4, 2, 2), rel=1e-4)


def test_a_scene_that_is_saved_elsewhere_still_finds_what_lies_beside_the_artists_file(add_box, own, library, tmp_path):
    use_library(library(), add_box)
    (own / "label.png").write_bytes(png())
    show(bpy.data.objects["Body"], file_image(own / "label.png"))
    bpy.ops.wm.save_as_mainfile(filepath=str(own / "work.blend"))
    bpy.ops.file.make_paths_relative()
    run = tmp_path / "run"
    run.mkdir()
    save_scene(run / "scene.blend", RunSettings(inputs=("x.glb",)))
    assert bpy.data.images["label"].filepath == "//label.png"
    assert [item.filepath for item in bpy.data.libraries] == ["//parts.blend"]
    bpy.ops.wm.open_mainfile(filepath=str(run / "scene.blend"))
    assert tuple(bpy.data.images["label"].size) == (8, 8)
    assert not any(item.is_missing for item in bpy.data.collections)
