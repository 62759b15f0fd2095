# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same program without a window: ``blender --command consistency …`` and, from a checkout, ``consistency …``."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from ..pipeline.driver import PAUSE, finish
from ..pipeline.errors import EXIT_STATUS, BudgetExceeded, Cancelled, ConsistencyError, Kind, UsageError, unforeseen
from ..pipeline.settings.arguments import UNSAID, make_parser, settings_from, with_limits
from ..pipeline.settings.choices import BackendName
from ..pipeline.terminal import Stop, finish_telling, put, quiet_stdout, run_to_end, say
from ..pipeline.wording.text_table import text_table, usd
from ..surroundings import bug_report, doctor_facts, find_key, python_args, versions

if TYPE_CHECKING:
    from ..fal_backend.child.questions import Question
    from ..fal_backend.quote import Estimate
    from ..pipeline.backend.ports import Backend, Studio
    from ..pipeline.deliver.delivery import Wishes
    from ..pipeline.deliver.larger import Larger
    from ..pipeline.deliver.presets import Rules
    from ..pipeline.deliver.signing import Certificate
    from ..pipeline.deliver.sources import Source
    from ..pipeline.run.run_folder import RunFolder
    from ..pipeline.settings.groups import RunSettings
    from ..pipeline.stages import Steps
    from .catalogue import Services


MOST_SHOWN = 40  # new models in a terminal


def main(arguments: list[str]) -> int:
    """Run one command. Returns the exit status (design: 0 done, 1 failed, 2 usage, 3 budget, 75 later, 130 cancelled)."""
    as_json = "--json" in arguments
    with quiet_stdout() as out:
        try:
            options, strange = make_parser().parse_known_args(arguments)
            if strange:
                raise _unrecognized(options.command, strange)
            options.stdout = out
            with contextlib.redirect_stdout(io.StringIO()):  # Blender prints its reports there, from any operator
                summary = _COMMANDS[options.command](options)
            status = int(summary.pop("exit", 0))
        except SystemExit as done:  # --help
            return int(done.code or 0)
        except ConsistencyError as error:
            status, summary = error.exit_status, {"status": error.kind, "error": str(error)}
        except KeyboardInterrupt:
            status, summary = EXIT_STATUS[Kind.CANCELLED], {"status": Kind.CANCELLED, "error": "cancelled"}
        except Exception as error:  # noqa: BLE001 - nobody reads a traceback, and --json always has an answer
            status, summary = EXIT_STATUS[Kind.FAILED], {"status": Kind.FAILED, "error": unforeseen(error)}
        if "error" in summary:
            say(f"consistency: {summary['error']}")
        if as_json:
            put(json.dumps({"exit": status, **summary}, default=str), out)
        elif "text" in summary:
            put(summary["text"], out)
    return status


def _unrecognized(command: str, words: list[str]) -> UsageError:
    """For words that the command has no place for; a catalogue's options of a run have one elsewhere."""
    text = f"unrecognized arguments: {' '.join(words)}"
    if command == "catalogue":
        from ..pipeline.catalogue.rows import columns

        names = [word.partition("=")[0].removeprefix("--").replace("-", "_") for word in words if word.startswith("--")]
        if named := [name for name in names if name in columns()]:
            text += (
                f"; what a run is told stands in the table, in a column {' or '.join(map(repr, named))}, "
                "or for all rows in a template, which 'consistency template' writes"
            )
    return UsageError(f"{text}; see 'consistency {command} --help'")


def entry_point() -> NoReturn:
    """The console script of a checkout."""
    status = main(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # nobody may be there to read it
            stream.flush()
    if "bpy" in sys.modules:
        # bpy tears down its GPU and audio parts in an order that can crash after all work is done and on disk.
        os._exit(status)
    sys.exit(status)


# run, resume


def _run(options: argparse.Namespace) -> dict[str, Any]:
    from ..pipeline.run.preflight import check, check_place
    from ..pipeline.run.run_folder import RunFolder

    settings = settings_from(options, has_key=find_key() is not None)
    if options.variants is not None:
        from .variants import run_variants

        return run_variants(options, settings, _services())
    if settings.stills.seed is None:  # drawn once and kept, so that all angles share it and a resume repeats it
        settings = settings.model_copy(update={"seed": secrets.randbelow(2**31)})
    root = options.out.expanduser().absolute()
    check(settings)
    check_place(root)
    if settings.service.backend == BackendName.LOCAL:  # its takes would all be the same picture
        settings = settings.model_copy(update={"takes": 1})
    if settings.service.backend == BackendName.LOCAL:
        return _finish(RunFolder.create(root, settings, versions()), _local_backend)
    prices = _agree(settings, options.yes)
    return _finish(RunFolder.create(root, settings, versions(), prices), _fal_backend)


def _resume(options: argparse.Namespace) -> dict[str, Any]:
    from ..pipeline.gate.second_opinions import unasked
    from ..pipeline.run.preflight import check
    from ..pipeline.run.run_folder import RunFolder

    root = options.run.expanduser().absolute()
    if (root / "variants.json").is_file():
        from .variants import resume_variants

        return resume_variants(root, options, _services())
    folder = RunFolder.open(root)
    folder.lease.check()
    settings = with_limits(folder.settings, options)
    if settings != folder.settings:
        folder.settings = settings
    if folder.is_finished and not unasked(folder, settings):
        return _summary(folder, time.monotonic())
    check(settings, resuming=folder)
    if settings.service.backend == BackendName.LOCAL:
        return _finish(folder, _local_backend)
    again = {"send_again": options.send_again, "retry_failed": options.retry_failed}
    folder.note(prices=_agree(settings, options.yes, folder, **again))
    return _finish(folder, _fal_backend, **again)


def _need_fal() -> str:
    """The key. Raises ConsistencyError where fal.ai can't be used, with the cure."""
    from ..studio.compat import online_access, online_cure

    found = find_key()
    if found is None:
        from ..fal_backend.errors import NoKey

        raise NoKey("there is no fal.ai key; set FAL_KEY, or use --backend local, which needs none")
    if not online_access():
        raise ConsistencyError(f"Blender's online access is off; {online_cure()}, or use --backend local")
    return found[0]


def _ask_prices(endpoints: list[str], to_send: tuple[Any, ...] = ()) -> Question[dict[str, Any]]:
    from ..fal_backend.child.questions import ask_prices

    return ask_prices(_need_fal(), endpoints, python_args(), to_send)


def _agree(settings: RunSettings, yes: bool, folder: RunFolder | None = None, **again: Any) -> dict[str, Any]:
    """Show what will be spent and ask for consent. Returns the prices it was quoted with."""
    from ..fal_backend import consent

    costs = finish(consent.estimate(settings, folder, _ask_prices, **again), PAUSE)
    say(costs.table())
    consent.check(costs, settings)
    if note := consent.limit_note(costs.total, settings.money.budget):
        say(note)
    _agree_to(costs, settings, yes)
    return costs.prices


def _agree_to(costs: Estimate, settings: RunSettings, yes: bool) -> None:
    """Ask for consent where anything may be bought. Raises where there is none."""
    from ..fal_backend import consent

    consent.check(costs, settings)
    if not consent.covers(consent.EVERYTHING_AGREED if yes else consent.NOTHING_AGREED, costs):
        if not sys.stdin.isatty():
            raise UsageError(consent.refusal(costs, "confirm with --yes"))
        sys.stderr.write(f"{consent.question(costs)} [y/N] ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise Cancelled("nothing was spent")


def _local_backend(folder: RunFolder, studio: Any, **_options: Any) -> Backend:
    from ..pipeline.backend.local import LocalBackend

    return LocalBackend(studio, folder.settings)


def _fal_backend(folder: RunFolder, _studio: Any, **options: Any) -> Backend:
    from ..fal_backend.backend import FalBackend

    return FalBackend(folder, _need_fal(), python_args=python_args(), **options)


def _finish(folder: RunFolder, make_backend: Callable[..., Backend], **options: Any) -> dict[str, Any]:
    """Advance the chain until it ends, telling what it says; Ctrl-C, SIGTERM and a closed terminal cancel in order."""
    from ..pipeline import chain
    from ..studio import BlenderStudio

    began = time.monotonic()
    stop = Stop()
    studio = BlenderStudio(folder.settings, own_file=True)
    device = studio.device
    if device.fell_back:
        say(f"no GPU that Cycles can use was found; rendering on {device.label}")
    folder.note(device=device.label)
    backend = make_backend(folder, studio, **options)
    try:
        run_to_end(chain.run(folder, studio, backend), backend, stop, folder.root)
        return _summary(folder, began)
    except ConsistencyError as error:
        return {
            **_summary(folder, began),
            "status": error.kind,
            "error": str(error),
            "exit": error.exit_status,
        }
    finally:
        backend.close()
        stop.restore()


def _summary(folder: RunFolder, began: float) -> dict[str, Any]:
    report: dict[str, Any] = {}
    with contextlib.suppress(OSError, ValueError):
        report = json.loads(folder.report.read_text(encoding="utf-8"))
    stills = {
        angle.name: f"photoreal/{angle.name}.png"
        for angle in folder.settings.studio.angles
        if folder.still(angle.name).is_file()
    }
    motion = folder.settings.clip.motion
    clips = [f"video/{motion}.mp4"] if folder.clip(motion).is_file() else []
    money = (
        f", {usd(report.get('billed_usd', 0.0))} billed" if folder.settings.service.backend == BackendName.FAL else ""
    )
    headline = f"\n{folder.headline}" if folder.headline else ""
    label = report.get("backend_label", folder.settings.service.backend)
    return {
        "status": "done",
        "run": str(folder.root),
        "backend": folder.settings.service.backend,
        "backend_label": label,
        "device": folder.device,
        "stages": folder.states,
        "stills": stills,
        "clips": clips,
        "contact_sheet": "contact_sheet.png" if folder.contact_sheet.is_file() else None,
        "scene": "scene.blend" if folder.scene.is_file() else None,
        "report": "report.json" if folder.report.is_file() else None,
        "headline": folder.headline,
        "quoted_usd": report.get("quoted_usd", 0.0),
        "billed_usd": report.get("billed_usd", 0.0),
        "uncertain_usd": report.get("uncertain_usd", 0.0),
        "seconds": round(time.monotonic() - began, 1),
        "text": f"{folder.root}: {_count(len(stills), 'still')}, {_count(len(clips), 'clip')} ({label}){money}{headline}",
    }


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _catalogue(options: argparse.Namespace) -> dict[str, Any]:
    from .catalogue import catalogue

    return catalogue(options, _services())


def _services() -> Services:
    from .catalogue import Services

    return Services(_need_fal, _ask_prices, _studio_in_turn(), _deliver_stills)


def _deliver_stills(folder: RunFolder, wishes: Wishes) -> Steps[dict[str, Any]]:
    """Sets of a run's stills alone, which need nothing of the open file."""
    from ..pipeline.deliver.delivery import deliver
    from ..studio.image_worker import ImageWorker

    worker = ImageWorker()
    try:
        return (yield from deliver(folder, wishes, worker.do))
    finally:
        worker.close()


def _studio_in_turn() -> Callable[[RunFolder], Studio]:
    """What makes the studio of each of several runs that have this Blender in turn."""
    from ..studio.turns import SharedBlender

    blender = SharedBlender()

    def studio_of(folder: RunFolder) -> Studio:
        studio = blender.studio(folder.settings)
        folder.note(device=studio.device.label)
        return studio

    return studio_of


def _page(options: argparse.Namespace) -> dict[str, Any]:
    from .catalogue import page

    return page(options)


def _template(options: argparse.Namespace) -> dict[str, Any]:
    from .catalogue import template

    return template(options)


def _mcp(options: argparse.Namespace) -> dict[str, Any]:
    try:
        import mcp.server  # noqa: F401

        from .agents import serve
    except ImportError as error:
        raise UsageError(
            "serving agents needs the Model Context Protocol's SDK, which the extension does not bring; in a checkout "
            "'.venv/bin/pip install -e .[mcp]' adds it"
        ) from error
    return serve(options)


# the smaller commands


def _estimate(options: argparse.Namespace) -> dict[str, Any]:
    from ..fal_backend import consent
    from ..pipeline.run.preflight import check

    settings = settings_from(options, has_key=find_key() is not None)
    if options.variants is not None:
        from .variants import estimate_variants

        return estimate_variants(options, settings, _services())
    check(settings)
    if settings.service.backend == BackendName.LOCAL:
        return {
            "status": "done",
            "backend": "local",
            "lines": [],
            "total_usd": 0.0,
            "text": "local: no AI, no network, $0.00",
        }
    estimate = finish(consent.estimate(settings, None, _ask_prices), PAUSE)
    return {"status": "done", "backend": "fal", **estimate.to_json(), "text": estimate.table()}


def _endpoints(options: argparse.Namespace) -> dict[str, Any]:
    from ..fal_backend.endpoints.catalogue import catalogue_rows
    from ..fal_backend.roster import kept

    if options.stale:
        return _stale_prices()
    if options.refresh:
        return _refreshed()
    rows = catalogue_rows()
    gone = set(kept().gone)
    for row in rows:
        row["retired"] = row["retired"] or ("fal.ai lists it no more" if row["id"] in gone else "")
    lines = [
        (
            row["id"],
            row["label"],
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
        "text": text_table(("id", "name", "makes", "stored price", "", "inputs"), lines),
    }


def _refreshed() -> dict[str, Any]:
    """fal.ai's own list of models for our stages: what is new in it, and what is gone. Nothing is chosen by it."""
    from ..fal_backend.child.questions import ask_roster

    found = finish(ask_roster(_need_fal(), python_args()), PAUSE)
    lines = [
        (
            model.id,
            model.name,
            model.stage,
            f"{usd(model.usd)} / {model.unit}" if model.usd is not None else "?",
            model.updated,
        )
        for model in found.new
    ]
    text = f"fal.ai lists {len(found.models)} models for our stages, {found.at[:10]}; {len(found.new)} are new"
    if lines:
        text += "\n" + text_table(("id", "name", "stage", "price", "of"), lines[:MOST_SHOWN])
        if len(lines) > MOST_SHOWN:
            text += f"\nand {len(lines) - MOST_SHOWN} more (--json has all)"
    if found.gone:
        text += f"\nno longer listed: {', '.join(found.gone)}"
    new = [asdict(model) for model in found.new]
    return {
        "status": "done",
        "at": found.at,
        "listed": len(found.models),
        "new": new,
        "gone": list(found.gone),
        "text": text,
    }


def _stale_prices() -> dict[str, Any]:
    from datetime import date

    from ..fal_backend.endpoints.catalogue import catalogue_rows
    from ..fal_backend.endpoints.prices import FRESH_DAYS

    today = date.today()  # noqa: DTZ011 - a day more or less is all the same
    rows = catalogue_rows(stale_on=today)
    for row in rows:
        row["price_days"] = (today - date.fromisoformat(row["price_date"])).days
    lines = [
        (row["id"], row["label"], f"{usd(row['usd'])} / {row['unit']}", row["price_date"], row["price_source"])
        for row in rows
    ]
    text = f"no stored price is older than {FRESH_DAYS} days"
    if rows:
        text = text_table(("id", "name", "stored price", "of", "source"), lines)
    return {"status": "done", "endpoints": rows, "text": text}


def _compare(options: argparse.Namespace) -> dict[str, Any]:
    from ..fal_backend import consent
    from ..pipeline import compare

    folder = compare.beside(options.run.expanduser().absolute(), options.budget)
    folder.lease.check()
    settings = folder.settings
    angles = [name for name in options.angles.split(",") if name] or [settings.clip_angle.name]
    endpoints = options.image_endpoints.split(",")
    costs = finish(
        consent.estimate_of(lambda: compare.requests(folder, endpoints, angles), settings, folder, _ask_prices),
        PAUSE,
    )
    say(costs.table())
    if options.budget is not None and costs.total > options.budget + consent.ROUNDING:
        raise BudgetExceeded(
            f"this comparison costs {usd(costs.total)}, and --budget allows {usd(options.budget)}; "
            "name fewer endpoints or angles, or raise it"
        )
    _agree_to(costs, settings, options.yes)
    folder.note(prices={**folder.prices, **costs.prices})
    return _compared(folder, endpoints, angles)


def _compared(folder: RunFolder, endpoints: list[str], angles: list[str]) -> dict[str, Any]:
    from ..pipeline import compare
    from ..studio import BlenderStudio

    stop, studio = Stop(), BlenderStudio(folder.settings, own_file=True)
    backend = _fal_backend(folder, studio)
    try:
        found = run_to_end(compare.compare(folder, endpoints, angles, studio, backend), backend, stop, folder.root)
    finally:
        backend.close()
        stop.restore()
    lines = [
        (
            each.name,
            each.angle,
            each.outcome or "",
            usd(each.usd),
            "" if each.seconds is None else f"{each.seconds:.0f} s",
            each.reason,
        )
        for each in found
    ]
    sheets = [f"compare/{name}/comparison.png" for name in dict.fromkeys(each.angle for each in found)]
    table = text_table(("model", "angle", "verdict", "USD", "time", "why"), lines)
    text = "\n".join([table, *(str(folder.root / sheet) for sheet in sheets)])
    return {"status": "done", "candidates": [asdict(each) for each in found], "sheets": sheets, "text": text}


def _ledger(options: argparse.Namespace) -> dict[str, Any]:
    from ..fal_backend.endpoints.catalogue import name_of
    from ..pipeline.money.ledger import Ledger

    ledger = Ledger.read([run.expanduser().absolute() for run in options.runs])
    return {"status": "done", **ledger.to_json(), "text": ledger.table(name_of)}


def _say(options: argparse.Namespace) -> dict[str, Any]:
    from ..pipeline import opinions
    from ..pipeline.run.run_folder import RunFolder
    from ..pipeline.verdicts import Said

    folder = RunFolder.open(options.run.expanduser().absolute())
    folder.lease.check()
    said = None if options.word == UNSAID else Said(options.word)
    take = opinions.say(folder, options.angle, said, options.take)
    if folder.contact_sheet.is_file():
        from ..studio.image_worker import ImageWorker
        from ..studio.results import draw_contact_sheet_again

        finish(draw_contact_sheet_again(folder, ImageWorker()))
    text = f"{options.angle}, take {take}: {f'you said: {said}' if said else 'nothing is said any more'}"
    if folder.headline:
        text = f"{text}\n{folder.headline}"
    return {
        "status": "done",
        "angle": options.angle,
        "take": take,
        "said": said,
        "headline": folder.headline,
        "text": text,
    }


def _deliver(options: argparse.Namespace) -> dict[str, Any]:
    from ..pipeline.deliver.delivery import Wishes, summary
    from ..pipeline.deliver.presets import AR, CLIPS, presets
    from ..pipeline.run.run_folder import RunFolder

    root = options.run.expanduser().absolute()
    wishes = Wishes(
        presets=tuple(presets(options.shops)),
        ar=AR in [name.strip() for name in options.shops.split(",")],
        clips=CLIPS in [name.strip() for name in options.shops.split(",")],
        angles=tuple(filter(None, options.angles.split(","))) if options.angles else None,
        main=options.main,
        sku=options.sku,
        name=options.name,
        out=options.out.expanduser().absolute() if options.out else None,
        larger=_larger(options.larger),
        views=options.views,
        views_size=_views_size(options.views_size),
        anyway=options.anyway,
        zip=options.zip,
        sign=_certificate(options),
    )
    if (root / "variants.json").is_file():
        from .variants import deliver_variants

        return deliver_variants(root, wishes, lambda folder, wishes: summary(_delivered(folder, wishes, options)))
    return summary(_delivered(RunFolder.open(root), wishes, options))


def _delivered(folder: RunFolder, wishes: Wishes, options: argparse.Namespace) -> dict[str, Any]:
    from ..pipeline.deliver.delivery import deliver
    from ..studio.image_worker import ImageWorker
    from .deliver import Buying, enlarged

    worker = ImageWorker()

    def turn(size: int, views: int, out: Path) -> Steps[list[Path]]:
        from ..studio.deliver.turn import turn

        return turn(folder, worker, size, views, out)

    def export(out: Path) -> Steps[dict[str, Any]]:
        from ..studio.deliver.ar import export_ar

        return export_ar(folder, out)

    try:
        with tempfile.TemporaryDirectory(prefix="consistency-") as scratch:

            def enlarge(pictures: list[tuple[Source, list[Rules]]]) -> Steps[dict[str, Larger]]:
                how = Buying(_ask_prices, lambda costs, settings: _agree_to(costs, settings, options.yes), _fal_backend)
                return enlarged(folder, wishes.larger, pictures, Path(scratch), how, options.budget)

            return finish_telling(deliver(folder, wishes, worker.do, turn, export, enlarge))
    finally:
        worker.close()


def _certificate(options: argparse.Namespace) -> Certificate | None:
    from ..pipeline.deliver.signing import certificate

    if (options.sign is None) != (options.sign_key is None):
        raise UsageError("--sign and --sign-key belong together; give both, or neither")
    if options.sign is None:
        return None
    return certificate(options.sign.expanduser().absolute(), options.sign_key.expanduser().absolute())


def _larger(how: str) -> str:
    from ..pipeline.deliver.larger import FILTER, NONE, RENDER

    if how not in (NONE, FILTER, RENDER) and "/" not in how:
        raise UsageError(f"--larger {how!r} is neither none, render, filter nor the id of an upscaler")
    return how


def _views_size(size: int | None) -> int | None:
    if size is not None and not 64 <= size <= 4096:
        raise UsageError(f"--views-size {size} is not 64 to 4096")
    return size


def _doctor(options: argparse.Namespace) -> dict[str, Any]:
    if options.bundle is not None:
        return _bundle(options)
    if options.out is not None:
        raise UsageError("--out is for --bundle; see 'consistency doctor --help'")
    facts = doctor_facts()
    return {"status": "done", "facts": facts, "text": "\n".join(f"{name}: {value}" for name, value in facts.items())}


def _bundle(options: argparse.Namespace) -> dict[str, Any]:
    from ..pipeline.run.bug_report import default_name

    out = (options.out or Path(default_name())).expanduser().absolute()
    if out.exists():
        raise UsageError(f"{out} is there already; name another file with --out")
    report = bug_report(Path(options.bundle).expanduser().absolute() if options.bundle else None)
    say(report.table())
    if not options.yes:
        if not sys.stdin.isatty():
            raise UsageError("nothing was written; confirm what is shown with --yes")
        sys.stderr.write(f"Write this to {out}? [y/N] ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise Cancelled("nothing was written")
    report.write(out)
    return {"status": "done", "bundle": str(out), **report.to_json(), "text": str(out)}


_COMMANDS = {
    "run": _run,
    "resume": _resume,
    "catalogue": _catalogue,
    "template": _template,
    "page": _page,
    "mcp": _mcp,
    "estimate": _estimate,
    "endpoints": _endpoints,
    "compare": _compare,
    "ledger": _ledger,
    "say": _say,
    "deliver": _deliver,
    "doctor": _doctor,
}
