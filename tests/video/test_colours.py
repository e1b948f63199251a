import struct

import numpy as np
import pytest

from mirnet_keras.video import middle_frame, restore_video
from mirnet_keras.video.colours import Colours, frame_of, pixels, upright


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
def test_colours_keep_matrix_and_range_and_say_so(
    matrix, scope, make_clip, decoded, nearest, tmp_path
):
    clip = make_clip(tmp_path / "clip.mp4", colorspace=matrix, color_range=scope, color_trc=13)
    restore_video(nearest(1), clip, tmp_path / "out.mp4", crf=1)
    result = decoded(tmp_path / "out.mp4")
    frame = result.frames[3]
    assert frame.colorspace == (6 if matrix == 2 else matrix)  # small and silent: BT.601
    assert frame.color_range == (scope or 1)
    assert frame.color_trc == 13
    ours, theirs = result.images[3], decoded(clip).images[3]
    assert np.abs(ours.astype(int) - theirs).mean() < 1


def test_ten_bits_stay_ten_and_reach_the_restorer_as_sixteen(make_clip, decoded, nearest, tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", kind="yuv420p10le")
    seen = []
    restorer = nearest(2, lambda image: seen.append(image.dtype))
    restore_video(restorer, clip, tmp_path / "out.mp4")
    assert set(seen) == {np.dtype(np.uint16)}
    assert decoded(tmp_path / "out.mp4").frames[0].format.name == "yuv420p10le"


@pytest.mark.parametrize("turn", [90, 180, -90])
def test_turned_clips_are_stored_upright(turn, make_clip, decoded, nearest, tmp_path):
    clip, out = make_clip(tmp_path / "clip.mp4", turn=turn), tmp_path / "out.mp4"
    restore_video(nearest(1), clip, out, crf=1)
    turned = decoded(clip).frames[0]
    assert turned.rotation % 360 == turn % 360
    result = decoded(out)
    assert result.frames[0].rotation == 0
    as_stored = pixels(turned, Colours.of(turned))
    shown = np.rot90(as_stored, turn // 90)  # both count against the clock
    assert result.images[0].shape == shown.shape
    assert np.abs(result.images[0].astype(int) - shown).mean() < 2
    assert middle_frame(clip).shape == shown.shape


def test_mirrored_frames_are_shown_as_they_shall_be():
    class Mirrored:
        def __init__(self, a, b, c, d):
            self.side_data = {"DISPLAYMATRIX": struct.pack("9i", a, b, 0, c, d, 0, 0, 0, 1)}

    image = np.arange(6).reshape(2, 3, 1)
    one = 65536
    assert (upright(image, Mirrored(-one, 0, 0, one)) == image[:, ::-1]).all()
    assert (upright(image, Mirrored(one, 0, 0, -one)) == image[::-1]).all()
    assert (upright(image, Mirrored(0, one, one, 0)) == image.swapaxes(0, 1)).all()
