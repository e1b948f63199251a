"""Clips: every frame restored, with its time; sound and subtitles as they are.

Needs PyAV: `pip install '.[video]'`.
"""

from mirnet_keras.video.clip import INPUT_SUFFIXES, VideoError, middle_frame
from mirnet_keras.video.encoding import OUTPUT_SUFFIXES
from mirnet_keras.video.restoring import restore_video

__all__ = ["INPUT_SUFFIXES", "OUTPUT_SUFFIXES", "VideoError", "middle_frame", "restore_video"]
