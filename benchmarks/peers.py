"""What `benchmarks.compare` compares our presets with."""

import dataclasses
import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import h5py
import numpy as np
import tensorflow as tf
from keras import ops

from mirnet_keras.data import imresize
from mirnet_keras.images import to_uint8

OPENCV_PEERS = ("ESPCN", "FSRCNN", "FSRCNN-small", "LapSRN")
STRENGTHS = (5, 10, 15, 25)  # of non-local means, on the scale 0..255
SRCNN_LAYERS = ("level1", "level2", "output")

Restore = Callable[[np.ndarray], np.ndarray]  # (height, width, 3) uint8 RGB -> restored, alike


@dataclasses.dataclass(frozen=True)
class Competitor:
    """A way to restore pictures.

    Attributes:
        name: in the tables.
        restore: from a picture, (height, width, 3) uint8 RGB, to the restored one.
        bytes: size of the model file; None where there is none.
        scores: PSNR and SSIM by data set, where they are known already.
    """

    name: str
    restore: Restore
    bytes: int | None = None
    scores: dict[str, dict] | None = None


def enlargers(folder: Path, scale: int) -> Iterator[Competitor]:
    """Bicubic enlargement and small networks of others that enlarge `scale` times.

    Args:
        folder: the networks' files, `opencv_dnn_superres/` and `keras_srcnn/`.
        scale: linear enlargement.
    """
    yield Competitor("bicubic", functools.partial(imresize, scale=scale))
    yield Competitor("bicubic of OpenCV", functools.partial(opencv_bicubic, scale=scale))
    for name in OPENCV_PEERS:
        path = folder / "opencv_dnn_superres" / f"{name}_x{scale}.pb"
        if path.exists():
            yield Competitor(name, opencv_peer(path, scale), path.stat().st_size)
    path = folder / "keras_srcnn" / f"SRCNN_x{scale}_keras1.h5"
    if path.exists():
        yield Competitor("SRCNN", srcnn(path, scale), path.stat().st_size)


def lighteners() -> list[Competitor]:
    """The dark picture as it is, and OpenCV's usual ways to brighten it."""
    return [
        Competitor("the dark picture", lambda image: image),
        Competitor("gamma to a mean of 0.5", gamma),
        Competitor("histogram equalisation", equalised),
        Competitor("CLAHE", clahe),
    ]


def denoisers() -> Iterator[Competitor]:
    """The noisy picture as it is, and OpenCV's non-local means at strengths to choose from."""
    yield Competitor("the noisy picture", lambda image: image)
    for h in STRENGTHS:
        restore = functools.partial(non_local_means, h=h)
        yield Competitor(f"non-local means of OpenCV, h = {h}", restore)


def opencv_bicubic(image: np.ndarray, scale: int) -> np.ndarray:
    """OpenCV's bicubic interpolation, whose kernel is sharper than MATLAB's."""
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)


def gamma(image: np.ndarray) -> np.ndarray:
    """Raises the values to the power that takes their mean to one half."""
    values = image / np.float32(255)
    return to_uint8(values ** (np.log(0.5) / np.log(np.clip(values.mean(), 1e-3, 0.999))))


def equalised(image: np.ndarray) -> np.ndarray:
    """Equalises the histogram of the luma."""
    planes = cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb)
    planes[..., 0] = cv2.equalizeHist(planes[..., 0])
    return cv2.cvtColor(planes, cv2.COLOR_YCrCb2RGB)


def clahe(image: np.ndarray) -> np.ndarray:
    """Equalises the histogram of the lightness in 8 x 8 tiles, with contrast limited to 4."""
    planes = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    planes[..., 0] = cv2.createCLAHE(clipLimit=4, tileGridSize=(8, 8)).apply(planes[..., 0])
    return cv2.cvtColor(planes, cv2.COLOR_LAB2RGB)


def non_local_means(image: np.ndarray, h: float) -> np.ndarray:
    """OpenCV's, for colour, with its usual windows and one strength for luma and colour."""
    planes = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    return cv2.cvtColor(
        cv2.fastNlMeansDenoisingColored(planes, None, h, h, 7, 21), cv2.COLOR_BGR2RGB
    )


def opencv_peer(path: Path, scale: int) -> Restore:
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


def srcnn(path: Path, scale: int) -> Restore:
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
