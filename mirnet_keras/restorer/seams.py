"""How much a picture in tiles differs from the whole."""

import copy
import dataclasses

import numpy as np

from mirnet_keras.images import to_float
from mirnet_keras.restorer.restorer import Restorer


@dataclasses.dataclass(frozen=True)
class SeamError:
    """The difference between a picture restored in tiles and whole.

    Attributes:
        psnr: dB; infinite where they are equal.
        largest_difference: of all values, in 0..1.
    """

    psnr: float
    largest_difference: float


def seam_error(restorer: Restorer, image: np.ndarray) -> SeamError:
    """Restores a picture as the restorer does, and whole, and compares.

    Args:
        restorer: with tiles smaller than the picture: give `tile` a size.
        image: (height, width, 3) or (height, width), small enough to be restored whole.

    Raises:
        RestorerError: as `Restorer`; also when the memory does not suffice for the whole.
    """
    whole = copy.copy(restorer)
    whole.tile = None
    picture = to_float(image)
    difference = restorer(picture).astype(np.float64) - whole(picture)
    mean = np.mean(difference**2)
    psnr = float(-10 * np.log10(mean)) if mean else float("inf")
    return SeamError(psnr, float(np.abs(difference).max()))
