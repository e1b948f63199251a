"""Between two networks of the same kind: as faithful as the one, as sharp as the other."""

import keras
from keras import ops


def interpolate(first: keras.Model, second: keras.Model, alpha: float) -> keras.Model:
    """The network whose weights lie between those of two others.

    ESRGAN (Wang et al., ECCVW 2018), section 3.4, "Network interpolation". What only `second` has,
    an attention, is taken from it with its scale `gamma` times alpha, so that 0 gives the images of
    `first` and 1 those of `second`.

    Args:
        first: the network trained for fidelity.
        second: the one trained adversarially from it; all layers of `first` are in it.
        alpha: 0..1.

    Returns:
        A new model of the kind of `second`.

    Raises:
        ValueError: for another alpha, or when `first` has weights that `second` lacks.
    """
    if not 0 <= alpha <= 1:
        raise ValueError(f"`alpha` must be in 0..1. Received alpha={alpha}.")
    theirs = {variable.path: variable for variable in first.variables}
    absent = theirs.keys() - {variable.path for variable in second.variables}
    if absent:
        raise ValueError(
            "The second network must have all weights of the first; it lacks "
            f"{sorted(absent)[:4]}. Exchange them, or take two networks of the same recipe."
        )
    between = type(second).from_config(second.get_config())
    for variable, own in zip(between.variables, second.variables, strict=True):
        value = ops.convert_to_numpy(own)
        match = theirs.get(own.path)
        if match is not None:
            value = (1 - alpha) * ops.convert_to_numpy(match) + alpha * value
        elif own.path.endswith("/gamma"):
            value = alpha * value
        variable.assign(value)
    return between
