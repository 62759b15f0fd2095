# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which variant of a file's materials is the product: chosen from those that the file has."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.props import EnumProperty

from ...pipeline.errors import BadInput
from ..display import reasons
from .operator_base import Button, attempt

if TYPE_CHECKING:
    from bpy.types import Context, Event

OWN = ("NONE", "As the File Has It", "The materials that the file itself shows")
_found: list[tuple[str, str, str]] = [OWN]  # of the file last asked for; Blender keeps no reference to its texts


class CONSISTENCY_OT_choose_variant(Button, bpy.types.Operator):
    """Choose which variant of the file's materials is the product; each has runs of its own. \
All of them at once, from the same cameras: the command 'consistency run FILE --variants all'"""

    bl_idname = "consistency.choose_variant"
    bl_label = "Choose Variant"
    bl_options = {"UNDO", "INTERNAL"}
    bl_property = "variant"
    error_at = "model"

    def _items(self, _context: Context) -> list[tuple[str, str, str]]:
        return _found

    variant: EnumProperty(name="Variant", description="The variant to show", items=_items, options={"SKIP_SAVE"})

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        none = None if context.scene.consistency.file else "There is no file yet; choose one first"
        return reasons.busy(context) or none

    def invoke(self, context: Context, _event: Event) -> set[str]:
        return attempt(self, lambda: self._ask(context), self.error_at)

    def _ask(self, context: Context) -> set[str]:
        global _found
        path = Path(bpy.path.abspath(context.scene.consistency.file))
        names = variants_of(path)
        if not names:
            return self.refuse(f"{path.name} has no variants of its materials (KHR_materials_variants, or spare slots)")
        _found = [OWN, *((str(number), name, "") for number, name in enumerate(names))]
        context.window_manager.invoke_search_popup(self)
        return {"RUNNING_MODAL"}

    def act(self, context: Context) -> None:
        name = next(name for key, name, _ in _found if key == self.variant)
        context.scene.consistency.variant = "" if self.variant == OWN[0] else name


def variants_of(path: Path) -> list[str]:
    """The names of a file's variants, in its order. Raises BadInput."""
    if not path.is_file():
        raise BadInput(f"{path.name} is not there any more; choose the file again")
    if path.suffix.lower() == ".blend":
        from ...studio.files.variants import variants_in_blend

        return variants_in_blend(path)
    from ...pipeline import model

    return model.variants_of(path)


CLASSES = (CONSISTENCY_OT_choose_variant,)
