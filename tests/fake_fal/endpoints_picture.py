# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pictures: edits, words to picture, and renders by a control map."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .endpoint import (
    ACCELERATION,
    COUNT,
    FORMAT,
    ONE,
    RATIOS,
    SAFE,
    SEED,
    SIZES,
    SYNC,
    Endpoint,
    Fields,
    several,
    tolerance,
)
from .schemas import blob, choice, flag, image, integer, many, maybe, number, record, size, text

_KONTEXT_DEV = SEED | SYNC | FORMAT | COUNT | SAFE | ACCELERATION
_KONTEXT_DEV |= {
    "prompt*": text(),
    "image_url*": image(),
    "num_inference_steps": integer(10, 50),
    "guidance_scale": number(1, 20),
    "resolution_mode": choice(
        "auto", "match_input", "1:1", "16:9", "21:9", "3:2", "2:3", "4:5", "5:4", "3:4", "4:3", "9:16", "9:21"
    ),
}
_KONTEXT_PRO = SEED | SYNC | FORMAT | COUNT | tolerance(6)
_KONTEXT_PRO |= {
    "prompt*": text(),
    "guidance_scale": number(1, 20),
    "aspect_ratio": maybe(choice(*RATIOS)),
    "enhance_prompt": flag(),
}
_PRO_TEXT = SEED | SYNC | FORMAT | COUNT | tolerance(6) | {"prompt*": text(), "enhance_prompt": flag()}
_SCHNELL = SEED | SYNC | FORMAT | COUNT | SAFE | ACCELERATION
_SCHNELL |= {
    "prompt*": text(),
    "num_inference_steps": integer(1, 12),
    "guidance_scale": number(1, 20),
    "image_size": size(*SIZES),
}


_FLUX2_SIZE = {"image_size": size(*SIZES, "auto", low=512, high=2048)}
_FLUX2_FAST = SEED | SYNC | COUNT | SAFE | _FLUX2_SIZE | several()
_FLUX2_FAST |= {
    "prompt*": text(),
    "output_format": choice("jpeg", "png", "webp"),
    "enable_prompt_expansion": flag(),
    "guidance_scale": number(0, 20),
}
_FLUX2 = _FLUX2_FAST | ACCELERATION | {"num_inference_steps": integer(4, 50)}
_FLUX2_KLEIN = SEED | SYNC | COUNT | SAFE | several(4)
_FLUX2_KLEIN |= {
    "prompt*": text(),
    "output_format": choice("jpeg", "png", "webp"),
    "num_inference_steps": integer(4, 8),
    "image_size": size(*SIZES, low=512, high=2048),
}
_FLUX2_PRO = SEED | SYNC | FORMAT | SAFE | tolerance(5) | _FLUX2_SIZE | several() | {"prompt*": text()}
_FLUX2_FLEX = _FLUX2_PRO | {
    "guidance_scale": number(1.5, 10),
    "num_inference_steps": integer(2, 50),
}
_BANANA = SEED | SYNC | COUNT | tolerance(6) | several()
_BANANA |= {
    "prompt*": text(50_000, 3),
    "aspect_ratio": maybe(choice("auto", *RATIOS[:-1], "5:4", "4:5")),
    "output_format": choice("jpeg", "png", "webp"),
    "limit_generations": flag(),
}
_BANANA_PRO = _BANANA | {"resolution": choice("1K", "2K", "4K"), "enable_web_search": flag(), "system_prompt": text()}
_BANANA_LITE = _BANANA | {
    "aspect_ratio": maybe(choice("auto", *RATIOS[:-1], "5:4", "4:5", "8:1", "1:8", "4:1", "1:4")),
    "thinking_level": maybe(choice("minimal", "high")),
    "system_prompt": text(),
}
_BANANA_2 = _BANANA_LITE | {
    "resolution": choice("0.5K", "1K", "2K", "4K"),
    "enable_web_search": flag(),
    "video_url": blob(),
    "audio_url": blob(),
    "pdf_url": blob(),
}
_SEEDREAM = SEED | SYNC | SAFE | several()
_SEEDREAM |= {
    "prompt*": text(),
    "image_size": size(*SIZES, "auto_2K", "auto_4K", low=1, high=4096),
    "num_images": integer(1, 6),
    "max_images": integer(1, 6),
}
_SEEDREAM_5 = {k: v for k, v in _SEEDREAM.items() if k != "seed"} | {
    "image_size": size(*SIZES, "auto_2K", "auto_3K", "auto_4K", low=1, high=4096)
}
_SEEDREAM_PRO = (
    {k: v for k, v in _SEEDREAM_5.items() if k != "max_images"}
    | FORMAT
    | {
        "image_size": size(*SIZES, "auto_2K", "auto_1K", low=1024, high=2048),
    }
)
_GPT = SYNC | several(16)
_GPT |= {
    "prompt*": text(),
    "mask_url": image(),
    "quality": choice("auto", "low", "medium", "high"),
    "image_size": size(*SIZES, "auto"),
    "num_images": integer(1, 4),
    "output_format": choice("jpeg", "png", "webp"),
}
_QWEN = SEED | SYNC | COUNT | SAFE | ACCELERATION | several()
_QWEN |= {
    "prompt*": text(),
    "negative_prompt": text(),
    "guidance_scale": number(1, 20),
    "num_inference_steps": integer(1, 50),
    "image_size": size(*SIZES),
    "output_format": choice("jpeg", "png", "webp"),
}
_LORAS = {"loras": many(record({"path*": text(), "scale": number(0, 4), "weight_name": text()}))}
_CONTROL_LORA = SEED | SYNC | COUNT | SAFE | FORMAT | _LORAS
_CONTROL_LORA |= {
    "prompt*": text(),
    "control_lora_image_url*": image(),
    "control_lora_strength": number(0, 2),
    "guidance_scale": number(0, 35),
    "num_inference_steps": integer(1, 50),
    "image_size": size(*SIZES),
}
_DEPTH = _CONTROL_LORA | {"preprocess_depth": flag(), "image_url": image()}
_DEPTH_IMAGE = _CONTROL_LORA | {"image_url*": image(), "strength": number(0, 1)}
_Z_CONTROL = SEED | SYNC | COUNT | SAFE | ACCELERATION | ONE
_Z_CONTROL |= {
    "prompt*": text(),
    "preprocess": choice("none", "canny", "depth", "pose"),
    "control_scale": number(0, 1),
    "control_start": number(0, 1),
    "control_end": number(0, 1),
    "num_inference_steps": integer(1, 8),
    "image_size": size(*SIZES, "auto"),
    "output_format": choice("png", "jpeg", "webp"),
    "enable_prompt_expansion": flag(),
}
_MAPS = ("openpose", "depth", "teed", "canny", "normal", "segmentation")
_SDXL = SEED | SYNC | SAFE | _LORAS
_SDXL |= {
    "prompt*": text(),
    "negative_prompt": text(),
    "image_size": size(*SIZES),
    "num_inference_steps": integer(1, 70),
    "guidance_scale": number(0, 20),
    "controlnet_conditioning_scale": number(0, 1),
    "num_images": integer(1, 8),
    "expand_prompt": flag(),
    "embeddings": many(record({"path*": text()})),
    "format": choice("jpeg", "png"),
    **{f"{m}_image_url": image() for m in _MAPS},
    **{f"{m}_preprocess": flag() for m in _MAPS},
}


def pictures() -> Iterator[Endpoint]:
    def make(name: str, fields: Fields, sizing: str = "match", **rest: Any) -> Endpoint:
        return Endpoint(name, "picture", fields, sizing, **rest)

    yield make("fal-ai/flux-kontext/dev", _KONTEXT_DEV, "resolution_mode")
    for name in ("fal-ai/flux-pro/kontext", "fal-ai/flux-pro/kontext/max"):
        yield make(name, _KONTEXT_PRO | ONE, "kontext")
        yield make(f"{name}/multi", _KONTEXT_PRO | several(), "kontext")
    yield make("fal-ai/flux-pro/v1.1", _PRO_TEXT | {"image_size": size(*SIZES)}, "landscape_4_3")
    ultra = {"aspect_ratio": text(), "image_url": image(), "image_prompt_strength": number(0, 1), "raw": flag()}
    yield make("fal-ai/flux-pro/v1.1-ultra", _PRO_TEXT | ultra, "landscape_16_9")
    yield make("fal-ai/flux/schnell", _SCHNELL, "landscape_4_3")
    yield make("fal-ai/flux-2/edit", _FLUX2, "auto", file_format="png")
    yield make("fal-ai/flux-2/turbo/edit", _FLUX2_FAST, "square_hd", file_format="png")
    yield make("fal-ai/flux-2/flash/edit", _FLUX2_FAST, "auto", file_format="png")
    for name in ("4b", "9b"):
        yield make(f"fal-ai/flux-2/klein/{name}/edit", _FLUX2_KLEIN, "auto", file_format="png")
    for name in ("pro", "max"):
        yield make(f"fal-ai/flux-2-{name}/edit", _FLUX2_PRO, "auto", shape="seed")
    yield make("fal-ai/flux-2-flex/edit", _FLUX2_FLEX, "auto", shape="seed")
    for name, fields in (
        ("fal-ai/nano-banana", _BANANA),
        ("fal-ai/nano-banana-pro", _BANANA_PRO),
        ("fal-ai/nano-banana-2", _BANANA_2),
        ("google/nano-banana-lite", _BANANA_LITE),
    ):
        yield make(f"{name}/edit", fields, "resolution", shape="described", file_format="png")
    for name, fields in (
        ("fal-ai/bytedance/seedream/v4.5", _SEEDREAM),
        ("bytedance/seedream/v5/lite", _SEEDREAM_5),
        ("bytedance/seedream/v5/pro", _SEEDREAM_PRO),
    ):
        yield make(f"{name}/edit", fields, "auto_2K", shape="seed", file_format="png")
    yield make("openai/gpt-image-2/edit", _GPT, "auto", shape="images", file_format="png")
    yield make("fal-ai/qwen-image-edit-2511", _QWEN, "match", file_format="png")
    yield make("fal-ai/flux-control-lora-depth", _DEPTH, "landscape_4_3")
    yield make("fal-ai/flux-control-lora-depth/image-to-image", _DEPTH_IMAGE, "match")
    yield make("fal-ai/flux-control-lora-canny", _CONTROL_LORA | {"image_url": image()}, "landscape_4_3")
    yield make("fal-ai/z-image/turbo/controlnet", _Z_CONTROL, "auto", file_format="png")
    yield make("fal-ai/sdxl-controlnet-union", _SDXL, "square_hd")
    mai = {
        "prompt*": text(),
        "image_url": image(),
        "aspect_ratio": choice("auto", "1:1", "4:3", "3:4", "16:9", "9:16", "3:2", "2:3"),
    }
    mai |= COUNT | SYNC | {"output_format": choice("jpeg", "png", "webp")}
    yield make("microsoft/mai-image-2.5-pro/edit", mai, shape="described", file_format="png")
    reve = {
        "prompt*": text(),
        "image_url*": image(),
        "aspect_ratio": choice("auto", "21:9", "16:9", "3:2", "4:3", "1:1", "3:4", "9:16"),
    }
    reve |= COUNT | SYNC | {"output_format": choice("png", "jpeg", "webp")}
    yield make("reve/2.1/edit", reve, shape="images", file_format="png")
    grok = {
        "prompt*": text(),
        "image_urls": many(image(), 0, 3),
        "aspect_ratio": choice("auto", "2:1", "16:9", "4:3", "1:1", "3:4", "9:16"),
    }
    grok |= COUNT | {
        "resolution": choice("1k", "2k"),
        "quality": choice("low", "medium"),
        "output_format": choice("jpeg", "png", "webp"),
    }
    yield make("xai/grok-imagine-image/v2.0/edit", grok, shape="images")
    qwen = {
        "prompt*": text(5000),
        "negative_prompt": text(500),
        "image_size": size(*SIZES, low=1, high=2048),
        "num_images": integer(1, 6),
    }
    qwen |= SEED | SAFE | {"image_urls*": many(image(384, 2048), 1, 3), "enable_prompt_expansion": flag()}
    qwen |= {"output_format": choice("jpeg", "png", "webp")}
    yield make("alibaba/qwen-image-3/edit", qwen, "match", shape="seed", file_format="png")
    topaz = {
        "image_url*": image(),
        "upscale_factor": number(1, 4),
        **FORMAT,
        "face_enhancement": flag(),
        "crop_to_fill": flag(),
    }
    topaz |= {
        "model": choice(
            "Standard V2", "High Fidelity V3", "High Fidelity V2", "Low Resolution V2", "CGI", "Text Refine"
        )
    }
    topaz |= {name: maybe(number(0, 1)) for name in ("sharpen", "denoise", "fix_compression")} | {
        "strength": maybe(number(0.01, 1))
    }
    yield make("topaz/upscale/image/precision", topaz, "factor", shape="one")
    seedvr = {"image_url*": image(), "upscale_factor": number(), "noise_scale": number(), **SEED, **SYNC}
    seedvr |= {"upscale_mode": choice("target", "factor"), "output_format": choice("png", "jpg", "webp")}
    yield make("fal-ai/seedvr/upscale/image", seedvr, "factor", shape="one")
    birefnet = {"image_url*": image(), "mask_only": flag(), "output_mask": flag(), "refine_foreground": flag(), **SYNC}
    birefnet |= {
        "operating_resolution": choice("1024x1024", "2048x2048", "2304x2304"),
        "output_format": choice("webp", "png", "gif"),
    }
    birefnet |= {"model": text()}
    yield make("fal-ai/birefnet/v2", birefnet, "matte", shape="one", file_format="png")
    sam = {
        "image_url*": image(),
        "prompt": text(),
        "apply_mask": flag(),
        "output_format": choice("jpeg", "png", "webp"),
        **SYNC,
    }
    yield make(
        "fal-ai/sam-3-1/image",
        sam | {"return_multiple_masks": flag(), "max_masks": integer()},
        "matte",
        shape="masks",
        file_format="png",
    )
