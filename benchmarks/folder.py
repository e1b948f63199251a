"""A folder of photos restored at once, against one by one in a plain loop.

    python -m benchmarks.folder [PRESET] [--json benchmarks/results/folder.json]

The variants run in turn in one process, from files to files: read the ratios, not the seconds.
`call`: read, `model(image)`, write. `predict`: the same with Keras' `model.predict`. `model`: with
`model.restore`. `restorer`: `Restorer.restore_file`. `folder`: `restore_all`, as the command
`restore` does it.
"""

import argparse
import json
import os
import pathlib
import tempfile
import time

import numpy as np

from benchmarks.machine import describe
from mirnet_keras.batch import Settings, find_jobs, restore_all, running
from mirnet_keras.batch.settings import Restorers
from mirnet_keras.demo import demo_picture
from mirnet_keras.images import read_image, to_float, write_image
from mirnet_keras.presets import load
from mirnet_keras.restorer import Restorer

PHOTOS, SIDES = 24, (96, 320)  # of the photos, in pixels
BUNDLED = ("coffee.webp", "cat.webp")


def write_photos(folder: pathlib.Path) -> None:
    """Pieces of the bundled photos, half of them PNG and half JPEG."""
    random = np.random.default_rng(0)
    for number in range(PHOTOS):
        photo = demo_picture(BUNDLED[number % len(BUNDLED)])
        height, width = random.integers(*SIDES, 2)
        top = random.integers(0, max(1, photo.shape[0] - height))
        left = random.integers(0, max(1, photo.shape[1] - width))
        suffix = (".png", ".jpg")[number // 2 % 2]
        write_image(folder / f"{number}{suffix}", photo[top : top + height, left : left + width])


def variants(preset: str, folder: pathlib.Path, out: pathlib.Path) -> dict:
    """What is timed, by name."""
    jobs = find_jobs([str(folder)], out).jobs
    model, restorer, settings = load(preset), Restorer(preset), Settings(preset=preset)
    loaded = Restorers(settings)
    running.Restorers = lambda settings: loaded  # no variant is timed while it loads its model

    def one_by_one(restore):
        def loop():
            for job in jobs:
                restored = restore(to_float(read_image(job.input)))
                write_image(job.output, np.clip(restored, 0, 1))

        return loop

    def with_restorer():
        for job in jobs:
            restorer.restore_file(job.input, job.output)

    def as_folder():
        outcomes = list(restore_all(jobs, settings))
        assert all(outcome.status == "restored" for outcome in outcomes)

    return {
        "call": one_by_one(lambda image: np.asarray(model(image[None])[0])),
        "predict": one_by_one(lambda image: model.predict(image[None], verbose=0)[0]),
        "model": one_by_one(model.restore),
        "restorer": with_restorer,
        "folder": as_folder,
    }


def measure(calls: dict, repeats: int) -> dict:
    """Seconds, and busy cores, of each variant: medians."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    busy: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(repeats + 1):
        for name, call in calls.items():
            before, start = sum(os.times()[:2]), time.perf_counter()
            call()
            elapsed = time.perf_counter() - start
            if turn:  # in the first, graphs are traced
                seconds[name].append(elapsed)
                busy[name].append((sum(os.times()[:2]) - before) / elapsed)
    return {
        "seconds": {name: round(float(np.median(values)), 3) for name, values in seconds.items()},
        "busy_cores": {name: round(float(np.median(values)), 2) for name, values in busy.items()},
        "folder_speed_up": {
            name: round(float(np.median(np.divide(seconds[name], seconds["folder"]))), 2)
            for name in calls
            if name != "folder"
        },
    }


def main():
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("preset", nargs="?", default="awsrn_s_x2")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary) / "in"
        folder.mkdir()
        write_photos(folder)
        calls = variants(options.preset, folder, pathlib.Path(temporary) / "out")
        found = measure(calls, options.repeats)
    result = {"command": "python -m benchmarks.folder", "machine": describe()}
    result |= {"preset": options.preset, "photos": PHOTOS, "sides": SIDES, **found}
    print(json.dumps(result, indent=2))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
