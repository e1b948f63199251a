"""Sound and subtitles of a clip: copied, or encoded again where the result cannot hold them."""

import io
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from mirnet_keras.video.clip import Clip, VideoError, advised, frames_of, reading
from mirnet_keras.video.encoding import is_there

if TYPE_CHECKING:
    from av import AudioFrame, Packet
    from av.audio.layout import AudioLayout
    from av.audio.stream import AudioStream
    from av.codec import Codec
    from av.container import OutputContainer
    from av.stream import Stream
    from av.subtitles.stream import SubtitleStream

KINDS = ("audio", "subtitle")  # of streams that become tracks of the result

# By FFmpeg's name of a format: what sound that it cannot hold is encoded with, the first that is
# there, for sound that was compressed with loss and for other sound.
SOUND = {"matroska": ("flac", "flac"), "webm": ("libopus", "libopus")}
OTHER_SOUND = ("aac", "alac")  # of MP4 and QuickTime
TEXT = {"matroska": "subrip", "webm": "webvtt"}
OTHER_TEXT = "mov_text"
CHANNEL_BITS = 128_000  # a second, of sound that is compressed with loss
SHORT = 2  # bytes of a sample of usual sound
USUAL = {1: "mono", 2: "stereo", 3: "3.0", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
SAMPLE_BITS = 4  # at most, for rates so low that AAC has no use for more


class Copied:
    """A track whose packets are handed on.

    Args:
        source, target: the stream, and that of the result.
        clip: that it is of.
    """

    remark = None

    def __init__(self, source: "Stream", target: "Stream", clip: Clip):
        self.target, self._clip = target, clip

    def packets(self, packet: "Packet") -> Iterator["Packet"]:
        """Packets of the result that one of the clip makes; the empty ones at its end flush."""
        if packet.dts is not None:
            _shift(packet, self._clip.start)
            packet.stream = self.target
            yield packet


class Sound:
    """A track of sound that is decoded and encoded again; gaps become silence.

    Args:
        source, target, clip: see `Copied`.
    """

    def __init__(self, source: "AudioStream", target: "AudioStream", clip: Clip):
        self.target, self._clip = target, clip
        self._resampler: Any = None
        self._unit, self._end = Fraction(1), Fraction(0)  # of times; of the frame before
        self.remark = _encoded_again("The sound", source, target)

    def packets(self, packet: "Packet") -> Iterator["Packet"]:
        """See `Copied`."""
        for frame in frames_of(packet, self._clip.path):
            if frame.pts is None:  # of the last ones, which some decoders keep back
                frame.pts = round(self._end / self._unit)
            else:
                self._unit = frame.time_base
                frame.pts = shifted(frame.pts, self._unit, self._clip.start)
            self._end = frame.pts * self._unit + Fraction(frame.samples, frame.sample_rate)
            yield from self._encoded(frame)
        if not packet.size:
            yield from self._encoded(None)
            yield from self.target.encode(None)

    def _encoded(self, frame: "AudioFrame | None") -> Iterator["Packet"]:
        from av.audio.resampler import AudioResampler

        if self._resampler is None:
            context = self.target.codec_context
            self._resampler = AudioResampler(
                context.format, context.layout, context.rate, context.frame_size, {"async": "1"}
            )
        try:
            ready = self._resampler.resample(frame)
        except ValueError as error:
            raise VideoError(
                f"The sound of '{self._clip.path}' changes its channels or its rate in the middle. "
                f"Make it alike first: {advised(self._clip.path)}."
            ) from error
        for resampled in ready:
            yield from self.target.encode(resampled)


class Text:
    """A track of subtitles in words that is written in another format.

    Args:
        source, target, clip: see `Copied`.
    """

    def __init__(self, source: "SubtitleStream", target: "SubtitleStream", clip: Clip):
        self._source, self.target, self._clip = source, target, clip
        source.codec_context.open(strict=False)
        target.codec_context.subtitle_header = source.codec_context.subtitle_header
        self.remark = _encoded_again("The subtitles", source, target)

    def packets(self, packet: "Packet") -> Iterator["Packet"]:
        """See `Copied`."""
        if not packet.size or packet.pts is None:
            return
        with reading(self._clip.path, packet):
            words = self._source.decode2(packet)
        if words is None or not len(words):
            return  # an end of words, in formats that have it
        told = self.target.codec_context.encode_subtitle(words)
        told.time_base, told.duration = packet.time_base, packet.duration
        told.pts = told.dts = packet.pts
        _shift(told, self._clip.start)
        told.stream = self.target
        yield told


Track = Copied | Sound | Text


def add_track(source: Any, container: "OutputContainer", clip: Clip) -> Track | None:
    """Adds a stream of sound or subtitles to a result.

    Args:
        source: the stream.
        container: of the result, nothing written yet.
        clip: that it is of.

    Returns:
        The track: copied where the result's format can hold it, else encoded again; None where
        there is no way.
    """
    if _holds(container.format.name, source):
        return Copied(source, container.add_stream_from_template(source), clip)
    if source.codec_context is None:
        return None
    if source.type == "audio":
        sound = _add_sound(source, container)
        return None if sound is None else Sound(source, sound, clip)
    if not source.codec_context.codec.text_sub:  # pictures of words
        return None
    text: Any = container.add_stream(TEXT.get(container.format.name, OTHER_TEXT))
    return Text(source, text, clip)


def _holds(format_name: str, stream: "Stream") -> bool:
    """Whether a format can hold a stream as it is, found by writing the head of such a file."""
    import av
    from av.error import FFmpegError

    try:
        with av.open(io.BytesIO(), "w", format=format_name) as trial:
            trial.add_stream_from_template(stream)
            trial.start_encoding()
    except (FFmpegError, ValueError):
        return False
    return True


def _add_sound(source: "AudioStream", container: "OutputContainer") -> "AudioStream | None":
    """Adds a track that sound can be encoded into; None where there is no encoder for it."""
    from av.codec import Codec

    context = source.codec_context
    is_lossless = context.codec.lossless
    name = SOUND.get(container.format.name, OTHER_SOUND)[is_lossless]
    if not is_there(name):
        return None
    encoder = Codec(name, "w")
    formats = encoder.audio_formats or []
    is_deep = is_lossless and context.format.bytes > SHORT
    fitting = [form for form in formats if (form.bytes > SHORT) == is_deep]
    rate = _rate(context.sample_rate, encoder)
    layout = _layout(context.layout, encoder, rate)
    target: Any = container.add_stream(name, rate)
    target.codec_context.format = [*fitting, *formats][0]
    target.codec_context.layout = layout
    if not encoder.lossless:
        bits = min(CHANNEL_BITS, SAMPLE_BITS * rate)
        target.codec_context.bit_rate = bits * layout.nb_channels
    return target


def _rate(rate: int, encoder: "Codec") -> int:
    """Return the samples a second that an encoder takes: as many, else the next more."""
    rates = encoder.audio_rates or [rate]
    return min((known for known in rates if known >= rate), default=max(rates))


def _layout(layout: "AudioLayout", encoder: "Codec", rate: int) -> "AudioLayout":
    """Return the channels, or as many in their usual places, or two: what an encoder takes."""
    from av.audio.layout import AudioLayout
    from av.codec import CodecContext
    from av.error import FFmpegError

    usual = USUAL.get(layout.nb_channels, "stereo")
    is_named = all(channel.name != "NONE" for channel in layout.channels)
    for name in (layout.name, usual) if is_named else (usual,):
        trial: Any = CodecContext.create(encoder.name, "w")
        trial.layout, trial.rate, trial.format = name, rate, (encoder.audio_formats or [])[0]
        try:
            trial.open()
        except (FFmpegError, ValueError):
            continue
        return AudioLayout(name)
    return AudioLayout("stereo")


def _encoded_again(what: str, source: "Stream", target: "Stream") -> str:
    former, later = [one.codec_context.codec.canonical_name for one in (source, target)]
    return f"{what} ({former}) became {later}, because the result's format does not hold {former}."


def _shift(packet: "Packet", start: Fraction) -> None:
    """Takes seconds from the times of a packet."""
    packet.dts = shifted(packet.dts, packet.time_base, start)
    packet.pts = shifted(packet.pts, packet.time_base, start)


def shifted(time: int | None, time_base: Fraction | None, start: Fraction) -> int | None:
    """A time, in units of `time_base`, from which seconds are taken; None stays None."""
    assert time_base is not None  # the demuxer gives one to each stream
    return None if time is None else time - round(start / time_base)
