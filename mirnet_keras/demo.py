"""The demo: bundled pictures, restored by the shipped presets, before beside after."""

import contextlib
import dataclasses
import functools
import importlib.resources
import os
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mirnet_keras.data import imresize
from mirnet_keras.images import read_image, to_float, to_uint8, write_image
from mirnet_keras.metrics import Score, score
from mirnet_keras.models import RestorationModel
from mirnet_keras.presets import PresetError, find, load
from mirnet_keras.restorer.suggestion import ENLARGING_PRESET, LOW_LIGHT_PRESET

ENLARGING_IF_THERE = "awsrn_s_x4"
AMPLIFICATION = 4  # of the differences shown, which are small
DETAIL = (slice(32, 136), slice(24, 128))  # rows and columns of the cat's eye, shown enlarged
MARGIN, TITLE_HEIGHT, CAPTION_HEIGHT = 12, 44, 30
BACKGROUND, INK, GREY = (250, 250, 248), (30, 30, 30), (110, 110, 110)


@dataclasses.dataclass(frozen=True)
class DemoResult:
    """One restored picture of the demo.

    Attributes:
        preset: name of the preset that restored it.
        about: what the picture is, and where its ground truth comes from.
        before, after: the files: what came in (enlarged with bicubic where the preset enlarges)
            and what came out.
        difference: file; absolute difference of `after` to the ground truth, four times enlarged.
        comparison: file; before, after and the original in one labelled picture, with the scores.
        before_score, after_score: against the ground truth. `before` of a preset that enlarges is
            bicubic enlargement.
        before_brightness, after_brightness: mean of all samples, 0..255.
        seconds: time for restoring, the first call's compilation included.
    """

    preset: str
    about: str
    before: Path
    after: Path
    difference: Path
    comparison: Path
    before_score: Score
    after_score: Score
    before_brightness: float
    after_brightness: float
    seconds: float


def run_demo(out: str | os.PathLike = "mirnet_keras_demo") -> list[DemoResult]:
    """Brightens a dark picture and enlarges a small one, and scores both.

    The presets are `mirnet_lowlight_small`, `awsrn_s_x2` and, if it is there, `awsrn_s_x4`.

    Args:
        out: folder for the pictures, created when absent. Older pictures of the demo in it are
            replaced.

    Returns:
        A result for each preset.

    Raises:
        PresetError: when a preset is missing or damaged.
        ImageError: when a picture cannot be written.
    """
    out = Path(out)
    enlarging = [ENLARGING_PRESET]
    for name in (LOW_LIGHT_PRESET, ENLARGING_PRESET):
        find(name)  # says what is missing before anything runs
    with contextlib.suppress(PresetError):
        find(ENLARGING_IF_THERE)
        enlarging.append(ENLARGING_IF_THERE)
    return [_brighten(LOW_LIGHT_PRESET, out), *(_enlarge(name, out) for name in enlarging)]


def demo_picture(name: str) -> np.ndarray:
    """Reads a picture that comes with the package, (height, width, 3) uint8.

    Args:
        name: "coffee.webp", "coffee_dark.png" or "cat.webp"; see `demo_images/LICENCES.md`.
    """
    return read_image(str(importlib.resources.files("mirnet_keras") / "demo_images" / name))


def _brighten(preset: str, out: Path) -> DemoResult:
    truth, dark = demo_picture("coffee.webp"), demo_picture("coffee_dark.png")
    bright, seconds = _restore(load(preset), dark)
    result = _write(
        out / "low_light",
        preset=preset,
        about="A photograph darkened by computer to 3 % of its light, with sensor noise",
        pictures=(dark, bright, truth),
        protocol="lol",
        scale=1,
        seconds=seconds,
    )
    captions = ("dark", preset, "the original photograph")
    row = list(zip((dark, bright, truth), captions, _values(result), strict=True))
    figure = panels("Low light: darkened to 3 %, with noise", [row])
    write_image(result.comparison, figure)
    return result


def _enlarge(preset: str, out: Path) -> DemoResult:
    model = load(preset)
    scale = model.scale
    truth = demo_picture("cat.webp")
    small = imresize(truth, 1 / scale)
    large, seconds = _restore(model, small)
    bicubic = imresize(small, scale)
    result = _write(
        out / f"super_resolution_x{scale}",
        preset=preset,
        about=f"A photograph reduced {scale} times, and enlarged {scale} times again",
        pictures=(bicubic, large, truth),
        protocol="classical-y",
        scale=scale,
        seconds=seconds,
    )
    write_image(result.before.with_name("input.png"), small)
    pictures = (bicubic, large, truth)
    captions = ("bicubic", preset, "the original photograph")
    whole = list(zip(pictures, captions, _values(result), strict=True))
    details = [(_detail(picture), "", "") for picture in pictures]
    write_image(result.comparison, panels(f"Super-resolution x{scale}", [whole, details]))
    return result


def _restore(model: RestorationModel, picture: np.ndarray) -> tuple[np.ndarray, float]:
    start = time.perf_counter()
    restored = model.restore(to_float(picture))
    return to_uint8(restored), time.perf_counter() - start


def _write(folder: Path, *, preset, about, pictures, protocol, scale, seconds) -> DemoResult:
    before, after, truth = pictures
    difference = np.abs(after.astype(int) - truth) * AMPLIFICATION
    result = DemoResult(
        preset=preset,
        about=about,
        before=folder / "before.png",
        after=folder / "after.png",
        difference=folder / "difference.png",
        comparison=folder / "comparison.png",
        before_score=score(truth, before, protocol, scale),
        after_score=score(truth, after, protocol, scale),
        before_brightness=float(before.mean()),
        after_brightness=float(after.mean()),
        seconds=seconds,
    )
    write_image(result.before, before)
    write_image(result.after, after)
    write_image(result.difference, np.minimum(difference, 255).astype(np.uint8))
    return result


def _values(result: DemoResult) -> tuple[str, str, str]:
    before, after = (
        f"{entry.psnr:.2f} dB, SSIM {entry.ssim:.3f}"
        for entry in (result.before_score, result.after_score)
    )
    return before, after, ""


def _detail(picture: np.ndarray) -> np.ndarray:
    """The detail, each pixel repeated three times."""
    return picture[DETAIL].repeat(3, axis=0).repeat(3, axis=1)


def panels(title: str, rows: list[list[tuple[np.ndarray, str, str]]]) -> np.ndarray:
    """Puts pictures in rows, each above its caption (black) and value (grey).

    Args:
        title: above them all.
        rows: of equally many (picture, caption, value); pictures are (height, width, 3) uint8.

    Returns:
        The figure, (height, width, 3) uint8.
    """
    widths = [max(row[i][0].shape[1] for row in rows) for i in range(len(rows[0]))]
    captions = [CAPTION_HEIGHT if any(panel[1] for panel in row) else 0 for row in rows]
    heights = [
        max(panel[0].shape[0] for panel in row) + caption
        for row, caption in zip(rows, captions, strict=True)
    ]
    width = sum(widths) + MARGIN * (len(widths) + 1)
    height = TITLE_HEIGHT + sum(heights) + MARGIN * len(rows)
    canvas = Image.new("RGB", (width, height), BACKGROUND)
    draw = ImageDraw.Draw(canvas)
    draw.text((MARGIN, TITLE_HEIGHT // 2), title, INK, _font(22), anchor="lm")
    top = TITLE_HEIGHT
    for row, row_height in zip(rows, heights, strict=True):
        left = MARGIN
        for (picture, caption, value), column in zip(row, widths, strict=True):
            canvas.paste(Image.fromarray(picture), (left, top))
            baseline = top + picture.shape[0] + CAPTION_HEIGHT // 2
            draw.text((left, baseline), caption, INK, _font(16), anchor="lm")
            right = left + picture.shape[1]
            draw.text((right, baseline), value, GREY, _font(16), anchor="rm")
            left += column + MARGIN
        top += row_height + MARGIN
    return np.asarray(canvas)


@functools.cache
def _font(size: int):
    return ImageFont.load_default(size)
