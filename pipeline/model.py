# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run starts from: a model of one's own, one to four photos, or words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from .errors import BadInput, UsageError
from .formats.gltf_file import check_glb, glb_variants, pack_gltf, with_variant
from .formats.input_file import check_regular
from .formats.photo_header import PHOTO_SUFFIXES, photo_size
from .sentences import no_such_variant
from .system.disk import whole_file


class Route(StrEnum):
    """Which way leads to a model."""

    OWN = "own"
    PHOTOS = "photos"
    WORDS = "words"


MODEL_SUFFIXES = (".glb", ".gltf", ".blend")
MAX_PHOTOS = 4
_BLEND = re.compile(rb"BLENDER([-_][vV]\d{3}|\d\d-\d\d[vV]\d{4})")


def classify(inputs: Sequence[str | Path], text: str = "") -> Route:
    """Which way leads from these inputs to a model; every file is looked at.

    Raises UsageError where the combination makes no sense, BadInput where a file can't be used.
    """
    paths = [Path(item) for item in inputs]
    if not paths:
        if not text.strip():
            raise UsageError("nothing to start from; give a .glb, .gltf or .blend, one to four photos, or --text")
        return Route.WORDS
    if text.strip():
        raise UsageError("give either files or --text, not both; words about the look belong in --prompt")
    for path in paths:
        _check_file(path)
    models = [path for path in paths if path.suffix.lower() in MODEL_SUFFIXES]
    if models and len(models) < len(paths):
        raise UsageError("models and photos can't be mixed; give one model, or one to four photos")
    if len(models) > 1:
        raise UsageError(f"{len(models)} models were given; give one, with all its parts in the same file")
    if models:
        return Route.OWN
    if len(paths) > MAX_PHOTOS:
        raise UsageError(f"{len(paths)} photos were given; choose the {MAX_PHOTOS} that show the product best")
    for path in paths:
        photo_size(path)
    return Route.PHOTOS


def is_model(path: str | Path) -> bool:
    """By its name, a model of one's own."""
    return Path(path).suffix.lower() in MODEL_SUFFIXES


def _check_file(path: Path) -> None:
    known = (*MODEL_SUFFIXES, *PHOTO_SUFFIXES)
    check_regular(path)
    if path.suffix.lower() not in known:
        cure = "export it as JPEG" if path.suffix.lower() in (".heic", ".heif", ".tif", ".tiff") else "convert it first"
        raise BadInput(f"{path.name} is of a kind that isn't read ({', '.join(known)} are); {cure}")
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise BadInput(f"{path} can't be read ({error.strerror}); check its permissions") from error
    if empty:
        raise BadInput(f"{path.name} is empty; export or copy it again")


def check_own(path: Path) -> None:
    """Raises BadInput for a model that can't be used, as far as that can be told without Blender."""
    check_regular(path)
    if path.suffix.lower() == ".glb":
        check_glb(path)
    elif path.suffix.lower() == ".gltf":
        pack_gltf(path)
    else:
        with path.open("rb") as file:
            head = file.read(17)
        # Blender compresses with zstd since 3.0, with gzip before; since 5.0 the header may be the longer one.
        if not (head.startswith((b"\x28\xb5\x2f\xfd", b"\x1f\x8b")) or _BLEND.match(head)):
            raise BadInput(f"{path.name} is not a Blender file; open it in Blender and save it again")


def variants_of(path: Path) -> list[str]:
    """The names of the variants of a .glb or .gltf, none where it has none; the studio reads a .blend's. Raises BadInput."""
    return glb_variants(_glb_of(path), path.name)


def variant_in(names: Sequence[str], wanted: str, file: str) -> int:
    """Which of ``names`` is ``wanted``, in letters of either case. Raises UsageError."""
    if wanted in names:
        return names.index(wanted)
    same = [number for number, name in enumerate(names) if name.casefold() == wanted.strip().casefold()]
    if len(same) != 1:
        raise no_such_variant(file, wanted, names)
    return same[0]


def take_own(path: Path, folder: Path, variant: str = "") -> None:
    """Put a .glb or .gltf of one's own into the run's model folder as product.glb, showing one ``variant`` of it where that is
    named; the studio takes a .blend.

    Raises BadInput where it can't be used, UsageError for a variant that it does not have, RunFolderError where it can't be
    written.
    """
    data = _glb_of(path)
    if variant:
        data = with_variant(data, variant_in(glb_variants(data, path.name), variant, path.name), path.name)
    with whole_file(folder / "product.glb") as file:
        file.write(data)


def _glb_of(path: Path) -> bytes:
    check_regular(path)
    if path.suffix.lower() == ".gltf":
        return pack_gltf(path)
    length = check_glb(path).length
    with path.open("rb") as source:
        return source.read(length)  # more may follow, which the standard allows and Blender's importer does not
