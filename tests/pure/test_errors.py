# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors keep their facts on the way between two processes, and each has its sentence."""

from __future__ import annotations

import ast
import inspect
import json
import string
from pathlib import Path

import pytest

from consistency_pipeline.fal_backend import errors
from consistency_pipeline.fal_backend.problems import Problem
from consistency_pipeline.fal_backend.sentences import SENTENCES
from consistency_pipeline.pipeline import errors as pipeline_errors
from consistency_pipeline.pipeline.errors import ConsistencyError
from consistency_pipeline.pipeline.run.attempt import Billed


def declared(module: object) -> dict[str, type[ConsistencyError]]:
    return {
        name: kind
        for name, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, ConsistencyError) and kind.__module__ == getattr(module, "__name__", "")
    }


def test_every_error_can_travel():
    own = declared(pipeline_errors)
    assert own == pipeline_errors.TRAVELLING
    assert own | declared(errors) == errors.TRAVELLING


@pytest.mark.parametrize("name", errors.TRAVELLING)
def test_an_error_arrives_as_it_left(name: str):
    kind = errors.TRAVELLING[name]
    left = kind("it went wrong")
    if isinstance(left, errors.FalError):
        left = kind(Problem.SERVER_FAULT, said="busy", billed=Billed.YES, request_id="r1", status=503)
        errors.with_bill(left)
    came = errors.from_json(json.loads(json.dumps(errors.to_json(left))))
    assert (type(came), str(came)) == (kind, str(left))
    if isinstance(left, errors.FalError):
        assert (
            str(came)
            == "fal.ai failed on its side (HTTP 503); resume to try again. fal says: busy (request r1). It was billed."
        )
        assert (came.billed, came.request_id, came.said) == (Billed.YES, "r1", "busy")


def test_an_error_of_another_version_arrives_as_a_plain_one():
    came = errors.from_json({"class": "Invented", "text": "it went wrong", "billed": "perhaps"})
    assert (type(came), str(came)) == (ConsistencyError, "it went wrong")


def test_every_problem_has_a_sentence():
    assert set(SENTENCES) == set(Problem)
    for problem, sentence in SENTENCES.items():
        facts = {field: 1.0 for _, field, _, _ in string.Formatter().parse(sentence) if field}
        assert "{" not in str(errors.FalError(problem, **facts)), problem


@pytest.mark.parametrize("kind", errors.TRAVELLING.values())
def test_every_error_says_how_a_command_ends_with_it(kind: type[ConsistencyError]):
    assert pipeline_errors.EXIT_STATUS[kind.kind] in (1, 2, 3, 75, 130)


def test_a_sentence_that_two_files_raise_is_written_once():
    root, found = Path(pipeline_errors.__file__).parents[1], {}
    for path in (
        path
        for room in ("pipeline", "fal_backend", "studio", "operators", "command_line")
        for path in (root / room).rglob("*.py")
    ):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in errors.TRAVELLING and node.args:
                said = node.args[0]
                parts = said.values if isinstance(said, ast.JoinedStr) else [said]
                words = "…".join(str(part.value) for part in parts if isinstance(part, ast.Constant))
                if len(words.split()) > 4:
                    found.setdefault(words, set()).add(path.relative_to(root).as_posix())
    assert len(found) > 100
    assert not {words: files for words, files in found.items() if len(files) > 1}
