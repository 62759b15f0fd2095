# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The panels: which there are, in which order, and that each can be drawn in every state."""

from __future__ import annotations

from types import SimpleNamespace

import bpy
import pytest

from consistency_pipeline.pipeline.stages import STAGES


class Recorder:
    """Stands in for a layout: takes every call and remembers what was shown."""

    def __init__(self, shown):
        object.__setattr__(self, "shown", shown)

    def __getattr__(self, name):
        def call(*arguments, **options):
            if name == "prop":
                owner, prop = arguments[0], arguments[1]
                assert prop.startswith("[") or prop in owner.bl_rna.properties, f"{owner} has no {prop}"
                self.shown.append(("prop", prop))
                return Recorder(self.shown)
            if name in ("operator", "operator_menu_enum"):
                word = arguments[0].partition(".")[2]
                assert word in dir(bpy.ops.consistency), f"no operator {arguments[0]}"
                rna = getattr(bpy.ops.consistency, word).get_rna_type()
                self.shown.extend([("operator", word), ("button", options.get("text", ""))])
                return Options(rna)
            if name == "label":
                self.shown.append(("label", options.get("text", "")))
            if name == "progress":
                self.shown.append(("progress", options["text"]))
                assert 0.0 <= options["factor"] <= 1.0
            return Recorder(self.shown)

        return call

    def __setattr__(self, name, value):
        assert hasattr(bpy.types.UILayout.bl_rna.properties.get(name), "identifier"), f"a layout has no {name}"
        if name == "operator_context":
            self.shown.append(("context", value))


class Options:
    def __init__(self, rna):
        object.__setattr__(self, "rna", rna)

    def __setattr__(self, name, value):
        assert name in self.rna.properties, f"{self.rna.identifier} has no {name}"


def draw(cls, layout=None):
    """Draw a panel into ``layout``, and return what it shows; None where it doesn't want to be shown."""
    if hasattr(cls, "poll") and not cls.poll(bpy.context):
        return None
    shown = []
    body = {
        name: getattr(cls, name)
        for base in reversed(cls.__mro__)
        for name in vars(base)
        if name.startswith("draw") or name == "stage"
    }
    panel = type("Drawn", (), {**body, "layout": layout or Recorder(shown)})()
    panel.draw(bpy.context)
    if "draw_header_preset" in body and layout is None:
        panel.draw_header_preset(bpy.context)
    return shown


def panels():
    """All but the popover of lighting presets, whose inside Blender draws."""
    from bl_ui.utils import PresetPanel

    from consistency_pipeline import panels as room

    return [cls for cls in room.CLASSES if issubclass(cls, bpy.types.Panel) and not issubclass(cls, PresetPanel)]


def draw_all():
    return {cls.__name__: draw(cls) for cls in panels()}


def labels(shown):
    return " ".join(text for kind, text in shown if kind == "label")


def buttons(shown):
    return " ".join(text for kind, text in shown if kind == "button")


def test_one_tab_with_the_six_stages_in_order_then_jobs_costs_and_the_catalogue(sidebar):
    own = [cls for cls in panels() if cls.bl_space_type == "VIEW_3D" and hasattr(cls, "bl_category")]  # no popovers
    assert {cls.bl_category for cls in own} == {"Consistency"}
    parents = [cls for cls in own if not hasattr(cls, "bl_parent_id")]
    assert [cls.__name__ for cls in parents] == ["CONSISTENCY_PT_sidebar"]
    below = [cls.bl_label for cls in own if getattr(cls, "bl_parent_id", "") == "CONSISTENCY_PT_sidebar"]
    assert below == [*(stage.title() for stage in STAGES), "Jobs", "Costs", "Catalogue"]
    open_at_first = [cls.bl_label for cls in own if "DEFAULT_CLOSED" not in getattr(cls, "bl_options", ())]
    assert open_at_first == ["Consistency Pipeline", "Model"]


@pytest.mark.parametrize("backend", ["local", "fal"])
@pytest.mark.parametrize("source", ["PHOTOS", "WORDS", "FILE", "OBJECTS"])
def test_every_panel_draws_with_every_input(sidebar, backend, source):
    sidebar.backend, sidebar.source = backend, source
    shown = draw_all()
    assert ("operator", "run") in shown["CONSISTENCY_PT_sidebar"]
    assert (shown["CONSISTENCY_PT_prompt"] is None) == (backend == "local")


@pytest.mark.parametrize("backend", ["local", "fal"])
def test_every_button_asks_and_waits_as_it_is_made_to(sidebar, backend):
    """Blender keeps one operator context for a whole panel, whichever row it was set on."""
    sidebar.backend = backend
    for name, shown in draw_all().items():
        context = "INVOKE_DEFAULT"
        for kind, said in shown or ():
            context = said if kind == "context" else context
            if kind == "operator" and said != "choose_endpoint":
                assert context == "INVOKE_DEFAULT", f"{said} in {name}"


def test_the_parent_says_why_it_can_not_go_on(sidebar):
    sidebar.source = "PHOTOS"
    assert "There are no photos" in labels(draw_all()["CONSISTENCY_PT_sidebar"])
    sidebar.backend = "fal"
    sidebar.photos.add().path = "/photos/front.png"
    shown = draw_all()["CONSISTENCY_PT_sidebar"]
    assert "There is no fal.ai key" in labels(shown)
    assert ("operator", "show_preferences") in shown


def test_an_active_run_shows_progress_and_the_way_out(sidebar):
    now = bpy.context.window_manager.consistency
    now.running, now.stage, now.text, now.fraction = True, "references", "Reference 2 of 5", 0.4
    try:
        shown = draw_all()["CONSISTENCY_PT_sidebar"]
    finally:
        now.running = False
    assert ("operator", "cancel") in shown
    assert ("operator", "run") not in shown
    assert ("progress", "Reference 2 of 5") in shown


class Stack:
    """Stands in for a layout and knows where its items stand: one below the other, or side by side in ``columns``."""

    def __init__(self, columns=1, above=None):
        self.columns, self.items, self.above = columns, [], above
        self.scale_y, self.ui_units_y, self.enabled = 1.0, None, True

    def column(self, **_options):
        return self.inside(Stack())

    box = column

    def row(self, **_options):
        return self.inside(Stack(columns=99))

    split = row

    def grid_flow(self, *, columns, **_options):
        return self.inside(Stack(columns))

    def inside(self, layout):
        layout.above = self
        self.items.append(layout)
        return layout

    def label(self, *, text="", **_options):
        self.items.append(("label", text, False))

    def progress(self, *, text, **_options):
        self.items.append(("progress", text, False))

    def prop(self, _owner, name, *_value, **_options):
        self.items.append(("prop", name, True))

    prop_enum = prop

    def menu(self, name, **_options):
        self.items.append(("menu", name, True))

    def separator(self):
        self.items.append(("separator", "", False))

    def template_list(self, *_names, rows, **_options):
        self.inside(Stack()).items.extend([("list", "", True)] * rows)

    def template_icon(self, *, icon_value, scale):
        picture = self.inside(Stack())
        picture.scale_y = scale
        picture.items.append(("picture", icon_value, False))

    def operator_menu_enum(self, name, _field, **options):
        return self.operator(name, **options)

    def operator(self, name, **_options):
        word = name.partition(".")[2]
        call = getattr(bpy.ops.consistency, word)
        self.items.append(("operator", word, call.poll() and self.is_on()))
        return Options(call.get_rna_type())

    def is_on(self):
        return self.enabled and (self.above is None or self.above.is_on())

    def lines(self):
        return [self.items[first : first + self.columns] for first in range(0, len(self.items), self.columns)]

    def height(self):
        if self.ui_units_y is not None:
            return self.ui_units_y
        heights = [max(item.height() if isinstance(item, Stack) else 1.0 for item in line) for line in self.lines()]
        return self.scale_y * sum(heights)

    def placed(self, top=0.0, scale=1.0, left=0):
        """{(distance from the top, place in its row): item} of all that is inside."""
        found = {}
        scale *= self.scale_y
        for line in self.lines():
            for place, item in enumerate(line, left):
                if isinstance(item, Stack):
                    found |= item.placed(top, scale, place)
                else:
                    found[round(top, 3), place] = item
            top += scale * max(item.height() if isinstance(item, Stack) else 1.0 for item in line)
        return found


def test_nothing_moves_when_a_run_begins_is_cancelled_or_ends_and_no_button_takes_anothers_place(sidebar):
    from consistency_pipeline.panels import sidebar as panel

    now = bpy.context.window_manager.consistency
    sidebar.source, sidebar.file = "FILE", "/models/duck.glb"
    states = {
        "idle": {},
        "running": {"running": True, "text": "Reference 2 of 5", "run_folder": "/runs/duck"},
        "cancelling": {"running": True, "cancelling": True, "run_folder": "/runs/duck"},
        "cancelled": {"run_folder": "/runs/duck"},
        "finished": {
            "run_folder": "/runs/duck",
            "is_finished": True,
            "headline": "3 of 5 on model; side: a part is gone",
        },
        "changed": {"run_folder": "/runs/duck", "is_finished": True, "is_outdated": True},
    }
    usual, seen, heights = {"running": False, "cancelling": False, "text": "", "headline": ""}, {}, {}
    usual |= {"run_folder": "", "is_finished": False, "is_outdated": False}
    try:
        for name, facts in states.items():
            sidebar.run_folder = facts.get("run_folder", "")
            for field, value in (usual | facts).items():
                setattr(now, field, value)
            layout = Stack()
            panel.CONSISTENCY_PT_sidebar.draw(SimpleNamespace(layout=layout), bpy.context)
            seen[name], heights[name] = layout.placed(), layout.height()
    finally:
        for field, value in usual.items():
            setattr(now, field, value)
    assert len(set(heights.values())) == 1, f"the panels below move: {heights}"
    large = {
        name: next(at for at, (kind, what, _) in items.items() if kind == "progress" or what in ("run", "open_folder"))
        for name, items in seen.items()
    }
    assert len(set(large.values())) == 1, f"the large button moves: {large}"
    for name in ("running", "cancelling"):
        cancel = next(at for at, item in seen[name].items() if item[1] == "cancel")
        assert seen[name][cancel][2] == (name == "running")
        for other in states:
            _, what, is_on = seen[other][cancel]
            assert what == "cancel" or not is_on, f"a late press of Cancel would {what}"
    below = {
        frozenset((at, what) for at, (kind, what, _) in items.items() if kind == "operator" and at[0] > cancel[0])
        for name, items in seen.items()
        if name in ("idle", "running", "cancelling", "cancelled", "changed")
    }
    assert len(below) == 1, "something below the large buttons appears or disappears"
    above = [{at: items[at][1] for at in items if at[0] < large["idle"][0]} for items in seen.values()]
    assert all(words == above[0] for words in above)
    for before, after in (("idle", "running"), ("running", "cancelled"), ("running", "finished")):
        for at in seen[before].keys() & seen[after].keys():
            pair = [what for _, what, is_on in (seen[before][at], seen[after][at]) if is_on]
            assert len(set(pair)) < 2, f"{before} and {after}: {pair} stand at the same place"


ERROR = "The disk is full; free some space, or choose another folder for the runs in the add-on's preferences"
WHAT_A_PANEL_CAN_SAY = {
    "at rest": {},
    "asked for": {"running": True, "text": "Looking at the inputs", "stage": "results"},
    "running": {"running": True, "text": "Reference 1 of 5", "state": "running"},
    "cancelling": {"running": True, "cancelling": True, "state": "running"},
    "cancelled": {"state": "cancelled", "note": "The run was cancelled; what is done is kept, press Resume to go on"},
    "done": {"state": "done", "note": "Results done", "made": True},
    "to look at": {"state": "done", "made": True, "outcome": "fail", "verdict": "the handle is gone; " * 5},
    "stale": {"state": "stale", "made": True, "stale": "light changed, another lens"},
    "failed": {"state": "failed", "reason": ERROR},
    "error at the top": {"state": "failed", "reason": ERROR, "error": ERROR},
    "error below": {"state": "failed", "reason": ERROR, "error": ERROR, "error_at": "here"},
    "a very long error": {"error": ERROR * 4, "error_at": "here"},
    "a very long note": {"note": ERROR * 4},
}


def tell(now, own, stage, said):
    """Have the panels' state be one of WHAT_A_PANEL_CAN_SAY; ``stage``: where it happens."""
    from consistency_pipeline.operators.editing import scene_settings

    forget(now)
    for field in ("running", "cancelling", "text", "note", "error"):
        if field in said:
            setattr(now, field, said[field])
    now.error_at = stage if "error_at" in said else ""
    now.stage = said.get("stage", stage)
    made = said.get("made", False)
    if "state" in said:
        for name in STAGES:
            item = now.stages.add()
            item.name, item.state, item.note = name, said["state"], said.get("reason", "")
    for angle in own.angles if "state" in said else ():
        shot = now.shots.add()
        shot.name, shot.state = angle.name, "missing"
        if made:
            shot.reference = shot.still = shot.heatmap = f"/runs/duck/{angle.name}.png"
            shot.takes, shot.chosen = "01 02", 1
            shot.outcome, shot.verdict = said.get("outcome", "pass"), said.get("verdict", "")
            shot.state, shot.why = ("stale", said["stale"]) if "stale" in said else ("rendered", "")
    if made:
        job = now.jobs.add()
        job.name, job.state, job.fraction, job.elapsed, job.quoted, job.billed = "a job", "running", 0.5, 90, 0.2, 0.2
        job.log = "What the service said last, which may be rather long"
        now.headline, now.clip, now.longest_clip = "3 of 5 on model", "/runs/duck/turntable.mp4", 2.0
        now.product = "Duck, 20 × 30 × 50 cm"
        now.product_of = scene_settings.made_from(scene_settings.inputs_of(bpy.context.scene), own.text)
        now.quoted = now.billed = now.uncertain = 1.0


def forget(now):
    """Nothing was asked for yet, and nothing is said."""
    for field in (
        *("running", "cancelling", "text", "stage", "note", "error", "error_at", "headline", "clip", "product"),
        *("product_of", "quoted", "billed", "uncertain", "longest_clip", "unfolded"),
    ):
        now.property_unset(field)
    for name in ("stages", "shots", "jobs"):
        getattr(now, name).clear()


@pytest.mark.parametrize("backend", ["local", "fal"])
@pytest.mark.parametrize("source", ["PHOTOS", "WORDS", "FILE", "OBJECTS"])
def test_nothing_moves_in_any_panel_when_something_is_said_or_a_picture_arrives(
    sidebar, monkeypatch, backend, source, tmp_path
):
    from consistency_pipeline.operators.display import thumbnails

    now, seen = bpy.context.window_manager.consistency, {}
    monkeypatch.setattr(thumbnails, "icon", lambda path: 7 if path else 0)
    sidebar.backend, sidebar.source, sidebar.file = backend, source, str(tmp_path / "duck.glb")
    sidebar.text, sidebar.photos.add().path = "A duck", str(tmp_path / "duck.png")
    shown = [cls for cls in panels() if getattr(cls, "bl_parent_id", "") == "CONSISTENCY_PT_sidebar"]
    try:
        for cls in [cls for cls in panels() if cls.__name__ == "CONSISTENCY_PT_sidebar"] + shown:
            for name, said in WHAT_A_PANEL_CAN_SAY.items():
                where = cls.__name__.removeprefix("CONSISTENCY_PT_")
                tell(now, sidebar, where if where in (*STAGES, "costs") else "", said)
                layout = Stack()
                draw(cls, layout)
                seen.setdefault(cls.__name__, {})[name] = round(layout.height(), 2)
    finally:
        forget(now)
    moved = {name: heights for name, heights in seen.items() if len(set(heights.values())) > 1}
    assert not moved, f"what stands below moves: {moved}"
    assert all(heights["at rest"] > 1 for heights in seen.values())


def test_what_is_too_long_for_its_place_is_told_under_the_mouse_and_at_a_press(sidebar):
    now = bpy.context.window_manager.consistency
    unfold = bpy.types.Operator.bl_rna_get_subclass_py("CONSISTENCY_OT_unfold")
    try:
        for at, panel in (("", "CONSISTENCY_PT_sidebar"), ("rig", "CONSISTENCY_PT_rig")):
            now.error, now.error_at = f"{ERROR}. {ERROR}. Then try again", at
            assert "try again" not in labels(draw_all()[panel])
            assert "try again" in unfold.description(bpy.context, SimpleNamespace(text=now.error))
            bpy.ops.consistency.unfold(text=now.error, key=f"{at or 'top'}: {now.error}")
            assert "try again" in labels(draw_all()[panel])
            now.error = "Another"
            assert "try again" not in labels(draw_all()[panel])
    finally:
        forget(now)


def test_an_error_stays_readable_and_can_be_copied(sidebar):
    now = bpy.context.window_manager.consistency
    now.error = "fal.ai does not accept this key; check it at fal.ai/dashboard/keys"
    shown = draw_all()["CONSISTENCY_PT_sidebar"]
    assert "check it at" in labels(shown)
    assert ("operator", "copy_text") in shown
    now.error = ""


def test_an_error_is_told_once_where_its_button_is_and_goes_with_what_it_was_about(sidebar, tmp_path):
    now = bpy.context.window_manager.consistency
    now.stages.clear()
    stage = now.stages.add()
    stage.name, stage.state, stage.note = "references", "failed", "the disk is full"
    for at, panel in (
        ("references", "CONSISTENCY_PT_references"),
        ("", "CONSISTENCY_PT_sidebar"),
        ("costs", "CONSISTENCY_PT_costs"),
    ):
        sidebar.backend = "fal"
        now.error, now.error_at = "The disk is full; free some space", at
        told = [name for name, shown in draw_all().items() if shown and "disk is full" in labels(shown)]
        assert told == [panel]
    sidebar.source, sidebar.file = "FILE", str(tmp_path / "other.glb")
    assert now.error == "", "it was about another file"
    now.stages.clear()


def test_a_limit_of_nothing_is_said_to_be_none(sidebar):
    sidebar.own_budget, sidebar.budget, sidebar.daily_budget, sidebar.product_budget = True, 5.0, 0.0, 1.0
    assert labels(draw_all()["CONSISTENCY_PT_limits"]) == "no limit"


def test_the_first_screen_offers_what_is_at_hand(addon, add_box, monkeypatch):
    from consistency_pipeline.operators import startup

    for key, selected, source in (("", False, "FILE"), ("id:secret", False, "PHOTOS"), ("", True, "OBJECTS")):
        bpy.ops.wm.read_factory_settings(use_empty=True)
        monkeypatch.setenv("FAL_KEY", key)
        add_box().select_set(selected)
        startup.give_default_angles(bpy.context.scene)
        own = bpy.context.scene.consistency
        assert own.source == source
        own.source = "WORDS"
        startup.give_default_angles(bpy.context.scene)
        assert own.source == "WORDS", "somebody had chosen"


def test_who_makes_the_pictures_is_chosen_beside_run_all_at_a_price_that_is_stored(sidebar):
    from consistency_pipeline.operators.display import first_screen

    sidebar.source, sidebar.file, sidebar.motion = "FILE", "/models/duck.glb", "none"
    assert first_screen.guess(bpy.context.scene)
    assert not first_screen.guess(bpy.context.scene), "nothing has changed since"
    assert "This machine, free fal.ai, about $0.125" in buttons(draw_all()["CONSISTENCY_PT_sidebar"])
    bpy.ops.consistency.choose_backend(backend="fal")
    assert "There is no fal.ai key" in labels(draw_all()["CONSISTENCY_PT_sidebar"])
    bpy.ops.consistency.choose_backend(backend="local")
    assert bpy.ops.consistency.run.poll()


def test_another_file_unticks_what_was_made_of_the_first(sidebar, tmp_path):
    from consistency_pipeline.operators.display import refresh
    from consistency_pipeline.operators.editing import scene_settings
    from consistency_pipeline.pipeline.run.run_folder import RunFolder

    now = bpy.context.window_manager.consistency
    first, other = tmp_path / "first.glb", tmp_path / "other.glb"
    sidebar.source, sidebar.file = "FILE", str(first)
    folder = RunFolder.create(tmp_path / "run", scene_settings.to_settings(bpy.context.scene), {})
    folder.mark("model", "skipped")
    sidebar.run_folder = str(folder.root)
    for file, states in ((first, {"skipped", "waiting"}), (other, set()), (first, {"skipped", "waiting"})):
        sidebar.file = str(file)
        refresh.everything(bpy.context.scene)
        assert {stage.state for stage in now.stages} == states
        text = buttons(draw_all()["CONSISTENCY_PT_sidebar"])
        assert ("Resume" in text) == bool(states)


def test_jobs_and_costs_show_units(sidebar):
    now = bpy.context.window_manager.consistency
    now.jobs.clear()
    job = now.jobs.add()
    job.name, job.state, job.elapsed, job.quoted, job.billed = "photoreal/front/take-01", "done", 12.3, 0.025, 0.025
    sidebar.backend = "fal"
    now.job_index, now.quoted, now.billed = 0, 0.5, 0.25
    estimate(1.25)
    shown = draw_all()
    words = labels(shown["CONSISTENCY_PT_jobs"])
    assert "12 s" in words
    assert "quoted $0.025" in words
    assert "$1.25" in labels(shown["CONSISTENCY_PT_costs"])
    now.jobs.clear()
    now.estimate, now.quoted, now.billed = -1.0, 0.0, 0.0


def estimate(usd):
    from consistency_pipeline.operators.display import refresh

    still = SimpleNamespace(key="photoreal/front/take-01", endpoint="somebody/makes-it", quoted_usd=usd, amount="")
    refresh.costs(
        bpy.context.scene, SimpleNamespace(lines=[still], retakes=0.0, opinions=0.0, most=usd, unknown=[], doubts=())
    )


@pytest.mark.parametrize(
    "change", [lambda own: setattr(own, "takes", 3), lambda own: setattr(own, "run_folder", "/runs/another")]
)
def test_an_estimate_is_not_shown_once_it_is_about_something_else(sidebar, change, monkeypatch):
    monkeypatch.setenv("FAL_KEY", "id:secret")
    now = bpy.context.window_manager.consistency
    sidebar.backend, sidebar.source, sidebar.text = "fal", "WORDS", "A brushed steel thermos"
    estimate(1.25)
    try:
        shown = draw_all()
        assert "fal.ai, up to $1.25" in buttons(shown["CONSISTENCY_PT_sidebar"])
        assert "$1.25" in labels(shown["CONSISTENCY_PT_costs"])
        change(sidebar)
        shown = draw_all()
        assert "$1.25" not in buttons(shown["CONSISTENCY_PT_sidebar"])
        assert "$1.25" not in labels(shown["CONSISTENCY_PT_costs"])
    finally:
        now.estimate = -1.0


def test_the_products_size_is_shown_while_it_is_about_these_inputs(sidebar, add_box, tmp_path):
    add_box("Crate", size=(0.2, 0.3, 0.5)).select_set(True)
    bpy.ops.consistency.use_selected()
    assert "Crate, 20 × 30 × 50 cm" in labels(draw_all()["CONSISTENCY_PT_model"])
    sidebar.source, sidebar.file = "FILE", str(tmp_path / "other.glb")
    assert "Crate" not in labels(draw_all()["CONSISTENCY_PT_model"])


def test_the_clip_of_a_mirror_like_product_is_said_to_be_shorter_before_it_is_paid_for(sidebar):
    now = bpy.context.window_manager.consistency
    sidebar.backend, now.longest_clip = "fal", 4.0
    try:
        assert "4 s: reflections" in labels(draw_all()["CONSISTENCY_PT_video"])
        sidebar.duration = 4.0
        assert "reflections" not in labels(draw_all()["CONSISTENCY_PT_video"])
    finally:
        now.longest_clip = 0.0


def test_what_of_the_surface_the_stills_see_is_said_under_the_exact_clip_with_its_picture(sidebar):
    now = bpy.context.window_manager.consistency
    sidebar.backend, sidebar.motion = "fal", "exact_turntable"
    now.surface, now.surface_picture = (
        "The stills see 60% of the surface; stills from azimuth 180° would make that 98%",
        "/r/surface.png",
    )
    try:
        shown = labels(draw_all()["CONSISTENCY_PT_video"])
        assert "The stills see 60% of the surface" in shown
        assert "Further Angles under Photoreal" in shown
    finally:
        now.surface = now.surface_picture = ""


def test_an_anchored_turn_says_what_it_buys_and_a_limit_on_reflections_is_not_its(sidebar):
    now = bpy.context.window_manager.consistency
    sidebar.backend, sidebar.motion, now.longest_clip = "fal", "anchored_turntable", 4.0
    try:
        shown = labels(draw_all()["CONSISTENCY_PT_video"])
        assert "A purchase for each piece of the turn" in shown
        assert "reflections" not in shown
        sidebar.backend = "local"
        assert "renders all of the turn: no AI" in labels(draw_all()["CONSISTENCY_PT_video"])
    finally:
        now.longest_clip = 0.0


@pytest.mark.parametrize(("limit", "unknown"), [(0.0, ""), (0.04, ""), (0.06, "somebody/made-this")])
def test_what_is_agreed_to_says_where_it_stops_and_what_is_not_known(sidebar, limit, unknown):
    from consistency_pipeline.operators.buttons.costs import CONSISTENCY_OT_agree

    now, promised, shown = bpy.context.window_manager.consistency, {}, []
    now.costs.clear()
    for name in ("photoreal/front/take-01", "photoreal/side/take-01"):
        cost = now.costs.add()
        cost.name, cost.endpoint, cost.usd = name, "fal-ai/flux-kontext/dev", 0.025
    now.estimate, now.estimate_unknown = 0.05, unknown
    sidebar.own_budget, sidebar.budget = True, limit

    def ask(_operator, **options):
        promised.update(options)
        return {"RUNNING_MODAL"}

    manager = SimpleNamespace(consistency=now, invoke_props_dialog=ask)
    CONSISTENCY_OT_agree.invoke(SimpleNamespace(), SimpleNamespace(window_manager=manager), None)
    CONSISTENCY_OT_agree.draw(SimpleNamespace(layout=Recorder(shown)), bpy.context)
    assert ("limit of $0.04" in labels(shown)) == (limit == 0.04)
    assert promised["confirm_text"] == "Spend up to $0.05" + (", and What Is Unknown" if unknown else "")
    now.costs.clear()
    now.estimate, now.estimate_unknown = -1.0, ""


def test_the_preferences_call_endpoints_by_name_and_price_and_keep_ids_in_tooltips(sidebar, monkeypatch):
    from consistency_pipeline.operators.buttons.preferences import CONSISTENCY_OT_choose_usual_endpoint as choose
    from consistency_pipeline.operators.editing import preferences
    from consistency_pipeline.panels.preferences import CONSISTENCY_AP_preferences

    own = SimpleNamespace(image_endpoint="", video_endpoint="fal-ai/veo3.1/image-to-video")
    monkeypatch.setattr(preferences, "preferences", lambda: own)

    def menus():
        shown = []
        own.bl_rna = CONSISTENCY_AP_preferences.bl_rna
        for role, field in (("photoreal", "image_endpoint"), ("video", "video_endpoint")):
            CONSISTENCY_AP_preferences.draw_endpoint(own, Recorder(shown), role, field)
        return [text for kind, text in shown if kind == "button"]

    assert menus() == ["Built-in: FLUX Kontext dev, $0.025 an image", "Veo 3.1, $0.20 a second"]
    for role, field in (("photoreal", "image_endpoint"), ("video", "video_endpoint")):
        items = choose._items(SimpleNamespace(role=role), bpy.context)
        assert all(id_ in tooltip and "fal-ai" not in name for id_, name, tooltip in items[1:])
        assert preferences.built_in(field) in items[0][2]
        told = choose.description(bpy.context, SimpleNamespace(role=role))
        assert told.endswith(getattr(own, field) or preferences.built_in(field))
    for chosen, kept in (("bytedance/seedream/v5/lite/edit", "bytedance/seedream/v5/lite/edit"), ("NONE", "")):
        bpy.ops.consistency.choose_usual_endpoint(role="photoreal", endpoint=chosen)
        assert own.image_endpoint == kept
        assert bpy.context.preferences.is_dirty
    bpy.ops.consistency.choose_usual_endpoint(role="photoreal", endpoint="fal-ai/nano-banana-pro/edit")
    assert menus()[0] == "Nano Banana Pro, $0.15 an image"


def test_scores_are_told_where_they_are_known_and_nowhere_else(sidebar):
    now = bpy.context.window_manager.consistency
    now.shots.clear()
    for name, outcome, reason in (
        ("front", "pass", "the outline fits"),
        ("side", "fail", "the handle is gone"),
        ("top", "", ""),
    ):
        shot = now.shots.add()
        shot.name, shot.outcome, shot.verdict = name, outcome, reason
        shot.reference = shot.still = f"/run/{name}.png"
    now.stages.clear()
    now.stages.add().name = "photoreal"
    now.shots["side"].heatmap, now.headline = "/run/side.heatmap.png", "1 of 3 on model"
    sidebar.angle_index = sidebar.angles.find("side")
    sidebar.source, sidebar.file = "FILE", "/models/duck.glb"
    shown = draw_all()
    words = labels(shown["CONSISTENCY_PT_photoreal"])
    assert "Off model: the handle is gone" in words
    assert shown["CONSISTENCY_PT_photoreal"].count(("operator", "compare")) == 1
    assert "1 of 3 on model" in labels(shown["CONSISTENCY_PT_sidebar"])
    words = labels(shown["CONSISTENCY_PT_results"])
    assert "1 of 3 on model" in words
    assert "side: the handle is gone" in words
    assert "front" not in words
    sidebar.angle_index = sidebar.angles.find("top")
    shown = draw_all()
    assert "model" not in labels(shown["CONSISTENCY_PT_photoreal"])
    assert ("operator", "compare") not in shown["CONSISTENCY_PT_photoreal"]
    now.shots.clear()
    now.stages.clear()
    now.headline = ""


def test_drawing_reads_no_file_and_asks_nobody(sidebar, monkeypatch):
    """Whatever a panel needs from disk is read before."""
    import builtins
    import socket
    from pathlib import Path

    draw_all()  # modules are imported by now

    def refuse(*_arguments, **_options):
        raise AssertionError("a panel touched a file or the network")

    for owner, name in ((builtins, "open"), (Path, "open"), (Path, "is_file"), (Path, "stat"), (socket, "socket")):
        monkeypatch.setattr(owner, name, refuse)
    draw_all()


def test_every_button_has_a_tooltip_without_a_period(sidebar):
    for word in dir(bpy.ops.consistency):
        rna = getattr(bpy.ops.consistency, word).get_rna_type()
        assert len(rna.description) > 8, word
        assert not rna.description.endswith("."), word
        assert rna.name, word


# words


@pytest.mark.parametrize(
    ("usd", "said"),
    [(0.0, "$0.00"), (0.025, "$0.025"), (0.125, "$0.125"), (0.56, "$0.56"), (1.586, "$1.59"), (-1.0, "unknown")],
)
def test_small_prices_keep_the_digits_that_add_up(usd, said):
    from consistency_pipeline.panels.words import money

    assert money(usd) == said


def test_jobs_are_called_by_stage_angle_and_take():
    from consistency_pipeline.operators.display.status import in_words

    assert in_words("photoreal/three-quarter/take-01") == "Photoreal three-quarter"
    assert in_words("photoreal/front/take-02") == "Photoreal front #2"
    assert in_words("video/turntable/take-12") == "Video turntable #12"


@pytest.mark.parametrize(
    "text",
    [
        "The run in /home/a/consistency-runs/thermos-001 was left before its end: what was paid for is saved there.",
        "word",
        "",
        "x" * 200,
        "/a/very/long/path/without/any/blank/that/goes/on/and/on/product.as-made.glb",
    ],
)
@pytest.mark.parametrize("width", [12, 30, 300])
def test_sentences_are_broken_to_the_panel_and_nothing_is_cut_off(text, width):
    from consistency_pipeline.panels.words import broken

    lines = broken(text, width, len)
    assert all(len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert len(lines) <= 2 + 3 * len(text) // width, "half of the panel is left empty"


def test_a_path_breaks_between_its_folders():
    from consistency_pipeline.panels.words import broken

    assert broken("in /runs/consistency/thermos-001", 22, len) == ["in", "/runs/consistency/", "thermos-001"]
