"""What is handed over: the wheel, the versions it asks for, the licences it names."""

import importlib.metadata
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
NAMED = [
    Requirement(line)
    for line in (ROOT / "requirements.txt").read_text().splitlines()
    if line and not line.startswith("#")
]
PRESETS = sorted(path.parent.name for path in ROOT.glob("saved_models/*/preset.json"))
LARGEST_WHEEL = 32_000_000


@pytest.mark.parametrize("requirement", NAMED, ids=lambda requirement: requirement.name)
def test_a_dependency_has_bounds_around_what_is_tested(requirement):
    bounds = {specifier.operator: specifier.version for specifier in requirement.specifier}
    assert bounds.keys() == {">=", "<"}
    assert importlib.metadata.version(requirement.name) in requirement.specifier
    assert bounds[">="] in requirement.specifier  # not above the upper one


def test_every_dependency_is_on_the_page_of_licences():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = sum(project["optional-dependencies"].values(), [])
    rows = (ROOT / "docs" / "licences.md").read_text().lower().replace("*", "")
    for requirement in [*NAMED, *map(Requirement, extras)]:
        assert f"| {requirement.name} |".lower() in rows, "python -m benchmarks.licences_page"
    for preset in PRESETS:
        assert f"| `{preset}` |" in rows


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", str(ROOT), "--no-deps", "-w", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    (path,) = folder.iterdir()
    return path


@pytest.mark.slow
def test_the_wheel_holds_presets_licences_and_nothing_of_the_workshop(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for preset in PRESETS:
        folder = f"mirnet_keras/saved_models/{preset}/"
        held = {name.removeprefix(folder) for name in names if name.startswith(folder)}
        assert held == {"preset.json", "model.keras", "model_float16.tflite"}
    assert "mirnet_keras/demo_images/LICENCES.md" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    top = {name.split("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == {"mirnet_keras"}
    assert wheel.stat().st_size < LARGEST_WHEEL


def test_all_presets_together_stay_small():
    files = [path for path in (ROOT / "saved_models").rglob("*") if path.is_file()]
    assert files
    assert sum(path.stat().st_size for path in files) < 80e6
