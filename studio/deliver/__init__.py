# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What delivering needs of Blender.

encode      pixels to JPEG and WebP, and any picture back to pixels
task        one picture, as the image worker makes it
"""
