"""How a tensor of the authors' state dict is laid out, against ours."""

import dataclasses

import keras
import numpy as np


@dataclasses.dataclass(frozen=True)
class Tensor:
    """One entry of the authors' state dict.

    Args:
        key: str. The authors' name.
        shape: tuple. The authors' shape.
        variable: Keras variable that it fills, or None for a constant or an unused entry.
        axes: tuple. `transpose` from the authors' axes to ours, after which it is reshaped.
        order: array or None. Our output channel `i` is the authors' channel `order[i]`.
        constant: array or None. What a buffer must hold, in the authors' layout.
        view: tuple. The authors' shape with axes split, where `axes` counts those.
    """

    key: str
    shape: tuple[int, ...]
    variable: keras.Variable | None = None
    axes: tuple[int, ...] = ()
    order: np.ndarray | None = None
    constant: np.ndarray | None = None
    view: tuple[int, ...] = ()

    def to_ours(self, array: np.ndarray) -> np.ndarray:
        """The authors' array in our variable's layout."""
        if self.order is not None:
            array = array[self.order]
        array = array.reshape(self.view or self.shape).transpose(self.axes)
        return array.reshape(self._filled().shape)

    def to_theirs(self) -> np.ndarray:
        """Our variable in the authors' layout."""
        view = self.view or self.shape
        permuted = tuple(view[axis] for axis in self.axes)
        array = keras.ops.convert_to_numpy(self._filled()).reshape(permuted)
        array = array.transpose(np.argsort(self.axes)).reshape(self.shape)
        return array if self.order is None else array[np.argsort(self.order)]

    def _filled(self) -> keras.Variable:
        if self.variable is None:
            raise ValueError(f"{self.key} is a constant or unused: it fills no variable.")
        return self.variable


def vector(key: str, variable, shape: tuple[int, ...] | None = None, order=None) -> Tensor:
    """A scalar, a bias, or anything else whose axes stay as they are."""
    shape = shape or tuple(variable.shape) or (1,)
    return Tensor(key, shape, variable, tuple(range(len(shape))), order)


def convolution(prefix: str, layer, order=None) -> list[Tensor]:
    """A convolution: (out, in, height, width) -> (height, width, in, out)."""
    height, width, inputs, outputs = layer.kernel.shape
    shape = (outputs, inputs, height, width)
    weight = Tensor(f"{prefix}.weight", shape, layer.kernel, (2, 3, 1, 0), order)
    return [weight, *_bias(prefix, layer, order)]


def convolution_on_unshuffled(prefix: str, layer, scale: int) -> list[Tensor]:
    """A convolution behind a pixel unshuffle: inputs theirs `(c, y, x)`, ours `(y, x, c)`."""
    height, width, inputs, outputs = layer.kernel.shape
    view = (outputs, inputs // scale**2, scale, scale, height, width)
    shape = (outputs, inputs, height, width)
    axes = (4, 5, 2, 3, 1, 0)
    return [
        Tensor(f"{prefix}.weight", shape, layer.kernel, axes, view=view),
        *_bias(prefix, layer),
    ]


def convolution_3d(prefix: str, layer) -> list[Tensor]:
    """A 3-D convolution: (out, in, depth, height, width) -> (depth, height, width, in, out)."""
    depth, height, width, inputs, outputs = layer.kernel.shape
    shape = (outputs, inputs, depth, height, width)
    weight = Tensor(f"{prefix}.weight", shape, layer.kernel, (2, 3, 4, 1, 0))
    return [weight, *_bias(prefix, layer)]


def transposed_convolution(prefix: str, layer) -> list[Tensor]:
    """A transposed convolution: (in, out, height, width) -> (height, width, out, in)."""
    height, width, outputs, inputs = layer.kernel.shape
    shape = (inputs, outputs, height, width)
    return [Tensor(f"{prefix}.weight", shape, layer.kernel, (2, 3, 1, 0))]


def batch_normalization(prefix: str, layer) -> list[Tensor]:
    """A batch normalisation, and PyTorch's count of batches, which nothing here reads."""
    return [
        vector(f"{prefix}.weight", layer.gamma),
        vector(f"{prefix}.bias", layer.beta),
        vector(f"{prefix}.running_mean", layer.moving_mean),
        vector(f"{prefix}.running_var", layer.moving_variance),
        Tensor(f"{prefix}.num_batches_tracked", ()),
    ]


def dense(prefix: str, layer) -> list[Tensor]:
    """A 1 x 1 convolution on pooled features: (out, in, 1, 1) -> (in, out)."""
    inputs, outputs = layer.kernel.shape
    weight = Tensor(f"{prefix}.weight", (outputs, inputs, 1, 1), layer.kernel, (1, 0, 2, 3))
    return [weight, *_bias(prefix, layer)]


def weight_norm_convolution(prefix: str, layer, order=None) -> list[Tensor]:
    """A weight-normalised convolution: `weight_g`, `weight_v`, `bias`."""
    height, width, inputs, outputs = layer.direction.shape
    direction = (outputs, inputs, height, width)
    return [
        vector(f"{prefix}.bias", layer.bias, order=order),
        vector(f"{prefix}.weight_g", layer.length, (outputs, 1, 1, 1), order),
        Tensor(f"{prefix}.weight_v", direction, layer.direction, (2, 3, 1, 0), order),
    ]


def shuffled_channels(colours: int, scale: int) -> np.ndarray:
    """Order for convolutions in front of a pixel shuffle: ours `(y, x, c)`, theirs `(c, y, x)`."""
    theirs = np.arange(colours * scale**2).reshape(colours, scale, scale)
    return theirs.transpose(1, 2, 0).reshape(-1)


def _bias(prefix: str, layer, order=None) -> list[Tensor]:
    return [] if layer.bias is None else [vector(f"{prefix}.bias", layer.bias, order=order)]
