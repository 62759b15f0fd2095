# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A glTF document as its JSON has it: whatever a file claims, so every member is looked up with doubt.

glTF 2.0 specification, §5 (properties reference) says what a document and its parts may hold.
"""

from __future__ import annotations

from ..json_object import JsonObject

GltfDocument = JsonObject  # "nodes", "meshes", "accessors", "bufferViews", "buffers", "images", "scenes" …
GltfPart = JsonObject  # one entry of these lists, or an object within it
