# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the panels show of the run: on the window manager, so that undo can't turn it back and no file keeps it."""

# No "from __future__ import annotations" here: Blender would compile each property again from its words while it registers.

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    FloatProperty,
    IntProperty,
    StringProperty,
)


class CONSISTENCY_PG_stage(bpy.types.PropertyGroup):
    name: StringProperty()
    state: StringProperty(
        description="waiting, running, done, skipped, failed, cancelled, stopped or stale", default="waiting"
    )
    note: StringProperty(description="What went wrong, or what is going on")


class CONSISTENCY_PG_job(bpy.types.PropertyGroup):
    name: StringProperty(name="Job", description="Stage, angle and take")
    stage: StringProperty(description="The stage that asked for it")
    angle: StringProperty(description="The angle that it is about; empty: all of them")
    take: IntProperty(description="Number of the take")
    state: StringProperty(description="waiting, queued, running, saving, done, failed or cancelled")
    queue_position: IntProperty(default=-1, description="Requests that are served before it; negative where unknown")
    elapsed: FloatProperty(description="Seconds since it was asked for", unit="TIME_ABSOLUTE")
    log: StringProperty(description="The last thing that was said about it")
    fraction: FloatProperty(default=-1.0, subtype="FACTOR", description="Done so far, 0 to 1; negative where unknown")
    quoted: FloatProperty(description="USD that it was quoted at")
    billed: FloatProperty(default=-1.0, description="USD; negative where not known yet")
    request_id: StringProperty(description="What fal.ai calls the request")


class CONSISTENCY_PG_cost(bpy.types.PropertyGroup):
    name: StringProperty()
    endpoint: StringProperty(description="Who is paid")
    note: StringProperty(description="How much of it, in the unit of its price")
    usd: FloatProperty(default=-1.0, description="USD; negative where unknown")


class CONSISTENCY_PG_shot(bpy.types.PropertyGroup):
    """An angle's pictures on disk."""

    name: StringProperty()
    reference: StringProperty(description="File of the reference; empty: none")
    still: StringProperty(description="File of the still that is shown; empty: none")
    takes: StringProperty(description="Numbers of the finished takes, separated by blanks")
    chosen: IntProperty(description="Number of the take that is shown; 0: none")
    state: StringProperty(description="missing, rendered or stale")
    why: StringProperty(description="What changed since it was rendered")
    outcome: StringProperty(
        description="pass, unsure or fail: whether the still shows the product; empty: not looked at"
    )
    verdict: StringProperty(description="Why, in one sentence")
    faithful: FloatProperty(description="How much of its detail is its render's, 0 to 1", subtype="FACTOR")
    no_dial: StringProperty(description="Why it can't be made faithful; empty: it can")
    said: StringProperty(description="What a person says of it, right or wrong; empty: nothing")
    heatmap: StringProperty(description="A picture of where the still departs from its reference")


class CONSISTENCY_PG_delivered_picture(bpy.types.PropertyGroup):
    """A file that was made for a shop, or was not."""

    name: StringProperty()
    file: StringProperty(description="The file; empty: it was not written")
    outcome: StringProperty(description="pass, advice or fail: how the shop's rules are met")
    why: StringProperty(description="The rules that it does not meet")


class CONSISTENCY_PG_delivered(bpy.types.PropertyGroup):
    """What was made for a shop."""

    name: StringProperty()
    title: StringProperty(description="The shop")
    headline: StringProperty(description="How many pictures were written, and what broke a rule")
    outcome: StringProperty(description="The worst of its pictures' outcomes")
    folder: StringProperty(description="Where they are")
    pictures: CollectionProperty(type=CONSISTENCY_PG_delivered_picture)


class CONSISTENCY_PG_run(bpy.types.PropertyGroup):
    """A run of earlier, for the history."""

    name: StringProperty()
    path: StringProperty(description="Its folder")
    note: StringProperty(description="When it was made, and by whom")


def _slid(_self: "CONSISTENCY_PG_status", _context: bpy.types.Context) -> None:
    # By name: Blender evaluates annotations such that a lambda in one sees nothing of this module.
    redraw(pictures=True)


class CONSISTENCY_PG_status(bpy.types.PropertyGroup):
    running: BoolProperty(description="A run is active")
    cancelling: BoolProperty(description="The run was asked to stop")
    stage: StringProperty(description="The stage that is going on")
    text: StringProperty(description="What is going on")
    fraction: FloatProperty(
        default=-1.0, subtype="FACTOR", description="Done so far of the whole run, 0 to 1; negative where unknown"
    )
    error: StringProperty(description="One sentence with the cure")
    error_at: StringProperty(description="The panel that shows it: a stage or costs; empty: the topmost")
    details: StringProperty(description="The full text, for the clipboard")
    note: StringProperty(description="Something worth knowing that is no error")
    unfolded: StringProperty(description="The message that is shown at its whole length: place and text; empty: none")
    backend: StringProperty(description="Who makes the stills and clips of this run")
    run_folder: StringProperty(description="The folder that all below was read from")
    is_finished: BoolProperty(description="Every stage is done, and the results are on disk")
    is_outdated: BoolProperty(description="Something was changed since, so that stages have to be run again")
    stages: CollectionProperty(type=CONSISTENCY_PG_stage)
    jobs: CollectionProperty(type=CONSISTENCY_PG_job)
    job_index: IntProperty(name="Job", description="The selected job")
    shots: CollectionProperty(type=CONSISTENCY_PG_shot)
    clip: StringProperty(description="File of the clip that is shown; empty: none")
    surface: StringProperty(description="What share of the surface the stills see; empty: nobody looked")
    surface_picture: StringProperty(description="File of a picture of that; empty: none")
    headline: StringProperty(description="How many stills show the product as it is")
    preview: StringProperty(description="The prompt that will be sent for the selected angle")
    preview_angle: StringProperty(description="The angle that the prompt is for")
    product: StringProperty(description="Name and size of the product")
    product_of: StringProperty(description="What it was made from: scene_settings.made_from")
    longest_clip: FloatProperty(description="Seconds that clips of this product are kept to; 0: any")
    costs: CollectionProperty(type=CONSISTENCY_PG_cost)
    estimate: FloatProperty(default=-1.0, description="USD; negative while nothing was asked")
    guess: FloatProperty(default=-1.0, description="USD at the prices that are stored here; negative while not known")
    guessed: StringProperty(description="What the guess is about: refresh.what_is_estimated")
    stays_behind: StringProperty(
        description="What was bought and is not made anew by what is estimated; empty: nothing"
    )
    estimated: StringProperty(description="What the estimate is about: refresh.what_is_estimated")
    estimate_unknown: StringProperty(description="Endpoints that have no known price")
    estimate_doubts: StringProperty(description="What is odd about the prices, a line for each endpoint")
    quoted: FloatProperty(description="USD that the run's purchases were quoted at")
    billed: FloatProperty(description="USD that the run was billed")
    uncertain: FloatProperty(description="USD that may have been billed without our knowing")
    history: CollectionProperty(type=CONSISTENCY_PG_run)
    history_index: IntProperty(name="Run", description="The selected run")
    key_note: StringProperty(description="What fal.ai said about the key")
    longest_hold: FloatProperty(description="Milliseconds; the longest that this run held the window, renders aside")
    delivering: StringProperty(description="What is being made for shops; empty: nothing")
    taking: StringProperty(description="How a picture of a view comes along; empty: none is taken")
    delivered: CollectionProperty(type=CONSISTENCY_PG_delivered)
    comparing: StringProperty(description="The angle whose reference lies over its still; empty: none")
    comparing_with: StringProperty(description="What lies over the still: reference or heatmap", default="reference")
    draft: StringProperty(description="A picture that lies in place of a still while its slider is moved; empty: none")
    draft_of: StringProperty(description="The angle that the draft is of")
    making: StringProperty(description="What is being made of a still whose slider was moved; empty: nothing")
    board: BoolProperty(description="The board is shown over a viewport")
    board_strip: BoolProperty(description="The board is one row along the viewport's lower edge")
    board_before: BoolProperty(description="The board shows what is compared with")
    board_note: StringProperty(description="What the board is doing, or why it shows nothing")
    drafting: BoolProperty(description="Drafts are being rendered for the board")
    compare: FloatProperty(
        name="Render | Still",
        description="How much of the picture shows the render or the heat map, from the left; the rest shows the still",
        subtype="PERCENTAGE",
        default=50.0,
        min=0.0,
        max=100.0,
        precision=0,
        update=_slid,
    )


def in_words(job: str) -> str:
    """A purchase's key as the panels say it: "photoreal/front/take-02" is "Photoreal front #2"."""
    words = job.removesuffix("/take-01").replace("/opinion-", " opinion/take-")
    words = words.replace("/take-0", " #").replace("/take-", " #").replace("/", " ")
    return f"{words[:1].upper()}{words[1:]}"


def of(context: bpy.types.Context | None = None) -> CONSISTENCY_PG_status:
    return (context or bpy.context).window_manager.consistency


def nothing_runs() -> None:
    now = of()
    now.running = now.cancelling = False
    now.text, now.fraction = "", -1.0


def redraw(*, pictures: bool = False) -> None:
    """Have the sidebars of all windows drawn again; the viewports and images as well where ``pictures`` says so, which
    a heavy scene feels."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type not in ("VIEW_3D", "IMAGE_EDITOR", "PREFERENCES"):
                continue
            for region in area.regions:
                if pictures or region.type == "UI" or area.type == "PREFERENCES":
                    region.tag_redraw()


CLASSES = (
    CONSISTENCY_PG_stage,
    CONSISTENCY_PG_job,
    CONSISTENCY_PG_cost,
    CONSISTENCY_PG_shot,
    CONSISTENCY_PG_run,
    CONSISTENCY_PG_delivered_picture,
    CONSISTENCY_PG_delivered,
    CONSISTENCY_PG_status,
)
