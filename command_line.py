"""The same program without a window: ``blender --command consistency …`` and, from a checkout, ``consistency …``."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from .pipeline.errors import Cancelled, ConsistencyError, UsageError

if TYPE_CHECKING:
    from .pipeline.ports import Backend
    from .pipeline.run_folder import RunFolder
    from .pipeline.settings import RunSettings
    from .pipeline.stages import Progress

CANCEL_PATIENCE = 45.0  # seconds to hear from fal.ai what a cancel meant


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see '{self.prog} --help'")


def main(arguments: list[str]) -> int:
    """Run one command. Returns the exit status (design: 0 done, 1 failed, 2 usage, 3 budget, 75 later, 130 cancelled)."""
    as_json = "--json" in arguments
    with _quiet_stdout() as out:
        try:
            options = _parser().parse_args(arguments)
            summary = options.command(options)
            status = int(summary.pop("exit", 0))
        except SystemExit as done:  # --help
            return int(done.code or 0)
        except ConsistencyError as error:
            status, summary = (
                error.exit_status,
                {"status": _WORDS.get(error.exit_status, "failed"), "error": str(error)},
            )
        except KeyboardInterrupt:
            status, summary = 130, {"status": "cancelled", "error": "cancelled"}
        if "error" in summary:
            print(f"consistency: {summary['error']}", file=sys.stderr)
        if as_json:
            print(json.dumps({"exit": status, **summary}, default=str), file=out, flush=True)
        elif "text" in summary:
            print(summary["text"], file=out, flush=True)
    return status


_WORDS = {1: "failed", 2: "usage", 3: "stopped by the budget", 75: "try again later", 130: "cancelled"}


def entry_point() -> NoReturn:
    """The console script of a checkout."""
    status = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    if "bpy" in sys.modules:
        # bpy tears down its GPU and audio parts in an order that can crash after all work is done and on disk.
        os._exit(status)
    sys.exit(status)


@contextlib.contextmanager
def _quiet_stdout() -> Iterator[Any]:
    """Standard output for our own words only: Blender and Cycles write there from C, also after we are done."""
    try:
        own = os.fdopen(os.dup(1), "w", encoding="utf-8")
    except OSError:  # no standard output at all
        yield sys.stdout
        return
    sys.stdout.flush()
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    try:
        with contextlib.redirect_stdout(own):
            yield own
    finally:
        own.flush()
        if "bpy" not in sys.modules:
            os.dup2(own.fileno(), 1)
        own.close()


# options


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="consistency", description="Product pictures and clips in which the product stays the product."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="from inputs to finished pictures", description="From inputs to results.")
    _run_options(run)
    run.add_argument("--out", required=True, type=Path, metavar="RUN", help="a new folder for everything the run makes")
    run.set_defaults(command=_run)

    resume = commands.add_parser("resume", help="continue a run; what was paid is never paid again")
    resume.add_argument("run", type=Path, metavar="RUN")
    resume.add_argument("--budget", type=_usd, metavar="USD", help="a new limit for this run")
    resume.add_argument("--yes", action="store_true", help="do not ask before money is spent")
    resume.add_argument("--send-again", action="store_true", help="buy again what may or may not have been accepted")
    resume.add_argument("--retry-failed", action="store_true", help="buy again what failed and may have been billed")
    resume.add_argument("--json", action="store_true", help="the last line of standard output is a JSON object")
    resume.set_defaults(command=_resume)

    estimate = commands.add_parser("estimate", help="what a run would cost; nothing is sent but price questions")
    _run_options(estimate)
    estimate.add_argument("--out", type=Path, metavar="RUN", help="ignored; the options are those of run")
    estimate.set_defaults(command=_estimate)

    endpoints = commands.add_parser("endpoints", help="the catalogue of models")
    endpoints.add_argument("--json", action="store_true")
    endpoints.set_defaults(command=_endpoints)

    ledger = commands.add_parser("ledger", help="what was quoted and billed, and for which file")
    ledger.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    ledger.add_argument("--json", action="store_true")
    ledger.set_defaults(command=_ledger)

    doctor = commands.add_parser("doctor", help="what this machine has: Blender, device, key, online access")
    doctor.add_argument("--json", action="store_true")
    doctor.set_defaults(command=_doctor)
    return parser


def _run_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("inputs", nargs="*", metavar="INPUT", help="one .glb, .gltf or .blend, or 1-4 photos of one product")
    add("--text", default="", help="words instead of inputs")
    add("--backend", choices=("fal", "local"), help="default: fal when a key is found, else local")
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
    add("--device", choices=("auto", "cpu", "gpu"), default="auto")
    add("--lighting", default="studio", metavar="NAME", help="studio, softbox, dramatic, hdri")
    add("--backdrop", choices=("white", "grey"), default="white")
    add("--no-shadow", action="store_true", help="no contact shadow on the backdrop")
    add("--prompt", default="", help="what the product is, in words")
    add("--materials", metavar="A,B,…", help="material hints instead of the product's own: metal, glass, gem, or words")
    add("--seed", type=int)
    add("--takes", type=int, default=1, help="stills per angle (default 1)")
    add("--model-endpoint", metavar="ID")
    add("--picture-endpoint", metavar="ID", help="make a picture from --text first, and the model from it")
    add("--image-endpoint", metavar="ID")
    add("--video-endpoint", metavar="ID")
    add(
        "--set", action="append", default=[], metavar="ENDPOINT.field=value", help="a field of an endpoint (repeatable)"
    )
    add("--motion", choices=("turntable", "light_sweep", "detail_reveal", "none"), default="turntable")
    add("--video-angle", metavar="NAME", help="the still that starts the clip (default three-quarter)")
    add("--video-end-angle", metavar="NAME", help="the still that ends the clip, where the endpoint takes one")
    add("--elements", action="store_true", help="send the other stills as further views, where the endpoint takes them")
    add("--duration", type=float, default=5.0, metavar="S", help="seconds (default 5)")
    add("--audio", action="store_true", help="let the video model make sound; it costs more")
    add("--budget", type=_usd, metavar="USD", help="never spend more than this on this run")
    add("--daily-budget", type=_usd, metavar="USD", help="never spend more than this in one day on this machine")
    add("--private", action="store_true", help="ask fal.ai not to store inputs and outputs longer than needed")
    add("--yes", action="store_true", help="do not ask before money is spent")
    add("--json", action="store_true", help="the last line of standard output is a JSON object")


def _usd(text: str) -> float:
    value = float(text.lstrip("$"))
    if not 0 <= value < 1e6:
        raise argparse.ArgumentTypeError(f"{text} is not an amount in USD")
    return value


def settings_from(options: argparse.Namespace) -> RunSettings:
    """The settings that ``options`` ask for. Raises UsageError for anything that makes no sense."""
    from pydantic import ValidationError

    from .pipeline.settings import RunSettings

    given = {
        name: getattr(options, name)
        for name in ("model_endpoint", "picture_endpoint", "image_endpoint", "video_endpoint")
        if getattr(options, name)
    }
    backend = options.backend or ("fal" if find_key() else "local")
    try:
        return RunSettings(
            inputs=tuple(str(Path(name).expanduser().absolute()) for name in options.inputs),
            text=options.text,
            backend=backend,
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
            overrides=_overrides(options.set),
            motion=options.motion,
            video_angle=options.video_angle,
            video_end_angle=options.video_end_angle,
            video_elements=options.elements,
            duration=options.duration,
            audio=options.audio,
            budget=options.budget,
            daily_budget=options.daily_budget,
            private=options.private,
            **given,
        )
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        words = first["msg"].removeprefix("Value error, ")
        raise UsageError(f"--{field.replace('_', '-')}: {words}" if field else words) from None


def _angles(options: argparse.Namespace) -> tuple[Any, ...]:
    from .pipeline.rig import ANGLE_SETS, parse_angles

    if options.angle_set not in ANGLE_SETS:
        raise UsageError(f"there is no angle set {options.angle_set!r}; choose from {', '.join(ANGLE_SETS)}")
    return parse_angles(options.angles, ANGLE_SETS[options.angle_set])


def _overrides(pairs: list[str]) -> dict[str, dict[str, Any]]:
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


# surroundings


def find_key() -> tuple[str, str] | None:
    """The fal.ai key and where it was found, None without one: the preferences first, then the environment."""
    if "bpy" in sys.modules:
        from .operators.preferences import preferences

        own = preferences()
        if own is not None and own.key.strip():
            return own.key.strip(), "preferences"
    if key := os.environ.get("FAL_KEY", "").strip():
        return key, "FAL_KEY"
    identity, secret = os.environ.get("FAL_KEY_ID", "").strip(), os.environ.get("FAL_KEY_SECRET", "").strip()
    return (f"{identity}:{secret}", "FAL_KEY_ID and FAL_KEY_SECRET") if identity and secret else None


def _python_args() -> tuple[str, ...]:
    """How Blender wants its Python to be started."""
    import bpy

    return tuple(bpy.app.python_args)


def _versions() -> dict[str, Any]:
    import platform
    import tomllib

    import bpy

    manifest = tomllib.loads((Path(__file__).parent / "blender_manifest.toml").read_text(encoding="utf-8"))
    return {
        "consistency_pipeline": manifest["version"],
        "blender": bpy.app.version_string,
        "python": platform.python_version(),
        "platform": platform.platform(),
    }


# run, resume


def _run(options: argparse.Namespace) -> dict[str, Any]:
    from .pipeline.preflight import check, check_place
    from .pipeline.run_folder import RunFolder

    settings = settings_from(options)
    if settings.seed is None:  # drawn once and kept, so that all angles share it and a resume repeats it
        settings = settings.model_copy(update={"seed": secrets.randbelow(2**31)})
    root = options.out.expanduser().absolute()
    check(settings)
    check_place(root)
    if settings.backend == "local":  # its takes would all be the same picture
        settings = settings.model_copy(update={"takes": 1})
    if settings.backend == "local":
        return _drive(RunFolder.create(root, settings, _versions()), _local_backend)
    with _fal() as fal:
        prices = _agree(fal, settings, options.yes)
    folder = RunFolder.create(root, settings, _versions())
    folder.note(prices=prices)
    return _drive(folder, _fal_backend)


def _resume(options: argparse.Namespace) -> dict[str, Any]:
    from .pipeline.preflight import check
    from .pipeline.run_folder import RunFolder

    folder = RunFolder.open(options.run.expanduser().absolute())
    settings = folder.settings
    if options.budget is not None:
        settings = settings.model_copy(update={"budget": options.budget})
        folder.settings = settings
    if folder.is_finished:
        return _summary(folder, time.monotonic())
    check(settings, resuming=folder)
    if settings.backend == "local":
        return _drive(folder, _local_backend)
    with _fal() as fal:
        wishes = {"send_again": options.send_again, "retry_failed": options.retry_failed}
        folder.note(prices=_agree(fal, settings, options.yes, folder, **wishes))
    return _drive(folder, _fal_backend, send_again=options.send_again, retry_failed=options.retry_failed)


def _need_fal() -> str:
    """The key. Raises ConsistencyError where fal.ai can't be used, with the cure."""
    from .studio.compat import online_access, online_cure

    found = find_key()
    if found is None:
        from .fal_backend.errors import NoKey

        raise NoKey("there is no fal.ai key; set FAL_KEY, or use --backend local, which needs none")
    if not online_access():
        raise ConsistencyError(f"Blender's online access is off; {online_cure()}, or use --backend local")
    return found[0]


@contextlib.contextmanager
def _fal() -> Iterator[Any]:
    from .fal_backend.desk import Desk

    desk = Desk(_need_fal(), _python_args())
    try:
        yield desk
    finally:
        desk.close()


def _agree(
    fal: Any, settings: RunSettings, yes: bool, folder: RunFolder | None = None, **wishes: bool
) -> dict[str, Any]:
    """Show what will be spent and ask for consent. Returns the prices it was quoted with."""
    from .fal_backend import quote

    prices = fal.prices(sorted({purchase.endpoint for purchase in quote.plan(settings, folder)}))
    estimate = quote.estimate(settings, prices, folder, **wishes)
    _say(estimate.table())
    if settings.budget is not None and estimate.total > settings.budget:
        _say(f"the run's limit of ${settings.budget:.2f} will be reached before its end; it will stop there in order")
    if estimate.total > 0 and not yes:
        if not sys.stdin.isatty():
            raise UsageError(f"this would spend up to ${estimate.total:.2f}; confirm with --yes")
        sys.stderr.write(f"Spend up to ${estimate.total:.2f}? [y/N] ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise Cancelled("nothing was spent")
    return prices


def _local_backend(folder: RunFolder, studio: Any, **_options: Any) -> Backend:
    from .pipeline.local_backend import LocalBackend

    return LocalBackend(studio, folder.settings)


def _fal_backend(folder: RunFolder, _studio: Any, **options: Any) -> Backend:
    from .fal_backend.backend import FalBackend

    return FalBackend(folder, _need_fal(), python_args=_python_args(), **options)


def _drive(folder: RunFolder, make_backend: Callable[..., Backend], **options: Any) -> dict[str, Any]:
    """Advance the chain until it ends, telling what it says; Ctrl-C and SIGTERM cancel in order."""
    from .pipeline import chain
    from .studio import BlenderStudio

    began = time.monotonic()
    stop = _Stop()
    studio = BlenderStudio(folder.settings, own_file=True)
    facts = studio.facts()
    if facts["fell_back_to_cpu"]:
        _say(f"no GPU that Cycles can use was found; rendering on {facts['device']}")
    folder.note(device=facts["device"])
    backend = make_backend(folder, studio, **options)
    show = _Show()
    try:
        steps = chain.run(folder, studio, backend)
        try:
            while True:
                show(next(steps))
                if stop.wanted:
                    _cancel(backend, stop)
                    steps.throw(Cancelled(f"cancelled; 'consistency resume {folder.root}' goes on from here"))
        except StopIteration:
            return _summary(folder, began)
        finally:
            steps.close()
    except ConsistencyError as error:
        return {**_summary(folder, began), "status": _WORDS.get(error.exit_status, "failed"), "error": str(error), "exit": error.exit_status}  # fmt: skip
    finally:
        backend.close()
        stop.restore()


def _cancel(backend: Backend, stop: _Stop) -> None:
    """Cancel what is in flight and say what that means; a second Ctrl-C stops waiting for fal's answers."""
    _say("cancelling …")
    stop.wanted = False
    backend.cancel()
    deadline = time.monotonic() + CANCEL_PATIENCE
    while time.monotonic() < deadline and not stop.wanted and backend.in_flight:
        for event in backend.poll(0.2):
            if event.ends:
                _say(f"{event.key}: {event.text}")


class _Stop:
    """Whether the user, or the machine, wants this to end. The handlers only take note; the loop acts."""

    def __init__(self) -> None:
        self.wanted = False
        self._before = {name: signal.signal(name, self._note) for name in (signal.SIGINT, signal.SIGTERM)}

    def _note(self, _number: int, _frame: object) -> None:
        self.wanted = True

    def restore(self) -> None:
        for name, handler in self._before.items():
            # None: it was Blender's own, set from C, which Python can't put back; the default ends the process too.
            signal.signal(name, signal.SIG_DFL if handler is None else handler)


class _Show:
    """Progress as lines on standard error, each thing said once."""

    def __init__(self) -> None:
        self._last: tuple[str, str | None, str] | None = None
        self._said: dict[tuple[str, str | None], str] = {}

    def __call__(self, progress: Progress) -> None:
        words = (progress.stage, progress.angle, progress.text)
        place = (progress.stage, progress.angle)
        if progress.text == "waiting" or words == self._last or self._said.get(place) == progress.text:
            return
        self._last = words
        self._said[place] = progress.text
        angle = f"{progress.angle}: " if progress.angle else ""
        mark = "warning: " if progress.warning else ""
        share = f" ({progress.fraction:.0%})" if progress.fraction is not None and 0 < progress.fraction < 1 else ""
        _say(f"[{progress.stage}] {mark}{angle}{progress.text}{share}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _summary(folder: RunFolder, began: float) -> dict[str, Any]:
    record = folder.record
    report: dict[str, Any] = {}
    with contextlib.suppress(OSError, ValueError):
        report = json.loads(folder.report.read_text(encoding="utf-8"))
    stills = {
        angle.name: f"photoreal/{angle.name}.png"
        for angle in folder.settings.angles
        if folder.still(angle.name).is_file()
    }
    motion = folder.settings.motion
    clips = [f"video/{motion}.mp4"] if folder.clip(motion).is_file() else []
    money = f", ${report.get('billed_usd', 0.0):.2f} billed" if folder.settings.backend == "fal" else ""
    label = report.get("backend_label", folder.settings.backend)
    return {
        "status": "done",
        "run": str(folder.root),
        "backend": folder.settings.backend,
        "backend_label": label,
        "device": record.get("device"),
        "stages": {name: stage["state"] for name, stage in record["stages"].items()},
        "stills": stills,
        "clips": clips,
        "contact_sheet": "contact_sheet.png" if folder.contact_sheet.is_file() else None,
        "scene": "scene.blend" if folder.scene.is_file() else None,
        "report": "report.json" if folder.report.is_file() else None,
        "quoted_usd": report.get("quoted_usd", 0.0),
        "billed_usd": report.get("billed_usd", 0.0),
        "uncertain_usd": report.get("uncertain_usd", 0.0),
        "seconds": round(time.monotonic() - began, 1),
        "text": f"{folder.root}: {_count(len(stills), 'still')}, {_count(len(clips), 'clip')} ({label}){money}",
    }


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


# the smaller commands


def _estimate(options: argparse.Namespace) -> dict[str, Any]:
    from .fal_backend import quote
    from .pipeline.preflight import check

    settings = settings_from(options)
    check(settings)
    if settings.backend == "local":
        return {
            "status": "done",
            "backend": "local",
            "lines": [],
            "total_usd": 0.0,
            "text": "local: no AI, no network, $0.00",
        }
    endpoints = sorted({purchase.endpoint for purchase in quote.plan(settings)})
    with _fal() as fal:
        prices = fal.prices(endpoints)
    estimate = quote.estimate(settings, prices)
    return {"status": "done", "backend": "fal", **estimate.to_json(), "text": estimate.table()}


def _endpoints(_options: argparse.Namespace) -> dict[str, Any]:
    from .fal_backend.endpoints import catalogue_rows
    from .pipeline.text_table import text_table, usd

    rows = catalogue_rows()
    lines = [
        (
            row["id"],
            row["role"],
            f"{usd(row['usd'])} / {row['unit']}" if row["usd"] is not None else f"? / {row['unit']}",
            "retired" if row["retired"] else "",
            ", ".join(f"{name}*" if value == "required" else name for name, value in row["inputs"].items()),
        )
        for row in rows
    ]
    return {
        "status": "done",
        "endpoints": rows,
        "text": text_table(("id", "makes", "stored price", "", "inputs"), lines),
    }


def _ledger(options: argparse.Namespace) -> dict[str, Any]:
    from .pipeline.ledger import Ledger

    ledger = Ledger.read([run.expanduser().absolute() for run in options.runs])
    return {"status": "done", **ledger.to_json(), "text": ledger.table()}


def _doctor(_options: argparse.Namespace) -> dict[str, Any]:
    from .studio.doctor import examine

    found = find_key()
    facts = {**_versions(), **examine(), "key": f"found in {found[1]}" if found else "not found"}
    return {"status": "done", "facts": facts, "text": "\n".join(f"{name}: {value}" for name, value in facts.items())}
