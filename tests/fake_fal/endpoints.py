# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each endpoint takes, read independently of the product's catalogue, so that the one can check the other.

Ranges are those of fal's OpenAPI of April 2026, names those of fal-js of August 2026.
"""

from __future__ import annotations

from .endpoint import Endpoint
from .endpoints_model import models
from .endpoints_picture import pictures
from .endpoints_video import clips
from .endpoints_words import words


def table() -> dict[str, Endpoint]:
    """Endpoint id → what it takes and makes."""
    return {endpoint.id: endpoint for make in (models, pictures, clips, words) for endpoint in make()}
