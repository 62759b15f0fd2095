# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What runs a run: from a button to a chain that is advanced, asked about, cancelled and gone on with."""
