"""PSNR and SSIM of one image pair: plain functions, numpy, float64."""

import functools
import math
import warnings

import cv2
import numpy as np

from mirnet_keras import images

K1, K2 = 0.01, 0.03  # SSIM's constants (Wang et al., 2004, section III-C)
GAUSSIAN_SIZE, GAUSSIAN_SIGMA = 11, 1.5  # the same section
UNIFORM_SIZE = 7  # scikit-image's default


def psnr(
    reference: np.ndarray,
    restored: np.ndarray,
    *,
    max_value: float = 1.0,
    border: int = 0,
    luma: bool = False,
) -> float:
    """Peak signal-to-noise ratio of one image in dB: 10 log10(max_value^2 / mean squared error).

    Args:
        reference: ground truth (height, width, channels) or (height, width), any number type.
        restored: the same shape.
        max_value: what stands for white in both: 1 for floats in 0..1, 255 for uint8.
        border: pixels that are cut from each side first.
        luma: compares Y of BT.601 in studio swing (`images.luma`, not rounded) of RGB images; its
            peak is still `max_value`, as in the super-resolution papers.

    Returns:
        dB; infinity for equal images.

    Raises:
        ValueError: when the shapes differ, are no image's, leave nothing inside the border, or a
            value is NaN or infinite.
    """
    reference, restored = _comparable(reference, restored, max_value, border, luma)
    error = np.mean(np.square(reference - restored))
    return math.inf if error == 0 else float(10 * np.log10(max_value**2 / error))


def ssim(
    reference: np.ndarray,
    restored: np.ndarray,
    *,
    max_value: float = 1.0,
    border: int = 0,
    luma: bool = False,
    window: str = "gaussian",
) -> float:
    """Structural similarity of one image; the mean over channels and window positions.

    Wang et al., "Image quality assessment: from error visibility to structural similarity" (IEEE
    TIP 2004), section III-B. Only positions where the window lies fully inside the image count.

    Args:
        reference: ground truth (height, width, channels) or (height, width), any number type.
        restored: the same shape.
        max_value: what stands for white in both: 1 for floats in 0..1, 255 for uint8.
        border: pixels that are cut from each side first.
        luma: compares Y of BT.601 in studio swing, as in `psnr`.
        window: "gaussian", 11 x 11 with sigma 1.5 (the paper's; super-resolution papers use it),
            or "uniform", 7 x 7 with unbiased variances (scikit-image's default; many low-light
            papers use it). They give different figures.

    Returns:
        At most 1, which is for equal images.

    Raises:
        ValueError: as `psnr`, for an unknown window, and for images smaller than the window.
    """
    kernel, unbiased = _window(window)
    reference, restored = _comparable(reference, restored, max_value, border, luma)
    if min(reference.shape[:2]) < len(kernel):
        raise ValueError(
            f"SSIM's {window} window needs at least {len(kernel)} x {len(kernel)} pixels inside "
            f"the border. Received {reference.shape[0]} x {reference.shape[1]} there "
            f"(border={border}). Use larger images."
        )
    mean = functools.partial(_window_mean, kernel=kernel)
    similarity = similarity_map(
        mean(reference),
        mean(restored),
        mean(reference * reference),
        mean(restored * restored),
        mean(reference * restored),
        max_value,
        unbiased,
    )
    return float(similarity.mean())


def _comparable(
    reference: np.ndarray, restored: np.ndarray, max_value: float, border: int, luma: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Checks a pair and returns what is compared of it, as float64 (height, width, channels)."""
    reference, restored = np.asarray(reference), np.asarray(restored)
    check_pair(reference, restored, border)
    warn_about_range(reference, restored, max_value, stacklevel=4)
    return (
        _compared(reference, max_value, border, luma),
        _compared(restored, max_value, border, luma),
    )


def _compared(image: np.ndarray, max_value: float, border: int, luma: bool) -> np.ndarray:
    """Takes Y where asked and cuts the border."""
    image = image.astype(np.float64)
    if image.ndim == 2:
        image = image[..., None]
    if luma:
        image = images.luma(image / max_value)[..., None] * max_value
    return image[border : image.shape[0] - border, border : image.shape[1] - border]


def check_pair(reference: np.ndarray, restored: np.ndarray, border: int) -> None:
    """Raises where a pair cannot be compared."""
    if reference.shape != restored.shape:
        raise ValueError(
            "The images differ in shape: the reference is "
            f"{reference.shape}, the restored image {restored.shape}. Crop the reference to a "
            "multiple of the scale (images.crop_to_multiple), or pair other files."
        )
    if reference.ndim not in (2, 3):
        raise ValueError(
            "One image is (height, width) or (height, width, channels). Received shape "
            f"{reference.shape}. Score the images of a batch one by one."
        )
    if border < 0 or min(reference.shape[:2]) <= 2 * border or reference.size == 0:
        raise ValueError(
            f"A border of {border} leaves nothing of an image of shape {reference.shape}. "
            "Use a smaller border (at least 0) or a larger image."
        )
    for name, image in (("reference", reference), ("restored image", restored)):
        if not np.isfinite(image).all():
            raise ValueError(f"The {name} holds NaN or infinite values. Look at what made it.")


def warn_about_range(
    reference: np.ndarray, restored: np.ndarray, max_value: float, stacklevel: int
) -> None:
    """Warns where the values and the peak do not belong together: the dB would be far off.

    Args:
        stacklevel: which caller the warning points to; 2 is the one of this function.
    """
    largest = max(reference.max(), restored.max())
    if largest > 1.5 * max_value:
        cause = f"values reach {largest:.4g}, well above max_value={max_value:g}"
    elif (
        max_value > 1.5 and np.issubdtype(reference.dtype, np.floating) and 0 < reference.max() <= 1
    ):
        cause = f"the reference lies in 0..1, but max_value={max_value:g}"
    else:
        return
    warnings.warn(
        f"The score is probably wrong: {cause}. Pass max_value=1 for images in 0..1 and "
        "max_value=255 for 0..255.",
        UserWarning,
        stacklevel=stacklevel,
    )


def _window(name: str) -> tuple[np.ndarray, float]:
    """Returns a window's one-dimensional kernel and the factor of its variances."""
    if name == "gaussian":
        return gaussian_kernel(), 1.0
    if name == "uniform":
        samples = UNIFORM_SIZE**2
        return np.full(UNIFORM_SIZE, 1 / UNIFORM_SIZE), samples / (samples - 1)
    raise ValueError(f"`window` must be 'gaussian' or 'uniform'. Received '{name}'.")


def gaussian_kernel() -> np.ndarray:
    """Returns the (11,) factor of SSIM's Gaussian window; it sums to 1."""
    offset = np.arange(GAUSSIAN_SIZE) - GAUSSIAN_SIZE // 2
    kernel = np.exp(-(offset**2) / (2 * GAUSSIAN_SIGMA**2))
    return kernel / kernel.sum()


def _window_mean(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Returns the weighted mean in the window at each place where it lies fully inside."""
    radius = len(kernel) // 2
    planes = [cv2.sepFilter2D(plane, -1, kernel, kernel) for plane in np.moveaxis(image, -1, 0)]
    return np.stack(planes)[:, radius:-radius, radius:-radius]


def similarity_map(mean_a, mean_b, square_a, square_b, product, max_value, unbiased=1.0):
    """SSIM's formula (equation 13) on maps of window means, numpy or Keras."""
    c1, c2 = (K1 * max_value) ** 2, (K2 * max_value) ** 2
    both = mean_a * mean_b
    energy = mean_a * mean_a + mean_b * mean_b
    covariance = unbiased * (product - both)
    variances = unbiased * (square_a + square_b - energy)
    return (2 * both + c1) * (2 * covariance + c2) / ((energy + c1) * (variances + c2))
