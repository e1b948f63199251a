"""Ordinary runs whose numbers are no longer finite stop, say where it began, and lose nothing."""

import h5py
import keras
import numpy as np
import pytest

from mirnet_keras.data import Batches
from mirnet_keras.images import write_image
from mirnet_keras.models import AWSRN
from mirnet_keras.recipes import Recipe
from mirnet_keras.training import compile_model, train
from mirnet_keras.training.callbacks import KeepCheckpoint
from mirnet_keras.training.divergence import DivergenceError, first_non_finite_layer
from mirnet_keras.training.run_folder import RunFolder


@pytest.fixture(scope="module")
def recipe(tiny):
    """`recipe(**changes)`: of four reports, each validated."""
    values = tiny(
        arguments={"kernel_sizes": [3]},
        data={"kind": "super_resolution", "folders": ["hr"], "validation": "hr"},
        stages=[{"steps": 8, "crop": 16, "batch": 2}],
        report_every=2,
        validate_every=2,
        protocol="classical-y",
    )
    return lambda **changes: Recipe(**(values | changes))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    small = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    write_image(folder / "hr/a.png", small.repeat(3, axis=0).repeat(3, axis=1))
    return folder


def break_step(monkeypatch, broken):
    batch = Batches.batch

    def infinite(self, step):
        inputs, targets = batch(self, step)
        return (np.full_like(inputs, np.nan) if step == broken else inputs), targets

    monkeypatch.setattr(Batches, "batch", infinite)


@pytest.mark.parametrize(
    ("broken", "kept", "changes"),
    [(5, 4, {}), (1, 0, {}), (6, 6, {"steps_per_execution": 2})],
    ids=["in the middle", "in the first report", "several steps at once"],
)
def test_the_step_and_the_layer_are_named_and_the_run_goes_on(
    recipe, data, tmp_path, monkeypatch, broken, kept, changes
):
    plan = recipe(**changes)
    break_step(monkeypatch, broken)
    first = AWSRN(**plan.arguments).layers[1].name
    with pytest.raises(
        DivergenceError, match=f"Step {broken} is not finite, first in the output of '{first}'"
    ) as caught:
        train(plan, tmp_path, data, verbose=0)
    assert f"new folder with `start_from: {tmp_path}`" in str(caught.value)
    with h5py.File(tmp_path / "checkpoint.weights.h5") as file:
        assert file.attrs["step"] == kept
    assert (tmp_path / "best.keras").exists() is (kept > 0)
    assert not (tmp_path / "last.keras").exists()
    monkeypatch.undo()
    weights = train(plan, tmp_path, data, verbose=0).get_weights()
    assert all(np.isfinite(array).all() for array in weights)


def test_weights_that_are_not_finite_are_not_kept(recipe, tmp_path):
    """The loss of a report can be finite, and the gradient of its last step not."""
    plan = recipe()
    model = AWSRN(**plan.arguments)
    compile_model(model, plan)
    model.optimizer.build(model.trainable_variables)
    folder = RunFolder(tmp_path, plan)
    folder.save_checkpoint(model, 4)
    kept = folder.checkpoint.read_bytes()
    images = np.random.default_rng(0).random((1, 8, 8, 3), np.float32)
    targets = images.repeat(2, axis=1).repeat(2, axis=2)
    keep = KeepCheckpoint(folder, 2, lambda step: (images, targets))
    keep.set_model(model)
    model.set_weights([np.full_like(array, np.nan) for array in model.get_weights()])
    with pytest.raises(DivergenceError, match="weights are not finite, at step 6.*last good state"):
        keep.on_epoch_end(2, {"loss": 0.1})
    assert folder.checkpoint.read_bytes() == kept


def test_layers_of_every_kind_are_looked_at(global_network):
    image = np.random.default_rng(0).random((1, 16, 16, 3), np.float32)
    assert first_non_finite_layer(global_network, image) is None
    first = next(x for x in global_network.layers if not isinstance(x, keras.layers.InputLayer))
    found = first_non_finite_layer(global_network, np.full_like(image, np.nan))
    assert found == f"the output of '{first.name}'"
