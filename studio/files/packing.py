# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a .blend refers to outside itself: taken into the run where it is a picture (or a font, or a cache) of its own
folder, left out otherwise, so that a run can be moved and no other file of the machine ends up in it.

What is left out is marked on the picture, or on each rendered object that needs it; loading the product reads the marks.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import bpy
from bpy.types import ID, CacheFile, Image, Library, MovieClip, NodeTree, Object, Scene, Sound, Text, VectorFont, Volume

from ...pipeline import names
from ...pipeline.errors import BadInput
from .. import compat
from ..scene.collections import rendered_objects
from .image_files import decodes, file_of_frame, read_file, tile_files
from .missing import CURES, NEEDS, Kind, of_missing_library
from .textures import frame_of

_FONTS = (b"\0\1\0\0", b"OTTO", b"true", b"ttcf", b"wOFF", b"wOF2", b"%!PS-AdobeFont", b"%!FontType1", b"\x80\x01")
_CACHES = (b"Ogawa", b"\x89HDF", b"PXR-USDC")  # Alembic, USD
_VOLUMES = (b" BDV",)  # OpenVDB


class Packer:
    """``source``: the user's .blend; ``home``: the run's folder that the product is written to."""

    def __init__(self, source: Path, home: Path) -> None:
        self._source, self._home = source, home
        self._folder = source.parent.resolve()
        self._bad: dict[ID, tuple[Kind, str]] = {}

    def pack(self, items: Iterable[ID], scenes: list[Scene]) -> None:
        """Take in what may be taken, and mark what needs the rest. ``items``: all that came with the file."""
        things = list(dict.fromkeys(items))  # since 5.2 Blender lists each of them twice
        self._take_libraries(things)
        self._settle_sequences(things, scenes)
        for item in things:
            if isinstance(item, Image) and item.library is None:
                self._take_picture(item)
            elif isinstance(item, VectorFont):
                self._take_font(item)
            elif isinstance(item, (CacheFile, Volume)):
                self._take_cache(item)
            elif isinstance(item, (Sound, MovieClip, Text)) and getattr(item, "packed_file", None) is None:
                with suppress(AttributeError):  # nothing that renders show; Blender would look for it again and again
                    item.filepath = ""
        self._mark_users(scenes)

    def _outside(self, path: Path) -> str:
        """Why a file may not be taken, empty where it may. A link counts as what it leads to."""
        try:
            inside = path.resolve().is_relative_to(self._folder)
        except (OSError, RuntimeError, ValueError):
            return f"is missing ({path.name})"
        return "" if inside else f"lies outside the folder of {self._source.name} ({path.name})"

    # pictures

    def _take_picture(self, image: Image) -> None:
        if image.source not in ("FILE", "TILED", "SEQUENCE", "MOVIE") or len(image.packed_files):
            return
        if image.source == "MOVIE":
            self._leave_out(image, f"is a film, which a run can't keep ({bpy.path.basename(image.filepath)})")
            return
        plain = Path(bpy.path.abspath(image.filepath))
        files = [path for _, path in tile_files(image)] if image.source == "TILED" else [plain]
        reasons = filter(None, (self._no_picture(path) for path in files))
        reason = next(reasons, None)
        if reason is not None:
            self._leave_out(image, reason)
            return
        try:
            image.pack()
        except RuntimeError as error:
            self._leave_out(image, f"can't be packed ({str(error).strip()})")

    def _no_picture(self, path: Path) -> str:
        outside = self._outside(path)
        data = read_file(path)
        if data is None:
            return outside or f"is missing ({path.name})"
        if decodes(data):
            return outside
        return f"{outside} and is no picture" if outside else f"is no picture that this Blender decodes ({path.name})"

    def _leave_out(self, image: Image, reason: str) -> None:
        image[names.LEFT_OUT] = reason
        if image.source != "FILE":
            image.source = "FILE"
        image.filepath = ""

    def _settle_sequences(self, things: list[ID], scenes: list[Scene]) -> None:
        """A run shows one moment, so of a sequence only its picture; the same for nodes that show another one of it."""
        frame = scenes[0].frame_current if scenes else 1
        made: dict[tuple[str, int], Image] = {}
        trees = [thing if isinstance(thing, NodeTree) else getattr(thing, "node_tree", None) for thing in things]
        for node in [node for tree in trees if tree is not None for node in tree.nodes]:
            image = getattr(node, "image", None)
            if image is None or getattr(node, "image_user", None) is None:
                continue
            if image.source == "SEQUENCE" and not len(image.packed_files):
                number = frame_of(node.image_user, frame)
                key = (image.name, number)
                if key not in made:
                    made[key] = image.copy()
                    made[key].source = "FILE"
                    made[key].filepath = str(file_of_frame(Path(bpy.path.abspath(image.filepath)), number))
                    self._take_picture(made[key])
                node.image = made[key]

    # what else a file can lean on

    def _take_libraries(self, things: list[ID]) -> None:
        """Make what comes from other .blend files of the folder the product's own; what is missing or lies outside is bad."""
        for thing in things:
            library = thing.library
            if library is None or isinstance(thing, Library):
                continue
            if thing.is_missing:
                self._bad[thing] = Kind.LIBRARY, of_missing_library(thing)
            elif not compat.is_packed_library(library):
                reason = self._outside(Path(bpy.path.abspath(library.filepath)))
                if reason:
                    name = bpy.path.basename(library.filepath)
                    outside = f"needs the library {name}, which lies outside the folder of {self._source.name}"
                    self._bad[thing] = Kind.LIBRARY, outside
        linked = [thing for thing in things if thing.library is not None and thing not in self._bad]
        while linked:  # users first: what something linked still uses would be copied instead
            users = bpy.data.user_map(subset=linked)
            free = [thing for thing in linked if not any(user in linked for user in users[thing])]
            for thing in free or linked:
                thing.make_local()
            linked = [thing for thing in linked if thing not in free] if free else []

    def _take_font(self, font: VectorFont) -> None:
        if font.packed_file is not None or font.filepath in ("", "<builtin>") or font in self._bad:
            return
        path = Path(bpy.path.abspath(font.filepath, library=font.library))
        reason = self._outside(path) or self._not_one(path, _FONTS, "no font")
        if not reason:
            try:
                font.pack()
            except RuntimeError as error:
                reason = f"can't be packed ({str(error).strip()})"
        if reason:
            self._bad[font] = Kind.FONT, f"{NEEDS[Kind.FONT]} {reason}"

    def _take_cache(self, cache: Any) -> None:
        path = Path(bpy.path.abspath(cache.filepath, library=cache.library))
        if cache in self._bad or getattr(cache, "packed_file", None) is not None or not cache.filepath:
            return
        kind = Kind.VOLUME if isinstance(cache, Volume) else Kind.CACHE
        heads, what = (_VOLUMES, "no OpenVDB file") if kind is Kind.VOLUME else (_CACHES, "no cache of geometry")
        reason = self._outside(path) or self._not_one(path, heads, what)
        if not reason and cache.is_sequence:
            reason = f"has a file for each frame ({path.name})"
        if reason:
            self._bad[cache] = kind, f"{NEEDS[kind]} {reason}"
            cache.filepath = ""
            return
        kept = self._home / f"cache-{path.name}"
        self._home.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, kept)
        cache.filepath = f"//{kept.name}"

    def _not_one(self, path: Path, heads: tuple[bytes, ...], what: str) -> str:
        try:
            if not path.is_file():  # opening a named pipe would never end
                return f"is missing ({path.name})"
            with path.open("rb") as file:
                head = file.read(16)
        except OSError:
            return f"is missing ({path.name})"
        return "" if head.startswith(heads) else f"is {what} ({path.name})"

    def _mark_users(self, scenes: list[Scene]) -> None:
        """Mark every rendered object that needs what is bad, be it through data, collections or node groups."""
        rendered = {thing for scene in scenes for thing in rendered_objects(scene.view_layers[0])}
        users = bpy.data.user_map() if self._bad else {}
        for item, (kind, reason) in self._bad.items():
            pending, seen = [item], {item}
            while pending:
                for user in users.get(pending.pop(), ()):
                    if isinstance(user, Scene) and isinstance(item, (Object, bpy.types.Collection)):
                        self._mark(next(iter(sorted(rendered, key=lambda thing: thing.name)), None), kind, reason)
                    elif isinstance(user, Object) and user in rendered and user not in self._bad:
                        self._mark(user, kind, reason)
                    elif user not in seen and not isinstance(user, Scene):
                        seen.add(user)
                        pending.append(user)
        gone = [item for item in self._bad if item.library is not None]
        if gone:
            bpy.data.batch_remove(gone)
        self._mark_mesh_caches(thing for thing in rendered if thing not in gone)

    def _mark_mesh_caches(self, things: Iterable[Object]) -> None:
        """A Mesh Cache modifier looks for its file beside the .blend, where a run has none, and then does nothing."""
        for thing in things:
            for modifier in thing.modifiers:
                if modifier.type == "MESH_CACHE" and modifier.show_render and modifier.filepath:
                    name = bpy.path.basename(modifier.filepath)
                    self._mark(thing, Kind.CACHE, f"needs the cache {name} of a modifier, which a run can't keep")

    def _mark(self, thing: Object | None, kind: Kind, reason: str) -> None:
        if thing is None:
            raise BadInput(f"{self._source.name} {reason}; {CURES[kind]}")
        thing[names.LEFT_OUT], thing[names.LEFT_OUT_KIND] = reason, kind.value
