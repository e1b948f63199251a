"""Makes the pictures of `docs/gallery.md` from the shipped presets: `python -m benchmarks.gallery`.

The pictures are the bundled ones, which are free of copyright, and a chart drawn here.
"""

import functools
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from benchmarks.noise import noisy
from mirnet_keras.attention import attention_maps
from mirnet_keras.data import LowLight, imresize
from mirnet_keras.demo import demo_picture, panels
from mirnet_keras.images import to_float, to_uint8
from mirnet_keras.metrics import score
from mirnet_keras.presets import load
from mirnet_keras.restorer import Restorer

FOLDER = Path(__file__).parents[1] / "docs" / "images" / "gallery"
QUALITY = 80  # of the WebP files
LOW_LIGHT, NOISE = "mirnet_lowlight_small", "mirnet_denoise_small"
CONTEXTS = ("group_0/block_0/block_top", "group_1/block_0/block_top", "group_2/block_0/block_top")
EYE = (slice(32, 136), slice(24, 128))  # rows and columns of the cat's eye
ENLARGED = 3  # the eye, for looking at it

Panel = tuple[np.ndarray, str, str]  # picture, caption, value


def main() -> None:
    """Draws every figure and writes it."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for draw in (low_light, less_noise, enlarged_twice, enlarged_four_times, attention, *FAILURES):
        Image.fromarray(draw()).save(FOLDER / f"{draw.__name__}.webp", quality=QUALITY)


def low_light() -> np.ndarray:
    """A dark picture: before, after, and the original."""
    return brightened("3 % of the light, with noise", demo_picture("coffee_dark.png"))


def far_too_dark() -> np.ndarray:
    """A tenth of that light: little is left to restore."""
    return brightened("A failure: 0.3 % of the light", darkened(0.003))


def not_dark_at_all() -> np.ndarray:
    """A picture that nothing is wrong with: the preset knows no bright pictures."""
    return brightened("A failure: a picture that was not dark", demo_picture("coffee.webp"))


def less_noise() -> np.ndarray:
    """The cat's eye with Gaussian noise, weak and strong, and what the preset makes of it."""
    truth = demo_picture("cat.webp")
    rows = []
    for sigma in (15, 50):
        before = noisy(truth, sigma, seed=0)
        pictures = {f"noise, sigma {sigma}": before, NOISE: restored(NOISE, before)}
        row = [
            (close(picture, EYE), name, value(truth, picture)) for name, picture in pictures.items()
        ]
        rows.append([*row, (close(truth, EYE), "the original", "")])
    return panels("Less noise", rows)


def enlarged_twice() -> np.ndarray:
    """The presets that enlarge twice, side by side on a detail."""
    names = ("awsrn_s_x2", "rcan_small_x2", "han_small_x2", "san_small_x2")
    truth = demo_picture("cat.webp")
    return enlarged("Enlarged twice", imresize(truth, 1 / 2), truth, names)


def enlarged_four_times() -> np.ndarray:
    """Four times: texture is gone, edges are not."""
    truth = demo_picture("cat.webp")
    return enlarged("Enlarged four times", imresize(truth, 1 / 4), truth, ("awsrn_s_x4",))


def blocks_of_jpeg() -> np.ndarray:
    """A small JPEG of low quality: its blocks are enlarged as if they were there."""
    truth = demo_picture("cat.webp")
    small = cv2.cvtColor(imresize(truth, 1 / 4), cv2.COLOR_RGB2BGR)
    stored = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 40])[1]
    small = cv2.cvtColor(cv2.imdecode(stored, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    return enlarged("A failure: enlarged from a JPEG of quality 40", small, truth, ("awsrn_s_x4",))


def rings_too_fine() -> np.ndarray:
    """Rings finer than the small picture can hold: they come back as others."""
    return enlarged(
        "A failure: rings finer than the input can hold",
        rings(step=4),
        rings(step=1),
        ("awsrn_s_x4",),
        detail=(slice(16, 120), slice(30, 134)),
    )


def rings(step: int) -> np.ndarray:
    """A chart of rings that get finer outwards; every `step`-th point of it, not smoothed."""
    first = (step - 1) / 2  # the middle of the pixels that one stands for
    rows, columns = np.mgrid[first:272:step, first:312:step]
    values = 0.5 + 0.5 * np.cos(0.006 * ((rows - 136) ** 2 + (columns - 156) ** 2))
    return to_uint8(np.repeat(values[..., None].astype(np.float32), 3, axis=-1))


def attention() -> np.ndarray:
    """Where the global context of MIRNetV2's blocks looks, from the first group to the last."""
    dark = demo_picture("coffee_dark.png")
    maps = attention_maps(load(LOW_LIGHT), dark)
    row: list[Panel] = [(restored(LOW_LIGHT, dark), "the result", "")]
    row += [
        (coloured(maps[f"{name}/context"]), f"group {g}", "") for g, name in enumerate(CONTEXTS)
    ]
    return panels("Attention: where each group takes its global context from", [row])


def brightened(title: str, before: np.ndarray) -> np.ndarray:
    """Before, after, and the bundled original."""
    truth, after = demo_picture("coffee.webp"), restored(LOW_LIGHT, before)
    row = [(before, "before", value(truth, before)), (after, LOW_LIGHT, value(truth, after))]
    return panels(title, [[*row, (truth, "the original", "")]])


def enlarged(
    title: str, small: np.ndarray, truth: np.ndarray, names: tuple[str, ...], detail=EYE
) -> np.ndarray:
    """A detail of the bicubic enlargement, of what each preset makes of it, and of the original."""
    scale = truth.shape[0] // small.shape[0]
    pictures = {"bicubic": imresize(small, scale)}
    pictures |= {name: restored(name, small) for name in names}
    row = [
        (close(picture, detail), name, value(truth, picture, scale))
        for name, picture in pictures.items()
    ]
    return panels(title, [[*row, (close(truth, detail), "the original", "")]])


def darkened(gain: float) -> np.ndarray:
    """The bundled picture with a part of its light, and a sensor's noise."""
    degrade = LowLight(gain=(gain, gain), photons=(3000, 3000))
    return to_uint8(degrade(to_float(demo_picture("coffee.webp")), np.random.default_rng(0)))


def restored(name: str, picture: np.ndarray) -> np.ndarray:
    """What a preset makes of a picture."""
    return restorer(name)(picture)


@functools.cache
def restorer(name: str) -> Restorer:
    """A preset, loaded once."""
    return Restorer(name)


def value(truth: np.ndarray, picture: np.ndarray, scale: int = 1) -> str:
    """The score beside a caption."""
    result = score(truth, picture, "lol" if scale == 1 else "classical-y", scale)
    return f"{result.psnr:.2f} dB" if np.isfinite(result.psnr) else ""


def close(picture: np.ndarray, detail) -> np.ndarray:
    """A detail, each pixel repeated."""
    return picture[detail].repeat(ENLARGED, axis=0).repeat(ENLARGED, axis=1)


def coloured(values: np.ndarray) -> np.ndarray:
    """A map as a picture: dark blue the least, yellow the most, without the outermost 1 %."""
    low, high = np.percentile(values, (1, 99))
    scaled = to_uint8(np.clip((values - low) / (high - low), 0, 1))
    return cv2.cvtColor(cv2.applyColorMap(scaled, cv2.COLORMAP_VIRIDIS), cv2.COLOR_BGR2RGB)


FAILURES = (far_too_dark, not_dark_at_all, blocks_of_jpeg, rings_too_fine)

if __name__ == "__main__":
    main()
