# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One look for every view: what stills changed about their renders, carried over to any other render of the same model.

views      what is known of a render, and of a still as a source
lookup     what the sources say of places on the product
carry      a view with the change that the sources lend it, and how much of it they see
equal      one gain for each source, so that they agree where they see the same surface
align      a still's small shifts against its own render, taken out
texture    the change for each texel of a surface
unwrap     a fresh map, where a surface's own gives no place texels of its own
coverage   what share of the surface the stills see, and which further angles see the rest
"""
