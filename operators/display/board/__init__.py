# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The board: all angles side by side over a viewport, in any mix of their lights, drawn by the GPU.

sheet      where each picture and button is, and what lies under the mouse
painter    textures of an angle's lights, made once, and the shaders that mix them
sources    which files the pictures come from, drafts or the run's own, and getting them ready
wanted     which factors the lights have now, and in the look they are compared with
overlay    the board itself: on, off, drawn, followed
touch      the mouse over it
"""
