"""Folders of images, checked before training starts."""

import math
import os
import pathlib
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from PIL import Image

from mirnet_keras.data.cache import ImageCache
from mirnet_keras.images import ImageError, crop_to_multiple, list_images, read_image
from mirnet_keras.imresize import imresize

DEFAULT_CACHE = 2**30


class DataError(ValueError):
    """What is wrong with a data set: one line for each file."""


class Images(Protocol):
    """What batches are cut from: pictures with their sizes, and the pairs that they give."""

    @property
    def scale(self) -> int:
        """Linear enlargement from input to target."""

    @property
    def sizes(self) -> list:
        """(height, width) of each target."""

    @property
    def files(self) -> list[pathlib.Path]:
        """The files that they are read from, in their order."""

    def __len__(self) -> int: ...

    def pair(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Input and target, whole, each (height, width, 3) as stored."""

    def degradation(self, index: int) -> Callable | None:
        """What is still to be done to each crop of the input, with a random generator."""


class PairedImages:
    """Pairs of pictures, found by equal names (without suffix) in two folders.

    Args:
        inputs: path. Folder of the pictures to restore.
        targets: path. Folder of the ground truth.
        crop: int. The smallest side of a target that is accepted.
        cache_bytes: int. Budget for decoded pictures.
        scale: int. How many times larger than its input each target is.
        exclude: names of files to leave out, with their folder; one of a pair is enough.

    Raises:
        DataError: naming every file without a partner, whose partner is not `scale` times as large,
            with a name that occurs twice, that cannot be read, or that is smaller than `crop`.
    """

    def __init__(
        self,
        inputs,
        targets,
        crop: int = 1,
        cache_bytes: int = DEFAULT_CACHE,
        scale: int = 1,
        exclude: Sequence[str] = (),
    ):
        problems: list[str] = []
        self.scale = scale
        named = [by_name(folder, problems) for folder in (inputs, targets)]
        for name in sorted(named[0].keys() ^ named[1].keys()):
            path = named[0].get(name) or named[1][name]
            problems.append(f"{path}: has no partner of that name in the other folder")
        pairs = [
            (named[0][name], named[1][name]) for name in sorted(named[0].keys() & named[1].keys())
        ]
        self.paths = [
            pair for pair in pairs if not any(_is_excluded(path, exclude) for path in pair)
        ]
        self.sizes = []
        for first, second in self.paths:
            small, large = (_size(path, problems) for path in (first, second))
            if small and large and large != tuple(scale * side for side in small):
                times = f", not {scale} times that" if scale > 1 else ""
                problems.append(f"{first}: is {small} pixels, {second} is {large}{times}")
            self.sizes.append(large if small else None)
        self._cache = ImageCache(cache_bytes)
        _finish(self, [second for _, second in self.paths], crop, problems)

    @property
    def files(self) -> list[pathlib.Path]:
        """Input and target of each pair."""
        return [path for pair in self.paths for path in pair]

    def __len__(self):
        return len(self.paths)

    def pair(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Input and target of a pair, whole, each (height, width, 3) as stored."""
        return self._cache.get(index, lambda: tuple(read_image(path) for path in self.paths[index]))

    def degradation(self, index: int) -> None:
        """None: the inputs are as they are."""


class SuperResolutionImages:
    """Sharp pictures; the input is their exact bicubic reduction.

    Args:
        folders: path or list of paths. Folders of high-resolution pictures.
        scale: int. Linear reduction.
        crop: int. The smallest side that is accepted, in high-resolution pixels.
        cache_bytes: int. Budget for decoded pictures and their reductions.
        exclude: names of files to leave out, with their folder: `"t91/t20.webp"`.

    Raises:
        DataError: naming every file that cannot be read or is smaller than `crop`.
    """

    def __init__(
        self,
        folders,
        scale: int,
        crop: int = 1,
        cache_bytes: int = DEFAULT_CACHE,
        exclude: Sequence[str] = (),
    ):
        problems: list[str] = []
        self.scale = scale
        self.paths = [path for path in _images(folders) if not _is_excluded(path, exclude)]
        sizes = [_size(path, problems) for path in self.paths]
        self.sizes = [size and tuple(s - s % scale for s in size) for size in sizes]
        self._cache = ImageCache(cache_bytes)
        _finish(self, self.paths, crop, problems)

    @property
    def files(self) -> list[pathlib.Path]:
        """The sharp pictures."""
        return self.paths

    def __len__(self):
        return len(self.paths)

    def pair(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Reduced and sharp picture, whole, each (height, width, 3) uint8."""
        return self._cache.get(index, lambda: self._make(index))

    def degradation(self, index: int) -> None:
        """None: the input is made from the whole picture."""

    def _make(self, index: int):
        sharp = crop_to_multiple(read_image(self.paths[index]), self.scale)
        return imresize(sharp, 1 / self.scale), sharp


class CleanImages:
    """Clean pictures, both input and target: a degradation is applied to each crop.

    Args:
        folders: path or list of paths. Folders of clean pictures.
        crop: int. The smallest side that is accepted.
        cache_bytes: int. Budget for decoded pictures.
        degrade: callable or None. Applied to each crop, with a random generator; its attribute
            `scale`, if any, says how many times smaller it makes the input.
        exclude: names of files to leave out, with their folder.

    Raises:
        DataError: naming every file that cannot be read or is smaller than `crop`.
    """

    def __init__(
        self,
        folders,
        crop: int = 1,
        cache_bytes: int = DEFAULT_CACHE,
        degrade: Callable | None = None,
        exclude: Sequence[str] = (),
    ):
        self.degrade = degrade
        self.scale = getattr(degrade, "scale", 1)
        problems: list[str] = []
        self.paths = [path for path in _images(folders) if not _is_excluded(path, exclude)]
        self.sizes = [_size(path, problems) for path in self.paths]
        self._cache = ImageCache(cache_bytes)
        _finish(self, self.paths, crop, problems)

    @property
    def files(self) -> list[pathlib.Path]:
        """The clean pictures."""
        return self.paths

    def __len__(self):
        return len(self.paths)

    def pair(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """The clean picture twice, whole, (height, width, 3) as stored."""
        (image,) = self._cache.get(index, lambda: (read_image(self.paths[index]),))
        return image, image

    def degradation(self, index: int) -> Callable | None:
        """The same for all pictures."""
        return self.degrade


class MixedImages:
    """Several sources as one, such as real pairs and synthetic noise.

    Args:
        sources: list of `PairedImages`, `CleanImages` or the like, of one scale.
        repeats: list of int. How often each source's pictures are counted: in each pass over the
            data every picture of a source is seen so many times.
    """

    def __init__(self, sources: Sequence[Images], repeats: Sequence[int]):
        self.scale = sources[0].scale
        self._places = [
            (source, index)
            for source, repeat in zip(sources, repeats, strict=True)
            for _ in range(repeat)
            for index in range(len(source))
        ]
        self.sizes = [source.sizes[index] for source, index in self._places]
        self.files = [file for source in sources for file in source.files]

    def __len__(self):
        return len(self._places)

    def pair(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """The pair of the source that the index falls to."""
        source, own = self._places[index]
        return source.pair(own)

    def degradation(self, index: int) -> Callable | None:
        """That of the source that the index falls to."""
        source, own = self._places[index]
        return source.degradation(own)


def checked_pictures(folders, crop: int, exclude: Sequence[str] = ()) -> list[pathlib.Path]:
    """The pictures in folders, all of which have sides of at least `crop`.

    Raises:
        DataError: naming every file that cannot be read or is smaller.
        ImageError: for a folder without pictures.
    """
    problems: list[str] = []
    paths = [path for path in _images(folders) if not _is_excluded(path, exclude)]
    for path in paths:
        size = _size(path, problems)
        if size is not None and min(size) < crop:
            problems.append(_too_small(path, size, crop))
    if problems:
        shown = "\n  ".join(problems)
        raise DataError(f"{len(problems)} file(s) cannot be used:\n  {shown}")
    return paths


def _too_small(path: pathlib.Path, size: tuple[int, int], crop: int) -> str:
    return (
        f"{path}: is {size} pixels, smaller than the crop of {crop}; leave it out or make the "
        "crops smaller"
    )


def _images(folders) -> list[pathlib.Path]:
    if isinstance(folders, (str, pathlib.Path)):
        folders = [folders]
    return [path for folder in folders for path in list_images(folder)]


def _is_excluded(path: pathlib.Path, exclude: Sequence[str]) -> bool:
    return f"{path.parent.name}/{path.name}" in exclude


def by_name(folder: str | os.PathLike, problems: list[str]) -> dict[str, pathlib.Path]:
    """The pictures of a folder by their names without suffix; `problems` gets what is ambiguous."""
    found: dict[str, pathlib.Path] = {}
    for path in list_images(folder):
        if path.stem in found:
            problems.append(f"{path}: has the same name as {found[path.stem]}")
        found[path.stem] = path
    return found


def _size(path, problems: list[str]) -> tuple[int, int] | None:
    """(height, width) as displayed, from the file's head."""
    try:
        with Image.open(path) as image:
            width, height = image.size
            turned = _is_turned(image)
    except (OSError, Image.DecompressionBombError) as error:
        problems.append(f"{path}: cannot be read as an image ({type(error).__name__})")
        return None
    return (width, height) if turned else (height, width)


def _is_turned(image: Image.Image) -> bool:
    """Whether EXIF says that width and height are displayed exchanged."""
    if image.format == "TIFF":  # Pillow turns these by itself
        return False
    if image.format == "PNG" and "exif" not in image.info:  # else Pillow decodes the whole file
        return False
    return image.getexif().get(0x0112, 1) >= 5


def _finish(images, target_paths, crop: int, problems: list[str]):
    """Checks sizes, decodes what fits the cache, and reports all problems at once."""
    for path, size in zip(target_paths, images.sizes, strict=True):
        if size is not None and min(size) < crop:
            problems.append(_too_small(path, size, crop))
    problems += _decoding_problems(images)
    if problems:
        shown = "\n  ".join(problems)
        raise DataError(f"{len(problems)} file(s) cannot be used:\n  {shown}")


def _decoding_problems(images) -> list[str]:
    """Decodes pictures while the cache has room, so that damaged files are found at once."""
    problems, room = [], images._cache.budget
    for index, size in enumerate(images.sizes):
        if size is None:
            continue
        room -= 2 * 3 * math.prod(size)
        if room < 0:
            break
        try:
            images.pair(index)
        except ImageError as error:
            problems.append(str(error))
    return problems
