# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Photoreal: the stills, their takes, and what is sent to make them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ..operators.buttons.viewing.opinion import WORDS
from ..operators.display import status
from ..operators.editing import scene_settings
from ..pipeline.settings.choices import BackendName, Restore
from ..pipeline.stages import LABELS, Stage
from ..pipeline.verdicts import Outcome
from .faithful import draw_faithful
from .place import Said, place
from .references import draw_pictures
from .sidebar import Sidebar
from .stage import StagePanel, any_endpoint, endpoint_choice, parameters
from .words import STATE_ICONS, limit, message

if TYPE_CHECKING:
    from bpy.types import Context, UILayout


OUTCOMES = {Outcome.PASS: "On model", Outcome.UNSURE: "Look at it", Outcome.FAIL: "Off model"}


class CONSISTENCY_PT_photoreal(StagePanel, bpy.types.Panel):
    bl_label = LABELS[Stage.PHOTOREAL]
    bl_options = {"DEFAULT_CLOSED"}
    stage = Stage.PHOTOREAL

    def draw(self, context: Context) -> None:
        layout, own = self.layout, context.scene.consistency
        if scene_settings.chosen_backend(context.scene) == BackendName.LOCAL:
            message(layout, "This machine renders the stills: no AI", icon="INFO")
        else:
            endpoint_choice(layout, own, "photoreal", "image_endpoint")
            layout.operator("consistency.try_others", icon="IMAGE_REFERENCE")
            layout.prop(own, "prompt", text="", placeholder="What the product is")
            row = layout.row(align=True)
            row.prop(own, "takes")
            row.prop(own, "cover")
            seed = layout.row(align=True)
            field = seed.row(align=True)
            field.active = own.seed_lock
            field.prop(own, "seed")
            seed.prop(own, "seed_lock", text="", icon="LOCKED" if own.seed_lock else "UNLOCKED")
        draw_pictures(layout, context, "still", lambda shot: "" if shot.outcome == Outcome.PASS else shot.outcome)
        self.draw_selected(layout, context)
        self.draw_run(layout, context)

    def draw_selected(self, layout: UILayout, context: Context) -> None:
        """Takes of the selected angle, and what the gate says about the one that is shown."""
        own, now = context.scene.consistency, status.of(context)
        if not 0 <= own.angle_index < len(own.angles):
            return
        name = own.angles[own.angle_index].name
        shot = now.shots.get(name)
        column = layout.column(align=True)
        row = column.row(align=True)
        row.label(text=name.replace("-", " ").capitalize(), translate=False)
        again = row.operator("consistency.run", text="", icon="FILE_REFRESH")
        again.until, again.again, again.angle = "photoreal", True, name
        row = column.row(align=True)
        takes = shot.takes.split() if shot is not None else []
        for number in takes:
            take = row.operator("consistency.choose_take", text=str(int(number)), depress=int(number) == shot.chosen)
            take.angle, take.take = name, int(number)
        if not takes:
            row.label(text="No still yet")
        draw_faithful(column, context, name)
        draw_verdict(layout, context, shot)
        row = layout.row(align=True)
        row.enabled = shot is not None and bool(shot.outcome)
        for word, (text, _) in WORDS.items():
            button = row.operator("consistency.say", text=text, depress=shot is not None and shot.said == word)
            button.angle, button.said = name, word


def draw_verdict(layout: UILayout, context: Context, shot: Any) -> None:
    """Whether the still shows the product, why, and where not; as high where nothing is known."""
    now = status.of(context)
    said = Said("Not looked at yet", "BLANK1")
    if shot is not None and shot.outcome:
        outcome = OUTCOMES.get(shot.outcome, shot.outcome)
        words = f"{outcome}: {shot.verdict}" if shot.verdict else outcome
        said = Said(words, STATE_ICONS.get(shot.outcome, "DOT"), alert=shot.outcome == Outcome.FAIL)
    place(layout, context, "verdict", said)
    if shot is not None and shot.heatmap:
        shown = (now.comparing, now.comparing_with) == (shot.name, "heatmap")
        button = layout.operator("consistency.compare", text="Show Heat Map", icon="IMAGE_ZDEPTH", depress=shown)
        button.angle, button.over = shot.name, "heatmap"
    else:
        layout.label(text="")


class FalOnly(Sidebar):
    bl_parent_id = "CONSISTENCY_PT_photoreal"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        return scene_settings.chosen_backend(context.scene) == BackendName.FAL


class CONSISTENCY_PT_prompt(FalOnly, bpy.types.Panel):
    bl_label = "What Is Sent"

    def draw(self, context: Context) -> None:
        layout, own, now = self.layout, context.scene.consistency, status.of(context)
        layout.prop(own, "materials", text="", placeholder="Materials: metal, glass")
        if now.preview:
            layout.label(text=f"For {now.preview_angle}:")
            message(layout.box(), now.preview)
        else:
            message(layout, "Select an angle in the rig to see its prompt", icon="INFO")
        layout.prop(own, "private")


class CONSISTENCY_PT_check(FalOnly, bpy.types.Panel):
    bl_label = "Check"

    def draw_header(self, context: Context) -> None:
        self.layout.prop(context.scene.consistency, "check", text="")

    def draw(self, context: Context) -> None:
        layout, own = self.layout, context.scene.consistency
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.active = own.check
        column = layout.column(align=True)
        column.prop(own, "retakes")
        limit(column, own, "retake_budget", text="Limit (USD)")
        layout.prop(own, "unsure")
        layout.prop(own, "second_opinion")
        column = layout.column(heading="Outcome")
        column.prop(own, "mend_detail")
        column.prop(own, "stand_in")
        column.prop(own, "exact")
        column = layout.column(align=True)
        column.prop(own, "faithful", slider=True)
        column.prop(own, "faithful_print")
        column = layout.column()
        column.active = own.exact
        column.prop(own, "restore")
        if own.restore != Restore.NONE and 0 <= own.angle_index < len(own.angles):
            column.prop(own.angles[own.angle_index], "detail_photo")


class CONSISTENCY_PT_image_parameters(FalOnly, bpy.types.Panel):
    bl_label = "Endpoint Fields"

    def draw(self, context: Context) -> None:
        own = context.scene.consistency
        any_endpoint(self.layout, own, "image_endpoint")
        parameters(self.layout, own, own.image_endpoint, "photoreal")


CLASSES = (
    CONSISTENCY_PT_photoreal,
    CONSISTENCY_PT_check,
    CONSISTENCY_PT_prompt,
    CONSISTENCY_PT_image_parameters,
)
