"""A run on disk. The layout is a contract (see the README's architecture section); this file is its only owner."""

from __future__ import annotations

import json
import logging
import time
import uuid
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..backend.ports import Shot
from ..errors import RunFolderError, UsageError
from ..settings import RunSettings
from ..stages import STAGES, Stage
from ..system.disk import copy_file, write_json
from .journal import Journal
from .lease import Lease

logger = logging.getLogger(__name__)
SCHEMA_VERSION = 1


class RunFolder:
    """The paths of a run, and run.json: settings, versions and the state of each stage, always valid JSON."""

    def __init__(self, root: Path, record: dict[str, Any]) -> None:
        self.root = root
        self.record = record
        self.lease = Lease(root / ".run.lease", "consistency run")
        self._running_since: dict[Stage, float] = {}  # by the monotonic clock, for the log

    # paths

    @property
    def photos(self) -> Path:
        return self.root / "photos"

    def photo(self, number: int, original: Path) -> Path:
        """Where the copy of the ``number``-th photo lies. A copy is its own copy."""
        return original if original.parent == self.photos else self.photos / f"{number}-{original.name}"

    def copied_photos(self) -> list[Path]:
        """The copies of the photos where all of them have been made; the originals may be gone then."""
        settings = self.settings
        if settings.has_own_model or not settings.inputs.files:
            return []
        copies = [self.photo(number, Path(name)) for number, name in enumerate(settings.inputs.files, start=1)]
        return copies if all(copy.is_file() for copy in copies) else []

    @property
    def product(self) -> Path:
        return self.root / "model" / "product.glb"

    @property
    def product_source(self) -> Path:
        """What is rendered: the GLB, or a .blend of the user's own with all it can hold."""
        own = self.product.with_suffix(".blend")
        return own if own.is_file() else self.product

    @property
    def references(self) -> Path:
        return self.root / "references"

    @property
    def scene(self) -> Path:
        return self.root / "scene.blend"

    @property
    def contact_sheet(self) -> Path:
        return self.root / "contact_sheet.png"

    @property
    def report(self) -> Path:
        return self.root / "report.json"

    @property
    def journal(self) -> Path:
        return self.root / "journal.jsonl"

    def still(self, angle: str) -> Path:
        """The chosen still of an angle."""
        return self.root / "photoreal" / f"{angle}.png"

    def take(self, angle: str, number: int) -> Path:
        return self.root / "photoreal" / f"{angle}.take-{number:02d}.png"

    def heatmap(self, angle: str, number: int) -> Path:
        """Where a take is off its render, as a picture."""
        return self.root / "photoreal" / "heatmaps" / f"{angle}.take-{number:02d}.png"

    def clip(self, motion: str) -> Path:
        """The chosen clip of a motion."""
        return self.root / "video" / f"{motion}.mp4"

    def clip_take(self, motion: str, number: int) -> Path:
        return self.root / "video" / f"{motion}.take-{number:02d}.mp4"

    # run.json

    @classmethod
    def create(cls, root: Path, settings: RunSettings, versions: dict[str, Any]) -> RunFolder:
        """A new run in ``root``. Raises UsageError when a run, or anything else, is there already."""
        if root.exists() and not root.is_dir():
            raise UsageError(f"{root} is a file; choose a folder for the run with --out")
        if (root / "run.json").exists():
            raise UsageError(f"{root} already holds a run; continue it with 'consistency resume {root}', or choose another --out")  # fmt: skip
        if root.exists() and any(child for child in root.iterdir() if not child.name.startswith(".")):
            raise UsageError(f"{root} is not empty; choose a new folder for the run with --out")
        folder = cls(
            root,
            {
                "schema": SCHEMA_VERSION,
                "id": uuid.uuid4().hex,  # names the run in this machine's book, wherever the folder is moved
                "created": datetime.now(UTC).isoformat(timespec="seconds"),
                "settings": settings.model_dump(mode="json"),
                "versions": versions,
                "device": None,
                "stages": {stage: {"state": "waiting"} for stage in STAGES},
            },
        )
        folder.save()
        folder.have_journal()
        return folder

    @classmethod
    def open(cls, root: Path) -> RunFolder:
        """An existing run. Raises RunFolderError when there is none or it can't be read."""
        path = root / "run.json"
        if not path.is_file():
            raise RunFolderError(
                f"{root} is not a run folder (it has no run.json); name the folder that --out was given"
            )
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            RunSettings.model_validate(record["settings"])
        except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
            raise RunFolderError(f"{path} can't be read as a run ({type(error).__name__}); restore it from a backup or start a new run") from error  # fmt: skip
        return cls(root, record)

    @property
    def settings(self) -> RunSettings:
        return RunSettings.model_validate(self.record["settings"])

    @settings.setter
    def settings(self, settings: RunSettings) -> None:
        self.record["settings"] = settings.model_dump(mode="json")
        self.save()

    def save(self) -> None:
        write_json(self.root / "run.json", self.record)

    def note(self, **facts: Any) -> None:
        """Set top-level facts of run.json."""
        self.record.update(facts)
        self.save()

    def stage(self, name: Stage) -> dict[str, Any]:
        return self.record["stages"].setdefault(name, {"state": "waiting"})

    def mark(self, name: Stage, state: str, **facts: Any) -> None:
        """Set a stage's state: waiting, running, done, skipped, failed, cancelled or stopped."""
        stage = self.stage(name)
        stage.update(facts, state=state)
        now = time.monotonic()
        since = self._running_since.setdefault(name, now)
        after = "" if state == "running" else f" after {now - since:.1f} s"
        logger.info("stage %s: %s%s%s", name, state, after, f": {facts}" if facts else "")
        if state == "running":
            stage.pop("error", None)
            stage.setdefault("started", datetime.now(UTC).isoformat(timespec="seconds"))
        elif state in ("done", "skipped", "failed"):
            stage["ended"] = datetime.now(UTC).isoformat(timespec="seconds")
        self.save()

    @property
    def is_finished(self) -> bool:
        """Nothing is left to do: every stage is done or was not wanted, and the results are there."""
        ended = all(self.stage(stage)["state"] in ("done", "skipped") for stage in STAGES)
        return ended and all(path.is_file() for path in (self.scene, self.contact_sheet, self.report))

    def shot(self, angle: str) -> Shot | None:
        """The facts of an angle's reference, None where it is not rendered or a file of it is gone."""
        saved = self.stage("references").get("shots", {}).get(angle)
        if saved is None:
            return None
        files = {name: self.root / path for name, path in saved["files"].items()}
        return Shot(**{**saved, "files": files}) if all(path.is_file() for path in files.values()) else None

    def keep_shot(self, shot: Shot) -> None:
        files = {name: path.relative_to(self.root).as_posix() for name, path in shot.files.items()}
        self.stage("references").setdefault("shots", {})[shot.angle] = {**asdict(shot), "files": files}
        self.save()

    def forget_shot(self, angle: str) -> None:
        """Have an angle's reference rendered anew. What was made from the old one is asked for anew as well."""
        self.stage("references").get("shots", {}).pop(angle, None)
        self.new_round(f"photoreal/{angle}")

    # takes: a picture that is asked for again gets the next number; earlier ones are kept beside

    def first_take(self, subject: str) -> int:
        """The number the current round of ``subject`` ("photoreal/front", "video/turntable") begins with."""
        return int(self.record.setdefault("rounds", {}).get(subject, 1))

    def new_round(self, subject: str) -> None:
        """Ask for ``subject`` again: later requests get numbers that no file and no purchase has had."""
        self.record.setdefault("rounds", {})[subject] = self.next_take(subject)
        self.record.get("chosen", {}).pop(subject, None)
        self.save()

    def next_take(self, subject: str) -> int:
        """A number that no file, no purchase and no entry of ``subject`` has had."""
        stage, _, name = subject.partition("/")
        numbers = [int(path.stem.rpartition("-")[2]) for path in (self.root / stage).glob(f"{name}.take-*")]
        bought = self.read_journal().purchases.by_key
        numbers += [int(key.rpartition("-")[2]) for key in bought if key.startswith(f"{subject}/take-")]
        numbers += [int(entry["take"]) for entry in self.record.get("gate", {}).get(subject, ())]
        return max(numbers, default=0) + 1

    def chosen(self, subject: str) -> int | None:
        """The number of the take that is shown, None while none is."""
        return self.record.get("chosen", {}).get(subject)

    def choose(self, subject: str, number: int) -> None:
        """Make a take the one that is shown: its file is copied to the plain name. Raises RunFolderError."""
        stage, _, name = subject.partition("/")
        is_still = stage == "photoreal"
        take = self.take(name, number) if is_still else self.clip_take(name, number)
        copy_file(take, self.still(name) if is_still else self.clip(name))
        self.record.setdefault("chosen", {})[subject] = number
        self.save()

    def have_journal(self) -> None:
        """The journal is there in any run, empty where nothing is paid for. Raises RunFolderError."""
        try:
            self.journal.touch()
        except OSError as error:
            raise RunFolderError(f"{self.journal} can't be written ({error.strerror or error}); check the drive and its permissions") from error  # fmt: skip

    def read_journal(self) -> Journal:
        return Journal(self.journal)
