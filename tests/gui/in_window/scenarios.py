# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is played in the window: the test names a function, and reads what it returns."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
import by_hand
import delivering
import faithful
import first_screen
import hard_use
import interruptions
import journeys
import lamps
import light_board
import others
import tours
from playing import OPTIONS, play

import studio
import surroundings

PLAYED = {
    name: scenario
    for module in (
        by_hand,
        delivering,
        faithful,
        first_screen,
        journeys,
        lamps,
        light_board,
        others,
        interruptions,
        hard_use,
        studio,
        surroundings,
        tours,
    )
    for name, scenario in vars(module).items()
}

if OPTIONS:
    play(PLAYED[OPTIONS["scenario"]]())
