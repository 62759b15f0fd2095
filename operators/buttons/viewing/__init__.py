# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looking at what was made: comparing render and still, opening pictures, the studio view."""
