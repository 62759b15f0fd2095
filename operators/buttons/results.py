# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the results show: planes in the scene, the clip in the sequencer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ...pipeline import names
from ..display import status
from .operator_base import Button

if TYPE_CHECKING:
    from bpy.types import Context


def planes() -> bpy.types.Collection | None:
    """The collection that holds the stills as planes, None while there is none."""
    found = bpy.data.collections.get(names.RESULTS)
    return found if found is not None and found.objects else None


class CONSISTENCY_OT_toggle_planes(Button, bpy.types.Operator):
    """Show or hide the stills that stand behind the product as planes"""

    bl_idname = "consistency.toggle_planes"
    bl_label = "Planes"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def why_not(cls, _context: Context) -> str | None:
        return None if planes() else "There are no planes yet; run the Results stage first"

    def act(self, _context: Context) -> None:
        found = planes()
        assert found is not None
        found.hide_viewport = not found.hide_viewport


class CONSISTENCY_OT_send_to_sequencer(Button, bpy.types.Operator):
    """Add the clip to the sequencer at the current frame, above what is there"""

    bl_idname = "consistency.send_to_sequencer"
    bl_label = "Send to Sequencer"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        clip = status.of(context).clip
        return None if clip else "There is no clip yet; run the Video stage first"

    def act(self, context: Context) -> set[str] | None:
        from ...studio import compat

        clip = Path(status.of(context).clip)
        if not clip.is_file():
            return self.refuse(f"{clip} is not there any more; make it again")
        scene = compat.sequencer_scene(context)
        strips = compat.strips(scene.sequence_editor_create())
        channel = max((strip.channel for strip in strips), default=0) + 1
        strips.new_movie(clip.stem, str(clip), channel=channel, frame_start=scene.frame_current)
        self.report({"INFO"}, f"{clip.name} is in the sequencer of {scene.name}, channel {channel}")
        return None


CLASSES = (CONSISTENCY_OT_toggle_planes, CONSISTENCY_OT_send_to_sequencer)
