"""Callbacks: averaged weights, checkpoints, validation by protocol."""

import contextlib
import math
from collections.abc import Callable

import keras
import numpy as np

from mirnet_keras.images import to_float
from mirnet_keras.metrics import score
from mirnet_keras.training.devices import is_distributed, on_one_device
from mirnet_keras.training.divergence import (
    DivergenceError,
    diverged,
    first_bad_step,
    has_finite_weights,
    way_out,
)
from mirnet_keras.training.run_folder import RunFolder, saving


def _averages(model) -> list:
    """The optimizer's averages of the trainable variables, or nothing."""
    # Under mixed_float16 Keras wraps the optimizer for loss scaling.
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    return getattr(optimizer, "_model_variables_moving_average", None) or []


@contextlib.contextmanager
def averaged_weights(model):
    """Puts the optimizer's averaged weights into the model for a while, bit for bit."""
    average = _averages(model)
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


@contextlib.contextmanager
def trained_network(model):
    """The network of a model in training, with averaged weights, for one device, for a while.

    A distributed model is copied: whole pictures come one at a time.
    """
    network = getattr(model, "generator", model)
    if not is_distributed(model):
        with averaged_weights(model):
            yield network
        return
    with on_one_device():
        copy = type(network).from_config(network.get_config())
        averages = dict(zip(map(id, model.trainable_variables), _averages(model), strict=False))
        values = [averages.get(id(variable), variable) for variable in network.weights]
        copy.set_weights([keras.ops.convert_to_numpy(value) for value in values])
        yield copy


class KeepCheckpoint(keras.callbacks.Callback):
    """Writes the checkpoint at each report, and stops when loss or weights are not finite.

    The steps since the last checkpoint are then done again, one by one, to say where it began.

    Args:
        folder: `RunFolder`.
        report_every: int. Steps in an epoch.
        batch: function of a step that gives its inputs and targets.
    """

    def __init__(self, folder: RunFolder, report_every: int, batch: Callable):
        super().__init__()
        self.folder = folder
        self.report_every = report_every
        self.batch = batch

    def on_epoch_end(self, epoch, logs=None):
        """Keras' hook."""
        end = (epoch + 1) * self.report_every
        if math.isfinite(logs["loss"]) and has_finite_weights(self.model):
            self.folder.save_checkpoint(self.model, end)
            return
        if not is_distributed(self.model):
            start = self.folder.load_checkpoint(self.model)
            step = first_bad_step(self.model, self.batch, range(start, end))
            if step is not None:
                raise diverged(self.model, self.batch, step, self.folder.path)
        raise DivergenceError(
            f"The loss is {logs['loss']}, or the weights are not finite, at step {end}. "
            + way_out(self.folder.path, in_second_step=hasattr(self.model, "generator"))
        )


class WriteLog(keras.callbacks.CSVLogger):
    """Keras' CSV log, which says what cannot be written."""

    def on_epoch_end(self, epoch, logs=None):
        """Keras' hook."""
        with saving(self.filename):
            super().on_epoch_end(epoch, logs)

    def close(self):
        """Closes the file, also when training was interrupted."""
        with contextlib.suppress(OSError):  # of which the epoch's end told
            if self.csv_file is not None:
                self.csv_file.close()


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
        logged = {name: self.folder.logged(name) for name in self.scores}
        if self.folder.best.exists() and logged["val_psnr"]:
            self.best = max(filter(math.isfinite, logged["val_psnr"]), default=-math.inf)
            self.scores = {name: values[-1] for name, values in logged.items()}

    def on_epoch_end(self, epoch, logs=None):
        """Keras' hook."""
        if (epoch + 1) % self.every == 0:
            with trained_network(self.model) as network:
                self._validate(network)
        logs.update(self.scores)

    def _validate(self, network):
        psnr, ssim = whole_picture_scores(network, self.images, self.protocol, self.prior)
        self.scores = {"val_psnr": psnr, "val_ssim": ssim}
        if psnr > self.best:
            self.best = psnr
            self.folder.save(network, self.folder.best)


class StopEarly(keras.callbacks.Callback):
    """Ends a run whose score no longer rises; an interrupted one is counted on from its log.

    Args:
        folder: `RunFolder`.
        patience: int. Reports after the best one.
    """

    def __init__(self, folder: RunFolder, patience: int):
        super().__init__()
        self.patience = patience
        self.scores = folder.logged("val_psnr")

    @property
    def is_due(self) -> bool:
        """Whether the run has come to its end."""
        scores = [score if math.isfinite(score) else -math.inf for score in self.scores]
        return bool(scores) and len(scores) - 1 - scores.index(max(scores)) >= self.patience

    def on_epoch_end(self, epoch, logs=None):
        """Keras' hook."""
        self.scores.append(logs["val_psnr"])
        if self.is_due:
            self.model.stop_training = True


def whole_picture_scores(network, images, protocol: str, prior=None) -> tuple[float, float]:
    """PSNR in dB and SSIM of whole pictures, mean over all; arguments as in `Validate`.

    NaN for a network that has diverged.
    """
    scores = []
    for index in range(len(images)):
        source, target = images.pair(index)
        maps = () if prior is None else (prior(source),)
        restored = network.restore(to_float(source), *maps)
        if not np.isfinite(restored).all():
            return math.nan, math.nan
        scores.append(score(target, restored, protocol, network.scale))
    return float(np.mean([s.psnr for s in scores])), float(np.mean([s.ssim for s in scores]))
