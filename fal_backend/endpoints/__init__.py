# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""fal.ai's endpoints, one file a family; ``catalogue`` gathers them. Nothing is imported here, so that a window can
import the families one at a time."""
