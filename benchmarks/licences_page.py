"""Writes `docs/licences.md`: `python -m benchmarks.licences_page`.

From what is installed (run it where all extras are), the presets' descriptions, and the demo's
pictures. Licences are as the packages' own metadata state them.
"""

import importlib.metadata
import json
import re
import tomllib
from collections.abc import Iterator

from packaging.requirements import Requirement

from benchmarks.performance_page import ROOT, table

PAGE = ROOT / "docs" / "licences.md"
UNKNOWN, LONGEST = "not stated in its metadata", 60

TEXT = """# Licences

Written by `python -m benchmarks.licences_page`. Of other packages it says what their own metadata
state; nothing of them is in the wheel.

## In the wheel

| part | licence | where it comes from |
| --- | --- | --- |
| code, recipes, page for browsers | Apache-2.0 | written here; `LICENSE` |
| `demo_images/` | CC0 1.0 | `demo_images/LICENCES.md` |
| `metrics/niqe_mirnet_keras.npz` | Apache-2.0 | fitted here, `benchmarks.fit_niqe` |

Weights of the presets, all trained here:

{presets}

The page for browsers is built with LiteRT.js, {litert_js}, which `demo --web` fetches; it is not in
the wheel.

## What `pip install` brings

In bold what this package names itself (`requirements.txt`); the rest comes with that.

{installed}

## Extras

{extras}
"""


def page() -> str:
    """The page's text."""
    lock = json.loads((ROOT / "mirnet_keras" / "web" / "package-lock.json").read_text())
    licences = {entry["license"] for entry in lock["packages"].values() if "license" in entry}
    direct = {key(requirement.name): requirement for requirement in requirements()}
    rows = [
        (
            f"**{name}**" if name in direct else name,
            bounds(direct[name]) if name in direct else "",
            licence(name),
        )
        for name in sorted(closure(direct))
    ]
    extras = [
        (requirement.name, bounds(requirement), ", ".join(used), licence(requirement.name))
        for requirement, used in optional()
    ]
    return TEXT.format(
        presets=table(("preset", "licence", "licence of its training data"), presets()),
        litert_js=" and ".join(sorted(licences)),
        installed=table(("package", "versions", "licence"), rows),
        extras=table(("package", "versions", "extra", "licence"), extras),
    )


def requirements() -> list[Requirement]:
    """What `requirements.txt` names."""
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def optional() -> list[tuple[Requirement, list[str]]]:
    """What the extras name, once each, and in which extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found: dict[str, tuple[Requirement, list[str]]] = {}
    for extra, texts in project["optional-dependencies"].items():
        for requirement in map(Requirement, texts):
            found.setdefault(key(requirement.name), (requirement, []))[1].append(extra)
    return [found[name] for name in sorted(found)]


def closure(names) -> set[str]:
    """The packages and all that they require, on this machine."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += required(name)
    return found


def required(name: str) -> Iterator[str]:
    """What an installed package requires without extras."""
    for requirement in map(Requirement, importlib.metadata.requires(name) or ()):
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield key(requirement.name)


def bounds(requirement: Requirement) -> str:
    """The versions that will do, the lowest first."""
    return ", ".join(sorted(map(str, requirement.specifier), reverse=True))


def key(name: str) -> str:
    """A package's name as the index spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def licence(name: str) -> str:
    """A package's licence in the words of its metadata."""
    try:
        facts = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed where this was written"
    classifiers = [
        text.rpartition(" :: ")[2]
        for text in facts.get_all("Classifier") or ()
        if text.startswith("License ::")
    ]
    words = facts.get("License-Expression") or ", ".join(classifiers) or facts.get("License") or ""
    first = words.strip().partition("\n")[0]
    return first if 0 < len(first) <= LONGEST else UNKNOWN


def presets() -> list[tuple[str, str, str]]:
    """Each preset's licences, from its description."""
    folders = sorted((ROOT / "saved_models").glob("*/preset.json"))
    found = [json.loads(path.read_text()) for path in folders]
    return [(f"`{p['name']}`", p["licence"], p["data_licence"]) for p in found]


if __name__ == "__main__":
    PAGE.write_text(page())
