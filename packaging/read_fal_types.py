# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read fal's published TypeScript types into the facts that the catalogue is checked against.

The types come with fal's own JavaScript client. Fetch and unpack the versions to read, outside the repository:

    for v in 1.10.1 1.8.5; do npm pack @fal-ai/client@$v; mkdir $v; tar xzf fal-ai-client-$v.tgz -C $v; done
    python packaging/read_fal_types.py 1.10.1/package 1.8.5/package tests/pure/fal_types.json

The first package gives the facts. From the second, where there is one, only what it says otherwise is kept: versions
from 1.9.5 on share structurally equal types, and with them the defaults of others, which 1.8.5 still had right.
This script needs no network.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

DECLARATION = re.compile(r"^export type (\w+) = (.*)$")
MEMBER = re.compile(r"^    (\w+)(\??): (.*)$")
ENDPOINT = re.compile(r'^    "([^"]+)": \{$')
SIDE = re.compile(r"^        (input|output): (\w+);$")
DEFAULT = re.compile(r"Default value: `(.*?)`(?:\s|$)")


class Types:
    """The declarations of one ``endpoints.d.ts``, looked up by type name and endpoint id."""

    def __init__(self, package: Path) -> None:
        self.version: str = json.loads((package / "package.json").read_text())["version"]
        self.lines = (package / "src/types/endpoints.d.ts").read_text().splitlines()
        self.declared: dict[str, int] = {}
        self.endpoints: dict[str, dict[str, str]] = {}
        current: dict[str, str] = {}
        for number, line in enumerate(self.lines):
            if found := DECLARATION.match(line):
                self.declared[found[1]] = number
            elif found := ENDPOINT.match(line):
                current = self.endpoints.setdefault(found[1], {})
            elif found := SIDE.match(line):
                current[found[1]] = found[2]

    def fields(self, name: str) -> dict[str, dict[str, Any]]:
        """Field name → {"required", "type", and where stated "default"}; follows aliases and extended types."""
        number = self.declared.get(name)
        if number is None:
            return {}
        body = (DECLARATION.match(self.lines[number]) or [""])[2]
        found: dict[str, dict[str, Any]] = {}
        for word in re.findall(r"\w+", body):
            found |= self.fields(word)
        return found | self._members(number + 1) if body.endswith("{") else found

    def _members(self, number: int) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        comment = ""
        while not self.lines[number].startswith("}"):
            line = self.lines[number]
            if line.startswith("     *"):
                comment += " " + line.strip(" *")
            elif line.startswith("    /**"):
                comment = ""
            elif member := MEMBER.match(line):
                kind = self._whole_type(number, member[3])
                found[member[1]] = {"required": not member[2], "type": kind, **_default(comment)}
                comment = ""
            number += 1
        return found

    def _whole_type(self, number: int, first: str) -> str:
        """A type can run over several lines; it ends where a line at the member's own depth ends with a semicolon."""
        text = first
        while text.count("{") > text.count("}") or not text.endswith(";"):
            number += 1
            text += " " + self.lines[number].strip()
        return re.sub(r"/\*\*.*?\*/\s*", "", text).rstrip(";").strip()

    def endpoint(self, name: str) -> dict[str, Any]:
        sides = self.endpoints[name]
        return {side: self.fields(sides[side]) for side in ("input", "output")}


def _default(comment: str) -> dict[str, Any]:
    stated = DEFAULT.search(comment)
    if not stated:
        return {}
    try:
        return {"default": json.loads(stated[1])}
    except ValueError:
        return {"default": stated[1]}


LANGUAGE = {"Array", "Record", "Blob"}

# Ids that a package typed under another name, or not yet: the type to check them against.
TYPED_AS = {
    "fal-ai/meshy/v6/multi-image-to-3d": "fal-ai/meshy/v5/multi-image-to-3d",
    "bytedance/seedream/v5/lite/edit": "fal-ai/bytedance/seedream/v5/lite/edit",
}


def facts(newest: Types, older: Types | None, names: list[str]) -> dict[str, Any]:
    """Endpoint id → {"npm", "as"?, "input", "output", "older"?} for each of ``names`` that ``newest`` types."""
    found: dict[str, Any] = {}
    for name in names:
        typed = TYPED_AS.get(name, name)
        if typed not in newest.endpoints:
            continue
        found[name] = {"npm": newest.version, "as": typed, **newest.endpoint(typed)}
        if older is not None and typed in older.endpoints:
            mine, theirs = found[name]["input"], older.endpoint(typed)["input"]
            found[name]["older"] = {field: what for field, what in theirs.items() if what != mine.get(field)}
    return found


def nested(newest: Types, found: dict[str, Any]) -> dict[str, Any]:
    """The objects that those fields are made of, by their type's name."""
    kinds = (what["type"] for fact in found.values() for side in ("input", "output") for what in fact[side].values())
    names = {word for kind in kinds for word in re.findall(r"\b[A-Z]\w+", re.sub(r'"[^"]*"', "", kind))}
    return {
        name: {"npm": newest.version, "as": name, "input": newest.fields(name)} for name in sorted(names - LANGUAGE)
    }


def main(arguments: list[str]) -> int:
    if len(arguments) < 2:
        print(
            "usage: read_fal_types.py PACKAGE… OUT.json, where PACKAGE is an unpacked @fal-ai/client", file=sys.stderr
        )
        return 2
    from consistency_pipeline.fal_backend.endpoints.catalogue import CATALOGUE

    *packages, out = map(Path, arguments)
    newest, *older = (Types(package) for package in packages)
    found = facts(newest, older[0] if older else None, sorted(CATALOGUE))
    Path(out).write_text(_compact({**found, **nested(newest, found)}), encoding="utf-8")
    print(f"{len(found)} of {len(CATALOGUE)} endpoints are typed; {out} written")
    return 0


def _compact(found: dict[str, Any]) -> str:
    """One line a field, so that a diff shows the field that changed."""
    blocks = []
    for name, fact in found.items():
        parts = [f'    "npm": "{fact["npm"]}"', f'    "as": "{fact["as"]}"']
        for side in ("input", "output", "older"):
            if fact.get(side):
                lines = (f"      {json.dumps(field)}: {json.dumps(what)}" for field, what in sorted(fact[side].items()))
                parts.append(f'    "{side}": {{\n' + ",\n".join(lines) + "\n    }")
        blocks.append(f'  "{name}": {{\n' + ",\n".join(parts) + "\n  }")
    return "{\n" + ",\n".join(blocks) + "\n}\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
