# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may do what: fal's keys, and its words for refusing them."""

from __future__ import annotations

from dataclasses import dataclass

from .faults import LOCKED
from .http import Request

API_KEY = "5e1f0a52-0c8a-4b0e-9a53-3d1c9f6f2b10:0f1e2d3c4b5a69788796a5b4c3d2e1f0"
ADMIN_KEY = "ad314000-1111-4222-8333-944455566677:00112233445566778899aabbccddeeff"


@dataclass
class Key:
    """A customer's key. ``concurrency``: how many of its requests run at once; the rest wait in the queue."""

    secret: str
    admin: bool = False
    locked: bool = False
    revoked: bool = False
    concurrency: int = 10

    @property
    def id(self) -> str:
        return self.secret.partition(":")[0]


class Refused(Exception):
    """A key that doesn't do: HTTP status and fal's text."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


def key_of(request: Request, keys: dict[str, Key], *, spends: bool = False, admin: bool = False) -> Key:
    """The request's key. Raises Refused; ``spends``: a locked account is refused too."""
    if "authorization" not in request.headers:
        raise Refused(401, "Authentication is required to access this application")
    secret = request.key
    if secret is None or secret.count(":") != 1 or not all(secret.split(":")):
        raise Refused(401, "Invalid Key Authorization header format. Expected '<key_id>:<key_secret>'.")
    key = keys.get(secret)
    if key is None or key.revoked:
        raise Refused(401, "No user found for Key ID and Secret")
    if spends and key.locked:
        raise Refused(403, LOCKED)
    if admin and not key.admin:
        raise Refused(403, "This operation needs a key with the ADMIN scope")
    return key
