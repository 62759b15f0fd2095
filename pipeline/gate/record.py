# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run remembers of its stills' way through the geometry gate, seen by angle; run.record has the facts themselves."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace

from .. import plan
from ..run.record import Decision, Entry, Opinion, TintCheck
from ..run.run_folder import RunFolder
from ..settings.groups import RunSettings
from ..verdicts import BOUGHT, MadeBy, Outcome, Said, Says
from .scoring.ladder import Action, Attempt, best, headline
from .scoring.verdict import Verdict
from .witness import in_words


def subject(angle: str) -> str:
    return f"photoreal/{angle}"


def verdict_of(entry: Entry) -> Verdict:
    """Of a measured entry."""
    assert entry.outcome is not None
    return Verdict(entry.outcome, entry.reason, entry.cause, entry.numbers)


OWN_FINISH = "the render's own finish, since no still that was bought is right"
CHECKED = {Outcome.PASS: "on model", Outcome.UNSURE: "to look at", Outcome.FAIL: "off model"}


def in_force(outcome: Outcome, reason: str, opinion: Opinion | None) -> tuple[Outcome, str]:
    """The check's outcome and reason, or a person's word in their place, with what the check said where it differs."""
    if opinion is None or opinion.said is None:
        return outcome, reason
    said = Outcome.PASS if opinion.said == Said.RIGHT else Outcome.FAIL
    other = "" if said == outcome else f" (the check: {CHECKED[outcome]}{f', {reason}' if reason else ''})"
    return said, f"you said: {opinion.said}{other}"


def attempts(entries: Iterable[Entry]) -> list[Attempt]:
    """Measured entries as the ladder takes them."""
    return [Attempt(each.made_by, verdict_of(each), each.second.says if each.second else None) for each in entries]


class GateRecord:
    """A run's gate entries and decisions, by angle."""

    def __init__(self, folder: RunFolder, settings: RunSettings) -> None:
        self.folder = folder
        self.settings = settings

    def entries(self, angle: str) -> list[Entry]:
        """Of the current round, oldest first."""
        first = self.folder.first_take(subject(angle))
        return [entry for entry in self.folder.entries(subject(angle)) if entry.take >= first]

    def pending(self, angle: str) -> list[Entry]:
        return [entry for entry in self.entries(angle) if entry.outcome is None]

    def measured(self, angle: str) -> list[Entry]:
        return [entry for entry in self.entries(angle) if entry.outcome is not None]

    def history(self, angle: str) -> list[Entry]:
        """Measured entries as the ladder wants them: the best of the first takes last among those, then what followed."""
        measured = self.measured(angle)
        first = [entry for entry in measured if entry.made_by == MadeBy.FIRST]
        if first:
            top = first[best(attempts(first))]
            first = [*(entry for entry in first if entry is not top), top]
        return [*first, *(entry for entry in measured if entry.made_by != MadeBy.FIRST)]

    def first_keys(self, angle: str) -> dict[int, str]:
        """Take number → key of what was planned for the current round."""
        return plan.still_keys(self.folder, self.settings, angle)

    def next_take(self, angle: str) -> int:
        """A number for another picture of the angle, that nothing has had and nothing planned will have."""
        return max(*self.first_keys(angle), self.folder.next_take(subject(angle)) - 1) + 1

    def retake_keys(self) -> set[str]:
        """Keys of what was asked for in place of stills: in all rounds, and for angles that have been removed as well."""
        entries = itertools.chain.from_iterable(self.folder.all_entries.values())
        return {entry.key for entry in entries if entry.made_by in BOUGHT}

    def opinion_keys(self) -> set[str]:
        """Keys of the second opinions that were asked for, in all rounds."""
        entries = itertools.chain.from_iterable(self.folder.all_entries.values())
        return {entry.second.key for entry in entries if entry.second is not None and entry.second.key}

    def keep(self, angle: str, entry: Entry) -> None:
        """Write an entry down, new or completed."""
        self.folder.keep_entry(subject(angle), entry)

    def chosen(self, angle: str) -> int | None:
        return self.folder.chosen(subject(angle))

    def shown(self, angle: str) -> Entry | None:
        """The entry of the take that is shown, None where the gate has not seen it."""
        entries, chosen = self.folder.entries(subject(angle)), self.chosen(angle)
        return next((entry for entry in entries if entry.take == chosen and entry.outcome is not None), None)

    def takes(self) -> dict[str, int | None]:
        """The take that is shown, by angle, of those that have a still."""
        names = [angle.name for angle in self.settings.studio.angles]
        return {name: self.chosen(name) for name in names if self.folder.still(name).is_file()}

    def comparison(self) -> TintCheck | None:
        """What was found when the colours of just these ``takes`` were compared; None where they have not been."""
        takes = self.takes()
        return next((check for check in self.folder.tint_checks if check.takes == takes), None)

    @property
    def is_settled(self) -> bool:
        """Every angle shows a take, and those were compared: nothing more is going to be bought in place of a still."""
        check = self.comparison()
        is_compared = len(self.takes()) < 2 or (check is not None and check.did is not None)
        return is_compared and all(self.chosen(angle.name) is not None for angle in self.settings.studio.angles)

    def opinion(self, angle: str) -> Opinion | None:
        """A person's word on the take that is shown."""
        return self.folder.opinion(subject(angle), self.chosen(angle))

    def person_chose(self, angle: str) -> bool:
        """The take that is shown is not the one that the gate decided for, or a person said that it is right."""
        decision, opinion = self.folder.decision(subject(angle)), self.opinion(angle)
        if opinion is not None:
            return opinion.said == Said.RIGHT
        return decision is not None and self.chosen(angle) not in (None, decision.take)

    def settle(self, angle: str, entry: Entry, action: Action, instead_of: int | None = None) -> None:
        """Show an entry's take in place of ``instead_of``, and say why; not where a person has chosen another meanwhile."""
        if self.chosen(angle) not in (None, instead_of):
            return
        decision = Decision(
            take=entry.take,
            outcome=entry.outcome,
            heatmap=entry.heatmap,
            made_by=entry.made_by,
            reason=action.reason,
            action=action.kind,
            **{name: getattr(entry, name) for name in ("faithful", "second") if getattr(entry, name) is not None},
        )
        self.folder.choose(subject(angle), entry.take, decision)

    def refused(self, angle: str) -> str:
        """Why the take that is shown shows another product, or "": a person said so; or no person chose it, and it failed, or
        it is unsure and a second witness says so."""
        shown, opinion = self.shown(angle), self.opinion(angle)
        if opinion is not None and opinion.said == Said.WRONG:
            return in_force(Outcome.FAIL, "", opinion)[1]
        if shown is None or self.person_chose(angle):
            return ""
        if shown.outcome == Outcome.UNSURE and shown.second is not None and shown.second.says == Says.NO:
            return in_words(shown.second)
        return shown.reason if shown.outcome == Outcome.FAIL else ""

    def headline(self, angles: Iterable[str]) -> str:
        """The run in one line: "5 of 5 on model", or which one is not and why, and which one is not what was bought. Empty where
        nothing was looked at."""
        shown = {angle: self.shown(angle) for angle in angles}
        if not any(shown.values()):
            return ""
        verdicts, by_word = {}, []
        for angle, entry in shown.items():
            verdicts[angle] = (
                verdict_of(entry) if entry else Verdict(Outcome.FAIL, "there is no still that was measured")
            )
            outcome, reason = in_force(verdicts[angle].outcome, verdicts[angle].reason, self.opinion(angle))
            verdicts[angle] = replace(verdicts[angle], outcome=outcome, reason=reason)
            if outcome == Outcome.PASS and entry is not None and entry.outcome != Outcome.PASS:
                by_word.append(f"{angle}: {reason}")
        local = [angle for angle, entry in shown.items() if entry is not None and entry.made_by == MadeBy.LOCAL]
        own = [f"{', '.join(local)}: {OWN_FINISH}"] if local else []
        return "; ".join([headline(verdicts), *by_word, *own])
