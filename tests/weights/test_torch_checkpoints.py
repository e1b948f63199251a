"""The authors' `.pth` and `.pt` files through the command line; needs `.[convert]`."""

import json
import pickle
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from safetensors.numpy import load_file
from typer.testing import CliRunner

from mirnet_keras import cli
from mirnet_keras.weights import WeightsError, read_state_dict

GOLDEN = Path(__file__).parents[1] / "golden"


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def torch():
    import torch

    return torch


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def parameters(torch, name):
    """The golden file's parameters, as PyTorch has them."""
    tensors = load_file(GOLDEN / f"{name}.safetensors")
    found = {k: torch.from_numpy(v) for k, v in tensors.items() if k.startswith("param/")}
    return {key.removeprefix("param/"): tensor for key, tensor in found.items()}


def parallel(state):
    return {f"module.{key}": tensor for key, tensor in state.items()}


def run(*arguments):
    return CliRunner().invoke(cli.app, ["convert", *map(str, arguments)])


def fails(*arguments):
    """Converting must fail as a user's mistake does; returns the message."""
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("mirnet-keras: ")
    assert len(result.stderr.splitlines()) <= 15
    assert "Traceback" not in result.stderr
    return result.stderr


@pytest.mark.parametrize(
    ("name", "file", "wrapped"),
    [
        ("RCAN_x4", "net.pth", lambda state: state),
        ("RCAN_x2_full", "net.pt", lambda state: {"params": {}, "params_ema": state}),
        ("HAN_x3_batch2", "net.pth", parallel),
        ("SAN_x3_batch2", "net.pt", lambda state: {"params": state}),
        ("SAN_min_x2", "net.pth", lambda state: {"state_dict": parallel(state), "epoch": 7}),
    ],
)
def test_convert_gives_the_authors_output(torch, relative_error, name, file, wrapped):
    torch.save(wrapped(parameters(torch, name)), file)
    result = run(file, "--out", "here/net.keras")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"Recognised {name.split('_')[0]}: ")
    assert "\nWrote here/net.keras" in result.stdout
    golden = load_file(GOLDEN / f"{name}.safetensors")
    white = json.loads((GOLDEN / f"{name}.json").read_text())["value_range"][1]
    image, expected = (golden[key].transpose(0, 2, 3, 1) / white for key in ("in/x", "out/y"))
    assert relative_error(keras.saving.load_model("here/net.keras")(image), expected) < 1e-5


def test_an_existing_file_is_not_overwritten(torch, workplace):
    torch.save(parameters(torch, "RCAN_x4"), "net.pth")
    (workplace / "net.keras").write_text("mine")
    for out in ([], ["--out", "net.keras"]):
        assert "net.keras: exists already" in fails("net.pth", *out)
        assert (workplace / "net.keras").read_text() == "mine"
    assert run("net.pth", "--overwrite").exit_code == 0
    assert keras.saving.load_model("net.keras").scale == 4


class Trap:
    """Creates the file `sprung` when it is unpickled."""

    def __reduce__(self):
        return open, ("sprung", "w")


@pytest.mark.parametrize("is_zip", [True, False])
def test_code_in_a_checkpoint_is_refused_and_not_run(torch, workplace, is_zip):
    content = parameters(torch, "RCAN_x4") | {"optimizer": Trap()}
    torch.save(content, "net.pth", _use_new_zipfile_serialization=is_zip)
    message = fails("net.pth")
    assert "cannot be read safely" in message
    assert "Nothing in it was run" in message
    assert [path.name for path in workplace.iterdir()] == ["net.pth"]
    torch.load("net.pth", weights_only=False)["optimizer"].close()  # the trap does work
    assert (workplace / "sprung").exists()


def test_code_in_a_bare_pickle_is_refused_and_not_run(torch, workplace):
    (workplace / "net.pth").write_bytes(pickle.dumps(Trap()))
    assert "Nothing in it was run" in fails("net.pth")
    assert [path.name for path in workplace.iterdir()] == ["net.pth"]


@pytest.mark.parametrize("is_zip", [True, False])
def test_a_truncated_file_is_explained(torch, workplace, is_zip):
    state = parameters(torch, "RCAN_x4")
    torch.save(state, "whole.pth", _use_new_zipfile_serialization=is_zip)
    content = (workplace / "whole.pth").read_bytes()
    for length in (0, 1, 100, len(content) // 2, len(content) - 1):
        (workplace / "cut.pth").write_bytes(content[:length])
        assert "cut.pth cannot be read safely; it is damaged" in fails("cut.pth")
    assert not list(workplace.glob("*.keras"))


def test_a_whole_module_is_refused(torch):
    torch.save(torch.nn.Conv2d(3, 3, 1), "net.pth")
    assert "more than plain weights" in fails("net.pth")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "holds no weights"),
        ({"epoch": 3, "lr": 0.1}, "holds no weights: its entries are"),
        ({1: 2, "epoch": 3}, "holds no weights: its entries are"),
        ([1, 2], "holds a list, not named weights"),
    ],
)
def test_a_file_without_weights_says_what_it_holds(torch, content, message):
    torch.save(content, "net.pth")
    assert message in fails("net.pth")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_other_precisions_become_float32(torch, dtype):
    state = parameters(torch, "RCAN_x4")
    narrow = {key: tensor.to(getattr(torch, dtype)) for key, tensor in state.items()}
    torch.save(narrow, "net.pth")
    arrays = read_state_dict("net.pth")
    assert arrays.keys() == state.keys()
    for key, array in arrays.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, narrow[key].float().numpy(), err_msg=key)
    assert run("net.pth").exit_code == 0


def test_integer_buffers_are_named_as_unexpected(torch):
    counter = {"body.0.num_batches_tracked": torch.tensor(3)}
    torch.save(parameters(torch, "RCAN_x4") | counter, "net.pth")
    assert "unexpected (1): body.0.num_batches_tracked" in fails("net.pth")


def test_parameters_that_want_gradients_are_read(torch):
    state = parameters(torch, "RCAN_x4")
    torch.save({key: torch.nn.Parameter(tensor) for key, tensor in state.items()}, "net.pth")
    assert read_state_dict("net.pth").keys() == state.keys()


@pytest.mark.parametrize("kind", ["complex", "sparse", "meta"])
def test_tensors_that_are_no_plain_numbers_are_refused(torch, kind):
    strange = {
        "complex": lambda: torch.ones(3) * 1j,
        "sparse": lambda: torch.eye(3).to_sparse(),
        "meta": lambda: torch.zeros(3, device="meta"),
    }[kind]()
    torch.save(parameters(torch, "RCAN_x4") | {"strange": strange}, "net.pth")
    with pytest.raises(WeightsError, match="strange"):
        read_state_dict("net.pth")


def test_entries_without_a_name_are_no_weights(torch):
    torch.save(parameters(torch, "RCAN_x4") | {7: torch.ones(3)}, "net.pth")
    assert "7" in fails("net.pth")


def test_without_pytorch_the_extra_is_named(monkeypatch, workplace):
    monkeypatch.setitem(sys.modules, "torch", None)
    (workplace / "net.pth").write_bytes(b"x")
    assert "pip install '.[convert]'" in fails("net.pth")
