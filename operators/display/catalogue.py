# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A catalogue in the sidebar: its table and its folder (on the scene), and how its rows stand (on the window manager)."""

# No "from __future__ import annotations" here: Blender would compile each property again from its words while it registers.

import bpy
from bpy.props import BoolProperty, CollectionProperty, FloatProperty, IntProperty, PointerProperty, StringProperty


class CONSISTENCY_PG_catalogue_row(bpy.types.PropertyGroup):
    name: StringProperty(name="Article Number", description="The product's article number")
    state: StringProperty(description="not begun, working, unfinished, stopped by the budget, failed or done")
    why: StringProperty(description="What stopped it, or what goes on")


class CONSISTENCY_PG_catalogue(bpy.types.PropertyGroup):
    table: StringProperty(
        name="Table",
        description="A CSV with a product a row, or a folder of models and of folders with photos",
        subtype="FILE_PATH",
    )
    out: StringProperty(
        name="Folder",
        description="Where the products' runs and the page go",
        subtype="DIR_PATH",
    )
    budget: FloatProperty(
        name="Limit (USD)", description="The most that all products together may cost, in USD", default=20.0, min=0.0
    )


class CONSISTENCY_PG_catalogue_status(bpy.types.PropertyGroup):
    rows: CollectionProperty(type=CONSISTENCY_PG_catalogue_row)
    row_index: IntProperty()
    running: BoolProperty(description="A second Blender works on the catalogue")
    checked: StringProperty(description="The table and the folder that were checked")
    note: StringProperty(description="How the catalogue stands, in a sentence")
    error: StringProperty(description="What is wrong with the table, or went wrong")
    most: FloatProperty(description="USD that what is left may cost at most")
    page: StringProperty(description="File of the catalogue's page; empty: none yet")


CLASSES = (CONSISTENCY_PG_catalogue_row, CONSISTENCY_PG_catalogue, CONSISTENCY_PG_catalogue_status)


def register() -> None:
    bpy.types.Scene.consistency_catalogue = PointerProperty(type=CONSISTENCY_PG_catalogue)
    bpy.types.WindowManager.consistency_catalogue = PointerProperty(
        type=CONSISTENCY_PG_catalogue_status, options={"SKIP_SAVE"}
    )


def unregister() -> None:
    del bpy.types.WindowManager.consistency_catalogue
    del bpy.types.Scene.consistency_catalogue
