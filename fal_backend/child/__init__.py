# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The child process that talks to fal.ai: what it runs, what it says, and how it is started and asked."""
