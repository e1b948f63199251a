"""A run in TensorBoard: its curves, and what the network makes of the first pictures."""

import importlib.util
import logging

import keras
import numpy as np

from mirnet_keras.images import to_float, to_uint8
from mirnet_keras.training.callbacks import trained_network
from mirnet_keras.training.run_folder import RunFolder

_messages = logging.getLogger(__name__)

PICTURES, SIDE = 4, 192  # how many are shown, and the side of their middle, in pixels of the target


def is_at_hand() -> bool:
    """Whether TensorBoard's files can be written: it is installed, and TensorFlow trains."""
    return keras.backend.backend() == "tensorflow" and bool(importlib.util.find_spec("tensorboard"))


class LogForTensorBoard(keras.callbacks.Callback):
    """Writes the loss at each report and, at each validation, scores and pictures in a grid.

    A row of the grid is the middle of a picture: the input, enlarged where the network enlarges;
    what the network with averaged weights makes of this part; the target.

    Args:
        images: `PairedImages` or the like.
        every: int. Epochs (reports) between validations.
        report_every: int. Steps in an epoch.
        folder: of the run. The files go to `tensorboard/` in it.
        prior: function of an image to its segmentation, as for `Validate`.
    """

    def __init__(self, images, every: int, report_every: int, folder: RunFolder, prior=None):
        super().__init__()
        self.images = images
        self.every = every
        self.report_every = report_every
        self.folder = folder
        self.prior = prior

    def on_train_begin(self, logs=None):
        """Opens a new file, beside those of an interrupted run."""
        import tensorflow as tf

        self.writer = tf.summary.create_file_writer(str(self.folder.path / "tensorboard"))

    def on_epoch_end(self, epoch, logs=None):
        """Keras' hook. What cannot be written, on a full disk, is left out: the run goes on."""
        import tensorflow as tf

        if self.writer is None:
            return
        try:
            self._write((epoch + 1) * self.report_every, (epoch + 1) % self.every == 0, logs)
        except tf.errors.OpError as error:
            _messages.warning("TensorBoard's files cannot be written: %s", error.message)
            self.writer = None

    def _write(self, step: int, validated: bool, logs: dict) -> None:
        import tensorflow as tf

        with self.writer.as_default(step=step):
            for name, value in logs.items():
                if validated or not name.startswith("val_"):  # else they are the last ones again
                    tf.summary.scalar(name, value)
            if validated:
                with trained_network(self.model) as network:
                    grid = picture_grid(network, self.images, self.prior)
                tf.summary.image("input, restored, target", grid[None])
        self.writer.flush()


def picture_grid(network, images, prior=None) -> np.ndarray:
    """Input, restored and target of the first pictures; arguments as in `LogForTensorBoard`.

    Returns:
        (rows * height, 3 * width, 3) uint8, with the height and width of the largest of them;
        smaller ones have white beside them.
    """
    rows = []
    for index in range(min(PICTURES, len(images))):
        source, target = _middle(*images.pair(index), scale=network.scale)
        maps = () if prior is None else (prior(source),)
        restored = np.nan_to_num(network.restore(to_float(source), *maps))  # black if it diverged
        enlarged = source.repeat(network.scale, axis=0).repeat(network.scale, axis=1)
        rows.append([to_uint8(picture) for picture in (enlarged, restored, target)])
    height, width = np.max([target.shape[:2] for *_, target in rows], axis=0)
    grid = np.full((len(rows), height, 3, width, 3), 255, np.uint8)
    for row, pictures in enumerate(rows):
        for column, picture in enumerate(pictures):
            grid[row, : picture.shape[0], column, : picture.shape[1]] = picture
    return grid.reshape(len(rows) * height, 3 * width, 3)


def _middle(source, target, *, scale: int):
    """The same part of both."""
    side = SIDE // scale
    top, left = (max(0, size - side) // 2 for size in source.shape[:2])
    part = source[top : top + side, left : left + side]
    top, left = top * scale, left * scale
    return part, target[top : top + part.shape[0] * scale, left : left + part.shape[1] * scale]
