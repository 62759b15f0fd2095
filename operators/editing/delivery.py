# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a scene's pictures are delivered for; saved with the .blend."""

# No "from __future__ import annotations" here: Blender would compile each property again from its words while it registers.

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from ...pipeline.deliver.shops import SHOPS


class CONSISTENCY_PG_delivery(bpy.types.PropertyGroup):
    shops: EnumProperty(
        name="For",
        description="Shops and uses that the pictures are made for",
        items=tuple((key, *words) for key, words in SHOPS.items()),
        options={"ENUM_FLAG"},
        default={"amazon", "google", "web"},
    )
    own: StringProperty(
        name="Own Preset", description="A preset of your own, a .json file; empty: none", subtype="FILE_PATH"
    )
    sku: StringProperty(
        name="Article Number", description="Stands in the files' names; empty: the product's name", maxlen=80
    )
    enlarge: BoolProperty(
        name="Enlarge",
        description="Enlarge stills that have fewer pixels than the shop advises, by a plain filter; rendering larger is better",
    )
    anyway: BoolProperty(name="Write Anyway", description="Write pictures that break a rule, too")
    clips: BoolProperty(name="Clips", description="The run's clips as well, as they are, named and marked")
    zip: BoolProperty(name="Zip", description="Also one zip of each set, to upload", default=True)


CLASSES = (CONSISTENCY_PG_delivery,)
