# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an agent can have done, and what it can't: nothing is spent that no person allowed, and no file is read that none named."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path

import pytest

from consistency_pipeline.command_line.agents import TABLE, Desk, add_tools
from consistency_pipeline.pipeline.errors import ConsistencyError, TryAgainLater, UsageError
from consistency_pipeline.pipeline.money.spending import state_folder
from consistency_pipeline.pipeline.opinions import DECISIONS
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from tests.fake_fal.model import glb

from .catalogues import STILL

pytestmark = pytest.mark.by_turns

ROOT = Path(__file__).resolve().parents[2]
DRIVER = (sys.executable, str(ROOT / "benchmarks" / "catalogue_driver.py"))
KEPT = ROOT / "tests" / "kept_runs"
PROGRAM = "from consistency_pipeline.command_line import entry_point; entry_point()"


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """The folder with products' files."""
    place = tmp_path / "shelf"
    place.mkdir()
    for number in range(2):
        (place / f"p{number}.glb").write_bytes(glb(200, (9, 9, 9)))
    return place


def mug(number: int = 0, **more: object) -> dict[str, object]:
    return {"sku": f"P-{number}", "input": f"p{number}.glb", "angles": ["front"], "motion": "none", **more}


def ended(desk: Desk) -> dict[str, object]:
    told = desk.status(50)
    assert not told["is_working"], told
    return told


def test_products_are_made_within_the_budget_and_a_rejected_still_is_made_again(fake, near, shelf, tmp_path):
    desk = Desk(tmp_path / "out", 0.1, files=[shelf], program=DRIVER)
    costs = desk.estimate([mug(0), mug(1)])
    assert (costs["total_usd"], costs["most_usd"], costs["budget_usd"]) == pytest.approx((2 * STILL, 4 * STILL, 0.1))
    assert len(fake.books) == 0
    desk.run([mug(0), mug(1)])
    with pytest.raises(TryAgainLater, match="being worked on"):
        desk.run([mug(0)])
    told = ended(desk)
    assert told["states"] == {"done": 2}, told
    assert told["committed_usd"] == pytest.approx(fake.books.usd) == pytest.approx(2 * STILL)
    (picture,) = desk.report("P-1")["pictures"]
    assert Path(desk.report("P-1")["folder"], picture["file"]).is_file()
    assert picture["verdict"] in ("pass", "unsure", "fail")
    assert desk.decide("P-1", "front", "reject", reason="the handle leans")["changed"]
    desk.run([])
    told = ended(desk)
    assert told["states"] == {"done": 2}, told
    assert fake.books.usd == pytest.approx(3 * STILL)
    assert desk.report("P-1")["pictures"][0]["take"] == 2
    again = Desk(tmp_path / "out", 0.1, files=[shelf], program=DRIVER)  # whoever starts it anew has no new budget
    assert again.decide("P-1", "front", "reject", reason="still leans")["changed"]
    again.run([])
    told = ended(again)
    assert told["states"] == {"done": 1, "stopped by the budget": 1}, told
    assert "limit of $0.10 would be passed" in told["notes"]["P-1"]
    assert fake.books.usd == pytest.approx(3 * STILL)


def test_without_a_budget_nothing_can_be_bought_whatever_the_template_says(fake, near, shelf, tmp_path):
    template = tmp_path / "template.json"
    template.write_text(json.dumps({"consistency_template": 1, "options": {"backend": "fal"}}))
    desk = Desk(tmp_path / "out", None, template, [shelf], DRIVER)
    costs = desk.estimate([mug()])
    assert (costs["most_usd"], costs["can_spend"]) == (0.0, False)
    assert len(fake.books) == 0


@pytest.mark.parametrize(
    ("product", "words"),
    [
        ({"image_endpoint": "fal-ai/dearest"}, "no 'image_endpoint' here"),
        ({"budget": 100}, "no 'budget' here"),
        ({"no_gate": True}, "no 'no_gate' here"),
        ({"set": "a.b=c"}, "no 'set' here"),
        ({"input": "../secret.glb"}, "lies outside"),
        ({"input": "link.glb"}, "lies outside"),
        ({"input": "/etc/passwd"}, "lies outside"),
        ({"input": "gone.glb"}, "is not there"),
        ({"backdrop": "/home/me/photo.png"}, "a backdrop is"),
        ({"sku": ""}, "needs a sku"),
        ({"prompt": "x" * 5000}, "longer than"),
        ({"size": "many"}, "^P-1: size: "),
        ({"input": "broken.glb"}, "^P-1: broken.glb "),
    ],
)
def test_what_is_not_an_agents_to_say_is_refused_and_changes_nothing(shelf, tmp_path, product, words):
    (tmp_path / "secret.glb").write_bytes(glb(200, (9, 9, 9)))
    (shelf / "link.glb").symlink_to(tmp_path / "secret.glb")
    (shelf / "broken.glb").write_bytes(b"glTF and no more")
    desk = Desk(tmp_path / "out", 1.0, files=[shelf], program=("false",))
    with pytest.raises(UsageError, match=words):
        desk.run([mug(0), {**mug(1), **product}])
    assert not (tmp_path / "out" / TABLE).exists()


def test_an_agent_s_word_is_kept_beside_and_is_no_person_s(tmp_path, near, monkeypatch):
    monkeypatch.setenv("CONSISTENCY_STATE_FOLDER", str(tmp_path / "state"))
    desk = Desk(tmp_path, 1.0, files=[tmp_path], program=("false",))
    (tmp_path / "a.glb").write_bytes(glb(200, (9, 9, 9)))
    (tmp_path / TABLE).write_text("sku,input\nA-1,a.glb\n")
    shutil.copytree(KEPT / "fal", tmp_path / "A-1")
    folder = RunFolder.open(tmp_path / "A-1")
    angle = folder.settings.studio.angles[0].name
    before = desk.report("A-1")["pictures"][0]
    assert desk.decide("A-1", angle, "approve", reason="looks right")["changed"]
    assert not desk.decide("A-1", angle, "approve")["changed"]
    after = desk.report("A-1")["pictures"][0]
    assert after["words"] == [{"word": "approve", "reason": "looks right", "by": "agent"}]
    assert {**after, "words": []} == before
    assert not (state_folder() / DECISIONS).exists()
    for word, more, said in [
        ("reject", {}, "say why"),
        ("show", {}, "which take"),
        ("burn", {}, "none of approve"),
        ("show", {"take": 77}, "no take 77"),
    ]:
        with pytest.raises(UsageError, match=said):
            desk.decide("A-1", angle, word, **more)
    with pytest.raises(UsageError, match="no product 'B-2'"):
        desk.report("B-2")
    (tmp_path / TABLE).write_text("sku,input\nA-1,a.glb\nB-2,a.glb\n")
    with pytest.raises(UsageError, match="B-2, front: it was not begun yet"):
        desk.decide("B-2", "front", "approve")


def test_whoever_leaves_has_what_was_begun_end_in_order(fake, near, shelf, tmp_path, monkeypatch):
    monkeypatch.setenv("STAND_IN_SECONDS", "3")
    desk = Desk(tmp_path / "out", 0.1, files=[shelf], program=DRIVER)
    desk.run([mug()])
    deadline = time.monotonic() + 60
    while not (tmp_path / "out" / "P-0" / "run.json").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert desk.status()["is_working"]
    desk.close()
    told = ended(desk)
    assert told["ended"]["status"] == "cancelled", told
    assert told["states"] == {"unfinished": 1}
    assert told["committed_usd"] == pytest.approx(fake.books.usd)


def test_a_program_that_does_not_start_says_so(shelf, tmp_path):
    with pytest.raises(ConsistencyError, match="without an answer"):
        Desk(tmp_path / "out", None, files=[shelf], program=("true",)).estimate([mug()])


# with the SDK, where it is installed


def test_the_sdk_s_client_has_every_tool_and_reads_refusals(fake, near, shelf, tmp_path):
    pytest.importorskip("mcp", reason="the SDK of the Model Context Protocol is not installed: pip install -e .[mcp]")
    import anyio
    from mcp import Client
    from mcp.server import MCPServer

    server = MCPServer("consistency")
    add_tools(server, Desk(tmp_path / "out", 0.1, files=[shelf], program=DRIVER))

    async def talk() -> None:
        async with Client(server) as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert tools.keys() == {"estimate", "run", "status", "report", "decide"}
            assert all(tool.description for tool in tools.values())
            refused = await client.call_tool("run", {"products": [{**mug(), "budget": 5}]})
            assert refused.is_error
            assert "no 'budget' here" in refused.content[0].text
            await client.call_tool("run", {"products": [mug()]})
            told = json.loads((await client.call_tool("status", {"wait_seconds": 50})).content[0].text)
            assert told["states"] == {"done": 1}

    anyio.run(talk)
    assert fake.books.usd == pytest.approx(STILL)


def test_the_command_speaks_the_protocol_and_nothing_else_on_standard_output(shelf, tmp_path):
    pytest.importorskip("mcp", reason="the SDK of the Model Context Protocol is not installed: pip install -e .[mcp]")
    import anyio
    from mcp import Client, StdioServerParameters

    words = ["mcp", "--out", str(tmp_path / "out"), "--files", str(shelf)]
    server = StdioServerParameters(command=sys.executable, args=["-c", PROGRAM, *words], env=dict(os.environ))

    async def talk() -> None:
        async with Client(server) as client:
            told = json.loads((await client.call_tool("status", {})).content[0].text)
            assert (told["is_working"], told["budget_usd"]) == (False, 0.0)
            refused = await client.call_tool("report", {"sku": "P-0"})
            assert refused.is_error
            assert "no product yet" in refused.content[0].text

    anyio.run(talk)
