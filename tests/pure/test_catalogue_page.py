# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page works from disk in a real browser, and what is decided on it is carried out: once, and within the budget."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from consistency_pipeline.pipeline.catalogue import listing
from consistency_pipeline.pipeline.catalogue.decisions import apply_decisions, read_decisions
from consistency_pipeline.pipeline.catalogue.rows import rows_of
from consistency_pipeline.pipeline.catalogue.state import standing
from consistency_pipeline.pipeline.catalogue.table import read_table
from consistency_pipeline.pipeline.errors import UsageError
from consistency_pipeline.pipeline.run import lease as leases
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from consistency_pipeline.pipeline.settings.groups import RunSettings
from tests.fake_fal import FakeFal

from .catalogues import STILL, Command, prepare, write_table
from .chromium import PROGRAM, Chromium

pytestmark = pytest.mark.by_turns

KEPT = Path(__file__).resolve().parents[1] / "kept_runs"
in_a_browser = pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium here")


@pytest.fixture(autouse=True)
def _held_by_nobody():
    yield
    leases._forget()


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three rows: one that was bought, one of this machine's, one not begun, whose name is a trap."""
    monkeypatch.setenv("CONSISTENCY_STATE_FOLDER", str(tmp_path / "state"))
    table = tmp_path / "shoes & boots.csv"
    trap = "</script><img src=x onerror=alert(1)>"
    table.write_text(f'sku,input,name\nA-1,a.glb,Red shoe\nB 2,b.glb,\nC<3>,c.glb,"{trap}"\n')
    out = tmp_path / "out"
    shutil.copytree(KEPT / "fal", out / "A-1")
    shutil.copytree(KEPT / "local", out / "B_2")
    rows = rows_of(read_table(table), out, RunSettings(backend="fal"))
    listing.write_listing(out, table.name, rows)
    return out


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Chromium]:
    browser = Chromium(tmp_path / "profile")
    yield browser
    browser.close()


def play(browser: Chromium, page: Path, script: str) -> Any:
    """What ``script`` returns, run in the page once it is drawn."""
    browser.open(page)
    return browser.run(f"(async () => {{ {script} }})()")


@in_a_browser
def test_the_page_shows_every_row_and_keeps_what_is_decided(out, browser):
    said = play(
        browser,
        out / "index.html",
        """
        const seen = {};
        const cards = () => [...document.querySelectorAll("#rows > li")].map((each) => each.textContent);
        seen.cards = cards().length;
        seen.trap = document.querySelectorAll("img[src=x]").length;
        const loaded = (image) => image.decode().then(() => image.naturalWidth, () => 0);
        document.querySelectorAll("img").forEach((each) => each.loading = "eager");
        seen.widths = await Promise.all([...document.querySelectorAll("#rows img")].map(loaded));
        document.querySelector("#states input[value='not begun']").click();
        seen.filtered = cards();
        document.querySelector("#states input[value='not begun']").click();
        $("find").value = "red"; $("find").dispatchEvent(new Event("input"));
        seen.found = cards().length;
        document.querySelector("#rows button").click();
        seen.open = $("row").open && $("row-title").textContent;
        seen.alts = [...document.querySelectorAll("#pictures img")].map((each) => each.alt);
        seen.saveBefore = $("save").disabled;
        const box = document.querySelector(".decide");
        const pick = (word) => { box.querySelector(`input[value=${word}]`).click(); };
        pick("reject");
        seen.withoutReason = $("save").disabled;
        const reason = box.querySelector("input[type=text]");
        reason.value = "the handle leans"; reason.dispatchEvent(new Event("input", { bubbles: true }));
        seen.count = $("count").textContent;
        seen.kept = JSON.parse(localStorage.getItem(store));
        const film = [...document.querySelectorAll("#pictures .decide")].at(-1);
        film.querySelector("input[value=approve]").click();
        seen.clip = JSON.parse(localStorage.getItem(store))["A-1\\nvideo/turntable"];
        film.querySelector("input[value='']").click();
        $("close").click();
        const until = async (holds) => {
          for (let left = 500; left && !holds(); left--) await new Promise((done) => setTimeout(done, 10)); };
        await until(() => document.activeElement.className === "open");
        seen.focus = document.activeElement.className;
        const make = URL.createObjectURL;
        URL.createObjectURL = (blob) => { blob.text().then((text) => { seen.saved = text; }); return make(blob); };
        save();
        await until(() => seen.saved);
        seen.unnamed = [...document.querySelectorAll("button, input, select")].filter((each) =>
          !(each.textContent.trim() || each.labels?.length || each.getAttribute("aria-label"))).length;
        return seen;
        """,
    )
    assert (said["cards"], said["trap"], said["found"], said["unnamed"]) == (3, 0, 1, 0)
    assert all(width > 0 for width in said["widths"])
    assert len(said["widths"]) == 2
    assert len(said["filtered"]) == 1
    assert "C<3>" in said["filtered"][0]
    assert said["open"] == "A-1: Red shoe"
    assert all("A-1" in alt and ("front" in alt or "side" in alt) for alt in said["alts"])
    assert (said["saveBefore"], said["withoutReason"], said["count"]) == (True, True, "1 decision")
    assert said["focus"] == "open"
    assert (said["clip"]["motion"], said["clip"]["word"], said["clip"].get("angle")) == ("turntable", "approve", None)
    (decided,) = json.loads(said["saved"])["decisions"]
    assert (decided["folder"], decided["word"], decided["reason"]) == ("A-1", "reject", "the handle leans")
    assert decided["take"] == RunFolder.open(out / "A-1").chosen(f"photoreal/{decided['angle']}")


@in_a_browser
def test_the_page_s_words_stand_out_from_what_is_behind_them(out, browser):
    said = play(
        browser,
        out / "index.html",
        """
        const light = (text) => { const [r, g, b] = text.match(/[\\d.]+/g).map(Number).map((c) => c / 255)
          .map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
        const behind = (each) => { for (; each; each = each.parentElement) {
          const colour = getComputedStyle(each).backgroundColor; if (!/, 0\\)$/.test(colour)) return colour; } return "rgb(255,255,255)"; };
        document.querySelector("#rows button").click();
        const worst = {};
        for (const each of document.querySelectorAll("body *:not(script):not(noscript)")) {
          if (![...each.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim())) continue;
          if (each.disabled || !each.offsetParent) continue;
          const [a, b] = [light(getComputedStyle(each).color), light(behind(each))].sort((x, y) => y - x);
          worst[(a + 0.05) / (b + 0.05)] = each.className || each.tagName;
        }
        const least = Math.min(...Object.keys(worst).map(Number));
        return [least, worst[least]];
        """,
    )
    assert said[0] >= 4.5, said  # WCAG 2.2, 1.4.3 Contrast (Minimum)


@in_a_browser
def test_a_page_of_thousands_of_rows_draws_a_part_finds_any_and_goes_through_what_was_found(out, browser):
    page = json.loads((out / "catalogue.json").read_text())
    bought = page["rows"][0]
    rows = [{**bought, "row": n, "sku": f"P-{n:05}", "name": f"Shoe {n}"} for n in range(5000)]
    for row in rows[4990:]:
        row["state"], row["why"] = "failed", "the picture is black; add a light"
    listing.write_page(out / "index.html", {**page, "rows": rows, "states": {"done": 4990, "failed": 10}})
    said = play(
        browser,
        out / "index.html",
        """
        const seen = { drawn: document.querySelectorAll("#rows > li").length, shown: $("shown").textContent };
        $("more").click();
        seen.more = document.querySelectorAll("#rows > li").length;
        $("find").value = "p-0321"; $("find").dispatchEvent(new Event("input"));
        seen.found = [...document.querySelectorAll("#rows .sku")].map((each) => each.textContent);
        $("find").value = ""; $("find").dispatchEvent(new Event("input"));
        document.querySelector("#states input[value=failed]").click();
        seen.failed = $("shown").textContent;
        document.querySelector("#rows button").click();
        for (let at = 0; at < 9; at++) $("next").click();
        seen.last = [$("row-title").textContent, $("next").disabled];
        return seen;
        """,
    )
    assert (said["drawn"], said["more"]) == (60, 120)
    assert said["shown"] == "5000 of 5000 products, 60 of them shown"
    assert said["found"] == [f"P-0321{n}: Shoe 321{n}" for n in range(10)]
    assert said["failed"] == "10 of 5000 products"
    assert said["last"] == ["P-04999: Shoe 4999", True]


def decisions(place: Path, *said: dict[str, Any]) -> Path:
    path = place / "decisions.json"
    path.write_text(json.dumps({"consistency_decisions": 1, "decisions": said}))
    return path


def test_decisions_are_carried_out_once(out, tmp_path):
    folder = RunFolder.open(out / "A-1")
    shown = folder.chosen("photoreal/front")
    other = 1 if shown != 1 else 2
    path = decisions(
        tmp_path,
        {"folder": "A-1", "angle": "front", "take": other, "word": "show"},
        {"folder": "A-1", "angle": "side", "take": folder.chosen("photoreal/side"), "word": "approve"},
        {"folder": "gone", "angle": "side", "take": 1, "word": "approve"},
        {"folder": "A-1", "angle": "top", "take": 1, "word": "approve"},
        {"folder": "B_2", "angle": "front", "take": 1, "word": "reject", "reason": "dull"},
    )
    changed, problems = apply_decisions(out, {"A-1", "B_2"}, read_decisions(path))
    assert changed == 2
    assert [problem.partition(":")[0] for problem in problems] == ["gone", "A-1, top", "B_2, front"]
    folder = RunFolder.open(out / "A-1")
    assert folder.chosen("photoreal/front") == other
    assert folder.opinion("photoreal/side", folder.chosen("photoreal/side")).said == "right"
    assert apply_decisions(out, {"A-1", "B_2"}, read_decisions(path))[0] == 0


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"consistency_decisions": 2, "decisions": []}',
        '{"consistency_decisions": 1, "decisions": [{"folder": "A", "angle": "front", "word": "burn"}]}',
        '{"consistency_decisions": 1, "decisions": [{"folder": "A", "angle": "front", "word": "show"}]}',
        '{"consistency_decisions": 1, "decisions": [7]}',
    ],
)
def test_what_holds_no_decisions_is_refused_whole(tmp_path, text):
    (tmp_path / "d.json").write_text(text)
    with pytest.raises(UsageError, match=r"d\.json"):
        read_decisions(tmp_path / "d.json")


def test_what_is_rejected_is_bought_again_within_the_budget(
    fake: FakeFal, near: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    command = Command(write_table(tmp_path, 2), tmp_path / "out", capfd)
    prepare(monkeypatch, command)
    command("--budget", "0.1")
    assert fake.books.usd == pytest.approx(2 * STILL)
    path = str(decisions(tmp_path, {"folder": "P-1", "angle": "front", "take": 1, "word": "reject", "reason": "dull"}))
    assert command("--decisions", path, "--budget", "0.05")["rows"] == {"done": 1, "stopped by the budget": 1}
    assert fake.books.usd == pytest.approx(2 * STILL)
    assert command("--budget", "0.2")["rows"] == {"done": 2}
    assert fake.books.usd == pytest.approx(3 * STILL)
    folder = RunFolder.open(command.out / "P-1")
    assert folder.chosen("photoreal/front") == 2
    assert folder.take("front", 1).is_file()
    assert command("--decisions", path, "--budget", "0.2")["rows"] == {"done": 2}
    assert fake.books.usd == pytest.approx(3 * STILL)


def test_a_clip_is_decided_about_like_a_still_but_has_no_verdict(out, tmp_path):
    root = out / "A-1"
    clips = root / "video"
    shutil.copyfile(clips / "turntable.take-01.mp4", clips / "turntable.take-02.mp4")
    of = {"folder": "A-1", "motion": "turntable"}
    said = [
        {**of, "take": 1, "word": "approve"},
        {**of, "take": 2, "word": "show"},
        {**of, "take": 1, "word": "reject", "reason": "it is not shown any more"},
        {**of, "take": 9, "word": "show"},
        {"folder": "A-1", "motion": "burnt", "take": 1, "word": "approve"},
    ]
    changed, problems = apply_decisions(out, {"A-1"}, read_decisions(decisions(tmp_path, *said)))
    assert (changed, len(problems)) == (2, 2), problems
    entry = listing.entry_of("A-1", root, standing(root))
    assert (entry["clip"]["take"], entry["clip"]["takes"]) == (2, [1, 2])
    path = decisions(tmp_path, {**of, "take": 2, "word": "reject", "reason": "it turns backwards"})
    assert apply_decisions(out, {"A-1"}, read_decisions(path)) == (1, [])
    assert apply_decisions(out, {"A-1"}, read_decisions(path)) == (0, [])
    folder = RunFolder.open(root)
    assert (folder.chosen("video/turntable"), folder.first_take("video/turntable")) == (None, 3)
    assert not folder.is_finished


def test_one_run_has_the_same_page(out):
    page = listing.page_of_a_run(out / "A-1")
    assert page == out / "A-1" / "index.html"
    assert '"angle":"front"' in page.read_text()


def test_a_rejected_clip_is_bought_again_and_its_stills_are_not(
    fake: FakeFal, near: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    table = write_table(tmp_path, 1, "angles,motion,video-angle", "front,turntable,front")
    command = Command(table, tmp_path / "out", capfd)
    prepare(monkeypatch, command)
    assert command()["rows"] == {"done": 1}
    spent, bought = fake.books.usd, len(fake.books)
    rejected = {"folder": "P-0", "motion": "turntable", "take": 1, "word": "reject", "reason": "it jumps"}
    path = str(decisions(tmp_path, rejected))
    assert command("--decisions", path)["rows"] == {"done": 1}
    assert len(fake.books) == bought + 1
    assert fake.books.usd == pytest.approx(2 * spent - STILL)
    folder = RunFolder.open(command.out / "P-0")
    assert (folder.chosen("video/turntable"), folder.clip_take("turntable", 1).is_file()) == (2, True)
    assert command("--decisions", path)["rows"] == {"done": 1}
    assert len(fake.books) == bought + 1
