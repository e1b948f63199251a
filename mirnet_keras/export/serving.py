"""What an exported file computes: any size in, padded, restored, cropped and clipped."""

import os
from pathlib import Path

import keras

from mirnet_keras.export.report import ExportError
from mirnet_keras.models import RestorationModel
from mirnet_keras.models.folding import fold

SIGNATURE = "serving_default"  # the name that TensorFlow Serving looks for
INPUTS, OUTPUT = ("images", "probabilities"), "restored"
# TensorFlow Serving's JSON takes and gives tensors as base64 whose names end in `_bytes`.
PICTURE_SIGNATURE, PICTURE_INPUT, PICTURE_OUTPUT = "restore_png", "picture_bytes", "restored_bytes"


ANY_SIZE = (None, None, None)  # batch, height, width


def write_saved_model(model: RestorationModel, folder: Path, pictures: bool) -> None:
    """Writes a SavedModel whose signatures restore images of any size.

    The inputs of `serving_default` are `images` and, where the network takes a segmentation,
    `probabilities`, `scale` times larger. The network is folded. The graph pads what it gets to a
    multiple of `model.multiple` as `RestorationModel.restore` does, crops the result back and
    clips it.

    Args:
        model: in float32.
        folder: that gets the files.
        pictures: whether it also gets `restore_png`, from encoded pictures to PNG.

    Raises:
        ExportError: when Keras runs on another backend than TensorFlow.
    """
    require_tensorflow()
    network = fold(model)
    restore = restoring(network, ANY_SIZE)
    signatures = {SIGNATURE: restore}
    if pictures:
        signatures[PICTURE_SIGNATURE] = _restoring_pictures(network, restore)
    save_signatures(network, folder, signatures)


def save_signatures(network: RestorationModel, folder: str | os.PathLike, signatures: dict) -> None:
    """Saves functions of a network with its weights, and nothing of Keras."""
    import tensorflow as tf

    module = tf.Module()
    module.weights = [variable.value for variable in network.variables]
    tf.saved_model.save(module, str(folder), signatures=signatures)


def require_tensorflow() -> None:
    """Raises an ExportError when Keras runs on another backend."""
    if keras.backend.backend() != "tensorflow":
        raise ExportError(
            "Exporting needs Keras on TensorFlow, not on "
            f"{keras.backend.backend()}: set KERAS_BACKEND=tensorflow and load the model again."
        )


def restoring(network: RestorationModel, shape):
    """The function of the signature `serving_default`, as a `tf.function`.

    Args:
        network: folded, in float32.
        shape: batch, height and width of the input; None where it may vary.
    """
    import tensorflow as tf

    @tf.function(input_signature=_signature(network, shape), autograph=False)
    def restore(images, probabilities=None):
        dynamic = tf.unstack(tf.shape(images), 4)
        size = [images.shape[axis] or dynamic[axis] for axis in (1, 2)]
        enlarged = [side * network.scale for side in size]
        inputs = _pad(images, size, network.multiple, network.smallest)
        if probabilities is not None:
            factors = (network.scale * network.multiple, network.scale * network.smallest)
            inputs = [inputs, _pad(probabilities, enlarged, *factors)]
        restored = network(inputs, training=False)
        height, width = enlarged
        return {OUTPUT: tf.clip_by_value(restored[:, :height, :width], 0.0, 1.0)}

    return restore


def _restoring_pictures(network: RestorationModel, restore):
    """The function of the signature `restore_png`; one picture after the other, for the memory."""
    import tensorflow as tf

    def restore_one(encoded):
        # It also decodes PNG, and it alone offers the DCT that `read_image` decodes JPEG with.
        picture = tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE")
        inputs = [tf.cast(picture, tf.float32)[None] / 255.0]
        if network.classes is not None:
            background = tf.zeros(network.scale * tf.shape(picture)[:2], tf.int32)
            inputs.append(tf.one_hot(background, network.classes)[None])
        restored = restore(*inputs)[OUTPUT][0]
        return tf.io.encode_png(tf.cast(tf.floor(restored * 255.0 + 0.5), tf.uint8))

    @tf.function(
        input_signature=[tf.TensorSpec((None,), tf.string, PICTURE_INPUT)], autograph=False
    )
    def restore_png(encoded):
        restored = tf.map_fn(
            restore_one, encoded, fn_output_signature=tf.string, parallel_iterations=1
        )
        return {PICTURE_OUTPUT: restored}

    return restore_png


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
            # Of positive numbers only: ONNX divides towards zero.
            missing = (multiple - side % multiple) % multiple
            amount = tf.maximum(missing, smallest - side)
            images = _pad_axis(images, axis, side, amount)
    return images


def _pad_axis(images, axis: int, side, amount):
    import tensorflow as tf

    position = tf.range(side + amount)
    last = side - 1
    mirrored = last - tf.abs(position - last)
    repeated = tf.minimum(position, last)
    return tf.gather(images, tf.where(amount < side, mirrored, repeated), axis=axis)
