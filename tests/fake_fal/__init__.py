# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fake of fal.ai that unchanged clients reach over real HTTPS.

    with FakeFal() as fake:
        os.environ.update(fake.environment())
        ...                                   # the product, fal-client, requests: as they are
        assert fake.books.usd == 0.025
        assert not fake.refused and not fake.key_leaks

It is a proxy that ends TLS itself with certificates of a throw-away CA. Read fake.py first; faults.py lists what can be
made to go wrong, oddities.py single odd answers by name. By hand: ``python -m tests.fake_fal``.
"""

from __future__ import annotations

from .access import ADMIN_KEY, API_KEY, Key
from .books import Books, Entry
from .endpoint import Endpoint
from .fake import REALISTIC, FakeFal

__all__ = ["ADMIN_KEY", "API_KEY", "REALISTIC", "Books", "Endpoint", "Entry", "FakeFal", "Key"]
