# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bug report as a button: thin, and the same zip as ``consistency doctor --bundle``."""

from __future__ import annotations

import zipfile

import bpy

from consistency_pipeline.operators.editing import preferences
from tests.fake_fal import API_KEY


def test_the_button_writes_the_zip_without_the_key(tmp_path, monkeypatch):
    import consistency_pipeline

    monkeypatch.setenv("FAL_KEY", API_KEY)
    run, out = tmp_path / "run", tmp_path / "report.zip"
    run.mkdir()
    (run / "log.txt").write_text(f"sent with {API_KEY}\n")
    consistency_pipeline.register()
    try:
        assert preferences.has_key()
        bpy.context.scene.consistency.run_folder = str(run)
        assert bpy.ops.consistency.save_bug_report(filepath=str(out)) == {"FINISHED"}
    finally:
        bpy.context.scene.consistency.run_folder = ""
        consistency_pipeline.unregister()
    with zipfile.ZipFile(out) as archive:
        assert archive.read("log.txt") == b"sent with ***\n"
        assert b'"blender": ' in archive.read("machine.json")
        assert all(API_KEY.split(":")[1].encode() not in archive.read(name) for name in archive.namelist())
