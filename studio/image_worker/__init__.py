# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Work on finished pixels, in a second Blender without a window, so that the first one never waits for it.

    __init__   ImageWorker: hand over a task, go on yielding until it is done
    child      what the second Blender does: one task after another
    tasks      what can be asked for, by name

A task takes and returns what JSON can hold; pictures travel as files. Without a window there is nobody to keep waiting,
and the task is simply done here: the same function, the same result.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ...pipeline.backend.ports import Task
from ...pipeline.child.connection import Connection
from ...pipeline.errors import ConsistencyError, TryAgainLater
from ...pipeline.json_object import JsonObject
from ...pipeline.stages import Progress, Steps
from .. import compat, second_blender
from ..task_messages import TaskAnswer, TaskRequest, answers


class ImageWorker:
    """One second Blender, started with the first task and gone with ``close``."""

    def __init__(self) -> None:
        self._child: Connection | None = None
        self._asked = 0
        self._answers: dict[int, TaskAnswer] = {}

    def do(self, task: Task, meanwhile: Progress, **job: Any) -> Steps[JsonObject]:
        """The answer of ``tasks.TASKS[task]`` to ``job``. Yields ``meanwhile`` until it is there.

        Raises what the task raised: a ConsistencyError of the same class.
        """
        yield meanwhile
        if compat.in_background():
            return _here(task, job)
        for _ in range(2):  # what killed a child once, memory running out, need not kill the next one
            child = self._open()
            if child is None:
                return _here(task, job)
            answer = yield from self._ask(child, task, meanwhile, job)
            if answer is not None:
                return answer.value_or_raise()
        raise ConsistencyError(
            f"a second Blender died twice over the task '{task}'; free some memory, then resume: nothing paid is lost"
        )

    def _ask(self, child: Connection, task: Task, meanwhile: Progress, job: JsonObject) -> Steps[TaskAnswer | None]:
        """The child's answer; None where it died over the task."""
        self._asked += 1
        number = self._asked
        child.send(TaskRequest(number, task, job).to_json())
        while number not in self._answers:
            for answer in answers(child.read()):
                self._answers[answer.number] = answer
            if child.ended and number not in self._answers:
                self.close()
                return None
            yield meanwhile
        return self._answers.pop(number)

    def _open(self) -> Connection | None:
        """The child; None where none can be started: slower, but the task is done here."""
        if self._child is None:
            try:
                self._child = second_blender.start()
            except TryAgainLater:
                return None
        return self._child

    def close(self) -> None:
        """End the second Blender. What it was doing is given up: its files appear whole or not at all."""
        if self._child is not None:
            self._child.kill()
            self._child = None


def _here(task: Task, job: JsonObject) -> JsonObject:
    tasks = import_module(".tasks", __package__)  # a window, which follows import statements, never needs it
    return dict(tasks.carry_out(task, job))
