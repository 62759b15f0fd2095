# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Cycles renders with: the best kind of GPU there is, all of that kind, or the processor."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import bpy

from ...pipeline.errors import ConsistencyError
from ...pipeline.settings.choices import DeviceChoice

KINDS = {"OPTIX": "OptiX", "CUDA": "CUDA", "HIP": "HIP", "METAL": "Metal", "ONEAPI": "oneAPI"}  # best first


@dataclass(frozen=True)
class Device:
    """``kind`` is Cycles' compute device type, "NONE" for the processor. ``label`` is what people read."""

    kind: str
    label: str
    fell_back: bool = False

    @property
    def is_gpu(self) -> bool:
        return self.kind != "NONE"


def _preferences() -> Any:
    addon = bpy.context.preferences.addons.get("cycles")
    if addon is None:
        raise ConsistencyError("Cycles is not enabled; turn on the Cycles Render Engine add-on in the preferences")
    return addon.preferences


def find(asked: DeviceChoice) -> Device:
    """The device that ``asked`` means here. Raises ConsistencyError where a GPU is demanded and there is none."""
    if asked != DeviceChoice.CPU:
        preferences = _preferences()
        # One kind after the other, never all at once (refresh_devices): a driver that is not needed can crash Blender.
        known = {item[0] for item in preferences.get_device_types(bpy.context)}
        for kind, name in KINDS.items():
            gpus = [device.name for device in _of_kind(preferences, kind)] if kind in known else []
            if gpus:
                return Device(kind, f"{name}: {', '.join(gpus)}")
        if asked == DeviceChoice.GPU:
            raise ConsistencyError(
                "no GPU that Cycles can use was found; update its driver, or render on the processor (--device cpu; in Blender, Device in the add-on's preferences)"
            )
    return Device("NONE", f"CPU: {_processor()}", fell_back=asked == DeviceChoice.AUTO)


def describe(asked: DeviceChoice) -> str:
    """The device in words, never an error."""
    try:
        return find(asked).label
    except ConsistencyError as error:
        return str(error)


def _of_kind(preferences: Any, kind: str) -> list[Any]:
    return [device for device in preferences.get_devices_for_type(kind) if device.type == kind]


def _processor() -> str:
    names = [device.name for device in _preferences().get_devices_for_type("CPU") or () if device.type == "CPU"]
    return names[0] if names else platform.processor() or platform.machine()


@contextmanager
def chosen(device: Device) -> Iterator[None]:
    """Cycles' preferences set to all GPUs of ``device``'s kind, and back to what the user had."""
    preferences = _preferences()
    before = preferences.compute_device_type
    used = {(entry.id, entry.type): entry.use for entry in preferences.devices}
    try:
        preferences.compute_device_type = device.kind
        if device.is_gpu:
            for entry in preferences.get_devices_for_type(device.kind):
                entry.use = entry.type == device.kind
        yield
    finally:
        preferences.compute_device_type = before
        for entry in preferences.devices:
            if (entry.id, entry.type) in used:
                entry.use = used[entry.id, entry.type]
