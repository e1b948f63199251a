from fractions import Fraction

import av
import keras
import numpy as np
import pytest

from mirnet_keras.files import TEMPORARY
from mirnet_keras.models import AWSRN
from mirnet_keras.restorer import Restorer
from mirnet_keras.video import VideoError, restore_video


@pytest.fixture(scope="module")
def restorer():
    keras.utils.set_random_seed(0)
    return Restorer(AWSRN(scale=2, blocks=1, units=1, filters=4, wide_filters=8))


def test_frames_are_those_of_the_restorer_and_times_and_sound_stay(
    clip, decoded, tmp_path, restorer
):
    done = []
    out = tmp_path / "deeper" / "out.mp4"
    remarks = restore_video(restorer, clip, out, crf=1, progress=lambda *now: done.append(now))
    old, new = decoded(clip), decoded(out)
    assert remarks == ()
    assert new.times == old.times
    assert len(new.times) == 40
    assert new.sound == old.sound
    assert len(new.sound) >= 90
    expected = [restorer(image) for image in old.images]
    for ours, theirs in zip(new.images, expected, strict=True):
        assert ours.shape == (2 * 24, 2 * 32, 3)
        assert np.abs(ours.astype(int) - theirs).mean() < 2
    assert done == [(number, 40) for number in range(1, 41)]
    assert [path.name for path in out.parent.iterdir()] == ["out.mp4"]
    with av.open(str(out)) as result:
        assert result.metadata["title"] == "A clip"
        assert result.streams.audio[0].language == "deu"


def test_streams_in_another_order_and_chapters(make_clip, decoded, nearest, tmp_path):
    """The last frames come when the decoder is told that there are no more."""
    part = {"id": 0, "start": 0, "end": 700, "time_base": Fraction(1, 1000)}
    chapters = [part | {"metadata": {"title": "One"}}]
    clip = make_clip(tmp_path / "clip.mp4", sound_first=True, chapters=chapters)
    out = tmp_path / "out.mp4"
    assert restore_video(nearest(2), clip, out) == (
        "Left out: streams of data.",
    )  # the chapters' text
    assert decoded(out).times == decoded(clip).times
    assert len(decoded(out).times) == 40
    with av.open(str(out)) as result:
        assert [stream.type for stream in result.streams][:2] == ["audio", "video"]
        assert [chapter["metadata"]["title"] for chapter in result.chapters()] == ["One"]


def test_times_of_a_broadcast_begin_at_zero_and_sound_stays_beside(
    make_clip, decoded, nearest, tmp_path
):
    clip, out = make_clip(tmp_path / "clip.ts", kind="yuv420p"), tmp_path / "out.mp4"
    restore_video(nearest(2), clip, out)
    old, new = decoded(clip), decoded(out)
    shifts = {before - after for before, after in zip(old.times, new.times, strict=True)}
    assert len(shifts) == 1
    (shift,) = shifts
    assert abs(old.sound[0][0] - new.sound[0][0] - shift) < Fraction(1, 10_000)


def test_a_coarser_clock_is_said(clip, decoded, nearest, tmp_path):
    remarks = restore_video(nearest(2), clip, tmp_path / "out.mkv")
    assert remarks == ("Times were rounded to 1/1000 s, the unit of the result's format.",)
    old, new = decoded(clip).times, decoded(tmp_path / "out.mkv").times
    first = new[0] - old[0]
    unit = Fraction(1, 600)  # the clip's
    assert all(abs(b - a - first) <= unit for a, b in zip(old, new, strict=True))


def test_subtitles_are_copied(make_clip, nearest, tmp_path):
    words, out = b"1\n00:00:00,100 --> 00:00:00,900\nHello\n", tmp_path / "out.mkv"
    titled = make_clip(tmp_path / "titled.mkv", words=words)
    assert restore_video(nearest(2), titled, out) == ()
    with av.open(str(out)) as result:
        (packet,) = [p for p in result.demux(subtitles=0) if p.size]
        assert bytes(packet) == b"Hello"
        assert packet.pts * packet.time_base == Fraction(1, 10)


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, VideoError])
def test_an_interrupted_run_leaves_the_old_result_and_no_half_one(
    interruption, clip, nearest, tmp_path
):
    out = tmp_path / "out.mp4"
    out.write_bytes(b"an older result")
    (tmp_path / f".{'0a' * 16}.out.mp4").write_bytes(b"left by a run that was killed")
    seen = []

    def look_and_stop(image):
        seen.extend(path for path in tmp_path.iterdir() if TEMPORARY.fullmatch(path.name))
        if len(seen) > 10:
            raise interruption

    with pytest.raises(interruption):
        restore_video(nearest(2, look_and_stop), clip, out)
    assert len(set(seen)) == 1
    assert out.read_bytes() == b"an older result"
    assert list(tmp_path.iterdir()) == [out]


def test_a_second_run_is_refused_and_the_first_one_is_not_harmed(clip, nearest, tmp_path):
    out = tmp_path / "out.mp4"

    def start_another(image):
        if not out.exists():
            with pytest.raises(VideoError, match="is being written by another run"):
                restore_video(nearest(1), clip, out)

    restore_video(nearest(2, start_another), clip, out)
    assert list(tmp_path.iterdir()) == [out]
    restore_video(nearest(2), clip, out)


@pytest.mark.parametrize("name", ["\u6d77" * 83 + ".mp4", "a" * 251 + ".mkv"])
def test_every_name_that_fits_can_be_written(name, clip, decoded, nearest, tmp_path):
    restore_video(nearest(1), clip, tmp_path / name)
    assert len(decoded(tmp_path / name).frames) == 40
    with pytest.raises(OSError, match="too long"):
        restore_video(nearest(1, lambda image: pytest.fail("begun")), clip, tmp_path / f"a{name}aa")


def test_frames_of_two_sizes_are_refused(picture, nearest, tmp_path):
    path = tmp_path / "two.ts"
    with av.open(str(path), "w") as target:
        video = target.add_stream("libx264", 20, width=32, height=24)
        larger = av.CodecContext.create("libx264", "w")
        larger.width, larger.height, larger.pix_fmt = 64, 48, "yuv420p"
        larger.time_base = Fraction(1, 20)
        for encoder, size, begin in ((video, (24, 32), 0), (larger, (48, 64), 30)):
            for packet in encoded(encoder, [picture(n, size) for n in range(30)], begin):
                packet.stream = video
                target.mux(packet)
    with pytest.raises(VideoError, match=r"changes from 32 x 24 pixels.*to 64 x 48"):
        restore_video(nearest(2), path, tmp_path / "out.mp4")
    assert list(tmp_path.iterdir()) == [path]


def encoded(encoder, shown, begin):
    for number, image in enumerate(shown):
        frame = av.VideoFrame.from_ndarray(image, "rgb24").reformat(format="yuv420p")
        frame.pts, frame.time_base = begin + number, Fraction(1, 20)
        yield from encoder.encode(frame)
    yield from encoder.encode()
