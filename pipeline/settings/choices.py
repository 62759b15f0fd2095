# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Words of options that the program asks about; run.json and the command line have them as they are here."""

from __future__ import annotations

from enum import StrEnum


class BackendName(StrEnum):
    """Who makes stills and clips."""

    FAL = "fal"
    LOCAL = "local"  # this machine: Cycles renders, no AI


class MotionName(StrEnum):
    """What happens in the clip; see ``video.MOTIONS``."""

    TURNTABLE = "turntable"
    LIGHT_SWEEP = "light_sweep"
    DETAIL_REVEAL = "detail_reveal"
    EXACT_TURNTABLE = "exact_turntable"  # rendered here, with the stills' look; nothing is bought
    EXACT_LIGHT_SWEEP = "exact_light_sweep"
    EXACT_DETAIL_REVEAL = "exact_detail_reveal"
    ANCHORED_TURNTABLE = "anchored_turntable"  # pieces between stills, bought, and stitched here to a turn
    NONE = "none"  # there is no clip

    @property
    def is_exact(self) -> bool:
        """Its frames are rendered here, whatever makes the stills, and take over their look."""
        return self in EXACT

    @property
    def needs_all_stills(self) -> bool:
        """It begins once every still is settled, and frames of it take over their look."""
        return self.is_exact or self == MotionName.ANCHORED_TURNTABLE

    @property
    def moves(self) -> MotionName:
        """What moves, whoever makes the frames."""
        return MotionName.TURNTABLE if self == MotionName.ANCHORED_TURNTABLE else EXACT.get(self, self)


EXACT = {
    MotionName.EXACT_TURNTABLE: MotionName.TURNTABLE,
    MotionName.EXACT_LIGHT_SWEEP: MotionName.LIGHT_SWEEP,
    MotionName.EXACT_DETAIL_REVEAL: MotionName.DETAIL_REVEAL,
}


class ClipAlpha(StrEnum):
    """What an exact clip is kept as without its backdrop, beside the MP4."""

    NONE = "none"
    WEBM = "webm"
    PNG = "png"  # a picture for each frame


class DeviceChoice(StrEnum):
    """What Cycles renders with."""

    AUTO = "auto"  # a GPU where there is one
    CPU = "cpu"
    GPU = "gpu"  # an error where there is none


class Quality(StrEnum):
    """How well the references are rendered."""

    DRAFT = "draft"  # to judge light and framing by; nothing is bought from it
    STANDARD = "standard"
    FINAL = "final"


class Restore(StrEnum):
    """Which detail of the render exact mode restores."""

    NONE = "none"
    LABEL = "label"
    EDGES = "edges"
