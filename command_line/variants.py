# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""``consistency run --variants``: one run for each variant of a product, all with the same cameras and under one budget.

Each is a whole run in RUN/VARIANT, so that everything which knows a run knows it: its references are its own, and stills are
measured against them. RUN itself is a catalogue's folder of which each row is a variant, whose budget, page and order of work
these runs share; RUN/variants.json keeps what was asked, for ``resume``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..pipeline import model
from ..pipeline.catalogue.rows import Alike, Row
from ..pipeline.catalogue.table import folder_name
from ..pipeline.deliver.names import sku_of
from ..pipeline.errors import BadInput, RunFolderError, UsageError
from ..pipeline.run.preflight import check, check_place
from ..pipeline.run.run_folder import RunFolder
from ..pipeline.settings.arguments import with_limits
from ..pipeline.settings.groups import RunSettings
from ..pipeline.system.disk import write_json
from .catalogue import Services, make_rows

if TYPE_CHECKING:
    from ..pipeline.deliver.delivery import Wishes
    from ..pipeline.json_object import JsonObject

KEPT = "variants.json"
ALL = "all"


def run_variants(options: argparse.Namespace, settings: RunSettings, services: Services) -> JsonObject:
    """Make them. Raises ConsistencyError where nothing can begin; how the runs ended is in what it returns."""
    out = options.out.expanduser().absolute()
    if (out / "run.json").is_file():
        raise RunFolderError(f"{out} holds a run already; choose another folder for the variants (--out)")
    names = _names(settings, options.variants)
    check_place(out)
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / KEPT, {"variants": names, "settings": settings.model_dump(mode="json")})
    return _made(out, settings, names, services, yes=options.yes, stdout=options.stdout)


def resume_variants(out: Path, options: argparse.Namespace, services: Services) -> JsonObject:
    """Go on with them, under the limits that ``options`` set anew. Raises ConsistencyError."""
    settings, names = _kept(out)
    settings = with_limits(settings, options)
    write_json(out / KEPT, {"variants": names, "settings": settings.model_dump(mode="json")})
    again = {"send_again": options.send_again, "retry_failed": options.retry_failed}
    return _made(out, settings, names, services, yes=options.yes, stdout=options.stdout, **again)


def _kept(out: Path) -> tuple[RunSettings, list[str]]:
    try:
        kept = json.loads((out / KEPT).read_text(encoding="utf-8"))
        return RunSettings.model_validate(kept["settings"]), [str(name) for name in kept["variants"]]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise RunFolderError(f"{out / KEPT} can't be read; give the command 'consistency run' again") from error


def estimate_variants(options: argparse.Namespace, settings: RunSettings, services: Services) -> JsonObject:
    """What all of them would cost together. Raises ConsistencyError."""
    out = (options.out or Path(f"{settings.product_name}-variants")).expanduser().absolute()
    names = _names(settings, options.variants)
    return _made(out, settings, names, services, yes=False, stdout=options.stdout, estimate=True)


def deliver_variants(out: Path, wishes: Wishes, deliver: Callable[[RunFolder, Wishes], JsonObject]) -> JsonObject:
    """Files for shops from each of them; ``deliver`` makes one run's. Raises ConsistencyError."""
    if wishes.sku is not None:
        raise UsageError(
            f"each variant has an article number of its own; leave --sku out, or deliver {out / 'VARIANT'} with it"
        )
    settings, names = _kept(out)
    there = [row for row in _rows(out, settings, names) if (row.root / "run.json").is_file()]
    if not there:
        raise BadInput(f"no variant in {out} has begun yet; 'consistency resume {out}' makes them")
    made = {}
    for row in there:
        own = wishes if wishes.out is None else replace(wishes, out=wishes.out / row.name)
        try:
            made[row.sku] = deliver(RunFolder.open(row.root), own)
        except BadInput as error:  # one that has no still yet keeps none of the others back
            made[row.sku] = {"status": error.kind, "error": str(error), "text": f"{row.root}: not delivered"}
    errors = [f"{name}: {each['error']}" for name, each in made.items() if "error" in each]
    told: JsonObject = {"status": "done", "variants": made, "text": "\n".join(each["text"] for each in made.values())}
    return {**told, "status": "failed", "exit": 1, "error": "; ".join(errors)} if errors else told


def _names(settings: RunSettings, wanted: str) -> list[str]:
    """The names of the variants that are ``wanted``, as the file has them. Raises UsageError."""
    if not settings.has_own_model:
        raise UsageError("variants are those of a .glb, .gltf or .blend only; give one, or leave --variants out")
    if settings.inputs.variant:
        raise UsageError("give either --variant or --variants, not both")
    check(settings)
    path = Path(settings.inputs.files[0])
    if path.suffix.lower() == ".blend":
        from ..studio.files.variants import variants_in_blend

        there = variants_in_blend(path)
    else:
        there = model.variants_of(path)
    if not there:
        cure = "export it with KHR_materials_variants, or in a .blend give spare material slots"
        raise UsageError(f"{path.name} has no variants of its materials; leave --variants out, or {cure}")
    if wanted.strip() == ALL and ALL not in there:
        return there
    asked = [name.strip() for name in wanted.split(",") if name.strip()]
    if not asked:
        raise UsageError("--variants wants names with commas between, or all")
    return list(dict.fromkeys(there[model.variant_in(there, name, path.name)] for name in asked))


def _rows(out: Path, settings: RunSettings, names: Sequence[str]) -> list[Row]:
    rows, taken = [], set()
    for number, name in enumerate(names):
        folder = folder_name(sku_of(name) if name.isascii() else name)
        folder = folder if folder.casefold() not in taken else f"{folder}-{number + 1}"
        taken.add(folder.casefold())
        own = settings.model_copy(update={"variant": name, "budget": None})
        rows.append(Row(number, number + 1, name, out / folder, own, "", Alike(own)))
    return rows


def _made(
    out: Path,
    settings: RunSettings,
    names: Sequence[str],
    services: Services,
    *,
    yes: bool,
    stdout: Any,
    estimate: bool = False,
    send_again: bool = False,
    retry_failed: bool = False,
) -> JsonObject:
    rows = _rows(out, settings, names)
    as_catalogue = argparse.Namespace(
        budget=settings.money.budget,  # of all variants together
        budget_share=False,
        at_once=None,
        concurrency=None,
        progress="plain",
        estimate=estimate,
        yes=yes,
        send_again=send_again,
        retry_failed=retry_failed,
        stdout=stdout,
    )
    made = make_rows(out, Path(settings.inputs.files[0]).name, rows, rows, as_catalogue, services, [])
    return {**made, "run": str(out), "variants": {row.sku: row.name for row in rows}}
