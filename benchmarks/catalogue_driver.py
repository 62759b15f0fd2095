# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""``consistency catalogue`` with a studio that writes small pictures in place of Blender, for benchmarks and engines' tests.

The command, the real fal backend and its child process are the product's own. STAND_IN_SECONDS: what a reference takes;
STAND_IN_BAD and STAND_IN_SLOW: article numbers of a product that can't be rendered, and of one that takes ten times as long.
STAND_IN_TIMES: a file that gets a line for each reference: when it began and ended, by the machine's clock.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from consistency_pipeline import command_line
from consistency_pipeline.command_line import catalogue as catalogue_command
from consistency_pipeline.pipeline.backend.ports import Shot
from consistency_pipeline.pipeline.driver import finish
from consistency_pipeline.pipeline.errors import BadRender
from consistency_pipeline.pipeline.stages import Steps
from tests.pure.stand_in import StandInStudio

TIMES = os.environ.get("STAND_IN_TIMES")
SECONDS = float(os.environ.get("STAND_IN_SECONDS", "0"))


class TimedStudio(StandInStudio):
    """Takes as long as it is told for each reference, and yields meanwhile as a window's render does."""

    def __init__(self, sku: str) -> None:
        super().__init__()
        self._seconds = SECONDS * (10 if sku in os.environ.get("STAND_IN_SLOW", "").split(",") else 1)
        self._is_bad = sku in os.environ.get("STAND_IN_BAD", "").split(",")

    def render_reference(self, *arguments: Any, **options: Any) -> Steps[Shot]:
        if self._is_bad:
            raise BadRender("the picture is black; add a light")
        steps = super().render_reference(*arguments, **options)
        yield next(steps)
        began = time.time()
        shot = finish(steps)
        # A Blender without a window does nothing else while it renders and writes its pictures.
        time.sleep(max(0.0, began + self._seconds - time.time()))
        if TIMES:
            with open(TIMES, "a") as file:  # noqa: PTH123
                print(began, time.time(), file=file)
        return shot


def main() -> None:
    catalogue_command.python_args = command_line.python_args = lambda: ()
    catalogue_command.versions = command_line.versions = dict
    command_line._need_fal = lambda: os.environ["FAL_KEY"]
    command_line._studio_in_turn = lambda: lambda folder: TimedStudio(folder.root.name)
    command_line.entry_point()


if __name__ == "__main__":
    main()
