"""The authors' numbers: outputs, parameters and gradients of the original networks."""

import collections

import numpy as np
from keras import ops

from mirnet_keras import weights
from mirnet_keras.weights.recognition import TABLES, canonical

# A softmax does not see what is added to all of its inputs: rounding is all there is.
UNSEEN = ("gcnet.conv_mask.bias", "non_local.phi.0.bias")


def test_there_is_a_case_for_every_variant(golden_networks):
    networks = collections.Counter(name.split("_")[0] for name in golden_networks)
    assert networks == {"AWSRN": 7, "HAN": 8, "MIRNet": 4, "MIRNetv2": 3, "RCAN": 7, "SAN": 9}


def test_output(golden, relative_error):
    assert relative_error(golden.model(golden.image("in/x")), golden.image("out/y")) < 1e-5


def test_parameter_count(golden):
    assert golden.model.count_params() == golden.facts["used_params"]


def test_round_trip_is_bit_identical(golden):
    back = weights.to_official(golden.model)
    original = canonical(golden.model.network, golden.parameters)
    assert back.keys() == original.keys()
    for key, array in back.items():
        np.testing.assert_array_equal(array, original[key], err_msg=key)


def test_entries_that_are_never_used_fill_no_variable(golden):
    table = TABLES[golden.model.network].tensors(golden.model)
    constants = {tensor.key for tensor in table if tensor.constant is not None}
    filled = {tensor.key for tensor in table if tensor.variable is not None}
    never_used = {tensor.key for tensor in table} - filled - constants
    assert never_used == set(golden.facts["unused_keys"]) - constants


def test_gradients(golden, gradients, relative_error):
    theirs = canonical(golden.model.network, golden.part("grad/"))
    if "_grad_" not in golden.name:
        assert not theirs
        return
    targets = golden.image("in/t")
    by_input, by_variable = gradients(
        golden.model, golden.image("in/x"), lambda y: ops.mean(ops.abs(y - targets))
    )
    if "grad_in/x" in golden.tensors:
        # Theirs is the same loss on their range: the factor is in the loss and in the input.
        expected = golden.tensors["grad_in/x"].transpose(0, 2, 3, 1)
        assert relative_error(by_input, expected) < 2e-3
    table = {t.key: t for t in TABLES[golden.model.network].tensors(golden.model)}
    largest = max(np.linalg.norm(gradient) for gradient in theirs.values())
    compared = set()
    for key, gradient in theirs.items():
        tensor = table[key]
        # Ours is the gradient of a loss on 0..1.
        ours = by_variable[id(tensor.variable)] * golden.range
        compared.add(id(tensor.variable))
        if key.endswith(UNSEEN):
            assert np.linalg.norm(ours) < 1e-6 * largest, key
            continue
        assert relative_error(ours, tensor.to_ours(gradient)) < 2e-3, key
    assert compared == by_variable.keys()
