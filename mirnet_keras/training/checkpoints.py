"""The last two checkpoints of a training: all that it needs to go on, each in one file."""

import io
import logging
import os
import pathlib

import h5py
import keras
import numpy as np

from mirnet_keras.files import write_whole

_messages = logging.getLogger(__name__)


class CheckpointError(ValueError):
    """A checkpoint cannot be read, taken up or replaced; the message says why and what to do."""


class Checkpoints:
    """Weights, optimizer, random states of layers and steps done: the last, and the one before.

    They are `checkpoint.weights.h5` and `previous.weights.h5`.

    Args:
        folder: path. Created with the first checkpoint.
        writes: bool. False on all hosts but one: they read, and write nothing.
    """

    def __init__(self, folder: str | os.PathLike, writes: bool = True):
        self.last = pathlib.Path(folder) / "checkpoint.weights.h5"
        self.previous = pathlib.Path(folder) / "previous.weights.h5"
        self.writes = writes
        self._is_damaged = False  # the last one

    @property
    def there(self) -> list[pathlib.Path]:
        """Those that are there, the last one first."""
        return [path for path in (self.last, self.previous) if path.exists()]

    def save(self, model: keras.Model, step: int) -> None:
        """Writes a checkpoint, whole or not at all; the one before is kept, too.

        Args:
            model: compiled.
            step: the batches seen.

        Raises:
            OSError: on a full disk and the like; its `filename` is the checkpoint's.
        """
        _build_optimizer(model)
        memory = _Memory()
        model.save_weights(memory)  # on all hosts: on JAX Keras' saving talks with the others
        with h5py.File(memory, "a") as file:
            # Not the optimizer's count, which leaves out steps that loss scaling skipped.
            file.attrs["step"] = step
            if states := [keras.ops.convert_to_numpy(state) for state in _random_states(model)]:
                file.attrs["random_states"] = np.stack(states)
        if not self.writes:
            return
        self.last.parent.mkdir(parents=True, exist_ok=True)
        older = None if self._is_damaged else self.previous
        write_whole(self.last, lambda path: path.write_bytes(memory.getbuffer()), older)
        self._is_damaged = False

    def load(self, model: keras.Model) -> int:
        """Restores a compiled model where there is a checkpoint; returns the steps done, or 0.

        Where the last one cannot be read, that is logged, and the one before is taken.

        Raises:
            CheckpointError: when all are damaged or of another network.
        """
        if not (paths := self.there):
            return 0
        _build_optimizer(model)
        problems = []
        for path in paths:
            try:
                step = _load(path, model)
            except (ValueError, OSError, KeyError) as error:
                problems.append(
                    f"{path} cannot be loaded into this network: it is damaged or of "
                    f"another network ({str(error).splitlines()[0]})."
                )
                continue
            if problems:
                self._is_damaged = True
                _messages.warning("%s The run goes on from %s, step %d.", problems[0], path, step)
            return step
        raise CheckpointError(problems[0])


class _Memory(io.BytesIO):
    """What Keras takes for a file of weights: on a full disk HDF5 ends the process."""

    def __str__(self):
        return "memory.weights.h5"


def _build_optimizer(model: keras.Model) -> None:
    if not model.optimizer.built:  # a second time, loss scaling would add variables again
        model.optimizer.build(model.trainable_variables)


def _random_states(model: keras.Model) -> list:
    """The states of the random generators of layers, as of dropout: Keras does not save them."""
    weights = {id(variable) for variable in model.weights}
    return [variable for variable in model.variables if id(variable) not in weights]


def _load(path: pathlib.Path, model: keras.Model) -> int:
    """Restores a model from a file; returns the steps done."""
    variables = _random_states(model)
    with h5py.File(path) as file:
        step = int(file.attrs["step"])
        states = file.attrs.get("random_states", ())
        # Keras ignores what a file holds beyond the model.
        _check_count(
            "variables of the optimizer", file["optimizer/vars"], model.optimizer.variables
        )
        _check_count("random states", states, variables)
    model.load_weights(path)
    for variable, state in zip(variables, states, strict=True):
        variable.assign(state)
    return step


def _check_count(what: str, held, expected) -> None:
    if len(held) != len(expected):
        raise ValueError(f"it holds {len(held)} {what}, not {len(expected)}")
