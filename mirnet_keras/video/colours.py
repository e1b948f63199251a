"""From the numbers in a clip's frames to RGB and back, in the clip's own colours."""

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from av import VideoFrame

# Numbers of ITU-T H.273, which containers and FFmpeg use.
BT709, UNKNOWN, BT470BG, SMPTE170M, SMPTE240M, BT2020, BT2020_CONSTANT = 1, 2, 5, 6, 7, 9, 10
# By them: swscale's names of the matrices that it knows.
MATRICES = {
    BT709: "ITU709",
    BT470BG: "ITU601",
    SMPTE170M: "ITU601",
    SMPTE240M: "SMPTE240M",
    BT2020: "BT2020",
    BT2020_CONSTANT: "BT2020",
}
NARROW, FULL = 1, 2  # FFmpeg's ranges: black is 16, and black is 0
HIGH_DEFINITION = 720  # lines from which players take BT.709 where nothing is said


@dataclasses.dataclass(frozen=True)
class Colours:
    """What the numbers of a clip's frames mean.

    Attributes:
        matrix, primaries, transfer: numbers of ITU-T H.273.
        range: `NARROW` or `FULL`.
        bits: of a sample.
    """

    matrix: int
    primaries: int
    transfer: int
    range: int
    bits: int

    @classmethod
    def of(cls, frame: "VideoFrame") -> "Colours":
        """What a frame says; where it is silent, what players then assume."""
        matrix = frame.colorspace
        if matrix not in MATRICES:
            matrix = BT709 if frame.height >= HIGH_DEFINITION else SMPTE170M
        is_full = frame.color_range == FULL or frame.format.name.startswith("yuvj")
        bits = max(component.bits for component in frame.format.components)
        scope = FULL if is_full else NARROW
        return cls(matrix, frame.color_primaries, frame.color_trc, scope, bits)

    @property
    def is_deep(self) -> bool:
        """Whether there are more than 8 bits in a sample."""
        return self.bits > 8


def pixels(frame: "VideoFrame", colours: Colours) -> np.ndarray:
    """A frame as (height, width, 3) RGB, as it lies in the file: uint8, of a deep clip uint16."""
    return frame.reformat(
        format="rgb48le" if colours.is_deep else "rgb24",
        src_colorspace=MATRICES[colours.matrix],
        src_color_range=colours.range,
        dst_color_range=FULL,
        interpolation=_careful(),
    ).to_ndarray()


def frame_of(image: np.ndarray, colours: Colours, pixel_format: str) -> "VideoFrame":
    """A frame of an image.

    Args:
        image: (height, width, 3) RGB, uint8 or uint16.
        colours: of the frame.
        pixel_format: FFmpeg's name.
    """
    from av import VideoFrame

    kind = "rgb48le" if image.dtype == np.uint16 else "rgb24"
    frame = VideoFrame.from_ndarray(np.ascontiguousarray(image), kind).reformat(
        format=pixel_format,
        src_color_range=FULL,
        dst_colorspace=MATRICES[colours.matrix],
        dst_color_range=colours.range,
        interpolation=_careful(),
    )
    frame.colorspace, frame.color_range = colours.matrix, colours.range
    frame.color_primaries, frame.color_trc = colours.primaries, colours.transfer
    return frame


def upright(image: np.ndarray, frame: "VideoFrame") -> np.ndarray:
    """An image turned and mirrored as its frame shall be shown.

    Args:
        image: (height, width, 3).
        frame: it was read from.
    """
    across, mixed, swapped, down = _orientation(frame)
    if abs(mixed) > abs(across):  # a quarter turn: the axes change places
        image, across, down = image.swapaxes(0, 1), swapped, mixed
    return image[:: -1 if down < 0 else 1, :: -1 if across < 0 else 1]


def is_turned(frame: "VideoFrame") -> bool:
    """Whether a frame is shown on its side: its height becomes the width."""
    across, mixed, _, _ = _orientation(frame)
    return abs(mixed) > abs(across)


def _orientation(frame: "VideoFrame") -> tuple[int, int, int, int]:
    """(a, b, c, d): what lies at (x, y) is shown at (a x + c y, b x + d y)."""
    data: Any = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return 1, 0, 0, 1
    matrix = np.frombuffer(bytes(data), np.int32).tolist()
    return matrix[0], matrix[1], matrix[3], matrix[4]


def _careful() -> int:
    """The way of swscale that loses least."""
    from av.video.reformatter import Interpolation

    return Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
