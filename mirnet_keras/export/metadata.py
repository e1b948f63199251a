"""What a LiteRT file says of itself, beside its signature."""

import json

from mirnet_keras.litert_metadata import ENTRY
from mirnet_keras.models import RestorationModel


def describe(model: RestorationModel, io: str, quantization: str, shape) -> dict:
    """Returns what an application has to know to use a file of this model.

    Args:
        model: of any precision.
        io: "float" or "uint8".
        quantization: of the file.
        shape: (height, width), or None for a file of any size.
    """
    from mirnet_keras import __version__

    return {
        "network": model.network,
        "name": model.name,
        "scale": model.scale,
        "multiple": model.multiple,  # the graph itself pads to it
        "value_range": [0, 255] if io == "uint8" else [0.0, 1.0],
        "channels": "RGB",
        "layout": "NHWC",
        "shape": "dynamic" if shape is None else list(shape),
        "quantization": quantization,
        "version": __version__,
    }


def add_metadata(content: bytes, values: dict) -> bytes:
    """Returns a LiteRT file's content with the values added, as JSON."""
    from tensorflow.lite.python import schema_py_generated as schema
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    buffer = schema.BufferT()
    buffer.data = list(json.dumps(values).encode())
    model.buffers.append(buffer)
    entry = schema.MetadataT()
    entry.name, entry.buffer = ENTRY, len(model.buffers) - 1
    model.metadata = [*(model.metadata or []), entry]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))
