# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the operators behind the buttons share: when they can't be pressed, how they end, and how an error is told."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import bpy

from ...pipeline.errors import Cancelled, ConsistencyError
from ...pipeline.wording.program import SHORT_NAME
from ..display import reasons, status
from ..runs import questions

if TYPE_CHECKING:
    from bpy.types import Context, Event

    from ...fal_backend.child.questions import Question

TICK = 0.03  # seconds between two looks at what goes on


def sentence(text: str) -> str:
    """With a capital, unless it begins with a name: fal.ai, or a file's."""
    return f"{text[:1].upper()}{text[1:]}" if text.partition(" ")[0].rstrip(",;:").isalpha() else text


def loud() -> Literal["ERROR", "WARNING"]:
    """How an error is reported that a panel shows as well."""
    return "ERROR" if bpy.app.background else "WARNING"


def say_error(operator: bpy.types.Operator, error: BaseException, at: str = "") -> None:
    """Keep it readable with its cure, in the panel whose button was pressed: ``at``, a stage or "costs"; "": at the top.

    A script gets it as an exception. A window doesn't: Blender would lay a box with it over the button.
    """
    now = status.of()
    cancelled = isinstance(error, Cancelled)
    text = str(error) if isinstance(error, ConsistencyError) else f"An unforeseen {type(error).__name__}: {error}"
    text = sentence(text)
    if cancelled:
        now.note, now.error, now.details = text, "", ""
    else:
        now.error, now.error_at = text, at
        now.details = "".join(traceback.format_exception(error))
    operator.report({"INFO" if cancelled else loud()}, text)


def push_undo(step: str) -> None:
    """A step of the undo history, named as ours."""
    bpy.ops.ed.undo_push(message=f"{SHORT_NAME}: {step}")


def attempt(operator: Any, act: Callable[[], set[str] | None], at: str = "") -> set[str]:
    """What ``act`` returns, FINISHED where it returns nothing; CANCELLED, with the error told, where it raises a
    ConsistencyError."""
    try:
        return act() or {"FINISHED"}
    except ConsistencyError as error:
        say_error(operator, error, at)
        return {"CANCELLED"}


class Button:
    """An operator that does one thing, at once: ``act``. ``why_not`` keeps it from being pressed."""

    error_at = ""  # the panel that tells its errors: a stage or "costs"; empty: the topmost

    @classmethod
    def why_not(cls, _context: Context) -> str | None:
        """Why it can't be pressed now, and the cure, in one sentence; None where it can."""
        return None

    @classmethod
    def poll(cls, context: Context) -> bool:
        return reasons.refuse(cls, cls.why_not(context))  # type: ignore[arg-type]

    def act(self, context: Context) -> set[str] | None:
        """Do it; None: it is done. Raises ConsistencyError."""
        raise NotImplementedError

    def execute(self, context: Context) -> set[str]:
        return attempt(self, lambda: self.act(context), self.error_at)

    def refuse(self, reason: str) -> set[str]:
        """Say, in a box at the mouse, why nothing was done: for what no panel shows. What ``act`` returns then."""
        self.report({"ERROR"}, reason)
        return {"CANCELLED"}


class TimedModal:
    """A modal operator on a timer that is always removed, in one place, however the operator ends."""

    _timer: Any = None

    def start_timer(self, context: Context) -> set[str]:
        self._timer = context.window_manager.event_timer_add(TICK, window=context.window)
        context.window_manager.modal_handler_add(self)  # type: ignore[arg-type]
        return {"RUNNING_MODAL"}

    def stop_timer(self, context: Context) -> None:
        if self._timer is not None:
            context.window_manager.event_timer_remove(self._timer)
            self._timer = None
        if context.workspace is not None:
            context.workspace.status_text_set(None)
        status.redraw()


class Questioning(TimedModal, Button):
    """Asks fal.ai a ``question``; the window goes on meanwhile. ``answered`` or ``refused`` says how it ends."""

    _question: Any = None  # Blender evaluates a class's annotations when it registers it: its type is not imported then

    def question(self, context: Context) -> Question[Any]:
        raise NotImplementedError

    def answered(self, context: Context, answer: Any) -> set[str]:
        raise NotImplementedError

    def refused(self, error: ConsistencyError) -> set[str]:
        say_error(self, error, self.error_at)  # type: ignore[arg-type]
        return {"CANCELLED"}

    def execute(self, context: Context) -> set[str]:
        try:
            answer = questions.finish(self.question(context))
        except ConsistencyError as error:
            return self.refused(error)
        return self.answered(context, answer)

    def invoke(self, context: Context, _event: Event) -> set[str]:
        return self.start_timer(context)

    def modal(self, context: Context, event: Event) -> set[str]:
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        if self._question is None:  # not before: an undo since the button was pressed has made the scene another
            self._question = self.question(context)
        try:
            next(self._question)
        except StopIteration as done:
            self.stop_timer(context)
            return self.answered(context, done.value)
        except ConsistencyError as error:
            self.stop_timer(context)
            return self.refused(error)
        return {"PASS_THROUGH"}

    def cancel(self, context: Context) -> None:
        self.stop_timer(context)
        if self._question is not None:
            self._question.close()
