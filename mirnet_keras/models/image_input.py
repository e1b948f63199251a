"""The inputs of all networks, and the global Keras settings that they depend on."""

import keras

from mirnet_keras.machine import check_backend


class SettingError(ValueError):
    """A global setting of Keras that the networks cannot work under; the message names it."""


def image_input(channels: int = 3, name: str = "image", size: int | None = None):
    """Return the input of a network: float32 images, whatever `keras.config.floatx()` is.

    Args:
        channels: Of the images, or classes of a segmentation.
        name: Of the input.
        size: Height and width; None: any.

    Raises:
        SettingError: where Keras puts channels first.
    """
    check_settings()
    return keras.Input((size, size, channels), name=name, dtype="float32")


def check_settings() -> None:
    """Raise where Keras puts channels first, which layers go by when they run, or cannot compute.

    Raises:
        SettingError: naming the setting.
        BackendError: for a backend under which the networks do not work.
    """
    check_backend()
    if keras.config.image_data_format() != "channels_last":
        raise SettingError(
            "The networks of this package take images with channels last, but image_data_format "
            f"is '{keras.config.image_data_format()}'. Call "
            "`keras.config.set_image_data_format('channels_last')` first."
        )
