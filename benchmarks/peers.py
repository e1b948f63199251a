"""Our super-resolution presets beside models that people use today, scored in one run.

    python -m benchmarks.peers --shared ../shared/data

All of them get the same stored MATLAB bicubic inputs of Set5 and Set14, and their 8-bit RGB
results are scored by `mirnet_keras.evaluation.evaluate` with the protocol classical-y. Prints a
table and writes JSON with machine, versions, commit and command. Minutes on two cores.
"""

import argparse
import datetime
import functools
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import h5py
import numpy as np
import tensorflow as tf
from keras import ops

from benchmarks import machine
from mirnet_keras.data import imresize
from mirnet_keras.evaluation import Evaluation, evaluate
from mirnet_keras.images import to_uint8
from mirnet_keras.presets import list_presets

SETS, SCALES = ("Set5", "Set14"), (2, 4)
OPENCV_PEERS = ("ESPCN", "FSRCNN", "FSRCNN-small", "LapSRN")
SRCNN_LAYERS = ("level1", "level2", "output")
RESULTS = Path(__file__).parent / "results" / "peers.json"

Enlarge = Callable[[np.ndarray], np.ndarray]  # (h, w, 3) uint8 RGB -> (s h, s w, 3) uint8 RGB


def main() -> None:
    """Scores everything, prints the table and writes the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared/data"))
    parser.add_argument("--json", type=Path, default=RESULTS)
    options = parser.parse_args()
    results = []
    print(f"{'model':20} {'data':6} scale     PSNR    SSIM")
    for scale in SCALES:
        for name, enlarge in competitors(options.shared / "peers", scale):
            for data in SETS:
                result = evaluate(enlarge, options.shared / "sr" / data, scale=scale)
                results.append(described(result, name, data))
                print(f"{name:20} {data:6} x{scale}    {result.psnr:.3f}  {result.ssim:.4f}")
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(circumstances() | {"results": results}, indent=2) + "\n")


def competitors(folder: Path, scale: int) -> Iterator[tuple[str, Enlarge | str]]:
    """Yields the name and the function, or the preset, of all that enlarge `scale` times.

    Args:
        folder: the peers' files, `opencv_dnn_superres/` and `keras_srcnn/`.
        scale: linear enlargement.
    """
    yield "bicubic", functools.partial(imresize, scale=scale)
    for name in OPENCV_PEERS:
        path = folder / "opencv_dnn_superres" / f"{name}_x{scale}.pb"
        if path.exists():
            yield name, opencv_peer(path, scale)
    path = folder / "keras_srcnn" / f"SRCNN_x{scale}_keras1.h5"
    if path.exists():
        yield "SRCNN", srcnn(path, scale)
    for preset in list_presets():
        if preset.task == "super-resolution" and preset.scale == scale:
            yield preset.name, preset.name


def opencv_peer(path: Path, scale: int) -> Enlarge:
    """What OpenCV's dnn_superres does: the network enlarges Y, bilinear interpolation the rest.

    The graph runs in TensorFlow, because OpenCV without its contrib modules cannot read it. The
    result is dnn_superres' within a mean of 0.013 grey levels (`shared/data/peers/README.md`).

    Args:
        path: frozen TensorFlow graph from Y, (1, h, w, 1) in 0..1, to (1, 1, s h, s w).
        scale: linear enlargement.
    """
    graph = tf.compat.v1.GraphDef.FromString(path.read_bytes())
    network = tf.compat.v1.wrap_function(
        lambda y: tf.graph_util.import_graph_def(
            graph, input_map={"IteratorGetNext": y}, return_elements=["NCHW_output:0"]
        ),
        [tf.TensorSpec((1, None, None, 1))],
    )

    def enlarge(image):
        planes = cv2.split(cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb))  # 8-bit, full range
        (y,) = network(tf.constant(planes[0][None, ..., None] / np.float32(255)))
        size = (scale * image.shape[1], scale * image.shape[0])
        colours = [cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR) for plane in planes[1:]]
        merged = cv2.merge([to_uint8(y.numpy()[0, 0]), *colours])
        return cv2.cvtColor(merged, cv2.COLOR_YCrCb2RGB)

    return enlarge


def srcnn(path: Path, scale: int) -> Enlarge:
    """The three convolutions of SRCNN on the bicubic enlargement, from a Keras 1 file."""
    with h5py.File(path) as file:
        kernels = [file[f"{n}/{n}_W"][()].transpose(2, 3, 1, 0) for n in SRCNN_LAYERS]
        biases = [file[f"{n}/{n}_b"][()] for n in SRCNN_LAYERS]

    def enlarge(image):
        x = imresize(image, scale)[None].astype(np.float32) / 255
        for kernel, bias in zip(kernels, biases, strict=True):
            x = ops.conv(x, kernel, padding="same") + bias
            x = x if kernel is kernels[-1] else ops.relu(x)
        return to_uint8(ops.convert_to_numpy(x)[0])

    return enlarge


def described(result: Evaluation, name: str, data: str) -> dict:
    """What the JSON file says of one model on one set; no paths of this machine."""
    return result.as_dict() | {"name": name, "data": data}


def circumstances() -> dict:
    """Where, when and with what the scores were measured."""
    return {
        "command": " ".join(["python -m benchmarks.peers", *sys.argv[1:]]),
        "date": datetime.date.today().isoformat(),
        "machine": machine.describe() | {"opencv": cv2.__version__, "numpy": np.__version__},
        "inputs": "stored MATLAB bicubic (LRBI)",
    }


if __name__ == "__main__":
    main()
