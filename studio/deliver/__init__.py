# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What delivering needs of Blender beside finished pixels, which are the image worker's: views all the way round, and files for viewers."""
