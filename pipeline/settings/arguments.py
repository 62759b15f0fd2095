# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command line's words: the commands, their flags, and the settings that a set of flags asks for."""

from __future__ import annotations

import argparse
import contextlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, get_origin

from ..declaration import Option
from ..errors import UsageError
from ..rig import ANGLE_SETS, DEFAULT_ANGLE_SET, parse_angles
from ..sentences import no_such_angle_set
from ..verdicts import Said
from .backdrop import is_file
from .lights import lights_from
from .look import read_look
from .options import OPTIONS

if TYPE_CHECKING:
    from pydantic import ValidationError

    from .groups import RunSettings

UNSAID = "unsaid"
VARIANTS = (
    "one run for each of these variants of the file's materials, each in a folder of its name in RUN, under one budget"
)
JSON = "the last line of standard output is a JSON object"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see '{self.prog} --help'")


def make_parser() -> argparse.ArgumentParser:
    """The parser; ``command`` of what it returns is the command's name. An option that is not given is None there."""
    parser = _Parser(
        prog="consistency", description="Product pictures and clips in which the product stays the product."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="from inputs to finished pictures", description="From inputs to results.")
    _run_options(run)
    run.add_argument("--out", required=True, type=Path, metavar="RUN", help="a new folder for everything the run makes")
    run.add_argument("--variants", metavar="all|A,B", help=VARIANTS)
    run.set_defaults(command="run")

    resume = commands.add_parser("resume", help="continue a run; what was paid is never paid again")
    resume.add_argument("run", type=Path, metavar="RUN", help="the folder of the run")
    for option in OPTIONS:
        if option.resume:
            _add(resume, option, says_default=False)
    resume.add_argument("--yes", action="store_true", help="do not ask before money is spent")
    resume.add_argument("--send-again", action="store_true", help="buy again what may or may not have been accepted")
    resume.add_argument("--retry-failed", action="store_true", help="buy again what failed and may have been billed")
    resume.add_argument("--json", action="store_true", help=JSON)
    resume.set_defaults(command="resume")

    estimate = commands.add_parser("estimate", help="what a run would cost; nothing is sent but price questions")
    _run_options(estimate)
    estimate.add_argument("--out", type=Path, metavar="RUN", help="ignored; the options are those of run")
    estimate.add_argument("--variants", metavar="all|A,B", help=VARIANTS)
    estimate.set_defaults(command="estimate")

    _catalogue_parsers(commands)

    endpoints = commands.add_parser("endpoints", help="the catalogue of models")
    endpoints.add_argument("--stale", action="store_true", help="only those whose stored price is older than 90 days")
    endpoints.add_argument("--refresh", action="store_true", help="read fal.ai's own list of models, and show what is new or gone")  # fmt: skip
    endpoints.add_argument("--json", action="store_true", help=JSON)
    endpoints.set_defaults(command="endpoints")

    compare = commands.add_parser("compare", help="one still of an angle from each of several models, side by side; nothing is chosen by it")  # fmt: skip
    compare.add_argument("run", type=Path, metavar="RUN", help="the folder of a run whose references are rendered")
    compare.add_argument("--image-endpoints", required=True, metavar="A,B,…", help="ids of the models")
    compare.add_argument("--angles", default="", metavar="A,B,…", help="names of angles (default: the clip's)")
    compare.add_argument("--budget", type=_usd, metavar="USD", help="the most that this comparison may cost")
    compare.add_argument("--yes", action="store_true", help="do not ask before money is spent")
    compare.add_argument("--json", action="store_true", help=JSON)
    compare.set_defaults(command="compare")

    ledger = commands.add_parser("ledger", help="what was quoted and billed, and for which file")
    ledger.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="folders of runs")
    ledger.add_argument("--json", action="store_true", help=JSON)
    ledger.set_defaults(command="ledger")

    say = commands.add_parser("say", help="a person's word on a still, which stands above the check's verdict")
    say.add_argument("run", type=Path, metavar="RUN", help="the folder of the run")
    say.add_argument("angle", metavar="ANGLE", help="the name of the still's angle")
    words = {Said.RIGHT.value: "it shows the product", Said.WRONG.value: "it does not", UNSAID: "take the word back"}
    say.add_argument("word", metavar="WORD", choices=tuple(words), help=", ".join(f"{w}: {text}" for w, text in words.items()))  # fmt: skip
    say.add_argument("--take", type=int, metavar="N", help="the number of the take (default: the one that is shown)")
    say.add_argument("--json", action="store_true", help=JSON)
    say.set_defaults(command="say")

    deliver = commands.add_parser("deliver", help="files that shops accept, from the stills of a run: placed, encoded, named, marked and measured")  # fmt: skip
    deliver.add_argument("run", type=Path, metavar="RUN", help="the folder of the run")
    deliver.add_argument("--for", dest="shops", required=True, metavar="PRESETS", help="shops and uses, with commas between: amazon, google, shopify, ebay, walmart, zalando, social-square, social-upright, web, cutout, print, spin, amazon-360, clips, ar (GLB and USDZ), or a .json file of your own")  # fmt: skip
    deliver.add_argument("--sku", metavar="NUMBER", help="the article number for the files' names (default: the catalogue's, or the product's name)")  # fmt: skip
    deliver.add_argument("--out", type=Path, metavar="FOLDER", help="where the sets go (default: RUN/deliver)")
    deliver.add_argument("--angles", metavar="NAMES", help="only these angles, in this order (default: all that have a still)")  # fmt: skip
    deliver.add_argument("--main", metavar="ANGLE", help="the angle of the main picture (default: the first that shows the whole product)")  # fmt: skip
    deliver.add_argument("--name", metavar="PATTERN", help="names of the files, of {sku}, {angle}, {variant}, {preset}, {take}, {number} and {code} (default: the preset's)")  # fmt: skip
    deliver.add_argument("--larger", default="none", metavar="HOW", help="where a still has fewer pixels than advised: none leaves it as large as it is, render renders it larger where it is a render, filter enlarges it, and an upscaler's id (such as topaz/upscale/image/precision) buys a larger one, which is measured against a larger render (default none)")  # fmt: skip
    deliver.add_argument("--budget", type=_usd, metavar="USD", help="the most that larger pictures may cost")
    deliver.add_argument("--yes", action="store_true", help="do not ask before money is spent")
    deliver.add_argument("--views", type=int, choices=(24, 36, 48, 72), help="views of a spin (default: the preset's)")
    deliver.add_argument("--views-size", type=int, metavar="PIXELS", help="side of the rendered views of a spin (default: what the preset advises)")  # fmt: skip
    deliver.add_argument("--anyway", action="store_true", help="write pictures that break a rule, too")
    deliver.add_argument("--sign", type=Path, metavar="FILE.pem", help="sign stills and clips with this certificate of your own and those that issued it (Content Credentials, C2PA); needs c2pa-python")  # fmt: skip
    deliver.add_argument("--sign-key", type=Path, metavar="FILE.pem", help="the private key of --sign; it is read, and goes nowhere")  # fmt: skip
    deliver.add_argument("--zip", action="store_true", help="also one zip of the pictures for each preset")
    deliver.add_argument("--json", action="store_true", help=JSON)
    deliver.set_defaults(command="deliver")

    doctor = commands.add_parser("doctor", help="what this machine has: Blender, device, key, online access")
    doctor.add_argument("--bundle", nargs="?", const="", metavar="RUN", help="make one zip for a bug report: this machine's facts, and of the run RUN its settings, log, report and journal, without secrets")  # fmt: skip
    doctor.add_argument("--out", type=Path, metavar="FILE.zip", help="where the zip is written (default: here, named by the time)")  # fmt: skip
    doctor.add_argument("--yes", action="store_true", help="write the zip without asking")
    doctor.add_argument("--json", action="store_true", help=JSON)
    doctor.set_defaults(command="doctor")
    return parser


def _catalogue_parsers(commands: Any) -> None:
    catalogue = commands.add_parser("catalogue", help="many products: a table of them becomes a finished run each")
    add = catalogue.add_argument
    add("table", type=Path, metavar="TABLE", help="a CSV with the columns sku, input, name and options of run by their names, or a folder of models and of folders with photos")  # fmt: skip
    add("--out", required=True, type=Path, metavar="FOLDER", help="the folder for all: a run folder for each product, the page, and the record of the budget")  # fmt: skip
    add("--template", type=Path, metavar="FILE", help="what all rows have in common; made by 'consistency template'")
    add("--backend", choices=("fal", "local"), help="who makes the stills and clips of rows that don't say (default: the template's, else fal when a key is found, else local)")  # fmt: skip
    add("--for", dest="shops", metavar="PRESETS", help="deliver each finished product for these shops and uses, as 'consistency deliver' does, in its folder (default: the template's, else none)")  # fmt: skip
    add("--rows", metavar="0-24,30", help="only these rows; the first is 0")
    add("--shard", metavar="3/8", help="only every eighth row, beginning with the third")
    add("--budget", type=_usd, metavar="USD", help="the most that all rows may cost, over all processes and machines that work in the folder (default: no limit)")  # fmt: skip
    add("--budget-share", action="store_true", help="where machines don't see one folder: hold the chosen rows to their share of the budget")  # fmt: skip
    add("--product-budget", type=_usd, metavar="USD", help="the most that each row may cost, where it has no limit of its own")  # fmt: skip
    add("--retry-failed", action="store_true", help="try failed rows again, and buy again what failed and may have been billed")  # fmt: skip
    add("--send-again", action="store_true", help="buy again what may or may not have been accepted")
    add("--at-once", type=int, metavar="N", help="rows that are under way at a time in this process (default: 6, 10 where clips or models are bought, 1 where nothing is)")  # fmt: skip
    add("--concurrency", type=int, metavar="N", help="requests that all processes on this machine have at fal.ai at a time (default: no limit but fal's own)")  # fmt: skip
    add("--estimate", action="store_true", help="only say what it would cost and how long it may take")
    add("--page", action="store_true", help="only write the page and catalogue.json anew")
    add("--emit", choices=("openjd", "flamenco", "slurm"), help="write the job for a render farm into FOLDER, and run nothing")  # fmt: skip
    add("--chunk", type=int, default=10, metavar="N", help="with --emit: rows of one task (default 10)")
    add("--decisions", type=Path, metavar="FILE", help="carry out what was decided on the page, then go on")
    add("--progress", choices=("plain", "json", "openjd", "flamenco"), default="plain", help="how it is told what happens (default plain)")  # fmt: skip
    add("--yes", action="store_true", help="do not ask before money is spent")
    add("--json", action="store_true", help=JSON)
    catalogue.set_defaults(command="catalogue")

    page = commands.add_parser("page", help="the catalogue's page, for one run")
    page.add_argument("run", type=Path, metavar="RUN", help="the folder of the run")
    page.add_argument("--decisions", type=Path, metavar="FILE", help="carry out what was decided on it; resume then buys again what was rejected")  # fmt: skip
    page.add_argument("--json", action="store_true", help=JSON)
    page.set_defaults(command="page")

    mcp = commands.add_parser("mcp", help="serve agents by the Model Context Protocol on standard input and output: estimate, run, status, report, decide")  # fmt: skip
    mcp.add_argument("--out", required=True, type=Path, metavar="FOLDER", help="the folder for all that agents have made; the budget is kept there")  # fmt: skip
    mcp.add_argument("--budget", type=_usd, metavar="USD", help="the most that agents may spend in FOLDER, all calls together (default: nothing; this machine's own renders cost nothing)")  # fmt: skip
    mcp.add_argument("--files", type=Path, action="append", metavar="FOLDER", help="a folder in which products' models and photos may lie, repeatable (default: the one of --out)")  # fmt: skip
    mcp.add_argument("--template", type=Path, metavar="FILE", help="what all products have in common, endpoints too; made by 'consistency template'")  # fmt: skip
    mcp.set_defaults(command="mcp")

    template = commands.add_parser("template", help="write what all rows of a catalogue have in common")
    _run_options(template)
    template.add_argument("--out", required=True, type=Path, metavar="FILE.json", help="the template")
    template.add_argument("--for", dest="shops", metavar="PRESETS", help="shops and uses that each finished product is delivered for, as with 'consistency deliver'")  # fmt: skip
    template.set_defaults(command="template")


def _run_options(parser: argparse.ArgumentParser) -> None:
    for option in OPTIONS:
        if option.flag is None:
            continue
        if option.name == "angles":  # the names in --angles are those of a set
            parser.add_argument("--angle-set", default=DEFAULT_ANGLE_SET, metavar="NAME", help=", ".join(ANGLE_SETS))
        _add(parser, option)
    parser.add_argument("--look", type=Path, metavar="FILE", help="a look file: lighting, lights, environment and backdrop; what is given beside it goes before it")  # fmt: skip
    parser.add_argument("--yes", action="store_true", help="do not ask before money is spent")
    parser.add_argument("--json", action="store_true", help=JSON)


def _add(parser: argparse.ArgumentParser, option: Option, *, says_default: bool = True) -> None:
    """The option's flag, or a positional argument; None where it is not given."""
    text = option.off if option.default is True else option.help
    note = _note(option) if says_default else ""
    facts: dict[str, Any] = {"metavar": option.metavar}
    if option.kind is bool:
        facts = {"action": "store_const", "const": not option.default}
    elif option.repeatable:
        facts["action"], note = "append", "repeatable"
    elif option.words:
        facts["choices"] = option.words
    elif option.unit == "USD":
        facts |= {"type": _usd, "metavar": "USD"}
    elif option.kind in (int, float):
        facts["type"] = option.kind
    if option.choices and "choices" not in facts:
        text = f"{text}: {', '.join(option.choices)}"
    facts["help"] = (f"{text} ({note})" if note else text).replace("%", "%%")  # argparse fills in what % introduces
    if option.is_positional:
        parser.add_argument(option.name, nargs="*", **facts)
    else:
        parser.add_argument(str(option.flag), dest=option.name, **facts)


def _note(option: Option) -> str:
    """The option's range and default, in words."""
    return ", ".join(filter(None, ["" if option.unit == "USD" else option.range, _default_in_words(option)]))


def _default_in_words(option: Option) -> str:
    if option.kind is bool:
        return ""
    if option.unset:
        return f"default: {option.unset}"
    if option.default in (None, "", ()):
        return ""
    values = option.default if isinstance(option.default, tuple) else (option.default,)
    return "default " + ",".join(f"{value:g}" if isinstance(value, float) else str(value) for value in values)


def _usd(text: str) -> float:
    try:
        value = float(text.lstrip("$"))
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e6:
        raise argparse.ArgumentTypeError(f"{text} is not an amount in USD; write it as 1234.50")
    return value


def settings_from(options: argparse.Namespace, *, has_key: bool) -> RunSettings:
    """The settings that ``options`` ask for; ``has_key`` decides the default backend. Raises UsageError."""
    from .groups import RunSettings

    if options.angle_set not in ANGLE_SETS:
        raise no_such_angle_set(options.angle_set, ANGLE_SETS)
    settings = RunSettings(backend="fal" if has_key else "local")
    if options.look is not None:
        settings = settings.model_copy(update=read_look(options.look.expanduser())[1])
    given = {**vars(options), "angles": parse_angles(options.angles, ANGLE_SETS[options.angle_set])}
    return with_options(settings, given)


def with_limits(settings: RunSettings, options: argparse.Namespace) -> RunSettings:
    """``settings`` with what a resume's ``options`` set anew; what they don't say stays. Raises UsageError."""
    return with_options(settings, vars(options))


def with_options(settings: RunSettings, given: dict[str, Any]) -> RunSettings:
    """``settings`` with the options in ``given``; None, or an endpoint without a name, leaves one as it is. Raises UsageError."""
    from pydantic import ValidationError

    values = settings.model_dump()
    for option in OPTIONS:
        value = given.get(option.name)
        if value is not None and not (option.endpoint and value == ""):
            option.put(_read(option, value), values)
    try:
        return type(settings).model_validate(values)
    except ValidationError as error:
        raise _in_words(error) from None


def _read(option: Option, given: Any) -> Any:
    """What a flag was given, as the settings have it. Raises UsageError."""
    if option.name == "overrides":
        return overrides_from(given)
    if option.name == "lights":
        return {name: asdict(light) for name, light in lights_from(given).items()}
    if get_origin(option.kind) is dict:
        read = _shares if option.unit == "share" else _by_angle
        return read(given, option.flag or "")
    if option.is_list and option.unit == "file":
        return tuple(str(Path(name).expanduser().absolute()) for name in given)
    if option.name == "backdrop" and is_file(given) and Path(given).suffix:
        return str(Path(given).expanduser().absolute())
    if option.unit == "file" and isinstance(given, str):
        return str(Path(given).expanduser().absolute()) if given else None
    if isinstance(given, str) and option.is_list:
        return tuple(filter(None, given.split(",")))
    if isinstance(given, str) and get_origin(option.kind) is tuple:
        return _numbers(given, option)
    return given


def _in_words(error: ValidationError) -> UsageError:
    from .groups import first_fault

    option, where, words = first_fault(error)
    name = ".".join(where) if option is None else option.flag or option.name
    return UsageError(f"{name}: {words}" if name else words)


def _numbers(text: str, option: Option) -> tuple[float, ...]:
    parts, example = text.split(","), ",".join(f"{number:g}" for number in option.default)
    with contextlib.suppress(ValueError):
        if len(parts) == len(option.default):
            return tuple(map(float, parts))
    raise UsageError(f"{option.flag} {text!r} is not {len(option.default)} numbers, such as {example}")


def _by_angle(pairs: list[str], flag: str) -> dict[str, str]:
    """``ANGLE=FILE`` pairs; absolute paths. Raises UsageError where a file is not there."""
    files = {}
    for pair in pairs:
        angle, equals, name = pair.partition("=")
        path = Path(name).expanduser().absolute()
        if not (equals and angle and path.is_file()):
            raise UsageError(f"{flag} {pair!r} is not ANGLE=FILE with a picture that is there")
        files[angle] = str(path)
    return files


def _shares(pairs: list[str], flag: str) -> dict[str, float]:
    """``ANGLE=SHARE`` pairs. Raises UsageError."""
    shares = {}
    for pair in pairs:
        angle, _, share = pair.partition("=")
        try:
            shares[angle] = float(share)
        except ValueError:
            raise UsageError(f"{flag} {pair!r} is not ANGLE=SHARE, such as front=0.5") from None
    return shares


def overrides_from(pairs: list[str]) -> dict[str, dict[str, Any]]:
    """``ENDPOINT.field=value`` pairs; a value is read as JSON where it is JSON, else as words."""
    overrides: dict[str, dict[str, Any]] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        endpoint, dot, field = name.rpartition(".")
        if not (equals and dot and endpoint and field):
            raise UsageError(
                f"--set {pair!r} is not ENDPOINT.field=value, such as fal-ai/flux-kontext/dev.guidance_scale=3"
            )
        try:
            value: Any = json.loads(text)
        except ValueError:
            value = text
        overrides.setdefault(endpoint, {})[field] = value
    return overrides
