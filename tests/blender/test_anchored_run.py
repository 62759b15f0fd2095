# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""An anchored turn from end to end: real renders, clips that are followed for real, and one of them by a model that doesn't turn."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from consistency_pipeline.fal_backend import prices, quote
from consistency_pipeline.fal_backend.backend import FalBackend
from consistency_pipeline.pipeline import chain
from consistency_pipeline.pipeline.backend.local import LocalBackend
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from consistency_pipeline.pipeline.settings.groups import RunSettings
from consistency_pipeline.studio import BlenderStudio
from consistency_pipeline.studio.rendering import contact_sheet, passes
from tests.fake_fal import API_KEY, FakeFal

SIZE = 256  # pixels, the fewest that are measured
EACH = 12  # pictures of a true piece: every 10°
SIDES = ("front", "right", "left")  # 120° apart
KLING = "fal-ai/kling-video/*"


@pytest.fixture
def boot(add_box, save_glb):
    """Of another outline from each side."""
    add_box(size=(0.4, 0.15, 0.12), at=(0.0, 0.0, 0.06), colour=(0.1, 0.3, 0.4))
    add_box("shaft", size=(0.15, 0.15, 0.3), at=(-0.125, 0.0, 0.2), colour=(0.1, 0.3, 0.4))
    return save_glb("boot.glb")


def settings_of(product, **more):
    angles = [{"name": name, "azimuth": 120.0 * place, "elevation": 15} for place, name in enumerate(SIDES)]
    return RunSettings(
        inputs=(str(product),), angles=angles, size=SIZE, samples=8, device="cpu", seed=3, shadow=False,
        motion="anchored_turntable", duration=3.0, frame_rate=12, **more,
    )  # fmt: skip


def true_frames(product, place):
    """The whole turn as this machine renders it, (H, W, 3) 8-bit: what a model that turns the product would film."""
    settings = settings_of(product, backend="local")
    folder, studio = RunFolder.create(place, settings, {}), BlenderStudio(settings, own_file=True)
    for _ in chain.run(folder, studio, LocalBackend(studio, settings)):
        pass
    frames = sorted((folder.root / "video" / "anchored_turntable.frames").glob("*.png"))
    return [np.rint(passes.load(frame)[..., :3] * 255).astype(np.uint8) for frame in frames]


@pytest.mark.long
@pytest.mark.timeout(1800)  # a machine on which others work too can be ten times as slow
def test_a_piece_that_drifts_is_found_and_exact_frames_stand_in_its_place(boot, monkeypatch, tmp_path):
    film = true_frames(boot, tmp_path / "local")
    assert len(film) == EACH * len(SIDES)
    bad, said, draw = ("right", "left"), [], contact_sheet.with_words
    monkeypatch.setattr(
        contact_sheet, "with_words", lambda sheet, words: said.extend(each.text for each in words) or draw(sheet, words)
    )
    with FakeFal(clip_side=2 * SIZE) as fake:
        for name, value in fake.environment().items():
            monkeypatch.setenv(name, value)
        settings = settings_of(boot, backend="fal")
        folder = RunFolder.create(tmp_path / "run", settings, {})

        def footage(arguments):
            """Of the still that a piece starts with; of the bad one what the fake does unasked: one still fades to the next."""
            sent = fake.storage.fetch(arguments["start_image_url"])
            place = next(n for n, name in enumerate(SIDES) if folder.still(name).read_bytes() == sent)
            if SIDES[place] == bad[0]:
                return None
            return [Image.fromarray(frame) for frame in film[place * EACH : (place + 1) * EACH]]

        fake.fault(f"submit:{KLING}", "footage", times=None, of=footage)
        folder.note(prices=prices.fetch(API_KEY, {line.endpoint for line in quote.plan(settings)}))
        backend = FalBackend(folder, API_KEY)
        try:
            for _ in chain.run(folder, BlenderStudio(settings, own_file=True), backend):
                pass
        finally:
            backend.close()
        assert len(fake.books) == 2 * len(SIDES), "what drifts is not bought again"

    report = json.loads(folder.report.read_text(encoding="utf-8"))
    [turn] = [each for each in report["pictures"] if "pieces" in each["scores"]]
    made = {(piece["from"], piece["to"]): piece for piece in turn["scores"]["pieces"]}
    assert [pair for pair, piece in made.items() if piece["made_by"] == "exact frames"] == [bad]
    assert made[bad]["why"].startswith("drift after ")
    assert "exact frames from right to left: drift after " in " ".join(said)

    shown = sorted((folder.root / "video" / "anchored_turntable.frames").glob("*.png"))
    away = [np.abs(passes.load(path)[..., :3] - true / 255.0).mean() for path, true in zip(shown, film, strict=True)]
    assert max(away) < 0.05, "the product is seen from where the camera is due in each frame"
