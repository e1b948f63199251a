from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import settings
from keras import ops
from typer.testing import CliRunner

# No time limit for one example: a loaded machine is no fault of the code.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

SMALL = {"scale": 2, "groups": 1, "blocks": 1, "filters": 8, "reduction": 4}
GLOBAL = {
    "rcan": SMALL,
    "han": SMALL | {"groups": 2},
    "san": SMALL,
    "mirnet": {"groups": 1, "blocks": 1, "filters": 8},
    "mirnet_v2": {"filters": 8, "blocks": 1, "convolution_groups": (1,)},
}
SHARED = Path(__file__).parents[1] / "../shared"


@pytest.fixture(scope="session")
def shared():
    """The folder of test data beside the checkout; tests that need it are skipped without it."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the data folder {SHARED.resolve()}")
    return SHARED


@pytest.fixture(scope="session")
def relative_error():
    """A function: the largest difference, against the largest value of the second argument."""

    def error(ours, theirs):
        ours = ops.convert_to_numpy(ours)
        assert ours.shape == theirs.shape
        return np.abs(ours - theirs).max() / np.abs(theirs).max()

    return error


@pytest.fixture(scope="session")
def gradients():
    """`gradients(function, inputs, loss)` of `loss(function(inputs))`, on either backend.

    Gives those of the inputs, and those of a layer's trainable variables by the variables' ids.
    """
    return _gradients


def _gradients(function, inputs, loss):
    variables = getattr(function, "trainable_variables", [])
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        inputs = keras.tree.map_structure(tf.convert_to_tensor, inputs)
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            value = loss(function(inputs))
        found = tape.gradient(value, (inputs, [v.value for v in variables]))
    else:
        import jax

        def stateless(inputs, values):
            with keras.StatelessScope(zip(variables, values, strict=True)):
                return loss(function(inputs))

        found = jax.grad(stateless, argnums=(0, 1))(inputs, [v.value for v in variables])
    by_input, by_variable = keras.tree.map_structure(
        lambda x: x if x is None else np.asarray(x), found
    )
    return by_input, {id(v): g for v, g in zip(variables, by_variable, strict=True)}


@pytest.fixture(scope="session")
def let_attention_count():
    """A function that sets the zeros of a layer or network: with them attention has no effect."""
    return _let_attention_count


def _let_attention_count(layer):
    for variable in layer.trainable_variables:
        if variable.path.endswith("gamma"):
            variable.assign(ops.full_like(variable, 0.3))


@pytest.fixture(scope="module", params=GLOBAL)
def global_network(request, let_attention_count):
    """Small networks of every kind that takes statistics of the whole picture."""
    from mirnet_keras.models import MODELS

    keras.utils.set_random_seed(0)
    network = MODELS[request.param](**GLOBAL[request.param])
    let_attention_count(network)
    return network


@pytest.fixture(scope="session")
def formula_parameters():
    """`formula_parameters(shapes, gain)`: what golden files without parameters were made from.

    Each number follows from the position of its key and its place in the tensor.
    """
    return lambda shapes, gain: {
        key: _formula(key, position, shape, gain)
        for position, (key, shape) in enumerate(shapes.items())
    }


def _formula(key, position, shape, gain):
    x = (np.arange(np.prod(shape, dtype=int), dtype=np.uint64) + 1000003 * position) % 2**32
    x = x.astype(np.uint32)
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        x = (x ^ (x >> np.uint32(shift))) * np.uint32(factor)
    uniform = (x ^ (x >> np.uint32(16))) / 2.0**31 - 1
    if key.endswith(("weight_u", "weight_v")):
        return (uniform / np.linalg.norm(uniform)).astype(np.float32)
    offset, scale = 0.0, 0.05
    if len(shape) >= 2:
        scale = gain * np.sqrt(6 / np.prod(shape[1:]))
    elif key.endswith("running_mean"):
        scale = 0.1
    elif key.endswith("running_var"):
        offset, scale = 1.0, 0.5
    elif key.endswith("weight"):
        offset, scale = 1.0, 0.25
    return (offset + scale * uniform).astype(np.float32).reshape(shape)


@pytest.fixture(scope="session")
def presets(tmp_path_factory):
    """A folder with two tiny presets under the names that `restore` chooses from."""
    from mirnet_keras.models import AWSRN, MIRNetV2
    from mirnet_keras.presets import save_preset

    folder = tmp_path_factory.mktemp("presets")
    keras.utils.set_random_seed(0)
    enlarging = AWSRN(scale=2, blocks=1, units=1, filters=4, wide_filters=8)
    brightening = MIRNetV2(filters=8, blocks=1, convolution_groups=(1,))
    for model, name, task in (
        (enlarging, "awsrn_s_x2", "super-resolution"),
        (brightening, "mirnet_lowlight_small", "low-light enhancement"),
    ):
        save_preset(
            model,
            folder / name,
            name=name,
            task=task,
            recipe="none",
            steps=0,
            trained_on="nothing",
            data_licence="none",
            scores=[{"data": "Set5", "protocol": "classical-y", "psnr": 30.0, "ssim": 0.9}],
        )
    return folder


@pytest.fixture
def workplace(tmp_path, monkeypatch, presets):
    """The folder that commands run in: empty, and they know only the tiny presets."""
    monkeypatch.setenv("MIRNET_KERAS_PRESETS", str(presets))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


@pytest.fixture
def run(workplace):
    """`run(*arguments)`: the result of the command `mirnet-keras` in the workplace."""
    from mirnet_keras import cli

    return lambda *arguments: CliRunner().invoke(cli.app, [str(x) for x in arguments])


@pytest.fixture
def fails(run):
    """`fails(*arguments)` runs a command that must fail as a user's mistake does.

    Gives the sentence.
    """

    def sentence(*arguments):
        result = run(*arguments)
        assert result.exit_code == 2, result.output
        assert result.stdout == ""
        assert result.stderr.startswith("mirnet-keras: ")
        assert "Traceback" not in result.stderr
        assert result.stderr.endswith((".\n", "?\n")) or "\n  " in result.stderr
        return result.stderr

    return sentence


@pytest.fixture(scope="session")
def photo():
    """`photo(height, width, seed)`: the pixels of a small bright picture."""

    def pixels(height=12, width=10, seed=0):
        random = np.random.default_rng(seed)
        return random.integers(90, 200, (height, width, 3)).astype(np.uint8)

    return pixels
