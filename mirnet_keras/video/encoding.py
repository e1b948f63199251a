"""What a result is encoded with."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mirnet_keras.video.clip import Clip, VideoError

if TYPE_CHECKING:
    from av.video.format import VideoFormat

# By name: options with which hardly anything is lost. `crf` is the constant quality.
ENCODERS = {
    "libx264": {"crf": "17"},
    "libx265": {"crf": "19", "x265-params": "log-level=error"},
    "libvpx-vp9": {"crf": "20", "b": "0"},
    "libsvtav1": {"crf": "20"},
    "ffv1": {"level": "3"},
}
BY_SUFFIX = {
    ".mp4": "libx264",
    ".m4v": "libx264",
    ".mov": "libx264",
    ".mkv": "libx264",
    ".webm": "libvpx-vp9",
}
OUTPUT_SUFFIXES = tuple(BY_SUFFIX)
EVEN_SIDES = ("libx264", "libx265")  # encoders that take no odd ones where colours are coarser

# Sides below which an encoder is not safe: x265's build 216 writes past the ends of its memory.
SMALLEST = {"libx265": 64}


def choose_encoder(output: Path, codec: str | None, crf: int | None) -> tuple[str, dict[str, str]]:
    """The name of an encoder and its options.

    Args:
        output: path of the result.
        codec: name of an encoder; None: the usual one for the suffix.
        crf: constant quality, in the encoder's own measure; None: hardly anything is lost.

    Raises:
        VideoError: for another suffix, and for an encoder that is not there or has no `crf`.
    """
    suffix = output.suffix.lower()
    if suffix not in BY_SUFFIX:
        raise VideoError(
            f"The result of a clip must end in one of {', '.join(BY_SUFFIX)}. Received '{output}'."
        )
    name = codec or BY_SUFFIX[suffix]
    there = [known for known in ENCODERS if is_there(known)]
    if name not in there:
        raise VideoError(
            f"PyAV on this machine has no encoder '{name}' that is known here. There are: "
            f"{', '.join(there)}. Name one of them as the codec."
        )
    os.environ.setdefault("SVT_LOG", "1")  # SVT-AV1 tells much of itself on stderr
    options = dict(ENCODERS[name])
    if crf is not None:
        if "crf" not in options:
            raise VideoError(f"{name} loses nothing, so it takes no `crf`. Leave it out.")
        options["crf"] = str(crf)
    return name, options


def is_there(name: str) -> bool:
    """Whether this machine's FFmpeg has an encoder."""
    from av.codec import Codec
    from av.error import FFmpegError

    try:
        Codec(name, "w")
    except (FFmpegError, ValueError):
        return False
    return True


def pixel_format(encoder: str, clip: Clip, size: tuple[int, int]) -> str:
    """The name of the result's pixel format: the clip's own, or the nearest that the encoder has.

    Args:
        encoder: its name.
        clip: what is restored.
        size: (height, width) of the result.
    """
    from av.codec import Codec

    known = {form.name for form in Codec(encoder, "w").video_formats or ()}
    own, depth = clip.first.format, "10le" if clip.colours.is_deep else ""
    is_odd = bool(size[0] % 2 or size[1] % 2) and encoder in EVEN_SIDES
    wanted = [own.name.replace("yuvj", "yuv")]
    if own.is_rgb or has_alpha(own) or (is_odd and not _is_fine(own)):
        wanted = []
    if own.is_rgb or is_odd:
        wanted += [f"yuv444p{depth}", "yuv444p"]
    wanted += [f"yuv420p{depth}", "yuv420p"]
    return next((name for name in wanted if name in known), wanted[-1])


def check_size(encoder: str, size: tuple[int, int]) -> None:
    """Raises where an encoder takes no frames as small as (height, width)."""
    least = SMALLEST.get(encoder, 1)
    if min(size) < least:
        raise VideoError(
            f"{encoder} takes frames of at least {least} pixels a side, but the result has "
            f"{size[1]} x {size[0]}. Choose libx264."
        )


def has_alpha(form: "VideoFormat") -> bool:
    """Whether a pixel format has transparency."""
    return any(component.is_alpha for component in form.components)


def bits_of(name: str) -> int:
    """Bits in a sample of a pixel format."""
    from av.video.format import VideoFormat

    return max(component.bits for component in VideoFormat(name).components)


def _is_fine(form: "VideoFormat") -> bool:
    """Whether colours have as many samples as brightness."""
    return (form.chroma_width(2), form.chroma_height(2)) == (2, 2)
