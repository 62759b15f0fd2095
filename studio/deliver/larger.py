# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The run's product rendered once more with more pixels: as a still, or as what an upscaled still is measured against."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ...pipeline.backend.ports import Shot, Task
from ...pipeline.deliver.larger import ENOUGH, Larger, Wanted, differs, judged, render_size, scale_wanted
from ...pipeline.deliver.presets import Rules
from ...pipeline.deliver.rules import Finding, Found
from ...pipeline.deliver.sources import Source
from ...pipeline.errors import BadInput
from ...pipeline.formats import png
from ...pipeline.gate.inspections import facts_of
from ...pipeline.run.run_folder import RunFolder
from ...pipeline.sentences import no_model_yet
from ...pipeline.stages import Progress, Stage, Steps
from ...pipeline.verdicts import Outcome
from .. import BlenderStudio
from ..rendering import passes

OUTCOMES = {Outcome.PASS: Found.PASS, Outcome.UNSURE: Found.ADVICE, Outcome.FAIL: Found.FAIL}


def too_small(pictures: Sequence[tuple[Source, Sequence[Rules]]]) -> list[Wanted]:
    """The stills that don't fill the canvases of their ``Rules`` at the advised sizes."""
    found = []
    for source, rules in pictures:
        for path in (source.still, source.mask):
            png.check(path.read_bytes())
        still, mask = passes.load(source.still), passes.load_grey(source.mask)
        scale = scale_wanted(still, mask, rules, crops=source.angle.crops)
        if scale > ENOUGH:
            found.append(Wanted(source, scale))
    return found


def render_larger(folder: RunFolder, wanted: Sequence[Wanted], out: Path) -> Steps[dict[str, Larger]]:
    """Each still that is a render, rendered larger into ``out``; of the others a word. The open file is replaced."""
    made: dict[str, Larger] = {}
    for each in wanted:
        if not each.source.is_render:
            said = "a model drew it, so a render would be another picture"
            made[each.source.angle.name] = Larger(_left(said, "buy a larger one (--larger ENDPOINT)"))
    renders = [each for each in wanted if each.source.is_render]
    shots = yield from _rendered(folder, renders, out)
    for each in renders:
        name, shot = each.source.angle.name, shots.get(each.source.angle.name)
        if shot is None:
            made[name] = Larger(_left("it has as many pixels as can be rendered", ""))
            continue
        still = out / f"{name}.png"
        shutil.copyfile(shot.files["finished"], still)
        pair = (passes.load(each.source.still), passes.load_grey(each.source.mask))
        why = differs(*pair, passes.load(still), passes.load_grey(shot.files["mask"]))
        if why:
            cure = f"'consistency resume {folder.root}' makes the stills anew where their render has changed"
            made[name] = Larger(_left(f"rendered anew, {why}: the scene has changed since", cure))
            continue
        width, height = png.size_of(still)
        said = f"rendered anew, {width} × {height}"
        made[name] = Larger(Finding("larger picture", "shows what the still shows", said, Found.PASS), still, shot.files["mask"], exact=True)  # fmt: skip
    return made


def gate_larger(
    folder: RunFolder, wanted: Sequence[Wanted], bought: Mapping[str, Path | str], name: str, out: Path
) -> Steps[dict[str, Larger]]:
    """Each bought picture against a render of its size, by the gate; ``bought``: for each angle its file, or why there is none.
    The open file is replaced."""
    made = {
        angle: Larger(_left(f"{name} made none: {each}", "try again, or another endpoint"))
        for angle, each in bought.items()
        if isinstance(each, str)
    }
    there = [each for each in wanted if isinstance(bought.get(each.source.angle.name), Path)]
    measured: dict[str, Larger] = {}

    def measure(studio: BlenderStudio, each: Wanted, shot: Shot) -> Steps[None]:
        angle = each.source.angle.name
        picture = out / f"{angle}.bought.png"
        yield from studio.convert_picture(Path(bought[angle]), picture)
        found = yield from studio.inspect(
            Task.MEASURE,
            Progress(Stage.RESULTS, "measuring against a larger render", None, angle),
            still=str(picture),
            shot=facts_of(shot, sent=False),
            heatmap=str(out / f"{angle}.heatmap.png"),
        )
        finding = judged(each.source, OUTCOMES[Outcome(found["outcome"])], str(found["reason"]), name)
        if finding.outcome == Found.PASS:
            measured[angle] = Larger(finding, picture, shot.files["mask"], exact=each.source.exact, by_model=True)
        else:
            measured[angle] = Larger(finding)

    yield from _rendered(folder, there, out, measure)
    return {**made, **measured}


def _left(found: str, cure: str) -> Finding:
    return Finding("larger picture", "as many pixels as advised", found, Found.ADVICE, cure)


def _rendered(
    folder: RunFolder,
    wanted: Sequence[Wanted],
    out: Path,
    then: Callable[[BlenderStudio, Wanted, Shot], Steps[None]] | None = None,
) -> Steps[dict[str, Shot]]:
    """References of the angles in ``out``/NUMBER, as large as is wanted, those that can be; ``finished`` among their files is the
    local still."""
    if not wanted:
        return {}
    if not folder.product_source.is_file():
        raise no_model_yet(folder.root)
    shots: dict[str, Shot] = {}
    settings = folder.copied_light(folder.settings)
    studio = BlenderStudio(settings, own_file=True)
    try:
        yield from studio.load_product(folder.product_source)
        yield from studio.place_rig(settings)
        for number, each in enumerate(wanted):
            angle = each.source.angle
            size = render_size(*png.size_of(each.source.mask), each.scale)
            if size is None:
                if then is not None:
                    size = png.size_of(each.source.mask)
                else:
                    continue
            own = settings.model_copy(update={"size": max(size), "aspect": size[0] / size[1]})
            if own.resolution != size:
                raise BadInput(f"{angle.name} can't be rendered at {size[0]} × {size[1]}; use --larger filter")
            place = out / f"{number}"
            place.mkdir(parents=True, exist_ok=True)
            shot = yield from studio.render_reference(angle, own, place)
            if then is not None:
                yield from then(studio, each, shot)
            else:
                finished = place / "finished.png"
                yield from studio.finish_reference(angle, place, finished)
                shot.files["finished"] = finished
            shots[angle.name] = shot
    finally:
        studio.close()
    return shots
