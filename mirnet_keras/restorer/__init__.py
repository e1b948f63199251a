"""From a trained model to restored pictures of any size."""

from mirnet_keras.restorer.ensemble import self_ensemble
from mirnet_keras.restorer.errors import RestorerError
from mirnet_keras.restorer.looking import Look, look
from mirnet_keras.restorer.picture import restore_picture
from mirnet_keras.restorer.plan import Estimate
from mirnet_keras.restorer.quarters import restore_in_quarters
from mirnet_keras.restorer.restorer import Restorer
from mirnet_keras.restorer.seams import SeamError, seam_error
from mirnet_keras.restorer.suggestion import Suggestion, suggest_preset
from mirnet_keras.restorer.tiling import restore_in_tiles, restored_strips

__all__ = [
    "Estimate",
    "Look",
    "Restorer",
    "RestorerError",
    "SeamError",
    "Suggestion",
    "look",
    "restore_in_quarters",
    "restore_in_tiles",
    "restore_picture",
    "restored_strips",
    "seam_error",
    "self_ensemble",
    "suggest_preset",
]
