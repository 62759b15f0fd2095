# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the second Blender does: one task for each line on standard input, until it ends."""

from __future__ import annotations

import json
import os
import queue
import threading
from typing import IO

from ...pipeline.child.connection import FINISH
from ...pipeline.errors import ConsistencyError
from ...pipeline.json_object import JsonObject
from ...pipeline.run.run_log import listening
from ..task_messages import TaskAnswer, TaskRequest, forwarding
from . import tasks


def main(_hello: JsonObject, commands: IO[str], out: IO[str]) -> None:
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(commands, lines), daemon=True).start()

    def say(line: JsonObject) -> None:
        print(json.dumps(line), file=out, flush=True)

    with listening(forwarding(say)):
        while (command := json.loads(lines.get())) != FINISH:
            say(_answer(TaskRequest.from_json(command)).to_json())


def _listen(commands: IO[str], lines: queue.SimpleQueue[str]) -> None:
    """Besides the task at hand: where the first Blender dies, so does this one, and not only after a minute's work.

    All that the thread does is to wait at a pipe, which Blender doesn't notice.
    """
    for line in commands:
        lines.put(line)
    os._exit(0)  # what is being written appears whole or not at all


def _answer(request: TaskRequest) -> TaskAnswer:
    try:
        return TaskAnswer(request.number, tasks.carry_out(request.task, request.job))
    except ConsistencyError as error:
        return TaskAnswer(request.number, error=error)
