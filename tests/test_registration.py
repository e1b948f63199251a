"""Each in a process of its own: an import happens once."""

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
