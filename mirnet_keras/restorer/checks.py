"""What is asked of a `Restorer`, checked at the door."""

import numbers
import os
import pathlib

import numpy as np

from mirnet_keras.restorer.errors import RestorerError

SEEN = 0.1  # of white: the mean of a picture that is not black
BORDERS = ("reflect", "edge", "wrap")


def check_out(out, image: np.ndarray, shape: tuple[int, ...], dtype: np.dtype) -> None:
    """Raises where the result for a picture, of a shape and dtype, cannot be written into an array.

    Raises:
        RestorerError: for no array, another shape or dtype, one that must not be changed, or the
            picture itself.
    """
    if not isinstance(out, np.ndarray):
        raise RestorerError(f"`out` is a numpy array. Received {type(out).__name__}.")
    if (out.shape, out.dtype) != (shape, dtype) or not out.flags.writeable:
        kind = "" if out.flags.writeable else ", which must not be changed"
        raise RestorerError(
            f"`out` must hold the result: shape {shape}, dtype {dtype}. Received shape "
            f"{out.shape}, dtype {out.dtype}{kind}."
        )
    if np.may_share_memory(out, image):
        raise RestorerError("`out` is the picture to restore. Give an array of its own.")


def is_neutral(image: np.ndarray) -> bool:
    """Whether a picture in colour has three equal channels."""
    if image.ndim == 2:
        return False
    return all(np.array_equal(image[..., 0], image[..., channel]) for channel in (1, 2))


def is_blacked_out(image: np.ndarray, restored: np.ndarray) -> bool:
    """Whether nothing is to be seen in the result for a picture in which something is.

    Args:
        image: the picture.
        restored: the result, of the same depth.
    """
    white = 1 if np.issubdtype(restored.dtype, np.floating) else np.iinfo(restored.dtype).max
    if restored.max() * 255.0 >= white:
        return False
    return bool(image.mean(dtype=np.float64) > SEEN * white)


def is_same_file(first: str | os.PathLike, second: str | os.PathLike) -> bool:
    """Whether two paths lead to one file that is there."""
    first, second = pathlib.Path(first), pathlib.Path(second)
    return first.exists() and second.exists() and first.samefile(second)


def checked_tile(tile, model) -> int | str | None:
    """`"auto"`, `"chop"`, None, or the side rounded down to the network's multiple."""
    multiple = model.multiple
    if tile is None or tile == "auto":
        return tile
    if tile == "chop" and multiple == 1 and not model.fixed_size:
        return tile
    if not isinstance(tile, int) or tile < multiple:
        raise RestorerError(
            f"`tile` must be 'auto', None (no tiles), a side of at least {multiple} pixels, or, "
            f"for a network of any size, 'chop'. Received {tile!r}."
        )
    return tile - tile % multiple


def checked_overlap(overlap, tile, model) -> int:
    """The overlap; where it is `"auto"` what the network needs, at most half a tile."""
    sides = model.fixed_size or ((tile,) if isinstance(tile, int) else ())
    if overlap == "auto":
        overlap = min([model.overlap, *(side // 2 for side in sides)])
    at_least("overlap", overlap, 0)
    on_grid = -(-overlap // model.multiple) * model.multiple
    if sides and min(sides) <= on_grid:
        raise RestorerError(
            f"`tile` must be larger than `overlap`, both on the network's grid of "
            f"{model.multiple}. Received tiles of {min(sides)} pixels and overlap={overlap}. "
            f"Use tiles of at least {on_grid + model.multiple}."
        )
    return overlap


def check_border(border: str) -> str:
    """The border.

    Raises:
        RestorerError: for another than reflect, edge and wrap.
    """
    if border not in BORDERS:
        raise RestorerError(f"`border` must be one of {list(BORDERS)}. Received {border!r}.")
    return border


def check_strength(strength: float) -> float:
    """Return the strength.

    Raises:
        RestorerError: for anything but a number in 0..1.
    """
    if not isinstance(strength, numbers.Real) or not 0 <= strength <= 1:
        raise RestorerError(
            "`strength` must be a number from 0 (the plainly enlarged input) to 1 (the result of "
            f"the network). Received {strength!r}."
        )
    return float(strength)


def at_least(name: str, value: int, least: int) -> int:
    """The value, an integer that is large enough."""
    if not isinstance(value, int) or value < least:
        raise RestorerError(f"`{name}` must be an integer of at least {least}. Received {value!r}.")
    return value
