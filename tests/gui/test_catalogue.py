# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A catalogue from the sidebar of a real window, in a second Blender that the first one starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fake_fal.model import glb


@pytest.mark.long
@pytest.mark.timeout(560)
def test_a_table_is_run_stopped_and_gone_on_with(window, tmp_path):
    lines = ["sku,input,angles,motion,size,samples"]
    for number in range(3):
        (tmp_path / f"p{number}.glb").write_bytes(glb(200, (40 * number, 90, 90)))
        lines.append(f"SP-10{number},p{number}.glb,front,none,64,1")
    table = tmp_path / "products.csv"
    table.write_text("\n".join(lines))
    told = window.play("catalogue", table=str(table), place=str(tmp_path / "pictures"), patience=200, timeout=500)
    assert told["problem"] == "", told
    assert told["stopped"][0] == "done"
    assert told["states"] == ["done"] * 3
    assert Path(told["page"]).is_file()
