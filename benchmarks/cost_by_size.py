"""Time and memory from small pictures to large ones, for every preset.

    python -m benchmarks.cost_by_size --json benchmarks/results/cost_by_size.json

Each picture in a process of its own, with `Restorer`'s defaults: whole while that takes little
memory, then in tiles, before which networks that look at the whole picture look at a part of it or
at all. The first picture is not counted; then the median of three, or one where that takes long.
All presets take a size before any takes the next. What is in the JSON file already is not measured
again.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np

from benchmarks.machine import describe
from benchmarks.tiling import memory_status
from mirnet_keras.presets import list_presets
from mirnet_keras.restorer import Restorer

SIZES = ((256, 384), (576, 864), (1152, 1728), (2304, 3456), (4000, 6000))  # 0.1 to 24 MP
LONG = 10  # seconds; what takes longer is measured once
TOO_LONG = 1200  # seconds; what would take longer by the size before is left out
ONE = "--one"


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument(ONE, nargs=3, help="preset, height, width: in this process")
    options = parser.parse_args()
    if options.one:
        preset, height, width = options.one
        print(json.dumps(cost(preset, (int(height), int(width)))))
        return
    result: dict = {
        "command": "python -m benchmarks.cost_by_size",
        "machine": describe(),
        "presets": {preset.name: [] for preset in list_presets()},
    }
    if options.json and options.json.exists():
        result["presets"] |= json.loads(options.json.read_text())["presets"]
    for index, size in enumerate(SIZES):
        for name, found in result["presets"].items():
            if len(found) == index and not _takes_too_long(found, size):
                found.append(measured(name, size))
                print(name, found[-1], flush=True)
                if options.json:
                    options.json.write_text(json.dumps(result, indent=2) + "\n")


def _takes_too_long(found: list[dict], size: tuple[int, int]) -> bool:
    if not found:
        return False
    return found[-1]["seconds_a_megapixel"] * size[0] * size[1] / 1e6 > TOO_LONG


def measured(preset: str, size: tuple[int, int]) -> dict:
    """What `cost` says, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.cost_by_size", ONE, preset, *map(str, size)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(output.splitlines()[-1])


def cost(preset: str, size: tuple[int, int]) -> dict:
    """What a picture of (height, width) takes: seconds a megapixel, and the process's peak."""
    coarse = np.random.default_rng(0).integers(0, 120, (16, 24, 3), np.uint8)
    photo = cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC)
    restorer = Restorer(preset)
    estimate = restorer.estimate(photo.shape)
    times: list[float] = []
    while len(times) < (2 if times and times[0] > LONG else 4):
        start = time.perf_counter()
        restorer(photo)
        times.append(time.perf_counter() - start)
    megapixels = size[0] * size[1] / 1e6
    return {
        "megapixels": round(megapixels, 2),
        "tiles": estimate.tiles,
        "seconds_a_megapixel": round(float(np.median(times[1:])) / megapixels, 2),
        "peak_gigabytes": round(memory_status("VmHWM") / 1e9, 2),
    }


if __name__ == "__main__":
    main()
