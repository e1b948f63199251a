"""Restoring over HTTP, for one machine: bounded in bytes, pixels, waiting and time."""

from mirnet_keras.service.app import Limits, create_app

__all__ = ["Limits", "create_app"]
