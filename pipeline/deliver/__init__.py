# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the pictures of a run to what a shop takes: placed, encoded, named, marked, measured.

presets     what each shop asks for, as data: presets/NAME.json
names       file names, refused before anything is written
matting     the product's own alpha and colours, without a trace of what stood behind it
placing     crop, scale and set on a canvas by the product's box
rules       what was found in the finished file against what was asked for
sources     how a picture was made, what is said of it, and what it shows
folders     RUN/deliver/PRESET, which appears whole or not at all
page        shop.json, the table, and one page of everything
"""
