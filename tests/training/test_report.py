import csv
import json

import numpy as np
import pytest

from mirnet_keras.images import read_image
from mirnet_keras.recipes import CurvePoint, Expected, Recipe, RecipeError, load_recipe
from mirnet_keras.training import check_run
from mirnet_keras.training.curve import read_curve
from mirnet_keras.training.report import report_of, write_report
from mirnet_keras.training.run_folder import RunFolder


def recipe(psnr=30.0, **changes):
    values = {
        "name": "tiny",
        "network": "awsrn",
        "arguments": {"scale": 2},
        "data": {"kind": "super_resolution", "folders": ["hr"], "validation": "val"},
        "stages": [{"steps": 120, "crop": 16, "batch": 2}],
        "report_every": 10,
        "validate_every": 20,
        "expected": {"psnr": psnr},
    }
    return Recipe(**(values | changes))


@pytest.fixture
def logged(tmp_path):
    """`logged(losses, scores)` writes the folder of a run: a loss a report, a score every other."""

    def write(losses, scores=(), plan=None):
        folder = RunFolder(tmp_path, plan or recipe())
        with folder.log.open("w", newline="") as file:
            lines = csv.writer(file)
            lines.writerow(["epoch", "loss", "val_psnr", "val_ssim"])
            for epoch, loss in enumerate(losses):
                done = (epoch + 1) // 2
                score = scores[done - 1] if done and scores else np.nan
                lines.writerow([epoch, loss, score, 0.5])
        return folder

    return write


FALLING = [0.5 / (1 + i) + 0.1 for i in range(12)]


def judged(folder, plan=None):
    plan = plan or recipe()
    curve = read_curve(folder.log, plan.report_every, plan.validate_every)
    return report_of(plan, curve, plan.steps)


def test_the_curve_has_each_validation_once(logged):
    folder = logged(FALLING[:5], [20.0, 21.0])
    curve = read_curve(folder.log, 10, 20)
    assert curve.steps.tolist() == [10, 20, 30, 40, 50]
    assert curve.validated.tolist() == [20, 40]
    assert curve.psnr.tolist() == [20.0, 21.0]
    assert curve.best == (40, 21.0)
    assert read_curve(folder.path / "none.csv", 10, 20).best is None


def test_a_run_that_reached_its_score(logged):
    report = judged(logged(FALLING, [25, 28, 29, 29.5, 29.8, 29.95]))
    assert (report.verdict, report.causes) == ("reached", [])
    assert (report.best_step, report.best_psnr, report.steps) == (120, 29.95, 120)
    assert "That was reached." in report.text()


def test_a_run_in_the_middle(logged):
    report = judged(logged(FALLING[:4], [20, 21]))
    assert (report.verdict, report.steps) == ("unfinished", 40)
    assert judged(logged([])).steps == 0


@pytest.mark.parametrize(
    ("losses", "scores", "cause"),
    [
        (FALLING, [20, 21, 22, 23, 24, 25], "still rising"),
        (FALLING, [20, 25, 24, 23, 22, 21], "early, at step 40"),
        ([0.5] * 12, [20] * 6, "did not fall"),
        ([*FALLING[:8], 9, *FALLING[9:]], [20] * 6, "jumped at step 90"),
        ([*FALLING[:7], np.nan], [20, 21, 22, 23], "not finite at step 80"),
        (FALLING, (), "no pictures to validate on"),
    ],
)
def test_likely_causes(logged, losses, scores, cause):
    report = judged(logged(losses, scores))
    assert report.verdict != "reached"
    assert any(cause in line for line in report.causes), report.causes
    assert cause in report.text()


def test_a_recipe_that_was_changed_is_a_cause(logged):
    changed = load_recipe("awsrn_s_x2").model_copy(update={"rate": 0.1, "expected": None})
    report = judged(logged(FALLING, [20, 21, 22, 23, 24, 25], changed), changed)
    assert any("shipped one in `rate`" in line for line in report.causes)


def test_the_report_is_written_with_its_picture(logged):
    curve = [CurvePoint(step=20, loss=0.4, psnr=21)]
    plan = recipe(expected=Expected(psnr=30, curve=curve), seed=5)
    folder = logged(FALLING, [20, 21, 22, 23, 24, 25], plan)
    write_report(folder, plan, plan.steps)
    values = json.loads((folder.path / "report.json").read_text())
    assert values["seed"] == plan.seed == 5
    assert "120 of 120 steps, seed 5." in (folder.path / "report.md").read_text()
    assert (values["verdict"], values["best_psnr"], values["expected_psnr"]) == ("below", 25, 30)
    assert "![Loss and validation](curve.png)" in (folder.path / "report.md").read_text()
    assert read_image(folder.path / "curve.png").std() > 1


def test_a_report_without_a_log(logged, tmp_path):
    plan = recipe()
    report = write_report(RunFolder(tmp_path / "new", plan), plan, plan.steps)
    assert (report.verdict, report.loss, report.best_psnr) == ("unfinished", None, None)


@pytest.mark.parametrize(("loss", "psnr"), [(0.4, 21.0), (0.2, 21.0), (0.4, 23.0)])
def test_a_run_is_compared_with_the_reference_of_its_recipe(logged, loss, psnr):
    curve = [{"step": 20, "loss": loss, "psnr": psnr}, {"step": 100, "loss": 0.1}]
    plan = recipe(expected={"psnr": 30.0, "curve": curve})
    folder = logged(FALLING[:4], [21.0, 22.0], plan)
    found = {check.about: check for check in check_run(plan, folder.path)}
    assert found["loss"].found == pytest.approx(0.35)
    assert found["loss"].on_track is (loss == 0.4)
    assert found["psnr"].on_track is (psnr == 21.0)


def test_a_finished_run_is_compared_with_the_expected_score(logged):
    folder = logged(FALLING, [20, 21, 22, 23, 24, 25])
    assert [(c.step, c.on_track) for c in check_run(recipe(), folder.path)] == [(120, False)]
    assert check_run(recipe(psnr=25.05), folder.path)[0].on_track


def test_what_cannot_be_compared(logged, tmp_path):
    folder = logged(FALLING[:2])
    with pytest.raises(RecipeError, match="not come to a step .* reference for: .120."):
        check_run(recipe(), folder.path)
    with pytest.raises(RecipeError, match="by the protocol 'rgb', the reference .* 'classical-y'"):
        check_run(recipe(psnr=1.0, protocol="classical-y"), folder.path)
    with pytest.raises(RecipeError, match="has no `expected`"):
        check_run(recipe(expected=None), folder.path)
    with pytest.raises(RecipeError, match="There is no run in"):
        check_run(recipe(), tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_another_expectation_is_no_other_recipe(tmp_path):
    RunFolder(tmp_path, recipe(psnr=30.0))
    RunFolder(tmp_path, recipe(psnr=31.0))
