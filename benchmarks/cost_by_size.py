"""Time and memory from small pictures to large ones, for every preset.

    python -m benchmarks.cost_by_size --json benchmarks/results/cost_by_size.json

Each preset in a process of its own, with `Restorer`'s defaults: whole while the memory suffices,
then in tiles, which networks that look at the whole picture pass over more than once. The first
picture of each size is not counted; then the median of three, or one where that takes long.
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

SIZES = ((256, 384), (576, 864), (1152, 1728), (4000, 6000))  # 0.1 to 24 megapixels
LONG = 20  # seconds; what takes longer is measured once, the first time
TOO_LONG = 1200  # seconds; what would take longer by the size before is left out
ONE = "--preset"


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument(ONE, help="this alone, in this process")
    options = parser.parse_args()
    if options.preset:
        print(json.dumps(costs(options.preset)))
        return
    result: dict = {
        "command": "python -m benchmarks.cost_by_size",
        "machine": describe(),
        "presets": {},
    }
    for preset in list_presets():
        command = [sys.executable, "-m", "benchmarks.cost_by_size", ONE, preset.name]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        result["presets"][preset.name] = json.loads(output.splitlines()[-1])
        for found in result["presets"][preset.name]:
            print(preset.name, found, flush=True)
        if options.json:
            options.json.write_text(json.dumps(result, indent=2) + "\n")


def costs(preset: str) -> list[dict]:
    """What pictures of `SIZES` take, up to those that take too long."""
    found: list[dict] = []
    for size in SIZES:
        expected = found[-1]["seconds_a_megapixel"] * size[0] * size[1] / 1e6 if found else 0
        if expected < TOO_LONG:
            found.append(cost(preset, size))
    return found


def cost(preset: str, size: tuple[int, int]) -> dict:
    """What a picture of (height, width) takes: seconds a megapixel, memory, the process's peak."""
    coarse = np.random.default_rng(0).integers(0, 120, (16, 24, 3), np.uint8)
    photo = cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC)
    restorer = Restorer(preset)
    estimate = restorer.estimate(photo.shape)
    times: list[float] = []
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak so far
    before = memory_status("VmRSS")
    while len(times) < 4 and not (times and times[0] > LONG):
        start = time.perf_counter()
        restorer(photo)
        times.append(time.perf_counter() - start)
    megapixels, peak = size[0] * size[1] / 1e6, memory_status("VmHWM")
    return {
        "megapixels": round(megapixels, 2),
        "tiles": estimate.tiles,
        "seconds_a_megapixel": round(float(np.median(times[1:] or times)) / megapixels, 2),
        "megabytes": round((peak - before) / 1e6),
        "peak_gigabytes": round(peak / 1e9, 2),
    }


if __name__ == "__main__":
    main()
