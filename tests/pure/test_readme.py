"""The README says nothing that the program doesn't do."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from consistency_pipeline.fal_backend import quote
from consistency_pipeline.pipeline import arguments
from consistency_pipeline.pipeline.settings import RunSettings

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SHELL = [
    line.partition("#")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
    if line.partition("#")[0].strip()
]


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
    for option in set(re.findall(r"`(--[a-z][a-z-]+)", README)) - {"--online-mode", "--command"}:
        assert option in text, option


def test_every_subcommand_is_documented():
    for name in _subcommands():
        assert f"`consistency {name}" in README


def test_every_exit_status_is_documented():
    for status in (0, 1, 2, 3, 75, 130):
        assert re.search(rf"\b{status} (done|failed|usage|stopped|try again|cancelled)", README)


@pytest.mark.parametrize("module", sorted(set(re.findall(r"python -m ((?!pytest)[\w.]+)", README))))
def test_every_module_to_run_exists(module):
    path = ROOT.joinpath(*module.split("."))
    assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:[\w.-]+/)+[\w.-]*)`|pytest ([\w/.]+\.py)", README))))
def test_every_place_named_exists(path):
    name = "".join(path)
    made = name.startswith(("demo/", "dist/", "RUN/"))
    assert made or (ROOT / name).exists(), name


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
    rooms = ("pipeline", "fal_backend", "studio", "operators")
    sources = [path.read_text(encoding="utf-8") for room in rooms for path in (ROOT / room).rglob("*.py")]
    said = re.sub(r'"\s+f?"', "", " ".join([*sources, (ROOT / "command_line.py").read_text(encoding="utf-8")]))
    table = README.partition("| you see |")[2].partition("\n\n")[0]
    messages = re.findall(r'^\| "([^"]+)"', table, re.MULTILINE)
    assert messages
    for message in messages:
        for part in message.split("…"):
            assert part.strip() in said, part


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\(((?!http)[^)#]+)\)", README))))
def test_every_picture_and_link_is_there(path):
    assert (ROOT / path).is_file()


def _subcommands():
    action = next(
        action for action in arguments.make_parser()._actions if hasattr(action, "choices") and action.choices
    )
    return action.choices


def _parsers():
    return _subcommands().values()
