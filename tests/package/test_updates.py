# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""An artist subscribes to the repository that `make build` writes, installs from it, and gets its next version."""

from __future__ import annotations

import re
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from blender_host import Host
from build import builder, normalise
from repository import finish


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *about: object) -> None:
        """What was asked for is of no interest: what was installed is."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """An empty folder, and the address under which any web server would show it."""
    folder = tmp_path / "site"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def publish(archive: Path, version: str, folder: Path, **extra: str) -> None:
    """Makes the zip the only one on the site, as `version`, with a file for each of `extra` in its pipeline folder."""
    for old in folder.glob("*.zip"):
        old.unlink()
    new = folder / f"consistency_pipeline-{version}.zip"
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(new, "w") as target:
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename == "blender_manifest.toml":
                content = re.sub(rb'(?m)^version = ".*"$', f'version = "{version}"'.encode(), content)
            target.writestr(entry, content)
        for name, content in extra.items():
            target.writestr(f"pipeline/{name}.py", content)
    normalise(new)
    builder("server-generate", "--repo-dir", folder)
    finish(folder)


def test_installs_from_the_repository_and_updates(host: Host, fitting: Path, site: tuple[Path, str]):
    folder, address = site
    installed = host.user_folder / "extensions" / "ours" / "consistency_pipeline"

    def must(*words: str) -> str:
        answer = host.command(*words, online=True)
        said = answer.stdout + answer.stderr
        assert answer.returncode == 0, said
        assert "Traceback" not in said, said
        return said

    publish(fitting, "7.0.0", folder, of_old="")
    must("extension", "repo-add", "--name", "Ours", "--url", f"{address}/index.json", "ours")
    must("extension", "install", "--sync", "--enable", "ours.consistency_pipeline")
    assert "consistency_pipeline: 7.0.0" in must("consistency", "doctor")
    assert (installed / "pipeline" / "of_old.py").is_file()

    publish(fitting, "7.1.0", folder, of_new="")
    assert "7.1.0" in must("extension", "list", "--sync"), "the update is shown before it is made"
    assert "consistency_pipeline: 7.0.0" in must("consistency", "doctor"), "nothing changes until it is asked for"
    must("extension", "update")
    assert "consistency_pipeline: 7.1.0" in must("consistency", "doctor"), "the update works and is still enabled"
    assert "flux" in must("consistency", "endpoints")
    assert (installed / "pipeline" / "of_new.py").is_file()
    assert not (installed / "pipeline" / "of_old.py").exists(), "an update leaves nothing of the old version"

    must("extension", "remove", "consistency_pipeline")
    assert not installed.exists()
