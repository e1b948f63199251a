"""The command `degrade`: pairs of images to train and test with."""

import enum
from pathlib import Path
from typing import Annotated

import typer


class Degradation(enum.StrEnum):
    """Names of `mirnet_keras.data.DEGRADATIONS`; a test holds both together."""

    PHOTO = "photo"
    GAUSSIAN = "gaussian"
    POISSON_GAUSSIAN = "poisson_gaussian"
    CAMERA = "camera"
    LOW_LIGHT = "low_light"


def degrade(
    folder: Annotated[Path, typer.Argument(help="Folder of sharp images.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for inputs/NAME.png and targets/NAME.png.")
    ],
    degradation: Annotated[
        Degradation,
        typer.Option(help="photo: blur, reduction, noise, sharpening, JPEG; or one kind of noise."),
    ] = Degradation.PHOTO,
    scale: Annotated[int, typer.Option(min=1, help="Linear reduction, for photo only.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another draw.")] = 0,
) -> None:
    """Write pairs of degraded and sharp images from a folder of sharp ones."""
    from mirnet_keras.data import DEGRADATIONS, write_degraded_pairs

    if degradation is Degradation.PHOTO:
        options = {"scale": scale, "clean": 0.0}
    elif scale == 1:
        options = {}
    else:
        raise typer.BadParameter(
            f"{degradation} keeps the size. Leave --scale out, or use --degradation photo."
        )
    pairs = write_degraded_pairs(folder, out, DEGRADATIONS[degradation](**options), seed)
    typer.echo(f"Wrote {len(pairs)} pairs to {out}.")
