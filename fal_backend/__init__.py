# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything about fal.ai, in plain Python: a request becomes an endpoint's fields with a price, and is bought and fetched by
a child process. No bpy."""
