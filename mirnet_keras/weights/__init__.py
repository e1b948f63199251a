"""The authors' checkpoints: recognised, loaded, written back."""

from mirnet_keras.weights.official import from_official, load_official, to_official
from mirnet_keras.weights.state_dict import WeightsError, read_state_dict

__all__ = ["WeightsError", "from_official", "load_official", "read_state_dict", "to_official"]
