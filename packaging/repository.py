# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The extension repository: a folder that any web server can serve, which Blender subscribes to and updates from."""

from __future__ import annotations

import html
import json
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import urlencode

TEMPLATE = Path(__file__).with_name("index.template.html")


def finish(folder: Path) -> None:
    """Sorts `index.json`, which Blender writes in the order of the file system, and writes the page to drag from."""
    index = json.loads((folder / "index.json").read_text("utf-8"))
    index["data"].sort(key=lambda entry: entry["archive_url"])
    (folder / "index.json").write_text(json.dumps(index, indent=2) + "\n", "utf-8")

    rows = "\n".join(_row(entry) for entry in index["data"])
    page = Template(TEMPLATE.read_text("utf-8")).substitute(rows=rows)
    (folder / "index.html").write_text(page, "utf-8")


def drag_and_drop_link(entry: dict[str, Any]) -> str:
    """The link that Blender takes when it is dropped on its window: the zip, and how to subscribe to its repository.

    Parameters as in Blender's manual, "Creating a Static Extensions Repository"; relative, so that any host will do.
    """
    query = {
        "repository": "./index.json",
        "blender_version_min": entry["blender_version_min"],
        "platforms": ",".join(entry["platforms"]),
        "python_versions": ",".join(entry["python_versions"]),
    }
    return f"{entry['archive_url']}?{urlencode(query, safe='/,')}"


def _row(entry: dict[str, Any]) -> str:
    link = html.escape(drag_and_drop_link(entry))
    name = html.escape(f"{entry['name']} {entry['version']} for {', '.join(entry['platforms'])}")
    return f'  <li><a href="{link}">{name}</a>, {entry["archive_size"] / 1e6:.1f} MB</li>'
