# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes between Blender and its second one, one JSON object a line: tasks, and an answer to each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..pipeline.errors import ConsistencyError, from_json, to_json
from ..pipeline.json_object import JsonObject


@dataclass(frozen=True)
class TaskRequest:
    """``task``: a name of ``image_worker.tasks.TASKS``; ``job``: its arguments, as JSON can hold them."""

    number: int
    task: str
    job: JsonObject

    def to_json(self) -> JsonObject:
        return {"number": self.number, "task": self.task, "job": self.job}

    @classmethod
    def from_json(cls, line: JsonObject) -> TaskRequest:
        return cls(line["number"], line["task"], line["job"])


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
    def from_json(cls, line: JsonObject) -> TaskAnswer | None:
        """None for what is no answer."""
        if "number" not in line:
            return None
        return cls(line["number"], line.get("value"), from_json(line["error"]) if "error" in line else None)

    def value_or_raise(self) -> JsonObject:
        if self.error is not None:
            raise self.error
        return dict(self.value or {})
