# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is written on the contact sheet: all of it, and nothing of our books on the client's."""

from __future__ import annotations

import numpy as np
import pytest

from consistency_pipeline.pipeline.formats import png
from consistency_pipeline.studio.rendering import contact_sheet, passes
from consistency_pipeline.studio.rendering.lettering import width_of

REASON = (
    "a part is missing: 2.3 % of the product shows the backdrop; every allowed take was tried, and each looked the same"
)
NAMES = ("front", "a-long-name-of-an-angle-as-artists-give-it", "top")
REPLACED = "exact frames from front to top: drift after 1.0 s"
ENDPOINT = "fal-ai/bytedance/seedream/v4.5/edit-with-a-long-id"
NAME = "Seedream 4.5 as people call it"


@pytest.fixture
def sheet(tmp_path, monkeypatch):
    """Write a sheet; returns the words on it, and the picture."""
    files = {name: tmp_path / f"{name}.png" for name in NAMES}
    for file in files.values():
        png.write(file, np.full((30, 40, 3), 128, np.uint8), {})
    verdicts = {"front": ("pass", "the outline fits"), NAMES[1]: ("fail", REASON)}
    pictures = [
        {"stage": "photoreal", "angle": name, "take": 1, "file": "x", "endpoint": ENDPOINT, "billed_usd": 0.04}
        for name in NAMES
    ]
    pictures[0]["endpoint_name"] = NAME  # the others are as in a report of before there were names
    pieces = [{"from": "front", "to": "top", "why": "drift after 1.0 s"}, {"from": "top", "to": "front", "why": ""}]
    pictures.append({"stage": "video", "angle": "front", "take": 1, "file": "x", "scores": {"pieces": pieces}})
    report = {
        "product": {"name": "Thermos " * 12 + "end"},
        "backend": "fal",
        "backend_label": "fal.ai",
        "billed_usd": 0.12,
        "quoted_usd": 0.12,
        "headline": f"1 of 2 on model; {NAMES[1]}: {REASON}",
        "device": "CPU",
        "pictures": pictures,
        "verdicts": {
            f"photoreal/{name}": {"outcome": o, "reason": r, "take": 1, "made_by": "first"}
            for name, (o, r) in verdicts.items()
        },
    }
    report["verdicts"]["photoreal/front"] |= {"made_by": "faithful", "faithful": 0.6}
    draw = contact_sheet.with_words

    def write(for_client):
        said = []
        monkeypatch.setattr(
            contact_sheet, "with_words", lambda picture, words: said.extend(words) or draw(picture, words)
        )
        out = tmp_path / "sheet.png"
        contact_sheet.write_contact_sheet(out, files, {n: files[n] for n in NAMES[:2]}, report, for_client=for_client)
        return said, passes.load(out)

    return write


def test_no_word_is_cut_and_every_line_fits(sheet):
    words, picture = sheet(False)
    text = "".join(word.text for word in words).replace(" ", "")
    faithful = f"{NAME} (faithful to the render, 60 %)"
    for whole in (REASON, faithful, ENDPOINT, NAMES[1], "Thermos " * 12 + "end", "$0.12 billed", REPLACED):
        assert whole.replace(" ", "") in text
    assert "…" not in text
    assert "exactframesfromtop" not in text, "a piece that is as it was asked for"
    assert text.count("fal-ai/") == 1, "an endpoint that has a name is shown by its id"
    for word in words:
        assert word.x + width_of(word.text, word.size) <= picture.shape[1], word
        assert word.y < picture.shape[0], word
        rows = slice(max(0, word.y - word.size), word.y)
        assert picture[rows, word.x : word.x + 40].std() > 0.01, f"{word.text} is not on the sheet"


def test_the_clients_sheet_names_no_price_no_id_and_no_number_of_ours(sheet):
    words, _ = sheet(True)
    text = " ".join(word.text for word in words)
    for private in ("$", "fal-ai/", "billed", "px", "%", "CPU", "backdrop", "drift"):
        assert private not in text
    assert "front" in text
    assert "not on model" in text, "a still that shows another product goes out as if it were good"
