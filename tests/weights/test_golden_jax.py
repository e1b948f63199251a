"""The authors' numbers on JAX, in a process of its own: the backend is fixed at import."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_golden_files_on_jax():
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_golden.py"]
    environment = os.environ | {"KERAS_BACKEND": "jax"}
    done = subprocess.run(
        command, cwd=Path(__file__).parent, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-3000:]
