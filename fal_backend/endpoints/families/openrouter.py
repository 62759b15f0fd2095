# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""OpenRouter's vision models at fal.ai: words about pictures, for second opinions.

Fields: npm @fal-ai/client 1.10.1 (RouterVisionInput), and fal.ai/docs/model-api-reference/vision-api/openrouter-router as of
2026-11. It is billed by the token, so what an answer costs at most depends on the model, on the picture's pixels and on
``max_tokens``: only models whose token prices are known are offered, and the longest answer is bounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from ....pipeline.json_object import JsonObject
from ..base import Endpoint, FileUrl, Inputs, Result, Role
from ..prices import Multiplier, Price

MOST_TOKENS = 300  # of an answer
COMPARED = "gateway comparison of 2026-07-11, which read openrouter.ai/api/v1/models"

# Model → times what an answer of the first one costs: 2,500 tokens in (a picture of 2064 × 1024 pixels has at most 1,700)
# and 300 out, at USD per million of 0.30 and 2.50, 2 and 8, 3 and 15.
DEARER = {"google/gemini-2.5-flash": 1.0, "openai/gpt-4.1": 5.0, "anthropic/claude-sonnet-4.5": 8.0}


class RouterVision(Inputs):
    image_urls: list[FileUrl] = Field(min_length=1)
    prompt: str = Field(min_length=1, description="the question, which is the same for every still")
    model: Literal["google/gemini-2.5-flash", "openai/gpt-4.1", "anthropic/claude-sonnet-4.5"] = Field(
        description="who answers; only models whose price is known"
    )
    system_prompt: str | None = None
    reasoning: bool = False
    temperature: float = Field(1.0, ge=0, le=2)
    max_tokens: int | None = Field(None, ge=1, le=MOST_TOKENS, description="the longest answer")


class Words(Result):
    output: str
    usage: JsonObject | None = None


def _by_model(values: Mapping[str, Any]) -> list[Multiplier]:
    model = str(values.get("model") or "")
    times = DEARER.get(model, 1.0)
    return [Multiplier(times, f"its tokens cost more than {next(iter(DEARER))}'s", COMPARED)] if times != 1.0 else []


PRICE = Price(
    "requests",
    0.005,
    "three times what its tokens come to at the most: 0.30 and 2.50 USD per million by fal's own example "
    "(63 out, 0.0005595 USD) and a gateway comparison of 2026-07-11",
    "2026-07-11",
    _by_model,
)

ENDPOINTS = (
    Endpoint(
        "openrouter/router/vision",
        Role.OPINION,
        "OpenRouter Vision",
        RouterVision,
        Words,
        PRICE,
        notes="billed by the token; the price is the most that one answer comes to",
    ),
)
