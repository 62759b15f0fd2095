# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Child processes: a line of JSON either way. The parent's end, and the file that the child runs."""
