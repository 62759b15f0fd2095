# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The chain as the window's timer advances it."""

from __future__ import annotations

import bpy
import pytest

from consistency_pipeline.pipeline.backend.requests import Event
from consistency_pipeline.pipeline.errors import Cancelled

from .stand_in import Studio, status


class SlowBackend:
    """Ends nothing by itself; a cancel is answered at the next poll."""

    name, renders = "slow", False

    def __init__(self):
        self.open, self.asked, self.events, self.closed = [], [], [], False

    def start(self, request):
        self.asked.append(request.key)
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
    from consistency_pipeline.operators.editing import scene_settings
    from consistency_pipeline.operators.runs import active_run
    from consistency_pipeline.pipeline.run.run_folder import RunFolder

    folder = RunFolder.create(tmp_path / "run", scene_settings.to_settings(bpy.context.scene), {})
    (tmp_path / "run" / "model").mkdir()
    backend = SlowBackend()
    running = active_run.ActiveRun(folder, Studio(), backend, "photoreal", bpy.context.scene)
    for _ in range(60):
        running.advance()
        if running.progress is not None and running.progress.stage == "photoreal" and running.progress.idle:
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
    from consistency_pipeline.operators.display import refresh
    from consistency_pipeline.operators.runs import active_run

    running, backend = slow
    status().jobs.clear()
    active_run.current = running
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
    assert running.folder.stage("photoreal").state == "cancelled"
    assert not running.folder.lease.path.exists()


def test_letting_go_in_the_middle_keeps_the_folder_usable(slow):
    from consistency_pipeline.pipeline.run.run_folder import RunFolder

    running, backend = slow
    running.close()
    assert backend.closed
    again = RunFolder.open(running.folder.root)
    assert again.stage("references").state == "done"
    again.lease.acquire()
    again.lease.release()


def test_esc_in_a_render_also_asks_fal_to_drop_what_waits_there(studio, tmp_path):
    """Blender hears the key first and stops its render; stills of earlier references are in the queue by then."""
    from consistency_pipeline.operators.editing import scene_settings
    from consistency_pipeline.operators.runs import active_run
    from consistency_pipeline.pipeline.run.run_folder import RunFolder

    class Stopped(Studio):
        def render_reference(self, angle, settings, folder):
            if len(self.rendered) == 2:
                raise Cancelled("the render was stopped")
            return (yield from super().render_reference(angle, settings, folder))

    folder = RunFolder.create(tmp_path / "run", scene_settings.to_settings(bpy.context.scene), {})
    (tmp_path / "run" / "model").mkdir()
    backend = SlowBackend()
    running = active_run.ActiveRun(folder, Stopped(), backend, "results", bpy.context.scene)
    for _ in range(60):
        if running.advance():
            break
    assert backend.asked  # for the stills of the references before
    assert backend.open == [], "fal.ai was not asked to drop them"
    assert {job.state for job in running.backend.jobs.values()} == {"cancelled"}
    assert isinstance(running.error, Cancelled)
    assert "press Resume" in str(running.error)
    assert folder.stage("references").state == "cancelled"
    assert folder.stage("results").state == "waiting"


def test_a_run_that_ends_with_the_model_shows_it(studio, tmp_path):
    assert bpy.ops.consistency.run(until="model") == {"FINISHED"}
    from consistency_pipeline.operators.runs import active_run

    assert active_run.current.product is not None
    assert active_run.current.product.name == "box"
