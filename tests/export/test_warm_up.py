"""The requests are read back by protobuf itself, with TensorFlow Serving's messages."""

import pytest
import tensorflow as tf
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from tensorflow.core.framework import tensor_pb2

from mirnet_keras.export.warm_up import WARM_UP, write_warm_up
from mirnet_keras.images import decode_image
from mirnet_keras.models import AWSRN, SPSAGAN

TENSOR = ".tensorflow.TensorProto"
# Message -> fields: name, number, type. From prediction_log.proto, predict.proto, model.proto.
MESSAGES = {
    "PredictionLog": [("predict_log", 6, ".test.PredictLog")],
    "PredictLog": [("request", 1, ".test.PredictRequest")],
    "PredictRequest": [("model_spec", 1, ".test.ModelSpec"), ("inputs", 2, ".test.Entry")],
    "ModelSpec": [("name", 1, None), ("signature_name", 3, None)],
    "Entry": [("key", 1, None), ("value", 2, TENSOR)],  # of the map `inputs`
}


@pytest.fixture(scope="module")
def prediction_log():
    file = descriptor_pb2.FileDescriptorProto(
        name="test_warm_up.proto",
        package="test",
        syntax="proto3",
        dependency=[tensor_pb2.DESCRIPTOR.name],
    )
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind in fields:
            entry = message.field.add(name=field, number=number, label=1)
            entry.type = entry.TYPE_STRING
            if kind:
                entry.type, entry.type_name = entry.TYPE_MESSAGE, kind
            if field == "inputs":
                entry.label = entry.LABEL_REPEATED
    pool = descriptor_pool.Default()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("test.PredictionLog"))


def requests(model, folder, prediction_log, pictures=True):
    """Signature -> arrays by name, of the file that `write_warm_up` wrote."""
    write_warm_up(model, folder, pictures)
    found = {}
    for record in tf.data.TFRecordDataset(str(folder / WARM_UP)).as_numpy_iterator():
        log = prediction_log.FromString(record)
        request = log.predict_log.request
        arrays = {entry.key: tf.make_ndarray(entry.value) for entry in request.inputs}
        found[request.model_spec.signature_name] = arrays
    return found


def test_one_request_for_each_signature(tmp_path, prediction_log):
    model = AWSRN(scale=2, blocks=1, units=1, filters=4, wide_filters=8)
    found = requests(model, tmp_path, prediction_log)
    assert [*found] == ["serving_default", "restore_png"]
    assert found["serving_default"]["images"].shape == (1, 64, 64, 3)
    (picture,) = found["restore_png"]["picture_bytes"]
    assert decode_image(picture).shape == (64, 64, 3)


def test_a_segmentation_is_sent_too(tmp_path, prediction_log):
    model = SPSAGAN(filters=8, blocks=1, growth=4, cond_hidden=12, cond_channels=8)
    found = requests(model, tmp_path, prediction_log, pictures=False)
    assert [*found] == ["serving_default"]
    probabilities = found["serving_default"]["probabilities"]
    assert probabilities.shape == (1, 256, 256, 8)
    assert probabilities.sum(axis=-1) == pytest.approx(1)
