# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Limits on money, what was spent on which day, and what runs have cost. All in USD."""
