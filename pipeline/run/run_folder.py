# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run on disk. The layout is a contract (see docs/architecture.md); this file is its only owner."""

from __future__ import annotations

import contextlib
import filecmp
import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import JsonValue, ValidationError

from ..backend.ports import Shot
from ..errors import RunFolderError, UsageError
from ..json_object import JsonObject
from ..sentences import not_writable
from ..settings.backdrop import cut_out_of, is_file
from ..settings.groups import RunSettings
from ..stages import STAGES, Stage, StageState
from ..system.disk import copy_file, write_json
from ..verdicts import MadeBy
from .journal import Journal
from .lease import Lease
from .migrations import NewerFormat, bring_up_to_date
from .record import Decision, Entry, Opinion, RunRecord, StageRecord, TintCheck, Track

logger = logging.getLogger(__name__)


class RunFolder:
    """The paths of a run, and run.json: settings, versions and the state of each stage, always valid JSON.

    What changes the record writes it, unless it says otherwise, or is told to put that off (``together``, ``seldom``).
    """

    def __init__(self, root: Path, record: RunRecord) -> None:
        self.root = root
        self._record = record
        self.lease = Lease(root / ".run.lease", "consistency run")
        self._is_changed = False  # since it was written
        self._together = 0  # how many ``together`` are open, one within the other
        self._every = 0.0  # seconds between two writes
        self._written = float("-inf")  # when, by the monotonic clock
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
    def bare_product(self) -> Path:
        """The model as it was made, where another model gives it its texture."""
        return self.root / "model" / "product.before-texture.glb"

    @property
    def product_source(self) -> Path:
        """What is rendered: the GLB, or a .blend of the user's own with all it can hold."""
        own = self.product.with_suffix(".blend")
        return own if own.is_file() else self.product

    @property
    def references(self) -> Path:
        return self.root / "references"

    def copied_light(self, settings: RunSettings) -> RunSettings:
        """``settings`` with the pictures that light the product, or stand behind it, as copies in the run.

        The originals may be gone where they have been copied. Raises RunFolderError.
        """
        named = {"environment": settings.studio.environment, "backdrop": settings.studio.backdrop}
        copies = {}
        for name, file in named.items():
            if file is None or (name == "backdrop" and not is_file(file)):
                continue
            source, copy = Path(file), self.copy_of_light(name, file)
            if source.is_file() and not (copy.is_file() and filecmp.cmp(source, copy, shallow=False)):
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy_file(source, copy)
            copies[name] = str(copy)
        return settings.model_copy(update=copies) if copies else settings

    def copy_of_light(self, name: str, file: str) -> Path:
        """Where the picture ``file`` is copied that is the "environment" or the "backdrop"."""
        return self.root / "lighting" / f"{name}{Path(file).suffix.lower()}"

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

    def pair(self, angle: str, number: int) -> Path:
        """A take beside its render, as a second witness is shown it."""
        return self.root / "photoreal" / "opinions" / f"{angle}.take-{number:02d}.png"

    def answer(self, angle: str, number: int) -> Path:
        """What a second witness answered about a take, as it came."""
        return self.root / "photoreal" / "opinions" / f"{angle}.take-{number:02d}.txt"

    def matte(self, angle: str, number: int) -> Path:
        """Where the product is in a take, as a second witness cut it out."""
        return self.root / "photoreal" / "opinions" / f"{angle}.take-{number:02d}.matte.png"

    def clip(self, motion: str) -> Path:
        """The chosen clip of a motion."""
        return self.root / "video" / f"{motion}.mp4"

    def own_clip(self, motion: str, number: int, kind: str) -> Path:
        """This machine's own render of a take's motion, "render" or "depth", for a model to follow."""
        return self.root / "video" / f"{motion}.{kind}-{number:02d}.mp4"

    def clip_take(self, motion: str, number: int) -> Path:
        return self.root / "video" / f"{motion}.take-{number:02d}.mp4"

    # run.json

    @classmethod
    def create(
        cls, root: Path, settings: RunSettings, versions: dict[str, JsonValue], prices: JsonObject | None = None
    ) -> RunFolder:
        """A new run in ``root``; ``prices`` as they were agreed to, where something is bought.

        Raises UsageError when a run, or anything else, is there already.
        """
        if root.exists() and not root.is_dir():
            raise UsageError(f"{root} is a file; choose a folder for the run with --out")
        if (root / "run.json").exists():
            raise UsageError(
                f"{root} already holds a run; continue it with 'consistency resume {root}', or choose another --out"
            )
        if root.exists() and any(child for child in root.iterdir() if not child.name.startswith(".")):
            raise UsageError(f"{root} is not empty; choose a new folder for the run with --out")
        folder = cls(root, RunRecord.new(settings, versions, prices))
        folder.save()
        folder.have_journal()
        return folder

    @classmethod
    def open(cls, root: Path) -> RunFolder:
        """An existing run, brought up to date in memory; it is written with the first change.

        Raises RunFolderError when there is none, when it can't be read, or when a newer version wrote it.
        """
        path = root / "run.json"
        if not path.is_file():
            raise RunFolderError(
                f"{root} is not a run folder (it has no run.json); name the folder that --out was given"
            )
        try:
            raw = json.loads(path.read_bytes())
            bring_up_to_date(raw)
            record = RunRecord.model_validate(raw)
        except NewerFormat as error:
            raise RunFolderError(
                f"{path} was written by a newer version of Consistency Pipeline ({error}); "
                "update the extension, then open it again"
            ) from error
        except (OSError, ValueError, LookupError, TypeError, AttributeError, ValidationError) as error:
            raise RunFolderError(
                f"{path} can't be read as a run ({type(error).__name__}); restore it from a backup or start a new run"
            ) from error
        return cls(root, record)

    @staticmethod
    def made(root: Path) -> tuple[str, str] | None:
        """When (UTC) and with which backend a run was made, quickly and unchecked, for a list of runs; None for no run."""
        try:
            record = json.loads((root / "run.json").read_bytes())
            return str(record["created"]), str(record["settings"]["backend"])
        except (OSError, ValueError, LookupError, TypeError):
            return None

    def save(self) -> None:
        self._is_changed = True
        self._write_if_due()

    def _write_if_due(self) -> None:
        if self._together == 0 and time.monotonic() - self._written >= self._every:
            self.write()

    def write(self) -> None:
        """Have on disk what has changed, as it has to be before anything is bought because of it."""
        if self._is_changed:
            write_json(self.root / "run.json", self._record.to_json())
            self._is_changed, self._written = False, time.monotonic()

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """What is changed within is written once, at the end. Nothing may wait within."""
        self._together += 1
        try:
            yield
        finally:
            self._together -= 1
            if self._is_changed:
                self._write_if_due()

    @contextlib.contextmanager
    def seldom(self, every: float = 1.0) -> Iterator[None]:
        """What is changed within is written once in ``every`` seconds at most, by ``write``, and at the end.

        For many runs that wait for one disk: each write is synced. Whoever is killed loses no more than a resume finds again,
        since a backend calls ``write`` before it buys.
        """
        self._every = every
        try:
            yield
        finally:
            self._every = 0.0
            self.write()

    def note(self, **facts: Any) -> None:
        """Set facts of the record by their names, and such as only the caller knows."""
        for name, value in facts.items():
            setattr(self._record, name, value)
        self.save()

    @property
    def id(self) -> str:
        """Names the run in this machine's book of spendings, wherever the folder is moved."""
        return self._record.id

    @property
    def created(self) -> str:
        return self._record.created

    @property
    def settings(self) -> RunSettings:
        return self._record.settings.model_copy()

    @settings.setter
    def settings(self, settings: RunSettings) -> None:
        self._record.settings = settings
        self.save()

    @property
    def versions(self) -> dict[str, JsonValue]:
        return self._record.versions

    @property
    def device(self) -> str | None:
        """What the references are rendered on."""
        return self._record.device

    @property
    def prices(self) -> JsonObject:
        """By endpoint, as they were agreed to; empty where nothing is bought."""
        return self._record.prices

    @property
    def headline(self) -> str:
        """The run in one line; empty where no still was looked at."""
        return self._record.headline

    @property
    def sku(self) -> str:
        """The article number, as a catalogue's table has it; empty where no table made the run."""
        return str(getattr(self._record, "sku", ""))

    @property
    def look(self) -> JsonObject:
        """What the exact clip is made of; empty where there is none."""
        found = getattr(self._record, "look", None)
        return found if isinstance(found, dict) else {}

    @property
    def anchors(self) -> dict[str, list[str]]:
        """By the key of a bought piece of a clip: names of the stills that it was bought to begin and to end with."""
        found = getattr(self._record, "anchors", None)
        return dict(found) if isinstance(found, dict) else {}

    @property
    def surface(self) -> JsonObject:
        """What share of the surface the lending stills see, and which further angles would see the rest; empty: not looked."""
        found = getattr(self._record, "surface", None)
        return found if isinstance(found, dict) else {}

    # stages

    def stage(self, name: Stage) -> StageRecord:
        return self._record.stages[name]

    def mark(self, name: Stage, state: StageState, **facts: Any) -> None:
        """Set a stage's state, and what it found: fields of StageRecord."""
        now = time.monotonic()
        since = self._running_since.setdefault(name, now)
        after = "" if state == StageState.RUNNING else f" after {now - since:.1f} s"
        logger.info("stage %s: %s%s%s", name, state, after, f": {facts}" if facts else "")
        self._record.stages[name] = self.stage(name).marked(StageState(state), facts)
        self.save()

    @property
    def states(self) -> dict[str, StageState]:
        """Of all stages."""
        return {name: stage.state for name, stage in self._record.stages.items()}

    @property
    def is_finished(self) -> bool:
        """Nothing is left to do: every stage is done or was not wanted, and the results are there."""
        ended = all(self.stage(stage).is_over for stage in STAGES)
        return ended and all(path.is_file() for path in (self.scene, self.contact_sheet, self.report))

    # references

    @property
    def rendered(self) -> tuple[str, ...]:
        """The angles whose reference has been rendered."""
        return tuple(self.stage(Stage.REFERENCES).shots)

    def shot(self, angle: str) -> Shot | None:
        """The facts of an angle's reference, None where it is not rendered or a file of it is gone."""
        saved = self.stage(Stage.REFERENCES).shots.get(angle)
        if saved is None:
            return None
        files = {name: self.root / path for name, path in saved.files.items()}
        return saved.model_copy(update={"files": files}) if all(path.is_file() for path in files.values()) else None

    def keep_shot(self, shot: Shot) -> None:
        files = {name: path.relative_to(self.root) for name, path in shot.files.items()}
        shots = self.stage(Stage.REFERENCES).shots
        self._set_shots({**shots, shot.angle: shot.model_copy(update={"files": files})})
        self.save()

    def forget_shot(self, angle: str) -> None:
        """Have an angle's reference rendered anew. What was made from the old one is asked for anew as well."""
        self._set_shots({name: shot for name, shot in self.stage(Stage.REFERENCES).shots.items() if name != angle})
        self.new_round(f"photoreal/{angle}")

    def _set_shots(self, shots: dict[str, Shot]) -> None:
        self._record.stages[Stage.REFERENCES] = self.stage(Stage.REFERENCES).model_copy(update={"shots": shots})

    def rendered_from(self, angle: str) -> dict[str, str] | None:
        """Hashes of what an angle's reference shows, by what may change; None where they were not kept."""
        return self._record.rendered_from.get(angle)

    def keep_rendered_from(self, angle: str, hashes: dict[str, str]) -> None:
        self._record.rendered_from[angle] = hashes
        self.save()

    @property
    def product_state(self) -> dict[str, str]:
        """Hashes of the product that model/product.glb holds; empty where they were not kept."""
        return self._record.product_state

    # takes: a picture that is asked for again gets the next number; earlier ones are kept beside

    def first_take(self, subject: str) -> int:
        """The number the current round of ``subject`` ("photoreal/front", "video/turntable") begins with."""
        return self._record.rounds.get(subject, 1)

    def new_round(self, subject: str) -> None:
        """Ask for ``subject`` again: later requests get numbers that no file and no purchase has had."""
        self._record.rounds[subject] = self.next_take(subject)
        self._record.chosen.pop(subject, None)
        self.save()

    def next_take(self, subject: str) -> int:
        """A number that no file, no purchase and no entry of ``subject`` has had."""
        stage, _, name = subject.partition("/")
        numbers = [int(path.stem.rpartition("-")[2]) for path in (self.root / stage).glob(f"{name}.take-*")]
        bought = self.read_journal().purchases.by_key
        numbers += [int(key.rpartition("-")[2]) for key in bought if key.startswith(f"{subject}/take-")]
        numbers += [entry.take for entry in self.entries(subject)]
        return max(numbers, default=0) + 1

    def chosen(self, subject: str) -> int | None:
        """The number of the take that is shown, None while none is."""
        return self._record.chosen.get(subject)

    @property
    def all_chosen(self) -> dict[str, int]:
        """The numbers of the takes that are shown, by subject."""
        return dict(self._record.chosen)

    def choose(self, subject: str, number: int, decision: Decision | None = None) -> None:
        """Make a take the one that is shown, with the gate's ``decision``: its file is copied to the plain name.

        Raises RunFolderError.
        """
        stage, _, name = subject.partition("/")
        is_still = stage == Stage.PHOTOREAL
        take = self.take(name, number) if is_still else self.clip_take(name, number)
        shown = self.still(name) if is_still else self.clip(name)
        copy_file(take, shown)
        if cut_out_of(take).is_file():
            copy_file(cut_out_of(take), cut_out_of(shown))
        self._record.chosen[subject] = number
        if decision is not None:
            self._record.verdicts[subject] = decision
        self.save()

    def withdraw(self, subject: str) -> None:
        """Have no take shown. Written with the next change, so that both are on disk or none is."""
        self._record.chosen.pop(subject, None)

    # the geometry gate

    def entries(self, subject: str) -> tuple[Entry, ...]:
        """What the gate knows of each picture, of all rounds, oldest first."""
        return tuple(self._record.gate.get(subject, ()))

    @property
    def all_entries(self) -> dict[str, tuple[Entry, ...]]:
        """By subject; of angles that have been removed as well."""
        return {subject: tuple(entries) for subject, entries in self._record.gate.items()}

    def keep_entry(self, subject: str, entry: Entry) -> None:
        """Write an entry down, new or in place of what was known of that take."""
        entries = self._record.gate.setdefault(subject, [])
        place = next((index for index, each in enumerate(entries) if each.take == entry.take), len(entries))
        entries[place : place + 1] = [entry]
        self.save()

    def drop_entry(self, subject: str, entry: Entry) -> None:
        self._record.gate[subject] = [each for each in self.entries(subject) if each.take != entry.take]
        self.save()

    def decision(self, subject: str) -> Decision | None:
        """What the gate decided about the take that was shown last."""
        return self._record.verdicts.get(subject)

    @property
    def decisions(self) -> dict[str, Decision]:
        return dict(self._record.verdicts)

    def opinion(self, subject: str, take: int | None) -> Opinion | None:
        """What a person says of a take; None where nothing was said. A take whose colours were matched is still the same."""
        opinions = {each.take: each for each in self._record.opinions.get(subject, ())}
        entries = {each.take: each for each in self.entries(subject)}
        while take is not None and take not in opinions:
            entry = entries.get(take)
            take = entry.of if entry is not None and entry.made_by == MadeBy.GAIN else None
        return None if take is None else opinions[take]

    def keep_opinion(self, subject: str, take: int, opinion: Opinion | None) -> None:
        """Write down what a person says of a take, in place of what was said before; None: nothing."""
        others = [each for each in self._record.opinions.get(subject, ()) if each.take != take]
        self._record.opinions[subject] = others if opinion is None else [*others, opinion]
        self.save()

    @property
    def tint_checks(self) -> tuple[TintCheck, ...]:
        """Oldest first."""
        return tuple(self._record.tints)

    def put_tint_check(self, check: TintCheck) -> None:
        """New, or in place of what was known of those takes. Written with the next change, as ``withdraw`` is."""
        others = [each for each in self._record.tints if each.takes != check.takes]
        self._record.tints = [*others, check]

    def track(self, key: str) -> Track | None:
        """How long the clip that was bought as ``key`` shows the product; None where it was not followed."""
        return self._record.tracks.get(key)

    def keep_track(self, key: str, track: Track) -> None:
        self._record.tracks[key] = track
        self.save()

    # purchases

    def have_journal(self) -> None:
        """The journal is there in any run, empty where nothing is paid for. Raises RunFolderError."""
        try:
            self.journal.touch()
        except OSError as error:
            raise not_writable(self.journal, error, "the drive and its permissions") from error

    def read_journal(self) -> Journal:
        return Journal(self.journal)
