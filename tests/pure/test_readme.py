# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The README and the pages beside it say nothing that the program doesn't do or have."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from consistency_pipeline.fal_backend import quote
from consistency_pipeline.fal_backend.endpoints.catalogue import CATALOGUE
from consistency_pipeline.pipeline.settings import arguments
from consistency_pipeline.pipeline.settings.groups import RunSettings

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")))
}
README = PAGES["README.md"]
WHOLE = "\n".join(PAGES.values())
WRITTEN = "\n".join(text for page, text in PAGES.items() if page != "docs/reference.md")  # that one by the code itself
SHELL = [
    line.partition("#")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", WHOLE, re.DOTALL)
    for line in block.splitlines()
    if line.partition("#")[0].strip()
]
BLENDERS_OWN = {"--online-mode", "--command"}
ROOMS = ("pipeline", "fal_backend", "studio", "operators", "panels", "command_line")
PLACE = r"`((?:[\w.-]+/)+[\w.-]*|\w+\.(?:py|toml))`|pytest ([\w/.]+\.py)"


@pytest.mark.parametrize("line", [line for line in SHELL if "consistency" in line])
def test_every_command_is_one_the_program_understands(line, capsys):
    words = shlex.split(line)
    start = next(i for i, word in enumerate(words) if word.rpartition("/")[2] == "consistency")
    parsed = arguments.make_parser().parse_args(words[start + 1 :])
    assert parsed.command in _subcommands()


@pytest.mark.parametrize("line", [line for line in SHELL if line.startswith("make ")])
def test_every_make_target_exists(line):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{line.split()[1]}:.*##", makefile, re.MULTILINE)


def test_every_option_named_is_an_option():
    text = "".join(parser.format_help() for parser in _parsers())
    for option in set(re.findall(r"`(--[a-z][a-z-]+)", WHOLE)) - BLENDERS_OWN:
        assert option in text, option


@pytest.mark.parametrize("words", sorted(set(re.findall(r"`consistency (\w+[^`]*)`", WHOLE))))
def test_every_command_in_a_sentence_is_one_with_these_options(words):
    command, *rest = words.split()
    known = _subcommands()[command].format_help()
    assert all(word.partition("=")[0] in known for word in rest if word.startswith("--"))


def test_every_subcommand_is_documented():
    for name in _subcommands():
        assert f"`consistency {name}" in README


def test_every_exit_status_is_documented():
    for status in (0, 1, 2, 3, 75, 130):
        assert re.search(rf"\b{status} (done|failed|usage|stopped|try again|cancelled)", README)


@pytest.mark.parametrize("module", sorted(set(re.findall(r"python -m ((?!pytest)[\w.]+)", WHOLE))))
def test_every_module_to_run_exists(module):
    path = ROOT.joinpath(*module.split("."))
    assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()


@pytest.mark.parametrize("path", sorted(set(re.findall(PLACE, WRITTEN))))
def test_every_place_named_exists(path):
    name = "".join(path)
    made = name.startswith(("demo/", "dist/", "RUN/", "FOLDER/"))
    anywhere = () if "/" in name else (where for room in ROOMS for where in (ROOT / room).rglob(name))
    assert made or name in CATALOGUE or (ROOT / name).exists() or any(anywhere), name


def test_the_costs_are_those_that_the_stored_prices_give():
    settings = RunSettings(inputs=("/photo-1.jpg", "/photo-2.jpg"), backend="fal")
    estimate = quote.estimate(settings, {})
    (total,), (most,) = re.findall(r"costs about \$([\d.]+)", README), re.findall(r"at most \$([\d.]+)", README)
    assert abs(float(total) - estimate.total) < 0.01
    assert abs(float(most) - estimate.most) < 0.01
    table = README.partition("| what is bought |")[2].partition("\n\n")[0]
    said = [float(amount) for amount in re.findall(r"\| ([\d.]+) \|$", table, re.MULTILINE)]
    of_stage = [
        sum(line.quoted_usd for line in estimate.lines if line.stage == s) for s in ("model", "photoreal", "video")
    ]
    assert said == [round(amount, 6) for amount in of_stage]


def test_every_message_explained_is_one_that_the_program_says():
    sources = [path.read_text(encoding="utf-8") for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    said = re.sub(r'"\s+f?"', "", " ".join(sources))
    table = PAGES["docs/troubleshooting.md"].partition("| you see |")[2].partition("\n\n")[0]
    messages = re.findall(r'^\| "([^"]+)"', table, re.MULTILINE)
    assert messages
    for message in messages:
        for part in message.split("…"):
            assert part.strip() in said, part


@pytest.mark.parametrize("page", PAGES)
def test_every_picture_and_link_is_there(page):
    for path, anchor in re.findall(r"\]\(((?!http)[^)#]*)#?([^)]*)\)", PAGES[page]):
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.is_file(), path
        assert not anchor or anchor in _anchors(target.read_text(encoding="utf-8")), f"{path}#{anchor}"


def _anchors(page):
    """What a code host calls the headings: in lower case, without marks, with dashes for spaces."""
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w\s-]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _subcommands():
    action = next(
        action for action in arguments.make_parser()._actions if hasattr(action, "choices") and action.choices
    )
    return action.choices


def _parsers():
    return _subcommands().values()
