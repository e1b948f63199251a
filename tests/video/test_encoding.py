import av
import numpy as np
import pytest

from mirnet_keras.video import VideoError, restore_video


@pytest.mark.parametrize(
    ("given", "codec", "track", "wanted"),
    [
        ("clip.mkv", "libx264", "flac", "out.mkv"),
        ("clip.mkv", "libx264", "aac", "out.mp4"),
        ("clip.webm", "libvpx-vp9", "libopus", "out.webm"),
        ("clip.mov", "libx264", None, "out.mov"),
    ],
)
def test_other_formats(given, codec, track, wanted, make_clip, decoded, nearest, tmp_path):
    clip = make_clip(tmp_path / given, codec, "yuv420p", track)
    assert restore_video(nearest(2), clip, tmp_path / wanted) == ()
    old, new = decoded(clip), decoded(tmp_path / wanted)
    assert new.times == old.times
    if track:
        assert new.sound == old.sound


@pytest.mark.parametrize(("codec", "tag"), [("libx265", "hvc1"), ("libsvtav1", "av01")])
def test_other_codecs(codec, tag, clip, decoded, nearest, tmp_path, capfd):
    out = tmp_path / "out.mp4"
    restore_video(nearest(4), clip, out, codec=codec)
    assert decoded(out).times == decoded(clip).times
    assert decoded(out).frames[0].width == 4 * 32
    with av.open(str(out)) as result:
        assert result.streams.video[0].codec_context.codec_tag == tag
    assert capfd.readouterr().err == ""


def test_without_loss_and_with_odd_sides(clip, picture, decoded, nearest, tmp_path):
    lossless = tmp_path / "out.mkv"
    restore_video(nearest(1), clip, lossless, codec="ffv1")
    difference = np.abs(decoded(lossless).images[5].astype(int) - decoded(clip).images[5])
    assert difference.max() <= 2  # of rounding alone

    odd = tmp_path / "odd.mkv"
    with av.open(str(odd), "w") as target:
        video = target.add_stream("ffv1", 20, width=31, height=23)
        frame = av.VideoFrame.from_ndarray(picture(0, (23, 31)), "rgb24")
        target.mux(video.encode(frame.reformat(format="yuv420p")))
        target.mux(video.encode())
    restore_video(nearest(1), odd, tmp_path / "odd.mp4")
    assert decoded(tmp_path / "odd.mp4").images[0].shape == (23, 31, 3)


def test_what_does_not_fit_is_named(clip, nearest, tmp_path, monkeypatch):
    def refused(pattern, name="out.mp4", **options):
        with pytest.raises(VideoError, match=pattern):
            restore_video(nearest(2), clip, tmp_path / name, **options)

    refused(r"must end in one of \.mp4", "out.gif")
    refused("no encoder 'h265' that is known here. There are: libx264, ", codec="h265")
    refused("libx265 takes frames of at least 64 pixels a side", codec="libx265")
    refused("loses nothing", "out.mkv", codec="ffv1", crf=3)
    refused(r"does not hold libx264", "out.webm", codec="libx264")
    monkeypatch.setattr("mirnet_keras.video.encoding.is_there", lambda name: name == "ffv1")
    refused("no encoder 'libx264' that is known here. There are: ffv1. Name one")
    with pytest.raises(VideoError, match="would be lost"):
        restore_video(nearest(2), clip, clip)
