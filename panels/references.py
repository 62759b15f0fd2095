# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""References: the renders that hold the product still, with what is stale."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import bpy

from ..operators.display import status, thumbnails
from ..pipeline.stages import LABELS, ReferenceState, Stage
from ..pipeline.verdicts import Outcome
from .place import Said
from .sidebar import Sidebar
from .stage import StagePanel
from .words import STATE_ICONS

if TYPE_CHECKING:
    from bpy.types import Context, UILayout

PICTURE_SCALE = 6.0  # of a thumbnail, in lines of text
NO_PICTURE = bpy.types.UILayout.bl_rna.functions["label"].parameters["icon"].enum_items["IMAGE_DATA"].value
NOTHING = 0.001  # of a line: Blender takes 0 for "as much as it needs"


class CONSISTENCY_PT_references(StagePanel, bpy.types.Panel):
    bl_label = LABELS[Stage.REFERENCES]
    bl_options = {"DEFAULT_CLOSED"}
    stage = Stage.REFERENCES

    def draw(self, context: Context) -> None:
        layout, now = self.layout, status.of(context)
        draw_pictures(
            layout,
            context,
            "reference",
            lambda shot: "" if shot.state == ReferenceState.RENDERED else shot.state,
        )
        stale = [f"{shot.name}: {shot.why}" for shot in now.shots if shot.state == ReferenceState.STALE]
        hint = Said(f"Stale: {'; '.join(stale)}", "FILE_REFRESH") if stale else None
        self.draw_run(layout, context, hint)


def draw_pictures(layout: UILayout, context: Context, field: str, state: Callable[[Any], str]) -> None:
    """Thumbnails in two columns; each selects its angle, as does the button below it, which shows by its icon how the
    picture stands. Each angle has its place before there is a picture: nothing moves when one arrives."""
    own, shots = context.scene.consistency, status.of(context).shots
    selected = own.angles[own.angle_index].name if 0 <= own.angle_index < len(own.angles) else ""
    flow = layout.grid_flow(row_major=True, columns=2, even_columns=True, even_rows=True, align=True)
    for name in [angle.name for angle in own.angles]:
        shot = shots.get(name)
        cell = flow.column(align=True)
        icon = thumbnails.icon(getattr(shot, field)) if shot is not None else 0
        if icon:
            # Blender's large icons are no buttons: one without a face lies over it.
            picture = cell.column()
            picture.ui_units_y = NOTHING
            picture.template_icon(icon_value=icon, scale=PICTURE_SCALE)
            face = cell.column()
            face.scale_y, face.emboss = PICTURE_SCALE, "NONE"
            face.operator("consistency.select_angle", text="").angle = name
        else:
            cell.template_icon(icon_value=NO_PICTURE, scale=PICTURE_SCALE)
        how = state(shot) if shot is not None else ReferenceState.MISSING
        cell.alert = how == Outcome.FAIL
        button = cell.operator(
            "consistency.select_angle", text=name, icon=STATE_ICONS.get(how, "NONE"), depress=name == selected
        )
        button.angle = name


class CONSISTENCY_PT_references_options(Sidebar, bpy.types.Panel):
    bl_label = "Rendering"
    bl_parent_id = "CONSISTENCY_PT_references"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        layout, own = self.layout, context.scene.consistency
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(own, "samples")
        layout.operator("consistency.refresh", icon="VIEWZOOM")
        if 0 <= own.angle_index < len(own.angles):
            name = own.angles[own.angle_index].name
            button = layout.operator("consistency.run", text=f"Render {name} Again", icon="FILE_REFRESH")
            button.until, button.again, button.angle = "references", True, name


CLASSES = (CONSISTENCY_PT_references, CONSISTENCY_PT_references_options)
