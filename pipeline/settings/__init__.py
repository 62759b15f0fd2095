# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run is told: each option declared once, the settings made of them, and how a command line fills them."""
