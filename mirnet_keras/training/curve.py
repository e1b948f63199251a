"""The curve of a run: its loss and its validations, read from the log."""

import csv
import dataclasses
import math
import pathlib

import numpy as np

from mirnet_keras.recipes import Expected


@dataclasses.dataclass(frozen=True)
class Curve:
    """Loss and validation of a run.

    Attributes:
        steps: training steps done at each report.
        loss: mean of the steps since the report before.
        validated: steps at which whole pictures were restored.
        psnr: their mean score in dB.
    """

    steps: np.ndarray
    loss: np.ndarray
    validated: np.ndarray
    psnr: np.ndarray

    @property
    def best(self) -> tuple[int, float] | None:
        """Step and score of the best validation."""
        if not np.isfinite(self.psnr).any():
            return None
        place = int(np.nanargmax(self.psnr))
        return int(self.validated[place]), float(self.psnr[place])


def read_curve(log: pathlib.Path, report_every: int, validate_every: int) -> Curve:
    """The curve of a `log.csv`; empty where there is none yet.

    Args:
        log: of a run folder.
        report_every, validate_every: of its recipe.
    """
    lines = []
    if log.exists():
        with log.open(newline="") as file:
            # What was cut short, on a full disk, is no line.
            lines = [line for line in csv.DictReader(file) if None not in line.values()]
    steps = np.array([(int(line["epoch"]) + 1) * report_every for line in lines], int)
    loss, psnr = (
        np.array([float(line.get(name) or math.nan) for line in lines])
        for name in ("loss", "val_psnr")
    )
    # Between validations the log repeats the last one.
    fresh = (steps % validate_every == 0) & np.isfinite(psnr)
    return Curve(steps, loss, steps[fresh], psnr[fresh])


def draw_curve(curve: Curve, expected: Expected | None = None):
    """A figure of the loss and, where there were validations, of their scores.

    Args:
        curve: of the run.
        expected: drawn beside it.

    Returns:
        A matplotlib `Figure`.
    """
    from matplotlib.figure import Figure

    panels = 2 if len(curve.psnr) else 1
    figure = Figure(figsize=(6 * panels, 4), layout="constrained")
    axes = figure.subplots(1, panels, squeeze=False)[0]
    axes[0].plot(curve.steps, curve.loss, label="this run")
    axes[0].set(xlabel="step", ylabel="loss", yscale="log")
    if panels == 2:
        axes[1].plot(curve.validated, curve.psnr, marker=".", label="this run")
        axes[1].set(xlabel="step", ylabel="validation, dB")
    if expected is not None:
        _draw_expected(axes, expected)
    return figure


def _draw_expected(axes, expected: Expected) -> None:
    for panel, name in zip(axes, ("loss", "psnr"), strict=False):
        known = [p for p in expected.curve if getattr(p, name) is not None]
        values = [getattr(p, name) for p in known]
        panel.plot([p.step for p in known], values, linestyle="--", label="reference")
    if len(axes) == 2:
        axes[1].axhline(expected.psnr, color="grey", linestyle=":", label="expected")
    for panel in axes:
        panel.legend()
