"""Work on finished pixels, in a second Blender without a window, so that the first one never waits for it.

    __init__   Darkroom: hand over a task, go on yielding until it is done
    door       what the second Blender runs
    tasks      what can be asked for, by name

A task takes and returns what JSON can hold; pictures travel as files. Without a window there is nobody to keep waiting,
and the task is simply done here: the same function, the same result.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...pipeline import errors
from ...pipeline.connection import Connection
from ...pipeline.errors import ConsistencyError, TryAgainLater
from ...pipeline.stages import Progress, Steps
from .. import compat

DOOR = Path(__file__).with_name("door.py")


class Darkroom:
    """One second Blender, started with the first task and gone with ``close``."""

    def __init__(self) -> None:
        self._child: Connection | None = None
        self._asked = 0
        self._answers: dict[int, dict[str, Any]] = {}

    def do(self, task: str, meanwhile: Progress, **job: Any) -> Steps[dict[str, Any]]:
        """The answer of ``tasks.TASKS[task]`` to ``job``. Yields ``meanwhile`` until it is there.

        Raises what the task raised: a ConsistencyError of the same class.
        """
        yield meanwhile
        answer = None if compat.in_background() else (yield from self._elsewhere(task, meanwhile, job))
        if answer is None:
            from .tasks import TASKS

            return TASKS[task](**job)
        if "error" in answer:
            kind = getattr(errors, answer["error"]["class"], ConsistencyError)
            raise kind(answer["error"]["text"])
        return dict(answer["value"])

    def _elsewhere(self, task: str, meanwhile: Progress, job: dict[str, Any]) -> Steps[dict[str, Any] | None]:
        """The child's answer; None where there is no child to be had, or it died over the task."""
        child = self._open()
        if child is None:
            return None
        self._asked += 1
        number = self._asked
        child.send({"number": number, "task": task, "job": job})
        while number not in self._answers:
            for message in child.read():
                if "number" in message:
                    self._answers[message["number"]] = message
            if child.ended and number not in self._answers:
                self.close()
                return None
            yield meanwhile
        return self._answers.pop(number)

    def _open(self) -> Connection | None:
        if self._child is None:
            try:
                self._child = Connection(compat.second_blender(DOOR), {})
            except TryAgainLater:
                return None  # slower, but done: here
        return self._child

    def close(self) -> None:
        """Let the second Blender leave. What it was doing is given up: its files appear whole or not at all."""
        if self._child is not None:
            self._child.close(patience=0.0)
            self._child = None
