"""Measures what a preset costs in tiles, and how far tiles are from the whole.

python -m benchmarks.tiling PRESET           writes it into saved_models/PRESET/
python -m benchmarks.tiling PRESET --photo 6000 4000    restores such a photo: peak memory, time
"""

import argparse
import json
import pathlib
import resource
import time

import cv2
import numpy as np

from mirnet_keras.demo import demo_picture
from mirnet_keras.global_networks import GLOBAL_NETWORKS
from mirnet_keras.presets import PresetTiling, describe_files, read_preset
from mirnet_keras.restorer import Restorer, SeamError, seam_error

SIDES = (256, 384)  # of the tiles whose memory is measured
TILE = 192  # of those that are compared with the whole
# The cost of SAN's non-local block and of SPSAGAN's attention grows with the square of the pixels.
LARGEST = {"san": 256, "spsagan": 128}
# Of two pictures, given the statistics of the whole: 85 dB and more with MIRNet-v2, 91 with SPSAGAN
# (with 64: 105 and 95); SAN comes no nearer to the whole with 64.
OVERLAP = {"mirnet_v2": 32, "san": 32, "spsagan": 32}
# Of MIRNet-v2's presets those whose tiles, with the statistics of a sample, came to 60 dB and more
# of the whole, on three pictures of 1.8 to 2.2 megapixels (`mirnet_lowlight_small`: 27 to 44).
SAMPLED = ("mirnet_denoise_small",)


def working_bytes(source, sides: tuple[int, ...]) -> int:
    """Peak of the process's memory above its level before, for each pixel of the input."""
    model = Restorer(source)._model
    model.predict_on_batch(np.zeros((1, 64, 64, 3), np.float32))
    found = []
    for side in sides:
        image = np.random.default_rng(0).random((1, side, side, 3), np.float32)
        for _ in range(2):
            pathlib.Path("/proc/self/clear_refs").write_text("5")  # forgets the peak so far
            before = memory_status("VmRSS")
            model.predict_on_batch(image)
            found.append((memory_status("VmHWM") - before) / side**2)
    return round(max(found))


def memory_status(key: str) -> int:
    """A line of /proc/self/status, in bytes."""
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(key))


def measure(folder: pathlib.Path) -> PresetTiling:
    """The figures of a preset."""
    preset = read_preset(folder)
    small = "cat.webp" if preset.network == "spsagan" else "coffee.webp"
    name = "coffee_dark.png" if preset.task == "low-light enhancement" else small
    largest = LARGEST.get(preset.network)
    tile, sides = (largest, (largest,)) if largest and largest < TILE else (TILE, SIDES)
    # Memory first: what the process has had once, it takes again without growing.
    keras_bytes = working_bytes(folder, sides)
    litert = folder / "model_float16.tflite"
    litert_bytes = None if preset.network == "spsagan" else working_bytes(litert, sides)
    overlap = OVERLAP.get(preset.network)
    restorer, picture = Restorer(folder, tile=tile, overlap=overlap or "auto"), demo_picture(name)
    # Only a tile at once, as if the picture were far larger than the memory.
    restorer.memory_budget = restorer.estimate(picture.shape).memory
    error = seam_error(restorer, picture)
    in_litert = None
    if preset.network in GLOBAL_NETWORKS:
        in_litert = decibels(seam_error(Restorer(litert, tile=tile), picture))
    return PresetTiling(
        litert_bytes=litert_bytes,
        keras_bytes=keras_bytes,
        largest_tile=largest,
        overlap=overlap,
        sampled=preset.name in SAMPLED,
        tile=tile,
        picture=f"the bundled `{name}`",
        psnr=decibels(error),
        largest_difference=float(f"{error.largest_difference:.2g}"),
        litert_psnr=in_litert,
    )


def decibels(error: SeamError) -> float | None:
    """Between tiles and whole; None where they are equal."""
    return round(error.psnr, 2) if np.isfinite(error.psnr) else None


def restore_photo(source: str, width: int, height: int) -> dict:
    """Restores a smooth photo of noise; the peak is that of the whole process."""
    coarse = np.random.default_rng(0).integers(0, 120, (height // 50, width // 50, 3), np.uint8)
    photo = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    restorer = Restorer(source)
    estimate = restorer.estimate(photo.shape)
    start = time.perf_counter()
    restorer(photo)
    return {
        "source": source,
        "photo": [height, width],
        "tile": estimate.tile,
        "tiles": estimate.tiles,
        "seconds": round(time.perf_counter() - start),
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    }


def main():
    """Measures, and writes or prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("preset", help="name of a folder in saved_models, or with --photo a file")
    parser.add_argument("--photo", type=int, nargs=2, metavar=("WIDTH", "HEIGHT"))
    options = parser.parse_args()
    if options.photo:
        print(json.dumps(restore_photo(options.preset, *options.photo)))
        return
    folder = pathlib.Path("saved_models") / options.preset
    tiling = measure(folder)
    preset = read_preset(folder)
    describe_files(folder, preset.model_copy(update={"tiling": tiling}), list(preset.files))
    print(tiling.model_dump_json(indent=2))


if __name__ == "__main__":
    main()
