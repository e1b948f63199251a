import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import mirnet_keras

ROOT = Path(__file__).parent.parent


def modules_after(statement, **environment):
    """Names of the modules loaded by a statement in a fresh interpreter."""
    code = f"import sys\n{statement}\nprint('MODULES', *sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | environment,
    )
    return set(result.stdout.rpartition("MODULES")[2].split())


def test_importing_the_package_imports_no_backend():
    loaded = modules_after("import mirnet_keras")
    assert "mirnet_keras" in loaded
    assert not loaded & {"cv2", "jax", "keras", "matplotlib", "numpy", "tensorflow", "torch"}


def test_jax_backend_works_without_importing_tensorflow():
    loaded = modules_after("import mirnet_keras\nmirnet_keras.models", KERAS_BACKEND="jax")
    assert "jax" in loaded
    assert "tensorflow" not in loaded


def test_every_public_name_exists():
    assert not [name for name in mirnet_keras.__all__ if not hasattr(mirnet_keras, name)]


def test_newest_changelog_heading_is_the_version():
    headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == mirnet_keras.__version__


def test_wheel_lists_every_package():
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    found = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for path in (ROOT / "mirnet_keras").rglob("*.py")
    }
    assert sorted(listed) == sorted(found | {"mirnet_keras.saved_models"})


def test_readme_starts_with_the_two_commands():
    block = re.search(r"```(?:sh|bash)?\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert block.group(1).splitlines() == [
        "pip install . && mirnet-keras demo",
        "pip install '.[test]' && pytest -n 2",
    ]
