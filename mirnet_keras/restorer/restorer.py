"""The one door for pictures: any size, any depth, any kind of trained model."""

import copy
import dataclasses
import functools
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mirnet_keras.image_array import image_array
from mirnet_keras.image_errors import ImageError
from mirnet_keras.images import to_float
from mirnet_keras.pictures import MAX_PIXELS, check_side, read_picture, write_picture
from mirnet_keras.restorer.canvas import Canvas, in_colour, result_shape
from mirnet_keras.restorer.checks import (
    at_least,
    check_border,
    check_out,
    check_strength,
    checked_overlap,
    checked_tile,
    is_blacked_out,
    is_neutral,
    is_same_file,
)
from mirnet_keras.restorer.ensemble import in_eight, self_ensemble
from mirnet_keras.restorer.errors import RestorerError
from mirnet_keras.restorer.memory import lacks_memory, parse_bytes
from mirnet_keras.restorer.padding import padded, padded_size
from mirnet_keras.restorer.picture import restore_picture
from mirnet_keras.restorer.plan import Costs, Estimate, choose_tile, pixels_at_once, tile_sides
from mirnet_keras.restorer.quarters import restore_in_quarters
from mirnet_keras.restorer.sources import open_source
from mirnet_keras.restorer.tiling import Predict, Progress, restored_strips

# One network computes at a time, with all cores: TensorFlow 2.21 gives wrong numbers now and then
# where two threads compute at once what is of a new size.
_COMPUTING = threading.Lock()
_log = logging.getLogger(__name__)


class Restorer:
    """Restores pictures with a trained model.

        restorer = Restorer("awsrn_s_x2")
        large = restorer(small)  # (h, w, 3) uint8 -> (2h, 2w, 3) uint8
        restorer.restore_file("small.jpg", "large.png")

    Pictures are padded to what the network needs and cropped again, so any size from 1 x 1 works.
    Pictures that do not fit into memory whole are done in overlapping tiles (see
    `restored_strips`). Purely local networks (AWSRN) then give the same picture; networks that
    look at the whole picture (MIRNet, RCAN, HAN, SAN) gather what they need to know of it first,
    from a sample or in one to three passes over all tiles, and differ very little: `seam_error`
    measures it. Their LiteRT files cannot gather: such a file gets half of what is free to do the
    picture whole, and where it needs tiles all the same, each for itself, a warning says so.

    Threads may share it; one of them computes at a time.

    Args:
        source: Preset name, preset folder, path of a `.keras` or `.tflite` file, or a
            `RestorationModel`, whose weights are taken as they are now.
        tile: `"auto"` (whole where the memory suffices, else the largest tiles that fit, and
            smaller ones should that fail), None (always whole), the side of a tile in input
            pixels, rounded down to the network's multiple, or `"chop"` (see
            `restore_in_quarters`). A LiteRT file for one size has tiles of that size, whatever
            stands here.
        overlap: What neighbouring tiles share at least, in input pixels; `"auto"`: what the
            network needs.
        batch: Tiles in one call of the model.
        ensemble: Takes the mean of the eight flips and rotations: eight times the work.
        prior: For a network that takes a segmentation: function of a picture, float in 0..1, that
            gives its class probabilities, `scale` times larger, such as a `segmentation.Prior`;
            asked for each tile. None: all background.
        threads: Threads of a LiteRT file; None: as many as there are cores.
        memory_budget: What restoring a picture may take beyond what the process holds, result
            included: bytes, or text such as `"2GB"`. None: half of what is free, but no more than
            serves (beside the result 1.25 GiB; 3 to do the picture whole with networks that look at
            the whole; see above for their LiteRT files).
        border: What is thought to lie around the picture where the network needs more than there
            is: `"reflect"` or `"edge"`; or `"wrap"`, for textures that repeat without a seam.
        neutral: Whether a picture in colour whose three channels are equal is restored as the grey
            picture that it is, so that it stays without a tint. False leaves its colour to the
            network, as published scores do.
        strength: How much of the result is taken, in 0..1, against the plainly enlarged picture
            (the exact bicubic `imresize`; the picture itself where the network does not enlarge).
            1 gives the result of the network and 0 the plain enlargement, both to the last bit.

    Attributes:
        scale: Linear enlargement.

    Raises:
        RestorerError: for a model or an option that does not fit.
        PresetError: for an unknown preset or a path that holds no model.
    """

    def __init__(
        self,
        source,
        *,
        tile: int | str | None = "auto",
        overlap: int | str = "auto",
        batch: int = 1,
        ensemble: bool = False,
        prior: Callable[[np.ndarray], np.ndarray] | None = None,
        threads: int | None = None,
        memory_budget: int | str | None = None,
        border: str = "reflect",
        neutral: bool = True,
        strength: float = 1.0,
    ):
        if threads is not None:
            at_least("threads", threads, 1)
        self._model = open_source(source, prior, threads)
        self.scale: int = self._model.scale
        self.tile = checked_tile(tile, self._model)
        self.overlap = checked_overlap(overlap, self.tile, self._model)
        self.batch = self._model.fixed_batch or at_least("batch", batch, 1)
        self.ensemble = ensemble
        self.memory_budget = None if memory_budget is None else parse_bytes(memory_budget)
        self.border = check_border(border)
        self.neutral = neutral
        self.strength = check_strength(strength)
        self._learned = _Learned()

    def with_strength(self, strength: float) -> "Restorer":
        """Return a restorer of another strength that shares the model; this one stays as it is.

        Raises:
            RestorerError: for a strength outside 0..1.
        """
        other = copy.copy(self)
        other.strength = check_strength(strength)
        return other

    def __call__(
        self,
        image: np.ndarray,
        *,
        out: np.ndarray | None = None,
        progress: Progress | None = None,
    ) -> np.ndarray:
        """Restore an image, or each of a batch.

        Args:
            image: (height, width, 3) RGB, (height, width) or (height, width, 1) grey, or (batch,
                height, width, 3); uint8, uint16, or float in 0..1. An array, a tensor, or a
                `PIL.Image.Image`.
            out: Where the result is written, row of tiles by row of tiles: an array of its shape
                and depth, such as a memory-mapped file where it is larger than the memory. None: a
                new array.
            progress: is called with the share that is done, in 0..1: after each row of tiles, and
                where the whole picture is looked at before, after each tile of that (with `"chop"`
                never). What it raises ends the work.

        Returns:
            `out`, or (scale * height, scale * width[, 3]) of the same depth (float32 for every
            float), clipped; for grey the mean of the network's three channels. A warning says where
            that is all black and the picture is not.

        Raises:
            RestorerError: when the array is no picture, `out` does not fit, the network gives no
                finite numbers, or the memory does not suffice.
        """
        image = _checked_image(image)
        if image.ndim == 4:
            return self._batch(image, out, progress)
        if out is not None:
            check_out(out, image, *result_shape(image, self.scale))
        start = time.perf_counter()
        if self.neutral and is_neutral(image):
            grey = self._restored(image[..., 0], None if out is None else out[..., 0], progress)
            restored = in_colour(grey, out)
        else:
            restored = self._restored(image, out, progress)
        if is_blacked_out(image, restored):
            _log.warning(
                "The result is all black, and the picture is not: the model may not fit it. Look "
                "at the range of values that the model was trained for; here it is given 0..1."
            )
        pixels = image.shape[0] * image.shape[1]
        self._learned.seconds_per_pixel = (time.perf_counter() - start) / pixels
        return restored

    def _batch(self, images: np.ndarray, out, progress: Progress | None) -> np.ndarray:
        """Restore images one after the other into one array."""
        if out is None:
            shape, dtype = result_shape(images[0], self.scale)
            out = np.empty((len(images), *shape), dtype)
        for number, image in enumerate(images):
            self(image, out=out[number])
            if progress is not None:
                progress((number + 1) / len(images))
        return out

    def estimate(self, shape: tuple[int, ...], dtype: Any = np.uint8) -> Estimate:
        """Says what restoring a picture will take, without doing it.

        Args:
            shape: of the picture: (height, width[, channels]).
            dtype: of the picture.

        Raises:
            RestorerError: when the memory does not suffice.
        """
        size = self._padded_size(shape[:2])
        costs = self._costs(np.dtype(dtype))
        estimate = costs.estimate(size, self._tile(size, costs))
        pace = self._learned.seconds_per_pixel
        seconds = pace and pace * shape[0] * shape[1]
        return dataclasses.replace(estimate, seconds=seconds)

    def restore_file(
        self,
        input: str | os.PathLike,
        output: str | os.PathLike,
        *,
        alpha: str = "net",
        keep_metadata: bool = True,
        max_pixels: int = MAX_PIXELS,
        damaged: str = "refuse",
    ) -> tuple[str, ...]:
        """Restores a picture file; what the format of the result holds is kept.

        Depth, grey, transparency, EXIF data, colour profile and density follow the input, as far
        as `write_picture` can; the EXIF orientation is applied.

        Args:
            input: Path of the picture, left as it is.
            output: Path of the result, whose suffix names the format; an older file of that name
                is replaced.
            alpha: `"net"`, `"resize"`, `"drop"` or `"flatten"`: see `restore_picture`.
            keep_metadata: False leaves EXIF data and density out; the profile stays.
            max_pixels: Of the input; what is larger is refused before it is decoded.
            damaged: `"refuse"`, or `"keep"` to restore what can be decoded of a damaged JPEG file.

        Returns:
            Sentences about what was lost.

        Raises:
            RestorerError: when both are the same file.
            FileNotFoundError, ImageError: when a file cannot be read or written.
            ValueError: for another `alpha`.
        """
        if is_same_file(input, output):
            raise RestorerError(
                f"'{output}' is the picture to restore, which would be lost. "
                "Choose another name for the result."
            )
        picture = read_picture(input, max_pixels=max_pixels, damaged=damaged)
        height, width = (self.scale * side for side in picture.pixels.shape[:2])
        check_side(height, width, Path(output).suffix)
        restored = restore_picture(self, picture, scale=self.scale, alpha=alpha)
        return write_picture(output, restored if keep_metadata else restored.without_metadata())

    def _restored(self, image: np.ndarray, out, progress: Progress | None) -> np.ndarray:
        """The result for a picture; again with smaller tiles where memory was missing."""
        while True:
            try:
                return self._attempt(image, out, progress)
            except Exception as error:
                if not lacks_memory(error):
                    raise
                self._shrink(image, error)

    def _attempt(self, image: np.ndarray, out, progress: Progress | None) -> np.ndarray:
        colour = np.repeat(image[..., None], 3, axis=-1) if image.ndim == 2 else image
        if self.ensemble:
            canvas = Canvas(image, self.scale, strength=self.strength, out=out)
            exact = functools.partial(self._exact, progress=progress and in_eight(progress))
            canvas.write(self_ensemble(exact, colour))
        elif self.tile == "chop":
            canvas = Canvas(image, self.scale, strength=self.strength, out=out)
            canvas.write(self._exact(colour))
        else:
            corner = self._corner()
            canvas = Canvas(
                image,
                self.scale,
                corner=corner,
                strength=self.strength,
                out=out,
                progress=progress,
            )
            self._fill(canvas, colour)
        return canvas.pixels

    def _exact(self, image: np.ndarray, progress: Progress | None = None) -> np.ndarray:
        """(height, width, 3) of any depth -> float32, neither rounded nor clipped."""
        if self.tile == "chop":
            predict = self._checked(image, 0, _unheard)
            return restore_in_quarters(predict, image, scale=self.scale)
        corner = self._corner()
        canvas = Canvas(image, self.scale, exact=True, corner=corner, progress=progress)
        self._fill(canvas, image)
        return canvas.pixels

    def _fill(self, canvas: Canvas, image: np.ndarray) -> None:
        """Restores (height, width, 3) of any depth onto a canvas."""
        size = self._padded_size(image.shape[:2])
        picture = padded(
            image,
            size,
            lead=self._lead(),
            border=self.border,
            mirror_often=self._model.fixed_size is not None,
        )
        costs = self._costs(image.dtype)
        if isinstance(canvas.pixels, np.memmap):
            costs = dataclasses.replace(costs, result_bytes=0)
        tile = self._tile(size, costs)
        is_whole = costs.estimate(size, tile).tiles == 1
        at_once = 0
        if not is_whole:
            at_once = pixels_at_once(size, tile, costs, self.memory_budget, self._learned.largest)
        strips = restored_strips(
            self._checked(picture, at_once, canvas.looked),
            picture,
            tile=tile,
            overlap=self.overlap,
            batch=self.batch,
            scale=self.scale,
            multiple=self._model.multiple,
            margin=self._model.reach,
        )
        for strip in strips:
            canvas.write(strip)

    def _checked(self, picture: np.ndarray, at_once: int, report: Progress) -> Predict:
        """The function from tiles of a picture to finite results.

        Args:
            picture: (height, width, 3).
            at_once: how many pixels the model can take at once; 0 where a tile is the picture.
            report: is called with the share, in 0..1, of the looking that precedes the tiles.
        """

        def opened(model, report):
            if not at_once:
                return model.predict_on_batch
            with _COMPUTING:
                return model.predictor(picture, at_once, report)

        predict, exact = opened(self._model, report), None

        def checked(tiles):
            nonlocal exact
            restored = self._predict(predict, tiles)
            if np.isfinite(restored).all():
                return restored
            model = self._model.in_float32()
            if model is not None:
                if exact is None:
                    _log.warning("The network gave NaN; those parts are computed in float32.")
                    exact = opened(model, _unheard)
                restored = self._predict(exact, tiles)
            if not np.isfinite(restored).all():
                raise RestorerError(
                    "The network gives NaN or infinite values for this picture, so there is "
                    "nothing to show. Look at how the model was trained."
                )
            return restored

        return checked

    def _predict(self, predict: Predict, tiles: np.ndarray) -> np.ndarray:
        count, batch = len(tiles), self._model.fixed_batch or len(tiles)
        if count < batch:
            tiles = np.concatenate([tiles, np.repeat(tiles[-1:], batch - count, axis=0)])
        tiles = to_float(tiles)
        with _COMPUTING:
            return np.asarray(predict(tiles), np.float32)[:count]

    def _lead(self) -> int:
        """Pixels that are put above and left of a picture."""
        multiple = self._model.multiple
        return -(-self.overlap // multiple) * multiple if self.border == "wrap" else 0

    def _corner(self) -> tuple[int, int]:
        return self.scale * self._lead(), self.scale * self._lead()

    def _padded_size(self, size: tuple[int, ...]) -> tuple[int, int]:
        return padded_size(
            (size[0], size[1]),
            lead=self._lead(),
            multiple=self._model.multiple,
            smallest=self._model.smallest,
            fixed=self._model.fixed_size,
        )

    def _costs(self, dtype: np.dtype) -> Costs:
        sample = 4 if np.issubdtype(dtype, np.floating) else dtype.itemsize
        return Costs(
            pixel_bytes=self._model.pixel_bytes,
            result_bytes=3 * (sample + (2 * 4 if self.ensemble else 0)),
            scale=self.scale,
            multiple=self._model.multiple,
            overlap=self.overlap,
            batch=self.batch,
            largest=self._model.largest_tile,
            whole_memory=self._model.whole_memory,
        )

    def _tile(self, size: tuple[int, int], costs: Costs) -> tuple[int, int]:
        """The size of the tiles for a padded picture; its own where it is done whole."""
        if self._model.fixed_size is not None:
            return self._model.fixed_size
        if self.tile == "auto":
            return choose_tile(size, costs, self.memory_budget, self._learned.largest)
        return (self.tile, self.tile) if isinstance(self.tile, int) else size

    def _shrink(self, image: np.ndarray, error: Exception) -> None:
        """Makes the tiles smaller from now on.

        Raises:
            RestorerError: where the user chose their size, or there are no smaller ones.
        """
        size = self._padded_size(image.shape[:2])
        costs = self._costs(image.dtype)
        tile = self._tile(size, costs)
        smaller = tile_sides(costs, max(tile) // 2) or tile_sides(costs, max(tile) - 1)
        if self._model.fixed_size is not None:
            smaller = []
        if self.tile == "auto" and smaller:
            self._learned.largest = smaller[0]
            _log.warning(
                "The memory does not suffice for %d x %d pixels at once: tiles of %d from now on.",
                *tile,
                self._learned.largest,
            )
            return
        hint = f"Use tile={smaller[0]}." if smaller else "Close other programs, or cut the picture."
        needed = costs.estimate(size, tile).memory
        raise RestorerError(
            f"The memory does not suffice for a picture of {size[1]} x {size[0]} pixels in tiles "
            f"of {tile[1]} x {tile[0]}, which takes about {needed / 1e6:.0f} MB. {hint}"
        ) from error


@dataclasses.dataclass
class _Learned:
    """What a restorer finds out at work; copies of another strength share it.

    Attributes:
        largest: side of the tiles, once memory did not suffice.
        seconds_per_pixel: of the last picture.
    """

    largest: int | None = None
    seconds_per_pixel: float | None = None


def _unheard(share: float) -> None:
    """Progress that nobody asked for."""


def _checked_image(image) -> np.ndarray:
    try:
        return image_array(image, batches=True)
    except ImageError as error:
        raise RestorerError(str(error)) from None
