"""Check what people hand over as an image, and make it an array that everything else takes."""

import numpy as np
from PIL import Image

from mirnet_keras.image_errors import ImageError

FLOAT_RANGE = (-0.5, 1.5)  # resampled images overshoot 0..1 a little; 0..255 is a mistake


def image_array(image, *, batches: bool = False, channels: int | None = None) -> np.ndarray:
    """Return an image as an array in native byte order, checked.

    Args:
        image: (height, width, 3) RGB, or (height, width) or (height, width, 1) grey; uint8, uint16,
            or float in 0..1. An array, a tensor of any framework, or a `PIL.Image.Image`.
        batches: Also take (batch, height, width, 3).
        channels: Number of channels, of which (height, width) then has none; None: RGB or grey.

    Returns:
        An array of the same depth, without copying where it is one already. Without `channels`,
        (height, width, 1) becomes (height, width).

    Raises:
        ImageError: for another type, shape or dtype, no pixels, NaN, or floats far outside 0..1.
    """
    array = _array(image)
    if array.dtype.byteorder not in "=|":
        array = array.astype(array.dtype.newbyteorder("="))
    if array.ndim == 3 and array.shape[-1] == 1 and channels is None:
        array = array[..., 0]
    _check_shape(array, batches, channels)
    if np.issubdtype(array.dtype, np.floating):
        _check_range(array)
    elif array.dtype not in (np.uint8, np.uint16):
        raise ImageError(
            f"An image is uint8, uint16 or float in 0..1. Received dtype {array.dtype}. Convert it "
            "first, for 8 bits by `.astype('uint8')`."
        )
    return array


def _array(image) -> np.ndarray:
    if isinstance(image, np.ndarray):
        return image
    if isinstance(image, Image.Image):
        return _from_pillow(image)
    if hasattr(image, "__array__"):
        try:
            return np.asarray(image)
        except (TypeError, ValueError, RuntimeError) as error:
            raise ImageError(
                f"The {type(image).__name__} cannot become a numpy array: {error} Convert it first."
            ) from error
    raise ImageError(
        "An image is a numpy array, a tensor or a PIL image. Received "
        f"{type(image).__name__}. Files are read by `mk.images.read_image(path)` or restored by "
        "`Restorer.restore_file`."
    )


def _from_pillow(image: Image.Image) -> np.ndarray:
    if "A" in image.getbands() or "transparency" in image.info:
        raise ImageError(
            f"The PIL image has transparency (mode {image.mode}). Pass image.convert('RGB'), or "
            "restore the file with `Restorer.restore_file`, which keeps transparency."
        )
    if image.mode in ("L", "RGB", "F") or image.mode.startswith("I;16"):
        return np.asarray(image)
    return np.asarray(image.convert("L" if image.mode == "1" else "RGB"))


def _check_shape(array: np.ndarray, batches: bool, channels: int | None) -> None:
    wanted = channels or 3
    kinds = [f"(height, width, {wanted})"]
    if channels is None:
        kinds.append("(height, width) grey")
    if batches:
        kinds.append(f"(batch, height, width, {wanted})")
    fits = array.ndim in ((3, 4) if batches else (3,)) and array.shape[-1] == wanted
    if (fits or (array.ndim == 2 and channels is None)) and array.size:
        return
    hint = ""
    if array.ndim in (3, 4) and array.shape[-3] == wanted:
        hint = " Channels come last: np.moveaxis(image, -3, -1)."
    elif array.ndim == 3 and array.shape[-1] == 4:
        hint = " Leave transparency out, by `image[..., :3]`; `restore_file` keeps it."
    raise ImageError(
        f"An image is {' or '.join(kinds)}, not empty. Received shape {array.shape}.{hint}"
    )


def _check_range(array: np.ndarray) -> None:
    least, most = array.min(), array.max()
    if not FLOAT_RANGE[0] <= least <= most <= FLOAT_RANGE[1]:  # NaN is in no range
        raise ImageError(
            f"A float image is in 0..1. Received values from {least:.4g} to {most:.4g}. "
            "Divide by the largest value that the format has, 255 for 8 bits."
        )
