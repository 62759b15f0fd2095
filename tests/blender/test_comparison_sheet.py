# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Models side by side: the sheet as it is drawn, and the two buttons."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from consistency_pipeline.operators.buttons import models
from consistency_pipeline.operators.runs import questions, start_run
from consistency_pipeline.pipeline.errors import BudgetExceeded, UsageError
from consistency_pipeline.pipeline.formats import png
from consistency_pipeline.studio.rendering import contact_sheet, passes
from consistency_pipeline.studio.rendering.comparison_sheet import write_comparison_sheet

from .stand_in import status


def picture(path, grey):
    path.parent.mkdir(parents=True, exist_ok=True)
    png.write(path, np.full((64, 64, 3), grey, np.uint8), {})
    return path


def candidate(name, file, **more):
    known = {"name": name, "file": file, "outcome": "pass", "reason": "", "numbers": {"p95_px": 0.5}}
    return {**known, "quoted_usd": 0.04, "billed_usd": 0.04, "seconds": 12.0, **more}


def test_each_candidate_stands_beside_the_reference_with_what_is_known_of_it(tmp_path):
    reference = picture(tmp_path / "front.png", 40)
    picture(tmp_path / "a.png", 120)
    said = [
        candidate("Kontext", "a.png"),
        candidate("Reve", None, outcome="fail", reason="refused", billed_usd=None, seconds=None, numbers=None),
    ]
    sheet = tmp_path / "sheet.png"
    write_comparison_sheet(sheet, reference, tmp_path, said)
    drawn = np.round(passes.load(sheet) * 255).astype(int)[..., :3]
    assert drawn.shape[1] == 2 * contact_sheet.MARGIN + 3 * contact_sheet.CELL + 2 * contact_sheet.GAP
    middle = contact_sheet.MARGIN + contact_sheet.CELL // 2
    across = [contact_sheet.MARGIN + place * (contact_sheet.CELL + contact_sheet.GAP) + 200 for place in range(3)]
    assert [int(drawn[middle, x, 0]) for x in across] == pytest.approx([40, 120, 226], abs=2)
    below = drawn[contact_sheet.MARGIN + contact_sheet.CELL + 2 :]
    assert all((below[:, x - 150 : x + 150] < 150).any() for x in across), "each has a caption"


def test_the_buttons_say_what_is_to_be_spent_and_that_there_is_no_run_yet(sidebar):
    assert models.CONSISTENCY_OT_try_others.why_not(bpy.context) == "There is no run yet; render the references first"
    chosen = "fal-ai/nano-banana-pro/edit"
    proposed = models.proposed(chosen)
    assert (proposed[0], len(set(proposed))) == (chosen, models.FEW)
    assert models.split(" a/b, c/d ,a/b,, ") == ["a/b", "c/d"]


def test_nothing_is_bought_where_all_cost_more_than_was_agreed_to(tmp_path, monkeypatch, sidebar):
    from consistency_pipeline.pipeline.run.run_folder import RunFolder
    from consistency_pipeline.pipeline.settings.groups import RunSettings

    from .stand_in import shot_of

    folder = RunFolder.create(tmp_path / "run", RunSettings(inputs=("/duck.glb",), backend="fal"), {})
    folder.keep_shot(shot_of("front", picture(folder.references / "front.png", 90)))

    def prices(_key, endpoints, _to_send=()):
        yield
        return {name: {"usd": 0.25, "unit": "images", "at": "2026-11-26"} for name in endpoints}

    monkeypatch.setattr(questions, "prices", prices)
    monkeypatch.setattr(start_run, "need_key", lambda: "id:secret")
    monkeypatch.setattr(start_run, "backend_for", lambda *_: pytest.fail("it was begun"))
    wanted = ["fal-ai/flux-kontext/dev", "reve/2.1/edit"]
    with pytest.raises(BudgetExceeded, match=r"these stills cost \$0.50, and \$0.30 was agreed to"):
        questions.finish(models.compared(folder.root, wanted, ["front"], 0.3))
    with pytest.raises(UsageError, match="no model was named"):
        questions.finish(models.compared(folder.root, [], ["front"], 0.3))
    assert status().running is False
