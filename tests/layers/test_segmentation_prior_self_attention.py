"""SPSA: the reference values, and what its maps and weights always are."""

import keras
import numpy as np
import pytest
from keras import ops

from mirnet_keras.layers import SPSA
from mirnet_keras.layers.segmentation_prior_self_attention import WEIGHTS
from mirnet_keras.weights.spsagan import PROJECTIONS
from mirnet_keras.weights.tensors import convolution, vector

every_mode = pytest.mark.parametrize("mode", WEIGHTS)
REFERENCE = {  # the golden file's outputs -> options
    **{mode: {"weight_mode": mode} for mode in WEIGHTS},
    "relative_renormalize": {"renormalize": True},
    "relative_scaled": {"logit_scale": "sqrt"},
    "relative_similarity": {"seg_mode": "similarity"},
}


def filled(golden, **options):
    """An SPSA with the golden parameters, and its table."""
    layer = SPSA(**({"key_ratio": 8} | options))
    layer.build([(None, None, None, 16), (None, None, None, 8)])
    table = [vector("gamma", layer.gamma)]
    for theirs, ours in PROJECTIONS.items():
        if getattr(layer, ours) is not None:
            table += convolution(theirs, getattr(layer, ours))
    golden.fill(table)
    return layer, table


def random_layer(gamma=0.7, **options):
    """An SPSA on 12 and 5 channels, and its inputs, 6 x 9."""
    keras.utils.set_random_seed(1)
    layer = SPSA(**({"key_ratio": 3} | options))
    random = np.random.default_rng(2)
    inputs = [random.standard_normal((2, 6, 9, c)).astype(np.float32) for c in (12, 5)]
    layer.build([x.shape for x in inputs])
    layer.gamma.assign(gamma)
    return layer, inputs


def numpy(x):
    return ops.convert_to_numpy(x)


@pytest.mark.parametrize("case", REFERENCE)
def test_reference_outputs(golden_units, case):
    golden = golden_units("SPSA_layer")
    layer, _ = filled(golden, **REFERENCE[case])
    assert golden.error(layer([golden["in/x"], golden["in/cond"]]), f"out/y_{case}") < 1e-6


def test_reference_maps_and_gradients(golden_units):
    golden = golden_units("SPSA_layer")
    layer, table = filled(golden)
    inputs = [golden["in/x"], golden["in/cond"]]
    outputs, maps = layer(inputs, return_attention=True)
    names = ("beta_fea", "beta_seg", "w_relative")
    for ours, name in zip(numpy(maps)[0], names, strict=True):
        assert golden.relative_error(ours, golden.tensors[f"mid/{name}"]) < 2e-6
    upstream = np.sign(numpy(outputs) - golden["in/t"]) / golden["in/t"].size
    expected = [golden["grad/in_x"], golden["grad/in_cond"]]
    errors = golden.gradient_errors(layer, inputs, upstream, expected, table)
    assert max(errors.values()) < 2e-3, errors


@pytest.mark.parametrize("name", ["SAGAN_attention", "SAGAN_attention_vproj"])
def test_feature_mode_is_sagan(golden_units, name):
    golden = golden_units(name)
    layer = SPSA(weight_mode="feature", value_dim=8 if "vproj" in name else None)
    layer.build([(None, None, None, 16), (None, None, None, 1)])
    parts = {"f": layer.key, "g": layer.query, "h": layer.value, "v": layer.project}
    table = [vector("gamma", layer.gamma)]
    for theirs, ours in parts.items():
        table += [] if ours is None else convolution(theirs, ours)
    golden.fill(table)
    image = golden["in/x"]
    assert golden.error(layer([image, image[..., :1]]), "out/y") < 1e-6


def test_parameter_count():
    layer = SPSA()
    layer.build([(None, None, None, 64), (None, None, None, 32)])
    assert layer.count_params() == 5713


@every_mode
def test_maps_are_shares_and_lie_between(mode):
    layer, inputs = random_layer(weight_mode=mode)
    _, maps = layer(inputs, return_attention=True)
    feature, segmentation, weight = np.moveaxis(numpy(maps), 1, 0)
    np.testing.assert_allclose(feature.sum(-1), 1, atol=1e-6)
    np.testing.assert_allclose(segmentation.sum(-1), 1, atol=1e-6)
    assert weight.min() >= 0 and weight.max() <= 1
    combined = weight * segmentation + (1 - weight) * feature
    assert (combined >= np.minimum(feature, segmentation) - 1e-7).all()
    assert (combined <= np.maximum(feature, segmentation) + 1e-7).all()


@every_mode
@pytest.mark.parametrize("size", [0, 1, 100, 1e4])
def test_weights_of_any_logits_are_finite(mode, size, gradients):
    random = np.random.default_rng(3)
    for keys in (1, 2, 577):
        logits = [size * random.standard_normal((3, keys)).astype(np.float32) for _ in range(2)]
        layer = SPSA(weight_mode=mode)
        weigh = WEIGHTS[mode]

        def weighted(pair, weigh=weigh, layer=layer):
            return weigh(layer, *(ops.log_softmax(x) if x.shape[-1] > 1 else 0 * x for x in pair))

        weight = numpy(weighted([ops.convert_to_tensor(x) for x in logits]))
        assert weight.min() >= 0 and weight.max() <= 1  # NaN is neither
        by_input, _ = gradients(weighted, logits, ops.sum)
        assert all(g is None or np.isfinite(g).all() for g in by_input)


@pytest.mark.parametrize(
    ("a", "b", "relative", "largest", "absolute", "exponential"),
    [
        (0.01, 0.01, 0, 0, 0, 0),
        (0.0100, 0.0102, 0.009901, 0.019608, 0.000200, 0.019801),
        (0.0005, 0.05, 0.980198, 0.990000, 0.049500, 0.992917),
        (0.05, 0.0005, 0.980198, 0.990000, 0.049500, 0.992917),
        (0.3, 1e-30, 1, 1, 0.3, 1),
    ],
)
def test_the_four_cases(a, b, relative, largest, absolute, exponential):
    """Maps that agree, and one of them much larger; 100 keys."""
    a, b = np.full((1, 100), np.log(a), np.float32), np.full((1, 100), np.log(b), np.float32)
    expected = {"relative": relative, "max": largest, "abs": absolute, "exp": exponential}
    for mode, weight in expected.items():
        found = numpy(WEIGHTS[mode](SPSA(weight_mode=mode), a, b))[0, 0]
        np.testing.assert_allclose(found, weight, atol=2e-6, err_msg=mode)


def test_one_row_by_hand():
    segmentation = ops.log_softmax(np.array([[3.0, 0, -1, 0]], np.float32))
    feature = ops.log_softmax(np.array([[0.0, 1, -1, 2]], np.float32))
    expected = {
        "relative": (0.822460, 0.683486, 0.323567, 0.870618),
        "max": (0.902582, 0.811989, 0.488932, 0.930834),
        "abs": (0.807398, 0.192346, 0.015674, 0.599378),
        "row_max": (1.000000, 0.238230, 0.019414, 0.742357),
        "exp": (0.960426, 0.536702, 0.060773, 0.909056),
        "constant": (0.25,) * 4,
    }
    for mode, weight in expected.items():
        found = WEIGHTS[mode](SPSA(weight_mode=mode, constant=0.25), segmentation, feature)
        np.testing.assert_allclose(numpy(found)[0], weight, atol=2e-6, err_msg=mode)


def test_a_flat_condition_gives_flat_attention():
    layer, (features, condition) = random_layer()
    _, maps = layer([features, 0 * condition + 0.5], return_attention=True)
    np.testing.assert_allclose(numpy(maps)[:, 1], 1 / 54, rtol=1e-5)


def test_equal_maps_have_no_weight():
    _, (features, _) = random_layer()
    twin = SPSA(key_ratio=3)
    twin.build([features.shape, features.shape])
    twin.gamma.assign(1.0)
    twin.condition_key.set_weights(twin.key.get_weights())
    twin.condition_query.set_weights(twin.query.get_weights())
    outputs, maps = twin([features, features], return_attention=True)
    assert np.abs(numpy(maps)[:, 2]).max() < 1e-6
    twin.weight_mode = "feature"
    np.testing.assert_allclose(numpy(twin([features, features])), numpy(outputs), atol=1e-6)


def test_without_gamma_the_input_stays():
    layer, inputs = random_layer(gamma=0.0)
    np.testing.assert_array_equal(numpy(layer(inputs)), inputs[0])


@every_mode
def test_which_gradients_there_are(mode, gradients):
    layer, inputs = random_layer(weight_mode=mode)
    (_, by_condition), by_variable = gradients(layer, inputs, lambda y: ops.sum(y**2))
    norms = {v.path.split("/", 1)[1]: np.abs(by_variable[id(v)]).max() for v in layer.weights}
    seen = {name for name, norm in norms.items() if norm > 0}
    segmentation = {"condition_key/kernel", "condition_query/kernel", "condition_query/bias"}
    feature = {"key/kernel", "query/kernel", "query/bias"}
    blind = {"feature": segmentation, "segmentation": feature}.get(mode, set())
    assert seen == set(norms) - blind
    assert np.isfinite(by_condition).all() and np.any(by_condition) == (mode != "feature")


def test_permuting_and_transposing_positions():
    layer, inputs = random_layer()
    outputs = numpy(layer(inputs))
    transposed = numpy(layer([x.transpose(0, 2, 1, 3) for x in inputs]))
    np.testing.assert_allclose(transposed.transpose(0, 2, 1, 3), outputs, atol=1e-5)
    order = np.random.default_rng(4).permutation(54)
    mixed = [x.reshape(2, 54, 1, -1)[:, order] for x in inputs]
    np.testing.assert_allclose(
        numpy(layer(mixed)), outputs.reshape(2, 54, 1, -1)[:, order], atol=1e-5
    )


def test_images_of_a_batch_do_not_see_each_other():
    layer, inputs = random_layer()
    alone = numpy(layer([x[:1] for x in inputs]))
    np.testing.assert_allclose(alone, numpy(layer(inputs))[:1], atol=1e-5)


@every_mode
def test_blocks_equal_the_whole(mode, gradients):
    plain, inputs = random_layer(weight_mode=mode, renormalize=mode == "relative")
    expected = numpy(plain(inputs))
    by_input, _ = gradients(plain, inputs, lambda y: ops.sum(y**2))
    for size in (1, 7, 53, 54, 59):
        plain.query_block = size
        np.testing.assert_allclose(numpy(plain(inputs)), expected, atol=1e-5)
    plain.query_block = 7
    in_blocks, _ = gradients(lambda x: plain(x, training=True), inputs, lambda y: ops.sum(y**2))
    for ours, theirs in zip(in_blocks, by_input, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4 * np.abs(theirs).max() + 1e-7)


def test_windows_are_images_of_their_own():
    layer, inputs = random_layer(window=3)
    whole = numpy(layer(inputs))
    layer.window = None
    corner = numpy(layer([x[:, 3:6, 6:9] for x in inputs]))
    np.testing.assert_allclose(whole[:, 3:6, 6:9], corner, atol=1e-5)


def test_pooled_keys_of_a_flat_image_change_nothing():
    layer, inputs = random_layer()
    flat = [0 * x + x[:, :1, :1] for x in inputs]
    expected = numpy(layer(flat))
    layer.key_pool = 2
    np.testing.assert_allclose(numpy(layer(flat)), expected, atol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_of_large_inputs(policy):
    layer, inputs = random_layer(dtype=policy)
    assert np.isfinite(numpy(ops.cast(layer([100 * x for x in inputs]), "float32"))).all()


@pytest.mark.parametrize(
    "options", [{"weight_mode": "sum"}, {"seg_mode": "taught"}, {"constant": 1.5}]
)
def test_options_that_are_none(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        SPSA(**options)


def test_maps_of_a_large_image_are_refused():
    layer, _ = random_layer()
    inputs = [np.zeros((1, 65, 64, c), np.float32) for c in (12, 5)]
    with pytest.raises(ValueError, match="Take a piece"):
        layer(inputs, return_attention=True)


@pytest.mark.parametrize(
    ("queries", "keys", "at_once"),
    [(4096, 4096, 4096), (8192, 8192, 2048), (43264, 2704, 6204), (2**20, 2**25, 1)],
)
def test_blocks_have_so_many_pairs_at_most_whatever_the_pooling(queries, keys, at_once):
    assert SPSA()._block_size(queries, keys) == at_once
