"""NIQE: how far a picture is from pristine photographs, without a ground truth."""

import dataclasses
import os
import zipfile
from pathlib import Path

import numpy as np

from mirnet_keras import images
from mirnet_keras.metrics.natural_scene_statistics import BLOCK, block_features

OWN_PARAMETERS = Path(__file__).with_name("niqe_mirnet_keras.npz")
FEATURES = 36


@dataclasses.dataclass(frozen=True)
class NIQEParameters:
    """What the features of pristine photographs look like: their mean (36,), covariance (36, 36).

    Raises:
        ValueError: for arrays of other shapes.
    """

    mean: np.ndarray
    covariance: np.ndarray

    def __post_init__(self):
        shapes = self.mean.shape, self.covariance.shape
        if shapes != ((FEATURES,), (FEATURES, FEATURES)):
            raise ValueError(
                f"NIQE's parameters are a mean of shape ({FEATURES},) and a covariance of shape "
                f"({FEATURES}, {FEATURES}). Received shapes {shapes[0]} and {shapes[1]}."
            )

    @classmethod
    def read(cls, path: str | os.PathLike) -> "NIQEParameters":
        """Reads `mu_pris_param` and `cov_pris_param` of an `.npz` file.

        Raises:
            FileNotFoundError: when there is no such file.
            ValueError: when it does not hold them.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(
                f"There is no file '{path}' with NIQE's parameters. The official ones are "
                "`niqe_pris_params.npz` of BasicSR; without `parameters`, those of this package "
                "are used."
            )
        try:
            with np.load(path) as arrays:
                return cls(arrays["mu_pris_param"].reshape(-1), arrays["cov_pris_param"])
        except (KeyError, OSError, AttributeError, zipfile.BadZipFile) as error:
            raise ValueError(
                f"'{path}' does not hold NIQE's parameters ({error}): an .npz file with "
                "`mu_pris_param` and `cov_pris_param` is needed."
            ) from None


def niqe(
    image: np.ndarray,
    parameters: NIQEParameters | str | os.PathLike | None = None,
    border: int = 0,
) -> float:
    """Natural image quality evaluator; lower is better, photographs have about 2 to 6.

    Mittal, Soundararajan and Bovik, "Making a 'Completely Blind' Image Quality Analyzer" (IEEE
    Signal Processing Letters 2013), on Y of BT.601 in studio swing, rounded, as in the PIRM
    challenge and BasicSR. With the official parameters the figures are the official ones.

    Args:
        image: one picture, (height, width, 3) RGB; uint8, uint16, or float in 0..1 (rounded to 8
            bits). A grey one, (height, width) or (height, width, 1), is taken for Y itself.
        parameters: of the pristine photographs: an object, or the path of the official file
            (`niqe_pris_params.npz` of BasicSR). None takes those of this package, which are NOT the
            official ones: a fit on free photographs (`benchmarks/fit_niqe.py`). Their figures
            compare with each other only; say so beside them.
        border: pixels cut from each side first.

    Returns:
        A number from 0.

    Raises:
        ValueError: for another shape, fewer than two blocks of 96 x 96 pixels inside the border,
            fewer than two of them with texture, and parameters that cannot be used.
        FileNotFoundError: when there is no file of that name.
    """
    if not isinstance(parameters, NIQEParameters):
        parameters = NIQEParameters.read(OWN_PARAMETERS if parameters is None else parameters)
    features = block_features(luma_plane(image, border))
    textured = features[~np.isnan(features).any(axis=1)]
    if len(textured) < 2:
        raise ValueError(
            f"NIQE needs at least two blocks of {BLOCK} x {BLOCK} pixels with texture. Received an "
            f"image of shape {np.shape(image)} that has {len(textured)}: the others are flat."
        )
    difference = parameters.mean - np.nanmean(features, axis=0)
    covariance = (parameters.covariance + np.cov(textured, rowvar=False)) / 2
    return float(np.sqrt(difference @ np.linalg.pinv(covariance) @ difference))


def luma_plane(image: np.ndarray, border: int = 0) -> np.ndarray:
    """Returns what NIQE looks at: rounded Y inside the border, float64 (height, width).

    Raises:
        ValueError: for another shape, or less than two blocks inside the border.
    """
    image = np.asarray(image)
    if image.ndim == 2:
        image = image[..., None]
    if image.ndim != 3 or image.shape[-1] not in (1, 3):
        raise ValueError(
            "NIQE takes one picture, (height, width, 3) RGB or (height, width) grey. Received "
            f"shape {image.shape}. Score the images of a batch one by one."
        )
    height, width = (size - 2 * border for size in image.shape[:2])
    if border < 0 or min(height, width) < BLOCK or (height // BLOCK) * (width // BLOCK) < 2:
        raise ValueError(
            f"NIQE needs two blocks of {BLOCK} x {BLOCK} pixels, such as {BLOCK} x {2 * BLOCK}, "
            f"inside a border of at least 0. Received {image.shape[0]} x {image.shape[1]} pixels "
            f"(height x width) and border={border}. Use a larger image or a smaller border."
        )
    image = images.to_uint8(image)[border : border + height, border : border + width]
    return image[..., 0].astype(np.float64) if image.shape[-1] == 1 else images.luma(image).round()
