# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every test starts from an empty file, and has small models to import."""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path

import bpy
import pytest

from tests.by_turns import pytest_collection_modifyitems  # noqa: F401 - a hook


@pytest.fixture(autouse=True)
def empty_file(tmp_path, monkeypatch):
    monkeypatch.setenv("CONSISTENCY_STATE_FOLDER", str(tmp_path / "state"))  # nobody's own book
    bpy.ops.wm.read_factory_settings(use_empty=True)


def _add_box(name="Box", size=(1.0, 1.0, 1.0), at=(0.0, 0.0, 0.0), colour=(0.8, 0.8, 0.8), **principled):
    """A box of ``size`` metres centred on ``at``, with a material of its own."""
    x, y, z = (side / 2 for side in size)
    corners = [(i * x, j * y, k * z) for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)]
    faces = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(corners, [], faces)
    material = bpy.data.materials.new(name)
    if material.node_tree is None:
        material.use_nodes = True
    shader = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Base Color"].default_value = (*colour, 1.0)
    for socket, value in principled.items():
        shader.inputs[socket.replace("_", " ")].default_value = value
    mesh.materials.append(material)
    thing = bpy.data.objects.new(name, mesh)
    thing.location = at
    bpy.context.scene.collection.objects.link(thing)
    return thing


@pytest.fixture
def add_box():
    return _add_box


@pytest.fixture
def save_glb(tmp_path):
    """Write the scene as a GLB and start from an empty file again."""

    def save(name="product.glb", **options):
        path = tmp_path / name
        bpy.ops.export_scene.gltf(filepath=str(path), export_format="GLB", **options)
        bpy.ops.wm.read_factory_settings(use_empty=True)
        return path

    return save


@pytest.fixture
def box_glb(save_glb):
    """0.3 × 0.2 × 0.5 m, away from the origin and turned."""
    box = _add_box(size=(0.3, 0.2, 0.5), at=(4.0, -2.0, 7.0))
    box.rotation_euler = (0.0, 0.0, math.radians(90))
    return save_glb("box.glb")


@pytest.fixture
def real_models():
    folder = os.environ.get("CONSISTENCY_TEST_MODELS")
    if not folder:
        pytest.skip("CONSISTENCY_TEST_MODELS names no folder of models")
    return sorted(Path(folder).glob("*.glb"))


@pytest.fixture(scope="module")
def addon():
    """The extension, registered; unregistered again afterwards, or the 4.5 module hangs when Python ends."""
    import consistency_pipeline

    consistency_pipeline.register()
    yield consistency_pipeline
    consistency_pipeline.unregister()


@pytest.fixture
def sidebar(addon, tmp_path, monkeypatch):
    """The scene's settings as a new scene has them, no key anywhere, and new runs in a folder of the test's own."""
    from consistency_pipeline.operators import startup
    from consistency_pipeline.operators.runs import run_request

    for name in ("FAL_KEY", "FAL_KEY_ID", "FAL_KEY_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(run_request, "runs_home", lambda: tmp_path / "runs")
    startup.give_default_angles(bpy.context.scene)
    return bpy.context.scene.consistency


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    session.config.exit_status = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    # Blender 4.5 as a module waits for ever in its own destructor at exit, once a glTF export and a pydantic dump have
    # both happened in the process; everything is reported by now.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(config.exit_status)


@pytest.fixture
def studio(sidebar, monkeypatch, box_glb):
    """A run on this machine without rendering; the scene's input is a real GLB."""
    from consistency_pipeline.operators import startup
    from consistency_pipeline.operators.runs import scene_studio, staleness

    from .stand_in import Studio

    stand_in = Studio()

    class Recording(Studio):
        def __init__(self, folder):
            super().__init__()
            self.folder = folder

        def render_reference(self, angle, settings, folder):
            shot = yield from super().render_reference(angle, settings, folder)
            staleness.record(self.folder, settings, angle)
            stand_in.rendered.append(angle.name)
            return shot

    monkeypatch.setattr(scene_studio, "SceneStudio", Recording)
    startup.give_default_angles(bpy.context.scene)
    own = bpy.context.scene.consistency
    own.source, own.file, own.backend = "FILE", str(box_glb), "local"
    own.size, own.motion = 64, "none"
    return stand_in
