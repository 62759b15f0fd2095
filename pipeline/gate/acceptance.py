# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The geometry gate in a run: each still is measured against its render, then accepted, mended, bought again, or flagged.

    gate_record   what is remembered of each picture, in run.json
    retakes       purchases in place of others, and the money for them
    second_opinions  a witness for stills of which the measures can't tell
    inspections   what the image worker is asked
    by_hand       a share of the render's detail that a person asks for
    acceptance    one angle: from the takes that came in to the one that is shown
    cross_checks  all views against each other, and the clip against the model

What is decided is pipeline.scoring.ladder's, and stands in the journal with its reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from .. import plan
from ..backend.open_requests import OpenRequests
from ..backend.ports import Product, Shot, Studio
from ..errors import STOPS, ConsistencyError
from ..rig import Angle
from ..run.record import Entry
from ..run.run_folder import RunFolder
from ..settings.choices import BackendName
from ..settings.groups import MEASURABLE, Gate, RunSettings
from ..stages import Progress, Stage, Steps
from ..verdicts import BOUGHT, Cause, MadeBy, Outcome, Ruling, Unsure
from .inspections import AS_IT_IS, cut_out_options, facts_of, make, measure
from .record import GateRecord, attempts, subject
from .retakes import Retakes
from .scoring.ladder import MENDING, Action, Ladder, best, next_action
from .second_opinions import SecondOpinions
from .witness import in_words


class NotOnModel(ConsistencyError):
    """A clip was not bought, because a still that it starts from does not show the product."""


def ladder_of(gate: Gate) -> Ladder:
    """The rungs in their order, the last one repeated until ``retakes`` is used up."""
    rungs = [*map(MadeBy, gate.rungs), *map(MadeBy, gate.rungs[-1:] * max(0, gate.retakes - len(gate.rungs)))]
    return Ladder(
        purchases=tuple(rungs[: gate.retakes]),
        unwarp=gate.unwarp,
        faithful=gate.mend_detail,
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
        self.second = SecondOpinions(self.record, studio, open_requests, self.retakes, is_known=not product.missing)

    @property
    def measures(self) -> bool:
        """Pictures of this run come from outside, are large enough to be measured, and the product is known."""
        return self.settings.is_measured and not self.product.missing

    def settled(self, angle: str) -> bool:
        """Nothing is left to be done: a take is chosen, or none ended well, or a retake waits for better times."""
        if self.record.chosen(angle) is not None:
            return not self.second.is_due_for_shown(angle)
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
            yield from self._hear_of_shown(angle, shot)
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
            if not (yield from self._decide(angle, shot)):
                return

    def _show_the_first(self, angle: str, keys: dict[int, str]) -> None:
        take = next((take for take, key in keys.items() if self.open_requests.done(key)), None)
        if take is not None:
            self.folder.choose(subject(angle), take)

    def _decide(self, angle: Angle, shot: Shot) -> Steps[bool]:
        """Whether something was decided; where not, a second witness is waited for."""
        history = self.record.history(angle.name)
        action = self._next(angle, shot, history)
        entry = history[-1 if action.keep is None else action.keep]
        if action.kind not in (MadeBy.UNWARP, MadeBy.FAITHFUL) and self.second.is_due(angle.name, entry):
            return (yield from self.second.hear(angle, shot, entry)) is not None
        if why := self.second.why_none(angle.name, entry):
            action = replace(action, reason=f"{action.reason} (no second opinion: {why})")
        self.note(angle.name, entry, action)
        yield from self._do(angle, shot, history, entry, action)
        return True

    def _do(self, angle: Angle, shot: Shot, history: list[Entry], entry: Entry, action: Action) -> Steps[None]:
        if action.kind in BOUGHT:
            self.retakes.buy(angle, shot, action)
            return
        try:
            if action.kind == MadeBy.UNWARP:
                made = yield from self.mend(MadeBy.UNWARP, angle, shot, entry, pose=entry.pose.model_dump(mode="json"))
                yield from self._measure(angle, shot, made)
            elif action.kind == MadeBy.FAITHFUL:
                yield from self._make_faithful(angle, shot, entry, self._mending(angle))
            elif action.kind == MadeBy.LOCAL:
                yield from self._finish_here(angle, shot)
            else:
                entry, action = yield from self._as_wanted(angle, shot, entry, action)
                self.record.settle(angle.name, entry, action)
        except ConsistencyError as error:  # what was paid for is shown as it is
            if isinstance(error, STOPS):
                raise
            kept = history[best(attempts(history))]
            self.record.settle(angle.name, kept, Action(Ruling.FLAG, f"{kept.reason}; {error}"))

    def _next(self, angle: Angle, shot: Shot, history: list[Entry]) -> Action:
        ladder = replace(self.ladder, faithful=self._mending(angle) > 0)
        if self._is_worse(
            angle, history[-1]
        ):  # what it was made from is shown, and nothing is bought for what was made here
            history, ladder = history[:-1], replace(ladder, faithful=False)
        tried = attempts(history)
        if tried[-1].verdict.outcome == Outcome.PASS:
            return next_action(tried, ladder)
        if history[-1].instead_of is not None:
            reason = f"{history[-1].why}, but the retake is no better; the earlier one is kept"
            takes = [entry.take for entry in history]
            return Action(Ruling.FLAG, reason, takes.index(history[-1].instead_of))
        if not self.measures:
            return Action(Ruling.FLAG, tried[-1].verdict.reason, len(history) - 1)
        action = next_action(tried, ladder, self.retakes.money_left(), self.retakes.prices(angle, shot))
        if action.kind == Ruling.FLAG and history[-1 if action.keep is None else action.keep].passed_over:
            return Action(Ruling.FLAG, action.reason, best(tried))
        return action

    def _hear_of_shown(self, angle: Angle, shot: Shot) -> Steps[None]:
        """A second witness on a still that is shown already, as where one is only wanted now: nothing is bought in its place."""
        entry = self.record.shown(angle.name)
        if entry is None or not self.second.is_due_for_shown(angle.name):
            return
        heard = yield from self.second.hear(angle, shot, entry)
        if heard is None or heard.second is None or heard.second.says is None:
            return
        ladder = Ladder((), unwarp=False, faithful=False, local=False, unsure=self.ladder.unsure)
        action = next_action(attempts([heard]), ladder)
        self.note(angle.name, heard, action)
        self.record.settle(angle.name, heard, action, instead_of=heard.take)

    def _finish_here(self, angle: Angle, shot: Shot) -> Steps[None]:
        made = Entry(take=self.record.next_take(angle.name), made_by=MadeBy.LOCAL)
        yield from self.studio.finish_reference(angle, self.folder.references, self.folder.take(angle.name, made.take))
        yield from self._measure(angle, shot, made)

    def _mending(self, angle: Angle) -> float:
        """How much of a still's detail is taken from its render where nothing but detail is doubted."""
        return max(MENDING * self.settings.gate.mend_detail, self.settings.faithful_at(angle.name))

    def _as_wanted(self, angle: Angle, shot: Shot, entry: Entry, action: Action) -> Steps[tuple[Entry, Action]]:
        """What is shown in place of a still that is not off model: as faithful, and as exactly cut out, as was asked for."""
        if entry.outcome == Outcome.FAIL or entry.made_by in (MadeBy.LOCAL, MadeBy.EXACT):
            return entry, action
        dial = self.settings.faithful_at(angle.name) if self.measures else 0.0
        tried = any(
            each.made_by == MadeBy.FAITHFUL and each.of == entry.take for each in self.record.measured(angle.name)
        )
        if dial > 0 and entry.made_by != MadeBy.FAITHFUL and not tried:
            made = yield from self._make_faithful(angle, shot, entry, dial)
            if self._is_worse(angle, made):
                reason = f"{action.reason}; it is shown as it came: with its render's detail, {made.reason}"
                action = Action(action.kind, reason, action.keep)
            elif made.outcome == Outcome.PASS:
                entry, action = made, Action(Ruling.ACCEPT, made.reason)
            else:
                entry = self._with_witness(angle.name, made, entry)
        if self.settings.is_cut_out:
            entry = yield from self._cut_out(angle, shot, entry)
        return entry, action

    def _make_faithful(self, angle: Angle, shot: Shot, entry: Entry, dial: float) -> Steps[Entry]:
        """The still's light over its render's detail, measured."""
        made = yield from self.mend(
            MadeBy.FAITHFUL,
            angle,
            shot,
            entry,
            pose=entry.pose.model_dump(mode="json"),
            dial=dial,
            has_print=self.settings.gate.faithful_print or entry.cause == Cause.LABEL,
        )
        return (yield from self._measure(angle, shot, made.completed(faithful=dial)))

    def _with_witness(self, angle: str, made: Entry, of: Entry) -> Entry:
        """What was said of the still as it came is said of the one that was made of it here."""
        if of.second is None:
            return made
        made = made.completed(second=of.second.model_dump())
        if of.second.says is not None:
            made = made.completed(reason=f"{made.reason} ({in_words(of.second)})")
        self.record.keep(angle, made)
        return made

    def _is_worse(self, angle: Angle, made: Entry) -> bool:
        """A still with its render's detail of which less good is said than of the one it was made from."""
        if made.made_by != MadeBy.FAITHFUL:
            return False
        order = list(Outcome)
        source = next(each for each in self.record.measured(angle.name) if each.take == made.of)
        return order.index(made.outcome or Outcome.FAIL) > order.index(source.outcome or Outcome.FAIL)

    def _cut_out(self, angle: Angle, shot: Shot, entry: Entry) -> Steps[Entry]:
        """Exact mode: the still along its render's own outline. Its verdict is the one of what was cut."""
        pose = AS_IT_IS if entry.made_by == MadeBy.FAITHFUL else entry.pose
        options = cut_out_options(self.settings, angle.name, pose)
        made = yield from self.mend(MadeBy.EXACT, angle, shot, entry, **options)
        made = entry.inherited_by(made)
        self.record.keep(angle.name, made)
        return made

    def mend(self, task: MadeBy, angle: Angle, shot: Shot, entry: Entry, **options: Any) -> Steps[Entry]:
        """A picture made from another one's, without a purchase; what is known of it so far."""
        made = Entry(take=self.record.next_take(angle.name), made_by=task, of=entry.take)
        yield from make(self.folder, self.studio, angle.name, made, self.facts(shot), "mending", **options)
        return made

    def _measure(self, angle: Angle, shot: Shot, entry: Entry) -> Steps[Entry]:
        """``entry``, completed with what its picture is like."""
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
            try:
                seen |= yield from measure(self.folder, self.studio, angle.name, entry.take, self.facts(shot))
            except ConsistencyError as error:  # of another aspect, say: paid for, so it is shown to a person
                if isinstance(error, STOPS):
                    raise
                seen |= {"outcome": Outcome.UNSURE, "reason": str(error)}
        entry = entry.completed(**seen)
        self.record.keep(angle.name, entry)
        text = f"{still.name}: {entry.outcome}, {entry.reason}"
        yield Progress(Stage.PHOTOREAL, text, None, angle.name, warning=entry.outcome == Outcome.FAIL)
        return entry

    def facts(self, shot: Shot) -> dict[str, object]:
        """A reference as the image worker takes it."""
        return facts_of(shot, sent=self.settings.is_cut_out)

    def note(self, angle: str, entry: Entry, action: Action) -> None:
        """Have a decision written into the journal."""
        decision = {"action": action.kind, "outcome": entry.outcome, "reason": action.reason}
        key = entry.key or plan.still_key(angle, entry.take)
        self.open_requests.backend.note(key, {"angle": angle, "take": entry.take, **decision})
