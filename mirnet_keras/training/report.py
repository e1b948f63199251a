"""What became of a run, in words: whether it reached what was expected, and if not, why perhaps."""

import dataclasses
import json

import numpy as np

from mirnet_keras.recipes import Recipe, RecipeError, list_recipes, load_recipe
from mirnet_keras.training.curve import Curve, draw_curve, read_curve
from mirnet_keras.training.run_folder import RunFolder

JUMP = 3.0  # a loss above so many times the median of the five reports before it
STILL_RISING = 0.02  # dB between the two last validations
PEAKED_EARLY = 0.8  # of the steps: a best validation before that is the start of overfitting


@dataclasses.dataclass(frozen=True)
class Report:
    """What became of a run.

    Attributes:
        name: of the recipe.
        seed: of the run.
        steps: done.
        of_steps: in the recipe.
        loss: of the last report, or None.
        best_psnr: dB of the best validation, or None.
        best_step: when that was, or None.
        expected_psnr: dB of the recipe, or None.
        verdict: `"reached"`, `"below"`, `"unfinished"`, or `"unknown"` where nothing is expected
            or nothing was validated.
        causes: what may be behind a run that is not what it should be, the likeliest first.
    """

    name: str
    seed: int
    steps: int
    of_steps: int
    loss: float | None
    best_psnr: float | None
    best_step: int | None
    expected_psnr: float | None
    verdict: str
    causes: list[str]

    def text(self) -> str:
        """The report in Markdown."""
        lines = [
            f"# {self.name}",
            "",
            f"{self.steps:,} of {self.of_steps:,} steps, seed {self.seed}.",
        ]
        if self.best_psnr is not None:
            lines.append(f"Best validation: {self.best_psnr:.2f} dB at step {self.best_step:,}.")
        if self.expected_psnr is not None:
            lines.append(f"Expected: {self.expected_psnr:.2f} dB. {_VERDICTS[self.verdict]}")
        if self.causes:
            lines += ["", "What may be behind it:", ""]
            lines += [f"- {cause}" for cause in self.causes]
        return "\n".join([*lines, "", "![Loss and validation](curve.png)", ""])


_VERDICTS = {
    "reached": "That was reached.",
    "below": "That was not reached.",
    "unfinished": "The run is not at its end.",
    "unknown": "Nothing was validated.",
}


def report_of(recipe: Recipe, curve: Curve, of_steps: int) -> Report:
    """Judges a run by its curve and by what its recipe expects.

    Args:
        recipe: of the run.
        curve: as far as it came.
        of_steps: steps of the whole run.
    """
    steps = int(curve.steps[-1]) if len(curve.steps) else 0
    best = curve.best
    verdict = _verdict(recipe, best, steps < of_steps)
    return Report(
        name=recipe.name,
        seed=recipe.seed,
        steps=steps,
        of_steps=of_steps,
        loss=_number(curve.loss[-1]) if len(curve.loss) else None,
        best_psnr=best[1] if best else None,
        best_step=best[0] if best else None,
        expected_psnr=recipe.expected.psnr if recipe.expected else None,
        verdict=verdict,
        causes=[] if verdict == "reached" else likely_causes(recipe, curve, of_steps),
    )


def _verdict(recipe: Recipe, best, unfinished: bool) -> str:
    expected = recipe.expected
    if expected is not None and best and best[1] >= expected.psnr - expected.tolerance:
        return "reached"
    if unfinished:
        return "unfinished"
    return "unknown" if expected is None or not best else "below"


def _number(value) -> float | None:
    return float(value) if np.isfinite(value) else None


def likely_causes(recipe: Recipe, curve: Curve, of_steps: int) -> list[str]:
    """What the curve and the recipe say about a run that is not what it should be."""
    causes = []
    if len(curve.loss) and not np.isfinite(curve.loss).all():
        step = int(curve.steps[~np.isfinite(curve.loss)][0])
        causes.append(f"The loss was not finite at step {step:,}: lower `rate`, set `clip_norm`.")
    changed = _changed_from_shipped(recipe)
    if changed:
        causes.append(f"The recipe differs from the shipped one in {', '.join(changed)}.")
    causes += _causes_in_loss(curve)
    causes += _causes_in_validation(curve, of_steps)
    return causes


def _changed_from_shipped(recipe: Recipe) -> list[str]:
    if recipe.name not in list_recipes():
        return []
    try:
        shipped = load_recipe(recipe.name).model_dump()
    except RecipeError:
        return []
    return [f"`{k}`" for k, v in recipe.model_dump(exclude={"expected"}).items() if v != shipped[k]]


def _causes_in_loss(curve: Curve) -> list[str]:
    loss = curve.loss
    if len(loss) < 6 or not np.isfinite(loss).all():
        return []
    causes = []
    before = np.array([np.median(loss[i - 5 : i]) for i in range(5, len(loss))])
    jumps = curve.steps[5:][loss[5:] > JUMP * before]
    if len(jumps):
        causes.append(f"The loss jumped at step {jumps[0]:,}: lower `rate`, set `clip_norm`.")
    third = len(loss) // 3
    if np.mean(loss[-third:]) > 0.98 * np.mean(loss[:third]):
        causes.append(
            "The loss did not fall: inputs and targets may not belong together, or `rate` is too "
            "high or too low."
        )
    return causes


def _causes_in_validation(curve: Curve, of_steps: int) -> list[str]:
    psnr, best = curve.psnr, curve.best
    if best is None:
        return [
            "Nothing was validated: the run ended before its first validation, or the recipe's "
            "`data` names no pictures to validate on."
        ]
    if len(psnr) < 2:
        return []
    if best[0] == curve.validated[-1] and psnr[-1] - psnr[-2] > STILL_RISING:
        return ["The score was still rising: more steps, or a higher `rate`."]
    if best[0] < PEAKED_EARLY * curve.validated[-1]:
        return [
            f"The best score came early, at step {best[0]:,}: the network begins to know the "
            "training pictures by heart, so more pictures or fewer steps."
        ]
    return []


def write_report(folder: RunFolder, recipe: Recipe, of_steps: int) -> Report:
    """Writes `curve.png`, `report.md` and `report.json` into the folder of a run."""
    curve = read_curve(folder.log, recipe.report_every, recipe.validate_every)
    report = report_of(recipe, curve, of_steps)
    figure = draw_curve(curve, recipe.expected)
    folder.write(folder.path / "curve.png", lambda path: figure.savefig(path, format="png"))
    folder.write(folder.path / "report.md", lambda path: path.write_text(report.text()))
    values = json.dumps(dataclasses.asdict(report), indent=2)
    folder.write(folder.path / "report.json", lambda path: path.write_text(values + "\n"))
    return report
