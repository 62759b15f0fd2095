# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The geometry gate in a run: each still is measured against its render, then accepted, mended, bought again, or flagged.

    gate_record   what is remembered of each picture, in run.json
    retakes       purchases in place of others, and the money for them
    acceptance    one angle: from the takes that came in to the one that is shown
    cross_checks  all views against each other, and the clip against the model

What is decided is pipeline.scoring.ladder's, and stands in the journal with its reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .. import plan
from ..backend.open_requests import OpenRequests
from ..backend.ports import Product, Shot, Studio
from ..errors import Cancelled, ConsistencyError, RunFolderError, TryAgainLater
from ..rig import Angle
from ..run.record import Entry, Pose
from ..run.run_folder import RunFolder
from ..settings.choices import BackendName
from ..settings.groups import MEASURABLE, Gate, RunSettings
from ..stages import Progress, Steps
from ..verdicts import BOUGHT, Cause, MadeBy, Outcome, Ruling, Unsure
from .record import GateRecord, attempts, subject
from .retakes import Retakes
from .scoring.ladder import Action, Ladder, best, next_action

AS_IT_IS = Pose(dx=0.0, dy=0.0, scale=1.0, rotation=0.0, pivot=(0.0, 0.0))
STOPS = (Cancelled, RunFolderError, TryAgainLater)  # what ends the run, whatever it was about


class NotOnModel(ConsistencyError):
    """A clip was not bought, because a still that it starts from does not show the product."""


def ladder_of(gate: Gate) -> Ladder:
    """The rungs in their order, the last one repeated until ``retakes`` is used up."""
    rungs = [*map(MadeBy, gate.rungs), *map(MadeBy, gate.rungs[-1:] * max(0, gate.retakes - len(gate.rungs)))]
    return Ladder(
        purchases=tuple(rungs[: gate.retakes]),
        unwarp=gate.unwarp,
        local=gate.local,
        unsure=Unsure(gate.unsure),
        tint_rerolls=min(1, gate.retakes),
    )


class Acceptance:
    """The gate of one run. ``advance`` does for one angle whatever can be done now."""

    def __init__(
        self, folder: RunFolder, settings: RunSettings, product: Product, studio: Studio, open_requests: OpenRequests
    ) -> None:
        self.folder, self.settings, self.studio, self.open_requests = folder, settings, studio, open_requests
        self.product = product
        self.ladder = ladder_of(settings.gate)
        self.record = GateRecord(folder, settings)
        self.retakes = Retakes(self.record, product, open_requests)

    @property
    def measures(self) -> bool:
        """Pictures of this run come from outside, are large enough to be measured, and the product is known."""
        return self.settings.is_measured and not self.product.missing

    def settled(self, angle: str) -> bool:
        """Nothing is left to be done: a take is chosen, or none ended well, or a retake waits for better times."""
        if self.record.chosen(angle) is not None:
            return True
        first, pending = self.record.first_keys(angle).values(), self.record.pending(angle)
        if any(key not in self.open_requests.ended for key in (*first, *(entry.key for entry in pending))):
            return False
        return bool(pending) or not any(self.open_requests.done(key) for key in first)

    def all_settled(self, angles: Iterable[str]) -> bool:
        return all(self.settled(angle) for angle in angles)

    def refusal(self, angle: str) -> NotOnModel | None:
        """Why no clip may start from an angle's still. A take that a person chose, or calls right, is never refused."""
        refused = self.record.refused(angle)
        if not refused:
            return None
        return NotOnModel(
            f"no clip was bought, since {angle} is not on model ({refused}); choose another take or ask for the "
            "still again, then resume"
        )

    def headline(self) -> str:
        """The run in one line; empty where nothing was looked at, unless it can't be told what is shown."""
        names = [angle.name for angle in self.settings.studio.angles]
        line = self.record.headline(names)
        return line or (f"{len(names)} to look at: {self.product.missing[0]}" if self.product.missing else "")

    def advance(self, angle: Angle, shot: Shot) -> Steps[None]:
        """Measure what came in; once all of it has, decide what becomes of the angle, until it is settled or has to wait."""
        name, record = angle.name, self.record
        self.retakes.rejoin(angle, shot)
        if record.chosen(name) is not None:
            return
        first = record.first_keys(name)
        if not self.settings.gate.enabled:
            self._show_the_first(name, first)
            return
        known = {entry.take for entry in record.entries(name)}
        for take, key in first.items():
            if self.open_requests.done(key) and take not in known:
                yield from self._measure(angle, shot, Entry(take=take, made_by=MadeBy.FIRST, key=key))
        for entry in record.pending(name):
            if self.open_requests.done(entry.key):
                yield from self._measure(angle, shot, entry)
            elif entry.key in self.open_requests.ended:
                self.retakes.pass_over(name, entry)
        if any(key not in self.open_requests.ended for key in first.values()):
            return
        while record.measured(name) and record.chosen(name) is None and not record.pending(name):
            yield from self._decide(angle, shot)

    def _show_the_first(self, angle: str, keys: dict[int, str]) -> None:
        take = next((take for take, key in keys.items() if self.open_requests.done(key)), None)
        if take is not None:
            self.folder.choose(subject(angle), take)

    def _decide(self, angle: Angle, shot: Shot) -> Steps[None]:
        history = self.record.history(angle.name)
        action = self._next(angle, shot, history)
        entry = history[-1 if action.keep is None else action.keep]
        self.note(angle.name, entry, action)
        if action.kind in BOUGHT:
            self.retakes.buy(angle, shot, action)
            return
        try:
            if action.kind == MadeBy.UNWARP:
                made = yield from self.mend(MadeBy.UNWARP, angle, shot, entry, pose=entry.pose.model_dump(mode="json"))
                yield from self._measure(angle, shot, made)
            elif action.kind == MadeBy.LOCAL:
                yield from self._finish_here(angle, shot)
            else:
                if (
                    self.settings.is_cut_out
                    and entry.outcome != Outcome.FAIL
                    and entry.made_by not in (MadeBy.LOCAL, MadeBy.EXACT)
                ):
                    entry = yield from self._cut_out(angle, shot, entry)
                self.record.settle(angle.name, entry, action)
        except ConsistencyError as error:  # what was paid for is shown as it is
            if isinstance(error, STOPS):
                raise
            kept = history[best(attempts(history))]
            self.record.settle(angle.name, kept, Action(Ruling.FLAG, f"{kept.reason}; {error}"))

    def _next(self, angle: Angle, shot: Shot, history: list[Entry]) -> Action:
        tried = attempts(history)
        if tried[-1].verdict.outcome == Outcome.PASS:
            return next_action(tried, self.ladder)
        if history[-1].instead_of is not None:
            reason = f"{history[-1].why}, but the retake is no better; the earlier one is kept"
            takes = [entry.take for entry in history]
            return Action(Ruling.FLAG, reason, takes.index(history[-1].instead_of))
        if not self.measures:
            return Action(Ruling.FLAG, tried[-1].verdict.reason, len(history) - 1)
        action = next_action(tried, self.ladder, self.retakes.money_left(), self.retakes.prices(angle, shot))
        if action.kind == Ruling.FLAG and history[-1 if action.keep is None else action.keep].passed_over:
            return Action(Ruling.FLAG, action.reason, best(tried))
        return action

    def _finish_here(self, angle: Angle, shot: Shot) -> Steps[None]:
        made = Entry(take=self.record.next_take(angle.name), made_by=MadeBy.LOCAL)
        yield from self.studio.render_finish(angle, self.settings, self.folder.take(angle.name, made.take))
        yield from self._measure(angle, shot, made)

    def _cut_out(self, angle: Angle, shot: Shot, entry: Entry) -> Steps[Entry]:
        """Exact mode: the still along its render's own outline. Its verdict is the one of what was cut."""
        gate = self.settings.gate
        made = yield from self.mend(
            MadeBy.EXACT,
            angle,
            shot,
            entry,
            pose=entry.pose.model_dump(mode="json"),
            backdrop=self.settings.studio.backdrop,
            restore=gate.restore,
            region=gate.regions.get(angle.name, ""),
            photo=gate.details.get(angle.name, ""),
        )
        made = entry.inherited_by(made)
        self.record.keep(angle.name, made)
        return made

    def mend(self, task: MadeBy, angle: Angle, shot: Shot, entry: Entry, **options: Any) -> Steps[Entry]:
        """A picture made from another one's, without a purchase; what is known of it so far."""
        made = Entry(take=self.record.next_take(angle.name), made_by=task, of=entry.take)
        yield from self.studio.inspect(
            task,
            Progress("photoreal", "mending", None, angle.name),
            still=str(self.folder.take(angle.name, entry.take)),
            shot=self.facts(shot),
            out=str(self.folder.take(angle.name, made.take)),
            **options,
        )
        return made

    def _measure(self, angle: Angle, shot: Shot, entry: Entry) -> Steps[None]:
        """Complete ``entry`` with what its picture is like."""
        still = self.folder.take(angle.name, entry.take)
        seen: dict[str, object] = {"cause": Cause.NONE, "numbers": {}, "pose": AS_IT_IS}
        if self.product.missing:
            more = f" (and {len(self.product.missing) - 1} more)" if len(self.product.missing) > 1 else ""
            reason = f"it can't be told whether this is the product: {self.product.missing[0]}{more}"
            seen |= {"outcome": Outcome.UNSURE, "reason": reason}
        elif self.settings.service.backend == BackendName.LOCAL or entry.made_by == MadeBy.LOCAL:
            seen |= {"outcome": Outcome.PASS, "reason": "rendered from the model, exact by construction"}
        elif not self.measures:
            seen |= {
                "outcome": Outcome.UNSURE,
                "reason": f"a picture under {MEASURABLE} px is too small to be measured",
            }
        else:
            heatmap = self.folder.heatmap(angle.name, entry.take)
            measuring = Progress("photoreal", "measuring against the render", None, angle.name)
            options = {"still": str(still), "shot": self.facts(shot), "heatmap": str(heatmap)}
            try:
                seen |= yield from self.studio.inspect("measure", measuring, **options)
                seen["heatmap"] = heatmap.relative_to(self.folder.root).as_posix()
            except ConsistencyError as error:  # of another aspect, say: paid for, so it is shown to a person
                if isinstance(error, STOPS):
                    raise
                seen |= {"outcome": Outcome.UNSURE, "reason": str(error)}
        entry = entry.completed(**seen)
        self.record.keep(angle.name, entry)
        text = f"{still.name}: {entry.outcome}, {entry.reason}"
        yield Progress("photoreal", text, None, angle.name, warning=entry.outcome == Outcome.FAIL)

    def facts(self, shot: Shot) -> dict[str, object]:
        """A reference as the image worker takes it."""
        sent = self.settings.is_cut_out
        files = {name: str(path) for name, path in shot.files.items() if name != "sent" or sent}
        return {"files": files, "matrix_world": shot.matrix_world, "projection": shot.projection}

    def note(self, angle: str, entry: Entry, action: Action) -> None:
        """Have a decision written into the journal."""
        decision = {"action": action.kind, "outcome": entry.outcome, "reason": action.reason}
        key = entry.key or plan.still_key(angle, entry.take)
        self.open_requests.backend.note(key, {"angle": angle, "take": entry.take, **decision})
