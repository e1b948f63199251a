"""What every layer must do, on either backend: `KERAS_BACKEND=jax pytest tests/layers`."""

import dataclasses
import inspect
import json

import keras
import numpy as np
import pytest
from keras import ops

from mirnet_keras import layers


@dataclasses.dataclass(frozen=True)
class Case:
    """A layer, its arguments, and what it takes: `streams` images, or one where 0."""

    layer: type
    arguments: dict
    channels: int
    streams: int = 0

    def __str__(self):
        return "-".join([self.layer.__name__, *(f"{k}={v}" for k, v in self.arguments.items())])

    def make(self, name="layer", **kwargs):
        keras.utils.set_random_seed(0)
        return self.layer(**self.arguments, name=name, **kwargs)

    def settled(self, **kwargs):
        """The layer, built, with weights that do not depend on the backend."""
        layer = self.make(**kwargs)
        layer.build(self.shape((None, None, None)))
        random = np.random.default_rng(0)
        layer.set_weights([self._weight(random, w) for w in layer.weights])
        return layer

    def _weight(self, random, weight):
        shape = tuple(weight.shape)
        if not shape:  # slopes and scales
            return np.array(random.uniform(0.1, 0.9))
        if weight.name == "moving_variance":
            return random.uniform(0.5, 1.5, shape)
        return random.standard_normal(shape) / np.sqrt(max(np.prod(shape[:-1]), 1))

    def shape(self, size):
        shape = (*size, self.channels)
        return [shape] * self.streams if self.streams else shape

    def images(self, height=8, width=8):
        """One batch of all that may come: noise, its negative, constant, black and white."""
        random = np.random.default_rng(1)
        streams = []
        for _ in range(max(self.streams, 1)):
            noise = random.standard_normal((height, width, self.channels), np.float32)
            streams.append(np.stack([noise, -noise, 0 * noise + 0.3, 0 * noise, 0 * noise + 1]))
        return streams if self.streams else streams[0]


CASES = [
    Case(layers.AdaptiveWeightedMultiScale, {"filters": 12}, 4),
    Case(layers.AdaptiveWeightedMultiScale, {"filters": 3, "kernel_sizes": (5, 3)}, 4),
    Case(layers.AdaptiveWeightedResidualUnit, {"wide_filters": 8, "initial_scale": 0.5}, 4),
    Case(layers.BilinearEnlargement, {"filters": 3}, 4),
    Case(layers.BilinearUpsampling, {}, 3),
    Case(layers.BlurPool, {}, 3),
    Case(layers.ChannelAttention, {"reduction": 2}, 8),
    Case(layers.ChannelAttention, {"reduction": 2, "use_bias": True}, 8),
    Case(layers.ChannelSpatialAttention, {}, 4),
    Case(layers.ColourAdjustment, {"filters": 4}, 3),
    Case(layers.ConditionNetwork, {"scale": 2, "hidden": 12, "channels": 5}, 8),
    Case(layers.DualAttentionUnit, {}, 16),
    Case(layers.DualAttentionUnit, {"reduction": 4, "activation": None}, 16),
    Case(layers.GlobalContext, {}, 4),
    Case(layers.GlobalContext, {"slope": 0.1, "use_bias": True}, 4),
    Case(layers.GroupedConvolution, {"filters": 4}, 6),
    Case(layers.GroupedConvolution, {"filters": 4, "groups": 2, "use_bias": True}, 6),
    Case(layers.LayerAttention, {}, 4, streams=3),
    Case(layers.LayerAttention, {"prefer_similar": True}, 4, streams=2),
    Case(layers.LearnedEnlargement, {"scale": 4}, 3),
    Case(layers.LocalFusionBlock, {"units": 2, "wide_filters": 8, "initial_scale": 0.5}, 4),
    Case(layers.LocalSourceResidualAttentionGroup, {"blocks": 1, "reduction": 2}, 8),
    Case(
        layers.LocalSourceResidualAttentionGroup,
        {"blocks": 2, "reduction": 4, "statistics_size": None},
        8,
    ),
    Case(layers.MeanDownsampling, {"filters": 6}, 4),
    Case(layers.MeanShift, {}, 3),
    Case(layers.MeanShift, {"add": True, "value_range": 1.0}, 3),
    Case(layers.MirrorPadding, {"width": 2}, 3),
    Case(layers.MultiScaleResidualBlock, {"columns": 1}, 16),
    Case(layers.MultiScaleResidualBlock, {"rows": 2, "share_columns": False, "use_bias": True}, 16),
    Case(layers.MultiScaleResidualBlockV2, {"groups": 2, "use_bias": True}, 8),
    Case(layers.MultiScaleResidualBlockV2, {"channel_factor": 1.25}, 4),
    Case(layers.NearestUpsampling, {"scale": 2}, 3),
    Case(layers.PixelUnshuffle, {"scale": 2}, 3),
    Case(layers.PixelShuffle, {"scale": 2}, 12),
    Case(layers.PixelShuffleUpsampling, {"scale": 3}, 4),
    Case(layers.PixelShuffleUpsampling, {"scale": 4}, 4),
    Case(layers.RecursiveResidualGroup, {"blocks": 1, "rows": 2}, 16),
    Case(layers.RecursiveResidualGroupV2, {"blocks": 1, "groups": 4, "use_bias": True}, 16),
    Case(layers.RegionNonLocal, {}, 8),
    Case(layers.RegionNonLocal, {"filters": 3, "pooled": False}, 4),
    Case(layers.ResidualBlock, {}, 4),
    Case(layers.ResidualChannelAttentionBlock, {"reduction": 2}, 8),
    Case(layers.ResidualContextualBlock, {}, 4),
    Case(layers.ResidualContextualBlock, {"groups": 2, "slope": 0.1, "use_bias": True}, 4),
    Case(layers.ResidualDownsampling, {}, 4),
    Case(layers.ResidualDownsamplingChain, {"steps": 2}, 4),
    Case(layers.ResidualGroup, {"blocks": 2, "reduction": 2}, 8),
    Case(layers.ResidualUpsampling, {}, 4),
    Case(layers.ResidualUpsamplingChain, {"steps": 2}, 8),
    Case(layers.ScalarPReLU, {"initial_slope": 0.1}, 3),
    Case(layers.SecondOrderChannelAttention, {"reduction": 2}, 8),
    Case(layers.SecondOrderChannelAttention, {"reduction": 4, "statistics_size": 6}, 16),
    Case(layers.SelectiveKernelFusion, {}, 16, streams=3),
    Case(layers.SelectiveKernelFusion, {"reduction": 2, "slope": 0.2}, 8, streams=2),
    Case(layers.ResidualInResidualSparseBlock, {"growth": 3}, 6),
    Case(layers.ResidualSparseBlock, {"growth": 3, "links": "dense"}, 6),
    Case(layers.ResidualSparseBlock, {"growth": 3, "links": [[0], [1], [2], [0, 3], [4]]}, 6),
    Case(layers.SPSA, {}, 8, streams=2),
    Case(layers.SPSA, {"window": 4, "key_pool": 2, "logit_scale": "sqrt"}, 8, streams=2),
    Case(layers.SPSA, {"value_dim": 3, "seg_mode": "similarity"}, 8, streams=2),
    Case(layers.SPSA, {"spectral_norm": True, "query_block": 7}, 8, streams=2),
    Case(layers.ShareSource, {}, 4),
    Case(layers.ShareSource, {"by_channel": True}, 4),
    Case(layers.SpatialAttention, {"kernel_size": 3}, 4),
    Case(layers.SpatialFeatureTransform, {}, 4, streams=2),
    Case(layers.SpatialFeatureTransform, {"variant": "torch"}, 4, streams=2),
    Case(layers.SpatialFeatureTransformBlock, {}, 4, streams=2),
    Case(layers.SpatialFeatureTransformBlock, {"variant": "torch"}, 4, streams=2),
    Case(layers.SpectralNormConvolution, {"filters": 5, "use_bias": True}, 4),
    Case(layers.SpectralNormConvolution, {"filters": 6, "kernel_size": 4, "strides": 2}, 4),
    Case(layers.UnbiasedBatchNormalization, {}, 4),
    Case(layers.WeightNormConvolution, {"filters": 5, "kernel_size": 5, "activation": "relu"}, 4),
]
ATTENTION = {  # of a batch of 5 images, 8 x 8
    layers.AdaptiveWeightedMultiScale: (5, 4),
    layers.ChannelAttention: (5, 8),
    layers.ChannelSpatialAttention: (5, 8, 8, 4),
    layers.DualAttentionUnit: {"channel": (5, 16), "spatial": (5, 8, 8, 1)},
    layers.GlobalContext: (5, 8, 8, 1),
    layers.LayerAttention: (5, 3, 3),
    layers.RegionNonLocal: (5, 4, 4, 1),
    layers.SPSA: (5, 3, 64, 64),
    layers.SecondOrderChannelAttention: (5, 8),
    layers.SelectiveKernelFusion: (5, 3, 16),
    layers.SpatialAttention: (5, 8, 8, 1),
}
FIRST_CASE = {case.layer: case for case in reversed(CASES)}
every_layer = pytest.mark.parametrize("case", CASES, ids=str)


def numpy(outputs):
    return ops.convert_to_numpy(ops.cast(outputs, "float32"))


def weighted_sum(outputs):
    return ops.sum(outputs * np.random.default_rng(2).random(outputs.shape, np.float32))


def test_no_layer_is_left_out():
    registered = {
        cls
        for cls in keras.saving.get_custom_objects().values()
        if cls.__module__.startswith("mirnet_keras.layers")
    }
    assert registered == {case.layer for case in CASES}
    assert {cls.__name__ for cls in registered} <= set(layers.__all__)


@every_layer
def test_shape(case):
    layer = case.settled()
    for size in [(8, 8), (4, 12)]:
        outputs = layer(case.images(*size))
        shape = case.shape((5, *size))
        assert tuple(outputs.shape) == tuple(layer.compute_output_shape(shape))
    unknown = layer.compute_output_shape(case.shape((None, None, None)))
    assert tuple(unknown) == (None, None, None, outputs.shape[-1])


@every_layer
def test_shape_is_known_before_building(case):
    shape = case.shape((5, 8, 8))
    assert tuple(case.make().compute_output_shape(shape)) == case.settled()(case.images()).shape


@every_layer
def test_config_round_trip(case):
    layer = case.settled()
    images = case.images()
    expected = numpy(layer(images))
    written = json.dumps(keras.saving.serialize_keras_object(layer))
    fresh = case.layer.from_config(case.make().get_config())
    fresh.build(case.shape((None, None, None)))
    for copy in (fresh, keras.saving.deserialize_keras_object(json.loads(written))):
        assert type(copy) is case.layer
        assert copy.name == layer.name
        assert [v.shape for v in copy.weights] == [v.shape for v in layer.weights]
        copy.set_weights(layer.get_weights())
        np.testing.assert_array_equal(numpy(copy(images)), expected)
    config = case.make().get_config()
    assert {name: config[name] for name in case.arguments} == case.arguments


@every_layer
def test_gradient_reaches_every_variable_and_is_finite(case, gradients):  # C15
    layer = case.settled()
    _, found = gradients(layer, case.images(), weighted_sum)
    assert len(found) == len(layer.trainable_variables)
    for variable in layer.trainable_variables:
        gradient = found[id(variable)]
        assert gradient is not None, variable.path
        assert np.isfinite(gradient).all(), variable.path
        # A softmax does not change when the same number is added to all of its inputs.
        unseen = ("context/mask/bias", "layer/key/bias")
        assert np.any(gradient) or variable.path.endswith(unseen), variable.path


@every_layer
def test_mixed_precision(case):  # C14, C15
    images = case.images()
    expected = numpy(case.settled()(images))
    largest = np.abs(expected).max(axis=(1, 2, 3)) + 1e-3
    for policy, tolerance in [("mixed_bfloat16", 3e-2), ("mixed_float16", 4e-3)]:
        layer = case.settled(dtype=policy)
        assert {v.dtype for v in layer.variables} <= {"float32"}
        outputs = layer(images)
        assert keras.backend.standardize_dtype(outputs.dtype) == policy.removeprefix("mixed_")
        error = np.abs(numpy(outputs) - expected).max(axis=(1, 2, 3)) / largest
        assert (error <= tolerance).all(), (policy, error)  # NaN is not below anything


@every_layer
def test_saved_in_a_model_and_loaded(case, tmp_path):
    inputs = [keras.Input((None, None, case.channels)) for _ in range(max(case.streams, 1))]
    model = keras.Model(inputs, case.settled()(inputs if case.streams else inputs[0]))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    images = case.images() if case.streams else [case.images()]
    np.testing.assert_array_equal(numpy(loaded(images)), numpy(model(images)))
    assert loaded.count_params() == model.count_params()


@pytest.mark.parametrize("layer", ATTENTION, ids=lambda layer: layer.__name__)
def test_every_attention_unit_gives_its_map(layer):  # C12, C13
    case = FIRST_CASE[layer]
    unit, images = case.settled(), case.images()
    outputs, attention = unit(images, return_attention=True)
    assert keras.tree.map_structure(lambda x: tuple(x.shape), attention) == ATTENTION[layer]
    for gates in keras.tree.flatten(attention):
        assert keras.backend.standardize_dtype(gates.dtype) == "float32"
        # How much each of 4 keys is looked at is 1 on the average.
        assert 0 <= np.min(gates) <= np.max(gates) <= (4 if layer is layers.RegionNonLocal else 1)
    np.testing.assert_array_equal(numpy(outputs), numpy(unit(images)))


def test_no_attention_unit_is_left_out():
    asked = {
        case.layer
        for case in CASES
        if "return_attention" in inspect.signature(case.layer.call).parameters
    }
    assert asked == set(ATTENTION)


@pytest.mark.parametrize("layer", ATTENTION, ids=lambda layer: layer.__name__)
def test_maps_can_be_outputs_of_a_functional_model(layer):  # C12
    case = FIRST_CASE[layer]
    unit, images = case.settled(), case.images()
    inputs = [keras.Input((None, None, case.channels)) for _ in range(max(case.streams, 1))]
    outputs, attention = unit(inputs if case.streams else inputs[0], return_attention=True)
    model = keras.Model(inputs, [outputs, *keras.tree.flatten(attention)])
    found = model(images if case.streams else [images])
    expected = keras.tree.flatten(unit(images, return_attention=True))
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(numpy(ours), numpy(theirs), atol=1e-6)
