"""ESRGAN's residual dense block with a table of links, and three of them in a residual."""

from collections.abc import Sequence

import keras
from keras import ops

from mirnet_keras.layers.composite import Composite
from mirnet_keras.layers.convolution import convolution

# Which nodes each of the five convolutions reads; node 0 is the input, node k convolution k.
LINKS = {
    "dense": ((0,), (0, 1), (0, 1, 2), (0, 1, 2, 3), (0, 1, 2, 3, 4)),
    "log": ((0,), (0, 1), (1, 2), (0, 2, 3), (1, 3, 4)),
    "chain": ((0,), (1,), (2,), (3,), (4,)),
}
RESIDUAL_SCALE = 0.2
# A tenth of He's normal start. ESRGAN, authors' code.
SMALL_NORMAL = {
    "class_name": "VarianceScaling",
    "config": {"scale": 0.02, "mode": "fan_in", "distribution": "untruncated_normal"},
}


def link_table(links: str | Sequence[Sequence[int]]) -> tuple[tuple[int, ...], ...]:
    """The nodes that each of the five convolutions reads, ascending.

    Args:
        links: `"dense"`, `"log"`, `"chain"`, or five lists of node numbers.

    Raises:
        ValueError: for another name, or a table that leaves a node out or reads a later one.
    """
    if isinstance(links, str):
        if links not in LINKS:
            raise ValueError(f"`links` must be one of {sorted(LINKS)} or a table. Got {links!r}.")
        return LINKS[links]
    table = tuple(tuple(sorted(sources)) for sources in links)
    if len(table) != 5 or not all(table) or any(len(set(row)) < len(row) for row in table):
        raise ValueError(
            "`links` must be five lists, one for each convolution, none of them empty and no node "
            f"twice in one. Received {links!r}."
        )
    for number, sources in enumerate(table, start=1):
        if not all(isinstance(node, int) and 0 <= node < number for node in sources):
            raise ValueError(
                f"Convolution {number} can read the nodes 0 to {number - 1}. "
                f"Received links[{number - 1}]={list(sources)}."
            )
    unread = set(range(5)) - {node for sources in table for node in sources}
    if unread:
        raise ValueError(
            f"Every node must be read by a later convolution; nothing reads {sorted(unread)}. "
            f"Received {links!r}."
        )
    return table


@keras.saving.register_keras_serializable("mirnet_keras")
class ResidualSparseBlock(Composite):
    """Five convolutions, each reading some of those before it, added to the input.

    `x + 0.2 * conv_5(...)`, leaky ReLU of slope 0.2 behind the first four. With
    `links="dense"` ESRGAN's residual dense block (Wang et al., ECCVW 2018, "Network
    architecture"); with fewer links SPSAGAN's sparse block (Zhang et al., 2020), whose table is
    not published: `"log"` links nodes at distances 1, 2 and 4.

    Args:
        growth: int. Channels of the first four convolutions.
        links: `"dense"`, `"log"`, `"chain"` or five lists, as in `link_table`.

    Input shape: `(batch, height, width, channels)`.
    Output shape: same as the input.

    Raises:
        ValueError: for a table of links that does not fit.
    """

    def __init__(self, growth: int = 32, links="log", **kwargs):
        super().__init__(**kwargs)
        self.growth = growth
        self.links = links
        self.table = link_table(links)

    def build(self, input_shape):
        channels = input_shape[-1]
        widths = (channels, *[self.growth] * 4)
        self.convolutions = []
        for number, sources in enumerate(self.table, start=1):
            layer = convolution(
                self.growth if number < 5 else channels,
                use_bias=True,
                kernel_initializer=SMALL_NORMAL,
                name=f"convolution_{number}",
                dtype=self.dtype_policy,
            )
            layer.build((*input_shape[:-1], sum(widths[node] for node in sources)))
            self.convolutions.append(layer)

    def call(self, inputs):
        nodes = [inputs]
        for layer, sources in zip(self.convolutions, self.table, strict=True):
            read = [nodes[node] for node in sources]
            x = layer(ops.concatenate(read, axis=-1) if len(read) > 1 else read[0])
            nodes.append(ops.leaky_relu(x, 0.2) if len(nodes) < 5 else x)
        return inputs + RESIDUAL_SCALE * nodes[5]

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return super().get_config() | {"growth": self.growth, "links": self.links}


@keras.saving.register_keras_serializable("mirnet_keras")
class ResidualInResidualSparseBlock(Composite):
    """Three `ResidualSparseBlock`s in series, times 0.2, added to the input (RRSB).

    With `links="dense"` ESRGAN's RRDB.

    Args:
        growth, links: As in `ResidualSparseBlock`.

    Input shape: `(batch, height, width, channels)`.
    Output shape: same as the input.
    """

    def __init__(self, growth: int = 32, links="log", **kwargs):
        super().__init__(**kwargs)
        self.growth = growth
        self.links = links

    def build(self, input_shape):
        self.blocks = [
            ResidualSparseBlock(self.growth, self.links, name=f"block_{b}", dtype=self.dtype_policy)
            for b in range(3)
        ]
        for block in self.blocks:
            block.build(input_shape)

    def call(self, inputs):
        x = inputs
        for block in self.blocks:
            x = block(x)
        return inputs + RESIDUAL_SCALE * x

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return super().get_config() | {"growth": self.growth, "links": self.links}
