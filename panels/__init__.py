"""The sidebar: it draws state and computes nothing."""

from __future__ import annotations


def register() -> None:
    pass


def unregister() -> None:
    pass
