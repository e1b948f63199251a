"""What a LiteRT file of this package says of itself; read without Keras and TensorFlow."""

import json
import os
from pathlib import Path

ENTRY = "mirnet_keras"  # name of the metadata in the file; its content is a JSON object


def read_metadata(path: str | os.PathLike) -> dict:
    """Reads what `to_litert` wrote into a LiteRT file; empty for the files of others.

    It needs ai-edge-litert, not TensorFlow.
    """
    from ai_edge_litert.schema_py_generated import Model

    model = Model.GetRootAs(Path(path).read_bytes())
    for number in range(model.MetadataLength()):
        entry = model.Metadata(number)
        if entry.Name() == ENTRY.encode():
            return json.loads(model.Buffers(entry.Buffer()).DataAsNumpy().tobytes())
    return {}
