"""Whether the presets restore here as they did where they were measured."""

import dataclasses
from collections.abc import Iterator

import numpy as np

from mirnet_keras.data import imresize
from mirnet_keras.demo import demo_picture
from mirnet_keras.images import to_float, to_uint8
from mirnet_keras.metrics import psnr
from mirnet_keras.presets import load

PIECE = (slice(96, 192), slice(96, 192))  # rows and columns of the bundled pictures
MEASURED = {"awsrn_s_x2": 32.357, "mirnet_lowlight_small": 17.536}  # dB to the original
TOLERANCE = 0.02  # dB; other processors round otherwise


@dataclasses.dataclass(frozen=True)
class SelfTest:
    """What a preset made of a piece of a bundled picture.

    Attributes:
        preset: its name.
        psnr: dB to the original.
        expected: what it was where it was measured.
    """

    preset: str
    psnr: float
    expected: float

    @property
    def passed(self) -> bool:
        """Whether both are the same within rounding."""
        return abs(self.psnr - self.expected) < TOLERANCE


def self_test() -> Iterator[SelfTest]:
    """Restores pieces of the bundled pictures with the presets of `MEASURED`.

    Raises:
        PresetError: for a preset that is missing or damaged.
    """
    for preset, expected in MEASURED.items():
        low, sharp = _pair(preset)
        restored = to_uint8(load(preset).restore(to_float(low)))
        yield SelfTest(preset, psnr(to_float(sharp), to_float(restored)), expected)


def _pair(preset: str) -> tuple[np.ndarray, np.ndarray]:
    """A piece to restore, and the original."""
    if preset == "mirnet_lowlight_small":
        return demo_picture("coffee_dark.png")[PIECE], demo_picture("coffee.webp")[PIECE]
    sharp = demo_picture("cat.webp")[PIECE]
    return imresize(sharp, 1 / 2), sharp
