# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the window asks fal.ai while it waits, and when it asks no more."""

from __future__ import annotations

import bpy
import pytest

from consistency_pipeline.pipeline.errors import ConsistencyError

SOMEBODYS = ["somebody/made-this"]


@pytest.fixture
def asked(addon, monkeypatch):
    """Keys that prices were asked with; each is answered by the next of ``answers``, an exception or a dictionary."""
    from consistency_pipeline.fal_backend.child import questions as child
    from consistency_pipeline.operators.runs import questions

    keys, answers = [], []

    def ask(key, _question, _python_args):
        keys.append(key)
        yield
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(child, "ask", ask)
    monkeypatch.setattr(questions, "_prices", {})
    return keys, answers


def prices(key):
    from consistency_pipeline.operators.runs import questions

    return questions.finish(questions.prices(key, SOMEBODYS))


def test_another_key_is_asked_with_again_before_anything_is_rendered(asked):
    keys, answers = asked
    price = {SOMEBODYS[0]: {"usd": 0.5, "unit": "images", "at": "2026-01-01"}}
    answers += [price, price]
    assert prices("one") == prices("one") == prices("two") == price
    assert keys == ["one", "two"]


@pytest.mark.parametrize("name", ["Unreachable", "ServerFault", "BadAnswer"])
def test_the_last_known_prices_do_where_fal_does_not_answer_well(asked, name):
    from consistency_pipeline.fal_backend import errors

    asked[1].append(getattr(errors, name)("fal.ai is out of order"))
    assert prices("one") == {}


def test_nothing_is_sent_once_online_access_was_turned_off(sidebar, tmp_path, monkeypatch):
    from consistency_pipeline.operators.editing import scene_settings
    from consistency_pipeline.operators.runs import start_run
    from consistency_pipeline.operators.runs.run_request import RunRequest
    from consistency_pipeline.pipeline.run.run_folder import RunFolder
    from consistency_pipeline.studio import compat

    monkeypatch.setenv("FAL_KEY", "id:secret")
    sidebar.backend, sidebar.source, sidebar.text = "fal", "WORDS", "a cup"
    folder = RunFolder.create(tmp_path / "run", scene_settings.to_settings(bpy.context.scene), {})
    backend = start_run.backend_for(folder, folder.settings, None, RunRequest())
    try:
        monkeypatch.setattr(compat, "online_access", lambda: False)
        with pytest.raises(ConsistencyError, match="Allow Online Access.*press Resume"):
            backend.start(None)
    finally:
        backend.close()
    assert folder.journal.read_bytes() == b""


def test_what_cannot_be_a_key_is_said_to_be_none(addon):
    from consistency_pipeline.operators.runs import questions

    with pytest.raises(ConsistencyError, match="copy it again"):
        questions.finish(questions.check_key("ключ:x"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("the key is good", "The key is good"),
        ("müll.glb is empty", "müll.glb is empty"),
        ("fal.ai does not answer", "fal.ai does not answer"),
        ("/a/b can't be written", "/a/b can't be written"),
    ],
)
def test_a_sentence_begins_with_a_capital_unless_it_begins_with_a_name(text, said):
    from consistency_pipeline.operators.buttons.operator_base import sentence

    assert sentence(text) == said
