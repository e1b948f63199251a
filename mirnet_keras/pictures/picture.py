"""What a picture file holds."""

import dataclasses

import numpy as np

from mirnet_keras.images import to_dtype, to_float
from mirnet_keras.pictures.metadata import names_adobe_rgb
from mirnet_keras.pictures.png import Chunk

MAX_PIXELS = 200_000_000  # the largest telephone camera


@dataclasses.dataclass(frozen=True)
class Picture:
    r"""A picture with what a file says about it.

    Attributes:
        pixels: (height, width, 3) RGB or (height, width) grey, upright; uint8, uint16 or float32,
            as the file has them. Where `alpha` is 0 they mean nothing.
        alpha: Opacity, (height, width) of the same dtype, not multiplied into `pixels`; None for a
            picture without it.
        kind: "PNG", "JPEG", "WEBP", "TIFF", "BMP" or "GIF".
        exif: EXIF data, beginning with `Exif\0\0`, without orientation; None for none.
        icc: Colour profile, byte for byte; None for none.
        dpi: Pixels an inch, (across, down); None where the file does not say.
        colours: Chunks of a PNG file that describe its colours (gAMA, cHRM, ...), name and content.
        remarks: Sentences about what was or will be lost, for the user.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    kind: str = "PNG"
    exif: bytes | None = None
    icc: bytes | None = None
    dpi: tuple[float, float] | None = None
    colours: tuple[Chunk, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def is_grey(self) -> bool:
        """Whether the file has one channel for brightness."""
        return self.pixels.ndim == 2

    @property
    def is_opaque(self) -> bool:
        """Whether nothing shines through."""
        if self.alpha is None:
            return True
        full = np.iinfo(self.alpha.dtype).max if self.alpha.dtype.kind == "u" else 1
        return bool((self.alpha >= full).all())

    @property
    def rgb(self) -> np.ndarray:
        """The pixels as (height, width, 3), also of a grey picture."""
        return np.repeat(self.pixels[..., None], 3, axis=-1) if self.is_grey else self.pixels

    def on_white(self) -> "Picture":
        """The picture without transparency: what shines through is white."""
        if self.alpha is None or self.is_opaque:
            return dataclasses.replace(self, alpha=None)
        opacity = to_float(self.alpha)
        if not self.is_grey:
            opacity = opacity[..., None]
        pixels = to_dtype(to_float(self.pixels) * opacity + (1 - opacity), self.pixels.dtype)
        return dataclasses.replace(self, pixels=pixels, alpha=None)

    def without_metadata(self) -> "Picture":
        """The picture without EXIF data and density; colours need the profile, which stays."""
        plain = dataclasses.replace(self, exif=None, dpi=None)
        if self.icc is None and names_adobe_rgb(self.exif):
            return plain.remarked("The EXIF data, which are left out, named Adobe RGB as colours.")
        return plain

    def remarked(self, sentence: str, **changes) -> "Picture":
        """The picture with one more remark, and other changes."""
        return dataclasses.replace(self, remarks=(*self.remarks, sentence), **changes)
