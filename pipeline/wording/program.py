# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the program is called."""

PROGRAM = "Consistency Pipeline"
SHORT_NAME = "Consistency"  # before what we put among the things of others: undo steps, collections, tabs
