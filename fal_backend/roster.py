# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The service's own list of models, read when the user asks and kept: what is new for our stages, and what is gone.

Nothing is chosen by it. A list that ends before its end, or lacks most of what was there, is no list: the kept one stays.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from ..pipeline.errors import RunFolderError
from ..pipeline.json_object import JsonObject
from ..pipeline.money.spending import state_folder
from ..pipeline.redaction import redact
from ..pipeline.system.disk import write_json
from . import prices
from .endpoints.catalogue import CATALOGUE, WELL_FORMED
from .errors import BadAnswer, FalError
from .problems import Problem
from .service import web
from .service.clock import FalClock

# fal's categories → the stage whose menu they concern
CATEGORIES = {
    "image-to-3d": "model",
    "text-to-3d": "model",
    "3d-to-3d": "model",
    "image-to-image": "photoreal",
    "image-to-video": "video",
    "video-to-video": "video",
}
A_PAGE, MOST_PAGES, MOST_MODELS = 100, 60, 5000
LARGEST = 16 << 20  # bytes of a page
KEPT_SHARE = 0.5  # of what was listed before: a list that lacks more is not believed
MOST_PRICED = 50  # new endpoints whose prices are asked for, the newest first


@dataclass(frozen=True)
class Listed:
    """An endpoint as fal lists it. ``updated``: ISO date; empty where it doesn't say. USD for one ``unit``; None: unknown."""

    id: str
    name: str
    stage: str
    category: str
    updated: str = ""
    usd: float | None = None
    unit: str = ""


@dataclass(frozen=True)
class Roster:
    """``at``: ISO, when it was read; empty where it never was. ``before``: the ids of the one before it."""

    at: str = ""
    models: tuple[Listed, ...] = ()
    before: tuple[str, ...] = ()

    @property
    def ids(self) -> set[str]:
        return {model.id for model in self.models}

    @property
    def new(self) -> tuple[Listed, ...]:
        """Those that the roster before lacked, or, of the first one, that the catalogue doesn't know; the newest first."""
        known = set(self.before) or set(CATALOGUE)
        found = [model for model in self.models if model.id not in known and model.id not in CATALOGUE]
        return tuple(sorted(found, key=lambda model: (model.updated, model.id), reverse=True))

    @property
    def gone(self) -> tuple[str, ...]:
        """Endpoints of the catalogue's stages, or of the roster before, that fal lists no more."""
        if not self.models:
            return ()
        ours = {e.id for e in CATALOGUE.values() if not e.retired and e.role in ("model", "photoreal", "video")}
        return tuple(sorted((ours | set(self.before)) - self.ids))

    def to_json(self) -> JsonObject:
        return {"at": self.at, "models": [asdict(model) for model in self.models], "before": list(self.before)}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Roster:
        models = tuple(model for row in kept["models"] if (model := _kept_model(row)) is not None)
        return cls(str(kept["at"])[:40], models, tuple(str(name) for name in kept["before"])[:MOST_MODELS])


def read(key: str, clock: FalClock | None = None) -> Roster:
    """The list as it is now, with prices of the newest, kept on this machine. Child process only.

    Raises FalError where it can't be had whole, or is not to be believed.
    """
    before = kept()
    models = {model.id: model for category in CATEGORIES for model in _listed(key, category, clock)}
    if len(models.keys() & before.ids) < KEPT_SHARE * len(before.ids) or not models.keys() & CATALOGUE.keys():
        raise BadAnswer(Problem.ROSTER_DOUBTFUL, models=len(models))
    fresh = Roster(datetime.now(UTC).isoformat(timespec="seconds"), tuple(models.values()), tuple(sorted(before.ids)))
    wanted = [model.id for model in fresh.new[:MOST_PRICED]]
    try:
        priced = prices.fetch(key, [*wanted, *(models.keys() & CATALOGUE.keys())], clock)
    except FalError:
        priced = {}
    found = Roster(fresh.at, tuple(_priced(model, priced) for model in fresh.models), fresh.before)
    write_json(state_folder() / "roster.json", found.to_json())
    return found


def kept() -> Roster:
    """The one that was read last; empty where none was, or it can't be read."""
    try:
        return Roster.from_json(json.loads((state_folder() / "roster.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, RecursionError, RunFolderError):
        return Roster()


def _listed(key: str, category: str, clock: FalClock | None) -> Iterable[Listed]:
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        params = [("category", category), ("status", "active"), ("limit", str(A_PAGE))]
        body = web.get("models", key, params + ([("cursor", cursor)] if cursor else []), clock, largest=LARGEST)
        rows = body.get("models")
        if not isinstance(rows, list):
            raise BadAnswer(Problem.LIST_UNREADABLE)
        for row in rows[:A_PAGE]:
            if (model := _model(row)) is not None:
                yield model
        following = body.get("next_cursor")
        if not body.get("has_more"):
            return
        if not isinstance(following, str) or following == cursor or len(following) > 1000:
            raise BadAnswer(Problem.LIST_UNREADABLE)
        cursor = following
    raise BadAnswer(Problem.LIST_ENDLESS)


def _model(row: Any) -> Listed | None:
    """None for what is no endpoint of our stages in service."""
    about: Any = row.get("metadata") if isinstance(row, dict) else None
    if not isinstance(about, dict):
        return None
    name, category = row.get("endpoint_id"), about.get("category")
    if not isinstance(name, str) or len(name) > 200 or not WELL_FORMED.fullmatch(name):
        return None
    if category not in CATEGORIES or about.get("status", "active") != "active":
        return None
    label = about.get("display_name")
    words = " ".join(redact(label).split())[:80] if isinstance(label, str) else ""
    return Listed(name, words or name, CATEGORIES[category], category, _date(about.get("updated_at")))


def _kept_model(row: Any) -> Listed | None:
    model = _model({"endpoint_id": row["id"], "metadata": {"category": row["category"], "display_name": row["name"]}})
    usd = row["usd"] if prices.is_price(row.get("usd")) else None
    return model and Listed(
        model.id, model.name, model.stage, model.category, _date(row["updated"]), usd, str(row["unit"])[:40]
    )


def _date(value: Any) -> str:
    try:
        return datetime.fromisoformat(str(value)).date().isoformat()
    except ValueError:
        return ""


def _priced(model: Listed, priced: prices.Prices) -> Listed:
    row = priced.get(model.id, {})
    if "usd" not in row:
        return model
    return Listed(model.id, model.name, model.stage, model.category, model.updated, row["usd"], row["unit"])
