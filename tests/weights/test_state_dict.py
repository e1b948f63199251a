import json
import subprocess
import sys

import pytest

from mirnet_keras import weights
from mirnet_keras.weights import state_dict


def written(path, kind, content):
    """A safetensors file with one array of four numbers of this kind."""
    entry = {"dtype": kind, "shape": [4], "data_offsets": [0, len(content)]}
    head = json.dumps({"body.weight": entry}).encode()
    path.write_bytes(len(head).to_bytes(8, "little") + head + content)
    return path


def test_bfloat16_is_read_though_nobody_taught_it_numpy(tmp_path):
    path = written(tmp_path / "net.safetensors", "BF16", b"\x80\x3f\x00\x40\x00\xc0\x00\x00")
    program = (
        "import sys, importlib.util\n"
        "spec = importlib.util.spec_from_file_location('alone', sys.argv[1])\n"
        "module = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(module)\n"
        "assert 'ml_dtypes' not in sys.modules\n"
        "array = module.read_state_dict(sys.argv[2])['body.weight']\n"
        "print(array.dtype, array.tolist())"
    )
    command = [sys.executable, "-c", program, state_dict.__file__, str(path)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout == "float32 [1.0, 2.0, -2.0, 0.0]\n"


@pytest.mark.parametrize("kind", ["F8_E4M3", "F8_E5M2"])
def test_numbers_that_numpy_lacks_are_refused(kind, tmp_path):
    path = written(tmp_path / "net.safetensors", kind, bytes(4))
    with pytest.raises(weights.WeightsError, match=r"such as FP8 .*float8.*Take the file in"):
        weights.read_state_dict(path)
