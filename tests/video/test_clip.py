from fractions import Fraction

import av
import numpy as np
import pytest

from mirnet_keras.video import VideoError, middle_frame, restore_video


def damaged(path, target, change):
    content = bytearray(path.read_bytes())
    target.write_bytes(change(content))
    return target


def test_damage_is_one_sentence_and_leaves_nothing(clip, make_clip, nearest, tmp_path):
    whole = make_clip(tmp_path / "whole.mkv", sound=None)

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
            restore_video(nearest(2), path, out)
        assert path.name in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(FileNotFoundError, match="no clip at"):
        restore_video(nearest(2), tmp_path / "none.mp4", out)
    assert not out.parent.exists() or list(out.parent.iterdir()) == []


def test_frames_that_are_too_large_are_refused_before_one_is_decoded(
    clip, nearest, tmp_path, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr("mirnet_keras.video.clip.frames_of", None)
        with pytest.raises(VideoError, match="too many pixels: 32 x 24 in a frame, more than 767"):
            restore_video(nearest(2), clip, tmp_path / "out.mp4", max_pixels=767)
        with pytest.raises(VideoError, match="too many pixels"):
            middle_frame(clip, max_pixels=767)
    assert not list(tmp_path.iterdir())
    restore_video(nearest(1), clip, tmp_path / "out.mp4", max_pixels=768)


def only_sound(path):
    with av.open(str(path), "w") as target:
        track = target.add_stream("aac", 48000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 2048), np.int16), "s16", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48000, 0, Fraction(1, 48000)
        target.mux(track.encode(frame))
        target.mux(track.encode())
    return path


def test_without_pyav_the_command_is_named(clip, nearest, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(VideoError, match=r"Run `pip install '\.\[video\]'`"):
        restore_video(nearest(2), clip, tmp_path / "out.mp4")
