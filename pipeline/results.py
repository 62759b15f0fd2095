"""report.json: per picture what was sent, what came back, what it cost and how it was seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .backend.ports import Product, Shot
from .backend.requests import ClipRequest, Event, Request, StillRequest
from .run.run_folder import RunFolder
from .settings import RunSettings
from .system.disk import write_json


def build_report(
    folder: RunFolder,
    settings: RunSettings,
    product: Product,
    requests: dict[str, Request],
    ended: dict[str, Event],
    shots: dict[str, Shot],
) -> dict[str, Any]:
    """Write RUN/report.json and return it. All money in USD, all matrices row-major, all paths relative to the run."""
    purchases = folder.read_journal().purchases
    pictures = []
    for key, request in requests.items():
        event = ended.get(key)
        attempt = purchases.last(key)
        angle = getattr(request, "angle", None)
        shot = shots.get(angle.name) if angle else None
        pictures.append(
            {
                "key": key,
                "stage": request.stage,
                "angle": angle.name if angle else None,
                "take": request.take if isinstance(request, StillRequest) else None,
                "file": relative(folder, request.out) if request.out.is_file() else None,
                "backend": settings.service.backend,
                "endpoint": request.endpoint if settings.service.backend == "fal" else "local (Cycles, no AI)",
                "arguments": attempt.arguments if attempt else None,
                "prompt": getattr(request, "prompt", None) if settings.service.backend == "fal" else None,
                "seed": event.seed if event and event.seed is not None else getattr(request, "seed", None),
                "request_id": attempt.request_id if attempt else None,
                "quoted_usd": attempt.quoted_usd if attempt else 0.0,
                "billed_usd": attempt.billed_usd if attempt else 0.0,
                "attempts": len(purchases.by_key.get(key, [])),
                "state": event.kind if event else "waiting",
                "error": event.text if event and event.kind == "failed" else None,
                "scores": scores(folder, request),
                "camera": camera_facts(folder, shot) if shot else None,
            }
        )
    report = {
        "product": {
            "name": product.name,
            "size_m": list(product.size),
            "vertices": product.vertices,
            "materials": list(product.materials),
        },
        "backend": settings.service.backend,
        "backend_label": "fal.ai" if settings.service.backend == "fal" else "local: Cycles renders, no AI",
        "versions": folder.record.get("versions"),
        "device": folder.record.get("device"),
        "references": {name: camera_facts(folder, shot) for name, shot in shots.items()},
        "pictures": pictures,
        "headline": folder.record.get("headline", ""),
        "verdicts": folder.record.get("verdicts", {}),
        "mended": _mended(folder),
        "quoted_usd": round(purchases.quoted_usd, 6),
        "billed_usd": round(purchases.billed_usd, 6),
        "uncertain_usd": round(purchases.uncertain_usd, 6),
    }
    write_json(folder.report, report)
    return report


def _mended(folder: RunFolder) -> list[dict[str, Any]]:
    """Pictures that were made here from bought ones, or in place of them: un-warped, cut out, corrected, or local."""
    made = ("unwarp", "exact", "gain", "local")
    return [
        {"angle": subject.partition("/")[2], "file": f"{subject}.take-{entry['take']:02d}.png", **entry}
        for subject, entries in folder.record.get("gate", {}).items()
        for entry in entries
        if entry["made_by"] in made
    ]


def scores(folder: RunFolder, request: Request) -> dict[str, Any]:
    """What the gate measured of a still or a clip; empty where it saw none."""
    record = folder.record
    if isinstance(request, StillRequest):
        entries = record.get("gate", {}).get(f"photoreal/{request.angle.name}", [])
        entry: dict[str, Any] = next(
            (each for each in entries if each["take"] == request.take and "outcome" in each), {}
        )
        return {name: entry[name] for name in ("outcome", "reason", "made_by", "heatmap", "numbers") if name in entry}
    if isinstance(request, ClipRequest):
        return dict(record.get("tracks", {}).get(request.key, {}))
    return {}


def camera_facts(folder: RunFolder, shot: Shot) -> dict[str, Any]:
    return {
        "files": {name: relative(folder, path) for name, path in shot.files.items()},
        "matrix_world": shot.matrix_world,
        "projection": shot.projection,
        "focal_length_mm": shot.focal_length,
        "device": shot.device,
        "samples": shot.samples,
        "seconds": round(shot.seconds, 3),
        "coverage": shot.coverage,
    }


def relative(folder: RunFolder, path: Path) -> str:
    """``path`` as written in the run's files: relative, with forward slashes."""
    return path.relative_to(folder.root).as_posix()
