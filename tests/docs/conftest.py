import dataclasses
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
SLOW = ("docs/restoring.md", "docs/training.md")  # to run their code
# What a block that is not run holds, and why it is not.
NOT_RUN = {
    "net.pth": "there is no checkpoint of the authors",
    "urllib.request": "needs a server",
    "tf.saved_model.load(": "without this package: tests_addons runs it",
    "apache_beam": "needs the extra [beam]: test_beam.py runs it",
    "build_site(": "fetches LiteRT.js",
    "to_litert(": "a minute: tests/export runs it",
    "restore_video(": "needs a clip: tests/video runs it",
    "onnxruntime": "half a minute: tests/export runs it",
}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Page:
    """A page of the documentation: its path, its text without code, its blocks of Python."""

    path: Path

    @property
    def prose(self) -> str:
        return FENCE.sub("", self.path.read_text())

    @property
    def python(self) -> list[str]:
        return [code for kind, code in FENCE.findall(self.path.read_text()) if kind == "python"]

    @property
    def runnable(self) -> list[str]:
        return [code for code in self.python if not any(mark in code for mark in NOT_RUN)]


# Fixture -> which pages it is: all, those with code, those whose code is run.
CHOICES = {
    "page": lambda page: True,
    "page_with_code": lambda page: page.python,
    "page_to_run": lambda page: page.runnable,
}


def pytest_generate_tests(metafunc):
    for fixture in CHOICES.keys() & set(metafunc.fixturenames):
        pages = []
        for path in PAGES:
            name, page = str(path.relative_to(ROOT)), Page(path)
            slow = name in SLOW and fixture == "page_to_run"
            if CHOICES[fixture](page):
                pages.append(pytest.param(page, id=name, marks=[pytest.mark.slow] if slow else []))
        metafunc.parametrize(fixture, pages)


@pytest.fixture(scope="session")
def root():
    """The folder of the checkout."""
    return ROOT
