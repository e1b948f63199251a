"""What shapes tell of the attention in SPSAGAN's generator; outputs are in `test_rrdbnet.py`."""

import pytest

from mirnet_keras import weights
from mirnet_keras.models import SPSAGAN

SMALL = {"filters": 8, "blocks": 1, "growth": 2, "cond_hidden": 4, "cond_channels": 2}


@pytest.mark.parametrize(
    "attention",
    [
        {"key_ratio": 4, "seg_key_dim": 3},
        {"key_ratio": 8, "seg_mode": "similarity"},
        {"key_ratio": 2, "seg_key_dim": 2, "value_dim": 5},
    ],
)
def test_options_of_the_attention_are_recognised(attention):
    arrays = weights.to_official(SPSAGAN(**SMALL, attention=attention))
    assert weights.from_official(arrays).arguments["attention"] == attention
