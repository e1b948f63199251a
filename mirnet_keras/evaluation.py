"""A model, or any other way to restore pictures, scored on a benchmark folder."""

import contextlib
import dataclasses
import math
import os
import pathlib
from collections.abc import Callable, Iterator

import numpy as np

from mirnet_keras.data import DataError, PairedImages, SuperResolutionImages, by_name
from mirnet_keras.images import crop_to_multiple, read_image, to_uint8
from mirnet_keras.metrics import score
from mirnet_keras.models import RestorationModel
from mirnet_keras.presets import PresetError, find, read_preset
from mirnet_keras.restorer import Restorer
from mirnet_keras.training.finetune import PAIRS

Pair = tuple[str, np.ndarray, np.ndarray]  # name, input, ground truth


class EvaluationError(ValueError):
    """A folder cannot be scored as asked; the message says why and what to do."""


@dataclasses.dataclass(frozen=True)
class ImageScore:
    """The score of one picture.

    Attributes:
        name: of the file, without suffix.
        psnr: dB; infinite for a picture that equals its ground truth.
        ssim: at most 1.
    """

    name: str
    psnr: float
    ssim: float


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What a restoration scored on a folder.

    Attributes:
        name: of what was scored.
        data: the folder.
        protocol: its name in `mirnet_keras.metrics.PROTOCOLS`.
        scale: linear enlargement.
        psnr: dB, mean over the pictures.
        ssim: mean over the pictures.
        per_image: the pictures' scores, in the order of their names.
        ensemble: whether that of the mean of the eight flips and rotations.
        tile: how the pictures were cut, as in `Restorer`; None: not.
    """

    name: str
    data: str
    protocol: str
    scale: int
    psnr: float
    ssim: float
    per_image: list[ImageScore]
    ensemble: bool = False
    tile: int | str | None = None

    def as_dict(self) -> dict:
        """Returns what JSON can hold; infinite values (equal pictures) become None."""
        values = dataclasses.asdict(self)
        for row in (values, *values["per_image"]):
            row["psnr"] = row["psnr"] if math.isfinite(row["psnr"]) else None
        return values

    def table(self) -> str:
        """Returns the scores as text, a line for each picture and one for the mean."""
        width = max(len("mean"), *(len(image.name) for image in self.per_image))
        rows = [*self.per_image, ImageScore("mean", self.psnr, self.ssim)]
        how = [f"protocol {self.protocol}", f"scale {self.scale}"]
        how += ["mean of 8 flips and rotations"] if self.ensemble else []
        how += [f"tile {self.tile}"] if self.tile is not None else []
        lines = [f"{self.name} on {self.data}, {', '.join(how)}"]
        lines.append(f"{'':{width}}  {'PSNR':>9}  {'SSIM':>6}")
        lines += [f"{row.name:{width}}  {_decibels(row.psnr):>9}  {row.ssim:6.4f}" for row in rows]
        return "\n".join(lines)


def evaluate(
    restore,
    folder: str | os.PathLike,
    *,
    targets: str | os.PathLike | None = None,
    scale: int | None = None,
    protocol: str | None = None,
    ensemble: bool = False,
    tile: int | str | None = None,
) -> Evaluation:
    """Scores a restoration on a folder of pictures with ground truth.

    Super-resolution (scale above 1): `folder` holds sharp pictures, or a folder `HR` with them
    and perhaps `LRBI/x2` (x3, ...) with the reduced ones. Where those are not stored, they are
    the exact bicubic reduction of the sharp ones, which are cut to multiples of the scale first.
    Other tasks: `folder` holds the inputs and `targets` the ground truth under the same names, or
    `folder` holds the two folders `low` and `high`, `noisy` and `clean`, or `inputs` and `targets`.

    Args:
        restore: Preset name, folder, `.keras` or `.tflite` path, a model, a `Restorer`, or a
            function from a picture, (height, width, 3) uint8, to the restored one, uint8.
        folder: See above.
        targets: Folder of the ground truth; for super-resolution `folder` then holds the inputs.
        scale: Linear enlargement of a function; 1 if not given. A model knows its own.
        protocol: Key of `mirnet_keras.metrics.PROTOCOLS`. By default `classical-y` for
            super-resolution, `lol` for presets of low light, else `rgb`.
        ensemble: Scores the mean of the eight flips and rotations ("+" in the papers).
        tile: As in `Restorer`; whole pictures by default, as benchmarks are.

    Raises:
        EvaluationError: when folder, scale or options do not fit.
        DataError: naming every picture without a partner, with the name of another one, or that
            cannot be read.
        PresetError, ImageError, RestorerError: for what cannot be loaded or restored.
    """
    function, name, own_scale = _opened(restore, ensemble, tile)
    if own_scale is not None and scale not in (None, own_scale):
        raise EvaluationError(
            f"'{name}' enlarges {own_scale} times. Received scale={scale}. "
            "Leave `scale` out, or take a preset of that scale."
        )
    scale = own_scale or scale or 1
    protocol = protocol or _usual_protocol(restore, scale)
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise EvaluationError(f"'{folder}' is no folder. Give one that holds pictures.")
    targets = None if targets is None else pathlib.Path(targets)
    pairs = _enlarged_pairs(folder, targets, scale) if scale > 1 else _equal_pairs(folder, targets)
    scores = [_image_score(function, pair, protocol, scale) for pair in pairs]
    return Evaluation(
        name=name,
        data=str(folder),
        protocol=protocol,
        scale=scale,
        psnr=float(np.mean([image.psnr for image in scores])),
        ssim=float(np.mean([image.ssim for image in scores])),
        per_image=scores,
        ensemble=ensemble,
        tile=tile,
    )


def _opened(restore, ensemble: bool, tile) -> tuple[Callable, str, int | None]:
    """The function to score, its name, and its scale where it has one."""
    if isinstance(restore, (str, os.PathLike, RestorationModel)):
        restorer = Restorer(restore, tile=tile, ensemble=ensemble, neutral=False)
        return restorer, _name(restore), restorer.scale
    if not callable(restore):
        raise EvaluationError(
            "`restore` must be a preset name, a path, a model, or a function from picture to "
            f"picture. Received {type(restore).__name__}."
        )
    if ensemble or tile is not None:
        raise EvaluationError(
            "`ensemble` and `tile` go with a preset, a path or a model. Received them with a "
            f"{type(restore).__name__}: let it do so itself."
        )
    return restore, _name(restore), restore.scale if isinstance(restore, Restorer) else None


def _name(restore) -> str:
    """Of a preset or file, a model, a function, or the class of a callable object."""
    if isinstance(restore, (str, os.PathLike)):
        return pathlib.Path(restore).name
    if isinstance(restore, RestorationModel):
        return restore.name
    return getattr(restore, "__name__", type(restore).__name__)


def _usual_protocol(restore, scale: int) -> str:
    """The protocol of the papers on the task."""
    if scale > 1:
        return "classical-y"
    if isinstance(restore, (str, os.PathLike)):
        with contextlib.suppress(PresetError):  # a model file is no preset: its task is unknown
            if read_preset(find(restore)).task == "low-light enhancement":
                return "lol"
    return "rgb"


def _equal_pairs(folder: pathlib.Path, targets: pathlib.Path | None) -> Iterator[Pair]:
    """Inputs and ground truth of equal size."""
    if targets is None:
        folder, targets = _pair_of_folders(folder)
    images = PairedImages(folder, targets)
    for index, (path, _) in enumerate(images.paths):
        yield path.stem, *images.pair(index)


def _pair_of_folders(folder: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    for first, second in PAIRS:
        if (folder / first).is_dir() and (folder / second).is_dir():
            return folder / first, folder / second
    known = ", or ".join(f"{first}/ and {second}/" for first, second in PAIRS)
    raise EvaluationError(
        f"'{folder}' does not hold the folders {known}. Say where the ground truth is: `targets`."
    )


def _enlarged_pairs(
    folder: pathlib.Path, targets: pathlib.Path | None, scale: int
) -> Iterator[Pair]:
    """Reduced pictures, stored or made, and sharp ones cut to multiples of the scale."""
    if targets is not None:
        yield from _stored_pairs(folder, targets, scale)
        return
    sharp = folder / "HR" if (folder / "HR").is_dir() else folder
    stored = folder / "LRBI" / f"x{scale}"
    if stored.is_dir():
        yield from _stored_pairs(stored, sharp, scale)
        return
    images = SuperResolutionImages(sharp, scale)
    for index, path in enumerate(images.paths):
        yield path.stem, *images.pair(index)


def _stored_pairs(reduced: pathlib.Path, sharp: pathlib.Path, scale: int) -> Iterator[Pair]:
    problems: list[str] = []
    inputs, targets = (by_name(folder, problems) for folder in (reduced, sharp))
    alone = [inputs.get(name) or targets[name] for name in sorted(inputs.keys() ^ targets.keys())]
    problems += [f"{path}: has no partner of that name in the other folder" for path in alone]
    if problems:
        shown = "\n  ".join(problems)
        raise DataError(f"{len(problems)} file(s) cannot be used:\n  {shown}")
    for name in sorted(targets):
        image, target = read_image(inputs[name]), read_image(targets[name])
        target = crop_to_multiple(target, scale)
        if tuple(scale * side for side in image.shape[:2]) != target.shape[:2]:
            raise DataError(
                f"{inputs[name]} is {image.shape[:2]} pixels, which is not {targets[name]}, "
                f"{target.shape[:2]} pixels, reduced {scale} times."
            )
        yield name, image, target


def _image_score(function: Callable, pair: Pair, protocol: str, scale: int) -> ImageScore:
    name, image, target = pair
    restored = function(to_uint8(image))
    try:
        result = score(target, restored, protocol, scale)
    except ValueError as error:
        raise EvaluationError(f"'{name}' cannot be scored. {error}") from error
    return ImageScore(name, result.psnr, result.ssim)


def _decibels(psnr: float) -> str:
    return f"{psnr:.4f}" if math.isfinite(psnr) else "identical"
