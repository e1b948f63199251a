"""Two networks against each other: the step, two steps from one recipe, resuming, NaN."""

import keras
import numpy as np
import pytest
from keras import ops

from mirnet_keras import train
from mirnet_keras.data import SegmentedBatches, synthetic_scene
from mirnet_keras.images import ImageError, write_image
from mirnet_keras.models import SPSAGAN, UNetDiscriminator
from mirnet_keras.presets import load
from mirnet_keras.recipes import Recipe, RecipeError
from mirnet_keras.segmentation import PriorError, labels_to_probabilities
from mirnet_keras.training import AdversarialModel, adversarial_optimizer
from mirnet_keras.training.adversarial import is_attention
from mirnet_keras.training.divergence import DivergenceError, first_non_finite_layer
from mirnet_keras.training.train_adversarially import adversarial_model
from mirnet_keras.weights import transfer_by_name


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """A data folder: scenes with maps, and general pictures."""
    root = tmp_path_factory.mktemp("data")
    random = np.random.default_rng(0)
    for folder in ("scenes", "general", "maps"):
        (root / folder).mkdir()
    for number in range(4):
        image, labels = synthetic_scene(64, 80, random)
        write_image(root / "scenes" / f"{number}.png", image)
        np.save(root / "maps" / f"{number}.npy", labels)
        write_image(root / "general" / f"g{number}.png", synthetic_scene(64, 80, random)[0])
    return root


@pytest.fixture(scope="module")
def recipe(tiny_game):
    """`recipe(**changes)`: of two steps; the changes are of the second."""
    second = {"stages": [{"steps": 6, "crop": 32, "batch": 2}], "rate": 1e-3}
    first = {
        "stages": [{"steps": 2, "crop": 32, "batch": 2}],
        "ema": 0.0,
        "report_every": 2,
        "validate_every": 4,
        "protocol": "classical-y",
    }
    return lambda **changes: Recipe(**tiny_game(second | changes, **first))


@pytest.fixture
def game(recipe):
    """`game(...)`: a small generator and discriminator, with one batch."""

    def begin(perceptual=None, adversarial="relativistic", **options):
        keras.utils.set_random_seed(0)
        generator = SPSAGAN(**recipe().arguments)
        judge = UNetDiscriminator(filters=4)
        model = AdversarialModel(generator, judge, None, perceptual, adversarial)
        for variable in model.generator.variables:
            if "gamma" in variable.path:
                variable.assign(0.5)
        model.compile(adversarial_optimizer(model, **options), jit_compile=False)
        random = np.random.default_rng(1)
        low = random.random((2, 8, 8, 3), np.float32)
        labels = random.integers(0, 8, (2, 32, 32))
        maps = np.stack([labels_to_probabilities(x) for x in labels])
        return model, [low, maps], random.random((2, 32, 32, 3), np.float32)

    return begin


def values(variables):
    return [ops.convert_to_numpy(v).copy() for v in variables]


@pytest.mark.parametrize(
    "adversarial", ["relativistic", pytest.param("hinge", marks=pytest.mark.slow)]
)
def test_reports_what_the_losses_are(game, adversarial):
    model, inputs, targets = game(adversarial=adversarial)
    expected = game(adversarial=adversarial)[0]
    restored = expected.generator(inputs, training=True)
    real = expected.discriminator(targets, training=True)
    fake = expected.discriminator(restored, training=True)
    found = expected.losses_of(targets, restored, real, fake)
    logs = model.train_on_batch(inputs, targets, return_dict=True)
    assert logs.keys() == found.keys()
    for name, value in found.items():
        np.testing.assert_allclose(logs[name], value, rtol=1e-4, err_msg=name)
    np.testing.assert_allclose(
        logs["loss"], 1e-2 * logs["pixel"] + 5e-3 * logs["adversarial"], rtol=1e-4
    )


@pytest.mark.slow
def test_each_network_learns_by_its_own_loss(game, gradients):
    """Stochastic descent instead of Adam: the step is the gradient, alone, of the own loss."""
    model, inputs, targets = game()
    model.compile(keras.optimizers.SGD(1.0), jit_compile=False)
    twin = game()[0]

    def own(restored):
        real = twin.discriminator(targets, training=False)
        fake = twin.discriminator(restored, training=False)
        return twin.losses_of(targets, restored, real, fake)["loss"]

    # With spectral norms at rest: evaluation does not turn them.
    model.discriminator.call = _at_rest(model.discriminator.call)
    _, expected = gradients(twin.generator, inputs, own)
    before = values(model.generator.trainable_variables)
    model.train_on_batch(inputs, targets)
    after = values(model.generator.trainable_variables)
    largest = max(np.abs(g).max() for g in expected.values())
    pairs = zip(before, after, twin.generator.trainable_variables, strict=True)
    for old, new, variable in pairs:
        np.testing.assert_allclose(old - new, expected[id(variable)], atol=2e-3 * largest)


def _at_rest(call):
    return lambda images, training=False, mask=None: call(images, training=False)


@pytest.mark.slow
def test_rates_by_group(game):
    model, inputs, targets = game(rate=0.5, attention_rate=0.25, discriminator_rate=0.125)
    attention = {id(v) for x in model.generator.layers if is_attention(x) for v in x.variables}
    assert len(attention) == 9 + 10
    before = values(model.trainable_variables)
    model.train_on_batch(inputs, targets)
    judges = {id(v) for v in model.discriminator.trainable_variables}
    steps = {0.25: [], 0.125: [], 0.5: []}
    for old, variable in zip(before, model.trainable_variables, strict=True):
        rate = 0.25 if id(variable) in attention else 0.125 if id(variable) in judges else 0.5
        steps[rate].append(np.abs(ops.convert_to_numpy(variable) - old).max())
    for rate, sizes in steps.items():
        # Adam's first step has the size of its rate where the gradient is not tiny.
        np.testing.assert_allclose(max(sizes), rate, rtol=1e-2)


def test_rates_fall_by_half(game):
    model, _, _ = game()
    model.optimizer.build(model.trainable_variables)
    rates = sorted(float(o._learning_rate(100_000)) for o in model.optimizer.optimizers)
    np.testing.assert_allclose(rates, [5e-5, 5e-5, 2.5e-4])


@pytest.fixture(scope="module")
def whole(recipe, scenes, tmp_path_factory):
    """The folder of an uninterrupted run."""
    folder = tmp_path_factory.mktemp("whole")
    train(recipe(), folder, scenes, verbose=0)
    return folder


@pytest.mark.slow
def test_the_second_step_starts_where_the_first_ended(recipe, whole):
    """The first adversarial step sees exactly the first step's pictures: gamma is 0."""
    first = load(whole / "step_1" / "last.keras")
    assert first.classes is None
    second = SPSAGAN(**recipe().arguments)
    kept = transfer_by_name(first, second)
    assert all(path.startswith(("attention_", "condition")) for path in kept)
    image = np.random.default_rng(2).random((1, 9, 7, 3), np.float32)
    np.testing.assert_array_equal(second.restore(image), first.restore(image))
    last = load(whole / "last.keras")
    assert last.classes == 8 and np.abs(last.restore(image) - first.restore(image)).max() > 0


class KilledError(RuntimeError):
    pass


@pytest.mark.slow
def test_a_killed_second_step_goes_on_exactly(recipe, whole, scenes, tmp_path, monkeypatch):
    save = keras.Model.save_weights

    def dies_after_the_second_checkpoint(model, path, *args, **kwargs):
        save(model, path, *args, **kwargs)
        if isinstance(model, AdversarialModel):
            calls.append(path)
            if len(calls) == 2:
                monkeypatch.setattr(keras.Model, "save_weights", killed)

    def killed(*args, **kwargs):
        raise KilledError

    calls = []
    monkeypatch.setattr(keras.Model, "save_weights", dies_after_the_second_checkpoint)
    with pytest.raises(KilledError):
        train(recipe(), tmp_path / "parts", scenes, verbose=0)
    monkeypatch.setattr(keras.Model, "save_weights", save)
    parts = train(recipe(), tmp_path / "parts", scenes, verbose=0)
    logs = [(run / "log.csv").read_text() for run in (whole, tmp_path / "parts")]
    assert logs[0] == logs[1]
    for ours, theirs in zip(
        parts.get_weights(), load(whole / "last.keras").get_weights(), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
def test_nan_stops_the_run_keeps_the_checkpoint_and_names_the_layer(
    recipe, scenes, tmp_path, monkeypatch
):
    plan = recipe(stages=[{"steps": 4, "crop": 32, "batch": 2}])
    train(plan, tmp_path, scenes, verbose=0)
    longer = recipe(stages=[{"steps": 8, "crop": 32, "batch": 2}])
    (tmp_path / "recipe.yaml").unlink()
    (tmp_path / "last.keras").unlink()
    kept = (tmp_path / "checkpoint.weights.h5").read_bytes()
    batch = SegmentedBatches.batch

    def broken(self, step):
        low, maps, high = batch(self, step)
        return (low * np.float32("inf") if step == 5 else low), maps, high

    monkeypatch.setattr(SegmentedBatches, "batch", broken)
    with pytest.raises(DivergenceError, match="Step 5 .* in the output of 'first'"):
        train(longer, tmp_path, scenes, verbose=0)
    assert (tmp_path / "checkpoint.weights.h5").read_bytes() == kept


def test_a_step_that_is_not_finite_changes_nothing_to_nan(game):
    model, (low, maps), targets = game()
    logs = model.train_on_batch([low * np.nan, maps], targets, return_dict=True)
    assert np.isnan(logs["loss"])
    assert all(np.isfinite(v).all() for v in values(model.trainable_variables))


def test_the_first_layer_that_is_not_finite(game):
    model, inputs, _ = game()
    generator = model.generator
    assert first_non_finite_layer(generator, inputs) is None
    weights = generator.get_layer("trunk").get_weights()
    generator.get_layer("trunk").set_weights([weights[0], weights[1] * np.nan])
    assert first_non_finite_layer(generator, inputs) == "the weights of 'trunk'"


def test_other_networks_have_no_second_step(recipe):
    with pytest.raises(ValueError, match="rrdbnet and spsagan"):
        Recipe(**(recipe().model_dump() | {"network": "san"}))


def test_a_missing_feature_network(recipe, tmp_path):
    broken = recipe(perceptual=1.0, features="vgg16", feature_weights="vgg16.safetensors")
    with pytest.raises(FileNotFoundError, match="The weights of VGG16 are missing"):
        adversarial_model(broken, SPSAGAN(**recipe().arguments, spsa_after=()), tmp_path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"discriminator_arguments": {"widths": 4}},
            "`discriminator_arguments` do not fit: .*widths",
        ),
        ({"stages": [{"steps": 6, "crop": 30, "batch": 2}]}, "crop"),
        ({"data": {"scenes": ["nowhere"]}}, "nowhere"),
        ({"data": {"scenes": ["scenes"], "prior": "no_maps"}}, "no_maps"),
    ],
)
def test_what_the_second_step_lacks_is_said_before_the_first(
    recipe, scenes, tmp_path, changes, words
):
    with pytest.raises((RecipeError, ImageError, PriorError), match=words):
        train(recipe(**changes), tmp_path / "run", scenes, verbose=0)
    assert not (tmp_path / "run").exists()
