"""The authors' checkpoints: recognised, loaded, written back."""

from mirnet_keras.weights.interpolation import interpolate
from mirnet_keras.weights.official import from_official, load_official, to_official
from mirnet_keras.weights.recognition import recognise
from mirnet_keras.weights.rrdbnet import rrsb_from_rrdb
from mirnet_keras.weights.state_dict import WeightsError, read_state_dict
from mirnet_keras.weights.transfer import transfer_by_name

__all__ = [
    "WeightsError",
    "from_official",
    "interpolate",
    "load_official",
    "read_state_dict",
    "recognise",
    "rrsb_from_rrdb",
    "to_official",
    "transfer_by_name",
]
