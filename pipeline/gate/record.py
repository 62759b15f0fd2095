"""What a run remembers of its stills' way through the geometry gate: entries in run.json, one per picture of an angle.

An entry is written before its picture is asked for, and completed when it has been measured, so that a resumed run goes on
where it was.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from .. import plan
from ..run.run_folder import RunFolder
from ..settings import RunSettings
from .scoring.ladder import BOUGHT, Action, Attempt, best, headline
from .scoring.verdict import Verdict

# take, made_by; of a purchase: key, why, for; once measured: outcome, reason, cause, numbers, pose, heatmap; of a purchase
# that came to nothing: passed_over
Entry = dict[str, Any]


def subject(angle: str) -> str:
    return f"photoreal/{angle}"


def verdict_of(entry: Entry) -> Verdict:
    return Verdict(entry["outcome"], entry["reason"], entry.get("cause", ""), entry.get("numbers", {}))


def attempts(entries: Iterable[Entry]) -> list[Attempt]:
    """Measured entries as the ladder takes them."""
    return [Attempt(entry["made_by"], verdict_of(entry)) for entry in entries]


def inherited(entry: Entry, made: Entry) -> Entry:
    """``made``, and all else that is known of the picture it was made from; the purchase stays that one's alone."""
    return {**{fact: value for fact, value in entry.items() if fact != "key"}, **made}


class GateRecord:
    """``record["gate"]``: entries by angle; ``record["verdicts"]``: what was decided about the one that is shown."""

    def __init__(self, folder: RunFolder, settings: RunSettings) -> None:
        self.folder = folder
        self.settings = settings

    def all_entries(self, angle: str) -> list[Entry]:
        """Of all rounds, oldest first."""
        entries: list[Entry] = self.folder.record.setdefault("gate", {}).setdefault(subject(angle), [])
        return entries

    def entries(self, angle: str) -> list[Entry]:
        """Of the current round, oldest first."""
        first = self.folder.first_take(subject(angle))
        return [entry for entry in self.all_entries(angle) if entry["take"] >= first]

    def pending(self, angle: str) -> list[Entry]:
        return [entry for entry in self.entries(angle) if "outcome" not in entry]

    def measured(self, angle: str) -> list[Entry]:
        return [entry for entry in self.entries(angle) if "outcome" in entry]

    def history(self, angle: str) -> list[Entry]:
        """Measured entries as the ladder wants them: the best of the first takes last among those, then what followed."""
        measured = self.measured(angle)
        first = [entry for entry in measured if entry["made_by"] == "first"]
        if first:
            top = first[best(attempts(first))]
            first = [*(entry for entry in first if entry is not top), top]
        return [*first, *(entry for entry in measured if entry["made_by"] != "first")]

    def first_keys(self, angle: str) -> dict[int, str]:
        """Take number → key of what was planned for the current round."""
        return plan.still_keys(self.folder, self.settings, angle)

    def next_take(self, angle: str) -> int:
        """A number for another picture of the angle, that nothing has had and nothing planned will have."""
        return max(*self.first_keys(angle), self.folder.next_take(subject(angle)) - 1) + 1

    def retake_keys(self) -> set[str]:
        """Keys of what was asked for in place of stills: in all rounds, and for angles that have been removed as well."""
        entries = itertools.chain.from_iterable(self.folder.record.get("gate", {}).values())
        return {entry["key"] for entry in entries if entry["made_by"] in BOUGHT}

    def keep(self, angle: str, entry: Entry) -> None:
        """Write an entry down, new or completed."""
        entries = self.all_entries(angle)
        if not any(entry is each for each in entries):
            entries.append(entry)
        self.folder.save()

    def chosen(self, angle: str) -> int | None:
        return self.folder.chosen(subject(angle))

    def shown(self, angle: str) -> Entry | None:
        """The entry of the take that is shown, None where the gate has not seen it."""
        entries, chosen = self.all_entries(angle), self.chosen(angle)
        return next((entry for entry in entries if entry["take"] == chosen and "outcome" in entry), None)

    def takes(self) -> dict[str, int | None]:
        """The take that is shown, by angle, of those that have a still."""
        names = [angle.name for angle in self.settings.studio.angles]
        return {name: self.chosen(name) for name in names if self.folder.still(name).is_file()}

    def comparison(self) -> dict[str, Any] | None:
        """What was found when the colours of just these ``takes`` were compared; None where they have not been."""
        takes = self.takes()
        return next((check for check in self.folder.record.get("tints", ()) if check["takes"] == takes), None)

    @property
    def is_settled(self) -> bool:
        """Every angle shows a take, and those were compared: nothing more is going to be bought in place of a still."""
        is_compared = len(self.takes()) < 2 or "did" in (self.comparison() or ())
        return is_compared and all(self.chosen(angle.name) is not None for angle in self.settings.studio.angles)

    def person_chose(self, angle: str) -> bool:
        """The take that is shown is not the one that the gate decided for."""
        verdict = self.folder.record.get("verdicts", {}).get(subject(angle))
        return verdict is not None and self.chosen(angle) not in (None, verdict["take"])

    def settle(self, angle: str, entry: Entry, action: Action, instead_of: int | None = None) -> None:
        """Show an entry's take in place of ``instead_of``, and say why; not where a person has chosen another meanwhile."""
        if self.chosen(angle) not in (None, instead_of):
            return
        verdict = {name: entry.get(name) for name in ("take", "outcome", "heatmap", "made_by")}
        decision = {**verdict, "reason": action.reason, "action": action.kind}
        self.folder.record.setdefault("verdicts", {})[subject(angle)] = decision
        self.folder.choose(subject(angle), entry["take"])

    def refused(self, angle: str) -> Entry | None:
        """The shown entry, where it failed and no person chose it."""
        shown = self.shown(angle)
        return shown if shown is not None and shown["outcome"] == "fail" and not self.person_chose(angle) else None

    def headline(self, angles: Iterable[str]) -> str:
        """The run in one line: "5 of 5 on model", or which one is not and why. Empty where nothing was looked at."""
        shown = {angle: self.shown(angle) for angle in angles}
        if not any(shown.values()):
            return ""
        missing = Verdict("fail", "there is no still that was measured")
        return headline({angle: verdict_of(entry) if entry else missing for angle, entry in shown.items()})
