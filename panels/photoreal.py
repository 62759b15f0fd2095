# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Photoreal: the stills, their takes, and what is sent to make them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ..operators.display import status
from ..operators.editing import scene_settings
from ..pipeline.settings.choices import BackendName, Restore
from ..pipeline.stages import LABELS
from ..pipeline.verdicts import Outcome, Said
from .references import draw_pictures
from .sidebar import Sidebar
from .stage import StagePanel, any_endpoint, endpoint_choice, parameters
from .words import STATE_ICONS, limit, message

if TYPE_CHECKING:
    from bpy.types import Context, UILayout


SAID = {Said.RIGHT: "It Is Right", Said.WRONG: "It Is Wrong"}
OUTCOMES = {Outcome.PASS: "On model", Outcome.UNSURE: "Look at it", Outcome.FAIL: "Off model"}


class CONSISTENCY_PT_photoreal(StagePanel, bpy.types.Panel):
    bl_label = LABELS["photoreal"]
    bl_options = {"DEFAULT_CLOSED"}
    stage = "photoreal"

    def draw(self, context: Context) -> None:
        layout, own, now = self.layout, context.scene.consistency, status.of(context)
        if scene_settings.chosen_backend(context.scene) == BackendName.LOCAL:
            message(layout, "This machine renders the stills: no AI", icon="INFO")
        else:
            endpoint_choice(layout, own, "photoreal", "image_endpoint")
            layout.prop(own, "prompt", text="", placeholder="What the product is")
            row = layout.row(align=True)
            row.prop(own, "takes")
            seed = layout.row(align=True)
            field = seed.row(align=True)
            field.active = own.seed_lock
            field.prop(own, "seed")
            seed.prop(own, "seed_lock", text="", icon="LOCKED" if own.seed_lock else "UNLOCKED")
        made = [shot for shot in now.shots if shot.still]
        if made or now.running:  # each picture's place from the start: nothing moves when one arrives
            made = list(now.shots) if now.running else made
            draw_pictures(
                layout, context, made, "still", lambda shot: "" if shot.outcome == Outcome.PASS else shot.outcome
            )
            self.draw_selected(layout, own, now)
        self.draw_run(layout, context)

    def draw_selected(self, layout: UILayout, own: Any, now: Any) -> None:
        """Takes of the selected angle, and what the gate says about the one that is shown."""
        selected = own.angles[own.angle_index].name if 0 <= own.angle_index < len(own.angles) else ""
        shot = next((shot for shot in now.shots if shot.name == selected), None)
        if shot is None:
            return
        column = layout.column(align=True)
        row = column.row(align=True)
        row.label(text=shot.name.replace("-", " ").capitalize(), translate=False)
        again = row.operator("consistency.run", text="", icon="FILE_REFRESH")
        again.until, again.again, again.angle = "photoreal", True, shot.name
        row = column.row(align=True)
        for number in shot.takes.split():
            take = row.operator("consistency.choose_take", text=str(int(number)), depress=int(number) == shot.chosen)
            take.angle, take.take = shot.name, int(number)
        if shot.outcome:
            box = column.box()
            draw_verdict(box, shot, now)
            row = box.row(align=True)
            for said, text in SAID.items():
                button = row.operator("consistency.say", text=text, depress=shot.said == said)
                button.angle, button.said = shot.name, said


def draw_verdict(layout: UILayout, shot: Any, now: Any) -> None:
    """Whether the still shows the product, why, and where not."""
    outcome = OUTCOMES.get(shot.outcome, shot.outcome)
    words = f"{outcome}: {shot.verdict}" if shot.verdict else outcome
    message(layout, words, icon=STATE_ICONS.get(shot.outcome, "DOT"), alert=shot.outcome == Outcome.FAIL)
    if shot.heatmap:
        shown = (now.comparing, now.comparing_with) == (shot.name, "heatmap")
        button = layout.operator("consistency.compare", text="Show Heat Map", icon="IMAGE_ZDEPTH", depress=shown)
        button.angle, button.over = shot.name, "heatmap"


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
        column = layout.column(heading="Outcome")
        column.prop(own, "stand_in")
        column.prop(own, "exact")
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
