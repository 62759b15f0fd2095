# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every name this extension gives to a collection, a datablock or a custom property in a .blend.

One root collection holds everything; deleting it deletes everything the extension has placed.
"""

from __future__ import annotations

from .wording.program import PROGRAM

ROOT = PROGRAM
PRODUCT = "Consistency Product"
RIG = "Consistency Rig"
LIGHTING = "Consistency Lighting"
BACKDROP = "Consistency Backdrop"
RESULTS = "Consistency Results"
RENDER_SCENE = "Consistency Render"  # there while something is rendered
GROUND_SCENE = "Consistency Ground"  # there while the light on the ground is rendered

PRODUCT_ROOT = "Product"  # the empty that carries the whole product
GROUND = "Ground"  # the shadow catcher
WORLD = "Consistency World"
BACKDROP_IMAGE = BACKDROP  # one colour, behind what a camera sees in the studio view

# Custom properties, all with one prefix so that they can be told from the artist's own.
ANGLE = "consistency_angle"  # on a camera: the angle's name
ANGLE_DATA = "consistency_angle_data"  # on a camera: the angle as JSON
ORIGINAL_MATRIX = "consistency_original_matrix"  # on the product's root: 16 floats, row-major
IMPORTED = "consistency_imported"  # on every datablock that came with the product: which import it was
ROLE = "consistency_role"  # on a lamp: its name in the lighting, such as "key"; on the ground: "ground"
FLAG = "consistency_flag"  # on a black plane among the lamps: it gives no light
KELVIN = "consistency_kelvin"  # on a card: the colour temperature that it shows
SPAN = "consistency_span"  # on the collection of lamps: the middle of the product's box, and half its diagonal, metres
LIT_BY = "consistency_lit_by"  # on the collection of lamps: the lighting that has placed them
PUT = "consistency_put"  # on a lamp of the lighting: its matrix where it was placed, row-major, and its sides, metres
MOVED = "consistency_moved"  # on one that was moved by hand and placed so since: where to, as JSON
LAMP = "consistency_lamp"  # on a lamp that the artist added: the settings that it was placed by, as JSON
LABEL = "consistency_label"  # on the product's root: what to call it
FRAME = "consistency_frame"  # on the product's root: the frame at which it was framed, and is rendered
FINENESS = "consistency_fineness"  # on the product's root: how finely its scene's renders subdivide
LEFT_OUT = "consistency_left_out"  # on a picture (in a glTF, in its extras) or an object: what its file needs and a run can't have, and why
LEFT_OUT_KIND = "consistency_left_out_kind"  # on an object: what kind of thing that is, see studio/files/missing.py
SOURCE = "consistency_source"  # on the product's root: the file it came from
IN_PLACE = (
    "consistency_in_place"  # on the product's root: its parts stand where their file has them, not below the root
)
TURN = "consistency_turn"  # on the product's root: degrees about x, then y, then z
TAKEN = "consistency_taken"  # on the product's root: the file that the taken objects were written to
WRITTEN = "consistency_written"  # on the root of taken objects: what that file shows, as hashes in JSON
LOADED = "consistency_loaded"  # on the product's root: which state of its file was loaded
STANDS = "consistency_stands"  # on the product's root: its matrix where a run stood it, row-major
REACH = "consistency_reach"  # on the product's root: lowest and highest corner of what renders show beyond its vertices
FILE_NAME = "consistency_file_name"  # on a scene in a run's product.blend: the file that it was taken from
SCENE_NAME = "consistency_scene_name"  # on a scene in a run's product.blend: what it was called there
ENGINE = "consistency_engine"  # on a scene: the engine that it gets as soon as Blender has done rendering
ACTIVE = "consistency_active"  # on a scene in a run's product.blend: the file that it was taken from opened with it
# On a screen: what the studio view has set aside of one of its viewports. Screens take no part in undo, and are saved. Not
# with the prefix of what is ours: the screen is the artist's.
SCREEN = "studio_view_of_consistency"


def camera(angle: str) -> str:
    """The camera object's name for an angle's name."""
    return f"Camera {angle}"
