"""What restoring pictures would take; nothing is written."""

import dataclasses
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from mirnet_keras.batch.finding import Job
from mirnet_keras.batch.running import reason
from mirnet_keras.batch.settings import Restorers, Settings
from mirnet_keras.pictures import check_side, read_picture
from mirnet_keras.restorer import Estimate

PIECE = 128  # side of what is restored to measure the time


@dataclasses.dataclass(frozen=True)
class Forecast:
    """What restoring a picture would take.

    Attributes:
        input: path of the picture.
        preset: what would restore it.
        size: (height, width) of the result.
        estimate: tiles and memory; the seconds by those of a small piece of the picture, without
            the passes that gather what a network has to know of a picture in tiles.
        error: why it cannot be restored; then the rest is None.
    """

    input: Path
    preset: str | None = None
    size: tuple[int, int] | None = None
    estimate: Estimate | None = None
    error: str | None = None


def estimate_all(jobs: Iterable[Job], settings: Settings) -> Iterator[Forecast]:
    """Says of each picture what restoring it would take.

    Args:
        jobs: the pictures; of their results only the format counts.
        settings: how they would be restored.

    Raises:
        PresetError, RestorerError: when the preset that the settings name cannot be loaded.
    """
    restorers = Restorers(settings)
    for job in jobs:
        try:
            yield _forecast(job, settings, restorers)
        except Exception as error:  # it must not cost the other pictures
            yield Forecast(job.input, error=reason(error))


def _forecast(job: Job, settings: Settings, restorers: Restorers) -> Forecast:
    picture = read_picture(job.input, max_pixels=settings.max_pixels, damaged=settings.damaged)
    name = settings.choice_for(picture).preset
    restorer = restorers.named(name)
    height, width = (restorer.scale * side for side in picture.pixels.shape[:2])
    check_side(height, width, job.output.suffix)
    pixels, piece = picture.pixels, picture.pixels[:PIECE, :PIECE]
    estimate, small = (restorer.estimate(image.shape, image.dtype) for image in (pixels, piece))
    with restorers.on_device():
        restorer(piece)  # the first of a size takes longer
        start = time.perf_counter()
        restorer(piece)
    seconds = (time.perf_counter() - start) * _work(estimate) / _work(small)
    return Forecast(
        job.input, name, (height, width), dataclasses.replace(estimate, seconds=seconds)
    )


def _work(estimate: Estimate) -> int:
    """Pixels that go through the network."""
    return estimate.tiles * estimate.tile[0] * estimate.tile[1]
