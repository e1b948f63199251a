"""Each in a process of its own: an import happens once."""

import importlib.util
import subprocess
import sys
import textwrap

import keras
import pytest

from mirnet_keras import layers
from mirnet_keras.models import AWSRN


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A network, and a model of somebody's own made of our layers."""
    folder = tmp_path_factory.mktemp("models")
    AWSRN(2, blocks=1, units=1, filters=4, wide_filters=8).save(folder / "network.keras")
    keras.Sequential([keras.Input((8, 8, 4)), layers.GlobalContext()]).save(folder / "own.keras")
    return folder


def printed(code, **format):
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code).format(**format)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.split()


@pytest.mark.parametrize(
    "imports",
    [
        "import mirnet_keras, keras",
        "import keras, mirnet_keras",
        "from mirnet_keras import __version__; import tensorflow as tf; keras = tf.keras",
        "import mirnet_keras, importlib.util; importlib.util.find_spec('keras'); import keras",
    ],
)
def test_keras_finds_the_classes_in_any_order(files, imports):
    names = printed(
        f"""
        {imports}
        for name in ("network", "own"):
            print(type(keras.models.load_model("{files}/" + name + ".keras")).__name__)
        """
    )
    assert names == ["RestorationModel", "Sequential"]


def test_importing_loads_no_keras():
    assert printed(
        """
        import sys
        import mirnet_keras
        print("keras" in sys.modules, "numpy" in sys.modules)
        """
    ) == ["False", "False"]


@pytest.mark.parametrize(
    ("backend", "reason"),
    [("theano", "backend : theano"), ("openvino", "openvino is not installed")],
)
def test_a_backend_that_is_not_there_is_named(backend, reason, monkeypatch):
    if importlib.util.find_spec(backend) is not None:
        pytest.skip(f"{backend} is installed")
    monkeypatch.setenv("KERAS_BACKEND", backend)
    command = [sys.executable, "-m", "mirnet_keras.cli", "info"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    (line,) = run.stderr.splitlines()
    assert f"cannot start its backend {backend}: " in line
    assert reason in line


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["torch", "openvino"])
def test_a_backend_that_gives_other_images_is_refused(backend, monkeypatch):
    pytest.importorskip(backend)
    monkeypatch.setenv("KERAS_BACKEND", backend)
    for command in (
        ["-m", "mirnet_keras.cli", "info"],
        ["-c", "import mirnet_keras as mk; mk.load('awsrn_s_x2')"],
        ["-c", "import mirnet_keras as mk; mk.models.RCAN(scale=2)"],
    ):
        run = subprocess.run(
            [sys.executable, *command], capture_output=True, text=True, check=False
        )
        assert run.returncode == (2 if command[0] == "-m" else 1)
        assert f"do not work on Keras' backend {backend}" in run.stderr.splitlines()[-1]
