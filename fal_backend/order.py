"""Any request of the pipeline to the purchase that fulfils it."""

from __future__ import annotations

from ..pipeline.requests import ClipRequest, ModelRequest, PictureRequest, Request, StillRequest
from . import model, photoreal, video
from .arguments import Live
from .purchase import Purchase


def purchase_for(request: Request, live: Live = None) -> Purchase:
    """``live``: unit price in USD and unit from fal's pricing API, None for the stored price. Raises UsageError."""
    match request:
        case PictureRequest():
            return model.picture_purchase(request, live)
        case ModelRequest():
            return model.purchase(request, live)
        case StillRequest():
            return photoreal.purchase(request, live)
        case ClipRequest():
            return video.purchase(request, live)
