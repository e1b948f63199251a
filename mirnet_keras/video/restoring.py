"""Restores clips, frame by frame."""

import contextlib
import math
import os
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from mirnet_keras.files import remove_leftovers, write_whole
from mirnet_keras.pictures import MAX_PIXELS
from mirnet_keras.video.clip import (
    Clip,
    VideoError,
    frames_of,
    opened,
    packets,
    survey,
    video_stream,
)
from mirnet_keras.video.colours import frame_of, is_turned, pixels, upright
from mirnet_keras.video.encoding import (
    bits_of,
    check_size,
    choose_encoder,
    has_alpha,
    pixel_format,
)
from mirnet_keras.video.tracks import KINDS, Track, add_track, shifted

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer, OutputContainer
    from av.stream import Stream

MAX_CLOCK = 2**31 - 1  # units in a second, of MP4 and QuickTime
OF_THE_OLD_FILE = ("compatible_brands", "encoder", "major_brand", "minor_version")  # tags

Progress = Callable[[int, int], object]


class Restores(Protocol):
    """A function of a picture that enlarges it `scale` times, such as a `Restorer`."""

    scale: int

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """(height, width, 3), uint8 or uint16, to the same, `scale` times larger."""


def restore_video(
    restorer: Restores,
    input: str | os.PathLike,
    output: str | os.PathLike,
    *,
    codec: str | None = None,
    crf: int | None = None,
    keep_metadata: bool = True,
    max_pixels: int = MAX_PIXELS,
    progress: Progress | None = None,
) -> tuple[str, ...]:
    """Restores every frame of a clip; times, sound and subtitles stay.

    Each frame begins when it did, at whatever rate. Sound and subtitles are copied without
    being encoded again, except for those that the result's format cannot hold. Frames are read,
    restored and written one after the other, so that memory does not depend on how long the clip
    is.

    Colours stay in the clip's matrix and range, which are written into the result, also where the
    clip left them to be guessed; more than 8 bits stay more than 8. Clips that are shown turned or
    mirrored are stored upright. The clip is read through once before the first frame is restored,
    so that one that is cut short is refused at once.

    Args:
        restorer: A `Restorer`, or another function of a picture with a `scale`.
        input: Path of the clip.
        output: Path of the result, in `.mp4`, `.m4v`, `.mov`, `.mkv` or `.webm`, which appears when
            it is whole; an older file of that name is replaced.
        codec: `"libx264"`, `"libx265"`, `"libvpx-vp9"`, `"libsvtav1"`, or `"ffv1"`, which loses
            nothing; None: `"libvpx-vp9"` for `.webm`, else `"libx264"`.
        crf: Constant quality in the encoder's measure: more is smaller and worse. None: hardly
            anything is lost.
        keep_metadata: False leaves title, place, date and such out, and chapters.
        max_pixels: Of a frame; a clip with larger ones is refused before one is decoded.
        progress: Called after each frame with how many are done, and how many there are.

    Returns:
        Sentences about what was lost.

    Raises:
        FileNotFoundError: When there is no such clip.
        VideoError: Without PyAV; while another run writes the result; for a clip that cannot be
            read, is damaged or too large, and an encoder that is not there.
        RestorerError: When a frame cannot be restored.
    """
    input, output = Path(input), Path(output)
    if input.exists() and output.exists() and input.samefile(output):
        raise VideoError(
            f"'{output}' is the clip to restore, which would be lost. Choose another name."
        )
    clip = survey(input, max_pixels)
    encoder = choose_encoder(output, codec, crf)
    output.parent.mkdir(parents=True, exist_ok=True)
    for busy in remove_leftovers([output]):
        raise VideoError(
            f"'{output}' is being written by another run. Wait for it, or choose another name; if "
            f"there is no other run, delete '{busy}'."
        )
    remarks: list[str] = []

    def write(path: Path) -> None:
        with opened(input) as source, _writing(output, path, _clock(clip, source)) as target:
            result = _Result(clip, source, target, restorer, encoder, keep_metadata)
            result.fill(progress or (lambda done, total: None))
            remarks.extend(result.remarks)

    write_whole(output, write)
    return tuple(remarks)


class _Result:
    """A clip that is being written.

    Args:
        clip: what is restored.
        source, target: containers, open.
        restorer: see `restore_video`.
        encoder: name and options.
        keep_metadata: see `restore_video`.
    """

    def __init__(
        self,
        clip: Clip,
        source: "InputContainer",
        target: "OutputContainer",
        restorer: Restores,
        encoder: tuple[str, dict[str, str]],
        keep_metadata: bool,
    ):
        self._clip, self._source, self._target = clip, source, target
        self._restorer, self._keep_metadata = restorer, keep_metadata
        self._video = video_stream(source, clip.path)
        self._output = Path(target.name)
        self._tracks: dict[int, Track] = {}
        for stream in source.streams:
            if stream.index == self._video.index:
                self._encoded = self._add_video(*encoder)
            elif stream.type in KINDS and (track := add_track(stream, target, clip)):
                self._describe(track.target, stream)
                self._tracks[stream.index] = track
        if keep_metadata:
            target.metadata.update(_tags(source.metadata, OF_THE_OLD_FILE))
            target.set_chapters(source.chapters())
        target.start_encoding()

    def fill(self, progress: Progress) -> None:
        """Restores all frames and copies the rest."""
        done, last = 0, None
        for packet in packets(self._source, self._clip.path):
            if packet.stream.index == self._video.index:
                for frame in frames_of(packet, self._clip.path):
                    self._refuse_odd_one(frame, last)
                    self._target.mux(self._encoded.encode(self._restored(frame)))
                    done, last = done + 1, frame.pts
                    progress(done, max(done, self._clip.frames))
            elif track := self._tracks.get(packet.stream.index):
                self._target.mux(list(track.packets(packet)))
        self._target.mux(self._encoded.encode())

    @property
    def remarks(self) -> Iterator[str]:
        """Sentences about what was lost, once the head is written."""
        first, kept = self._clip.first, bits_of(self._encoded.pix_fmt)
        others = [s for s in self._source.streams if s.index not in self._tracks]
        left_out = sorted(_kind(s) for s in others if s.index != self._video.index)
        if left_out:
            yield f"Left out: streams of {', '.join(left_out)}."
        yield from filter(None, (track.remark for track in self._tracks.values()))
        if has_alpha(first.format):
            yield "Transparency was left out."
        if self._clip.colours.bits > kept:
            yield f"{self._clip.colours.bits} bits became {kept}, which is all the encoder takes."
        if first.interlaced_frame:
            yield (
                "The clip is interlaced, and its combs were restored as part of the picture. "
                "Better deinterlace it first: ffmpeg -i CLIP -vf bwdif whole.mkv."
            )
        unit = Fraction(self._encoded.time_base)
        if (self._clip.time_base / unit).denominator != 1:
            yield f"Times were rounded to {unit} s, the unit of the result's format."

    def _add_video(self, encoder: str, options: dict[str, str]):
        from av.codec.context import Flags

        clip, first = self._clip, self._clip.first
        size = self._restorer.scale * first.height, self._restorer.scale * first.width
        height, width = size[::-1] if is_turned(first) else size
        check_size(encoder, (height, width))
        try:
            stream: Any = self._target.add_stream(encoder, clip.rate, options=options)
        except ValueError as error:
            suffix = self._output.suffix
            raise VideoError(
                f"'{clip.path}' cannot become a file in {suffix}, a format that does not hold "
                f"{encoder}. Let the result end in .mkv, which holds every codec."
            ) from error
        stream.height, stream.width = height, width
        stream.pix_fmt = pixel_format(encoder, clip, (height, width))
        context = stream.codec_context
        stream.time_base = context.time_base = clip.time_base
        context.flags |= Flags.frame_duration
        context.color_range, context.colorspace = clip.colours.range, clip.colours.matrix
        context.color_primaries, context.color_trc = clip.colours.primaries, clip.colours.transfer
        shape = self._video.sample_aspect_ratio
        if shape:
            context.sample_aspect_ratio = 1 / shape if is_turned(first) else shape
        if encoder == "libx265" and self._output.suffix.lower() != ".mkv":
            context.codec_tag = "hvc1"  # without it Apple's players show nothing
        self._describe(stream, self._video)
        return stream

    def _describe(self, stream: "Stream", former: "Stream") -> None:
        """Gives a stream the language, the title and the role of the one that it is made from."""
        wanted = ("language", "title", "handler_name") if self._keep_metadata else ("language",)
        stream.metadata.update({k: v for k, v in former.metadata.items() if k in wanted})
        stream.disposition = former.disposition

    def _refuse_odd_one(self, frame: "VideoFrame", last: int | None) -> None:
        """Raises for a frame that is not like the first, or has no time of its own."""
        first, path = self._clip.first, self._clip.path
        if frame.pts is None or (last is not None and frame.pts <= last):
            raise VideoError(
                f"'{path}' has a frame without a time of its own behind {last} (in units of "
                f"{frame.time_base} s). Number its frames anew: ffmpeg -i '{path}' -vf fps=25 "
                "whole.mkv."
            )
        facts = [(f.width, f.height, f.format.name) for f in (first, frame)]
        if facts[0] != facts[1]:
            raise VideoError(
                f"'{path}' changes from {facts[0][0]} x {facts[0][1]} pixels, {facts[0][2]}, to "
                f"{facts[1][0]} x {facts[1][1]}, {facts[1][2]}, at {float(frame.time):.2f} s. Cut "
                "it there, and restore the parts."
            )

    def _restored(self, frame: "VideoFrame") -> "VideoFrame":
        colours = self._clip.colours
        image = self._restorer(upright(pixels(frame, colours), frame))
        result = frame_of(image, colours, self._encoded.pix_fmt)
        result.time_base = self._clip.time_base
        result.pts = shifted(frame.pts, self._clip.time_base, self._clip.start)
        result.duration = frame.duration
        return result


@contextlib.contextmanager
def _writing(output: Path, path: Path, clock: int) -> Iterator["OutputContainer"]:
    """A container that is open for writing at `path`, which will become `output`."""
    import av
    from av.error import FFmpegError

    # When a track begins and how long it is are written in this unit, by default a millisecond.
    options = {"movie_timescale": str(clock)}
    has_unit = output.suffix.lower() in (".mp4", ".m4v", ".mov")
    try:
        with av.open(f"file:{path}", "w", options=options if has_unit else None) as target:
            yield target
    except FFmpegError as error:
        raise VideoError(
            f"'{output}' cannot be written: {error.strerror}. Is there room, and do the encoder "
            "and the format take frames of this size?"
        ) from error


def _clock(clip: Clip, source: "InputContainer") -> int:
    """Return units in a second in which times of frames and of sound are whole, where that fits."""
    units = clip.time_base.denominator
    for stream in source.streams.audio:
        finer = math.lcm(units, stream.sample_rate or 1) if stream.codec_context else units
        units = finer if finer <= MAX_CLOCK else units
    return units


def _kind(stream: "Stream") -> str:
    """A stream in words: its type, and the codec of sound and subtitles."""
    if stream.type not in KINDS:
        return stream.type
    name = stream.codec_context.name if stream.codec_context else "a codec unknown here"
    return f"{stream.type} ({name})"


def _tags(tags: dict[str, str], without: tuple[str, ...]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if key.lower() not in without}
