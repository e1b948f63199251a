"""From a trained model to restored pictures of any size."""

from mirnet_keras.restorer.ensemble import self_ensemble
from mirnet_keras.restorer.quarters import restore_in_quarters
from mirnet_keras.restorer.restorer import Restorer, RestorerError
from mirnet_keras.restorer.suggestion import suggest_preset
from mirnet_keras.restorer.tiling import restore_in_tiles

__all__ = [
    "Restorer",
    "RestorerError",
    "restore_in_quarters",
    "restore_in_tiles",
    "self_ensemble",
    "suggest_preset",
]
