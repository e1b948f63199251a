"""Reading clips: what one holds, found by going through it once, and its packets and frames."""

import contextlib
import dataclasses
import importlib.util
import os
import shlex
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mirnet_keras.pictures import MAX_PIXELS
from mirnet_keras.video.colours import Colours, pixels, upright

if TYPE_CHECKING:
    from av import Packet, VideoFrame
    from av.container import InputContainer
    from av.error import FFmpegError
    from av.video.stream import VideoStream

# What a clip is told by; of other names it would be taken for a picture.
INPUT_SUFFIXES = tuple(
    f".{kind}"
    for kind in ("3gp", "avi", "flv", "m2ts", "m4v", "mkv", "mov", "mp4")
    + ("mpeg", "mpg", "mts", "ogv", "ts", "webm", "wmv")
)
MICROSECONDS = 1_000_000  # unit of a container's times
LACKING = Fraction(1, 2)  # seconds at the end of a clip that its head may promise in vain
STREAMS_OF_TIMES = ("mpegts", "mpeg")  # formats cut out of a broadcast, whose times begin anywhere


class VideoError(ValueError):
    """A clip cannot be restored as asked; the message says why and what to do."""


@dataclasses.dataclass(frozen=True)
class Clip:
    """What a clip holds.

    Attributes:
        path: of the file.
        frames: how many packets of frames there are, which is nearly always their number.
        first: the first frame.
        colours: what the numbers in its frames mean.
        time_base: seconds in a unit of the frames' times.
        rate: frames a second, on average.
        start: seconds that are taken from all times.
    """

    path: Path
    frames: int
    first: "VideoFrame"
    colours: Colours
    time_base: Fraction
    rate: Fraction
    start: Fraction


def survey(path: str | os.PathLike, max_pixels: int = MAX_PIXELS) -> Clip:
    """Reads a clip through once without decoding it, so that damage is found before the work.

    Args:
        path: of the clip.
        max_pixels: of a frame; seen before one is decoded.

    Raises:
        FileNotFoundError: when there is no such file.
        VideoError: without PyAV; for a file that is no clip, damaged or cut short, and for larger
            frames.
    """
    path = Path(path)
    with opened(path) as source:
        video = video_stream(source, path)
        _refuse_large(video, path, max_pixels)
        count, end = 0, Fraction(0)
        for packet in packets(source, path):
            time = packet.dts if packet.pts is None else packet.pts
            if time is not None:
                end = max(end, (time + (packet.duration or 0)) * packet.time_base)
                count += packet.stream.index == video.index
        _refuse_short(path, end, Fraction(source.duration or 0, MICROSECONDS))
        begins_anywhere = source.format.name in STREAMS_OF_TIMES
        start = Fraction((source.start_time or 0) if begins_anywhere else 0, MICROSECONDS)
        rate = video.average_rate or video.guessed_rate or Fraction(25)
    first = first_frame(path)
    assert first.time_base is not None  # the demuxer gives one to each stream
    return Clip(path, count, first, Colours.of(first), first.time_base, rate, start)


def middle_frame(path: str | os.PathLike, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """The frame in the middle of a clip, or near it, which shows how bright it is.

    Args:
        path: of the clip.
        max_pixels: see `restore_video`.

    Returns:
        (height, width, 3) RGB, upright; uint16 for a clip of more than 8 bits, else uint8.

    Raises:
        FileNotFoundError, VideoError: see `restore_video`.
    """
    path = Path(path)
    with opened(path) as source:
        _refuse_large(video_stream(source, path), path, max_pixels)
    with opened(path) as source, contextlib.suppress(_errors(), VideoError):
        source.seek((source.start_time or 0) + (source.duration or 0) // 2)
        for frame in _frames(source, path):
            return upright(pixels(frame, Colours.of(frame)), frame)
    first = first_frame(path)  # not every format can be entered in the middle
    return upright(pixels(first, Colours.of(first)), first)


def first_frame(path: Path) -> "VideoFrame":
    """The first frame of a clip.

    Raises:
        FileNotFoundError, VideoError: see `restore_video`.
    """
    with opened(path) as source:
        for frame in _frames(source, path):
            return frame
    raise VideoError(f"'{path}' holds no frame that can be decoded. Copy it again.")


@contextlib.contextmanager
def opened(path: Path) -> Iterator["InputContainer"]:
    """A clip that is open for reading.

    Raises:
        FileNotFoundError: when there is no such file.
        VideoError: without PyAV, and for a file that is no clip.
    """
    if importlib.util.find_spec("av") is None:
        raise VideoError("Clips need PyAV, which is not installed. Run `pip install '.[video]'`.")
    import av

    if not path.is_file():
        raise FileNotFoundError(f"There is no clip at '{path}'. Check the path.")
    with reading(path):
        source = av.open(f"file:{path}", metadata_errors="replace")
    with source:
        yield source


def video_stream(source: "InputContainer", path: Path) -> "VideoStream":
    """The pictures of a clip: the first stream of them that is no cover.

    Raises:
        VideoError: where there is none.
    """
    from av.stream import Disposition

    for stream in source.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            if stream.codec_context is None:
                break
            return stream
    raise VideoError(f"'{path}' holds no moving pictures that can be decoded, or only sound.")


def packets(source: "InputContainer", path: Path) -> Iterator["Packet"]:
    """All packets of a clip, in the order of the file; the last ones are empty and flush.

    `packet.stream` tells whose they are; `packet.stream_index` is wrong for the last ones.

    Raises:
        VideoError: for damage.
    """
    with reading(path):
        for packet in source.demux():
            if packet.is_corrupt:
                raise VideoError(_damaged(path, packet.pts, packet.time_base))
            yield packet


def frames_of(packet: "Packet", path: Path) -> list[Any]:
    """The frames, of pictures or of sound, that a packet completes.

    Raises:
        VideoError: for damage.
    """
    with reading(path, packet):
        frames = packet.decode()
    for frame in frames:
        if frame.is_corrupt:
            raise VideoError(_damaged(path, frame.pts, frame.time_base))
    return frames


@contextlib.contextmanager
def reading(path: Path, packet: "Packet | None" = None) -> Iterator[None]:
    """Turns PyAV's errors into sentences about the clip."""
    try:
        yield
    except _errors() as error:
        if packet is None:
            raise VideoError(
                f"'{path}' is no clip that can be read, broken or cut short ({error.strerror}). "
                "Copy it again."
            ) from error
        raise VideoError(_damaged(path, packet.pts, packet.time_base)) from error


def _frames(source: "InputContainer", path: Path) -> Iterator["VideoFrame"]:
    index = video_stream(source, path).index
    for packet in packets(source, path):
        if packet.stream.index == index:
            yield from frames_of(packet, path)


def _errors() -> "type[FFmpegError]":
    from av.error import FFmpegError

    return FFmpegError


def _damaged(path: Path, time: int | None, time_base: Fraction | None) -> str:
    place = "" if time is None or time_base is None else f" at {float(time * time_base):.2f} s"
    return (
        f"'{path}' is damaged{place}. Copy it again, or let FFmpeg conceal the damage first: "
        f"{advised(path)}."
    )


def advised(path: Path, options: str = "") -> str:
    """Return the command by which FFmpeg makes a clip that can be restored, nearly without loss.

    Args:
        path: of the clip.
        options: further ones.
    """
    again = "-map 0:v:0 -map 0:a? -c:v libx264 -crf 12 -c:a flac"
    return f"ffmpeg -i {shlex.quote(str(path))} {again} {options} whole.mkv".replace("  ", " ")


def _refuse_large(video: "VideoStream", path: Path, max_pixels: int) -> None:
    if video.width * video.height > max_pixels:
        raise VideoError(
            f"'{path}' has too many pixels: {video.width} x {video.height} in a frame, more than "
            f"{max_pixels:,}. Make the clip smaller, or raise `max_pixels` if the memory is there."
        )


def _refuse_short(path: Path, end: Fraction, duration: Fraction) -> None:
    if end < duration - LACKING:
        raise VideoError(
            f"'{path}' ends after {float(end):.1f} of {float(duration):.1f} s: it was cut short. "
            f"Copy it again, or keep what there is: {advised(path)}."
        )
