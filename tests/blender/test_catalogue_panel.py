# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The catalogue in the sidebar: a table is checked, its rows are run by a second Blender, stopped and gone on with."""

from __future__ import annotations

import time
from pathlib import Path

import bpy
import pytest

from consistency_pipeline.operators import startup
from consistency_pipeline.operators.buttons import catalogue
from consistency_pipeline.operators.runs import catalogue_process

PATIENCE = 120.0  # seconds


@pytest.fixture
def table(sidebar, add_box, save_glb, tmp_path) -> Path:
    add_box("Box")
    save_glb("box.glb")
    startup.give_default_angles(bpy.context.scene)
    own = bpy.context.scene.consistency_catalogue
    path = tmp_path / "products.csv"
    columns = "sku,input,angles,motion,size,samples"
    path.write_text(f"{columns}\nA-1,box.glb,front,none,64,1\nA-2,box.glb,front,none,64,1\n")
    own.table, own.out = str(path), str(tmp_path / "out")
    return path


def now():
    return bpy.context.window_manager.consistency_catalogue


def wait() -> None:
    deadline = time.monotonic() + PATIENCE
    while catalogue_process.current is not None:
        assert time.monotonic() < deadline, now().note
        catalogue.follow()
        time.sleep(0.05)


def test_the_scene_s_settings_become_a_template_without_its_product(table, tmp_path):
    from consistency_pipeline.pipeline.catalogue.template import read_template

    own = bpy.context.scene.consistency
    own.size, own.prompt = 512, "on a stone"
    bpy.ops.consistency.catalogue_template(filepath=str(tmp_path / "spring"))
    options, _ = read_template(tmp_path / "spring.json")
    assert (options["size"], options["prompt"]) == (512, "on a stone")
    assert "inputs" not in options
    with pytest.raises(RuntimeError, match="products.csv"):
        bpy.ops.consistency.catalogue_template(filepath=str(tmp_path / "products.csv" / "no"))


@pytest.mark.long
def test_a_table_is_checked_run_and_gone_on_with(table):
    assert not bpy.ops.consistency.catalogue_run.poll()  # it was not checked yet
    bpy.ops.consistency.catalogue_check()
    assert not bpy.ops.consistency.catalogue_check.poll()  # one at a time
    wait()
    assert now().error == ""
    assert [(row.name, row.state) for row in now().rows] == [("A-1", "not begun"), ("A-2", "not begun")]
    assert now().note == "2 products, 2 to do"
    bpy.ops.consistency.catalogue_run()
    while now().running and now().rows[0].state != "done":
        catalogue.follow()
        time.sleep(0.05)
    bpy.ops.consistency.catalogue_stop()
    wait()
    assert now().rows[0].state == "done"
    bpy.ops.consistency.catalogue_run()
    wait()
    assert [row.state for row in now().rows] == ["done", "done"], now().error
    assert now().error == ""
    assert Path(now().page).is_file()
    table.write_text(f"{table.read_text()}A-3,gone.glb,front,none,64,1\n")
    bpy.ops.consistency.catalogue_check()
    wait()
    assert "row 4, column input" in now().error
    assert now().rows[:] == []


class Scripted:
    """A second Blender that says what it is told to."""

    answer = None
    has_ended = False

    def __init__(self, words: list[str], _key: str | None) -> None:
        self.words, self.told, self.stopped = words, [], False

    def news(self) -> list[dict[str, object]]:
        said, self.told = self.told, []
        return said

    def end(self, **answer: object) -> None:
        self.answer, self.has_ended = answer, True
        assert catalogue.follow() is None

    def stop(self) -> None:
        self.stopped = True

    def close(self) -> None:
        pass


def test_the_rows_are_shown_as_they_stand(table, monkeypatch):
    monkeypatch.setattr(catalogue_process, "CatalogueProcess", Scripted)
    assert not bpy.ops.consistency.catalogue_run.poll()  # it was not checked yet
    bpy.ops.consistency.catalogue_check()
    assert "--estimate" in catalogue_process.current.words
    rows = [{"sku": "A-1", "state": "done"}, {"sku": "A-2", "state": "not begun"}]
    catalogue_process.current.end(exit=0, rows=rows, most_usd=0.25)
    assert now().note == "2 products, 1 to do, at most $0.25"
    bpy.ops.consistency.catalogue_run()
    process = catalogue_process.current
    assert "--yes" in process.words
    assert not bpy.ops.consistency.catalogue_check.poll()  # one at a time
    process.told = [
        {"event": "progress", "row": 1, "angle": "front", "text": "rendering"},
        {"event": "begins", "row": 9},
    ]
    catalogue.follow()
    assert [(row.state, row.why) for row in now().rows] == [("done", ""), ("working", "front: rendering")]
    bpy.ops.consistency.catalogue_stop()
    assert process.stopped
    process.told = [{"event": "ended", "row": 1, "state": "failed", "why": "the picture is black"}]
    process.end(exit=0, page="/catalogue/index.html", text="1 done, 1 failed\n/catalogue/index.html")
    assert (now().rows[1].state, now().rows[1].why, now().note) == (
        "failed",
        "the picture is black",
        "1 done, 1 failed",
    )
    bpy.ops.consistency.catalogue_run(retry_failed=True)
    assert "--retry-failed" in catalogue_process.current.words
    catalogue_process.current.end(error="the network is away; try again")
    assert now().error == "The network is away; try again"
    bpy.context.scene.consistency_catalogue.table = str(table.with_name("other.csv"))
    assert not bpy.ops.consistency.catalogue_run.poll()  # that one was not checked


def test_unregistering_ends_it(table):
    bpy.ops.consistency.catalogue_check()
    process = catalogue_process.current
    catalogue.unregister()
    assert catalogue_process.current is None
    deadline = time.monotonic() + PATIENCE
    while not process.has_ended:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    now().running = False
