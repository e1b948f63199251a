"""The files of the page, and what it is told of the presets: the same for both of its engines."""

import importlib.resources
from typing import Literal

from mirnet_keras.presets import Preset
from mirnet_keras.restorer.looking import DARK_HIGHLIGHTS, DARK_LUMA

Engine = Literal["device", "server"]
# What only one of the engines needs; the first is named in `site.json`.
ENGINE_FILES: dict[Engine, tuple[str, ...]] = {
    "device": ("device_engine.js", "worker.js", "tiling.js"),
    "server": ("server_engine.js",),
}
EXAMPLES = {"coffee_dark.png": "Dark café", "cat.webp": "Small cat"}
SITE = "site.json"  # what the page reads first
TITLES = {
    "low-light enhancement": "Brighten a dark photo",
    "denoising": "Remove noise",
    "super-resolution": "Enlarge {scale} times",
}
TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".png": "image/png",
    ".wasm": "application/wasm",
    ".webp": "image/webp",
}


def page_files(engine: Engine) -> dict[str, bytes]:
    """The page with one engine, and the photos to try, by name; without `site.json`."""
    package = importlib.resources.files("mirnet_keras")
    others = {name for other, names in ENGINE_FILES.items() if other != engine for name in names}
    files = {
        entry.name: entry.read_bytes()
        for entry in (package / "web/page").iterdir()
        if entry.name not in others
    }
    return files | {name: (package / "demo_images" / name).read_bytes() for name in EXAMPLES}


def site_facts(engine: Engine, *, for_dark: str, for_others: str) -> dict[str, object]:
    """The content of `site.json`, as far as both engines have it.

    Args:
        engine: which the page has.
        for_dark, for_others: names of the presets that it suggests.
    """
    return {
        "engine": ENGINE_FILES[engine][0],
        "examples": [{"file": name, "title": title} for name, title in EXAMPLES.items()],
        "dark_luma": DARK_LUMA,
        "dark_highlights": DARK_HIGHLIGHTS,
        "for_dark": for_dark,
        "for_others": for_others,
    }


def preset_title(preset: Preset) -> str:
    """What a preset does, for people."""
    return TITLES[preset.task].format(scale=preset.scale)
