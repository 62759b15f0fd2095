# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many products: a table of them, one run folder each, one budget over all, one page that shows them.

    table      the table, or a folder, as rows of cells; every fault by row and column
    template   what all rows have in common
    rows       cells become the settings of a run; which rows are meant
    budget     one limit over all rows, kept by every process and machine that sees the folder
    state      how a row stands, told by its own run folder alone
    listing    catalogue.json and the page, made of that
    conductor  several rows at once, one after another in Blender
    progress   what is said meanwhile, as people, programs and render farms read it
    decisions  what a person decided on the page
    engines    the same work as a job of a render farm

Nothing here knows fal.ai or Blender.
"""
