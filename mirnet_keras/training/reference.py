"""Whether a run, finished or not, is as good as the one its recipe was measured with."""

import dataclasses
import os
import pathlib
from typing import Any

from mirnet_keras.recipes import RecipeError, load_recipe
from mirnet_keras.training.curve import Curve, read_curve

LOSS_ABOVE, PSNR_BELOW = 1.15, 0.3  # times, and dB: what still counts as on track


@dataclasses.dataclass(frozen=True)
class Check:
    """How a run compares with the reference of its recipe at one step.

    Attributes:
        step: of both.
        about: `"loss"` or `"psnr"`.
        found: the run's value there.
        reference: the recipe's.
        on_track: whether it is good enough.
    """

    step: int
    about: str
    found: float
    reference: float
    on_track: bool


def check_run(recipe: Any, out: str | os.PathLike) -> list[Check]:
    """Compares a run, finished or not, with the reference of a recipe.

    Args:
        recipe: `Recipe`, name or file, with `expected`.
        out: folder of the run.

    Returns:
        Loss and score at each point of the reference that the run has reached, and the best score
        against the expected one when it is at its end.

    Raises:
        RecipeError: when there is no run, the recipe has no reference, the run is validated by
            another protocol, or it has not come to the first point.
    """
    recipe = load_recipe(recipe)
    expected = recipe.expected
    if expected is None:
        raise RecipeError(f"The recipe {recipe.name!r} has no `expected` to compare a run with.")
    kept = pathlib.Path(out) / "recipe.yaml"
    if not kept.exists():
        raise RecipeError(f"There is no run in {out}: give the folder that `train` wrote.")
    own = load_recipe(kept)
    if own.protocol != recipe.protocol:
        raise RecipeError(
            f"The run in {out} is validated by the protocol {own.protocol!r}, the reference of the "
            f"recipe {recipe.name!r} by {recipe.protocol!r}: such scores cannot be compared. "
            "Compare a run by the same protocol."
        )
    curve = read_curve(kept.with_name("log.csv"), own.report_every, own.validate_every)
    checks = []
    for point in expected.curve:
        checks += _checks_at(point, curve)
    if len(curve.steps) and curve.steps[-1] == own.steps and curve.best is not None:
        good = curve.best[1] >= expected.psnr - expected.tolerance
        checks.append(Check(own.steps, "psnr", curve.best[1], expected.psnr, good))
    if not checks:
        points = [point.step for point in expected.curve] or [own.steps]
        raise RecipeError(
            f"The run in {out} has not come to a step that the recipe {recipe.name!r} has a "
            f"reference for: {points}."
        )
    return checks


def _checks_at(point, curve: Curve) -> list[Check]:
    checks = []
    if point.loss is not None and point.step in curve.steps:
        found = float(curve.loss[curve.steps == point.step][0])
        good = found <= LOSS_ABOVE * point.loss
        checks.append(Check(point.step, "loss", found, point.loss, good))
    if point.psnr is not None and point.step in curve.validated:
        found = float(curve.psnr[curve.validated == point.step][0])
        good = found >= point.psnr - PSNR_BELOW
        checks.append(Check(point.step, "psnr", found, point.psnr, good))
    return checks
