# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can be delivered, by name: for the panel, which reads no file while it registers."""

from __future__ import annotations

# key → its label and its tooltip; a test holds the keys to the files in presets/
SHOPS: dict[str, tuple[str, str]] = {
    "amazon": ("Amazon", "White, no shadow, JPEG; MAIN, PT01 and so on"),
    "google": ("Google", "Google Merchant Center: white, no shadow, JPEG"),
    "shopify": ("Shopify", "White with the shadow, JPEG"),
    "ebay": ("eBay", "White with the shadow, JPEG"),
    "walmart": ("Walmart", "White, no shadow, JPEG; named by the GTIN-14"),
    "zalando": ("Zalando", "White, upright 1801 : 2600, JPEG"),
    "social-square": ("Social Square", "The still's own ground, 1080 pixels, JPEG"),
    "social-upright": ("Social Upright", "The still's own ground, 1080 by 1350 pixels, JPEG"),
    "web": ("Web", "Transparent WebP"),
    "cutout": ("Cut-Out", "Transparent PNG"),
    "print": ("Print", "White with the shadow, 300 dpi, PNG"),
}
