# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The geometry gate: whether a still shows the product of its render, and what follows when it doesn't."""
