# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors keep their facts on the way between two processes, and each has its sentence."""

from __future__ import annotations

import inspect
import json
import string

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
