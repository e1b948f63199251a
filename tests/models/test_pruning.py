import numpy as np
import pytest

from mirnet_keras.models import AWSRN, MIRNetV2, prune_scale_branches, scale_branches


@pytest.fixture
def model():
    model = AWSRN(scale=2, blocks=1, units=1, filters=4, wide_filters=8)
    tail = model.get_layer("reconstruction")
    for branch, scale, value in zip(tail.branches, tail.scales, (0.6, -0.3, 0.1, 0.0), strict=True):
        branch.length.assign(np.full(12, 2.0))
        scale.assign(value)
    return model


def test_shares_follow_the_learned_weights(model):
    branches = scale_branches(model)
    assert [branch.kernel_size for branch in branches] == [3, 5, 7, 9]
    np.testing.assert_allclose([branch.share for branch in branches], [0.6, 0.3, 0.1, 0], atol=1e-6)
    np.testing.assert_allclose([branch.strength for branch in branches], [1.2, 0.6, 0.2, 0], 1e-6)
    # Direction, length, bias and scale of a 3 x 3 branch from 4 to 12 channels.
    assert branches[0].parameters == 9 * 4 * 12 + 12 + 12 + 1


def test_pruned_equals_the_model_with_the_branches_switched_off(model):
    image = np.random.default_rng(0).random((1, 8, 7, 3), np.float32)
    pruning = prune_scale_branches(model, 0.25)
    assert pruning.removed == [7, 9]
    assert pruning.cost_db is None
    assert pruning.model.arguments["kernel_sizes"] == [3, 5]
    removed = sum(b.parameters for b in pruning.branches if b.kernel_size in pruning.removed)
    assert pruning.model.count_params() == model.count_params() - removed
    model.get_layer("reconstruction").scales[2].assign(0.0)
    np.testing.assert_allclose(
        np.asarray(pruning.model(image)), np.asarray(model(image)), atol=1e-6
    )


def test_the_cost_is_measured_on_the_given_pictures(model):
    low = np.random.default_rng(0).random((8, 8, 3), np.float32)
    best = model.restore(low)
    free = prune_scale_branches(model, 0.05, [(low, best + 0.01)])
    assert free.removed == [9]
    assert abs(free.cost_db) < 1e-3
    costly = prune_scale_branches(model, 0.5, [(low, best + 0.01)])
    assert costly.removed == [5, 7, 9]
    assert costly.cost_db > 1


def test_no_branch_left_is_refused(model):
    with pytest.raises(ValueError, match="largest share is 0.600"):
        prune_scale_branches(model, 0.7)


def test_other_networks_are_refused():
    with pytest.raises(ValueError, match="Only an AWSRN"):
        prune_scale_branches(MIRNetV2(filters=8, blocks=1, convolution_groups=(1,)), 0.1)
