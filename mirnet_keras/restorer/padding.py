"""What is put around a picture so that a network can take it."""

import numpy as np


def padded_size(
    size: tuple[int, int],
    *,
    lead: int,
    multiple: int,
    smallest: int,
    fixed: tuple[int, int] | None,
) -> tuple[int, int]:
    """(height, width) that a picture is padded to.

    Args:
        size: (height, width) of the picture.
        lead: pixels above and left of it; as many stand at least below and right.
        multiple: both sides become multiples of it.
        smallest: of both sides, a multiple.
        fixed: (height, width) of a network for one size.
    """
    height, width = (max(smallest, -(-(side + 2 * lead) // multiple) * multiple) for side in size)
    return (height, width) if fixed is None else (max(height, fixed[0]), max(width, fixed[1]))


def padded(
    image: np.ndarray, size: tuple[int, int], *, lead: int, border: str, mirror_often: bool
) -> np.ndarray:
    """Puts rows and columns around a picture.

    Args:
        image: (height, width, channels).
        size: of the result.
        lead: rows above and columns left of the picture.
        border: "reflect" (without repeating the last row), "edge" or "wrap".
        mirror_often: whether a picture shorter than its border is mirrored more than once; else
            its last row or column is repeated.
    """
    for axis in (0, 1):
        missing = size[axis] - lead - image.shape[axis]
        if lead or missing:
            widths = [(0, 0)] * 3
            widths[axis] = (lead, missing)
            too_short = border == "reflect" and missing >= image.shape[axis]
            mode = "edge" if too_short and not mirror_often else border
            image = np.pad(image, widths, mode=mode)  # type: ignore[call-overload]
    return image
