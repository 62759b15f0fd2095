# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What endpoints are called where people choose them: by name and price. Their ids are in the tooltips.

The catalogue is imported with the rest of the pipeline, once the sidebar has been seen: drawing never waits for it.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from ..runs import gradual_imports

if TYPE_CHECKING:
    from ...fal_backend.endpoints.base import Role


def name_of(endpoint_id: str) -> str:
    """The endpoint's name; its id where nobody here knows it, or not yet."""
    return _known(endpoint_id)[0] if gradual_imports.is_ready() else endpoint_id.rpartition("fal-ai/")[2]


def name_and_price(endpoint_id: str) -> str:
    """ "FLUX.1 Kontext [dev], $0.025 an image"; empty for no id."""
    if not endpoint_id or not gradual_imports.is_ready():
        return name_of(endpoint_id) if endpoint_id else ""
    return ", ".join(part for part in _known(endpoint_id) if part)


@functools.cache
def _known(endpoint_id: str) -> tuple[str, str]:
    from ...fal_backend.endpoints.catalogue import CATALOGUE

    endpoint = CATALOGUE.get(endpoint_id)
    return (endpoint.label, endpoint.price.in_words) if endpoint is not None else (endpoint_id, "")


@functools.cache  # Blender keeps no reference to the texts of a dynamic list
def menu(role: Role, unset: tuple[str, str, str] | None = None) -> list[tuple[str, str, str]]:
    """The endpoints of a role that are in service, as an EnumProperty's items; before them ``unset``, for none of them."""
    from ...fal_backend.endpoints.catalogue import of_role

    known = [end for end in of_role(role) if not end.retired]
    items = [(end.id, f"{end.label}, {end.price.in_words}", f"{end.id}. {end.notes}".strip(". ")) for end in known]
    return items if unset is None else [unset, *items]
