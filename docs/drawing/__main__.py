"""Draws all figures."""

import pathlib

from . import FIGURES

folder = pathlib.Path(__file__).parents[1] / "figures"
for draw in FIGURES:
    (folder / f"{draw.__name__}.svg").write_text(draw().svg())
