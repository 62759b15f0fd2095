# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole chain with the real backend against the fake; only Blender is a stand-in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from consistency_pipeline.fal_backend import errors, prices, quote
from consistency_pipeline.fal_backend.backend import FalBackend
from consistency_pipeline.fal_backend.buying import patience
from consistency_pipeline.fal_backend.endpoints.catalogue import CATALOGUE
from consistency_pipeline.pipeline import chain
from consistency_pipeline.pipeline.backend.local import LocalBackend
from consistency_pipeline.pipeline.errors import (
    BadInput,
    BadRender,
    BudgetExceeded,
    Cancelled,
    ConsistencyError,
    RunInUse,
)
from consistency_pipeline.pipeline.money.ledger import Ledger
from consistency_pipeline.pipeline.run import preflight
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from consistency_pipeline.pipeline.settings.groups import RunSettings
from consistency_pipeline.pipeline.stages import STAGES, Progress
from tests.fake_fal import API_KEY, FakeFal
from tests.fake_fal.model import glb

from .shop import KONTEXT, agrees, go
from .stand_in import StandInStudio, png, write

pytestmark = pytest.mark.usefixtures("near")
KLING = "fal-ai/kling-video/v3/pro/image-to-video"


def photos(place: Path, count: int) -> tuple[str, ...]:
    return tuple(str(write(place / f"photo-{n}.png", png(128, 128, grey=n))) for n in range(count))


def new_run(place: Path, **settings: Any) -> RunFolder:
    folder = RunFolder.create(place / "run", RunSettings(**{"backend": "fal", "size": 64, **settings}), {"python": "3"})
    if folder.settings.service.backend == "fal":
        folder.note(prices=prices.fetch(API_KEY, {purchase.endpoint for purchase in quote.plan(folder.settings)}))
    return folder


def states(folder: RunFolder) -> dict[str, str]:
    record = json.loads((folder.root / "run.json").read_text(encoding="utf-8"))
    return {name: stage["state"] for name, stage in record["stages"].items()}


def bought(fake: FakeFal) -> list[str]:
    return sorted(entry.endpoint.removeprefix("fal-ai/") for entry in fake.books)


# the routes


@pytest.mark.parametrize(
    ("route", "endpoints"),
    [
        ({"count": 1}, ["meshy/v6/image-to-3d"]),
        ({"count": 4}, ["meshy/v7/multi-image-to-3d"]),
        ({"text": "a rubber duck"}, ["meshy/v6/text-to-3d"]),
        (
            {"text": "a rubber duck", "picture_endpoint": "fal-ai/flux/schnell"},
            ["flux/schnell", "meshy/v6/image-to-3d"],
        ),
    ],
    ids=["one photo", "four photos", "words", "words by way of a picture"],
)
def test_from_inputs_to_five_stills_and_a_clip(fake: FakeFal, tmp_path: Path, route: dict, endpoints: list[str]):
    count = route.pop("count", 0)
    folder = new_run(tmp_path, inputs=photos(tmp_path, count), **route)
    report = go(folder)
    assert bought(fake) == sorted([*endpoints, *["flux-kontext/dev"] * 5, KLING.removeprefix("fal-ai/")])
    assert set(states(folder).values()) == {"done"}
    assert folder.is_finished
    for angle in folder.settings.studio.angles:
        assert folder.still(angle.name).is_file()
    assert folder.clip("turntable").is_file()
    assert folder.product.read_bytes()[:4] == b"glTF"
    agrees(folder, fake)
    assert report == json.loads(folder.report.read_text(encoding="utf-8"))
    assert not fake.refused
    assert not fake.key_leaks


def test_a_model_of_ones_own_is_not_bought(fake: FakeFal, tmp_path: Path):
    own = write(tmp_path / "duck.glb", glb(200, (9, 9, 9)))
    folder = new_run(tmp_path, inputs=(str(own),))
    go(folder)
    assert len(bought(fake)) == 6
    assert states(folder)["model"] == "skipped"
    assert folder.product.read_bytes() == own.read_bytes()


@pytest.mark.parametrize(
    ("thrown", "said"),
    [
        ("product.glb can't be imported", "duck.glb can't be imported"),
        ("the product has no faces", "duck.glb: the product has no faces"),
    ],
)
def test_what_is_wrong_with_ones_own_model_is_told_under_its_own_name(tmp_path: Path, thrown: str, said: str):
    class Refusing(StandInStudio):
        def load_product(self, model: Path) -> Any:
            yield from super().load_product(model)
            raise BadInput(thrown)

    own = write(tmp_path / "duck.glb", glb(200, (9, 9, 9)))
    folder = new_run(tmp_path, inputs=(str(own),), backend="local")
    studio = Refusing()
    with pytest.raises(BadInput, match=f"^{said}$"):
        list(chain.run(folder, studio, LocalBackend(studio, folder.settings)))


def test_a_reference_that_shows_nothing_is_told_with_the_models_name(tmp_path: Path):
    class Blind(StandInStudio):
        def render_reference(self, *rest: Any) -> Any:
            yield from super().render_reference(*rest)
            raise BadRender("the front reference is black")

    own = write(tmp_path / "duck.glb", glb(200, (9, 9, 9)))
    folder = new_run(tmp_path, inputs=(str(own),), backend="local")
    studio = Blind()
    with pytest.raises(BadRender, match="^duck.glb: the front reference is black$"):
        list(chain.run(folder, studio, LocalBackend(studio, folder.settings)))


def test_the_report_says_what_was_sent_and_what_it_cost(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path, inputs=photos(tmp_path, 1), seed=7)
    report = go(folder)
    pictures = {picture["key"]: picture for picture in report["pictures"]}
    assert len(pictures) == 6
    by_id = {entry.request_id: entry for entry in fake.books}
    for picture in pictures.values():
        entry = by_id[picture["request_id"]]
        assert (folder.root / picture["file"]).is_file()
        assert picture["endpoint"] == entry.endpoint
        assert picture["endpoint_name"] == CATALOGUE[entry.endpoint].label
        assert picture["arguments"] == entry.arguments
        assert picture["billed_usd"] == entry.usd
        assert picture["quoted_usd"] == pytest.approx(entry.usd)
        assert picture["camera"]["matrix_world"]
    assert pictures["photoreal/front/take-01"]["seed"] == 7
    assert report["billed_usd"] == fake.books.usd == pytest.approx(Ledger.read([folder.root]).billed_usd)


def test_each_reference_becomes_its_own_still(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path, inputs=photos(tmp_path, 1), motion="none")
    go(folder)
    for entry in fake.books.of(KONTEXT):
        sent = fake.storage.fetch(entry.arguments["image_url"])
        [angle] = [
            a.name for a in folder.settings.studio.angles if (folder.references / f"{a.name}.png").read_bytes() == sent
        ]
        assert fake.queue._jobs[entry.request_id].made is not None
        attempt = folder.read_journal().purchases.last(f"photoreal/{angle}/take-01")
        assert attempt is not None
        assert attempt.request_id == entry.request_id
    assert states(folder)["video"] == "skipped"


def test_the_clip_leaves_before_the_last_angle_is_rendered(fake: FakeFal, tmp_path: Path):
    """Renders and generation overlap: the clip's angle is rendered first, and its still fetched meanwhile."""
    folder = new_run(tmp_path, inputs=photos(tmp_path, 1))
    order: list[str] = []
    go(
        folder,
        on_progress=lambda progress, _backend: (
            order.append(progress.angle or "") if progress.stage == "references" else None
        ),
    )
    assert order[0] == "three-quarter"
    assert [entry.endpoint for entry in fake.books][1] == KONTEXT


@pytest.mark.parametrize(("reflective", "seconds"), [(False, "5"), (True, "4")])
def test_a_mirror_like_product_gets_a_shorter_clip_and_says_so(
    fake: FakeFal, tmp_path: Path, reflective: bool, seconds: str
):
    own = write(tmp_path / "duck.glb", glb(200, (9, 9, 9)))
    folder = new_run(tmp_path, inputs=(str(own),))
    said: list[str] = []
    go(folder, StandInStudio(reflective=reflective), on_progress=lambda progress, _backend: said.append(progress.text))
    [entry] = fake.books.of(KLING)
    assert entry.arguments["duration"] == seconds
    [clip] = [text for text in said if text.startswith("turntable from")]
    assert f"{seconds} s" in clip
    assert ("mirror-like" in clip) == reflective
    agrees(folder, fake)


# stopping and going on


def test_the_budget_stops_the_run_in_order_and_a_higher_one_goes_on(fake: FakeFal, tmp_path: Path):
    own = write(tmp_path / "duck.glb", glb(200, (9, 9, 9)))
    folder = new_run(tmp_path, inputs=(str(own),), budget=0.08)
    with pytest.raises(BudgetExceeded) as stopped:
        go(folder)
    assert stopped.value.exit_status == 3
    assert fake.wait().usd == 0.075
    assert (states(folder)["photoreal"], states(folder)["results"]) == ("stopped", "done")
    assert folder.report.is_file()  # what there is, is loaded and reported
    folder.settings = folder.settings.model_copy(update={"budget": 1.0})
    go(RunFolder.open(folder.root))
    assert len(fake.of("submit")) == 6
    assert RunFolder.open(folder.root).is_finished
    agrees(folder, fake)


def test_one_failed_still_does_not_take_the_others_down(fake: FakeFal, tmp_path: Path):
    own = write(tmp_path / "duck.glb", glb(200, (9, 9, 9)))
    folder = new_run(tmp_path, inputs=(str(own),))
    fake.fault(f"submit:{KLING}", "content_policy")
    with pytest.raises(errors.PolicyRefusal):
        go(folder)
    assert all(folder.still(angle.name).is_file() for angle in folder.settings.studio.angles)
    assert (states(folder)["photoreal"], states(folder)["video"]) == ("done", "failed")
    go(RunFolder.open(folder.root), retry_failed=True)
    assert RunFolder.open(folder.root).is_finished
    assert len(fake.of("submit")) == 7


def test_a_cancelled_run_goes_on_where_it_was(fake: FakeFal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(patience, "GRACE", 0.2)
    own = write(tmp_path / "duck.glb", glb(200, (9, 9, 9)))
    folder = new_run(tmp_path, inputs=(str(own),))
    fake.latency = {"picture": 0.02, "video": 60.0}

    def stop_at_the_clip(progress: Progress, backend: FalBackend) -> Exception | None:
        if progress.stage == "video" and backend.in_flight == 1 and fake.books.of(KLING):
            backend.cancel()
            return Cancelled("cancelled")
        return None

    with pytest.raises(Cancelled):
        go(folder, on_progress=stop_at_the_clip)
    assert not (folder.root / ".run.lease").exists()
    fake.advance(100)
    go(RunFolder.open(folder.root))
    assert RunFolder.open(folder.root).is_finished
    assert len(fake.of("submit")) == 6
    agrees(folder, fake)


def test_a_finished_run_buys_nothing_when_it_is_resumed(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path, inputs=photos(tmp_path, 1))
    go(folder)
    before = {path: path.stat().st_mtime_ns for path in folder.root.rglob("*.png") if "photoreal" in path.parts}
    go(RunFolder.open(folder.root))
    assert len(fake.of("submit")) == 7
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.parametrize("stage", ["model", "rig", "references", "photoreal", "video", "results"])
def test_stopped_at_any_stage_it_goes_on_and_pays_once(fake: FakeFal, tmp_path: Path, stage: str):
    folder = new_run(tmp_path, inputs=photos(tmp_path, 2))
    with pytest.raises(KeyboardInterrupt):  # nothing in the chain catches this one: as if it were killed there
        go(folder, on_progress=lambda progress, _backend: KeyboardInterrupt() if progress.stage == stage else None)
    folder.lease.release()
    go(RunFolder.open(folder.root))
    assert RunFolder.open(folder.root).is_finished
    assert len(fake.of("submit")) == 7
    agrees(folder, fake)


def test_the_photos_may_be_gone_once_they_have_been_copied(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path, inputs=photos(tmp_path, 2))
    with pytest.raises(KeyboardInterrupt):
        go(folder, on_progress=lambda progress, _backend: KeyboardInterrupt() if progress.stage == "model" else None)
    folder.lease.release()
    for photo in tmp_path.glob("photo-*.png"):
        photo.unlink()
    again = RunFolder.open(folder.root)
    preflight.check(again.settings, resuming=again)
    go(again)
    assert RunFolder.open(folder.root).is_finished
    agrees(folder, fake)


def test_a_second_run_on_the_same_folder_is_refused(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path, inputs=photos(tmp_path, 1))
    lease = {"id": "theirs", "host": "elsewhere", "pid": 1, "role": "consistency run"}
    folder.lease.path.write_text(json.dumps(lease))
    with pytest.raises(RunInUse, match="elsewhere"):
        go(folder)
    assert not fake.of("submit")
    assert set(states(folder).values()) == {"waiting"}


def test_until_a_stage(fake: FakeFal, tmp_path: Path):
    own = write(tmp_path / "duck.glb", glb(200, (9, 9, 9)))
    folder = new_run(tmp_path, inputs=(str(own),))
    backend = FalBackend(folder, API_KEY)
    try:
        for _ in chain.run(folder, StandInStudio(), backend, wait=0.02, until="references"):
            pass
    finally:
        backend.close()
    assert not fake.of("submit")
    assert states(folder)["references"] == "done"


def test_the_same_chain_without_fal(tmp_path: Path):
    own = write(tmp_path / "duck.glb", glb(200, (9, 9, 9)))
    folder = new_run(tmp_path, inputs=(str(own),), backend="local")
    studio = StandInStudio()
    for _ in chain.run(folder, studio, LocalBackend(studio, folder.settings), wait=0.0):
        pass
    assert folder.is_finished
    assert folder.journal.read_bytes() == b""
    folder.journal.unlink()  # as in a run of an early version
    for _ in chain.run(folder, studio, LocalBackend(studio, folder.settings), wait=0.0):
        pass
    assert folder.journal.read_bytes() == b""
    assert (studio.calls["finish_reference"], studio.calls["render_exact_clip"]) == (5, 1)
    assert set(states(folder)) == set(STAGES)


def test_photos_without_fal_say_what_to_do(tmp_path: Path):
    folder = new_run(tmp_path, inputs=photos(tmp_path, 1), backend="local")
    studio = StandInStudio()
    with pytest.raises(ConsistencyError, match="set FAL_KEY, or start from a GLB"):
        list(chain.run(folder, studio, LocalBackend(studio, folder.settings), wait=0.0))


def test_a_model_for_others_that_cannot_be_written_is_a_warning(tmp_path):
    """A .blend of one's own is what is rendered; the GLB beside it is not needed for a picture."""

    class NoExporter(StandInStudio):
        def export_product(self, out):
            yield Progress("model", "writing")
            raise ConsistencyError(f"{out} could not be written (no texture); free some space")

    folder = RunFolder.create(tmp_path / "run", RunSettings(inputs=("/a.blend",), backend="local", size=64), {})
    folder.product.parent.mkdir(parents=True, exist_ok=True)
    folder.product_source.with_suffix(".blend").write_bytes(b"BLENDER-v405")
    folder.mark("model", "skipped")
    said = list(chain._rig(folder, folder.settings, NoExporter()))
    assert [p.text for p in said if p.warning] == [
        f"{folder.product} could not be written (no texture); free some space. The pictures are made all the same"
    ]
    assert folder.stage("rig").state == "done"


def test_an_error_of_the_importer_names_the_users_own_file(tmp_path):
    class NoImporter(StandInStudio):
        def load_product(self, path):
            yield Progress("model", "importing")
            raise BadInput(f"{path.name} can't be imported (no reason); export it again as GLB")

    folder = RunFolder.create(tmp_path / "run", RunSettings(inputs=("/x/kettle.glb",), backend="local", size=64), {})
    folder.product.parent.mkdir(parents=True, exist_ok=True)
    folder.product.write_bytes(b"glTF")
    with pytest.raises(BadInput, match=r"^kettle\.glb can't be imported"):
        list(chain._rig(folder, folder.settings, NoImporter()))
