"""What is known of a preset: the content of `preset.json`, typed."""

import json
import os
from pathlib import Path
from typing import Any, Literal

import pydantic

DESCRIPTION, MODEL, CARD, PICTURE = "preset.json", "model.keras", "README.md", "before_after.jpg"


class PresetError(ValueError):
    """A preset or model file is missing, damaged or altered; the message says which, and why."""


class _Part(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class PresetScore(_Part):
    """What a preset scored on one data set.

    Attributes:
        data: name of the data set.
        protocol: key of `mirnet_keras.metrics.PROTOCOLS`.
        psnr: dB, mean over the images.
        ssim: at most 1, mean over the images.
    """

    data: str
    protocol: str
    psnr: float
    ssim: float


class PresetTiling(_Part):
    """How a preset does in tiles, measured.

    Attributes:
        keras_bytes: working memory of the Keras model for each pixel of the input.
        litert_bytes: the same for the LiteRT file; None where that takes a segmentation as well,
            which `Restorer` does not give it.
        largest_tile: side of the largest tile that pays, in pixels; None for any.
        overlap: what tiles share, where that is less than what `Restorer` gives networks of this
            kind.
        sampled: whether a sample of a large picture tells what the network has to know of it, where
            networks of this kind need all of it.
        tile: side of the tiles whose differences were measured, in pixels.
        picture: what they were measured on.
        psnr: dB between that picture in tiles and whole; None where they are equal.
        largest_difference: between the two, in 0..1.
        litert_psnr: as `psnr`, of the LiteRT file, which does each tile by itself; None where that
            was not measured or they are equal.
    """

    keras_bytes: pydantic.PositiveInt
    litert_bytes: pydantic.PositiveInt | None
    largest_tile: pydantic.PositiveInt | None = None
    overlap: pydantic.PositiveInt | None = None
    sampled: bool = False
    tile: pydantic.PositiveInt
    picture: str
    psnr: float | None
    largest_difference: pydantic.NonNegativeFloat
    litert_psnr: float | None = None


class Preset(_Part):
    """All that is known of a trained model: the content of `preset.json`.

    Attributes:
        name: what `load` calls it.
        network: key of `mirnet_keras.models.MODELS`.
        arguments: the network's arguments.
        task: what it does.
        scale: linear enlargement.
        multiple: the network's input sides are multiples of it (`restore` and exports pad).
        value_range: of the images at the model's door.
        parameters: their number.
        files: sha256 of each file, by its path in the folder; not of the description and the card.
        recipe: name of the recipe it was trained by.
        steps: training steps.
        trained_on: the training data, in words.
        data_licence: the licence of the training data, in words.
        licence: of the weights.
        scores: what it was measured to reach.
        tiling: what large pictures cost; None where it was not measured.
        version: of mirnet_keras that wrote it.
    """

    name: str
    network: str
    arguments: dict[str, Any]
    task: Literal["low-light enhancement", "super-resolution", "denoising"]
    scale: pydantic.PositiveInt
    multiple: pydantic.PositiveInt
    value_range: tuple[float, float] = (0.0, 1.0)
    parameters: pydantic.PositiveInt
    files: dict[str, str]
    recipe: str
    steps: pydantic.NonNegativeInt
    trained_on: str
    data_licence: str
    licence: str
    scores: list[PresetScore]
    tiling: PresetTiling | None = None
    version: str


def read_preset(folder: str | os.PathLike) -> Preset:
    """Reads a preset's description.

    Raises:
        PresetError: when it is missing, cut short, or says something that it cannot.
    """
    path = Path(folder) / DESCRIPTION
    try:
        values = json.loads(path.read_bytes())
    except OSError as error:
        raise PresetError(f"'{path}' cannot be opened: {error.strerror}.") from None
    except ValueError as error:  # JSON's and Unicode's
        raise PresetError(
            f"'{path}' is damaged or cut short ({error}). Copy or install the preset again."
        ) from None
    if not isinstance(values, dict):
        raise PresetError(f"'{path}' must hold a JSON object, as {DESCRIPTION} files do.")
    return parse_description(values, str(path))


def parse_description(values: dict, place: str) -> Preset:
    """Checks what a description says.

    Raises:
        PresetError: naming the first key that does not fit, and the place.
    """
    try:
        return Preset(**values)
    except pydantic.ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(str(part) for part in problem["loc"])
        what = {"missing": "is missing", "extra_forbidden": "is unknown"}.get(
            problem["type"], f"does not fit: {problem['msg']}, received {problem['input']!r}"
        )
        raise PresetError(f"{place}: the key '{key}' {what}.") from None
