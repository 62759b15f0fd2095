# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can be known to be wrong before anything is rendered or bought."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

from .. import model
from ..errors import BadInput, RunFolderError, UsageError
from ..formats.input_file import check_regular
from ..formats.picture_bytes import has_layers, is_cut_short, kind_of
from ..sentences import layered_environment, no_environment, no_such_light, no_such_lighting
from ..settings import lighting
from ..settings.backdrop import is_file
from ..settings.choices import BackendName, Quality
from ..settings.groups import RunSettings
from ..verdicts import Witness
from .run_folder import RunFolder

WHERE = "(--out; in Blender, Run Folder in the add-on's preferences)"  # a run's folder is chosen
READERS = ("rapidocr", "onnxruntime")  # packages that read print
FREE_SPACE = 512 << 20  # bytes a run of five angles may need at 1024²


def check(settings: RunSettings, resuming: RunFolder | None = None) -> None:
    """Raises a ConsistencyError with the cure for settings that can't work."""
    if settings.studio.lighting not in lighting.PRESETS:
        raise no_such_lighting(settings.studio.lighting, lighting.PRESETS)
    if settings.service.backend == BackendName.FAL and settings.studio.quality == Quality.DRAFT:
        raise UsageError("nothing is bought from drafts; choose the quality standard or final, or the backend local")
    known = lighting.light_names(lighting.PRESETS[settings.studio.lighting])
    for name in settings.studio.lights:
        if name not in known:
            raise no_such_light(name, settings.studio.lighting, known)
    check_light_files(settings, resuming)
    check_parts(settings)
    check_witness(settings)
    if resuming is not None and (resuming.product_source.is_file() or resuming.copied_photos()):
        return  # the inputs have been taken over; the originals may be gone
    route = model.classify(settings.inputs.files, settings.inputs.text)
    if route != model.Route.OWN and settings.service.backend == BackendName.LOCAL:
        raise BadInput(
            "photos and words become a model at fal.ai only, and that needs a key; set FAL_KEY, or start from a GLB"
        )
    if route == model.Route.OWN:
        own, variant = Path(settings.inputs.files[0]), settings.inputs.variant
        model.check_own(own)
        if variant and own.suffix.lower() != ".blend":
            model.variant_in(model.variants_of(own), variant, own.name)


def check_light_files(settings: RunSettings, resuming: RunFolder | None = None) -> None:
    """Raises BadInput for an environment or a backdrop that is no picture, where ``resuming`` has no copy of it."""
    for kind, file in (("environment", settings.studio.environment), ("backdrop", settings.studio.backdrop)):
        if file is None or (kind == "backdrop" and not is_file(file)):
            continue
        if resuming is None or not resuming.copy_of_light(kind, file).is_file():
            check_picture(Path(file), environment=kind == "environment")


def check_parts(settings: RunSettings) -> None:
    """Raises UsageError where something of a file's own is asked for, and no such file is given."""
    if settings.has_own_model:
        return
    if settings.inputs.leave_out:
        raise UsageError("parts can be left out of a .glb, .gltf or .blend only; give one, or drop --leave-out")
    if settings.inputs.variant:
        raise UsageError("variants are those of a .glb, .gltf or .blend only; give one, or drop --variant")


def check_picture(path: Path, *, environment: bool) -> None:
    """Raises BadInput for what is no picture, before a minute's work; whether all of it is there, its decoder says."""
    if environment and path.suffix.lower() not in (".exr", ".hdr"):
        raise BadInput(f"{path.name} is no .exr or .hdr file; choose an environment picture of one of these kinds")
    check_regular(path)
    with path.open("rb") as file:
        data = file.read()
    if environment:
        whole = kind_of(data) in ("OpenEXR", "Radiance") and not is_cut_short(data)
        if not whole:
            raise no_environment(path)
        if has_layers(data):
            raise layered_environment(path)
    elif not kind_of(data):
        raise BadInput(
            f"{path.name} is not a picture that can stand behind the product; choose a whole PNG or JPEG file"
        )


def check_witness(settings: RunSettings) -> None:
    """Whether the print can be read here, where that is asked for. Raises UsageError, before anything is bought."""
    if not settings.is_measured or settings.gate.second_opinion != Witness.OCR:
        return
    missing = [name for name in READERS if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(
            f"reading the print needs {' and '.join(missing)}, which the extension does not bring; in a checkout "
            "'pip install -e .[ocr]' adds it, or choose another second opinion (--second-opinion vision or none)"
        )


def check_place(root: Path) -> None:
    """Whether a run can be written at ``root``. Raises RunFolderError."""
    try:
        existing = next(folder for folder in (root, *root.parents) if folder.exists())
    except (OSError, ValueError) as error:  # a name that is too long, or a byte no name may have
        why = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"{root.name[:80]} can't be a folder's name ({why}); choose another folder {WHERE}") from error
    if not existing.is_dir():
        raise UsageError(f"{existing} is a file; choose a folder for the run {WHERE}")
    if not os.access(existing, os.W_OK):
        raise RunFolderError(f"{existing} can't be written; choose another folder {WHERE}")
    if shutil.disk_usage(existing).free < FREE_SPACE:
        raise RunFolderError(
            f"less than {FREE_SPACE >> 20} MiB are free at {existing}; free some space, or choose another folder {WHERE}"
        )
