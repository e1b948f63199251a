"""Weights of one network into another that shares layers with it."""

import keras


def transfer_by_name(source: keras.Model, target: keras.Model) -> list[str]:
    """Copies every weight whose layer name and shape are found in both networks.

    So training starts as the papers do: at scale 4 from scale 2, and HAN from RCAN.

    Args:
        source: The model with the weights.
        target: The model that gets them; what it does not share keeps its values.

    Returns:
        The paths of the target's weights that stayed as they were.
    """
    theirs = {variable.path: variable for variable in source.variables}
    kept = []
    for variable in target.variables:
        match = theirs.get(variable.path)
        if match is not None and match.shape == variable.shape:
            # A copy: on JAX, predicting gives away the model's own arrays.
            variable.assign(keras.ops.convert_to_numpy(match).copy())
        else:
            kept.append(variable.path)
    return kept
