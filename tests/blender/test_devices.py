# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which graphics cards are asked for."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from consistency_pipeline.pipeline.errors import ConsistencyError
from consistency_pipeline.studio.rendering import devices


class Machine:
    """Cycles' preferences on a machine with these cards, as far as a search asks them."""

    def __init__(self, **cards):
        self.cards, self.asked = cards, []

    def get_device_types(self, _context):
        return [(kind, kind, "", 0) for kind in ("NONE", *devices.KINDS)]

    def refresh_devices(self):
        raise AssertionError("every kind was asked for at once")

    def get_devices_for_type(self, kind):
        self.asked.append(kind)
        names = self.cards.get(kind.lower(), ())
        cpu = [SimpleNamespace(name="Processor", type="CPU")]
        return [SimpleNamespace(name=name, type=kind) for name in names] + cpu


@pytest.fixture
def machine(monkeypatch):
    def make(**cards):
        made = Machine(**cards)
        monkeypatch.setattr(devices, "_preferences", lambda: made)
        return made

    return make


def test_the_best_kind_that_has_a_card_is_the_last_that_is_asked_for(machine):
    both = machine(optix=["RTX"], oneapi=["Arc"])
    assert devices.find("auto").label == "OptiX: RTX"
    assert both.asked == ["OPTIX"]
    older = machine(cuda=["GTX"], oneapi=["Arc"])
    assert devices.find("gpu").kind == "CUDA"
    assert older.asked == ["OPTIX", "CUDA"]


def test_no_card_is_asked_for_where_the_processor_is_wanted(machine):
    there = machine(optix=["RTX"])
    assert not devices.find("cpu").is_gpu
    assert there.asked == ["CPU"]


def test_a_machine_without_cards_falls_back_or_says_so(machine):
    machine()
    assert devices.find("auto").fell_back
    with pytest.raises(ConsistencyError, match="no GPU"):
        devices.find("gpu")
