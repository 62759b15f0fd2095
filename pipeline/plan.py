# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every request a run will make, from its settings: the chain sends them, the estimate prices them beforehand."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

from . import photoreal, video
from .backend.ports import Product
from .backend.requests import (
    ClipRequest,
    DerivedRequest,
    ModelRequest,
    OpinionRequest,
    PictureRequest,
    Request,
    StillRequest,
    TextureRequest,
)
from .rig import FURTHER, Angle
from .ring import WIDEST, Span, spans
from .run.run_folder import RunFolder
from .settings.choices import MotionName
from .settings.groups import RunSettings
from .verdicts import MadeBy, Witness

UNPLACED = "further-"  # what the names of angles begin with whose place the model's shape will say
UNKNOWN_PRODUCT = Product(name="product", size=(1.0, 1.0, 1.0), vertices=0)  # before the model is there


def picture_request(folder: RunFolder, settings: RunSettings) -> PictureRequest:
    """The picture that is made from words before the model is made from it."""
    assert settings.inputs.picture_endpoint is not None
    return PictureRequest(
        key="model/picture",
        endpoint=settings.inputs.picture_endpoint,
        prompt=photoreal.PICTURE_TEMPLATE.format(subject=settings.inputs.text.strip()),
        out=folder.photos / "from-words.png",
        seed=settings.stills.seed,
        overrides=settings.service.overrides.get(settings.inputs.picture_endpoint, {}),
    )


def model_request(folder: RunFolder, settings: RunSettings, photos: list[Path]) -> ModelRequest:
    """``endpoint`` is empty where the backend shall choose by the number of photos."""
    return ModelRequest(
        key="model/product",
        endpoint=settings.inputs.model_endpoint or "",
        photos=tuple(photos),
        text="" if photos else settings.inputs.text,
        out=folder.bare_product if settings.inputs.retexture_endpoint else folder.product,
        seed=settings.stills.seed,
        overrides=settings.service.overrides.get(settings.inputs.model_endpoint or "", {}),
    )


def texture_request(folder: RunFolder, settings: RunSettings, photos: list[Path]) -> TextureRequest:
    """The same mesh with a texture from the photos, so that a label is as sharp as they are."""
    assert settings.inputs.retexture_endpoint is not None
    return TextureRequest(
        key="model/texture",
        endpoint=settings.inputs.retexture_endpoint,
        model=folder.bare_product,
        photos=tuple(photos),
        text="" if photos else settings.inputs.text,
        out=folder.product,
        seed=settings.stills.seed,
        overrides=settings.service.overrides.get(settings.inputs.retexture_endpoint, {}),
    )


def still_keys(folder: RunFolder, settings: RunSettings, angle: str) -> dict[int, str]:
    """Take number → key of an angle's current stills. Numbers of pictures that came about otherwise are passed over."""
    subject = f"photoreal/{angle}"
    others = {entry.take for entry in folder.entries(subject) if entry.made_by != MadeBy.FIRST}
    free = (take for take in itertools.count(folder.first_take(subject)) if take not in others)
    return {take: still_key(angle, take) for take in itertools.islice(free, settings.stills.takes)}


def still_key(angle: str, take: int) -> str:
    return f"photoreal/{angle}/take-{take:02d}"


def sent_picture(settings: RunSettings, files: dict[str, Path]) -> Path:
    """The reference as a generator gets it: in exact mode over the backdrop that shows its rim best."""
    return files.get("sent", files["image"]) if settings.is_cut_out else files["image"]


def still_request(
    folder: RunFolder,
    settings: RunSettings,
    product: Product,
    angle: Angle,
    files: dict[str, Path],
    take: int,
    rung: MadeBy = MadeBy.FIRST,
) -> StillRequest:
    """One take of an angle. ``files`` are the reference's: "image"; "sent" and "depth_map" where there are such.

    ``rung``: how it is bought, as planned or in place of a still that failed. Every take has a seed of its own.
    """
    endpoint = settings.gate.depth_endpoint if rung == MadeBy.DEPTH else settings.stills.image_endpoint
    return StillRequest(
        key=still_key(angle.name, take),
        endpoint=endpoint,
        angle=angle,
        take=take,
        reference=sent_picture(settings, files),
        depth=files.get("depth_map"),
        prompt=photoreal.prompt_for(angle, settings, product, strict=rung == MadeBy.STRICTER),
        avoid=photoreal.AVOID,
        seed=photoreal.seed_for(settings, take),
        size=settings.resolution,
        out=folder.take(angle.name, take),
        overrides=settings.service.overrides.get(endpoint, {}),
    )


def still_requests(
    folder: RunFolder, settings: RunSettings, product: Product, angle: Angle, files: dict[str, Path]
) -> list[StillRequest]:
    """One request per planned take of an angle."""
    takes = still_keys(folder, settings, angle.name)
    return [still_request(folder, settings, product, angle, files, take) for take in takes]


def opinion_request(folder: RunFolder, settings: RunSettings, angle: Angle, take: int, question: str) -> OpinionRequest:
    """The question about one take of an angle. Asked again about the same take, it is the same purchase."""
    endpoint = settings.gate.opinion_endpoint
    return OpinionRequest(
        key=opinion_key(angle.name, take),
        endpoint=endpoint,
        angle=angle,
        take=take,
        pair=folder.pair(angle.name, take),
        question=question,
        out=folder.answer(angle.name, take),
        overrides=settings.service.overrides.get(endpoint, {}),
    )


MATTE_ENDPOINT = "fal-ai/birefnet/v2"  # who is asked where the product is


def witness_endpoint(settings: RunSettings) -> str:
    return MATTE_ENDPOINT if settings.gate.second_opinion == Witness.MATTE else settings.gate.opinion_endpoint


def witness_request(
    folder: RunFolder, settings: RunSettings, angle: Angle, take: int, question: str
) -> OpinionRequest | DerivedRequest:
    """What the run's second witness is asked about one take of an angle."""
    if settings.gate.second_opinion != Witness.MATTE:
        return opinion_request(folder, settings, angle, take, question)
    return DerivedRequest(
        key=opinion_key(angle.name, take, Witness.MATTE),
        endpoint=MATTE_ENDPOINT,
        makes="matte",
        angle=angle,
        take=take,
        source=folder.take(angle.name, take),
        subject=settings.stills.prompt.strip() or settings.inputs.text.strip() or "product",
        size=settings.resolution,
        out=folder.matte(angle.name, take),
        overrides=settings.service.overrides.get(MATTE_ENDPOINT, {}),
    )


def opinion_key(angle: str, take: int, witness: Witness = Witness.VISION) -> str:
    return f"photoreal/{angle}/{'matte' if witness == Witness.MATTE else 'opinion'}-{take:02d}"


def planned(folder: RunFolder, settings: RunSettings, product: Product) -> list[Request]:
    """The stills and the clip of a run whose product is there."""
    files = {"image": folder.references, "depth_map": folder.references}  # only the price is asked for
    requests: list[Request] = [
        request
        for angle in settings.studio.angles
        for request in still_requests(folder, settings, product, angle, files)
    ]
    return [*requests, *clip_requests(folder, settings, product)]


def clip_requests(folder: RunFolder, settings: RunSettings, product: Product) -> list[ClipRequest]:
    """What is bought of a run's clip: all of it, the pieces of one that is stitched, or nothing."""
    if not settings.clip.is_bought:
        return []
    if settings.clip.motion == MotionName.ANCHORED_TURNTABLE:
        return [piece for _, piece in piece_requests(folder, settings, product)]
    return [clip_request(folder, settings, product)]


def clip_spans(settings: RunSettings) -> tuple[Span, ...]:
    """The pieces that an anchored clip is put together of."""
    return spans(settings.studio.angles, settings.clip_angle)


def clip_subjects(settings: RunSettings) -> list[str]:
    """What takes a run's clip has: its own, and those of pieces that are bought for it."""
    subject = f"video/{settings.clip.motion}"
    if settings.clip.motion != MotionName.ANCHORED_TURNTABLE:
        return [subject]
    return [subject, *(f"{subject}.{span.name}" for span in clip_spans(settings))]


def piece_requests(folder: RunFolder, settings: RunSettings, product: Product) -> list[tuple[Span, ClipRequest]]:
    """A purchase for each piece of an anchored clip that a model can fill: the still that it begins with, and the one it ends with.

    Each is as long as its share of the turn, by degrees. Where a run's further angles are not known yet, as many pieces as
    there can be, each as long as one can be.
    """
    found = clip_spans(settings)
    unknown = [angle for angle in settings.studio.angles if angle.name.startswith(UNPLACED)]
    if unknown and found:
        one, other = found[0].one, found[0].other
        most = [replace(span, degrees=WIDEST) for span in found if span.one != span.other]
        most += [Span(one, replace(other, name=angle.name), WIDEST) for angle in unknown]
        found = tuple(most)
    return [(span, _piece_request(folder, settings, product, span)) for span in found if span.can_be_bought]


def _piece_request(folder: RunFolder, settings: RunSettings, product: Product, span: Span) -> ClipRequest:
    motion = f"{settings.clip.motion}.{span.name}"
    take = folder.first_take(f"video/{motion}")
    whole = clip_request(folder, settings, product)
    return replace(
        whole,
        key=f"video/{motion}/take-{take:02d}",
        angle=span.one,
        to=span.other,
        start=folder.still(span.one.name),
        end=folder.still(span.other.name),
        prompt=video.piece_prompt(product, span.degrees),
        duration=settings.clip.duration * span.degrees / 360.0,
        audio=False,
        out=folder.clip_take(motion, take),
    )


def clip_stills(settings: RunSettings) -> list[str]:
    """The angles whose stills the clip needs: start, then end, then further views; all where every still lends its look."""
    if settings.clip.motion.needs_all_stills:
        first = settings.clip_angle.name
        return [first, *(angle.name for angle in settings.studio.angles if angle.name != first)]
    names = [settings.clip_angle.name]
    if settings.clip.video_end_angle is not None:
        names.append(settings.clip.video_end_angle)
    if settings.clip.video_elements:
        names += [angle.name for angle in settings.studio.angles if angle.name not in names]
    return names


def clip_request(folder: RunFolder, settings: RunSettings, product: Product) -> ClipRequest:
    names = clip_stills(settings)
    end = settings.clip.video_end_angle
    take = folder.first_take(f"video/{settings.clip.motion}")
    return ClipRequest(
        key=f"video/{settings.clip.motion}/take-{take:02d}",
        endpoint=settings.clip.video_endpoint,
        angle=settings.clip_angle,
        motion=settings.clip.motion,
        start=folder.still(names[0]),
        end=folder.still(end) if end is not None else None,
        elements=tuple(folder.still(name) for name in names) if settings.clip.video_elements else (),
        prompt=video.clip_prompt(settings, product),
        avoid=video.AVOID,
        duration=video.clip_duration(settings, product),
        audio=settings.clip.audio,
        seed=settings.stills.seed,
        size=settings.resolution,
        out=folder.clip_take(settings.clip.motion, take),
        overrides=settings.service.overrides.get(settings.clip.video_endpoint, {}),
        drawn={kind: folder.own_clip(settings.clip.motion, take, kind) for kind in ("render", "depth")},
    )


def with_further(settings: RunSettings) -> RunSettings:
    """``settings`` with as many angles as the run may have: which further ones see more surface is known once the model is."""
    if not settings.stills.cover:
        return settings
    further = [Angle(name=f"{UNPLACED}{number:02d}", azimuth=0.0) for number in range(1, settings.stills.cover + 1)]
    return settings.model_copy(update={"angles": [*settings.studio.angles, *further], "cover": 0})


def going_on(settings: RunSettings, before: RunSettings) -> RunSettings:
    """``settings`` for a run that went on with ``before``: the further angles that were chosen for the same ones stay."""
    names = [angle.name for angle in settings.studio.angles]
    further = [angle for angle in before.studio.angles if angle.name not in names]
    same = [angle for angle in before.studio.angles if angle.name in names] == list(settings.studio.angles)
    fits = 0 < len(further) <= settings.stills.cover and all(angle.name.startswith(FURTHER) for angle in further)
    if before.stills.cover or not (same and fits):
        return settings
    return settings.model_copy(update={"angles": [*settings.studio.angles, *further], "cover": 0})


def everything(folder: RunFolder, settings: RunSettings) -> list[Request]:
    """All requests of a run whose product is not known yet; files in them need not exist."""
    requests: list[Request] = []
    if not settings.has_own_model:
        photos = [folder.photos / Path(photo).name for photo in settings.inputs.files]
        if not photos and settings.inputs.picture_endpoint is not None:
            picture = picture_request(folder, settings)
            requests.append(picture)
            photos = [picture.out]
        requests.append(model_request(folder, settings, photos))
        if settings.inputs.retexture_endpoint is not None:
            requests.append(texture_request(folder, settings, photos))
    for angle in settings.studio.angles:
        files = {name: folder.references / f"{angle.name}.{name}.png" for name in ("image", "depth_map")}
        requests += still_requests(folder, settings, UNKNOWN_PRODUCT, angle, files)
    return [*requests, *clip_requests(folder, settings, UNKNOWN_PRODUCT)]
