"""Scores, sizes and times of every preset's LiteRT files.

    python -m benchmarks.litert --shared ../shared/data

Each preset is exported in each mode for pictures of any size and scored on Set5, LOL eval15 or
CC15; those of `FIXED` are also exported for 256 x 256 and timed in turn with their float32 file.
int8 learns its ranges from training pictures. At the end one convolution is timed by itself, which
is the most that a network of such convolutions can gain. Prints the reports and writes JSON.
"""

import argparse
import dataclasses
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

from benchmarks import machine
from mirnet_keras.export import LiteRTReport, to_litert
from mirnet_keras.export.litert_file import open_litert
from mirnet_keras.export.litert_report import median_milliseconds
from mirnet_keras.export.quality import Picture
from mirnet_keras.export.quantization import CALIBRATED
from mirnet_keras.images import list_images, read_image
from mirnet_keras.imresize import imresize
from mirnet_keras.models import RestorationModel
from mirnet_keras.presets import Preset, list_presets, load

MODES = ("float32", "float16", "dynamic", "int8")
FIXED, SIDE = ("awsrn_s_x4", "mirnet_lowlight_small"), 256
RESULTS = Path(__file__).parent / "results" / "litert.json"


def main() -> None:
    """Exports everything, prints the reports and writes the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared/data"))
    parser.add_argument("--presets", nargs="+", help="these alone")
    parser.add_argument("--json", type=Path, default=RESULTS)
    options = parser.parse_args()
    facts = machine.describe() | {
        "command": " ".join(["python -m benchmarks.litert", *sys.argv[1:]])
    }
    results: list[dict] = []
    presets = [p for p in list_presets() if p.name in (options.presets or [p.name])]
    convolution = one_convolution()
    print(convolution)
    for preset in presets:
        model = load(preset.name)
        for report in reports(preset, model, options.shared):
            print(f"\n{preset.name}\n{report.table()}", flush=True)
            results.append({"preset": preset.name} | described(report))
            content = facts | {"convolution": convolution, "results": results}
            options.json.write_text(json.dumps(content, indent=2) + "\n")


def reports(preset: Preset, model: RestorationModel, shared: Path) -> Iterator[LiteRTReport]:
    """Yields the reports of one preset; a file that loses too much is reported all the same."""
    learnt, tried = training_inputs(preset, shared), scored_pictures(preset, shared)
    with tempfile.TemporaryDirectory() as folder:
        for shape in ("dynamic", (SIDE, SIDE)):
            if shape != "dynamic" and preset.name not in FIXED:
                continue
            for mode in MODES:
                calibration = {"representative": learnt} if mode in CALIBRATED else {}
                yield to_litert(
                    model,
                    Path(folder) / f"{mode}.tflite",
                    shape=shape,
                    quantization=mode,
                    pictures=tried if shape == "dynamic" else None,
                    accept_loss=True,
                    **calibration,
                )


def training_inputs(preset: Preset, shared: Path) -> list[np.ndarray]:
    """What the network gets in training: 64 pictures, dark, noisy or reduced."""
    folders = {
        "low-light enhancement": "lowlight/train/low",
        "denoising": "denoise/train/noisy",
        "super-resolution": "sr_train/bsds500_train200",
    }
    paths = list_images(shared / folders[preset.task])[:64]
    return [imresize(picture, 1 / preset.scale) for picture in map(read_image, paths)]


def scored_pictures(preset: Preset, shared: Path) -> list[Picture]:
    """Inputs and ground truth of the preset's benchmark."""
    inputs, targets = {
        "low-light enhancement": ("lowlight/eval15/low", "lowlight/eval15/high"),
        "denoising": ("denoise/test_cc15/noisy", "denoise/test_cc15/clean"),
        "super-resolution": (f"sr/Set5/LRBI/x{preset.scale}", "sr/Set5/HR"),
    }[preset.task]
    pairs = []
    for source, target in zip(
        list_images(shared / inputs), list_images(shared / targets), strict=True
    ):
        picture, truth = read_image(source), read_image(target)
        height, width = (preset.scale * side for side in picture.shape[:2])
        pairs.append((picture, truth[:height, :width]))
    return pairs


def described(report: LiteRTReport) -> dict:
    """The report without what depends on this run's temporary folder."""
    return {k: v for k, v in dataclasses.asdict(report).items() if k != "file"}


def one_convolution() -> dict:
    """Times 3 x 3, 64 to 64 channels, 128 x 128, in float32 and wholly in int8; milliseconds."""
    import tensorflow as tf

    layer = keras.layers.Conv2D(64, 3, padding="same")
    network = keras.Sequential([keras.Input((128, 128, 64), batch_size=1), layer])
    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    contents = {"float32": converter.convert()}
    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    random = np.random.default_rng(0)
    converter.representative_dataset = lambda: (
        [random.random((1, 128, 128, 64), np.float32)] for _ in range(4)
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    contents["int8"] = converter.convert()
    runs = {}
    for name, content in contents.items():
        interpreter = open_litert(content, threads=1)
        interpreter.allocate_tensors()
        runs[name] = interpreter.invoke
    return median_milliseconds(runs)


if __name__ == "__main__":
    main()
