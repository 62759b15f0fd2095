# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""JSON that is somebody else's to define: a service's answers, a user's overrides, a model file's description."""

from __future__ import annotations

from typing import Any

JsonObject = dict[str, Any]  # as json.loads made it: nothing about its members is known before it is checked
