"""How a stored array becomes upright, by the EXIF orientation of its file."""

from collections.abc import Callable

import numpy as np

Change = Callable[[np.ndarray], np.ndarray]
FIRST_SIDEWAYS = 5  # orientation from which on width and height change places
TURNS: dict[int, Change] = {
    2: np.fliplr,
    3: lambda array: np.rot90(array, 2),
    4: np.flipud,
    5: lambda array: np.fliplr(np.rot90(array, -1)),
    6: lambda array: np.rot90(array, -1),
    7: lambda array: np.fliplr(np.rot90(array)),
    8: np.rot90,
}
