"""Endless data sets for `fit` from a function that makes the batch of each step."""

from collections.abc import Callable

import keras


def endless(load: Callable, start: int, specs):
    """Batches of step `start`, `start + 1`, ...

    Args:
        load: function of a step that gives float32 arrays in tuples.
        start: the first step.
        specs: `keras.KerasTensor`s in the same tuples; None in their shapes for what changes with
            the step. What is known makes graphs faster.

    Returns:
        A `tf.data.Dataset` on the TensorFlow backend, else a `keras.utils.PyDataset`.
    """
    if keras.backend.backend() == "tensorflow":
        return tf_dataset(load, start, specs)
    return StepDataset(load, start)


def tf_dataset(load: Callable, start: int, specs):
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
    return steps.map(mapped, num_parallel_calls=2, deterministic=True).prefetch(4)


class StepDataset(keras.utils.PyDataset):
    """The batches of `load` from step `start` on, for training without TensorFlow."""

    def __init__(self, load: Callable, start: int = 0):
        super().__init__(workers=2, max_queue_size=8)
        self.load = load
        self.start = start

    def __len__(self):
        return 2**40

    def __getitem__(self, index):
        return self.load(self.start + index)
