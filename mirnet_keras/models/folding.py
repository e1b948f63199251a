"""A trained model -> its cheapest exact equal for inference."""

from collections.abc import Callable

import numpy as np
from keras import ops

from mirnet_keras.layers import MEAN_COLOUR, ScalarPReLU
from mirnet_keras.models.awsrn_folded import FoldedAWSRN
from mirnet_keras.models.han import HAN
from mirnet_keras.models.mirnet import MIRNet
from mirnet_keras.models.rcan import RCAN
from mirnet_keras.models.restoration_model import RestorationModel
from mirnet_keras.models.san import SAN

# The networks that end in a mean shift.
SHIFTED: dict[str, Callable[..., RestorationModel]] = {"rcan": RCAN, "han": HAN, "san": SAN}


def fold(model: RestorationModel) -> RestorationModel:
    """Folds what is constant after training into the kernels; the function stays the same.

    AWSRN: weight normalisation becomes plain kernels; the scales of residual and identity paths
    and the running product of the identity scales move into the neighbouring kernels; the
    branches of the reconstruction become one convolution; the factors around the mean colour and
    the mean behind the network move into the first and the last kernels and biases. RCAN, HAN,
    SAN: the mean shift and the factor behind the last convolution move into it. (The mean in
    front stays everywhere: zero padding stands behind it.) MIRNet: the slopes of its activations
    become numbers.

    Args:
        model: A model of this package.

    Returns:
        A new model that gives the same pictures within rounding (1e-5). A network that has
        nothing to fold is returned as it is.

    Raises:
        ValueError: when an identity scale is so near zero that dividing by it loses digits.
    """
    if model.network == "awsrn":
        return _fold_awsrn(model)
    if model.network in SHIFTED and not model.arguments["folded"]:
        return _fold_mean_shift(model)
    if model.network == "mirnet":
        return _fold_slopes(model)
    return model


def _fold_slopes(model: RestorationModel) -> RestorationModel:
    folded = MIRNet(**model.arguments, name=model.name)
    folded.set_weights(model.get_weights())
    for layer in folded._flatten_layers():
        if isinstance(layer, ScalarPReLU):
            layer.fix()
    return folded


def _fold_mean_shift(model: RestorationModel) -> RestorationModel:
    folded = SHIFTED[model.network](**(model.arguments | {"folded": True}), name=model.name)
    for layer in folded.layers:
        layer.set_weights(model.get_layer(layer.name).get_weights())
    kernel, bias = (_array(x) for x in model.get_layer("tail").weights)
    shift = model.get_layer("restored")
    mixing, offset = _array(shift.kernel)[0, 0], _array(shift.bias)
    white = shift.value_range
    folded.get_layer("tail").set_weights(
        [kernel @ mixing / white, (bias @ mixing + offset) / white]
    )
    return folded


def _fold_awsrn(model: RestorationModel) -> RestorationModel:
    arguments = dict(model.arguments)
    del arguments["initial_scale"]
    kernel_size = max(arguments.pop("kernel_sizes"))
    folded = FoldedAWSRN(**arguments, kernel_size=kernel_size, name=model.name)

    def assign(name, kernel, bias):
        folded.get_layer(name).set_weights([kernel, bias])

    # The input loses its factor 2, the output its factor 1/2, to the convolutions beside them.
    kernel, bias = _plain(model.get_layer("head"))
    assign("head", 2 * kernel, bias)
    kernel, bias = _plain(model.get_layer("skip"))
    assign("skip", kernel, bias / 2)
    product = 1.0
    for b in range(arguments["blocks"]):
        product = _fold_block(model.get_layer(f"block_{b}"), f"block_{b}", product, assign)
    kernel, bias = (_array(x) for x in model.get_layer("reconstruction").merged())
    mean = np.tile(MEAN_COLOUR, arguments["scale"] ** 2)
    assign("reconstruction", product / 2 * kernel, bias / 2 + mean)
    return folded


def _fold_block(block, name: str, product: float, assign) -> float:
    """Folds one local fusion block.

    `product` is the factor between the features of the original and the folded network: it
    collects the identity scales, which the folded network does not multiply by.
    """
    at_input, products = product, []
    for u, unit in enumerate(block.units):
        kernel, bias = _plain(unit.expand)
        assign(f"{name}_unit_{u}_expand", product * kernel, bias)
        product *= _identity_scale(unit)
        products.append(product)
        kernel, bias = _plain(unit.project)
        factor = _array(unit.residual_scale) / product
        assign(f"{name}_unit_{u}_project", factor * kernel, factor * bias)
    product = at_input * _identity_scale(block)
    kernel, bias = _plain(block.fuse)
    per_channel = np.repeat(products, kernel.shape[-1])[:, None]
    factor = _array(block.residual_scale) / product
    assign(f"{name}_fuse", factor * per_channel * kernel, factor * bias)
    return product


def _identity_scale(layer) -> float:
    scale = float(_array(layer.identity_scale))
    if abs(scale) < 1e-3:
        raise ValueError(
            f"The identity scale of {layer.name!r} is {scale:.2g}: folding divides by it and would "
            "lose digits. Use the model as it is."
        )
    return scale


def _plain(layer) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and bias of a weight-normalised convolution, float64 for the products to come."""
    return _array(layer.kernel()), _array(layer.bias)


def _array(tensor) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(tensor), np.float64)
