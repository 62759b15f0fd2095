# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The words of the geometry gate: what is said of a picture, how a picture was made, what is decided about it.

They stand in run.json, the journal and report.json as they are here, so a word may be added, never changed.
"""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """Whether a picture shows the product of its render. *Unsure* is an answer: it can't be told."""

    PASS = "pass"  # noqa: S105 - no password
    UNSURE = "unsure"
    FAIL = "fail"


class Cause(StrEnum):
    """What a repair has to act on."""

    NONE = ""
    BLANK = "blank"
    PRODUCT = "product"
    PLACEMENT = "placement"
    SHAPE = "shape"
    PART = "part"
    VIEW = "view"
    LABEL = "label"
    DETAIL = "detail"  # inside the outline only, where the render's own can take its place
    BACKDROP = "backdrop"
    COVERAGE = "coverage"
    TINT = "tint"
    COLOUR = "colour"  # of one part


class MadeBy(StrEnum):
    """How a still was made."""

    FIRST = "first"  # bought as planned
    REROLL = "reroll"  # bought again with a new seed
    STRICTER = "stricter"  # bought again with a new seed, and the prompt's stricter wording
    DEPTH = "depth"  # bought again from the depth-conditioned endpoint
    UNWARP = "unwarp"  # another one, its product laid back onto its render
    GAIN = "gain"  # another one, its product's colours matched to the other views'
    EXACT = "exact"  # another one, cut out along its render
    FAITHFUL = "faithful"  # another one's light over its render's detail
    LOCAL = "local"  # the render's own finish, in place of one that could not be had


BOUGHT = (MadeBy.REROLL, MadeBy.STRICTER, MadeBy.DEPTH)  # in place of another still
MENDED = (MadeBy.UNWARP, MadeBy.FAITHFUL, MadeBy.EXACT, MadeBy.GAIN)  # here, from another still


class Ruling(StrEnum):
    """How an angle ends: its still is shown as good, or shown for a person to look at."""

    ACCEPT = "accept"
    FLAG = "flag"


class Said(StrEnum):
    """What a person says of a still: it shows the product, or it does not."""

    RIGHT = "right"
    WRONG = "wrong"


class Unsure(StrEnum):
    """What is done with a still of which nothing can be told: shown to a person, trusted, or treated as failed."""

    FLAG = "flag"
    ACCEPT = "accept"
    CLIMB = "climb"


class Witness(StrEnum):
    """Who is asked about a still of which the measures can't tell whether it shows the product."""

    NONE = "none"
    VISION = "vision"  # a vision model at fal.ai; its answer is bought
    OCR = "ocr"  # this machine reads the print
    MATTE = "matte"  # a model at fal.ai says where the product is, whatever is behind it; its answer is bought


class Says(StrEnum):
    """What a second witness says of an unsure still: it shows the same product, or it does not."""

    YES = "yes"
    NO = "no"
    CANT_TELL = "can't tell"
    NOTHING = "no opinion"  # its answer was none


class TintAnswer(StrEnum):
    """What was done about the view whose colours disagree with the others'."""

    NOTHING = "nothing"
    GAIN = "gain"
    REROLL = "reroll"
    FLAG = "flag"
