import io
import struct
from fractions import Fraction

import av
import numpy as np
import pytest

from mirnet_keras.files import TEMPORARY
from mirnet_keras.models import AWSRN
from mirnet_keras.restorer import Restorer
from mirnet_keras.video import VideoError, middle_frame, restore_video
from mirnet_keras.video.colours import Colours, frame_of, pixels, upright

HEIGHT, WIDTH, FRAMES, UNIT = 24, 32, 40, Fraction(1, 600)
DURATIONS = [(20, 30, 47)[number % 3] for number in range(FRAMES)]  # in units: no steady rate


class Twice:
    """Every pixel four times."""

    scale = 2

    def __call__(self, image):
        return image.repeat(2, 0).repeat(2, 1)


class Same:
    """Nothing is changed."""

    scale = 1

    def __call__(self, image):
        return image


def picture(number, size=(HEIGHT, WIDTH)):
    """A smooth picture with a bar that moves."""
    y, x = np.mgrid[: size[0], : size[1]]
    image = np.stack([x * 6 + 20, y * 8 + 30, 200 - x * 2 - y], axis=-1)
    image[:, number % size[1]] = (200, 120, 60)
    return image.astype(np.uint8)


def make(
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
    """Writes a clip of frames of varying durations, with a sound track; facts are the encoder's."""
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
            add_words(target, words)
        for number, duration in enumerate(DURATIONS):
            frame = av.VideoFrame.from_ndarray(picture(number), "rgb24")
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


def add_words(target, words):
    """Adds a track of subtitles."""
    with av.open(io.BytesIO(words), format="srt") as source:
        track = target.add_stream_from_template(source.streams[0])
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = track
                target.mux(packet)


def frames(path):
    with av.open(str(path)) as source:
        return list(source.decode(video=0))


def times(path):
    """When each frame begins, in seconds, exactly."""
    return [frame.pts * frame.time_base for frame in frames(path)]


def length(path):
    """Seconds until the last frame ends."""
    with av.open(str(path)) as source:
        return source.streams.video[0].duration * source.streams.video[0].time_base


def images(path):
    return [upright(pixels(frame, Colours.of(frame)), frame) for frame in frames(path)]


def sound(path):
    """Time and bytes of each packet of sound."""
    with av.open(str(path)) as source:
        return [
            (packet.pts * packet.time_base, bytes(packet))
            for packet in source.demux(audio=0)
            if packet.size
        ]


def damaged(path, target, change):
    content = bytearray(path.read_bytes())
    target.write_bytes(change(content))
    return target


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return make(tmp_path_factory.mktemp("clips") / "clip.mp4")


@pytest.fixture(scope="module")
def restorer():
    import keras

    keras.utils.set_random_seed(0)
    return Restorer(AWSRN(scale=2, blocks=1, units=1, filters=4, wide_filters=8))


def test_frames_are_those_of_the_restorer_and_times_and_sound_stay(clip, tmp_path, restorer):
    done = []
    remarks = restore_video(
        restorer,
        clip,
        tmp_path / "deeper" / "out.mp4",
        crf=1,
        progress=lambda *now: done.append(now),
    )
    out = tmp_path / "deeper" / "out.mp4"
    assert remarks == ()
    assert times(out) == times(clip)
    assert len(times(out)) == FRAMES
    assert sound(out) == sound(clip)
    assert len(sound(out)) >= 90
    expected = [restorer(image) for image in images(clip)]
    for ours, theirs in zip(images(out), expected, strict=True):
        assert ours.shape == (2 * HEIGHT, 2 * WIDTH, 3)
        assert np.abs(ours.astype(int) - theirs).mean() < 2
    assert done == [(number, FRAMES) for number in range(1, FRAMES + 1)]
    assert [path.name for path in out.parent.iterdir()] == ["out.mp4"]
    with av.open(str(out)) as result:
        assert result.metadata["title"] == "A clip"
        assert result.streams.audio[0].language == "deu"


@pytest.mark.parametrize(
    ("given", "codec", "track", "wanted"),
    [
        ("clip.mkv", "libx264", "flac", "out.mkv"),
        ("clip.mkv", "libx264", "aac", "out.mp4"),
        ("clip.webm", "libvpx-vp9", "libopus", "out.webm"),
        ("clip.mov", "libx264", None, "out.mov"),
    ],
)
def test_other_formats(given, codec, track, wanted, tmp_path):
    clip = make(tmp_path / given, codec, "yuv420p", track)
    assert restore_video(Twice(), clip, tmp_path / wanted) == ()
    assert times(tmp_path / wanted) == times(clip)
    if track:
        assert sound(tmp_path / wanted) == sound(clip)


def test_streams_in_another_order_and_chapters(tmp_path):
    """The last frames come when the decoder is told that there are no more."""
    part = {"id": 0, "start": 0, "end": 700, "time_base": Fraction(1, 1000)}
    chapters = [part | {"metadata": {"title": "One"}}]
    clip = make(tmp_path / "clip.mp4", sound_first=True, chapters=chapters)
    out = tmp_path / "out.mp4"
    assert restore_video(Twice(), clip, out) == (
        "Left out: streams of data.",
    )  # the chapters' text
    assert times(out) == times(clip)
    assert len(times(out)) == FRAMES
    with av.open(str(out)) as result:
        assert [stream.type for stream in result.streams][:2] == ["audio", "video"]
        assert [chapter["metadata"]["title"] for chapter in result.chapters()] == ["One"]


@pytest.mark.parametrize(("codec", "tag"), [("libx265", "hvc1"), ("libsvtav1", "av01")])
def test_other_codecs(codec, tag, clip, tmp_path, capfd):
    class Large(Twice):
        scale = 4

        def __call__(self, image):
            return image.repeat(4, 0).repeat(4, 1)

    out = tmp_path / "out.mp4"
    restore_video(Large(), clip, out, codec=codec)
    assert times(out) == times(clip)
    assert frames(out)[0].width == 4 * WIDTH
    with av.open(str(out)) as result:
        assert result.streams.video[0].codec_context.codec_tag == tag
    assert capfd.readouterr().err == ""


def test_times_of_a_broadcast_begin_at_zero_and_sound_stays_beside(tmp_path):
    clip, out = make(tmp_path / "clip.ts", kind="yuv420p"), tmp_path / "out.mp4"
    restore_video(Twice(), clip, out)
    shifts = {old - new for old, new in zip(times(clip), times(out), strict=True)}
    assert len(shifts) == 1
    (shift,) = shifts
    assert abs(sound(clip)[0][0] - sound(out)[0][0] - shift) < Fraction(1, 10_000)


def test_a_coarser_clock_is_said(clip, tmp_path):
    remarks = restore_video(Twice(), clip, tmp_path / "out.mkv")
    assert remarks == ("Times were rounded to 1/1000 s, the unit of the result's format.",)
    old, new = times(clip), times(tmp_path / "out.mkv")
    first = new[0] - old[0]
    assert all(abs(b - a - first) <= UNIT for a, b in zip(old, new, strict=True))


def test_subtitles_are_copied(tmp_path):
    words, out = b"1\n00:00:00,100 --> 00:00:00,900\nHello\n", tmp_path / "out.mkv"
    titled = make(tmp_path / "titled.mkv", words=words)
    assert restore_video(Twice(), titled, out) == ()
    with av.open(str(out)) as result:
        (packet,) = [p for p in result.demux(subtitles=0) if p.size]
        assert bytes(packet) == b"Hello"
        assert packet.pts * packet.time_base == Fraction(1, 10)
    with pytest.raises(VideoError, match=r"does not hold the subtitle in it .* end in \.mkv"):
        restore_video(Twice(), titled, tmp_path / "out.mp4")
    assert not (tmp_path / "out.mp4").exists()


def test_sound_that_the_format_cannot_hold_is_refused_before_the_work(clip, tmp_path):
    def never(image):
        raise AssertionError

    never.scale = 2
    with pytest.raises(VideoError, match=r"\.webm, a format that does not hold the audio .*aac"):
        restore_video(never, clip, tmp_path / "out.webm")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("turn", [90, 180, -90])
def test_turned_clips_are_stored_upright(turn, tmp_path):
    clip, out = make(tmp_path / "clip.mp4", turn=turn), tmp_path / "out.mp4"
    restore_video(Same(), clip, out, crf=1)
    turned = frames(clip)[0]
    assert turned.rotation % 360 == turn % 360
    result = frames(out)[0]
    assert result.rotation == 0
    as_stored = pixels(turned, Colours.of(turned))
    shown = np.rot90(as_stored, turn // 90)  # both count against the clock
    assert images(out)[0].shape == shown.shape
    assert np.abs(images(out)[0].astype(int) - shown).mean() < 2
    assert middle_frame(clip).shape == shown.shape


@pytest.mark.parametrize(
    ("matrix", "scope", "red"),
    [(1, 1, (63, 102, 240)), (6, 1, (81, 90, 240)), (1, 2, (54, 99, 255)), (6, 2, (76, 85, 255))],
)
def test_red_is_what_the_standards_say(matrix, scope, red):
    colours = Colours(matrix, 2, 2, scope, 8)
    image = np.zeros((4, 4, 3), np.uint8)
    image[..., 0] = 255
    frame = frame_of(image, colours, "yuv444p")
    planes = frame.to_ndarray()
    assert np.abs(planes.reshape(3, -1).mean(axis=1) - red).max() <= 1
    assert np.abs(pixels(frame, colours).astype(int) - image).max() <= 2


@pytest.mark.parametrize(("matrix", "scope"), [(1, 2), (9, 1), (2, 0)])
def test_colours_keep_matrix_and_range_and_say_so(matrix, scope, tmp_path):
    clip = make(tmp_path / "clip.mp4", colorspace=matrix, color_range=scope, color_trc=13)
    restore_video(Same(), clip, tmp_path / "out.mp4", crf=1)
    result = frames(tmp_path / "out.mp4")[3]
    assert result.colorspace == (6 if matrix == 2 else matrix)  # small and silent: BT.601
    assert result.color_range == (scope or 1)
    assert result.color_trc == 13
    ours, theirs = images(tmp_path / "out.mp4")[3], images(clip)[3]
    assert np.abs(ours.astype(int) - theirs).mean() < 1


def test_ten_bits_stay_ten_and_reach_the_restorer_as_sixteen(tmp_path):
    clip = make(tmp_path / "clip.mp4", kind="yuv420p10le")
    seen = []

    class Seeing(Twice):
        def __call__(self, image):
            seen.append(image.dtype)
            return super().__call__(image)

    restore_video(Seeing(), clip, tmp_path / "out.mp4")
    assert set(seen) == {np.dtype(np.uint16)}
    assert frames(tmp_path / "out.mp4")[0].format.name == "yuv420p10le"


def test_without_loss_and_with_odd_sides(clip, tmp_path):
    lossless = tmp_path / "out.mkv"
    restore_video(Same(), clip, lossless, codec="ffv1")
    difference = np.abs(images(lossless)[5].astype(int) - images(clip)[5])
    assert difference.max() <= 2  # of rounding alone

    odd = tmp_path / "odd.mkv"
    with av.open(str(odd), "w") as target:
        video = target.add_stream("ffv1", 20, width=WIDTH - 1, height=HEIGHT - 1)
        frame = av.VideoFrame.from_ndarray(picture(0, (HEIGHT - 1, WIDTH - 1)), "rgb24")
        target.mux(video.encode(frame.reformat(format="yuv420p")))
        target.mux(video.encode())
    restore_video(Same(), odd, tmp_path / "odd.mp4")
    assert images(tmp_path / "odd.mp4")[0].shape == (HEIGHT - 1, WIDTH - 1, 3)


def test_damage_is_one_sentence_and_leaves_nothing(clip, tmp_path):
    whole = make(tmp_path / "whole.mkv", sound=None)

    def torn(content):
        place = content.find(b"mdat") + 400
        content[place : place + 300] = b"\xff" * 300
        return content

    cases = {
        "cut short": damaged(whole, tmp_path / "cut.mkv", lambda c: c[: len(c) // 2]),
        "broken or cut short": damaged(clip, tmp_path / "cut.mp4", lambda c: c[: len(c) // 2]),
        "is damaged at": damaged(clip, tmp_path / "torn.mp4", torn),
        "no clip that can be read": damaged(clip, tmp_path / "text.mp4", lambda c: b"words"),
        "or only sound": only_sound(tmp_path / "sound.m4a").rename(tmp_path / "sound.mp4"),
    }
    out = tmp_path / "results" / "out.mp4"
    for reason, path in cases.items():
        with pytest.raises(VideoError, match=reason) as caught:
            restore_video(Twice(), path, out)
        assert path.name in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(FileNotFoundError, match="no clip at"):
        restore_video(Twice(), tmp_path / "none.mp4", out)
    assert not out.parent.exists() or list(out.parent.iterdir()) == []


def only_sound(path):
    with av.open(str(path), "w") as target:
        track = target.add_stream("aac", 48000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 2048), np.int16), "s16", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48000, 0, Fraction(1, 48000)
        target.mux(track.encode(frame))
        target.mux(track.encode())
    return path


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, VideoError])
def test_an_interrupted_run_leaves_the_old_result_and_no_half_one(interruption, clip, tmp_path):
    out = tmp_path / "out.mp4"
    out.write_bytes(b"an older result")
    (tmp_path / f".{'0a' * 16}.out.mp4").write_bytes(b"left by a run that was killed")
    seen = []

    class Stops(Twice):
        def __call__(self, image):
            seen.extend(path for path in tmp_path.iterdir() if TEMPORARY.fullmatch(path.name))
            if len(seen) > 10:
                raise interruption
            return super().__call__(image)

    with pytest.raises(interruption):
        restore_video(Stops(), clip, out)
    assert len(set(seen)) == 1
    assert out.read_bytes() == b"an older result"
    assert list(tmp_path.iterdir()) == [out]


def test_frames_of_two_sizes_are_refused(tmp_path):
    path = tmp_path / "two.ts"
    with av.open(str(path), "w") as target:
        video = target.add_stream("libx264", 20, width=WIDTH, height=HEIGHT)
        larger = av.CodecContext.create("libx264", "w")
        larger.width, larger.height, larger.pix_fmt = 2 * WIDTH, 2 * HEIGHT, "yuv420p"
        larger.time_base = Fraction(1, 20)
        for encoder, scale, begin in ((video, 1, 0), (larger, 2, 30)):
            shown = [picture(n, (scale * HEIGHT, scale * WIDTH)) for n in range(30)]
            for packet in encoded(encoder, shown, begin):
                packet.stream = video
                target.mux(packet)
    with pytest.raises(VideoError, match=r"changes from 32 x 24 pixels.*to 64 x 48"):
        restore_video(Twice(), path, tmp_path / "out.mp4")
    assert list(tmp_path.iterdir()) == [path]


def encoded(encoder, shown, begin):
    for number, image in enumerate(shown):
        frame = av.VideoFrame.from_ndarray(image, "rgb24").reformat(format="yuv420p")
        frame.pts, frame.time_base = begin + number, Fraction(1, 20)
        yield from encoder.encode(frame)
    yield from encoder.encode()


def test_what_does_not_fit_is_named(clip, tmp_path, monkeypatch):
    def refused(pattern, name="out.mp4", **options):
        with pytest.raises(VideoError, match=pattern):
            restore_video(Twice(), clip, tmp_path / name, **options)

    refused(r"must end in one of \.mp4", "out.gif")
    refused("no encoder 'h265' that is known here. There are: libx264, ", codec="h265")
    refused("libx265 takes frames of at least 64 pixels a side", codec="libx265")
    refused("loses nothing", "out.mkv", codec="ffv1", crf=3)
    refused(r"does not hold libx264", "out.webm", codec="libx264")
    monkeypatch.setattr("mirnet_keras.video.encoding.is_there", lambda name: name == "ffv1")
    refused("no encoder 'libx264' that is known here. There are: ffv1. Name one")
    with pytest.raises(VideoError, match="would be lost"):
        restore_video(Twice(), clip, clip)


def test_without_pyav_the_command_is_named(clip, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(VideoError, match=r"Run `pip install 'mirnet-keras\[video\]'`"):
        restore_video(Twice(), clip, tmp_path / "out.mp4")


def test_mirrored_frames_are_shown_as_they_shall_be():
    class Mirrored:
        def __init__(self, a, b, c, d):
            self.side_data = {"DISPLAYMATRIX": struct.pack("9i", a, b, 0, c, d, 0, 0, 0, 1)}

    image = np.arange(6).reshape(2, 3, 1)
    one = 65536
    assert (upright(image, Mirrored(-one, 0, 0, one)) == image[:, ::-1]).all()
    assert (upright(image, Mirrored(one, 0, 0, -one)) == image[::-1]).all()
    assert (upright(image, Mirrored(0, one, one, 0)) == image.swapaxes(0, 1)).all()
