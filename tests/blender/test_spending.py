# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to be agreed to before anything is bought."""

from __future__ import annotations

from types import SimpleNamespace

import bpy
import pytest

from consistency_pipeline.pipeline.errors import ConsistencyError
from consistency_pipeline.pipeline.run.attempt import Billed
from consistency_pipeline.pipeline.run.events import AcceptanceUnknown, Downloaded, Failed, Intended, Submitted

from .stand_in import status


@pytest.fixture
def shop(studio, monkeypatch):
    """fal.ai is what makes the pictures, at $0.125 each; nothing is ever bought."""
    from consistency_pipeline.operators.runs import questions, start_run

    def prices(key, endpoints, _to_send=()):
        yield
        return {
            endpoint: {"usd": 0.125, "unit": "images", "at": "2026-01-01"}
            for endpoint in endpoints
            if "/made-" not in endpoint
        }

    def spending(*_arguments):
        raise ConsistencyError("money would have been spent")

    monkeypatch.setenv("FAL_KEY", "id:secret")
    monkeypatch.setattr(questions, "prices", prices)
    monkeypatch.setattr(start_run, "backend_for", spending)
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
    from consistency_pipeline.operators.editing import scene_settings
    from consistency_pipeline.pipeline.run.journal import Journal
    from consistency_pipeline.pipeline.run.run_folder import RunFolder

    folder = RunFolder.create(tmp_path / "run", scene_settings.to_settings(bpy.context.scene), {})
    journal = Journal(folder.journal)
    for angle in folder.settings.studio.angles:
        key = f"photoreal/{angle.name}/take-01"
        journal.write(key, 1, Intended(quoted_usd=0.125))
        journal.write(key, 1, Failed(message="refused by the policy", billed=Billed.MAYBE))
    shop.run_folder = str(folder.root)
    with pytest.raises(RuntimeError, match=r"would spend up to \$0\.625"):
        bpy.ops.consistency.run(until="photoreal", retry_failed=True)


def test_a_price_list_that_is_down_keeps_nobody_from_working(tmp_path, monkeypatch):
    import json

    from consistency_pipeline.fal_backend import errors
    from consistency_pipeline.fal_backend.child import questions as child
    from consistency_pipeline.operators.runs import questions

    def down(*_arguments):
        yield
        raise errors.ServerFault("fal.ai answers HTTP 502")

    (tmp_path / "state").mkdir()
    row = {"usd": 0.5, "unit": "images", "at": "2026-01-01"}
    (tmp_path / "state" / "prices.json").write_text(json.dumps({"a/b": row}))
    monkeypatch.setattr(child, "ask", down)
    assert questions.finish(questions.prices("id:secret", ["a/b", "c/d"])) == {"a/b": {**row, "remembered": True}}


def test_the_price_of_a_part_that_was_not_agreed_to_is_not_told_as_what_is_left(sidebar):
    from types import SimpleNamespace

    from consistency_pipeline.operators.buttons.costs import CONSISTENCY_OT_agree
    from consistency_pipeline.operators.runs.run_request import RunRequest

    for request, left in ((RunRequest(), 2.5), (RunRequest(until="photoreal", again=True), -1.0)):
        status().estimate = 2.5
        CONSISTENCY_OT_agree.cancel(SimpleNamespace(request=request), bpy.context)
        assert status().estimate == left


SAID = "it may have been billed"


@pytest.mark.parametrize("fate", [Failed("Stopped", SAID, Billed.MAYBE), AcceptanceUnknown(SAID)])
def test_retrying_what_may_have_been_billed_shows_its_price_and_is_asked_for(studio, tmp_path, monkeypatch, fate):
    from consistency_pipeline.operators.display import refresh
    from consistency_pipeline.operators.editing import scene_settings
    from consistency_pipeline.operators.runs import questions, start_run
    from consistency_pipeline.operators.runs.run_request import RunRequest
    from consistency_pipeline.pipeline.run.run_folder import RunFolder

    def prices(_key, endpoints, _to_send=()):
        yield
        return {endpoint: {"usd": 0.5, "unit": "images", "at": "2026-01-01"} for endpoint in endpoints}

    own = bpy.context.scene.consistency
    own.backend, own.check, own.seed_lock = "fal", False, True
    monkeypatch.setenv("FAL_KEY", "id:secret")
    monkeypatch.setattr(questions, "prices", prices)
    folder = RunFolder.create(tmp_path / "run", scene_settings.to_settings(bpy.context.scene), {})
    own.run_folder, key = str(folder.root), "photoreal/front/take-01"
    journal = folder.read_journal()
    journal.write(key, 1, Intended(stage="photoreal", angle="front", endpoint=own.image_endpoint, quoted_usd=0.025))
    journal.write(key, 1, fate)
    refresh.everything(bpy.context.scene)
    status().job_index = status().jobs.find(key)

    def estimate(request):
        return questions.finish(start_run.estimate(bpy.context.scene, request)).total

    asked = []
    monkeypatch.setattr(start_run, "start", lambda _scene, request, _prices: asked.append(request))
    request = RunRequest("photoreal", retry_failed=True, send_again=isinstance(fate, AcceptanceUnknown))
    assert estimate(request) > estimate(RunRequest("photoreal")), "what is bought again is not in the price"
    with pytest.raises(RuntimeError, match="would spend up to"):
        bpy.ops.consistency.retry_job()
    assert key in [cost.name for cost in status().costs]
    assert asked == []


def test_the_quote_says_which_bought_clip_stays_as_it_was(shop, tmp_path):
    from consistency_pipeline.operators.display import refresh
    from consistency_pipeline.operators.editing import scene_settings
    from consistency_pipeline.operators.runs.questions import finish
    from consistency_pipeline.operators.runs.run_request import RunRequest
    from consistency_pipeline.operators.runs.start_run import estimate
    from consistency_pipeline.pipeline.run.journal import Journal
    from consistency_pipeline.pipeline.run.run_folder import RunFolder

    shop.motion = "turntable"
    folder = RunFolder.create(tmp_path / "run", scene_settings.to_settings(bpy.context.scene), {})
    names = [f"photoreal/{angle.name}" for angle in folder.settings.studio.angles]
    folder.note(chosen=dict.fromkeys([*names, "video/turntable"], 1))
    journal = Journal(folder.journal)
    for key in (
        "photoreal/front",
        "photoreal/three-quarter",
        "photoreal/side",
        "photoreal/top",
        "photoreal/detail",
        "video/turntable",
    ):
        journal.write(f"{key}/take-01", 1, Intended(quoted_usd=0.125, outputs=["x"]))
        journal.write(f"{key}/take-01", 1, Submitted(key))
        journal.write(f"{key}/take-01", 1, Downloaded("x", "x"))
    shop.run_folder = str(folder.root)
    refresh.costs(bpy.context.scene, finish(estimate(bpy.context.scene, RunRequest())))
    assert status().stays_behind == ""
    again = finish(estimate(bpy.context.scene, RunRequest(until="photoreal", again=True)))
    refresh.costs(bpy.context.scene, again)
    assert len(again.lines) == 5, "the clip would be bought again"
    assert "the earlier still of three-quarter; Again under Video" in status().stays_behind


def test_a_request_of_an_earlier_life_keeps_its_time(shop, tmp_path):
    from consistency_pipeline.operators.runs.observed_backend import ObservedBackend
    from consistency_pipeline.pipeline.backend.requests import Event
    from consistency_pipeline.pipeline.run.journal import fold

    key, begun = "photoreal/front/take-01", {"key": "photoreal/front/take-01", "attempt": 1}
    bought = fold(
        [
            {**begun, "event": "intended", "at": "2026-01-01T10:00:00+00:00", "outputs": ["x"]},
            {**begun, "event": "downloaded", "at": "2026-01-01T10:00:42+00:00", "path": "x"},
        ]
    )
    backend = SimpleNamespace(name="fal", renders=False, start=lambda _: None, poll=lambda _: [Event(key, "done")])
    watched = ObservedBackend(backend, bought)
    watched.start(SimpleNamespace(key=key, stage="photoreal", take=1))
    watched.poll()
    assert watched.jobs[key].elapsed == 42.0
