import json
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from mirnet_keras import weights

GOLDEN = Path(__file__).parents[1] / "golden"


def facts(name):
    return json.loads((GOLDEN / f"{name}.json").read_text())


# The others have tests of their own.
NETWORKS = sorted(path.stem for path in GOLDEN.glob("*.json") if "used_params" in facts(path.stem))


class Golden:
    """A golden file of a whole network, and the model that its parameters give."""

    def __init__(self, name):
        self.name = name
        self.facts = facts(name)
        self.tensors = load_file(GOLDEN / f"{name}.safetensors")
        self.parameters = self.part("param/")
        self.range = self.facts["value_range"][1]
        self.model = weights.from_official(self.parameters)

    def part(self, prefix):
        found = {k: v for k, v in self.tensors.items() if k.startswith(prefix)}
        return {k.removeprefix(prefix): v for k, v in found.items()}

    def image(self, name):
        return self.tensors[name].transpose(0, 2, 3, 1) / self.range


@pytest.fixture(scope="session")
def golden_networks():
    """The names of the golden files of whole networks."""
    return NETWORKS


@pytest.fixture(scope="session", params=NETWORKS)
def golden(request):
    return Golden(request.param)
