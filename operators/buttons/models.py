# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several models on the selected angle, side by side, before one is chosen for all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import FloatProperty, StringProperty

from ...pipeline.errors import BudgetExceeded, UsageError
from ...pipeline.stages import Progress
from ...pipeline.wording.text_table import usd
from ..display import endpoint_names, reasons, status
from ..editing.preferences import no_key, offline
from ..runs import questions, start_run
from ..runs.run_request import RunRequest
from .operator_base import Button, Questioning

if TYPE_CHECKING:
    from collections.abc import Generator

    from bpy.types import Context, Event

    from ...pipeline.compare import Candidate

FEW = 3  # models that are proposed


class _OfModels:
    endpoints: StringProperty(name="Models", description="Ids of endpoints for stills, with commas between them")
    angle: StringProperty(name="Angle", description="The angle that each of them makes")
    budget: FloatProperty(
        name="Spend at Most (USD)",
        description="Nothing is bought where all of them together cost more",
        min=0.0,
        default=0.5,
        precision=2,
    )

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        if not context.scene.consistency.run_folder:
            return "There is no run yet; render the references first"
        return reasons.busy(context) or no_key() or offline()


class CONSISTENCY_OT_try_others(_OfModels, Button, bpy.types.Operator):
    """Have several models make the selected angle's still, and lay them side by side with verdict, price and time"""

    bl_idname = "consistency.try_others"
    bl_label = "Try Others"
    bl_options = {"REGISTER"}

    def invoke(self, context: Context, _event: Event) -> set[str]:
        own = context.scene.consistency
        if not self.angle and 0 <= own.angle_index < len(own.angles):
            self.angle = own.angles[own.angle_index].name
        if not self.endpoints:
            self.endpoints = ", ".join(proposed(own.image_endpoint))
        dialog = context.window_manager.invoke_props_dialog(
            self, width=460, title="Try Others", confirm_text="Buy One Still from Each"
        )
        return set(dialog)

    def draw(self, _context: Context) -> None:
        column = self.layout.column()
        column.prop(self, "endpoints")
        for name in split(self.endpoints):
            column.label(text=endpoint_names.name_and_price(name), icon="DOT", translate=False)
        column.prop(self, "angle")
        column.prop(self, "budget")
        column.label(text="The reference and the prompt are sent to fal.ai", icon="INFO")

    def act(self, _context: Context) -> None:
        given = {"endpoints": self.endpoints, "angle": self.angle, "budget": self.budget}
        bpy.ops.consistency.compare_models("INVOKE_DEFAULT", **given)


class CONSISTENCY_OT_compare_models(_OfModels, Questioning, bpy.types.Operator):
    """Buy one still of the angle from each model and lay them side by side"""

    bl_idname = "consistency.compare_models"
    bl_label = "Compare Models"
    bl_options = {"INTERNAL"}
    error_at = "photoreal"

    def question(self, context: Context) -> Generator[Any, None, list[Candidate]]:
        root = Path(context.scene.consistency.run_folder)
        return compared(root, split(self.endpoints), [self.angle], self.budget)

    def answered(self, context: Context, answer: list[Candidate]) -> set[str]:
        sheet = Path(context.scene.consistency.run_folder) / "compare" / self.angle / "comparison.png"
        show(context, sheet)
        said = "; ".join(f"{each.name}: {each.outcome or 'not measured'}, {usd(each.usd)}" for each in answer)
        status.of().note = said
        self.report({"INFO"}, f"{said}. Side by side in {sheet}")
        return {"FINISHED"}


def compared(
    root: Path, endpoints: list[str], angles: list[str], budget: float
) -> Generator[Any, None, list[Candidate]]:
    """Yields while fal.ai is asked, works, or something is measured. Raises BudgetExceeded before anything is bought."""
    from ...fal_backend import consent
    from ...pipeline import compare
    from ..runs.scene_studio import SceneStudio

    place = compare.beside(root, budget)
    place.lease.check()
    if not endpoints:
        raise UsageError("no model was named; give the ids of two or more")
    settings = place.settings
    costs = yield from consent.estimate_of(
        lambda: compare.requests(place, endpoints, angles),
        settings,
        place,
        lambda names, to_send: questions.prices(start_run.need_key(), names, to_send),
    )
    consent.check(costs, settings)
    if costs.total > budget + consent.ROUNDING:
        raise BudgetExceeded(
            f"these stills cost {usd(costs.total)}, and {usd(budget)} was agreed to; name fewer models, or agree to more"
        )
    place.note(prices={**place.prices, **costs.prices})
    studio = SceneStudio(place)
    backend = start_run.backend_for(place, settings, studio, RunRequest())
    try:
        steps = compare.compare(place, endpoints, angles, studio, backend, 0.0)
        while True:
            try:
                said = next(steps)
            except StopIteration as done:
                return list(done.value)
            if isinstance(said, Progress) and said.text:
                status.of().note = said.text
            yield said
    finally:
        backend.close()


def proposed(chosen: str) -> list[str]:
    """The chosen endpoint, and the first ones beside it of other makers whose price is known."""
    from ...fal_backend.endpoints.base import Role
    from ...fal_backend.endpoints.catalogue import of_role

    known = [each for each in of_role(Role.PHOTOREAL) if not each.retired and not each.depth_field]
    makers = {each.label.split()[0] for each in known if each.id == chosen}
    others = []
    for each in known:
        maker = each.label.split()[0]
        if each.price.usd is not None and maker not in makers:
            makers.add(maker)
            others.append(each.id)
    return [chosen, *others[: FEW - 1]]


def split(ids: str) -> list[str]:
    return list(dict.fromkeys(name.strip() for name in ids.split(",") if name.strip()))


def show(context: Context, sheet: Path) -> None:
    """The sheet as an image of the file, in every image editor that is open; in a window of its own where none is."""
    if not sheet.is_file():
        return
    image = bpy.data.images.load(str(sheet), check_existing=True)
    image.reload()
    editors = image_editors(context)
    if not editors and not bpy.app.background:
        bpy.ops.wm.window_new()
        area = max(context.window_manager.windows[-1].screen.areas, key=lambda each: each.width * each.height)
        area.type = "IMAGE_EDITOR"
        editors = [area]
    for area in editors:
        area.spaces.active.image = image


def image_editors(context: Context) -> list[bpy.types.Area]:
    areas = (area for window in context.window_manager.windows for area in window.screen.areas)
    return [area for area in areas if area.type == "IMAGE_EDITOR"]


CLASSES = (CONSISTENCY_OT_try_others, CONSISTENCY_OT_compare_models)
