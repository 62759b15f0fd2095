# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read fal's published TypeScript types into the facts that the catalogue is checked against.

The types come with fal's own JavaScript client. Fetch and unpack the versions to read, outside the repository:

    for v in 1.10.1 1.8.5; do npm pack @fal-ai/client@$v; mkdir $v; tar xzf fal-ai-client-$v.tgz -C $v; done
    git clone https://github.com/fal-ai/fal-js
    python packaging/read_fal_types.py 1.10.1/package fal-js 1.8.5/package tests/pure/fal_types.json

The first package gives the facts; a checkout of fal-js, which is newer than any package, those of ids that it lacks. From
an older package only what it says otherwise is kept: versions from 1.9.5 on share structurally equal types, and with them
the defaults of others, which 1.8.5 still had right. A checkout keeps the types in TypeScript, indented by two, a package in
declarations, indented by four; both are read.
This script needs no network.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

CHECKOUT = Path("libs/client")  # of fal-js
DECLARATION = re.compile(r"^export type (\w+) = (.*)$")
MEMBER = re.compile(r"^ {2,4}(\w+)(\??):\s*(.*)$")
ENDPOINT = re.compile(r'^ {2,4}"([^"]+)": \{$')
SIDE = re.compile(r"^ {4,8}(input|output): (\w+);$")
DEFAULT = re.compile(r"Default value: `(.*?)`(?:\s|$)")


class Types:
    """The declarations of one ``endpoints.d.ts``, or of a checkout's ``endpoints.ts``, looked up by type name and endpoint id."""

    def __init__(self, package: Path) -> None:
        self.is_checkout = (package / CHECKOUT).is_dir()
        home = package / CHECKOUT if self.is_checkout else package
        self.version: str = json.loads((home / "package.json").read_text())["version"]
        if self.is_checkout:
            self.version = f"fal-js after {self.version}"
        types = home / "src/types" / ("endpoints.ts" if self.is_checkout else "endpoints.d.ts")
        self.lines = types.read_text().splitlines()
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
            text = line.strip()
            if text.startswith("/**"):
                comment = ""
            elif text.startswith("*"):
                comment += " " + text.strip(" *")
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
        return re.sub(r"/\*\*.*?\*/\s*", "", text).strip().removeprefix("|").rstrip(";").strip()

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


def facts(newest: Types, older: Types | None, names: list[str], head: Types | None = None) -> dict[str, Any]:
    """Endpoint id → {"npm", "as"?, "input", "output", "older"?} for each of ``names`` that ``newest`` types."""
    found: dict[str, Any] = {}
    for name in names:
        if name not in newest.endpoints and head is not None and name in head.endpoints:
            found[name] = {"npm": head.version, "as": name, **head.endpoint(name)}
            continue
        if name not in newest.endpoints:
            continue
        found[name] = {"npm": newest.version, "as": name, **newest.endpoint(name)}
        if older is not None and name in older.endpoints:
            mine, theirs = found[name]["input"], older.endpoint(name)["input"]
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
    known = [Types(package) for package in packages]
    head = next((types for types in known if types.is_checkout), None)
    newest, *older = (types for types in known if types is not head)
    found = facts(newest, older[0] if older else None, sorted(CATALOGUE), head)
    parts = nested(newest, {name: fact for name, fact in found.items() if fact["npm"] == newest.version})
    if head is not None:
        parts = {**nested(head, {name: fact for name, fact in found.items() if fact["npm"] == head.version}), **parts}
    Path(out).write_text(_compact({**found, **dict(sorted(parts.items()))}), encoding="utf-8")
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
