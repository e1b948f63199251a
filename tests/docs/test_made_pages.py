"""What a program writes into the documentation is what it would write today."""

import pytest


@pytest.fixture
def importable(monkeypatch, root):
    monkeypatch.syspath_prepend(root)
    monkeypatch.syspath_prepend(root / "docs")


def test_figures_are_up_to_date(importable, root):
    from drawing import FIGURES

    for draw in FIGURES:
        written = (root / "docs" / "figures" / f"{draw.__name__}.svg").read_text()
        assert written == draw().svg(), "Run `cd docs && python -m drawing`."


def test_every_picture_of_the_gallery_is_made_by_the_command_and_shown(importable, root):
    from benchmarks import gallery

    pictures = sorted(gallery.FOLDER.iterdir())
    text = (root / "docs" / "gallery.md").read_text()
    for picture in pictures:
        assert hasattr(gallery, picture.stem)
        assert f"(images/gallery/{picture.name})" in text
    assert sum(picture.stat().st_size for picture in pictures) < 1_500_000


def test_comparison_page_is_up_to_date(importable):
    from benchmarks.comparison_page import PAGE, page

    assert PAGE.read_text() == page(), "Run `python -m benchmarks.comparison_page`."


def test_performance_page_is_up_to_date(importable):
    from benchmarks.performance_page import PAGE, page

    assert PAGE.read_text() == page(), "Run `python -m benchmarks.performance_page`."
