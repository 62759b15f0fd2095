"""The buttons: why they can't work, and what they do, with a stand-in for everything that renders or pays."""

from __future__ import annotations

import math

import bpy
import pytest

from consistency_pipeline.pipeline.errors import Cancelled, ConsistencyError
from consistency_pipeline.pipeline.ports import Product, Shot
from consistency_pipeline.pipeline.processes import birth
from consistency_pipeline.pipeline.requests import Event
from consistency_pipeline.pipeline.stages import Progress

UNIT = [[float(row == column) for column in range(4)] for row in range(4)]


class Studio:
    """Writes small files where Blender would render."""

    def __init__(self, folder=None):
        self.rendered = []

    def load_product(self, path):
        yield Progress("rig", "loading")
        return Product("box", (0.3, 0.2, 0.5), 8)

    def export_product(self, out):
        yield Progress("rig", "exporting")

    def place_rig(self, settings):
        yield Progress("rig", "placing")

    def render_reference(self, angle, settings, folder):
        yield Progress("references", "rendering", None, angle.name)
        self.rendered.append(angle.name)
        path = folder / f"{angle.name}.png"
        path.parent.mkdir(exist_ok=True)
        save_picture(path)
        return Shot(angle.name, {"image": path}, UNIT, UNIT, 85.0, "cpu", 1, 0.1, 0.5)

    def render_finish(self, angle, settings, out):
        yield Progress("photoreal", "finishing", 0.5, angle.name)
        out.parent.mkdir(exist_ok=True)
        save_picture(out)

    def render_turntable(self, angle, settings, out):
        yield Progress("video", "turning", 0.5, angle.name)
        out.parent.mkdir(exist_ok=True)
        out.write_bytes(b"clip")

    def close(self):
        pass

    def save_results(self, results, settings, folder):
        yield Progress("results", "saving")
        for name in ("scene.blend", "contact_sheet.png"):
            (folder / name).write_bytes(b"x")

    def facts(self):
        return {}


def save_picture(path):
    image = bpy.data.images.new("stand-in", 4, 4)
    image.filepath_raw, image.file_format = str(path), "PNG"
    image.save()
    bpy.data.images.remove(image)


@pytest.fixture
def studio(sidebar, monkeypatch, box_glb):
    """A run on this machine without rendering; the scene's input is a real GLB."""
    from consistency_pipeline.operators import in_scene, staleness, startup

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

    monkeypatch.setattr(in_scene, "SceneStudio", Recording)
    startup.give_default_angles(bpy.context.scene)
    own = bpy.context.scene.consistency
    own.source, own.file, own.backend = "FILE", str(box_glb), "local"
    own.size, own.motion = 64, "none"
    return stand_in


def status():
    return bpy.context.window_manager.consistency


def stages():
    return {stage.name: stage.state for stage in status().stages}


# reasons


def test_each_reason_names_its_cure(sidebar):
    from consistency_pipeline.operators import reasons

    context = bpy.context
    assert reasons.no_input(context) == "There are no photos; add one to four, or drop them on the viewport"
    assert bpy.ops.consistency.run.poll() is False
    sidebar.photos.add().path = "/photos/front.png"
    assert "fal.ai only; enter a key in the preferences" in reasons.no_input(context)
    sidebar.backend = "fal"
    assert reasons.no_input(context) is None
    assert "FAL_KEY" in reasons.cannot_run(context)
    sidebar.source = "WORDS"
    assert "describe the product" in reasons.no_input(context)
    sidebar.source = "FILE"
    assert "choose a GLB" in reasons.no_input(context)
    sidebar.source = "OBJECTS"
    assert "Use Selected Objects" in reasons.no_input(context)
    sidebar.angles.clear()
    assert "add one, or load a set" in reasons.cannot_run(context)


def test_a_key_in_the_environment_is_enough(sidebar, monkeypatch):
    from consistency_pipeline.operators import reasons, scene_settings

    sidebar.source, sidebar.file = "FILE", "/models/duck.glb"
    assert scene_settings.chosen_backend(bpy.context.scene) == "local"
    monkeypatch.setenv("FAL_KEY", "id:secret")
    assert scene_settings.chosen_backend(bpy.context.scene) == "fal"
    assert reasons.cannot_run(bpy.context) is None


def test_online_access_that_is_off_is_said_with_the_way_to_turn_it_on(sidebar, monkeypatch):
    from consistency_pipeline.operators import reasons
    from consistency_pipeline.studio import compat

    monkeypatch.setenv("FAL_KEY", "id:secret")
    monkeypatch.setattr(compat, "online_access", lambda: False)
    sidebar.source, sidebar.file = "FILE", "/models/duck.glb"
    assert "Allow Online Access" in reasons.cannot_run(bpy.context)
    sidebar.backend = "local"
    assert reasons.cannot_run(bpy.context) is None


def test_nothing_that_changes_a_run_works_while_one_is_active(studio):
    assert bpy.ops.consistency.run.poll()
    status().running = True
    try:
        for name in (
            "run",
            "estimate",
            "add_photos",
            "add_angle",
            "load_angles",
            "use_selected",
            "load_run",
            "new_run",
        ):
            assert not getattr(bpy.ops.consistency, name).poll(), name
        assert bpy.ops.consistency.cancel.poll()
    finally:
        status().running = False
    assert not bpy.ops.consistency.cancel.poll()


# the inputs


def test_photos_come_in_once_and_at_most_four(sidebar, tmp_path):
    files = [{"name": f"{number}.png"} for number in range(6)]
    bpy.ops.consistency.add_photos(directory=str(tmp_path), files=[files[0], files[0], {"name": "notes.txt"}])
    assert [photo.path for photo in sidebar.photos] == [str(tmp_path / "0.png")]
    bpy.ops.consistency.add_photos(directory=str(tmp_path), files=files)
    assert len(sidebar.photos) == 4
    assert not bpy.ops.consistency.add_photos.poll()
    bpy.ops.consistency.remove_photo()
    assert len(sidebar.photos) == 3


def test_a_dropped_model_is_what_the_run_starts_from(sidebar):
    bpy.ops.consistency.drop_model(filepath="/models/duck.glb")
    assert (sidebar.source, sidebar.file) == ("FILE", "/models/duck.glb")
    with pytest.raises(RuntimeError, match="export it as GLB"):
        bpy.ops.consistency.drop_model(filepath="/models/duck.obj")
    assert sidebar.file == "/models/duck.glb"


def test_selected_objects_are_taken_with_their_modifiers_and_left_untouched(sidebar, add_box):
    from consistency_pipeline.pipeline.model import check_own

    box = add_box(at=(3.0, 0.0, 0.0))
    box.modifiers.new("Bevel", "BEVEL")
    bpy.context.view_layer.update()
    matrix = box.matrix_world.copy()
    box.select_set(True)
    bpy.ops.consistency.use_selected()
    assert sidebar.source == "OBJECTS"
    from pathlib import Path

    check_own(Path(sidebar.objects))
    assert box.matrix_world == matrix
    assert [modifier.type for modifier in box.modifiers] == ["BEVEL"]
    assert bpy.context.scene.collection in box.users_collection


# the rig


def test_angles_are_added_copied_moved_and_removed(sidebar):
    def names():
        return [angle.name for angle in sidebar.angles]

    sidebar.angle_index = 1
    bpy.ops.consistency.duplicate_angle()
    assert names()[-1] == "three-quarter-2"
    assert sidebar.angles[-1].azimuth == pytest.approx(math.radians(45))
    bpy.ops.consistency.move_angle(direction="UP")
    assert names()[-2] == "three-quarter-2"
    sidebar.video_angle = "three-quarter-2"
    bpy.ops.consistency.remove_angle()
    assert "three-quarter-2" not in names()
    assert sidebar.video_angle == ""
    bpy.ops.consistency.add_angle()
    assert names()[-1] == "angle"
    bpy.ops.consistency.load_angles(set="turnaround")
    assert len(names()) == 8


@pytest.mark.parametrize(
    ("euler", "azimuth", "elevation"),
    [((90, 0, 0), 0, 0), ((90, 0, 90), 90, 0), ((0, 0, 0), 0, 90), ((60, 0, 45), 45, 30), ((90, 0, 180), 180, 0)],
)
def test_a_view_becomes_an_angle(sidebar, euler, azimuth, elevation):
    from mathutils import Euler

    from consistency_pipeline.operators.rig import angle_of_view

    found = angle_of_view(Euler([math.radians(part) for part in euler]).to_quaternion())
    assert found["elevation"] == pytest.approx(elevation, abs=0.05)
    assert math.remainder(found["azimuth"] - azimuth, 360.0) == pytest.approx(0.0, abs=0.05)


def test_editing_an_angle_moves_its_camera_and_a_light_its_lamp(sidebar, box_glb):
    from consistency_pipeline.operators import startup
    from consistency_pipeline.operators.drive import finish_steps
    from consistency_pipeline.operators.scene_settings import to_settings
    from consistency_pipeline.studio import model, rig

    startup.give_default_angles(bpy.context.scene)
    own = bpy.context.scene.consistency
    own.source, own.file = "FILE", str(box_glb)
    finish_steps(model.load_product(box_glb))
    finish_steps(rig.place_rig(to_settings(bpy.context.scene)))
    camera = rig.camera_for("front")
    before = camera.location.copy()
    own.angles[0].azimuth = math.radians(180.0)
    assert camera.location.y == pytest.approx(-before.y, rel=1e-3)
    own.angles[0].focal_length = 50.0
    assert camera.data.lens == 50.0
    own.angles[0].name = "back"
    assert rig.camera_for("back")
    with pytest.raises(ConsistencyError):
        rig.camera_for("front")
    key = bpy.data.objects["Light key"].data
    energy = key.energy
    own.light.key = 200.0
    assert key.energy == pytest.approx(2 * energy)
    own.lighting = "hdri"
    assert "Light key" not in bpy.data.objects


def test_own_lightings_are_saved_loaded_and_removed(sidebar, tmp_path, monkeypatch):
    from pathlib import Path

    from consistency_pipeline.operators import lighting

    monkeypatch.setattr(lighting.CONSISTENCY_OT_save_light_preset, "preset_subdir", "consistency/of-a-test")
    sidebar.lighting, sidebar.light.key, sidebar.light.rotation = "dramatic", 150.0, 0.5
    bpy.ops.consistency.save_light_preset(name="Evening Sun")
    (path,) = (Path(folder) / "Evening_Sun.py" for folder in bpy.utils.preset_paths("consistency/of-a-test"))
    try:
        bpy.ops.consistency.reset_light()
        sidebar.lighting = "studio"
        assert sidebar.light.key == 100.0
        bpy.ops.consistency.load_light_preset(filepath=str(path))
        assert (sidebar.lighting, sidebar.light.key) == ("dramatic", 150.0)
        assert sidebar.light.rotation == pytest.approx(0.5)
        bpy.ops.consistency.save_light_preset(name="Evening_Sun", remove_name=True)
        assert not path.exists()
        with pytest.raises(RuntimeError, match="remove it and save it again"):
            bpy.ops.consistency.load_light_preset(filepath=str(path))
        path.write_text("this is not Python")
        with pytest.raises(RuntimeError, match="remove it and save it again"):
            bpy.ops.consistency.load_light_preset(filepath=str(path))
    finally:
        path.unlink(missing_ok=True)


# the run


def test_run_all_makes_everything_and_a_second_press_makes_nothing_anew(studio):
    assert bpy.ops.consistency.run() == {"FINISHED"}
    assert set(stages().values()) == {"done", "skipped"}
    assert status().is_finished
    assert [shot.state for shot in status().shots] == ["rendered"] * 5
    assert all(shot.still for shot in status().shots)
    assert len(status().jobs) == 5
    assert {job.state for job in status().jobs} == {"done"}
    folder = bpy.context.scene.consistency.run_folder
    rendered = list(studio.rendered)
    assert bpy.ops.consistency.run() == {"FINISHED"}
    assert studio.rendered == rendered
    assert bpy.context.scene.consistency.run_folder == folder


def test_a_stage_runs_by_itself_and_again(studio):
    bpy.ops.consistency.run(until="references")
    assert stages()["references"] == "done"
    assert stages()["photoreal"] == "waiting"
    bpy.ops.consistency.run(until="references", again=True, angle="side")
    assert studio.rendered.count("side") == 2
    assert studio.rendered.count("front") == 1
    bpy.ops.consistency.run(until="photoreal")
    bpy.ops.consistency.run(until="photoreal", again=True, angle="front")
    front = next(shot for shot in status().shots if shot.name == "front")
    assert front.takes.split() == ["01", "02"]
    bpy.ops.consistency.choose_take(angle="front", take=1)
    assert next(shot for shot in status().shots if shot.name == "front").chosen == 1


def test_what_changed_is_said_and_only_that_is_rendered(studio):
    bpy.ops.consistency.run(until="references")
    own = bpy.context.scene.consistency
    own.angles[2].azimuth = math.radians(100.0)
    bpy.ops.consistency.refresh()
    assert {shot.name: shot.why for shot in status().shots if shot.state == "stale"} == {"side": "camera moved"}
    studio.rendered.clear()
    bpy.ops.consistency.run(until="references")
    assert studio.rendered == ["side"]
    own.light.rim = 10.0
    bpy.ops.consistency.refresh()
    assert stages()["references"] == "stale"
    assert {shot.why for shot in status().shots} == {"light changed"}
    own.light.rim = 100.0
    bpy.ops.consistency.refresh()
    assert {shot.state for shot in status().shots} == {"rendered"}


def test_what_the_gate_says_reaches_the_panels(studio):
    from pathlib import Path

    from consistency_pipeline.operators import refresh
    from consistency_pipeline.pipeline.run_folder import RunFolder

    bpy.ops.consistency.run(until="photoreal")
    folder = RunFolder.open(Path(bpy.context.scene.consistency.run_folder))
    save_picture(folder.root / "photoreal" / "front.take-01.heatmap.png")
    first = {"take": 1, "made_by": "first", "outcome": "fail", "reason": "it leans"}
    second = {"take": 2, "made_by": "unwarp", "outcome": "pass", "reason": "the outline fits within 1 px"}
    waiting = {"take": 3, "made_by": "reroll", "key": "photoreal/front/take-03"}
    save_picture(folder.take("front", 2))
    folder.choose("photoreal/front", 2)
    folder.note(
        gate={
            "photoreal/front": [first, {**second, "heatmap": "photoreal/front.take-01.heatmap.png"}, waiting],
            "photoreal/side": [{"take": 7, "outcome": "fail", "reason": "about a take that is not shown"}],
            "photoreal/top": [{"take": 1, "outcome": "unsure", "reason": "", "heatmap": "photoreal/gone.png"}],
        },
    )
    refresh.everything(bpy.context.scene)
    shots = status().shots
    assert status().headline == "1 of 2 on model"
    assert (shots["front"].outcome, shots["front"].verdict) == (
        "pass",
        "pulled into place; the outline fits within 1 px",
    )
    assert shots["front"].heatmap == str(folder.root / "photoreal" / "front.take-01.heatmap.png")
    assert (shots["side"].outcome, shots["side"].verdict) == ("", "")
    assert (shots["top"].outcome, shots["top"].heatmap) == ("unsure", "")
    assert bpy.ops.consistency.compare(angle="front", over="heatmap") == {"FINISHED"}
    assert (status().comparing, status().comparing_with) == ("front", "heatmap")
    bpy.ops.consistency.compare(angle="front", over="reference")
    assert status().comparing_with == "reference"
    bpy.ops.consistency.compare(angle="front", over="reference")
    assert status().comparing == ""
    with pytest.raises(RuntimeError, match="no still to compare"):
        bpy.ops.consistency.compare(angle="top", over="heatmap")


def test_a_picture_selects_its_angle(studio):
    own = bpy.context.scene.consistency
    bpy.ops.consistency.select_angle(angle="top")
    assert own.angles[own.angle_index].name == "top"
    with pytest.raises(RuntimeError, match="add it, or choose another"):
        bpy.ops.consistency.select_angle(angle="nowhere")


def test_finished_work_that_has_been_overtaken_says_so(studio):
    bpy.ops.consistency.run()
    assert (status().is_finished, status().is_outdated) == (True, False)
    bpy.context.scene.consistency.light.key = 150.0
    bpy.ops.consistency.refresh()
    assert status().is_outdated
    assert {name for name, state in stages().items() if state == "stale"} == {"references", "photoreal", "results"}
    bpy.ops.consistency.run(until="references")
    assert status().is_outdated, "the stills are those of the earlier light"
    assert {name for name, state in stages().items() if state == "stale"} == {"photoreal", "results"}
    bpy.ops.consistency.run()
    assert (status().is_finished, status().is_outdated) == (True, False)


def test_another_product_gets_a_folder_of_its_own(studio, save_glb):
    bpy.ops.consistency.run(until="rig")
    own = bpy.context.scene.consistency
    first, own.file = own.run_folder, own.file + "/../other.glb"
    from pathlib import Path
    from shutil import copy

    copy(own.file.replace("/../other.glb", ""), Path(own.file).resolve())
    own.file = str(Path(own.file).resolve())
    bpy.ops.consistency.run(until="rig")
    assert own.run_folder != first


def test_a_failure_is_reported_and_stays_readable(studio):
    bpy.context.scene.consistency.file = "/nowhere/duck.glb"
    with pytest.raises(RuntimeError, match="doesn't exist; check the spelling"):
        bpy.ops.consistency.run()
    assert "doesn't exist; check the spelling" in status().error
    assert "BadInput" in status().details
    assert not status().running
    bpy.ops.consistency.clear_error()
    assert status().error == ""


def test_settings_of_an_earlier_run_come_back(studio):
    own = bpy.context.scene.consistency
    own.prompt, own.seed_lock, own.seed = "yellow duck", True, 7
    bpy.ops.consistency.run(until="rig")
    folder = own.run_folder
    own.prompt, own.seed = "something else", 8
    bpy.ops.consistency.new_run()
    assert own.run_folder == ""
    bpy.ops.consistency.list_runs()
    assert [run.path for run in status().history] == [folder]
    bpy.ops.consistency.load_run(path=folder, go_on=True)
    assert (own.prompt, own.seed, own.run_folder) == ("yellow duck", 7, folder)
    assert stages()["rig"] == "done"


@pytest.fixture
def shop(studio, monkeypatch):
    """fal.ai is what makes the pictures, at $0.125 each; nothing is ever bought."""
    from consistency_pipeline.operators import asking, begin

    def prices(key, endpoints):
        yield
        return {endpoint: {"usd": 0.125, "unit": "images", "at": "2026-01-01"} for endpoint in endpoints if "/made-" not in endpoint}  # fmt: skip

    def spending(*_arguments):
        raise ConsistencyError("money would have been spent")

    monkeypatch.setenv("FAL_KEY", "id:secret")
    monkeypatch.setattr(asking, "prices", prices)
    monkeypatch.setattr(begin, "_backend", spending)
    bpy.context.scene.consistency.backend = "fal"
    return bpy.context.scene.consistency


def test_money_is_not_spent_without_being_agreed_to(shop):
    shop.size = 512
    with pytest.raises(RuntimeError, match="would spend up to"):
        bpy.ops.consistency.run(until="photoreal")
    assert status().estimate > 0
    assert [cost.name for cost in status().costs][5:] == ["retakes, at most"], "what retakes may cost was kept quiet"
    assert status().estimate == pytest.approx(sum(cost.usd for cost in status().costs))
    assert shop.run_folder == ""


def test_no_cent_more_is_spent_than_was_agreed_to(shop):
    with pytest.raises(RuntimeError, match=r"up to \$0\.625; agree with agreed_usd=0\.625$"):
        bpy.ops.consistency.run(until="photoreal", agreed_usd=0.62)
    with pytest.raises(RuntimeError, match="Money would have been spent"):
        bpy.ops.consistency.run(until="photoreal", agreed_usd=0.625)


def test_a_price_that_nobody_knows_is_no_price_of_nothing(shop):
    shop.image_endpoint, shop.own_budget, shop.budget = "somebody/made-this", True, 0.0
    with pytest.raises(RuntimeError, match=r"up to \$0\.00, and what somebody/made-this asks; agree"):
        bpy.ops.consistency.run(until="photoreal")
    with pytest.raises(RuntimeError, match="Money would have been spent"):
        bpy.ops.consistency.run(until="photoreal", agreed_usd=0.0)


def test_nothing_is_asked_of_who_only_renders_whatever_retakes_would_cost(shop):
    shop.size, shop.image_endpoint = 512, "somebody/made-this"
    with pytest.raises(RuntimeError, match="Money would have been spent"):
        bpy.ops.consistency.run(until="references")


def test_what_is_bought_again_is_agreed_to_first(shop, tmp_path):
    from consistency_pipeline.operators import scene_settings
    from consistency_pipeline.pipeline.journal import Journal
    from consistency_pipeline.pipeline.run_folder import RunFolder

    folder = RunFolder.create(tmp_path / "run", scene_settings.to_settings(bpy.context.scene), {})
    journal = Journal(folder.journal)
    for angle in folder.settings.angles:
        journal.write("intended", f"photoreal/{angle.name}/take-01", 1, quoted_usd=0.125)
        journal.write("failed", f"photoreal/{angle.name}/take-01", 1, message="refused by the policy", billed="maybe")
    shop.run_folder = str(folder.root)
    with pytest.raises(RuntimeError, match=r"would spend up to \$0\.625"):
        bpy.ops.consistency.run(until="photoreal", retry_failed=True)


def test_a_price_list_that_is_down_keeps_nobody_from_working(tmp_path, monkeypatch):
    import json

    from consistency_pipeline.fal_backend import errors
    from consistency_pipeline.operators import asking

    def down(*_arguments):
        yield
        raise errors.ServerFault("fal.ai answers HTTP 502")

    (tmp_path / "state").mkdir()
    row = {"usd": 0.5, "unit": "images", "at": "2026-01-01"}
    (tmp_path / "state" / "prices.json").write_text(json.dumps({"a/b": row}))
    monkeypatch.setattr(asking, "ask", down)
    assert asking.finish(asking.prices("id:secret", ["a/b", "c/d"])) == {"a/b": {**row, "remembered": True}}


def test_the_price_of_a_part_that_was_not_agreed_to_is_not_told_as_what_is_left(sidebar):
    from types import SimpleNamespace

    from consistency_pipeline.operators.costs import CONSISTENCY_OT_agree
    from consistency_pipeline.operators.wish import Wish

    for wish, left in ((Wish(), 2.5), (Wish(until="photoreal", again=True), -1.0)):
        status().estimate = 2.5
        CONSISTENCY_OT_agree.cancel(SimpleNamespace(wish=wish), bpy.context)
        assert status().estimate == left


@pytest.mark.parametrize("fate", ["failed", "uncertain"])
def test_retrying_what_may_have_been_billed_shows_its_price_and_is_asked_for(studio, tmp_path, monkeypatch, fate):
    from consistency_pipeline.operators import asking, begin, refresh, scene_settings
    from consistency_pipeline.operators.wish import Wish
    from consistency_pipeline.pipeline.run_folder import RunFolder

    def prices(_key, endpoints):
        yield
        return {endpoint: {"usd": 0.5, "unit": "images", "at": "2026-01-01"} for endpoint in endpoints}

    own = bpy.context.scene.consistency
    own.backend, own.check, own.seed_lock = "fal", False, True
    monkeypatch.setenv("FAL_KEY", "id:secret")
    monkeypatch.setattr(asking, "prices", prices)
    folder = RunFolder.create(tmp_path / "run", scene_settings.to_settings(bpy.context.scene), {})
    own.run_folder, key = str(folder.root), "photoreal/front/take-01"
    journal = folder.read_journal()
    journal.write("intended", key, 1, stage="photoreal", angle="front", endpoint=own.image_endpoint, quoted_usd=0.025)
    journal.write(fate, key, 1, error="Stopped", message="it may have been billed", billed="maybe")
    refresh.everything(bpy.context.scene)
    status().job_index = status().jobs.find(key)

    def estimate(wish):
        return asking.finish(begin.estimate(bpy.context.scene, wish)).total

    asked = []
    monkeypatch.setattr(begin, "start", lambda _scene, wish, _prices: asked.append(wish))
    wish = Wish("photoreal", retry_failed=True, send_again=fate == "uncertain")
    assert estimate(wish) > estimate(Wish("photoreal")), "what is bought again is not in the price"
    with pytest.raises(RuntimeError, match="would spend up to"):
        bpy.ops.consistency.retry_job()
    assert key in [cost.name for cost in status().costs]
    assert asked == []


# the drive, as the window's timer advances it


class SlowBackend:
    """Ends nothing by itself; a cancel is answered at the next poll."""

    name, renders = "slow", False

    def __init__(self):
        self.open, self.events, self.closed = [], [], False

    def start(self, request):
        self.open.append(request.key)
        self.events.append(Event(request.key, "queued", "waiting its turn", queue_position=2))

    def poll(self, wait=0.0):
        events, self.events = self.events, []
        return events

    def cancel(self, key=None):
        for one in [one for one in self.open if key in (None, one)]:
            self.open.remove(one)
            self.events.append(Event(one, "failed", "cancelled; nothing was billed", error=Cancelled("cancelled")))

    @property
    def in_flight(self):
        return len(self.open)

    def close(self):
        self.closed = True


@pytest.fixture
def slow(studio, tmp_path):
    from consistency_pipeline.operators import drive, scene_settings
    from consistency_pipeline.pipeline.run_folder import RunFolder

    folder = RunFolder.create(tmp_path / "run", scene_settings.to_settings(bpy.context.scene), {})
    (tmp_path / "run" / "model").mkdir()
    backend = SlowBackend()
    running = drive.Drive(folder, Studio(), backend, "photoreal", bpy.context.scene)
    for _ in range(60):
        running.advance()
        if (
            running.progress is not None
            and running.progress.stage == "photoreal"
            and running.progress.text == "waiting"
        ):
            break
    yield running, backend
    running.close()


def test_a_tick_ends_when_there_is_only_waiting_left(slow):
    import time

    running, backend = slow
    assert len(backend.open) == 5
    running.advance()
    began = time.perf_counter()
    running.advance(budget=10.0)
    assert time.perf_counter() - began < 1.0


def test_jobs_show_their_place_in_the_queue_and_one_can_be_cancelled(slow):
    from consistency_pipeline.operators import drive, refresh

    running, backend = slow
    status().jobs.clear()
    drive.current = running
    refresh.progress(running)
    assert {job.state for job in status().jobs} == {"queued"}
    assert {job.queue_position for job in status().jobs} == {2}
    status().job_index = 0
    name = status().jobs[0].name
    assert bpy.ops.consistency.cancel_job.poll()
    bpy.ops.consistency.cancel_job()
    running.advance()
    refresh.progress(running)
    assert status().jobs[name].state == "cancelled"
    assert "nothing was billed" in status().jobs[name].log
    assert len(backend.open) == 4
    status().running = False


def test_cancelling_ends_in_order_and_gives_everything_back(slow):
    running, backend = slow
    running.cancel()
    for _ in range(5):
        if running.advance():
            break
    assert running.ended
    assert isinstance(running.error, Cancelled)
    assert backend.closed
    assert running.folder.stage("photoreal")["state"] == "cancelled"
    assert not running.folder.lease.path.exists()


def test_letting_go_in_the_middle_keeps_the_folder_usable(slow):
    from consistency_pipeline.pipeline.run_folder import RunFolder

    running, backend = slow
    running.close()
    assert backend.closed
    again = RunFolder.open(running.folder.root)
    assert again.stage("references")["state"] == "done"
    again.lease.acquire()
    again.lease.release()


# runs that were left


@pytest.fixture
def begun(studio):
    """A run whose first steps are done, as a window begins it."""
    from consistency_pipeline.operators import begin, wish

    running = begin.start(bpy.context.scene, wish.Wish())
    running.advance(0.0)
    yield running
    running.close()


def told():
    """What a file that has just been loaded says of runs that were left."""
    from consistency_pipeline.operators import startup

    status().note = ""
    startup.say_what_was_left(bpy.context.scene)
    return status().note


def test_a_run_that_its_window_left_is_told_of_once(begun):
    assert told() == "", "it is still going on"
    begun.close()
    note = told()
    assert str(begun.folder.root) in note
    assert "still being saved" in note
    assert note.endswith("Press Resume to go on"), "this file is working on that run"
    assert told() == ""


def test_a_run_that_ended_is_not_told_of(begun):
    while not begun.advance(1.0):
        pass
    assert begun.error is None
    assert told() == ""


def test_a_run_on_a_drive_that_is_away_is_told_of_when_it_is_back(begun, tmp_path):
    begun.close()
    root = begun.folder.root
    drive, away = root.parent, root.parent.with_name("away")
    drive.rename(away)
    assert told() == ""
    away.rename(drive)
    assert str(root) in told()


def test_the_run_of_a_blender_that_crashed_is_told_of_by_another_file(begun, tmp_path):
    import json
    import os
    import shutil
    import subprocess

    begun.close()
    bpy.context.scene.consistency.run_folder = ""
    (file,) = (tmp_path / "state" / "active-runs").iterdir()
    said = json.loads(file.read_text())
    file.write_text(json.dumps({**said, "pid": os.getppid(), "birth": birth(os.getppid())}))
    assert told() == "", "another Blender is working on it"
    gone = subprocess.Popen(["true"])
    gone.wait()
    file.write_text(json.dumps({**said, "pid": gone.pid, "birth": "1"}))
    note = told()
    assert "what was paid for is saved there. Open it again under Jobs, Earlier Runs" in note
    file.write_text(json.dumps({**said, "pid": gone.pid, "birth": "1"}))
    shutil.rmtree(begun.folder.root)
    assert told() == "", "there is nothing left to open"
    file.write_text("{not json")
    assert told() == ""


def test_every_run_that_was_left_is_told_of(begun, tmp_path):
    from consistency_pipeline.operators import left_behind

    begun.close()
    (tmp_path / "other").mkdir()
    left_behind.remember(tmp_path / "other")
    note = told()
    assert str(begun.folder.root) in note
    assert str(tmp_path / "other") in note


def test_a_second_blender_that_is_refused_a_run_takes_no_mark_of_the_first(begun, monkeypatch):
    import os

    from consistency_pipeline.operators import left_behind

    root = begun.folder.root
    with monkeypatch.context() as second:
        second.setattr(os, "getpid", os.getppid)
        left_behind.remember(root)
        left_behind.forget(root)
    begun.close()
    assert str(root) in told()


def test_a_run_that_is_gone_on_with_is_no_longer_left(begun, monkeypatch):
    import os
    import subprocess

    from consistency_pipeline.operators import left_behind

    gone = subprocess.Popen(["true"])
    gone.wait()
    with monkeypatch.context() as crashed:
        crashed.setattr(os, "getpid", lambda: gone.pid)
        left_behind.remember(begun.folder.root)
    left_behind.remember(begun.folder.root)
    left_behind.forget(begun.folder.root)
    assert left_behind.take() == []


def test_a_crashed_blender_whose_number_is_ours_now_saves_nothing_any_more(begun, tmp_path):
    import json

    begun.close()
    (file,) = (tmp_path / "state" / "active-runs").iterdir()
    file.write_text(json.dumps({**json.loads(file.read_text()), "birth": "long ago"}))
    assert "what was paid for is saved there" in told()
