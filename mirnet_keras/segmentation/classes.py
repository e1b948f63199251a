"""The eight classes of outdoor scenes: names, colours, and what they are in ADE20K."""

import numpy as np

from mirnet_keras.segmentation.probabilities import PriorError

CLASSES = ("background", "sky", "water", "grass", "mountain", "building", "plant", "animal")
COLOURS = {  # RGB, to draw maps with
    "background": (153, 153, 153),
    "sky": (0, 255, 255),
    "water": (109, 158, 235),
    "grass": (183, 225, 205),
    "mountain": (153, 0, 255),
    "building": (17, 85, 204),
    "plant": (106, 168, 79),
    "animal": (224, 102, 102),
}
VOID = 255  # the label of pixels whose class nobody knows
VOID_COLOUR = (255, 255, 255)

# The labels of whole images for SFTGAN's classifier discriminator. Not those of the maps.
IMAGE_LABELS = {
    "background": 0,
    "building": 1,
    "plant": 2,
    "mountain": 3,
    "water": 4,
    "sky": 5,
    "grass": 6,
    "animal": 7,
}

# The classes of ADE20K's 150, counted from 0 = wall, that belong to each of ours; this package's
# decision. All others are background.
ADE20K_CLASSES = 150
ADE20K_MEMBERS = {
    "sky": {"sky": 2},
    "water": {
        "water": 21,
        "sea": 26,
        "river": 60,
        "fountain": 104,
        "swimming pool": 109,
        "waterfall": 113,
        "lake": 128,
    },
    "grass": {"grass": 9, "field": 29},
    "mountain": {"mountain": 16, "rock": 34, "hill": 68},
    "building": {
        "building": 1,
        "house": 25,
        "skyscraper": 48,
        "bridge": 61,
        "hovel": 79,
        "tower": 84,
    },
    "plant": {"tree": 4, "plant": 17, "flower": 66, "palm": 72},
    "animal": {"animal": 126},
}


def ade20k_to_outdoor(probabilities: np.ndarray) -> np.ndarray:
    """Sums the probabilities of ADE20K's classes for each of the eight.

    Args:
        probabilities: (..., 150).

    Returns:
        (..., 8) float32, in the order of `CLASSES`.

    Raises:
        PriorError: for another number of classes.
    """
    if probabilities.shape[-1] != ADE20K_CLASSES:
        raise PriorError(
            f"ADE20K has {ADE20K_CLASSES} classes, on the last axis. Received shape "
            f"{probabilities.shape}."
        )
    return probabilities.astype(np.float32) @ _membership()


def _membership() -> np.ndarray:
    """(150, 8), one 1 in each row."""
    owner = np.zeros(ADE20K_CLASSES, int)
    for name, members in ADE20K_MEMBERS.items():
        owner[list(members.values())] = CLASSES.index(name)
    return np.eye(len(CLASSES), dtype=np.float32)[owner]


def labels_to_probabilities(labels: np.ndarray) -> np.ndarray:
    """One-hot maps of labels; void becomes background.

    Args:
        labels: (height, width) integers, 0 to 7 or `VOID`.

    Returns:
        (height, width, 8) float32.

    Raises:
        PriorError: for another label, or other axes.
    """
    _check_labels(labels)
    known = np.where(labels == VOID, 0, labels)
    return np.eye(len(CLASSES), dtype=np.float32)[known]


def labels_to_colours(labels: np.ndarray) -> np.ndarray:
    """Draws labels: (height, width) integers, 0 to 7 or `VOID`, to uint8 RGB.

    Raises:
        PriorError: for another label, or other axes.
    """
    _check_labels(labels)
    palette = np.full((VOID + 1, 3), VOID_COLOUR, np.uint8)
    palette[: len(CLASSES)] = [COLOURS[name] for name in CLASSES]
    return palette[labels]


def colours_to_labels(image: np.ndarray) -> np.ndarray:
    """Reads a drawn map: uint8 RGB (height, width, 3) to uint8 labels.

    Raises:
        PriorError: when a pixel has none of the nine colours.
    """
    labels = np.full(image.shape[:2], VOID, np.uint8)
    known = (image == VOID_COLOUR).all(axis=-1)
    for label, name in enumerate(CLASSES):
        drawn = (image == COLOURS[name]).all(axis=-1)
        labels[drawn] = label
        known |= drawn
    if not known.all():
        colour = tuple(int(value) for value in image[~known][0])
        raise PriorError(
            f"A map has the colour {colour}, which stands for no class. Known: "
            f"{COLOURS | {'void': VOID_COLOUR}}."
        )
    return labels


def _check_labels(labels: np.ndarray) -> None:
    if labels.ndim != 2 or not np.issubdtype(labels.dtype, np.integer):
        raise PriorError(
            f"Labels are (height, width) integers. Received {labels.dtype} of shape {labels.shape}."
        )
    unknown = labels[((labels < 0) | (labels >= len(CLASSES))) & (labels != VOID)]
    if unknown.size:
        raise PriorError(
            f"Labels are 0 to {len(CLASSES) - 1}, or {VOID} for void. Received {unknown[0]}."
        )
