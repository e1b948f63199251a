"""The program of docs/beam.md, run by Beam's own runner for one machine."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest

from mirnet_keras import Restorer
from mirnet_keras.images import read_image, write_image

pytest.importorskip("apache_beam", reason="needs the extra [beam]")


@pytest.fixture
def program(tmp_path, root):
    text = (root / "docs" / "beam.md").read_text()
    (code,) = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    path = tmp_path / "restore_many.py"
    path.write_text(code)
    return path


def test_pictures_are_restored_and_one_that_fails_is_named(program, tmp_path):
    random = np.random.default_rng(0)
    for name, size in {"a.png": (24, 31), "b.jpg": (17, 40)}.items():
        write_image(tmp_path / "in" / name, random.integers(0, 256, (*size, 3), np.uint8))
    (tmp_path / "in" / "broken.png").write_bytes(b"no picture")
    done = subprocess.run(
        [sys.executable, program, f"{tmp_path}/in/*", tmp_path / "out"],
        env=os.environ | {"PYTHONWARNINGS": "ignore"},  # Beam's own
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (named,) = [line for line in done.stderr.splitlines() if "broken.png: ImageError(" in line]
    assert "is not a picture in a format that can be read" in named
    made = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert made == ["a.png.png", "b.jpg.png"]
    restorer = Restorer("awsrn_s_x2")
    for name in made:
        expected = restorer(read_image(tmp_path / "in" / name.removesuffix(".png")))
        difference = expected.astype(int) - read_image(tmp_path / "out" / name)
        assert np.abs(difference).max() <= 1
