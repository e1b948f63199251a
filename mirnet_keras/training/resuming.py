"""Exact resume for those who call Keras' `fit` themselves."""

import math
import os

import keras

from mirnet_keras.files import remove_leftovers
from mirnet_keras.training.checkpoints import CheckpointError, Checkpoints
from mirnet_keras.training.devices import this_host
from mirnet_keras.training.divergence import DivergenceError, has_finite_weights


class Checkpoint(keras.callbacks.Callback):
    """Lets a `fit` that was killed go on where it stopped; on a CPU it ends with the same bits.

        checkpoint = mk.training.Checkpoint("runs/mine")
        done = checkpoint.restore(model)
        train = mk.data.sr_folder("hr", scale=2, crop=32, batch=2, seed=0, start=done)
        model.fit(train, steps_per_epoch=250, initial_epoch=done // 250, epochs=40, shuffle=False,
                  callbacks=[checkpoint])

    Kept are weights, optimizer (with its averages and its place in a schedule), the random states
    of layers and the steps done, in `checkpoint.weights.h5`; that of the time before in
    `previous.weights.h5`, which is taken when the last one cannot be read. Put it behind callbacks
    that change the learning rate; what other callbacks remember is not kept.

    Args:
        folder: Path of a folder for this training alone. Created when absent.
        every: Epochs between checkpoints, at least 1. The first state and the last are kept, too.

    Raises:
        ValueError: for another `every`.
        CheckpointError: by `fit`, when the folder holds a checkpoint that was not restored.
        DivergenceError: by `fit`, when loss or weights are no longer finite; the last good
            checkpoint stays.
        OSError: by `fit`, when a checkpoint cannot be written; those before stay.
    """

    async_safe = True  # so Keras does not wait for each step to end

    def __init__(self, folder: str | os.PathLike, every: int = 1):
        super().__init__()
        if not isinstance(every, int) or every < 1:
            raise ValueError(
                f"`every` must be a whole number of epochs, at least 1. Received every={every!r}."
            )
        self.every = every
        self._kept = Checkpoints(folder, writes=this_host()[0] == 0)
        self._known: keras.Model | None = None  # the model whose checkpoint it is
        self._done = 0  # steps, up to this epoch
        self._batches: list[int] = []  # of this epoch

    def restore(self, model: keras.Model) -> int:
        """Restores a model from the last checkpoint that can be read; call it before `fit`.

        Args:
            model: Built and compiled as it was when the training began.

        Returns:
            The steps done so far, for `start` of the data and `initial_epoch` of `fit`; 0 in a
            folder without checkpoint, and the model is as it was.

        Raises:
            CheckpointError: for a model that is not compiled or has no weights yet, and when there
                are checkpoints and all are damaged or of another network.
        """
        _check(model)
        try:
            self._done = self._kept.load(model)
        except CheckpointError as error:
            raise CheckpointError(
                f"{error} Build and compile the model as when the training began, or choose "
                "another folder."
            ) from None
        self._known, self._batches = model, []
        return self._done

    def on_train_begin(self, logs=None):
        """Keras' hook."""
        _check(self.model)
        if self.model is not self._known:
            if self._kept.there:
                raise CheckpointError(
                    f"{self._kept.last.parent} holds a checkpoint, which this training would "
                    "replace. Call `restore(model)` before `fit` to go on from it, or choose "
                    "another folder."
                )
            self._known, self._done, self._batches = self.model, 0, []
        if self._kept.writes:
            remove_leftovers([self._kept.last])
        if not self._kept.there:  # so there is always a last good state
            self._kept.save(self.model, self._done)

    def on_epoch_begin(self, epoch, logs=None):
        """Keras' hook."""
        self._count()  # where the epoch before was interrupted

    def on_train_batch_end(self, batch, logs=None):
        """Keras' hook, called by several threads and in any order."""
        self._batches.append(batch)

    def on_epoch_end(self, epoch, logs=None):
        """Keras' hook."""
        self._count()
        if not (math.isfinite(logs["loss"]) and has_finite_weights(self.model)):
            raise DivergenceError(
                f"The loss is {logs['loss']}, or the weights are not finite, at step {self._done}. "
                f"{self._kept.last} holds the last good state: go on from it by `restore`, "
                "with `clipnorm` in the optimizer or a lower learning rate, set after `restore`."
            )
        is_last = self.model.stop_training or epoch + 1 == self.params["epochs"]
        if is_last or (epoch + 1) % self.every == 0:
            self._kept.save(self.model, self._done)

    def _count(self):
        """Adds the batches of an epoch: the number of the last one says how many they were."""
        self._done += max(self._batches, default=-1) + 1
        self._batches.clear()


def _check(model: keras.Model) -> None:
    if not model.compiled:
        raise CheckpointError(
            "The model is not compiled and has no optimizer to restore: call `compile` before."
        )
    if not model.built:
        raise CheckpointError(
            "The model has no weights to restore yet: call it on a batch, or `build` it, before."
        )
