"""The discriminators under the authors' names."""

from mirnet_keras.models import DISCRIMINATORS
from mirnet_keras.weights.tensors import Tensor, batch_normalization, convolution, vector


def vgg(model) -> list[Tensor]:
    """`VGGStyleDiscriminator` of BasicSR 1.x without bias before norm, its older form with."""
    if model.arguments["bias_before_norm"]:
        return [*_numbered("features", model), *_judgement("classifier.0", "classifier.2", model)]
    table = []
    for place in _places(model):
        table += convolution(f"conv{place}", model.get_layer(f"convolution_{place}"))
        if place != "0_0":
            table += batch_normalization(f"bn{place}", model.get_layer(f"norm_{place}"))
    return [*table, *_judgement("linear1", "linear2", model)]


def classifier(model) -> list[Tensor]:
    """`ACD_VGG_BN_96` of SFTGAN's training code."""
    return [
        *_numbered("feature", model),
        *_judgement("gan.0", "gan.2", model, "real_"),
        *_judgement("cls.0", "cls.2", model, "class_"),
    ]


def unet(model) -> list[Tensor]:
    """`UNetDiscriminatorSN` of Real-ESRGAN."""
    table = convolution("conv0", model.get_layer("convolution_0"))
    for step in range(1, 9):
        table += _spectral_norm_convolution(f"conv{step}", model.get_layer(f"convolution_{step}"))
    return [*table, *convolution("conv9", model.get_layer("convolution_9"))]


TABLES = {name: {"acd": classifier, "unet": unet}.get(name, vgg) for name in DISCRIMINATORS}


def _places(model) -> list[str]:
    """`0_0`, `0_1`, `1_0` ...: where the convolutions are."""
    names = [layer.name for layer in model.layers]
    return [name.removeprefix("convolution_") for name in names if name.startswith("convolution_")]


def _numbered(prefix: str, model) -> list[Tensor]:
    """The names of one `nn.Sequential` of convolution, norm (not at first) and activation."""
    first, *others = _places(model)
    table = convolution(f"{prefix}.0", model.get_layer(f"convolution_{first}"))
    for i, place in enumerate(others):
        table += convolution(f"{prefix}.{3 * i + 2}", model.get_layer(f"convolution_{place}"))
        table += batch_normalization(f"{prefix}.{3 * i + 3}", model.get_layer(f"norm_{place}"))
    return table


def _judgement(hidden: str, logits: str, model, name: str = "") -> list[Tensor]:
    """Two linear layers; the authors flatten the map in front by channel, row and column."""
    first, second = model.get_layer(f"{name}hidden"), model.get_layer(f"{name}logits")
    inputs, units = first.kernel.shape
    _, height, width, channels = model.get_layer("flatten").input.shape
    return [
        Tensor(
            f"{hidden}.weight",
            (units, inputs),
            first.kernel,
            axes=(2, 3, 1, 0),
            view=(units, channels, height, width),
        ),
        vector(f"{hidden}.bias", first.bias),
        Tensor(f"{logits}.weight", second.kernel.shape[::-1], second.kernel, axes=(1, 0)),
        vector(f"{logits}.bias", second.bias),
    ]


def _spectral_norm_convolution(prefix: str, layer) -> list[Tensor]:
    """`weight_orig`, `weight_u`, and `weight_v`, which they flatten by channel, row and column."""
    height, width, inputs, outputs = layer.kernel.shape
    shape = (outputs, inputs, height, width)
    return [
        Tensor(f"{prefix}.weight_orig", shape, layer.kernel, axes=(2, 3, 1, 0)),
        vector(f"{prefix}.weight_u", layer.u),
        Tensor(
            f"{prefix}.weight_v",
            tuple(layer.v.shape),
            layer.v,
            axes=(1, 2, 0),
            view=(inputs, height, width),
        ),
    ]
