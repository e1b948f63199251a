"""Sound and subtitles that the result's format cannot hold."""

from fractions import Fraction

import av
import numpy as np
import pytest

from mirnet_keras.video import VideoError, restore_video

LENGTH, BEGINS = 1.0, 0.5  # seconds of a clip, and when its sound becomes loud


def clip_with(path, tracks, video="mpeg4"):
    """Writes a clip of ten frames; tracks are (codec, rate, layout)."""
    with av.open(str(path), "w") as target:
        kind = "yuvj420p" if video == "mjpeg" else "yuv420p"
        pictures = target.add_stream(video, 10, width=32, height=24, pix_fmt=kind)
        streams = [add_sound(target, *track) for track in tracks]
        for number in range(10):
            image = np.full((24, 32, 3), 20 * number, np.uint8)
            frame = av.VideoFrame.from_ndarray(image, "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            target.mux(pictures.encode(frame))
        target.mux(pictures.encode())
        for stream in streams:
            for frame in loud_from(stream.rate, stream.layout):
                target.mux(stream.encode(frame))
            target.mux(stream.encode())
    return path


def add_sound(target, codec, rate, layout):
    stream = target.add_stream(codec, rate)
    stream.layout = layout
    stream.bit_rate = 12_200 if codec == "libopencore_amrnb" else 128_000
    return stream


def loud_from(rate, layout, begins=BEGINS, size=160):
    """Frames that are silent, then hold a tone."""
    time = np.arange(int(LENGTH * rate) // size * size) / rate
    tone = np.where(time < begins, 0, 0.5 * np.sin(2 * np.pi * 440 * time))
    samples = (tone * 32767).astype(np.int16)
    for start in range(0, len(samples), size):
        part = samples[start : start + size].repeat(layout.nb_channels)[None]
        frame = av.AudioFrame.from_ndarray(part, "s16", layout.name)
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        yield frame


class Heard:
    """What a player plays of a track of sound."""

    def __init__(self, path, track=0):
        with av.open(str(path)) as source:
            stream = source.streams.audio[track]
            self.codec = stream.codec_context.codec.canonical_name
            self.frames = list(source.decode(stream))
        self.rate = self.frames[0].sample_rate
        self.channels = self.frames[0].layout.nb_channels

    @property
    def samples(self):
        """(samples, channels), -1 to 1."""
        return np.concatenate([as_float(frame) for frame in self.frames])

    @property
    def begins(self):
        """When it becomes loud, in seconds."""
        for frame in self.frames:
            loud = np.flatnonzero(np.abs(as_float(frame)[:, 0]) > 0.2)
            if loud.size:
                return float(frame.pts * frame.time_base) + loud[0] / self.rate


def as_float(frame):
    values = frame.to_ndarray()
    if not frame.format.is_planar:
        values = values.reshape(-1, frame.layout.nb_channels).T
    if values.dtype == np.uint8:
        return (values.T - 128.0) / 128
    scale = 1 if values.dtype.kind == "f" else np.iinfo(values.dtype).max
    return values.T / scale


@pytest.mark.parametrize(
    ("given", "video", "track", "wanted", "codec"),
    [
        ("a.wmv", "wmv2", ("wmav2", 44100, "stereo"), "b.mkv", "flac"),
        ("a.wmv", "wmv1", ("wmav1", 44100, "mono"), "b.mp4", "aac"),
        ("a.wmv", "wmv2", ("wmav2", 22050, "stereo"), "b.webm", "opus"),
        ("a.avi", "mpeg4", ("adpcm_ms", 44100, "stereo"), "b.mkv", "flac"),
        ("a.avi", "mjpeg", ("adpcm_ima_wav", 22050, "mono"), "b.mp4", "aac"),
        ("a.avi", "mjpeg", ("adpcm_yamaha", 16000, "mono"), "b.mov", "aac"),
        ("a.avi", "mjpeg", ("pcm_mulaw", 8000, "mono"), "b.mkv", "flac"),
        ("a.avi", "mjpeg", ("pcm_alaw", 8000, "mono"), "b.webm", "opus"),
        ("a.avi", "mpeg4", ("libmp3lame", 44100, "stereo"), "b.m4v", "aac"),
        ("a.3gp", "mpeg4", ("libopencore_amrnb", 8000, "mono"), "b.mkv", "flac"),
        ("a.3gp", "mpeg4", ("libopencore_amrnb", 8000, "mono"), "b.mp4", "aac"),
        ("a.flv", "flv1", ("adpcm_swf", 22050, "mono"), "b.mkv", "flac"),
        ("a.mkv", "mpeg4", ("libopus", 48000, "mono"), "b.m4v", "aac"),
        ("a.webm", "libvpx-vp9", ("libopus", 48000, "stereo"), "b.mov", "aac"),
        ("a.mkv", "mpeg4", ("ac3", 48000, "5.1(side)"), "b.webm", "opus"),
        ("a.ts", "mpeg2video", ("mp2", 48000, "stereo"), "b.m4v", "aac"),
    ],
)
def test_sound_that_the_format_cannot_hold_is_encoded_again(
    given, video, track, wanted, codec, nearest, tmp_path
):
    clip, out = clip_with(tmp_path / given, [track], video), tmp_path / wanted
    remarks = restore_video(nearest(1), clip, out)
    old, new = Heard(clip), Heard(out)
    assert any(f"({old.codec}) became {codec}" in remark for remark in remarks)
    assert new.codec == codec
    assert new.channels == old.channels
    with av.open(str(clip)) as source:
        start = (source.start_time or 0) / 1e6 if given.endswith(".ts") else 0
    assert new.begins == pytest.approx(old.begins - start, abs=0.01)
    assert len(new.samples) / new.rate == pytest.approx(len(old.samples) / old.rate, abs=0.05)
    assert np.abs(new.samples).max() == pytest.approx(np.abs(old.samples).max(), abs=0.1)


@pytest.mark.parametrize(
    ("given", "codec", "wanted", "later"),
    [
        ("a.mkv", "flac", "b.mov", "alac"),
        ("a.avi", "pcm_u8", "b.mp4", "alac"),
        ("a.mov", "pcm_s24be", "b.m4v", "alac"),
        ("a.mkv", "pcm_s16be", "b.m4v", "alac"),
        ("a.mkv", "wavpack", "b.mov", "alac"),
    ],
)
def test_sound_without_loss_stays_so(given, codec, wanted, later, nearest, tmp_path):
    clip, out = clip_with(tmp_path / given, [(codec, 44100, "stereo")]), tmp_path / wanted
    restore_video(nearest(1), clip, out)
    old, new = Heard(clip), Heard(out)
    assert new.codec == later
    assert np.abs(new.samples - old.samples).max() < 1e-4
    assert new.begins == pytest.approx(old.begins, abs=1e-3)


@pytest.mark.parametrize(
    ("given", "codec", "wanted"),
    [("a.mkv", "ac3", "b.mp4"), ("a.mov", "pcm_s16le", "b.mkv"), ("a.mkv", "libopus", "b.mp4")],
)
def test_sound_that_the_format_holds_is_copied(given, codec, wanted, decoded, nearest, tmp_path):
    clip, out = clip_with(tmp_path / given, [(codec, 48000, "stereo")]), tmp_path / wanted
    remarks = restore_video(nearest(1), clip, out)
    assert not any("became" in remark for remark in remarks)
    assert [data for _, data in decoded(out).sound] == [data for _, data in decoded(clip).sound]


def test_of_several_tracks_only_those_are_encoded_that_must_be(nearest, tmp_path):
    tracks = [("aac", 48000, "stereo"), ("wmav2", 44100, "mono"), ("ac3", 48000, "mono")]
    clip, out = clip_with(tmp_path / "a.wmv", tracks, "wmv2"), tmp_path / "b.mp4"
    (remark,) = restore_video(nearest(1), clip, out)
    assert "(wmav2) became aac" in remark
    assert [Heard(out, track).codec for track in range(3)] == ["aac", "aac", "ac3"]


def test_a_gap_in_the_sound_becomes_silence(nearest, tmp_path):
    whole = clip_with(tmp_path / "a.mov", [("pcm_s16le", 8000, "mono")])
    path = tmp_path / "b.mkv"
    with av.open(str(whole)) as source, av.open(str(path), "w") as target:
        copies = [target.add_stream_from_template(stream) for stream in source.streams]
        for packet in source.demux():
            is_gap = packet.stream.type == "audio" and 0.1 < (packet.pts or 0) / 8000 < 0.4
            if packet.dts is not None and not is_gap:
                packet.stream = copies[packet.stream.index]
                target.mux(packet)
    restore_video(nearest(1), path, tmp_path / "c.webm")
    assert Heard(tmp_path / "c.webm").begins == pytest.approx(BEGINS, abs=0.01)


SPOKEN = b"1\n00:00:00,100 --> 00:00:00,900\nHello you\n"


@pytest.mark.parametrize("wanted", ["b.mp4", "b.mov", "b.m4v", "b.webm"])
def test_subtitles_in_words_are_written_in_the_result_s_format(
    wanted, nearest, tmp_path, make_clip
):
    clip = make_clip(tmp_path / "a.mkv", words=SPOKEN, sound=None)
    remarks = restore_video(nearest(1), clip, tmp_path / wanted)
    assert any("The subtitles (subrip) became" in remark for remark in remarks)
    assert words_in(tmp_path / wanted) == [(0.1, 0.8, "Hello you")]
    back = tmp_path / "c.mkv"
    restore_video(nearest(1), tmp_path / wanted, back)
    assert words_in(back) == [(0.1, 0.8, "Hello you")]


def words_in(path):
    """(begin, duration, words) of a track of subtitles, in seconds."""
    with av.open(str(path)) as source:
        stream = source.streams.subtitles[0]
        return [
            (float(packet.pts * packet.time_base), float(packet.duration * packet.time_base), text)
            for packet in source.demux(stream)
            if packet.size
            for words in stream.decode(packet) or ()
            if (text := words.ass.decode().split(",", 8)[8])
        ]


def test_streams_that_no_format_takes_are_named(nearest, tmp_path, monkeypatch):
    clip, out = clip_with(tmp_path / "a.avi", [("adpcm_ms", 44100, "mono")]), tmp_path / "b.mkv"
    monkeypatch.setattr("mirnet_keras.video.tracks.is_there", lambda name: False)
    assert "Left out: streams of audio (adpcm_ms)." in restore_video(nearest(1), clip, out)
    with av.open(str(out)) as result:
        assert not result.streams.audio


def test_sound_that_changes_its_rate_is_refused(nearest, tmp_path):
    path = tmp_path / "a.ts"
    with av.open(str(path), "w") as target:
        video = target.add_stream("mpeg2video", 25, width=32, height=24, pix_fmt="yuv420p")
        track = target.add_stream("mp2", 48000)
        frame = av.VideoFrame.from_ndarray(np.zeros((24, 32, 3), np.uint8), "rgb24")
        target.mux([*video.encode(frame), *video.encode()])
        other = av.CodecContext.create("mp2", "w")
        other.rate, other.layout, other.format = 44100, "stereo", "s16"
        for encoder, begin in ((track, 0), (other, 90_000)):
            for part in loud_from(encoder.rate, encoder.layout, size=1152):
                for packet in encoder.encode(part):
                    packet.pts = packet.dts = packet.pts * 90_000 // encoder.rate + begin
                    packet.time_base, packet.stream = Fraction(1, 90_000), track
                    target.mux(packet)
    with pytest.raises(VideoError, match="changes its channels or its rate"):
        restore_video(nearest(1), path, tmp_path / "b.m4v")
