# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lights of a rendered picture, one by one, and every other lighting that they can be mixed to. Plain numpy.

separate   the denoised picture shared out among its lights
files      the shares of an angle, and the ground's, on disk
view       from linear light to displayed colours, as Blender's view transforms do it
relit      from the lights of a render to those that are wanted: what mixing does, and what it can't
board      what a GPU needs to draw any mix, as arrays, and its arithmetic
mix        pictures of other strengths and colours of these lights, in the time of a frame
"""
