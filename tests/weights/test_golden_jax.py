"""The authors' numbers on JAX, in a process of its own: the backend is fixed at import."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
FILES = [
    "weights/test_golden.py",
    "weights/test_discriminators.py",
    "weights/test_golden_intermediates.py",
    "weights/test_rrdbnet.py",
    "layers/test_channel_attention.py",
    "layers/test_channel_spatial_attention.py",
    "layers/test_layer_attention.py",
    "layers/test_mean_shift.py",
    "layers/test_pixel_shuffle_upsampling.py",
    "layers/test_region_non_local.py",
    "layers/test_residual_sparse_block.py",
    "layers/test_segmentation_prior_self_attention.py",
    "layers/test_residual_channel_attention_block.py",
    "layers/test_residual_group.py",
    "layers/test_second_order_channel_attention.py",
    "layers/test_spectral_norm_convolution.py",
    "layers/test_unbiased_batch_normalization.py",
]


@pytest.mark.slow
def test_golden_files_on_jax():
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *FILES]
    environment = os.environ | {"KERAS_BACKEND": "jax"}
    done = subprocess.run(command, cwd=TESTS, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
