"""Endless data sets for `fit` from a function that makes the batch of each step."""

import concurrent.futures
import operator
import os
from collections.abc import Callable
from typing import Any

import keras

from mirnet_keras.data.folders import DataError

WORKERS = min(os.cpu_count() or 1, 8)  # threads that make batches; NumPy and OpenCV free the lock


def endless(load: Callable, start: int, specs: Any) -> Any:
    """Batches of step `start`, `start + 1`, ...

    Args:
        load: function of a step that gives float32 arrays in tuples.
        start: the first step.
        specs: `keras.KerasTensor`s in the same tuples; None in their shapes for what changes with
            the step. What is known makes graphs faster.

    Returns:
        A `tf.data.Dataset` on the TensorFlow backend, else a `keras.utils.PyDataset`.

    Raises:
        DataError: for a `start` that is no whole number from 0.
    """
    start = _checked_start(start)
    if keras.backend.backend() == "tensorflow":
        return tf_dataset(load, start, specs)
    return StepDataset(load, start)


def _checked_start(start) -> int:
    try:
        step = operator.index(start)
    except TypeError:
        step = -1
    if step < 0:
        raise DataError(
            "`start` must be the number of steps done so far, a whole number from 0. "
            f"Received start={start!r}."
        )
    return step


def tf_dataset(load: Callable, start: int, specs: Any) -> Any:
    """As `endless`, always a `tf.data.Dataset`."""
    import tensorflow as tf

    flat = keras.tree.flatten(specs)

    def mapped(step):
        arrays = tf.numpy_function(
            lambda step: keras.tree.flatten(load(int(step))), [step], [tf.float32] * len(flat)
        )
        for array, spec in zip(arrays, flat, strict=True):
            array.set_shape(spec.shape)
        return keras.tree.pack_sequence_as(specs, arrays)

    steps = tf.data.Dataset.range(start, 2**40)
    return steps.map(mapped, num_parallel_calls=WORKERS, deterministic=True).prefetch(4)


class StepDataset(keras.utils.PyDataset):
    """The batches of `load` from step `start` on, for training without TensorFlow.

    Batches are made ahead by threads of its own: Keras' would begin again at the first step after
    each of `fit`'s epochs.
    """

    def __init__(self, load: Callable, start: int = 0):
        super().__init__(workers=1)
        self.load = load
        self.start = start
        self._threads = concurrent.futures.ThreadPoolExecutor(WORKERS)
        self._ahead: dict[int, concurrent.futures.Future] = {}

    def __len__(self):
        return 2**40

    def __getitem__(self, index):
        wanted = range(index, index + 1 + 2 * WORKERS)
        self._ahead = {
            i: self._ahead.get(i) or self._threads.submit(self.load, self.start + i) for i in wanted
        }
        return self._ahead.pop(index).result()
