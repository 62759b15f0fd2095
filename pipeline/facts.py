# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The base of what is kept in a run's files."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer

from .json_object import JsonObject


class Facts(BaseModel):
    """Facts that never change once they are written; new ones make a copy.

    They are written as they were given: what was not set is left out, and fields that this version does not know (of a
    file that another version wrote) are kept.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    @model_serializer(mode="wrap")
    def _as_given(self, handler: SerializerFunctionWrapHandler) -> JsonObject:
        return {name: value for name, value in handler(self).items() if name in self.model_fields_set}
