# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Is the product in the picture still the product? Measured against the render, with numpy alone.

    reference   what is known exactly: the render, its mask, depth, normals, positions and camera
    gate        score(still, reference) -> Score: everything below, in one call
    verdict     Score -> pass, fail or unsure, with a sentence and the number behind it
    silhouette · walk · placement · shape       the known contour, looked for in the picture
    edges · label · added · colour              what the contour can't see
    drift · raster · video                      camera degrees, from a fan of masks; the same along a clip
    crossview                                   one tint over all views, through the known cameras
    unwarp · recomposite · detail · backdrop    repairs that guarantee
    ladder                                      what to do next, within a budget
    places · heatmap                            where it is wrong, in words and as a picture

Pictures are (H, W, 3) display-referred sRGB in 0..1, row 0 on top. Masks are (H, W) in 0..1. Picture coordinates are
array coordinates: x = 0, y = 0 is the centre of the top left pixel. Lengths in pixels are given at a longer side of
1024 px wherever a name ends in ``_px``, so that one threshold serves every size.

Why the contour and not the overlap of a keyed matte: keying a *perfect* restyle from its backdrop costs up to half of
the IoU (horizon, shadows, blown highlights), while the known silhouette's normals find the same edge to 0.1 px.
"""
