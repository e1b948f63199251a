"""What sets an image apart from clean bicubic ones, on which enlarging networks learn."""

from mirnet_keras.restorer.looking import Look

# 2040 is the longest side of DIV2K's sharp pictures: nothing that is this large has been enlarged
# in training or in a benchmark.
PIXELS_LIMIT = 2040 * 2040


def unlike_clean_bicubic(seen: Look) -> tuple[str, ...]:
    """Name what a network that learned on clean bicubic reductions has not seen.

    Args:
        seen: what the image shows.

    Returns:
        Of "JPEG blocks", "noise" and its megapixels, what a sentence can say that it has; nothing
        of the first two where a side is below 64 pixels, too few to tell.
    """
    found = []
    if seen.is_blocky:
        found.append("JPEG blocks")
    if seen.is_noisy:
        found.append("noise")
    if seen.pixels > PIXELS_LIMIT:
        found.append(f"{seen.pixels / 1e6:.0f} megapixels, more than any of them")
    return tuple(found)
