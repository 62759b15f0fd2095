# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The words that go with each reference: a template, the angle, the lighting, the materials.

Kontext and most edit models have no negative prompt, so what must not happen is said as what must: "a photograph of
the real object" instead of "not a 3D render". Endpoints that do have the field get ``AVOID`` there as well.
"""

from __future__ import annotations

from .backend.ports import Product
from .rig import Angle, describe
from .settings.backdrop import GRADIENT, TRANSPARENT, is_file
from .settings.groups import RunSettings
from .settings.lighting import PRESETS

TEMPLATE = (
    "Turn this render into a photograph of the same real {subject}, {view}. "
    "Keep the shape, proportions, position, size, camera angle, labels and lettering exactly as they are. "
    "{lighting}, {backdrop}, {materials}real photographic surface detail, sharp focus, commercial product photography."
)
STRICTER = (
    " The outline of the object must coincide with the render's outline everywhere: the same silhouette, the same parts in "
    "the same number and place, nothing added and nothing left out. Only surface detail and light change."
)
PICTURE_TEMPLATE = (
    "A photograph of {subject}, the whole object in view, centred, three-quarter view from slightly above, "
    "even soft studio light, plain white background, sharp focus, commercial product photography"
)
AVOID = "3D render, CGI, plastic look, toy, distorted shape, changed label, extra objects, blur, watermark"

BACKDROP_WORDS = {
    "white": "clean seamless white backdrop",
    "grey": "clean seamless neutral grey backdrop",
    GRADIENT: "seamless backdrop with a soft grey gradient",
    TRANSPARENT: "clean seamless white backdrop",
}
MATERIAL_WORDS = {
    "metal": "physically accurate metal reflections",
    "glass": "clear glass with true refraction and crisp highlights",
    "gem": "cut gemstones with bright, precise facets",
}


def prompt_for(angle: Angle, settings: RunSettings, product: Product, *, strict: bool = False) -> str:
    """What is sent for ``angle``. The angle's own prompt replaces everything; the run's replaces the subject.

    ``strict`` insists on the shape once more, after a still that did not keep it.
    """
    end = STRICTER if strict else ""
    if angle.prompt:
        return angle.prompt + end
    materials = product.materials if settings.stills.materials is None else settings.stills.materials
    words = [MATERIAL_WORDS.get(material, material) for material in materials]
    whole = TEMPLATE.format(
        subject=settings.stills.prompt.strip() or settings.inputs.text.strip() or "product",
        view=describe(angle),
        lighting=PRESETS[settings.studio.lighting].words,
        backdrop=_behind(settings.studio.backdrop),
        materials="".join(f"{word}, " for word in words),
    )
    return whole + end


def _behind(backdrop: str) -> str:
    if is_file(backdrop):
        return "the same backdrop as in the render"
    return BACKDROP_WORDS.get(backdrop, f"clean seamless backdrop of the colour {backdrop}")


def seed_for(settings: RunSettings, take: int) -> int | None:
    """One seed for all angles of a take, so that the angles look alike; each further take has the next one."""
    return None if settings.stills.seed is None else (settings.stills.seed + take - 1) % 2**31
