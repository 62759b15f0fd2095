"""What a run remembers of its stills' way through the geometry gate: entries in run.json, one per picture of an angle.

An entry is written before its picture is asked for, and completed when it has been measured, so that a resumed run goes on
where it was.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from . import plan
from .run_folder import RunFolder
from .scoring.ladder import Action, Attempt, best, headline
from .scoring.verdict import Verdict
from .settings import RunSettings

# take, made_by; of a purchase: key, why, for; once measured: outcome, reason, cause, numbers, pose, heatmap; of a purchase
# that came to nothing: passed_over
Entry = dict[str, Any]


def subject(angle: str) -> str:
    return f"photoreal/{angle}"


def verdict_of(entry: Entry) -> Verdict:
    return Verdict(entry["outcome"], entry["reason"], entry.get("cause", ""), entry.get("numbers", {}))


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
            top = first[best([Attempt("first", verdict_of(entry)) for entry in first])]
            first = [*(entry for entry in first if entry is not top), top]
        return [*first, *(entry for entry in measured if entry["made_by"] != "first")]

    def first_keys(self, angle: str) -> dict[int, str]:
        """Take number → key of what was planned for the current round."""
        return plan.still_keys(self.folder, self.settings, angle)

    def next_take(self, angle: str) -> int:
        return max([*self.first_keys(angle), *(entry["take"] for entry in self.all_entries(angle))]) + 1

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

    def settle(self, angle: str, entry: Entry, action: Action) -> None:
        """Show an entry's take, and say why."""
        verdict = {name: entry.get(name) for name in ("take", "outcome", "heatmap", "made_by")}
        decision = {**verdict, "reason": action.reason, "action": action.kind}
        self.folder.record.setdefault("verdicts", {})[subject(angle)] = decision
        self.folder.choose(subject(angle), entry["take"])

    def refused(self, angle: str) -> Entry | None:
        """The shown entry, where it failed and no person chose it."""
        verdict, shown = self.folder.record.get("verdicts", {}).get(subject(angle)), self.shown(angle)
        if verdict is None or shown is None or shown["take"] != verdict["take"]:
            return None
        return shown if shown["outcome"] == "fail" else None

    def headline(self, angles: Iterable[str]) -> str:
        """The run in one line: "5 of 5 on model", or which one is not and why. Empty where nothing was measured."""
        shown = {angle: self.shown(angle) for angle in angles}
        verdicts = {angle: verdict_of(entry) for angle, entry in shown.items() if entry is not None}
        return headline(verdicts) if verdicts else ""
