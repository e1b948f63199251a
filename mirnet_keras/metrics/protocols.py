"""What papers do with PSNR and SSIM: one protocol for each group of comparable figures."""

import dataclasses
import difflib
import functools

import numpy as np

from mirnet_keras import images
from mirnet_keras.metrics.full_reference import check_pair, psnr, ssim, warn_about_range

GREY_WEIGHTS = (0.299, 0.587, 0.114)  # of R, G, B in the mean grey level


@dataclasses.dataclass(frozen=True)
class Protocol:
    """How a group of papers scores one image; everything else equal, its figures compare.

    Both images are 8-bit RGB: floats are clipped and rounded half up first.

    Attributes:
        name: the key in `PROTOCOLS`.
        luma: compares Y of BT.601 in studio swing instead of R, G and B.
        cuts_border: cuts as many pixels from each side as the scale says.
        window: SSIM's window.
        matches_mean: multiplies the result so that its mean grey equals the ground truth's. That
            uses the answer: quote such a figure only beside the plain one.
    """

    name: str
    luma: bool
    cuts_border: bool
    window: str
    matches_mean: bool


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol("classical-y", True, True, "gaussian", False),  # super-resolution: RCAN, SAN
        Protocol("rgb", False, False, "gaussian", False),
        Protocol("lol", False, False, "uniform", False),  # low light
        Protocol("lol-gtmean", False, False, "uniform", True),  # low light, knowing the answer
    )
}


@functools.total_ordering
@dataclasses.dataclass(frozen=True)
class Score:
    """The score of one image, or the mean of several, under one protocol.

    Scores are ordered by PSNR, then SSIM.

    Attributes:
        protocol: its name in `PROTOCOLS`.
        psnr: dB.
        ssim: at most 1.

    Raises:
        ValueError: when scores of different protocols are put in order.
    """

    protocol: str
    psnr: float
    ssim: float

    def __lt__(self, other: "Score") -> bool:
        if not isinstance(other, Score):
            return NotImplemented
        if self.protocol != other.protocol:
            raise ValueError(
                f"Scores of different protocols do not compare: '{self.protocol}' and "
                f"'{other.protocol}'. Score both images with the same one."
            )
        return (self.psnr, self.ssim) < (other.psnr, other.ssim)


def score(reference: np.ndarray, restored: np.ndarray, protocol: str, scale: int = 1) -> Score:
    """Scores one restored image as a group of papers does.

    Args:
        reference: ground truth (height, width, 3) RGB; uint8, or float in 0..1.
        restored: the same shape; uint8, or float in 0..1 (clipped, rounded half up).
        protocol: a key of `PROTOCOLS`: "classical-y" (super-resolution, Y), "rgb", "lol" (low
            light), or "lol-gtmean" (low light after fitting the brightness to the answer).
        scale: the enlargement; the border that "classical-y" cuts.

    Raises:
        ValueError: for an unknown protocol, or images that do not compare (see `psnr`, `ssim`).
    """
    rules = _protocol(protocol)
    check_pair(reference, restored, border=0)
    reference, restored = _as_uint8(reference), _as_uint8(restored)
    if rules.matches_mean:
        restored = _match_mean(reference, restored)
    border = scale if rules.cuts_border else 0
    return Score(
        protocol,
        psnr(reference, restored, max_value=255, border=border, luma=rules.luma),
        ssim(
            reference, restored, max_value=255, border=border, luma=rules.luma, window=rules.window
        ),
    )


def _as_uint8(image: np.ndarray) -> np.ndarray:
    """Rounds floats in 0..1 and warns where they look like 0..255."""
    if np.issubdtype(image.dtype, np.floating):
        warn_about_range(image, image, max_value=1.0, stacklevel=4)
    return images.to_uint8(image)


def _protocol(name: str) -> Protocol:
    """Looks a protocol up and proposes the nearest name where there is none."""
    if name in PROTOCOLS:
        return PROTOCOLS[name]
    near = difflib.get_close_matches(name, PROTOCOLS, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    raise ValueError(f"`protocol` must be one of {list(PROTOCOLS)}. Received '{name}'.{hint}")


def _match_mean(reference: np.ndarray, restored: np.ndarray) -> np.ndarray:
    """Multiplies a uint8 image so that its mean grey equals the reference's; a black one stays."""
    mean = (restored @ np.array(GREY_WEIGHTS)).mean()
    if mean == 0:
        return restored
    factor = (reference @ np.array(GREY_WEIGHTS)).mean() / mean
    return images.to_uint8(restored * (factor / 255))
