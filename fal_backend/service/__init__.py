# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP with fal.ai: the only place where bytes for it leave this machine."""
