# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""``consistency catalogue`` as its user sees it: rows become runs, none is paid for twice, and the limit over all holds."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from consistency_pipeline import command_line
from consistency_pipeline.pipeline.catalogue import listing, state
from consistency_pipeline.pipeline.catalogue.budget import SharedBudget
from consistency_pipeline.pipeline.errors import BadRender, RunFolderError
from consistency_pipeline.pipeline.run import lease as leases
from consistency_pipeline.pipeline.run import run_folder
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from tests.fake_fal import FakeFal

from .catalogues import STILL, Command, prepare, write_table
from .stand_in import StandInStudio

pytestmark = pytest.mark.by_turns


@pytest.fixture
def command(
    fake: FakeFal, near: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> Command:
    made = Command(write_table(tmp_path, 4), tmp_path / "out", capfd)
    prepare(monkeypatch, made)
    return made


class BadStudio(StandInStudio):
    def render_reference(self, *arguments, **options):
        raise BadRender("the picture is black; add a light")
        yield


def test_every_row_becomes_a_run_and_a_second_call_costs_nothing(command, fake):
    answer = command()
    assert (answer["exit"], answer["rows"]) == (0, {"done": 4})
    assert set(command.states().values()) == {"done"}
    assert fake.books.usd == pytest.approx(4 * STILL)
    assert RunFolder.open(command.out / "P-2").is_finished
    assert RunFolder.open(command.out / "P-2").sku == "P-2"  # for whoever delivers it later
    begun = sum(map(len, command.studios.values()))
    assert command()["rows"] == {"done": 4}
    assert sum(map(len, command.studios.values())) == begun
    assert fake.books.usd == pytest.approx(4 * STILL)
    assert "P-3" in (command.out / "index.html").read_text()


def test_a_finished_row_is_read_once_and_anew_where_its_files_have_changed(command, fake, monkeypatch):
    command("--rows", "0-1")
    reads: list[str] = []
    read = state.read_json
    monkeypatch.setattr(state, "read_json", lambda path: reads.append(path.name) or read(path))
    assert command("--rows", "0-1")["rows"] == {"done": 2}
    assert sorted(reads) == ["report.json"] * 2 + ["run.json"] * 2
    looks = listing.Looks()
    root = command.out / "P-0"
    assert looks.standing(root).state == looks.standing(root).state == "done"
    folder = RunFolder.open(root)
    folder.mark("photoreal", "waiting")
    assert looks.standing(root).state == "unfinished"
    assert looks.entry("P-0", root)["state"] == "unfinished"


def test_one_product_s_failure_ends_its_row_and_is_tried_again_only_when_asked(command, fake):
    command.make_studio = lambda sku: BadStudio() if sku == "P-1" else StandInStudio()
    answer = command()
    assert (answer["exit"], answer["rows"]) == (0, {"done": 3, "failed": 1})
    assert "P-1: failed: p1.glb: the picture is black; add a light" in command.said
    command.make_studio = lambda _sku: StandInStudio()
    answer = command()
    assert (answer["exit"], answer["rows"]) == (0, {"done": 3, "failed": 1})
    assert "4 rows  0 to do" in command("--estimate")["text"]
    assert "4 rows  1 to do" in command("--estimate", "--retry-failed")["text"]
    assert command("--retry-failed")["rows"] == {"done": 4}
    assert len(command.studios["P-0"]) == 1
    assert fake.books.usd == pytest.approx(4 * STILL)


def test_rows_that_would_pass_the_budget_are_left_and_a_higher_one_goes_on(command, fake):
    answer = command("--budget", "0.11")  # each row may cost 0.05 with its retake, and does cost 0.025
    assert answer["exit"] == 0
    assert answer["rows"] == {"done": 3, "not begun": 1}
    assert not (command.out / "P-3").exists()  # of thousands that a limit leaves, none is touched
    assert "the catalogue's limit of $0.11 would be passed" in command.said
    assert fake.books.usd <= 0.11
    assert SharedBudget(command.out).committed() == pytest.approx(3 * STILL)
    assert command("--budget", "0.2")["rows"] == {"done": 4}
    assert SharedBudget(command.out).committed() == pytest.approx(fake.books.usd)


def test_what_was_spent_without_a_limit_counts_against_one_that_is_set_later(command, fake):
    command("--rows", "0-2")
    answer = command("--budget", "0.1")
    assert answer["rows"] == {"done": 3, "not begun": 1}
    assert fake.books.usd == pytest.approx(3 * STILL)


def test_a_product_s_own_limit_stops_that_product_alone(command, fake):
    answer = command("--product-budget", "0.01")
    assert answer["rows"] == {"stopped by the budget": 4}
    assert len(fake.books) == 0
    assert command("--product-budget", "0.05")["rows"] == {"done": 4}


def test_machines_with_a_copy_of_the_folder_each_keep_to_their_share(command, fake):
    answer = command("--budget", "0.2", "--budget-share", "--shard", "1/2")
    assert answer["rows"] == {"done": 2}
    command.out = command.out.with_name("another machine's copy")
    answer = command("--budget", "0.1", "--budget-share", "--shard", "2/2")
    assert answer["rows"] == {"done": 1, "not begun": 1}
    assert fake.books.usd <= 0.15


def test_shards_make_each_row_once_and_the_page_shows_all(command, fake):
    assert command("--shard", "1/2")["rows"] == {"done": 2}
    assert command.states() == {"P-0": "done", "P-1": "not begun", "P-2": "done", "P-3": "not begun"}
    assert command("--rows", "1,3")["rows"] == {"done": 2}
    assert set(command.states().values()) == {"done"}
    assert fake.books.usd == pytest.approx(4 * STILL)


def test_a_row_that_another_machine_works_on_is_left_to_it(command, fake):
    command.out.joinpath("P-2").mkdir(parents=True)
    (command.out / "P-2" / ".run.lease").write_text(json.dumps({"id": "theirs", "host": "elsewhere", "pid": 7}))
    answer = command()
    assert answer["exit"] == 0
    assert answer["rows"] == {"done": 3, "working": 1}
    assert "elsewhere" in command.said
    assert fake.books.usd == pytest.approx(3 * STILL)


def test_a_row_that_another_process_has_ended_meanwhile_is_not_made_once_more(command, fake, monkeypatch):
    command("--rows", "0")
    written = (command.out / "P-0" / "run.json").stat().st_mtime_ns
    seen_before = state.Standing(state.RowState.WORKING)
    monkeypatch.setattr(listing.Looks, "standing", lambda _looks, _root: seen_before)
    assert command("--rows", "0")["rows"] == {"done": 1}
    assert len(command.studios["P-0"]) == 1
    assert (command.out / "P-0" / "run.json").stat().st_mtime_ns == written


def test_a_disk_that_is_full_is_told_though_it_has_no_place_for_the_reason(command, fake, monkeypatch):
    class FullDisk(StandInStudio):
        def render_reference(self, *arguments, **options):
            monkeypatch.setattr(run_folder, "write_json", full)
            return (yield from super().render_reference(*arguments, **options))

    def full(path, _value):
        raise RunFolderError(f"{path.name} could not be written (No space left on device); free some space")

    command.make_studio = lambda _sku: FullDisk()
    assert command("--rows", "0")["rows"] == {"unfinished": 1}
    assert "P-0: unfinished: run.json could not be written (No space left on device)" in command.said
    assert len(fake.books) == 0


def test_a_fault_of_the_network_is_status_75_and_the_next_call_goes_on(command, fake):
    for operation in ("token", "initiate"):  # before anything is sent that may be billed
        fake.fault(operation, "drop_before", times=None)
    answer = command()
    assert answer["exit"] == 75
    assert "done" not in answer["rows"]
    assert len(fake.books) == 0
    fake.faults.clear()
    assert command()["rows"] == {"done": 4}
    assert fake.books.usd == pytest.approx(4 * STILL)


def test_what_may_have_been_accepted_is_sent_again_only_when_asked(command, fake):
    fake.fault("submit", "drop_before", times=None)
    answer = command("--rows", "0")
    assert (answer["exit"], answer["rows"]) == (0, {"unfinished": 1})
    assert "may have accepted it" in command.said
    fake.faults.clear()
    assert command("--rows", "0")["rows"] == {"unfinished": 1}
    assert len(fake.books) == 0
    assert command("--rows", "0", "--send-again")["rows"] == {"done": 1}
    assert fake.books.usd == pytest.approx(STILL)


def test_a_key_that_is_refused_ends_it_all_at_the_first_row(command, fake):
    fake.fault("submit", "bad_key", times=None)
    answer = command("--at-once", "1")
    assert answer["exit"] == 1
    assert sum(answer["rows"].values()) == 1
    assert not (command.out / "P-1").exists()


def test_the_estimate_says_what_it_would_cost_and_begins_nothing(command, fake):
    answer = command("--estimate", "--budget", "1")
    assert answer["total_usd"] == pytest.approx(4 * STILL)
    assert answer["most_usd"] == pytest.approx(8 * STILL)
    assert [row["pictures"] for row in answer["rows"]] == [1, 1, 1, 1]
    assert answer["expected_seconds"] is None
    assert not command.out.exists()
    command("--rows", "0")
    answer = command("--estimate")
    assert answer["expected_seconds"] > 0
    assert answer["total_usd"] == pytest.approx(3 * STILL)
    assert len(fake.books) == 1


def test_nothing_is_bought_that_nobody_agreed_to(command, fake):
    from consistency_pipeline import command_line

    status = command_line.main(["catalogue", str(command.table), "--out", str(command.out)])
    assert status == 2
    assert len(fake.books) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--size", "256"), "in a column 'size', or for all rows in a template"),
        (
            ("--video-angle=front", "--motion=none"),
            "in a column 'video_angle' or 'motion', or for all rows in a template",
        ),
        (("--sizes=256",), "unrecognized arguments: --sizes=256; see 'consistency catalogue --help'"),
    ],
)
def test_an_option_of_a_run_is_sent_to_where_a_catalogue_has_it(command, words, said):
    answer = command(*words)
    assert answer["exit"] == 2
    assert said in answer["error"]
    assert not command.out.exists()


def test_a_table_with_a_fault_begins_nothing(command, fake):
    text = command.table.read_text()
    command.table.write_text(text.replace("p2.glb", "gone.glb"))
    answer = command()
    assert answer["exit"] == 2
    assert "row 4, column input: " in answer["error"]
    assert "gone.glb" in answer["error"]
    assert not (command.out / "P-0").exists()


def test_a_finished_row_that_was_changed_since_is_said_and_not_made_again(command, fake):
    command("--rows", "0")
    command.table.write_text(command.table.read_text().replace("P-0,p0.glb,front", "P-0,p0.glb,side"))
    answer = command("--rows", "0")
    assert answer["rows"] == {"done": 1}
    assert "its row was changed since" in command.said
    assert len(fake.books) == 1


def test_rows_that_wait_for_clips_begin_first_but_where_a_limit_may_leave_some(command, fake):
    text = command.table.read_text()
    command.table.write_text(text.replace("P-2,p2.glb,front,none", "P-2,p2.glb,front,turntable"))

    def begun(*words):
        command("--progress", "json", "--at-once", "1", *words)
        return [said["sku"] for said in map(json.loads, command.lines) if said["event"] == "begins"]

    assert begun("--budget", "0.11") == ["P-0", "P-1", "P-3"]
    command.out = command.out.with_name("all")
    assert begun() == ["P-2", "P-0", "P-1", "P-3"]


@pytest.mark.parametrize("style", ["json", "openjd", "flamenco"])
def test_progress_is_told_as_the_one_who_asked_reads_it(command, style):
    command("--progress", style, "--rows", "0-1")
    lines = command.lines
    if style == "json":
        said = [json.loads(line) for line in lines]
        ended = sorted(each["sku"] for each in said if each["event"] == "ended")
        assert ended == ["P-0", "P-1"], "each once; which is first is fal.ai's affair"
        assert {each["state"] for each in said if each["event"] == "ended"} == {"done"}
    elif style == "openjd":
        assert [line for line in lines if line.startswith("openjd_progress: ")] == [
            "openjd_progress: 50.0",
            "openjd_progress: 100.0",
        ]
        assert all(line.startswith("openjd_") for line in lines)
    else:
        assert sum(line.startswith("Time: ") for line in lines) == 2
        saved = [line.removeprefix("Saved: '").removesuffix("'") for line in lines if line.startswith("Saved: ")]
        assert len(saved) == len(set(saved)) == 4  # a still and a contact sheet each
        assert all(Path(name).is_file() for name in saved)


def test_what_a_killed_process_set_aside_is_given_back_once_its_row_is_free(command, fake, monkeypatch):
    from consistency_pipeline.command_line import catalogue as catalogue_command

    SharedBudget(command.out).allot("P-3", 0.1, None)  # and then it was killed
    answer = command("--budget", "0.15", "--rows", "0-1")
    assert answer["rows"] == {"done": 2}
    monkeypatch.setattr(catalogue_command, "QUIET", 0.0)
    assert command("--budget", "0.15")["rows"] == {"done": 4}
    assert SharedBudget(command.out).committed() == pytest.approx(fake.books.usd)


def test_a_finished_row_is_delivered_for_its_shops_and_again_where_other_stills_are_shown(command, monkeypatch):
    made: list[tuple[str, str, list[str]]] = []

    def deliver(folder, wishes):
        yield
        made.append((folder.root.name, wishes.sku, [preset.key for preset in wishes.presets]))
        sets = {}
        for preset in wishes.presets:
            (folder.root / "deliver" / preset.key).mkdir(parents=True, exist_ok=True)
            (folder.root / "deliver" / preset.key / "shop.json").write_text("{}")
            facts = {"preset": preset.key, "outcome": "pass", "headline": "1 of 1 pictures written", "folder": "f"}
            sets[preset.key] = {**facts, "rules": [], "pictures": []}
        return {"sets": sets, "page": "p"}

    monkeypatch.setattr(command_line, "_deliver_stills", deliver)
    head, *lines = command.table.read_text().splitlines()
    cells = [",", ",web|shopify", ",no", ",web"]
    command.table.write_text(
        "\n".join([f"{head},deliver", *(row + cell for row, cell in zip(lines, cells, strict=True))])
    )
    assert command("--rows", "0-2", "--for", "google")["rows"] == {"done": 3}
    assert sorted(made) == [("P-0", "P-0", ["google"]), ("P-1", "P-1", ["web", "shopify"])]
    assert "P-1: done, $0.025 billed: delivered for web, shopify" in command.said
    rows = json.loads((command.out / "catalogue.json").read_text())["rows"]
    assert [[each["preset"] for each in row["delivery"]] for row in rows[:3]] == [["google"], ["web", "shopify"], []]
    command("--rows", "0-2", "--for", "google")
    assert len(made) == 2
    command("--rows", "0-1", "--for", "ebay")  # P-1 has its own
    assert made[2:] == [("P-0", "P-0", ["ebay"])]
    folder = RunFolder.open(command.out / "P-1")
    folder.take("front", 2).write_bytes(folder.take("front", 1).read_bytes())
    folder.choose("photoreal/front", 2)
    command("--rows", "1")
    assert made[3:] == [("P-1", "P-1", ["web", "shopify"])]


@pytest.mark.parametrize(
    ("cell", "said"), [("amzon", "did you mean 'amazon'"), ("spin", "alone"), ("ar", "alone"), ("etsy", "Etsy asks")]
)
def test_a_shop_that_can_t_be_delivered_for_is_a_fault_of_the_table(command, fake, cell, said):
    head, *lines = command.table.read_text().splitlines()
    command.table.write_text("\n".join([f"{head},deliver", *(f"{row},{cell}" for row in lines)]))
    answer = command("--rows", "0")
    assert (answer["exit"], len(fake.books)) == (2, 0)
    assert "row 2, column deliver: " in answer["error"]
    assert said in answer["error"]


@pytest.fixture(autouse=True)
def _held_by_nobody():
    yield
    leases._forget()


def test_what_a_removed_folder_has_cost_stays_spent(command, fake):
    command("--budget", "0.2")  # each row may cost 0.05 with its retake, and does cost 0.025
    for name in ("P-0", "P-1", "P-2", "P-3"):
        shutil.rmtree(command.out / name)
    answer = command("--budget", "0.2")
    assert answer["rows"] == {"done": 3, "not begun": 1}
    assert "budget $0.20, of which $0.10 is spent or set aside" in command.said
    assert fake.books.usd == pytest.approx(7 * STILL)
    assert SharedBudget(command.out).committed() == pytest.approx(fake.books.usd)
    assert answer["catalogue"]["billed_usd"] + answer["catalogue"]["elsewhere_usd"] == pytest.approx(fake.books.usd)
    assert "$0.075 billed in all, and $0.10 for products that are not in the table or were made anew" in answer["text"]
    assert command("--budget", "0.25")["rows"] == {"done": 4}
    assert SharedBudget(command.out).committed() == pytest.approx(fake.books.usd)


def test_what_a_run_that_was_killed_and_removed_may_have_cost_counts_whole(command, fake):
    budget = SharedBudget(command.out)
    budget.allot("P-0", 0.05, None)
    budget.allot("P-0", 0.05, None, "a run that is gone")  # it was begun, its process killed, its folder removed
    budget.allot("P-1", 0.05, None)  # it never was begun
    answer = command("--budget", "0.25")
    assert answer["rows"] == {"done": 4}
    assert SharedBudget(command.out).committed() == pytest.approx(0.05 + 4 * STILL)


def test_a_product_that_got_another_number_with_its_folder_is_counted_once(command, fake):
    command("--budget", "0.2")
    (command.out / "P-0").rename(command.out / "Q-7")
    command.table.write_text(command.table.read_text().replace("P-0,", "Q-7,"))
    decisions = command.table.with_name("decisions.json")
    rejected = {"folder": "Q-7", "angle": "front", "take": 1, "word": "reject"}
    decisions.write_text(json.dumps({"consistency_decisions": 1, "decisions": [rejected]}))
    assert command("--budget", "0.2", "--decisions", str(decisions))["rows"] == {"done": 4}
    assert fake.books.usd == pytest.approx(5 * STILL)
    assert SharedBudget(command.out).committed() == pytest.approx(fake.books.usd)


def test_a_product_that_left_the_table_stays_in_the_sum(command, fake):
    command("--budget", "0.2")
    lines = command.table.read_text().splitlines()
    command.table.write_text("\n".join(lines[:3]))
    answer = command("--budget", "0.2")
    assert answer["rows"] == {"done": 2}
    assert answer["catalogue"]["billed_usd"] == pytest.approx(2 * STILL)
    assert answer["catalogue"]["elsewhere_usd"] == pytest.approx(2 * STILL)


def test_a_failed_row_whose_model_was_mended_is_made_of_the_new_one(command, fake, tmp_path):
    command.make_studio = lambda sku: BadStudio() if sku in ("P-1", "P-2") else StandInStudio()
    assert command()["rows"] == {"done": 2, "failed": 2}
    (tmp_path / "better.glb").write_bytes((tmp_path / "p0.glb").read_bytes())
    command.table.write_text(command.table.read_text().replace("P-1,p1.glb", "P-1,better.glb"))
    (tmp_path / "p2.glb").write_bytes((tmp_path / "p0.glb").read_bytes())  # the same name, another model
    command.make_studio = lambda _sku: StandInStudio()
    assert command("--retry-failed")["rows"] == {"done": 4}
    assert "P-1: begins (its row was changed since, and nothing was bought: it begins anew)" in command.said
    assert "P-2: begins (p2.glb was changed since, and nothing was bought: it begins anew)" in command.said
    assert RunFolder.open(command.out / "P-1").settings.inputs.files[0].endswith("better.glb")
    assert (command.out / "P-1" / ".before" / "run.json").is_file()
    assert fake.books.usd == pytest.approx(4 * STILL)


def test_a_row_that_was_changed_after_something_was_bought_goes_on_and_says_so(command, fake):
    command("--rows", "0", "--budget", "0.2")
    RunFolder.open(command.out / "P-0").mark("photoreal", "waiting")
    command.table.write_text(command.table.read_text().replace("P-0,p0.glb,front", "P-0,p0.glb,side"))
    assert command("--rows", "0", "--budget", "0.2")["rows"] == {"done": 1}
    assert "P-0: begins (its row was changed since; it goes on as it was begun, remove its folder" in command.said
    assert fake.books.usd == pytest.approx(STILL)


def test_a_finished_row_whose_model_was_replaced_is_said_and_one_that_was_moved_is_not(command, fake, tmp_path):
    command("--rows", "0-1")
    (tmp_path / "p0.glb").write_bytes((tmp_path / "p3.glb").read_bytes())
    os.utime(tmp_path / "p1.glb", (1.0, 1.0))  # copied from elsewhere: the same model
    command("--rows", "0-1")
    assert "P-0: done, $0.025 billed: p0.glb was changed since; remove its folder" in command.said
    assert "P-1" not in command.said
    moved = tmp_path / "another drive"
    moved.mkdir()
    for path in [command.table, command.out, *tmp_path.glob("p?.glb")]:
        path.rename(moved / path.name)
    command.table, command.out = moved / command.table.name, moved / command.out.name
    assert command("--rows", "1")["rows"] == {"done": 1}
    assert "changed" not in command.said
    assert len(fake.books) == 2
