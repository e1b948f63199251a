"""The one door for pictures: any size, any depth, any kind of trained model."""

import os
import pathlib
from collections.abc import Callable

import numpy as np

from mirnet_keras.images import pad_to_multiple, read_image, to_dtype, to_float, write_image
from mirnet_keras.models import RestorationModel
from mirnet_keras.models.folding import fold
from mirnet_keras.presets import load
from mirnet_keras.restorer.ensemble import self_ensemble
from mirnet_keras.restorer.litert import LiteRTModel
from mirnet_keras.restorer.quarters import restore_in_quarters
from mirnet_keras.restorer.tiling import restore_in_tiles

# tile="auto" takes a picture whole up to this number of input pixels times the scale: what is
# computed at input size grows with the one, what is computed at output size with the other.
WHOLE_PIXELS = 2**20
# Else tiles of this side in input pixels, by scale: four of them cost about as much as the
# largest whole picture, and few different shapes are compiled.
AUTO_TILES = {1: 512, 2: 384, 3: 320, 4: 256}
SMALLEST_AUTO_TILE = 192  # for scales above 4
FLOAT_RANGE = (-0.5, 1.5)  # resampled pictures overshoot 0..1 a little; 0..255 is a mistake


class RestorerError(ValueError):
    """A picture cannot be restored as asked; the message says why and what to do."""


class Restorer:
    """Restores pictures with a trained model.

        restorer = Restorer("awsrn_s_x2")
        large = restorer(small)  # (h, w, 3) uint8 -> (2h, 2w, 3) uint8
        restorer.restore_file("small.jpg", "large.png")

    Pictures are padded to what the network needs by reflection and cropped again, so any size
    from 1 x 1 works. Large pictures are done in overlapping tiles (see `restore_in_tiles`);
    networks with global pooling, such as MIRNet, then differ a little from the whole picture.

    Args:
        source: Preset name, preset folder, path of a `.keras` or `.tflite` file, or a
            `RestorationModel`, whose weights are taken as they are now.
        tile: `"auto"` (whole pictures up to a megapixel at scale 1, half of it at scale 2, ...;
            tiles of 512, 384, 320 or 256 pixels for scales 1 to 4 beyond), None (always whole),
            the side of a tile in input pixels, rounded down to the network's multiple, or
            `"chop"` (see `restore_in_quarters`). A LiteRT file for one size has tiles of that
            size, whatever stands here.
        overlap: What neighbouring tiles share at least, in input pixels.
        batch: Tiles in one call of the model.
        ensemble: Takes the mean of the eight flips and rotations: eight times the work.
        prior: For a network that takes a segmentation: function of a picture, float in 0..1, that
            gives its class probabilities, `scale` times larger, such as a `segmentation.Prior`;
            asked for each tile. None: all background.

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
        overlap: int = 32,
        batch: int = 4,
        ensemble: bool = False,
        prior: Callable[[np.ndarray], np.ndarray] | None = None,
    ):
        self._model = _open(source, prior)
        self.scale: int = self._model.scale
        self.tile = _checked_tile(tile, self._model)
        self.overlap = _at_least("overlap", overlap, 0)
        self.batch = _at_least("batch", batch, 1)
        self.ensemble = ensemble
        if isinstance(self.tile, int) and self.tile <= self.overlap:
            raise RestorerError(
                f"`tile` must be larger than `overlap`. Received tile={tile}, overlap={overlap}. "
                f"Use a larger tile, or an overlap of {self.tile // 4}."
            )

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Restores one picture.

        Args:
            image: (height, width, 3) RGB or (height, width) grey; uint8, uint16, or float in 0..1.

        Returns:
            (scale * height, scale * width[, 3]) of the same depth (float32 for every float),
            clipped; for grey the mean of the three channels.

        Raises:
            RestorerError: when the array is no picture, or the network gives no finite numbers.
        """
        check_picture(image)
        colour = np.repeat(image[..., None], 3, axis=-1) if image.ndim == 2 else image
        restored = self_ensemble(self._restore, colour) if self.ensemble else self._restore(colour)
        if image.ndim == 2:
            restored = restored.mean(axis=-1)
        is_float = np.issubdtype(image.dtype, np.floating)
        return to_dtype(restored, np.float32 if is_float else image.dtype)

    def restore_file(self, input: str | os.PathLike, output: str | os.PathLike) -> None:
        """Restores a picture file; the depth follows the input as far as the format holds it.

        Args:
            input: Path of the picture, left as it is.
            output: Path of the result; an older file of that name is replaced.

        Raises:
            RestorerError: when both are the same file.
            FileNotFoundError, ImageError: when a file cannot be read or written.
        """
        if _same_file(input, output):
            raise RestorerError(
                f"'{output}' is the picture to restore, which would be lost. "
                "Choose another name for the result."
            )
        write_image(output, self(read_image(input)))

    def _restore(self, image: np.ndarray) -> np.ndarray:
        """(height, width, 3) of any depth -> float32, neither rounded nor clipped."""
        height, width = (self.scale * size for size in image.shape[:2])
        fixed = self._model.fixed_size
        if self.tile == "chop":
            return restore_in_quarters(self._predict, image, scale=self.scale)
        padded = pad_to_multiple(image, self._model.multiple, self._model.smallest)
        padded = _pad_to(padded, fixed or (1, 1))
        restored = restore_in_tiles(
            self._predict,
            padded,
            tile=fixed or self._tile_size(padded),
            overlap=self.overlap,
            batch=1 if fixed else self.batch,
            scale=self.scale,
            multiple=self._model.multiple,
        )
        return restored[:height, :width]

    def _tile_size(self, image: np.ndarray) -> tuple[int, int]:
        """Height and width of the tiles for a padded picture; its own where it is done whole."""
        height, width = image.shape[:2]
        if self.tile is None or (self.tile == "auto" and self._is_small(height, width)):
            return height, width
        side = AUTO_TILES.get(self.scale, SMALLEST_AUTO_TILE) if self.tile == "auto" else self.tile
        return side, side

    def _is_small(self, height: int, width: int) -> bool:
        return height * width * self.scale <= WHOLE_PIXELS

    def _predict(self, tiles: np.ndarray) -> np.ndarray:
        restored = np.asarray(self._model.predict_on_batch(to_float(tiles)), np.float32)
        if not np.isfinite(restored).all():
            raise RestorerError(
                "The network gives NaN or infinite values for this picture, so there is nothing "
                "to show. Try float32 precision, or look at how the model was trained."
            )
        return restored


def check_picture(image: np.ndarray) -> None:
    """Raises where an array is no picture.

    Raises:
        RestorerError: for another shape or dtype, no pixels, NaN, or floats far outside 0..1.
    """
    if not isinstance(image, np.ndarray):
        raise RestorerError(
            f"A picture is a numpy array. Received {type(image).__name__}; `restore_file` takes "
            "paths, and `images.read_image` reads them."
        )
    if image.ndim not in (2, 3) or image.shape[2:] not in ((), (3,)) or image.size == 0:
        raise RestorerError(
            "A picture is (height, width, 3) RGB or (height, width) grey, not empty. "
            f"Received shape {image.shape}."
        )
    if np.issubdtype(image.dtype, np.floating):
        _check_range(image)
    elif image.dtype not in (np.uint8, np.uint16):
        raise RestorerError(
            f"A picture is uint8, uint16 or float in 0..1. Received dtype {image.dtype}."
        )


def _check_range(image: np.ndarray) -> None:
    least, most = image.min(), image.max()
    if not FLOAT_RANGE[0] <= least <= most <= FLOAT_RANGE[1]:  # NaN is in no range
        raise RestorerError(
            f"A float picture is in 0..1. Received values from {least:.4g} to {most:.4g}. "
            "Divide by the largest value that the format has, 255 for 8 bits."
        )


def _open(source, prior):
    """The model of a source: with `scale`, `multiple`, `predict_on_batch` and `fixed_size`."""
    if isinstance(source, (str, os.PathLike)) and pathlib.Path(source).suffix == ".tflite":
        if prior is not None:
            raise RestorerError("A LiteRT file takes no `prior`. Leave it out.")
        return LiteRTModel(source)
    model = load(source) if isinstance(source, (str, os.PathLike)) else source
    if not isinstance(model, RestorationModel):
        raise RestorerError(
            "`source` must be a preset name, a folder, a `.keras` or `.tflite` file, or a "
            f"RestorationModel. Received {type(source).__name__}."
        )
    channels = model.inputs[0].shape[-1]
    if channels != 3:
        raise RestorerError(
            f"Pictures have 3 channels, but '{model.name}' takes {channels}. Call the model's "
            "`restore` with arrays of that many channels."
        )
    if prior is not None and model.classes is None:
        raise RestorerError(f"'{model.name}' takes no segmentation. Leave `prior` out.")
    return _KerasModel(_folded(model), prior)


def _folded(model: RestorationModel) -> RestorationModel:
    """The cheaper equal of a model; rarely there is none, then the model itself."""
    try:
        return fold(model)
    except ValueError:  # a scale so near zero that folding would lose digits
        return model


class _KerasModel:
    """A folded network; it takes pictures of any size."""

    fixed_size = None

    def __init__(self, network: RestorationModel, prior):
        self.scale = network.scale
        self.multiple = network.multiple
        self.smallest = network.smallest
        self._network = network
        self._prior = prior

    def predict_on_batch(self, images: np.ndarray) -> np.ndarray:
        """The restored images; with the prior's segmentation where the network takes one."""
        maps = None if self._prior is None else np.stack([self._prior(image) for image in images])
        return self._network.predict_on_batch(self._network.with_segmentation(images, maps))


def _checked_tile(tile, model):
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


def _at_least(name: str, value: int, least: int) -> int:
    if not isinstance(value, int) or value < least:
        raise RestorerError(f"`{name}` must be an integer of at least {least}. Received {value!r}.")
    return value


def _pad_to(image: np.ndarray, sizes: tuple[int, int]) -> np.ndarray:
    """Adds mirrored rows and columns where a side is shorter; a single one is repeated."""
    missing = [(0, max(0, least - size)) for least, size in zip(sizes, image.shape, strict=False)]
    return np.pad(image, [*missing, (0, 0)], mode="reflect") if np.any(missing) else image


def _same_file(first: str | os.PathLike, second: str | os.PathLike) -> bool:
    first, second = pathlib.Path(first), pathlib.Path(second)
    return first.exists() and second.exists() and first.samefile(second)
