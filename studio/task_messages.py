# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes between Blender and its second one, one JSON object a line: tasks, an answer to each, and what is logged there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass

from ..pipeline.backend.ports import Task
from ..pipeline.errors import ConsistencyError, from_json, to_json
from ..pipeline.json_object import JsonObject
from ..pipeline.run.run_log import Forwarding, take_forwarded


@dataclass(frozen=True)
class TaskRequest:
    """``job``: the task's arguments, as JSON can hold them."""

    number: int
    task: Task
    job: JsonObject

    def to_json(self) -> JsonObject:
        return {"number": self.number, "task": self.task, "job": self.job}

    @classmethod
    def from_json(cls, line: JsonObject) -> TaskRequest:
        return cls(line["number"], Task(line["task"]), line["job"])


@dataclass(frozen=True)
class TaskAnswer:
    """To the request of that ``number``: what the task returned, or the error that it raised."""

    number: int
    value: Mapping[str, object] | None = None
    error: ConsistencyError | None = None

    def to_json(self) -> JsonObject:
        told = {"error": to_json(self.error)} if self.error is not None else {"value": self.value}
        return {"number": self.number, **told}

    @classmethod
    def from_json(cls, line: JsonObject) -> TaskAnswer:
        return cls(line["number"], line.get("value"), from_json(line["error"]) if "error" in line else None)

    def value_or_raise(self) -> JsonObject:
        if self.error is not None:
            raise self.error
        return dict(self.value or {})


@dataclass(frozen=True)
class TaskLogged:
    """A record for the run's log, which the first Blender writes. ``name``: the logger, below the package."""

    level: int
    name: str
    text: str

    def to_json(self) -> JsonObject:
        return {"log": asdict(self)}


def forwarding(say: Callable[[JsonObject], object]) -> Forwarding:
    """For the second Blender: hands what is logged there to ``say``, as a line for the first one."""
    return Forwarding(lambda level, name, text: say(TaskLogged(level, name, text).to_json()))


def answers(lines: Iterable[JsonObject]) -> Iterator[TaskAnswer]:
    """The answers among what the second Blender said; what it logged goes to this one's log."""
    for line in lines:
        if "log" in line:
            logged = TaskLogged(**line["log"])
            take_forwarded(logged.level, logged.name, logged.text)
        elif "number" in line:
            yield TaskAnswer.from_json(line)
