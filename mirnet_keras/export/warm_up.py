"""Requests that TensorFlow Serving sends a model before it takes any, so that the first is fast."""

from pathlib import Path

from mirnet_keras.export.serving import INPUTS, PICTURE_INPUT, PICTURE_SIGNATURE, SIGNATURE
from mirnet_keras.models import RestorationModel

WARM_UP = "assets.extra/tf_serving_warmup_requests"  # where the server looks, in the version
SIDE = 64  # of the picture in a request: the first call costs the same for every size


def write_warm_up(model: RestorationModel, version: Path, pictures: bool) -> None:
    """Writes one request for each signature beside a SavedModel.

    Args:
        model: that the SavedModel was made of.
        version: folder of the SavedModel, such as `1/`.
        pictures: whether it has the signature `restore_png`.
    """
    import tensorflow as tf

    side = model.scale * SIDE
    shapes = [(1, SIDE, SIDE, model.inputs[0].shape[-1]), (1, side, side, model.classes)]
    images = {
        name: tf.make_tensor_proto(1 / shape[-1], tf.float32, shape)
        for name, shape, _ in zip(INPUTS, shapes, model.inputs, strict=False)
    }
    requests = {SIGNATURE: images}
    if pictures:
        grey = tf.fill((SIDE, SIDE, 3), tf.constant(128, tf.uint8))
        encoded = tf.make_tensor_proto([tf.io.encode_png(grey).numpy()])
        requests[PICTURE_SIGNATURE] = {PICTURE_INPUT: encoded}
    path = version / WARM_UP
    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, inputs in requests.items():
            writer.write(_prediction_log(signature, inputs))


def _prediction_log(signature: str, inputs: dict) -> bytes:
    """A `PredictionLog` of TensorFlow Serving: its classes are in a package of their own.

    prediction_log.proto, predict.proto and model.proto of tensorflow_serving/apis have the
    numbers of the fields.
    """
    request = _field(1, _field(3, signature.encode()))  # model_spec.signature_name
    for name, tensor in inputs.items():
        request += _field(2, _field(1, name.encode()) + _field(2, tensor.SerializeToString()))
    return _field(6, _field(1, request))  # predict_log.request


def _field(number: int, content: bytes) -> bytes:
    """A field of text, bytes or a message in protobuf's encoding: key, length, content."""
    length, digits = len(content), bytearray([number << 3 | 2])
    while length > 127:  # seven bits a byte, the lowest first
        digits.append(length & 127 | 128)
        length >>= 7
    return bytes(digits) + bytes([length]) + content
