# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was delivered, for people: a table beside each set, and one page of every set in RUN/deliver."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Any

from ..json_object import JsonObject
from ..system.disk import whole_file, write_json
from ..wording.text_table import text_table
from .folders import SHOP
from .rules import Found

_STYLE = """body{font:15px/1.4 system-ui,sans-serif;margin:24px;color:#222;background:#f4f4f4}h2{margin:28px 0 4px}
p{margin:2px 0 12px;color:#555}ul{display:grid;grid-template-columns:repeat(auto-fill,minmax(260px,1fr));gap:16px;padding:0;list-style:none}
li{background:#fff;border:1px solid #ddd;border-radius:6px;padding:10px}img,video{width:100%;height:240px;object-fit:contain;
background:repeating-conic-gradient(#ddd 0 25%,#fff 0 50%) 0 0/20px 20px;border:1px solid #ccc}
b.pass{color:#127a35}b.advice{color:#8a5a00}b.fail{color:#b3261e}dl{margin:6px 0 0;font-size:13px}dt{font-weight:600}dd{margin:0 0 4px}"""


def table(shop: dict[str, Any]) -> str:
    """Every rule of every picture, for shop.txt and the terminal's reader."""
    rows = [
        (
            picture["file"] or f"({picture['angle']})",
            rule["outcome"],
            rule["rule"],
            rule["found"],
            rule["wanted"],
            rule["cure"],
        )
        for picture in shop["pictures"]
        for rule in picture["rules"]
    ]
    return "\n".join(
        [
            f"{shop['title']}: {shop['headline']}",
            f"Rules: {shop['source']}",
            *(f"{rule['outcome']}: {rule['rule']}: {rule['found']}. {rule['cure']}" for rule in shop["rules"]),
            "",
            text_table(("file", "", "rule", "found", "wanted", "cure"), rows),
        ]
    )


def write_shop(folder: Path, shop: JsonObject) -> None:
    """What was measured of a set, for programs and for people: shop.json and shop.txt. Raises RunFolderError."""
    write_json(folder / SHOP, shop)
    with whole_file(folder / "shop.txt") as file:
        file.write(f"{table(shop)}\n".encode())


def write_page(folder: Path) -> Path:
    """``folder``/index.html of all sets there. Raises RunFolderError."""
    parts = []
    for path in sorted(folder.glob(f"*/{SHOP}")):
        try:
            shop = json.loads(path.read_text(encoding="utf-8"))
            parts.append(_set(shop, path.parent.name))
        except (OSError, ValueError, KeyError, TypeError):  # one that somebody changed
            continue
    text = f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Delivered</title><style>{_STYLE}</style><h1>Delivered</h1>{"".join(parts)}</html>\n'
    path = folder / "index.html"
    with whole_file(path) as file:
        file.write(text.encode())
    return path


def _set(shop: dict[str, Any], name: str) -> str:
    pictures = "".join(_picture(each, name) for each in shop["pictures"])
    notes = "".join(f"<p><b class={each['outcome']}>{each['outcome']}</b> {escape(each['rule'])}: {escape(each['found'])}. {escape(each['cure'])}</p>" for each in shop["rules"])  # fmt: skip
    turn = f"<p>{_link(name, str(shop['page']), 'Turn it')}</p>" if shop.get("page") else ""
    return f"<h2>{escape(shop['title'])}</h2>{turn}<p>{escape(shop['headline'])}. Rules: {escape(shop['source'])}</p>{notes}<ul>{pictures}</ul>"


def _link(folder: str, file: str, words: str) -> str:
    address = escape(f"{folder}/{file}", quote=True)
    return f'<a href="{address}">{escape(words)}</a>'


def _picture(told: dict[str, Any], name: str) -> str:
    image = ""
    if str(told["file"]).endswith((".jpg", ".png", ".webp")):
        address = escape(f"{name}/{told['file']}", quote=True)
        image = f'<a href="{address}"><img src="{address}" alt="{escape(told["alt"], quote=True)}" loading="lazy"></a>'
    if str(told["file"]).endswith(".mp4"):
        address = escape(f"{name}/{told['file']}", quote=True)
        image = f'<video src="{address}" aria-label="{escape(told["alt"], quote=True)}" controls loop muted></video>'
    rules = "".join(
        f"<dt><b class={rule['outcome']}>{rule['outcome']}</b> {escape(rule['rule'])}</dt><dd>{escape(rule['found'])}{escape('. ' + rule['cure'] if rule['cure'] else '')}</dd>"
        for rule in told["rules"]
        if rule["outcome"] != Found.PASS
    )
    passed = sum(rule["outcome"] == Found.PASS for rule in told["rules"])
    title = escape(told["file"] or f"{told['angle']}: not written")
    if told["file"]:
        title = _link(name, str(told["file"]), str(told["file"]))
    return f"<li>{image}<div>{title}</div><div><b class={told['outcome']}>{told['outcome']}</b>, {passed} of {len(told['rules'])} rules met</div><dl>{rules}</dl></li>"
