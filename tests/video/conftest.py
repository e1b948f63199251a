import functools
import io
from fractions import Fraction

import av
import numpy as np
import pytest

from mirnet_keras.video.colours import Colours, pixels, upright

HEIGHT, WIDTH, FRAMES, UNIT = 24, 32, 40, Fraction(1, 600)
DURATIONS = [(20, 30, 47)[number % 3] for number in range(FRAMES)]  # in units: no steady rate


class Nearest:
    """A restorer that repeats each pixel; `look` is called with each frame before."""

    def __init__(self, scale, look=lambda image: None):
        self.scale = scale
        self.look = look

    def __call__(self, image):
        self.look(image)
        return image.repeat(self.scale, 0).repeat(self.scale, 1)


@pytest.fixture(scope="session")
def nearest():
    """`nearest(scale, look)`: a restorer that repeats each pixel; with 1 it changes nothing."""
    return Nearest


class Decoded:
    """What a player finds in a clip."""

    def __init__(self, path):
        self.path = path

    @functools.cached_property
    def frames(self):
        with av.open(str(self.path)) as source:
            return list(source.decode(video=0))

    @property
    def times(self):
        """When each frame begins, in seconds, exactly."""
        return [frame.pts * frame.time_base for frame in self.frames]

    @property
    def images(self):
        """The pixels of each frame, upright."""
        return [upright(pixels(frame, Colours.of(frame)), frame) for frame in self.frames]

    @property
    def sound(self):
        """Time and bytes of each packet of sound."""
        with av.open(str(self.path)) as source:
            return [
                (packet.pts * packet.time_base, bytes(packet))
                for packet in source.demux(audio=0)
                if packet.size
            ]


@pytest.fixture(scope="session")
def decoded():
    """`decoded(path)`: `frames`, `times`, `images` and `sound` of a clip."""
    return Decoded


@pytest.fixture(scope="session")
def picture():
    """`picture(number, (height, width))`: a smooth one with a bar, which moves with the number."""
    return _picture


def _picture(number, size):
    y, x = np.mgrid[: size[0], : size[1]]
    image = np.stack([x * 6 + 20, y * 8 + 30, 200 - x * 2 - y], axis=-1)
    image[:, number % size[1]] = (200, 120, 60)
    return image.astype(np.uint8)


@pytest.fixture(scope="session")
def make_clip():
    """`make_clip(path, ...)` writes 40 frames of 32 x 24 pixels, with a sound track.

    They have varying durations, in units of 1/600 s; facts are the encoder's.
    """
    return _make_clip


def _make_clip(
    path,
    codec="libx264",
    kind="yuv444p",
    sound="aac",
    turn=0,
    words=None,
    sound_first=False,
    chapters=(),
    **facts,
):
    with av.open(str(path), "w") as target:
        track = target.add_stream(sound, 48000) if sound and sound_first else None
        target.set_chapters(list(chapters))
        video = target.add_stream(codec, 20, options={"crf": "5"})
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, kind
        video.time_base = video.codec_context.time_base = UNIT
        video.codec_context.flags |= av.codec.context.Flags.frame_duration
        for name, value in facts.items():
            setattr(video.codec_context, name, value)
        if turn:
            video.set_display_rotation(turn)
        target.metadata["title"] = "A clip"
        if sound and not sound_first:
            track = target.add_stream(sound, 48000)
        if track:
            track.metadata["language"] = "deu"
        if words:
            _add_words(target, words)
        for number, duration in enumerate(DURATIONS):
            frame = av.VideoFrame.from_ndarray(_picture(number, (HEIGHT, WIDTH)), "rgb24")
            frame.pts, frame.duration, frame.time_base = sum(DURATIONS[:number]), duration, UNIT
            target.mux(video.encode(frame))
        target.mux(video.encode())
        if track:
            noise = np.random.default_rng(0).normal(0, 3000, (90, 1, 2048)).astype(np.int16)
            for number, samples in enumerate(noise):
                frame = av.AudioFrame.from_ndarray(samples, "s16", "stereo")
                frame.sample_rate, frame.pts = 48000, number * 1024
                frame.time_base = Fraction(1, 48000)
                target.mux(track.encode(frame))
            target.mux(track.encode())
    return path


def _add_words(target, words):
    """Adds a track of subtitles."""
    with av.open(io.BytesIO(words), format="srt") as source:
        track = target.add_stream_from_template(source.streams[0])
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = track
                target.mux(packet)


@pytest.fixture(scope="session")
def clip(tmp_path_factory):
    return _make_clip(tmp_path_factory.mktemp("clips") / "clip.mp4")
