# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Going through the nodes of a material or of geometry nodes."""

from __future__ import annotations

from collections.abc import Iterator

from bpy.types import Node, NodeTree


def all_nodes(tree: NodeTree | None) -> Iterator[Node]:
    """Every node of ``tree``, and of the groups in it; each group once, however often it is used."""
    seen: set[str] = set()
    pending = [tree]
    while pending:
        tree = pending.pop()
        if tree is None or tree.name in seen:
            continue
        seen.add(tree.name)
        for node in tree.nodes:
            yield node
            pending.append(getattr(node, "node_tree", None))
