# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Work on pixels that every measure stands on: arrays, outlines, backdrops, and where the still shows the product."""
