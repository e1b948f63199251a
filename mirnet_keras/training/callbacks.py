"""Callbacks: averaged weights, checkpoints, validation by protocol."""

import contextlib
import math
from typing import Any

import keras
import numpy as np

from mirnet_keras.files import write_whole
from mirnet_keras.images import to_float
from mirnet_keras.metrics import score
from mirnet_keras.training.run_folder import RunFolder


class DivergenceError(RuntimeError):
    """The loss became NaN or infinite; the last good checkpoint is kept."""


@contextlib.contextmanager
def averaged_weights(model):
    """Puts the optimizer's averaged weights into the model for a while, bit for bit."""
    # Under mixed_float16 Keras wraps the optimizer for loss scaling.
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    average = getattr(optimizer, "_model_variables_moving_average", None)
    if not average:
        yield
        return
    raw = [keras.ops.convert_to_numpy(v.value).copy() for v in model.trainable_variables]
    for variable, mean in zip(model.trainable_variables, average, strict=True):
        # A copy: on JAX, predicting gives away the model's own arrays.
        variable.assign(keras.ops.convert_to_numpy(mean.value).copy())
    try:
        yield
    finally:
        for variable, value in zip(model.trainable_variables, raw, strict=True):
            variable.assign(value)


class KeepCheckpoint(keras.callbacks.Callback):
    """Writes the checkpoint at each report, and stops when the loss is not a number.

    Args:
        folder: `RunFolder`.
    """

    def __init__(self, folder: RunFolder):
        super().__init__()
        self.folder = folder

    def on_epoch_end(self, epoch, logs=None):
        """Keras' hook."""
        if not math.isfinite(logs["loss"]):
            raise DivergenceError(
                f"The loss is {logs['loss']} at report {epoch}. Lower the rate or set `clip_norm`; "
                f"the last good state is in {self.folder.checkpoint}."
            )
        self.folder.save_checkpoint(self.model)


class Validate(keras.callbacks.Callback):
    """Scores whole pictures by a protocol with the averaged weights, and keeps the best model.

    Adds `val_psnr` and `val_ssim` to the logs.

    Args:
        images: `PairedImages` or the like.
        protocol: str. Name of the protocol.
        every: int. Epochs (reports) between validations.
        folder: `RunFolder`.
        prior: function of an image to its segmentation, for networks that take one; None: all
            background.
    """

    def __init__(self, images, protocol: str, every: int, folder: RunFolder, prior=None):
        super().__init__()
        self.images = images
        self.protocol = protocol
        self.every = every
        self.folder = folder
        self.prior = prior
        self.best = -math.inf
        self.scores = {"val_psnr": math.nan, "val_ssim": math.nan}

    def on_train_begin(self, logs=None):
        """Takes up the best score of an interrupted run."""
        if self.folder.best.exists() and self.folder.log.exists():
            log = np.genfromtxt(self.folder.log, delimiter=",", names=True)
            self.best = np.nanmax(log["val_psnr"], initial=-math.inf)
            self.scores = {name: float(np.atleast_1d(log[name])[-1]) for name in self.scores}

    def on_epoch_end(self, epoch, logs=None):
        """Keras' hook."""
        if (epoch + 1) % self.every == 0:
            with averaged_weights(self.model):
                self._validate()
        logs.update(self.scores)

    def _validate(self):
        network: Any = getattr(self.model, "generator", self.model)
        scores = []
        for index in range(len(self.images)):
            source, target = self.images.pair(index)
            maps = () if self.prior is None else (self.prior(source),)
            restored = network.restore(to_float(source), *maps)
            scores.append(score(target, restored, self.protocol, network.scale))
        self.scores["val_psnr"] = float(np.mean([s.psnr for s in scores]))
        self.scores["val_ssim"] = float(np.mean([s.ssim for s in scores]))
        if self.scores["val_psnr"] > self.best:
            self.best = self.scores["val_psnr"]
            write_whole(self.folder.best, network.save)
