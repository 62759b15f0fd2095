# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has changed since a reference was rendered: everything that shows, and nothing that doesn't."""

from __future__ import annotations

from pathlib import Path

import bpy
import pytest

from consistency_pipeline.pipeline.stages import Progress

from .stand_in import shot_of


def save_picture(path, shade=0.5):
    path.parent.mkdir(exist_ok=True)
    image = bpy.data.images.new("stand-in", 4, 4)
    image.generated_color = (shade, shade, shade, 1.0)
    image.filepath_raw, image.file_format = str(path), "PNG"
    image.save()
    bpy.data.images.remove(image)


@pytest.fixture
def rendered(sidebar, monkeypatch):
    """Names of the angles that were rendered. The scene and its product are real; only Cycles is stood in for."""
    from consistency_pipeline.studio import BlenderStudio

    done = []

    def render_reference(self, angle, settings, folder):
        yield Progress("references", "rendering", None, angle.name)
        save_picture(folder / f"{angle.name}.png")
        done.append(angle.name)
        return shot_of(angle.name, folder / f"{angle.name}.png")

    monkeypatch.setattr(BlenderStudio, "render_reference", render_reference)
    sidebar.backend, sidebar.motion, sidebar.size = "local", "none", 64
    return done


def run(**options):
    assert bpy.ops.consistency.run(until="references", **options) == {"FINISHED"}


def stale():
    bpy.ops.consistency.refresh()
    return {shot.why for shot in bpy.context.window_manager.consistency.shots}


def shader(material):
    return next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")


@pytest.fixture
def taken(sidebar, rendered, add_box):
    """A box of the artist's scene, taken as the product and rendered."""
    box = add_box(at=(3.0, 1.0, 2.0))
    bpy.context.view_layer.update()
    box.select_set(True)
    bpy.ops.consistency.use_selected()
    run()
    assert stale() == {""}
    return box


def run_folder():
    return Path(bpy.context.scene.consistency.run_folder)


def move_vertex(box):
    box.data.vertices[0].co.z -= 0.5
    box.data.update()


def add_modifier(box):
    box.modifiers.new("Bevel", "BEVEL")


def shade_smooth(box):
    for face in box.data.polygons:
        face.use_smooth = True
    box.data.update()


def unwrap(box):
    box.data.uv_layers.new(name="UVMap")
    box.data.update()


def move_part(box):
    box.location.x += 0.3


def colour(box):
    shader(box.data.materials[0]).inputs["Base Color"].default_value = (0.9, 0.1, 0.1, 1.0)


def value_node(box):
    tree = box.data.materials[0].node_tree
    node = tree.nodes.new("ShaderNodeValue")
    node.outputs[0].default_value = 0.75
    tree.links.new(node.outputs[0], shader(box.data.materials[0]).inputs["Roughness"])


def another_material(box):
    box.material_slots[0].material = bpy.data.materials.new("Other")


@pytest.mark.parametrize("change", [move_vertex, add_modifier, shade_smooth, unwrap])
def test_a_changed_mesh_is_said_and_written_and_rendered_anew(taken, rendered, change):
    product = run_folder() / "model" / "product.glb"
    before = product.read_bytes()
    change(taken)
    assert stale() == {"mesh changed"}
    rendered.clear()
    run()
    assert len(rendered) == 5
    assert stale() == {""}
    assert product.read_bytes() != before, "the run's model is not what was rendered"
    assert product.with_name("product.as-made.glb").read_bytes() == before
    rendered.clear()
    run()
    assert rendered == []


@pytest.mark.parametrize("change", [colour, value_node, another_material])
def test_a_changed_material_is_said(taken, change):
    change(taken)
    assert stale() == {"material changed"}


def test_what_is_deep_in_a_material_counts_too(taken):
    """A ramp's stop, a node's own setting, what is in a group, and a painted texture."""
    material = taken.data.materials[0]
    tree = material.node_tree
    ramp, noise, group, picture = (
        tree.nodes.new(f"ShaderNode{kind}") for kind in ("ValToRGB", "TexNoise", "Group", "TexImage")
    )
    group.node_tree = bpy.data.node_groups.new("Inside", "ShaderNodeTree")
    inner = group.node_tree.nodes.new("ShaderNodeMath")
    picture.image = bpy.data.images.new("Label", 8, 8)
    run()

    def turn(owner, name, value):
        setattr(owner, name, value)
        tree.update_tag()
        assert stale() == {"material changed"}, f"{owner.name if hasattr(owner, 'name') else owner} {name}"
        run()
        assert stale() == {""}

    turn(ramp.color_ramp.elements[0], "position", 0.25)
    turn(noise, "noise_dimensions", "2D")
    turn(inner, "operation", "MULTIPLY")
    turn(inner.inputs[0], "default_value", 0.125)
    picture.image.pixels[5] = 0.9
    assert stale() == {"material changed"}


def test_what_does_not_show_makes_nothing_stale(taken, add_box):
    material = taken.data.materials[0]
    shader(material).location = (500.0, 200.0)
    shader(material).label = "The shader"
    taken.select_set(False)
    add_box("Stranger", at=(9.0, 9.0, 0.0))
    bpy.context.scene.frame_current = 12
    bpy.data.objects["Product"].location.x += 2.0  # the run puts it back before it renders
    assert stale() == {""}
    bpy.ops.wm.save_as_mainfile(filepath=str(run_folder().parent / "work.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(run_folder().parent / "work.blend"))
    assert stale() == {""}


def test_moving_a_part_counts_but_moving_the_whole_product_is_put_back(taken, rendered):
    bpy.data.objects["Product"].location.x += 2.0
    rendered.clear()
    run()
    assert rendered == []
    move_part(taken)
    assert stale() == {"mesh changed"}


def test_taken_objects_are_not_rendered_for_a_run_of_a_file(box_glb, taken, add_box):
    add_box("Small", size=(0.1, 0.1, 0.1)).select_set(True)
    bpy.ops.consistency.use_selected()
    sidebar = bpy.context.scene.consistency
    sidebar.source, sidebar.file, sidebar.backend, sidebar.motion = "FILE", str(box_glb), "local", "none"
    run()
    assert "30 × 20 × 50 cm" in bpy.context.window_manager.consistency.product.replace("20 × 30", "30 × 20")
    assert bpy.data.objects["Product"].get("consistency_source") != "objects of this scene"


def test_an_edited_import_is_kept_and_written_for_everybody_else(box_glb, sidebar, rendered):
    sidebar.source, sidebar.file = "FILE", str(box_glb)
    run()
    product = run_folder() / "model" / "product.glb"
    before = product.read_bytes()
    part = next(thing for thing in bpy.data.objects["Product"].children_recursive if thing.type == "MESH")
    colour(part)
    assert stale() == {"material changed"}
    run()
    assert product.read_bytes() != before
    assert product.with_name("product.as-made.glb").read_bytes() == before
    colours = [
        tuple(round(v, 2) for v in shader(slot.material).inputs["Base Color"].default_value)
        for thing in bpy.data.objects["Product"].children_recursive
        for slot in thing.material_slots
    ]
    assert (0.9, 0.1, 0.1, 1.0) in colours, "the edit was lost to another import"
    assert stale() == {""}


def test_a_product_whose_parts_were_deleted_is_loaded_anew(box_glb, sidebar, rendered):
    """Deleting what is selected leaves the empty that carried it."""
    sidebar.source, sidebar.file = "FILE", str(box_glb)
    run()
    for thing in list(bpy.data.collections["Consistency Product"].all_objects):
        if thing.type == "MESH":
            bpy.data.objects.remove(thing)
    run()
    assert [thing.type for thing in bpy.data.collections["Consistency Product"].all_objects].count("MESH") == 1


def test_taken_objects_whose_instance_was_deleted_are_there_again(taken):
    bpy.data.objects.remove(bpy.data.objects["Product Instance"])
    run()
    assert [thing.type for thing in bpy.data.collections["Consistency Product"].all_objects].count("EMPTY") >= 1
    assert bpy.data.objects["Box"] == taken


def test_a_reference_of_a_version_that_knew_fewer_options_is_not_stale_for_that():
    from consistency_pipeline.operators.runs.staleness import of_settings
    from consistency_pipeline.pipeline.settings.groups import RunSettings

    settings = RunSettings(inputs=("box.glb",))
    earlier = {
        "camera": "79483ea7e71f4fef",
        "light": "e6e01ecd7f88d324",
        "picture": "6041d8dd3015ec97",
    }  # as version 1 wrote them
    assert {name: of_settings(settings, settings.studio.angles[0])[name] for name in earlier} == earlier
    for other in (
        {"quality": "final"},
        {"environment_strength": 0.5},
        {"lights": {"key": {"strength": 1.2}}},
        {"backdrop": "gradient"},
    ):
        changed = RunSettings.model_validate({"inputs": ("box.glb",), **other})
        assert of_settings(changed, changed.studio.angles[0]) != of_settings(settings, settings.studio.angles[0]), other


def test_a_lamp_of_the_artists_own_counts(taken, rendered):
    from consistency_pipeline.pipeline import names

    run()
    lamp = bpy.data.objects.new("Kicker", bpy.data.lights.new("Kicker", "AREA"))
    bpy.data.collections[names.LIGHTING].objects.link(lamp)
    assert stale() == {"light changed"}, "it was added"
    run()
    assert stale() == {""}
    for change in (
        lambda: setattr(lamp, "location", (1.0, 2.0, 3.0)),
        lambda: setattr(lamp.data, "energy", 20.0),
        lambda: setattr(lamp.data, "size", 0.5),
        lambda: setattr(lamp.data, "color", (1.0, 0.5, 0.5)),
    ):
        change()
        assert stale() == {"light changed"}
        run()
        assert stale() == {""}
    bpy.data.objects.remove(lamp)
    assert stale() == {"light changed"}, "it was removed"
