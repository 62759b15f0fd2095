# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folder that artists subscribe to."""

from __future__ import annotations

import hashlib
import json
import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from build import builder
from repository import finish
from wheels import Target


def links(page: str) -> list[str]:
    found: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: found.append(dict(attributes)["href"]) if tag == "a" else None
    parser.feed(page)
    return found


def test_the_page_offers_what_the_index_lists_under_its_true_hash(archive: Path, target: Target, tmp_path: Path):
    shutil.copy(archive, tmp_path)
    builder("server-generate", "--repo-dir", tmp_path)
    finish(tmp_path)

    (entry,) = json.loads((tmp_path / "index.json").read_text())["data"]
    assert entry["archive_hash"] == f"sha256:{hashlib.sha256(archive.read_bytes()).hexdigest()}"
    assert entry["archive_size"] == archive.stat().st_size

    (link,) = links((tmp_path / "index.html").read_text())
    parts = urlsplit(link)
    assert (tmp_path / parts.path).read_bytes() == archive.read_bytes()
    query = parse_qs(parts.query, strict_parsing=True)
    assert (tmp_path / query["repository"][0]).is_file()
    assert query["platforms"] == [target.platform]
    assert query["python_versions"] == [target.python]
