"""Where the results show: planes in the scene, the clip in the sequencer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from . import reasons, status

if TYPE_CHECKING:
    from bpy.types import Context


def planes() -> bpy.types.Collection | None:
    """The collection that holds the stills as planes, None while there is none."""
    found = bpy.data.collections.get("Consistency Results")  # studio.names.RESULTS, without importing the studio
    return found if found is not None and found.objects else None


class CONSISTENCY_OT_toggle_planes(bpy.types.Operator):
    """Show or hide the stills that stand behind the product as planes"""

    bl_idname = "consistency.toggle_planes"
    bl_label = "Planes"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, _context: Context) -> bool:
        return reasons.refuse(cls, None if planes() else "There are no planes yet; run the Results stage first")

    def execute(self, _context: Context) -> set[str]:
        found = planes()
        assert found is not None
        found.hide_viewport = not found.hide_viewport
        return {"FINISHED"}


class CONSISTENCY_OT_send_to_sequencer(bpy.types.Operator):
    """Add the clip to the sequencer at the current frame, above what is there"""

    bl_idname = "consistency.send_to_sequencer"
    bl_label = "Send to Sequencer"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        clip = status.of(context).clip
        return reasons.refuse(cls, None if clip else "There is no clip yet; run the Video stage first")

    def execute(self, context: Context) -> set[str]:
        from ...studio import compat

        clip = Path(status.of(context).clip)
        if not clip.is_file():
            self.report({"ERROR"}, f"{clip} is not there any more; make it again")
            return {"CANCELLED"}
        scene = compat.sequencer_scene(context)
        strips = compat.strips(scene.sequence_editor_create())
        channel = max((strip.channel for strip in strips), default=0) + 1
        strips.new_movie(clip.stem, str(clip), channel=channel, frame_start=scene.frame_current)
        self.report({"INFO"}, f"{clip.name} is in the sequencer of {scene.name}, channel {channel}")
        return {"FINISHED"}


CLASSES = (CONSISTENCY_OT_toggle_planes, CONSISTENCY_OT_send_to_sequencer)
