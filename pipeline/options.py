"""The command line's words: every option, and the settings that a set of options asks for."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from .errors import UsageError

if TYPE_CHECKING:
    from pydantic import ValidationError

    from .settings import RunSettings

MISSING = "go on where a texture or library can't be used; then no picture is called on model"
JSON = "the last line of standard output is a JSON object"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see '{self.prog} --help'")


def make_parser() -> argparse.ArgumentParser:
    """The parser; ``command`` of what it returns is the command's name."""
    parser = _Parser(
        prog="consistency", description="Product pictures and clips in which the product stays the product."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="from inputs to finished pictures", description="From inputs to results.")
    _run_options(run)
    run.add_argument("--out", required=True, type=Path, metavar="RUN", help="a new folder for everything the run makes")
    run.set_defaults(command="run")

    resume = commands.add_parser("resume", help="continue a run; what was paid is never paid again")
    resume.add_argument("run", type=Path, metavar="RUN", help="the folder of the run")
    _limit_options(resume, retakes=None)
    resume.add_argument("--yes", action="store_true", help="do not ask before money is spent")
    resume.add_argument("--send-again", action="store_true", help="buy again what may or may not have been accepted")
    resume.add_argument("--retry-failed", action="store_true", help="buy again what failed and may have been billed")
    resume.add_argument("--allow-missing-textures", action="store_true", help=MISSING)
    resume.add_argument("--json", action="store_true", help=JSON)
    resume.set_defaults(command="resume")

    estimate = commands.add_parser("estimate", help="what a run would cost; nothing is sent but price questions")
    _run_options(estimate)
    estimate.add_argument("--out", type=Path, metavar="RUN", help="ignored; the options are those of run")
    estimate.set_defaults(command="estimate")

    endpoints = commands.add_parser("endpoints", help="the catalogue of models")
    endpoints.add_argument("--stale", action="store_true", help="only those whose stored price is older than 90 days")
    endpoints.add_argument("--json", action="store_true", help=JSON)
    endpoints.set_defaults(command="endpoints")

    ledger = commands.add_parser("ledger", help="what was quoted and billed, and for which file")
    ledger.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="folders of runs")
    ledger.add_argument("--json", action="store_true", help=JSON)
    ledger.set_defaults(command="ledger")

    doctor = commands.add_parser("doctor", help="what this machine has: Blender, device, key, online access")
    doctor.add_argument("--bundle", nargs="?", const="", metavar="RUN", help="make one zip for a bug report: this machine's facts, and of the run RUN its settings, log, report and journal, without secrets")  # fmt: skip
    doctor.add_argument("--out", type=Path, metavar="FILE.zip", help="where the zip is written (default: here, named by the time)")  # fmt: skip
    doctor.add_argument("--yes", action="store_true", help="write the zip without asking")
    doctor.add_argument("--json", action="store_true", help=JSON)
    doctor.set_defaults(command="doctor")
    return parser


def _run_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("inputs", nargs="*", metavar="INPUT", help="one .glb, .gltf or .blend, or 1-4 photos of one product")
    add("--text", default="", help="words instead of inputs")
    add("--allow-missing-textures", action="store_true", help=MISSING)
    add(
        "--leave-out",
        action="append",
        default=[],
        metavar="NAME",
        help="a part of the file that is not the product, such as a floor (repeatable)",
    )
    add("--backend", choices=("fal", "local"), help="default: fal when a key is found, else local")
    add("--name", default="", help="what the product is called (default: its file's name, or its words)")
    add("--turn", default="0,0,0", metavar="X,Y,Z", help="degrees to turn the product about these axes, in this order, so that its front looks towards -Y (default 0,0,0)")  # fmt: skip
    add(
        "--angle-set",
        default="product",
        metavar="NAME",
        help="product, character-sheet, architecture, jewellery, turnaround",
    )
    add(
        "--angles",
        metavar="A,B,…",
        help="some of the set's angles by name, or own ones as name:azimuth:elevation[:fill[:mm]]",
    )
    add("--one-scale", action="store_true", help="one scale over all angles instead of filling each frame")
    add("--size", type=int, default=1024, help="pixels of the longer side (default 1024)")
    add("--aspect", type=float, default=1.0, help="width over height (default 1)")
    add("--samples", type=int, help="Cycles samples (default: adaptive)")
    add("--device", choices=("auto", "cpu", "gpu"), default="auto", help="what renders (default auto: a GPU if any)")
    add("--lighting", default="studio", metavar="NAME", help="studio, softbox, dramatic, hdri")
    add("--backdrop", choices=("white", "grey"), default="white", help="what stands behind (default white)")
    add("--no-shadow", action="store_true", help="no contact shadow on the backdrop")
    add("--prompt", default="", help="what the product is, in words")
    add("--materials", metavar="A,B,…", help="material hints instead of the product's own: metal, glass, gem, or words")
    add("--seed", type=int, help="what chance starts from (default: drawn once and kept in the run)")
    add("--takes", type=int, default=1, help="stills per angle (default 1)")
    add("--model-endpoint", metavar="ID", help="what makes the model (default: by the inputs)")
    add("--picture-endpoint", metavar="ID", help="make a picture from --text first, and the model from it")
    add("--image-endpoint", metavar="ID", help="what makes the stills")
    add("--video-endpoint", metavar="ID", help="what makes the clip")
    add(
        "--set", action="append", default=[], metavar="ENDPOINT.field=value", help="a field of an endpoint (repeatable)"
    )
    add(
        "--motion",
        choices=("turntable", "light_sweep", "detail_reveal", "none"),
        default="turntable",
        help="what moves in the clip (default turntable)",
    )
    add("--video-angle", metavar="NAME", help="the still that starts the clip (default three-quarter)")
    add("--video-end-angle", metavar="NAME", help="the still that ends the clip, where the endpoint takes one")
    add("--elements", action="store_true", help="send the other stills as further views, where the endpoint takes them")
    add(
        "--duration",
        type=float,
        default=5.0,
        metavar="S",
        help="seconds (default 5; mirror-like products get 4 at most)",
    )
    add("--audio", action="store_true", help="let the video model make sound; it costs more")
    add("--no-gate", action="store_true", help="do not measure the stills against their renders")
    add("--rungs", default="reroll,stricter,depth", metavar="A,B,…", help="what retakes try, in this order (default reroll,stricter,depth)")  # fmt: skip
    add("--no-local-finish", action="store_true", help="flag a still that stays wrong, instead of showing the render's own finish")  # fmt: skip
    add("--unsure", choices=("flag", "accept", "climb"), default="flag", help="what to do with a still that can't be told (default flag)")  # fmt: skip
    add("--exact", action="store_true", help="cut each still out along its render's exact outline")
    add("--restore", choices=("none", "label", "edges"), default="none", help="detail that exact mode takes from the render")  # fmt: skip
    add("--restore-region", action="append", default=[], metavar="ANGLE=FILE", help="a picture, white where exact mode restores detail at that angle (repeatable)")  # fmt: skip
    add("--detail-from", action="append", default=[], metavar="ANGLE=FILE", help="a photo from that angle to take the detail from, not the render (repeatable)")  # fmt: skip
    _limit_options(parser, retakes=1)
    add("--private", action="store_true", help="ask fal.ai not to store inputs and outputs longer than needed")
    add("--yes", action="store_true", help="do not ask before money is spent")
    add("--json", action="store_true", help=JSON)


def _limit_options(parser: argparse.ArgumentParser, retakes: int | None) -> None:
    """The limits that a run has, and that a resume can set anew; there None leaves each as it was."""
    add = parser.add_argument
    default = "" if retakes is None else f" (default {retakes})"
    add("--retakes", type=int, default=retakes, metavar="N", help=f"stills bought at most in place of one that is not on model, per angle{default}")  # fmt: skip
    add("--retake-budget", type=_usd, metavar="USD", help="never spend more than this on retakes")
    add("--budget", type=_usd, metavar="USD", help="never spend more than this on this run")
    add("--daily-budget", type=_usd, metavar="USD", help="never spend more than this in one day on this machine")
    add("--product-budget", type=_usd, metavar="USD", help="never spend more than this on this product, over all its runs on this machine")  # fmt: skip


def _usd(text: str) -> float:
    value = float(text.lstrip("$"))
    if not 0 <= value < 1e6:
        raise argparse.ArgumentTypeError(f"{text} is not an amount in USD")
    return value


def settings_from(options: argparse.Namespace, *, has_key: bool) -> RunSettings:
    """The settings that ``options`` ask for; ``has_key`` decides the default backend. Raises UsageError."""
    from pydantic import ValidationError

    from .settings import Gate, RunSettings

    given = {
        name: getattr(options, name)
        for name in ("model_endpoint", "picture_endpoint", "image_endpoint", "video_endpoint")
        if getattr(options, name)
    }
    backend = options.backend or ("fal" if has_key else "local")
    try:
        return RunSettings(
            inputs=tuple(str(Path(name).expanduser().absolute()) for name in options.inputs),
            leave_out=tuple(options.leave_out),
            text=options.text,
            allow_missing_textures=options.allow_missing_textures,
            backend=backend,
            name=options.name,
            turn=_turn(options.turn),
            angles=_angles(options),
            one_scale=options.one_scale,
            size=options.size,
            aspect=options.aspect,
            samples=options.samples,
            device=options.device,
            lighting=options.lighting,
            backdrop=options.backdrop,
            shadow=not options.no_shadow,
            prompt=options.prompt,
            materials=tuple(filter(None, options.materials.split(","))) if options.materials is not None else None,
            seed=options.seed,
            takes=options.takes,
            overrides=overrides_from(options.set),
            motion=options.motion,
            video_angle=options.video_angle,
            video_end_angle=options.video_end_angle,
            video_elements=options.elements,
            duration=options.duration,
            audio=options.audio,
            gate=Gate(
                enabled=not options.no_gate,
                retakes=options.retakes,
                retake_budget=options.retake_budget,
                rungs=tuple(filter(None, options.rungs.split(","))),
                local=not options.no_local_finish,
                unsure=options.unsure,
                exact=options.exact,
                restore=options.restore,
                regions=_by_angle(options.restore_region, "--restore-region"),
                details=_by_angle(options.detail_from, "--detail-from"),
            ),
            budget=options.budget,
            daily_budget=options.daily_budget,
            product_budget=options.product_budget,
            private=options.private,
            **given,
        )
    except ValidationError as error:
        raise _in_words(error) from None


def with_limits(settings: RunSettings, options: argparse.Namespace) -> RunSettings:
    """``settings`` with the limits that a resume's ``options`` set anew. Raises UsageError."""
    from pydantic import ValidationError

    def given(*names: str) -> dict[str, Any]:
        return {name: getattr(options, name) for name in names if getattr(options, name) is not None}

    values = settings.model_dump() | given("budget", "daily_budget", "product_budget")
    values["gate"] |= given("retakes", "retake_budget")
    try:
        return type(settings).model_validate(values)
    except ValidationError as error:
        raise _in_words(error) from None


def _in_words(error: ValidationError) -> UsageError:
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"]).removeprefix("gate.")
    words = first["msg"].removeprefix("Value error, ")
    return UsageError(f"--{field.replace('_', '-')}: {words}" if field else words)


def _angles(options: argparse.Namespace) -> tuple[Any, ...]:
    from .rig import ANGLE_SETS, parse_angles

    if options.angle_set not in ANGLE_SETS:
        raise UsageError(f"there is no angle set {options.angle_set!r}; choose from {', '.join(ANGLE_SETS)}")
    return parse_angles(options.angles, ANGLE_SETS[options.angle_set])


def _turn(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--turn {text!r} is not three numbers of degrees, such as 0,0,90") from None


def _by_angle(pairs: list[str], option: str) -> dict[str, str]:
    """``ANGLE=FILE`` pairs; absolute paths. Raises UsageError where a file is not there."""
    files = {}
    for pair in pairs:
        angle, equals, name = pair.partition("=")
        path = Path(name).expanduser().absolute()
        if not (equals and angle and path.is_file()):
            raise UsageError(f"{option} {pair!r} is not ANGLE=FILE with a picture that is there")
        files[angle] = str(path)
    return files


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
