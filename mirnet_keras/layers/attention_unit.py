"""What all attention units have in common: their map on request."""

import keras
from keras import ops

from mirnet_keras.layers.composite import Composite


class AttentionUnit(Composite):
    """A layer of which `layer(x, return_attention=True)` gives `(output, attention)`.

    Also symbolically: the map may be an output of a functional model.
    """

    def compute_output_spec(self, *args, **kwargs):
        """Keras' hook: traces `call`, because what it gives depends on `return_attention`."""
        return keras.Operation.compute_output_spec(self, *args, **kwargs)


def softmax(logits):
    """Softmax over the last axis, which may have length 1 (of which Keras' own warns)."""
    return ops.ones_like(logits) if logits.shape[-1] == 1 else ops.softmax(logits, axis=-1)


def flat(images):
    """(batch, height, width, channels) -> (batch, positions, channels)."""
    batch, height, width, channels = ops.shape(images)
    return ops.reshape(images, (batch, height * width, channels))


def looped(attend, queries, others, step: int):
    """`attend(*queries, *others)` in a loop over blocks of queries, image by image.

    For numbers of queries that are large or known at run time only. LiteRT takes a loop only if
    all that a turn reads and writes has a known shape.

    Args:
        attend: function that gives (batch, queries, channels).
        queries: tensors (batch, queries, channels), of which it takes blocks.
        others: tensors (batch, ...), which it takes whole.
        step: queries in a block.
    """
    batch, count = ops.shape(queries[0])[:2]
    blocks = (count + step - 1) // step
    rows = []
    for query in queries:
        padded = ops.pad(query, [(0, 0), (0, blocks * step - count), (0, 0)])
        rows.append(ops.reshape(padded, (batch * blocks, step, query.shape[-1])))

    def turn(arguments):
        *block, owner = arguments
        return attend(*(query[None] for query in block), *(x[owner][None] for x in others))[0]

    results = ops.map(turn, (*rows, ops.arange(batch * blocks) // blocks))
    return ops.reshape(results, (batch, blocks * step, results.shape[-1]))[:, :count]
