"""The perceptual index of the PIRM challenge."""


def perceptual_index(niqe: float, ma: float | None = None) -> float:
    """Returns ((10 - ma) + niqe) / 2; lower is better.

    Blau et al., "2018 PIRM Challenge on Perceptual Image Super-resolution" (ECCV Workshops 2018),
    section 3.

    Args:
        niqe: of `mirnet_keras.metrics.niqe`, with the official parameters.
        ma: the score of Ma et al. ("Learning a No-Reference Quality Metric for Single-Image
            Super-Resolution", 2017), 0..10, from their MATLAB code.

    Raises:
        ValueError: without `ma`, which this package cannot compute.
    """
    if ma is None:
        raise ValueError(
            "The perceptual index needs `ma`, the score of Ma et al. (2017). Their trained forest "
            "is not in this package: compute it with their MATLAB code, or quote NIQE alone."
        )
    return ((10 - ma) + niqe) / 2
