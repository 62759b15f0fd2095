"""The geometry gate in a run: each still is measured against its render, then accepted, mended, bought again, or flagged.

What a still goes through is written to run.json before it happens, so that a resumed run goes on where it was: an entry
without an outcome is a picture that was asked for and has not been measured. Purchases are known by their keys, as
everywhere, so asking again never pays again. Each decision stands in the journal, with its reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from . import plan
from .errors import BudgetExceeded, Cancelled, ConsistencyError, RunFolderError, TryAgainLater
from .orders import Orders
from .ports import Product, Shot, Studio
from .requests import ClipRequest, StillRequest
from .rig import Angle
from .run_folder import RunFolder
from .scoring.crossview import Tint
from .scoring.ladder import BOUGHT, Action, Attempt, Ladder, best, headline, next_action, next_for_tint
from .scoring.verdict import Verdict
from .settings import Gate, RunSettings
from .spending import Limits, SpendingBook
from .stages import Progress, Steps

MEASURABLE = 256  # pixels of the longer side under which a 3 px tolerance at 1024 is less than a pixel
UNTILTED = {"dx": 0.0, "dy": 0.0, "scale": 1.0, "rotation": 0.0, "pivot": [0.0, 0.0]}

Entry = dict[
    str, Any
]  # take, made_by; key and why of a purchase; outcome, reason, cause, numbers, pose, heatmap once measured


STOPS = (Cancelled, RunFolderError, TryAgainLater)  # what ends the run, whatever it was about


class NotOnModel(ConsistencyError):
    """A clip was not bought, because a still that it starts from does not show the product."""


def ladder_of(gate: Gate) -> Ladder:
    """The rungs in their order, the last one repeated until ``retakes`` is used up."""
    rungs = gate.rungs + gate.rungs[-1:] * max(0, gate.retakes - len(gate.rungs))
    counts = {name: rungs[: gate.retakes].count(name) for name in ("reroll", "stricter", "depth")}
    return Ladder(
        unwarp=gate.unwarp,
        rerolls=counts["reroll"],
        stricter=counts["stricter"],
        depth=counts["depth"],
        local=gate.local,
        unsure=gate.unsure,
        most=gate.retakes,
        tint_rerolls=min(1, gate.retakes),
    )


@dataclass
class Acceptance:
    """The gate of one run. ``advance`` does for one angle whatever can be done now."""

    folder: RunFolder
    settings: RunSettings
    product: Product
    studio: Studio
    orders: Orders

    def __post_init__(self) -> None:
        self.gate = self.settings.gate
        self.ladder = ladder_of(self.gate)

    # what is known

    def entries(self, angle: str) -> list[Entry]:
        """What the current round of an angle has gone through, oldest first."""
        first = self.folder.first_take(_subject(angle))
        return [entry for entry in self._all_entries(angle) if entry["take"] >= first]

    def _all_entries(self, angle: str) -> list[Entry]:
        entries: list[Entry] = self.folder.record.setdefault("gate", {}).setdefault(_subject(angle), [])
        return entries

    def settled(self, angle: str) -> bool:
        """Nothing is left to be done: a take is chosen, or none ended well, or a retake waits for better times."""
        if self.folder.chosen(_subject(angle)) is not None:
            return True
        first, pending = self._first_keys(angle).values(), self._pending(angle)
        if any(key not in self.orders.ended for key in (*first, *(entry["key"] for entry in pending))):
            return False
        return bool(pending) or not any(self.orders.done(key) for key in first)

    def all_settled(self, angles: Iterable[str]) -> bool:
        return all(self.settled(angle) for angle in angles)

    def kept(self, angle: str) -> Entry | None:
        """The entry of the take that is shown, None where the gate has not seen it."""
        chosen = self.folder.chosen(_subject(angle))
        return next(
            (entry for entry in self._all_entries(angle) if entry["take"] == chosen and "outcome" in entry), None
        )

    def refusal(self, angle: str) -> NotOnModel | None:
        """Why no clip may start from an angle's still. A take that a person chose is never refused."""
        verdict = self.folder.record.get("verdicts", {}).get(_subject(angle))
        kept = self.kept(angle)
        if verdict is None or kept is None or kept["take"] != verdict["take"] or kept["outcome"] != "fail":
            return None
        return NotOnModel(
            f"no clip was bought, since {angle} is not on model ({kept['reason']}); choose another take or ask for the "
            "still again, then resume"
        )

    def headline(self) -> str:
        """The run in one line: "5 of 5 on model", or which one is not and why. Empty where nothing was measured."""
        kept = {angle.name: self.kept(angle.name) for angle in self.settings.angles}
        verdicts = {name: _verdict(entry) for name, entry in kept.items() if entry is not None}
        return headline(verdicts) if verdicts else ""

    # one angle

    def advance(self, angle: Angle, shot: Shot) -> Steps[None]:
        """Measure what came in; once all of it has, decide what becomes of the angle, until it is settled or has to wait."""
        name, subject = angle.name, _subject(angle.name)
        if self.folder.chosen(subject) is not None:
            return
        first_keys = self._first_keys(name)
        for entry in self._pending(name):
            if entry["key"] not in self.orders.requests:  # asked for before the run was resumed
                self.orders.start(self._request(angle, shot, entry))
        if not self.gate.enabled:
            self._choose_first(name, first_keys)
            return
        known = {entry["take"] for entry in self.entries(name)}
        for take, key in first_keys.items():
            if self.orders.done(key) and take not in known:
                yield from self._measure(angle, shot, {"take": take, "made_by": "first", "key": key})
        for entry in self._pending(name):
            if self.orders.done(entry["key"]):
                yield from self._measure(angle, shot, entry)
            elif entry["key"] in self.orders.ended:
                self._give_up(entry)
        if any(key not in self.orders.ended for key in first_keys.values()) or self._pending(name):
            return
        while self._measured(name) and self.folder.chosen(subject) is None and not self._pending(name):
            yield from self._decide(angle, shot)

    def _decide(self, angle: Angle, shot: Shot) -> Steps[None]:
        history = self._history(angle.name)
        attempts = [Attempt(entry["made_by"], _verdict(entry)) for entry in history]
        if history[-1].get("for") == "tint" and attempts[-1].verdict.outcome != "pass":
            action = Action("flag", f"{history[-1]['why']}, but the retake is no better; the earlier one is kept", len(history) - 2)  # fmt: skip
        elif attempts[-1].verdict.outcome == "pass":
            action = next_action(attempts, self.ladder)
        else:
            action = next_action(attempts, self.ladder, self._money_left(), self._prices(angle, shot))
        entry = history[-1 if action.keep is None else action.keep]
        self._note(angle.name, entry, action)
        if action.kind in BOUGHT:
            self._buy(angle, shot, action)
        elif action.kind == "unwarp":
            made = {"take": self._next_take(angle.name), "made_by": "unwarp", "of": entry["take"]}
            yield from self._inspect("unwarp", angle, shot, entry, made, pose=entry["pose"])
            yield from self._measure(angle, shot, made)
        elif action.kind == "local":
            made = {"take": self._next_take(angle.name), "made_by": "local"}
            try:
                yield from self.studio.render_finish(angle, self.settings, self.folder.take(angle.name, made["take"]))
            except ConsistencyError as error:
                if isinstance(error, STOPS):
                    raise
                flag = Action("flag", f"{entry['reason']}; {error}", best(attempts))
                self._settle(angle.name, history[best(attempts)], flag)
                return
            yield from self._measure(angle, shot, made)
        else:
            if self.gate.exact and entry["outcome"] == "pass" and entry["made_by"] not in ("local", "exact"):
                entry = yield from self._cut_out(angle, shot, entry)
            self._settle(angle.name, entry, action)

    def _cut_out(self, angle: Angle, shot: Shot, entry: Entry) -> Steps[Entry]:
        """Exact mode: the accepted still along its render's own outline. Its verdict is the one of what was cut."""
        made = {**entry, "take": self._next_take(angle.name), "made_by": "exact", "of": entry["take"]}
        made.pop("key", None)
        yield from self._inspect(
            "exact", angle, shot, entry, made,
            pose=entry["pose"], backdrop=self.settings.backdrop, restore=self.gate.restore,
        )  # fmt: skip
        self._keep(angle.name, made)
        return made

    def _measure(self, angle: Angle, shot: Shot, entry: Entry) -> Steps[None]:
        """Complete ``entry`` with what its picture is like."""
        still, side = self.folder.take(angle.name, entry["take"]), max(self.settings.resolution)
        if self.settings.backend == "local" or entry["made_by"] == "local":
            reason = "this machine's render of the model itself, exact by construction"
            entry |= {"outcome": "pass", "reason": reason, "cause": "", "numbers": {}, "pose": UNTILTED}
        elif side < MEASURABLE:
            entry |= {
                "outcome": "unsure",
                "reason": f"a picture of {side} px is too small to be measured; {MEASURABLE} px are needed",
                "cause": "coverage",
                "numbers": {},
                "pose": UNTILTED,
            }
        else:
            heatmap = self.folder.heatmap(angle.name, entry["take"])
            measuring = Progress("photoreal", "measuring against the render", None, angle.name)
            options = {"still": str(still), "shot": shot_facts(shot), "heatmap": str(heatmap)}
            try:
                entry |= yield from self.studio.inspect("measure", measuring, **options)
                entry["heatmap"] = heatmap.relative_to(self.folder.root).as_posix()
            except ConsistencyError as error:  # of another aspect, say: paid for, so it is shown to a person
                if isinstance(error, STOPS):
                    raise
                entry |= {"outcome": "unsure", "reason": str(error), "cause": "", "numbers": {}, "pose": UNTILTED}
        self._keep(angle.name, entry)
        yield Progress("photoreal", f"{still.name}: {entry['outcome']}, {entry['reason']}", None, angle.name, warning=entry["outcome"] == "fail")  # fmt: skip

    def _inspect(self, task: str, angle: Angle, shot: Shot, source: Entry, made: Entry, **options: Any) -> Steps[None]:
        yield from self.studio.inspect(
            task,
            Progress("photoreal", "mending", None, angle.name),
            still=str(self.folder.take(angle.name, source["take"])),
            shot=shot_facts(shot),
            out=str(self.folder.take(angle.name, made["take"])),
            **options,
        )

    # purchases

    def _buy(self, angle: Angle, shot: Shot, action: Action, purpose: str = "shape") -> None:
        take = self._next_take(angle.name)
        key = plan.still_key(angle.name, take)
        entry = {"take": take, "made_by": action.kind, "key": key, "why": action.reason, "for": purpose}
        self._keep(angle.name, entry)
        self.orders.start(self._request(angle, shot, entry))

    def _request(self, angle: Angle, shot: Shot, entry: Entry) -> StillRequest:
        return plan.retake_request(
            self.folder, self.settings, self.product, angle, shot.files, entry["take"], entry["made_by"]
        )

    def _give_up(self, entry: Entry) -> None:
        """A retake that came to nothing is a rung passed over. One that may yet succeed stays, and the run says so."""
        event = self.orders.ended[entry["key"]]
        if isinstance(event.error, (TryAgainLater, Cancelled)):
            return
        self.orders.forgive(entry["key"])
        reason = "the limit allows no other take" if isinstance(event.error, BudgetExceeded) else event.text
        entry |= {"outcome": "fail", "reason": reason, "cause": "", "numbers": {}, "pose": UNTILTED}
        self.folder.save()

    def _prices(self, angle: Angle, shot: Shot) -> dict[str, float | None]:
        """USD of the next take by rung."""
        return {
            rung: self.orders.backend.quote(
                plan.retake_request(self.folder, self.settings, self.product, angle, shot.files, 99, rung)
            )
            for rung in ("reroll", "stricter", "depth")
        }

    def _money_left(self) -> float | None:
        """USD that retakes may still cost, None for no limit: what was agreed to for the rest of the run is not theirs."""
        settings, purchases = self.settings, self.folder.read_journal().purchases
        left = []
        if self.gate.retake_budget is not None:
            retakes = {
                entry["key"]
                for angle in settings.angles
                for entry in self._all_entries(angle.name)
                if entry["made_by"] in BOUGHT
            }
            spent = sum(attempt.committed_usd for attempt in purchases.attempts if attempt.key in retakes)
            left.append(self.gate.retake_budget - spent)
        limits = Limits(settings.budget, settings.daily_budget, settings.product_budget)
        unspent = SpendingBook().left(self.folder.record["id"], settings.product_name, limits)
        if unspent is not None:
            rest = plan.rest(self.folder, settings, self.product, purchases.by_key)
            left.append(unspent - sum(self.orders.backend.quote(request) or 0.0 for request in rest))
        return max(0.0, min(left)) if left else None

    # all angles

    def compare_tints(self, shots: dict[str, Shot]) -> Steps[None]:
        """Once all stills are settled: the one view whose tint disagrees is corrected, taken again, or flagged."""
        stills = {name: self.folder.still(name) for name in shots if self.folder.still(name).is_file()}
        round_ = {name: self.folder.chosen(_subject(name)) for name in stills}
        checks: list[dict[str, Any]] = self.folder.record.setdefault("tints", [])
        own = self.settings.backend == "local" or not self.gate.enabled or max(self.settings.resolution) < MEASURABLE
        if own or len(stills) < 2 or any(check["takes"] == round_ for check in checks):
            return
        found = yield from self.studio.inspect(
            "tint",
            Progress("photoreal", "comparing the views' colours"),
            stills={name: str(path) for name, path in stills.items()},
            shots={name: shot_facts(shots[name]) for name in stills},
        )
        checks.append({"takes": round_, **found})
        outlier = found["outlier"]
        rerolls = sum(check.get("did") == "reroll" for check in checks)
        entry = self.kept(outlier) if outlier else None
        if entry is None or entry["made_by"] in ("local", "gain"):
            self.folder.save()
            return
        angle, shot = self.settings.angle(outlier), shots[outlier]
        left, price = self._money_left(), self._prices(angle, shot)["reroll"]
        used = sum(each["made_by"] in BOUGHT for each in self.entries(outlier))
        affordable = used < self.gate.retakes and (left is None or (price is not None and price <= left))
        clip = (
            outlier in plan.clip_stills(self.settings) and self.settings.motion != "none"
        )  # the clip shows it already
        tint = Tint((), {}, {}, outlier, found["action"], found["reason"])
        action = next_for_tint(tint, rerolls, self.ladder, affordable and not clip)
        checks[-1]["did"] = action.kind
        self._note(outlier, entry, action)
        if action.kind == "gain":
            made = {**entry, "take": self._next_take(outlier), "made_by": "gain", "of": entry["take"]}
            made.pop("key", None)
            yield from self._inspect("gain", angle, shot, entry, made, factors=found["gains"][outlier])
            self._keep(outlier, made)
            self._settle(outlier, made, action)
        elif action.kind == "reroll":
            self.folder.record["chosen"].pop(_subject(outlier), None)
            self._buy(angle, shot, action, purpose="tint")
        else:
            entry |= {"outcome": "unsure", "reason": action.reason, "cause": "tint"}
        self.folder.save()

    def follow(self, clip: ClipRequest, shot: Shot) -> Steps[None]:
        """Follow the product through a bought clip, once: how long it stays the product. A clip is never bought again unasked."""
        tracks: dict[str, Any] = self.folder.record.setdefault("tracks", {})
        if self.settings.backend == "local" or not self.gate.enabled or clip.key in tracks or not clip.out.is_file():
            return
        if clip.motion == "detail_reveal":
            found: dict[str, Any] = {"outcome": "unsure", "reason": "a camera that moves in is not followed"}
        elif max(self.settings.resolution) < MEASURABLE:
            found = {"outcome": "unsure", "reason": f"the still it started from is under {MEASURABLE} px"}
        else:
            following = Progress("video", "following the product through the clip", None, clip.angle.name)
            drifted = clip.out.with_name(f"{clip.out.stem.replace('.take-', '.drift-')}.png")
            options = {"clip": str(clip.out), "shot": shot_facts(shot), "still_camera": clip.motion == "light_sweep"}
            try:
                found = yield from self.studio.inspect("track", following, drifted=str(drifted), **options)
                if found["outcome"] == "fail":
                    found["frame"] = drifted.relative_to(self.folder.root).as_posix()
            except ConsistencyError as error:
                if isinstance(error, STOPS):
                    raise
                found = {"outcome": "unsure", "reason": str(error)}
        tracks[clip.key] = found
        self.folder.save()
        yield Progress("video", f"{clip.out.name}: {found['outcome']}, {found['reason']}", None, clip.angle.name, warning=found["outcome"] == "fail")  # fmt: skip

    # bookkeeping

    def _first_keys(self, angle: str) -> dict[int, str]:
        return plan.still_keys(self.folder, self.settings, angle)

    def _pending(self, angle: str) -> list[Entry]:
        return [entry for entry in self.entries(angle) if "outcome" not in entry]

    def _measured(self, angle: str) -> list[Entry]:
        return [entry for entry in self.entries(angle) if "outcome" in entry]

    def _history(self, angle: str) -> list[Entry]:
        """Measured entries as the ladder wants them: the best of the first takes last among those, then what followed."""
        measured = self._measured(angle)
        first = [entry for entry in measured if entry["made_by"] == "first"]
        attempts = [Attempt("first", _verdict(entry)) for entry in first]
        top = first[best(attempts)] if first else None
        return [entry for entry in first if entry is not top] + ([top] if top else []) + [
            entry for entry in measured if entry["made_by"] != "first"
        ]  # fmt: skip

    def _next_take(self, angle: str) -> int:
        taken = [*self._first_keys(angle), *(entry["take"] for entry in self._all_entries(angle))]
        return max(taken) + 1

    def _keep(self, angle: str, entry: Entry) -> None:
        entries = self._all_entries(angle)
        if entry not in entries:
            entries.append(entry)
        self.folder.save()

    def _settle(self, angle: str, entry: Entry, action: Action) -> None:
        verdict = {name: entry.get(name) for name in ("take", "outcome", "heatmap", "made_by")}
        self.folder.record.setdefault("verdicts", {})[_subject(angle)] = {**verdict, "reason": action.reason, "action": action.kind}  # fmt: skip
        self.folder.choose(_subject(angle), entry["take"])

    def _choose_first(self, angle: str, keys: dict[int, str]) -> None:
        for take, key in keys.items():
            if self.orders.done(key):
                self.folder.choose(_subject(angle), take)
                return

    def _note(self, angle: str, entry: Entry, action: Action) -> None:
        self.orders.backend.note(
            entry.get("key") or plan.still_key(angle, entry["take"]),
            {"angle": angle, "take": entry["take"], "action": action.kind, "outcome": entry["outcome"], "reason": action.reason},
        )  # fmt: skip


def shot_facts(shot: Shot) -> dict[str, Any]:
    """A reference as the darkroom takes it."""
    files = {name: str(path) for name, path in shot.files.items()}
    return {"files": files, "matrix_world": shot.matrix_world, "projection": shot.projection}


def _subject(angle: str) -> str:
    return f"photoreal/{angle}"


def _verdict(entry: Entry) -> Verdict:
    return Verdict(entry["outcome"], entry["reason"], entry.get("cause", ""), entry.get("numbers", {}))
