# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The yardstick of the geometry gate: rendered pictures whose truth is known, and what the gate says of them.

    products    what is photographed: parts by name, prints, materials of every kind
    scenes      a product, right or with a fault in 3D, in the studio's own light or in a stranger's; rendered by Cycles
    pictures    the camera and codec chain, and faults that generators paint; each fault with its mask
    scores      each picture through the gate: one row of numbers, kept in the cache
    limits      thresholds fitted on some products, and what they are worth on others

Products are held out whole: no threshold is ever reported on a product that it was fitted on.
"""
