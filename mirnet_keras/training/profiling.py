"""Where the time goes: in the layers of a network, and in waiting for what it trains on."""

import collections
import contextlib
import dataclasses
import functools
import itertools
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import keras
import numpy as np

from mirnet_keras.models import fold
from mirnet_keras.presets import load
from mirnet_keras.recipes import load_recipe
from mirnet_keras.training.fitting import build, check_fits, precision
from mirnet_keras.training.train import compile_model, training_data
from mirnet_keras.training.train_adversarially import first_step

RUNS = 3  # that are traced
REST = "the rest"  # losses, optimizer, and what lies between the layers
GRADIENT = "gradient_tape/"  # TensorFlow's name for what goes backward
OPERATION = re.compile(r"^(\w[\w./-]*/\S*):\w+$")  # an event's name: place/operation:kind


class ProfileError(ValueError):
    """Nothing can be measured; the message says why and what to do."""


@dataclasses.dataclass(frozen=True)
class Profile:
    """Where the time of one run goes, on the processor.

    Attributes:
        network: its name.
        inputs: (batch, height, width, channels).
        seconds: of one run, the median; of training with the waiting.
        layers: seconds of each layer in one run by its path, the slowest first: of the innermost
            layer that has weights or stands in the network itself. Of training: forward and
            backward together. Several may be computed at once, so that the sum may be larger than
            `seconds`.
        waiting: of training, seconds of a step in which no batch was there; else None.
        making: of training, seconds that one thread takes for a batch; else None.
    """

    network: str
    inputs: tuple[int, ...]
    seconds: float
    layers: dict[str, float]
    waiting: float | None = None
    making: float | None = None


def profile_preset(source, size: int = 128, runs: int = 5) -> Profile:
    """Measures a network as `Restorer` runs it, on noise.

    Args:
        source: name or folder of a preset, or path of a `.keras` file.
        size: height and width of the picture, in pixels.
        runs: whose median counts.

    Raises:
        PresetError: for an unknown or damaged preset.
        ProfileError: on another backend than TensorFlow.
    """
    with _layers_apart(), keras.device("cpu"):
        model = load(source)
        with contextlib.suppress(ValueError):  # as in the restorer: some have no cheaper equal
            model = fold(model)
        model.jit_compile = False  # nothing is left of the layers in what XLA makes
        picture = np.random.default_rng(0).random((1, size, size, 3), np.float32)
        model.restore(picture)
        seconds = [_seconds(lambda: model.restore(picture)) for _ in range(runs)]
        layers = _layer_seconds(model, lambda: model.restore(picture))
    return Profile(model.name, picture.shape, statistics.median(seconds), layers)


def profile_recipe(recipe, data=".", steps: int = 10) -> Profile:
    """Measures training steps by a recipe: of two steps the first; nothing is written.

    Args:
        recipe: name of a shipped recipe, path of a YAML file, or a `Recipe`.
        data: folder against which the recipe's folders are read.
        steps: whose median counts. They are the first, whose pictures are still read from files.

    Raises:
        RecipeError, DataError: for a recipe or pictures that do not fit.
        ProfileError: on another backend than TensorFlow.
    """
    recipe = load_recipe(recipe)
    if recipe.adversarial is not None:
        recipe = first_step(recipe)
    with _layers_apart(), precision(recipe.precision), keras.device("cpu"):
        batches, _ = training_data(recipe, Path(data))
        model = build(recipe)
        check_fits(model, recipe.stages, batches.images.scale)
        compile_model(model, recipe, data)
        model.jit_compile = False
        making = [_seconds(functools.partial(batches.batch, step)) for step in range(steps)]
        coming = iter(batches.dataset(steps))
        batch = next(coming)
        model.train_on_batch(*batch)
        waiting, training = [], []
        for _ in range(steps):
            waiting.append(_seconds(lambda: next(coming)))
            training.append(_seconds(lambda: model.train_on_batch(*batch)))
        layers = _layer_seconds(model, lambda: model.train_on_batch(*batch))
    shares = [sum(pair) for pair in zip(waiting, training, strict=True)]
    return Profile(
        model.name,
        tuple(batch[0].shape),
        statistics.median(shares),
        layers,
        statistics.mean(waiting),
        statistics.median(making),
    )


@contextlib.contextmanager
def _layers_apart() -> Iterator[None]:
    """Keeps TensorFlow from computing two layers in one, in the name of one of them."""
    if keras.backend.backend() != "tensorflow":
        raise ProfileError(
            "Layers can be told apart on the TensorFlow backend alone: set "
            f"KERAS_BACKEND=tensorflow. Received '{keras.backend.backend()}'."
        )
    import tensorflow as tf

    before = tf.config.optimizer.get_experimental_options().get("remapping", True)
    tf.config.optimizer.set_experimental_options({"remapping": False})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({"remapping": before})


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _layer_seconds(model: keras.Model, run: Callable[[], object]) -> dict[str, float]:
    """What TensorFlow's profiler says of each layer in one run, the slowest first."""
    known = _paths(model)
    found: collections.defaultdict[str, float] = collections.defaultdict(float)
    for name, seconds in _operations(run):
        found[_layer(name, model.name, known)] += seconds / RUNS
    return dict(sorted(found.items(), key=lambda entry: -entry[1]))


def _operations(run: Callable[[], object]) -> Iterable[tuple[str, float]]:
    """Names and seconds of all operations that TensorFlow computes in some runs."""
    import tensorflow as tf
    from tensorflow.tsl.profiler.protobuf.xplane_pb2 import XSpace

    space = XSpace()
    with tempfile.TemporaryDirectory() as folder:
        with tf.profiler.experimental.Profile(folder):
            for _ in range(RUNS):
                run()
        for path in Path(folder).rglob("*.xplane.pb"):
            space.MergeFromString(path.read_bytes())
    for plane in space.planes:
        for event in itertools.chain.from_iterable(line.events for line in plane.lines):
            match = OPERATION.match(plane.event_metadata[event.metadata_id].name)
            if match:
                yield match[1], event.duration_ps / 1e12


def _paths(model: keras.Model) -> set[str]:
    """The layers that stand in the network itself or have weights, and what those lie in."""
    paths = {layer.name for layer in model.layers}
    for variable in model.variables:
        parts = variable.path.split("/")[:-1]
        paths.update("/".join(parts[:length]) for length in range(1, len(parts) + 1))
    return paths


def _layer(operation: str, network: str, known: set[str]) -> str:
    """The path of the innermost layer that an operation belongs to.

    TensorFlow puts a number behind a name that it met before: `net_1/block_0_1/add`.
    """
    first, *parts = operation.removeprefix(GRADIENT).split("/")
    path = ""
    if network in (first, _unnumbered(first)):
        for part in parts:
            names = [f"{path}/{name}".lstrip("/") for name in (part, _unnumbered(part))]
            inner = next((name for name in names if name in known), None)
            if inner is None:
                break
            path = inner
    return path or REST


def _unnumbered(name: str) -> str:
    return re.sub(r"_\d+$", "", name)
