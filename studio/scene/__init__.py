# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Blender data of one scene: collections, geometry, and what is evaluated or set aside."""
