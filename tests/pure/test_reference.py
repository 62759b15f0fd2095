# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/reference.md is what the code says, and the code says something of everything."""

from __future__ import annotations

import runpy
from pathlib import Path

from consistency_pipeline.fal_backend.endpoints.catalogue import ENDPOINTS
from consistency_pipeline.pipeline.rig import ANGLE_SETS
from consistency_pipeline.pipeline.settings.arguments import make_parser
from consistency_pipeline.pipeline.settings.lighting import PRESETS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")


def commands():
    (action,) = (action for action in make_parser()._actions if action.choices)
    return action.choices


def test_the_page_is_the_one_that_the_code_gives():
    written = runpy.run_path(str(ROOT / "packaging" / "reference.py"))["reference"]()
    assert written == PAGE, "run: python packaging/reference.py"


def test_every_option_and_every_endpoint_is_on_it():
    options = {word for command in commands().values() for action in command._actions for word in action.option_strings}
    for option in options - {"-h", "--help"}:
        assert f"`{option}" in PAGE, option
    for endpoint in ENDPOINTS:
        assert f"| `{endpoint.id}` |" in PAGE


def test_every_option_says_what_it_does():
    for name, command in commands().items():
        for action in command._actions:
            assert action.help, f"{name} {action.dest}"


def test_the_options_that_list_names_list_all_of_them():
    said = {action.dest: action.help for action in commands()["run"]._actions}
    assert said["angle_set"] == ", ".join(ANGLE_SETS)
    assert said["lighting"].partition(": ")[2].partition(" (")[0] == ", ".join(PRESETS)
