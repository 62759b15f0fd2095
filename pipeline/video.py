# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Motions as data: what a clip shows, in words for a video model and in numbers for the local turntable.

An exact clip is rendered, so that it needs no words; the words of an anchored one are those of its pieces.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from .backend.ports import Product
from .settings.choices import MotionName
from .settings.groups import RunSettings

RATE = 24  # frames a second of this machine's own clips
LONGEST_REFLECTIVE = 4.0  # seconds; reflections are what video models lose first
AVOID = "blur, shaky camera, distortion, morphing, changing shape, flickering, artifacts, text changes, extra objects"


@dataclass(frozen=True)
class Motion:
    """``prompt``, or for mirror-like products the slower ``reflective_prompt``, goes to the video model."""

    label: str
    prompt: str
    reflective_prompt: str


MOTIONS: dict[str, Motion] = {
    "turntable": Motion(
        label="Turntable",
        prompt="The product turns slowly and smoothly on a turntable, a full rotation at constant speed. The camera is "
        "locked off. Studio product photography; the product is rigid and its shape, label and materials stay the same.",
        reflective_prompt="The product turns very slowly, a small part of a rotation at constant speed. The camera is "
        "locked off. Reflections and refractions glide calmly; the product is rigid and its shape and label stay the same.",
    ),
    "light_sweep": Motion(
        label="Light Sweep",
        prompt="A soft studio light sweeps slowly across the product's surface from left to right, highlights gliding "
        "along its shape. The camera and the product stand perfectly still.",
        reflective_prompt="A large soft light moves very slowly across the product, one calm highlight gliding along its "
        "edges. The camera and the product stand perfectly still.",
    ),
    "detail_reveal": Motion(
        label="Detail Reveal",
        prompt="A slow, smooth macro push-in towards the product's surface detail, shallow depth of field, studio "
        "light. The product is rigid and stands still.",
        reflective_prompt="A very slow, short push-in towards the product, studio light. The product is rigid and stands "
        "still; reflections stay calm.",
    ),
    "anchored_turntable": Motion(
        label="Anchored Turntable",
        prompt="The camera moves slowly, smoothly and at constant speed around the standing product, by {degrees:.0f} degrees "
        "to its right, from the first picture to the last. Studio product photography; the product is rigid and its shape, "
        "label and materials stay the same.",
        reflective_prompt="The camera moves very slowly, at constant speed, around the standing product, by {degrees:.0f} "
        "degrees to its right, from the first picture to the last. Reflections and refractions glide calmly; the product is "
        "rigid and its shape and label stay the same.",
    ),
}


def piece_prompt(product: Product, degrees: float) -> str:
    """Of one piece of an anchored clip."""
    motion = MOTIONS[MotionName.ANCHORED_TURNTABLE]
    return (motion.reflective_prompt if product.reflective else motion.prompt).format(degrees=degrees)


def clip_prompt(settings: RunSettings, product: Product) -> str:
    if settings.clip.motion not in MOTIONS or settings.clip.motion.needs_all_stills:
        return ""
    motion = MOTIONS[settings.clip.motion]
    return motion.reflective_prompt if product.reflective else motion.prompt


def clip_duration(settings: RunSettings, product: Product) -> float:
    """Seconds. Mirror-like products get the shorter clip, where a video model makes it."""
    if not settings.clip.is_bought or settings.clip.motion.needs_all_stills:
        return settings.clip.duration
    return min(settings.clip.duration, LONGEST_REFLECTIVE) if product.reflective else settings.clip.duration


def frames_of(duration: float) -> int:
    """Frames of a clip that this machine renders for a model to follow: at least ``duration`` seconds of ``RATE``, and one more
    than a multiple of 8, which is what such models make (their latents hold 8 frames, or 4, and the first)."""
    return 8 * math.ceil(duration * RATE / 8.0) + 1


def degrees_of_turn(motion: str, product: Product) -> float | None:
    """Degrees of yaw that the clip's prompt asks of the product from its first frame to its last; None: no certain number."""
    if MotionName(motion).moves == MotionName.LIGHT_SWEEP:
        return 0.0
    if motion in (MotionName.EXACT_TURNTABLE, MotionName.ANCHORED_TURNTABLE):
        return 360.0
    return 360.0 if motion == MotionName.TURNTABLE and not product.reflective else None
