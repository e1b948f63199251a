"""What an exported file computes: any size in, padded, restored, cropped and clipped."""

from pathlib import Path

import keras

from mirnet_keras.export.report import ExportError
from mirnet_keras.models import RestorationModel
from mirnet_keras.models.folding import fold

SIGNATURE = "serving_default"  # the name that TensorFlow Serving looks for
INPUTS, OUTPUT = ("images", "probabilities"), "restored"


def write_saved_model(
    model: RestorationModel, folder: Path, shape: tuple[int | None, int | None, int | None]
) -> None:
    """Writes a SavedModel whose signature restores images of any size.

    Its inputs are `images` and, where the network takes a segmentation, `probabilities`, `scale`
    times larger. The network is folded. The graph pads what it gets to a multiple of
    `model.multiple` as `RestorationModel.restore` does, crops the result back and clips it.

    Args:
        model: in float32.
        folder: that gets the files.
        shape: batch, height and width of the input; None where it may vary.

    Raises:
        ExportError: when Keras runs on another backend than TensorFlow.
    """
    if keras.backend.backend() != "tensorflow":
        raise ExportError(
            "Exporting needs Keras on TensorFlow, not on "
            f"{keras.backend.backend()}: set KERAS_BACKEND=tensorflow and load the model again."
        )
    import tensorflow as tf

    network = fold(model)

    @tf.function(input_signature=_signature(model, shape), autograph=False)
    def restore(images, probabilities=None):
        dynamic = tf.unstack(tf.shape(images), 4)
        size = [images.shape[axis] or dynamic[axis] for axis in (1, 2)]
        enlarged = [side * model.scale for side in size]
        inputs = _pad(images, size, model.multiple, model.smallest)
        if probabilities is not None:
            factors = (model.scale * model.multiple, model.scale * model.smallest)
            inputs = [inputs, _pad(probabilities, enlarged, *factors)]
        restored = network(inputs, training=False)
        height, width = enlarged
        return {OUTPUT: tf.clip_by_value(restored[:, :height, :width], 0.0, 1.0)}

    module = tf.Module()
    module.weights = [variable.value for variable in network.variables]
    tf.saved_model.save(module, str(folder), signatures={SIGNATURE: restore})


def _signature(model: RestorationModel, shape):
    """The images and, where the network takes one, their segmentation, `scale` times larger."""
    import tensorflow as tf

    batch, *sides = shape
    enlarged = [side and side * model.scale for side in sides]
    sizes = [shape, (batch, *enlarged)][: len(model.inputs)]
    return [
        tf.TensorSpec((*size, tensor.shape[-1]), tf.float32, name)
        for size, tensor, name in zip(sizes, model.inputs, INPUTS, strict=False)
    ]


def _pad(images, size, multiple: int, smallest: int):
    """`images.pad_to_multiple` in a graph; mirrored, or where too small repeated."""
    import tensorflow as tf

    if multiple == smallest == 1:
        return images
    for axis, side in enumerate(size, start=1):
        if not (isinstance(side, int) and side % multiple == 0 and side >= smallest):
            amount = tf.maximum(-side % multiple, smallest - side)
            images = _pad_axis(images, axis, side, amount)
    return images


def _pad_axis(images, axis: int, side, amount):
    import tensorflow as tf

    position = tf.range(side + amount)
    last = side - 1
    mirrored = last - tf.abs(position - last)
    repeated = tf.minimum(position, last)
    return tf.gather(images, tf.where(amount < side, mirrored, repeated), axis=axis)
