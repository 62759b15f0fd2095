# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks of the geometry gate: files in, verdicts and mended pictures out. The measuring itself is pipeline.scoring."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ...pipeline.backdrops import behind
from ...pipeline.errors import BadInput
from ...pipeline.formats import exr, marks
from ...pipeline.gate.scoring import crossview, drift, gate, video
from ...pipeline.gate.scoring.faithful import Ground
from ...pipeline.gate.scoring.heatmap import heatmap as draw_heatmap
from ...pipeline.gate.scoring.measures import detail, label
from ...pipeline.gate.scoring.measures.cast import solid_points
from ...pipeline.gate.scoring.measures.edges import geometry_edges
from ...pipeline.gate.scoring.pixels.arrays import Array, resize
from ...pipeline.gate.scoring.pixels.placement import Similarity
from ...pipeline.gate.scoring.pixels.unwarp import unwarp as straighten
from ...pipeline.gate.scoring.recomposite import recomposite, shadow_factor
from ...pipeline.gate.scoring.reference import Camera, Reference, as_picture
from ...pipeline.gate.witness import compare_words
from ...pipeline.json_object import JsonObject
from ...pipeline.look.orbit import Orbit
from ...pipeline.settings.choices import Restore
from ...pipeline.verdicts import Cause, Outcome, Says
from ...pipeline.wording.program import PROGRAM
from ..rendering import passes
from .frames import frames_of
from .heat_key import with_key
from .inspected import FrameFacts, Measured, Pose, RenderFacts, Testified, TintFound, Tracked
from .reading import print_reader

FACTS = {"Software": PROGRAM}
EXACT = "Composite of a generated still and a render: the still's product within the render's outline"
FAITHFUL = "Composite of a generated still and a render: the still's light, {share:.0%} faithful to the render's detail"
LOOK_EVERY = 0.5  # seconds between two frames of a clip that are looked at
WIDEST = 12.0  # degrees that a product may have turned beyond what its speed let expect, from one look to the next
PAIR_SIDE, PAIR_GAP = 1024, 16  # pixels: a second witness is paid by them
READING_SIDE = 1024  # pixels of the longer side of print that is read
PRINT_MARGIN = 0.02  # of the picture, kept around its print
CLIP_SIDE = 512  # pixels of a clip's longer side while it is tracked


def measure(still: str, shot: RenderFacts, heatmap: str, mesh: str) -> Measured:
    """One still against its render, and the heat-map of it.

    ``mesh``: .npz with vertices (N, 3) metres and triangles (M, 3), for the degrees by which a failed picture's camera
    stands elsewhere.
    """
    known = replace(reference_of(shot), solid=solid_points(*_mesh(mesh)))
    picture = passes.load(Path(still))
    prepared = gate.Prepared(known)
    score = gate.score(picture, prepared)
    verdict, numbers = score.verdict, score.numbers.as_dict()
    reason = verdict.reason
    if verdict.outcome == Outcome.FAIL and verdict.cause in (Cause.SHAPE, Cause.LABEL, Cause.VIEW):
        turned = _drift(picture, known, mesh)
        if turned is not None and turned.telling and max(abs(turned.yaw), abs(turned.pitch)) >= 1.0:
            numbers |= {"yaw_deg": round(turned.yaw, 2), "pitch_deg": round(turned.pitch, 2)}
            reason += f"; it is seen from {abs(turned.yaw):.0f}° beside and {abs(turned.pitch):.0f}° above or below"
    drawn = draw_heatmap(picture, prepared, score)[..., :3]
    passes.save(Path(heatmap), with_key(drawn), FACTS)
    found = score.pose
    return Measured(
        outcome=verdict.outcome,
        reason=reason,
        cause=verdict.cause,
        repairable=verdict.repairable,
        numbers=numbers,
        own=prepared.own.as_dict(),
        pose=Pose(dx=found.dx, dy=found.dy, scale=found.scale, rotation=found.rotation, pivot=list(found.pivot)),
    )


def unwarp(still: str, shot: RenderFacts, pose: Pose, out: str) -> JsonObject:
    """The still laid back onto the render's grid, at the render's size."""
    facts = {**FACTS, **marks.generated(Path(still))}
    passes.save(Path(out), laid_back(Path(still), _load(shot, "mask")[..., 0], pose), facts)
    return {}


def exact(
    still: str, shot: RenderFacts, pose: Pose, backdrop: str, out: str, restore: str, region: str, photo: str
) -> JsonObject:
    """The still's product under the renderer's alpha, over exactly ``backdrop``, with the render's own shadow.

    ``restore``: "none", "label" (printed regions get the render's detail back) or "edges" (the geometry's edges do).
    ``region``: a picture, white where detail is restored instead. ``photo``: a picture from this angle that the detail is
    taken from instead of the render; it is laid onto the render's grid as a still would be.
    """
    known = reference_of(shot)
    picture = laid_back(Path(still), known.mask, pose)
    where = _region(known, restore, region)
    if where is not None:
        source = known.rgb
        if photo:
            taken = as_picture(passes.load(Path(photo)), *known.mask.shape)
            source = straighten(taken, gate.score(taken, known).pose)
        picture = detail.restore(picture, source, known.mask, where)
    height, width = known.mask.shape
    shown = behind(backdrop, (height, width), passes.load).astype(np.float32) / 255.0
    shadow = shadow_factor(_load(shot, "image"), known.mask, shown)
    passes.save(
        Path(out),
        recomposite(picture, known.mask, shown, shadow),
        {**FACTS, **(marks.mark_of(Path(still)) or marks.composite(EXACT))},
    )
    return {}


def faithful(still: str, shot: RenderFacts, pose: Pose, out: str, dial: float, has_print: bool) -> JsonObject:
    """The still on the render's grid, its light over as much of the render's detail as ``dial`` says, 0..1."""
    known = reference_of(shot)
    picture = Ground.of(known).at(laid_back(Path(still), known.mask, pose), dial, has_print=has_print)
    passes.save(Path(out), picture, {**FACTS, **marks.composite(FAITHFUL.format(share=dial))})
    return {}


def _region(known: Reference, restore: str, region: str) -> Array | None:
    """(H, W) 0..1: where detail is restored; None for nowhere."""
    if region:
        return _on_grid(Path(region), known.mask)[..., 0]
    if restore == Restore.NONE:
        return None
    edges = geometry_edges(known)
    if restore == Restore.LABEL:
        return label.find(known, edges).astype(np.float32)
    return detail.edge_region(edges[0], (known.mask.shape[0], known.mask.shape[1])).astype(np.float32)


def laid_back(still: Path, mask: Array, pose: Pose) -> Array:
    x, y = pose["pivot"]
    similarity = Similarity(pose["dx"], pose["dy"], pose["scale"], pose["rotation"], (x, y))
    return straighten(_on_grid(still, mask), similarity)


def pair(still: str, shot: RenderFacts, out: str) -> JsonObject:
    """Render and still side by side, the render on the left, as a second witness is shown them: whole, in one height."""
    halves = [_load(shot, "image"), passes.load(Path(still))]
    aspects = [half.shape[1] / half.shape[0] for half in halves]
    height = max(1, round(min(PAIR_SIDE, halves[0].shape[0], *(PAIR_SIDE / aspect for aspect in aspects))))
    left, right = (
        resize(half[..., :3], height, max(1, round(height * aspect)))
        for half, aspect in zip(halves, aspects, strict=True)
    )
    gap = np.full((height, PAIR_GAP, 3), 0.5, dtype=np.float32)
    passes.save(Path(out), np.concatenate([left, gap, right], axis=1), FACTS)
    return {}


def read(still: str, shot: RenderFacts, pose: Pose) -> Testified:
    """What the print on the render reads, and on the still, laid onto the render's grid; where none is known, whatever letters
    the product has. Raises UsageError without a reader.
    """
    reader = print_reader()
    known = reference_of(shot)
    where = label.find(known, geometry_edges(known))
    where = where if where.any() else known.inside
    straight = laid_back(Path(still), known.mask, pose)
    rows, columns = (np.flatnonzero(where.any(axis=axis)) for axis in (1, 0))
    pad = round(PRINT_MARGIN * max(where.shape))
    box = (
        slice(max(0, rows[0] - pad), rows[-1] + pad + 1),
        slice(max(0, columns[0] - pad), columns[-1] + pad + 1),
    )
    found = compare_words(reader(_legible(known.rgb[box])), reader(_legible(straight[box])))
    return Testified(says=found.says, reason=found.reason)


def matte(matte: str, shot: RenderFacts, pose: Pose) -> Testified:
    """What a matte of the still, laid onto the render's grid, says of its outline. One that finds nothing, or everything, says
    nothing; between the two shares of common area that decide, it can't be told."""
    mask = _load(shot, "mask")[..., 0]
    found = laid_back(Path(matte), mask, pose)[..., :3].mean(axis=-1) >= 0.5
    known = mask >= 0.5
    if not 0.002 < float(found.mean()) < 0.998:
        return Testified(says=Says.CANT_TELL, reason="its matte finds no product, or nothing else")
    common = float((found & known).sum() / max(1, (found | known).sum()))
    says = Says.YES if common >= SAME_AREA else Says.NO if common < OTHER_AREA else Says.CANT_TELL
    return Testified(
        says=says, reason=f"its matte and the render's mask have {100.0 * common:.1f} % of their area in common"
    )


SAME_AREA, OTHER_AREA = 0.97, 0.90  # of the area of both together


def _legible(picture: Array) -> Array:
    """Enlarged where it is small: readers want letters of some twenty pixels."""
    times = min(4.0, READING_SIDE / max(picture.shape[:2]))
    return resize(picture, round(picture.shape[0] * times), round(picture.shape[1] * times)) if times > 1 else picture


def tint(stills: dict[str, str], shots: dict[str, RenderFacts]) -> TintFound:
    """The colour of all views against each other, through the known cameras."""
    views = {}
    for name, still in stills.items():
        known = reference_of(shots[name]).at_working_size()
        views[name] = (known, as_picture(passes.load(Path(still)), *known.mask.shape))
    found = crossview.tint(views)
    gains = {name: [float(value) for value in gain] for name, gain in found.gains.items()}
    return TintFound(outlier=found.outlier, action=found.action, reason=found.reason, gains=gains)


def gain(still: str, shot: RenderFacts, factors: list[float], out: str) -> JsonObject:
    """The still with its product's light times ``factors`` (red, green, blue)."""
    mask = _load(shot, "mask")[..., 0]
    picture = crossview.apply_gain(_on_grid(Path(still), mask), mask, tuple(factors))  # type: ignore[arg-type]
    passes.save(Path(out), picture, {**FACTS, **marks.generated(Path(still))})
    return {}


def track(
    clip: str, shot: RenderFacts, mesh: str, turn: float | None, drifted: str, way: list[RenderFacts] | None = None
) -> Tracked:
    """A clip followed along masks of the product's turn.

    ``turn``: degrees by which the product is to have turned at the end, at constant speed and to either side: 360 for a
    turntable, 0 where neither product nor camera turns (a light sweep); None: by as many as it likes. ``drifted``: where the
    first frame that is off is kept. ``way``: references whose cameras the clip's camera passes at constant speed while the
    product stands; it says how far that is, and which way round.
    """
    vertices, triangles = _mesh(mesh)
    camera = Camera.of(shot["matrix_world"], shot["projection"])
    looks = list(frames_of(Path(clip), LOOK_EVERY, CLIP_SIDE))
    if not looks:
        raise BadInput(f"{Path(clip).name} shows nothing; fetch it again")
    frames = [(seconds, picture) for seconds, _, picture in looks]
    height, width = frames[0][1].shape[:2]
    if way:
        orbit = Orbit([Camera.of(each["matrix_world"], each["projection"]) for each in way])
        turn, views = orbit.degrees, drift.masks_along(vertices, triangles, orbit.at, width, height)
    else:
        views = drift.fan_of_mesh(vertices, triangles, camera, width, height)
    due = {seconds: turn * share for seconds, share, _ in looks} if turn is not None else None
    expected = due.__getitem__ if due is not None else None
    followed = video.track(frames, views, expected, WIDEST, either_way=not way)
    if followed.fails_at is not None:
        _, first = min(frames, key=lambda each: abs(each[0] - followed.fails_at))
        passes.save(Path(drifted), first, FACTS)
    seen = [
        FrameFacts(
            seconds=round(frame.time, 3),
            yaw_deg=round(frame.yaw, 2),
            p95_px=round(frame.p95_px, 2),
            scale=round(frame.scale, 4),
        )
        for frame in followed.frames
    ]
    return Tracked(outcome=followed.outcome, reason=followed.reason, fails_at=followed.fails_at, frames=seen)


def reference_of(shot: RenderFacts) -> Reference:
    """The render as it was sent, with its passes."""
    files = shot["files"]
    planes = {name: exr.read(Path(files[name])) for name in ("depth", "normal", "position")}
    rgb = _load(shot, "sent" if "sent" in files else "image")
    return Reference(
        rgb=rgb,
        mask=_load(shot, "mask")[..., 0],
        depth=planes["depth"]["Y"],
        normal=np.stack([planes["normal"][c] for c in "RGB"], axis=-1),
        position=np.stack([planes["position"][c] for c in "RGB"], axis=-1),
        camera=Camera.of(shot["matrix_world"], shot["projection"]),
        surface=_load(shot, "surface") if "surface" in files else None,  # older runs have none
    )


def _load(shot: RenderFacts, kind: str) -> Array:
    return passes.load(Path(shot["files"][kind]))


def _on_grid(still: Path, mask: Array) -> Array:
    return as_picture(passes.load(still), *mask.shape)


def _mesh(path: str) -> tuple[Array, np.ndarray]:
    with np.load(path) as stored:
        return stored["vertices"], stored["triangles"]


def _drift(picture: Array, known: Reference, mesh: str) -> drift.Drift | None:
    """None where no picture of the mesh can be compared."""
    height, width = known.mask.shape
    vertices, triangles = _mesh(mesh)
    assert known.camera is not None
    views = drift.fan_of_mesh(vertices, triangles, known.camera, width, height)
    return drift.find_drift(as_picture(picture, height, width), views)
