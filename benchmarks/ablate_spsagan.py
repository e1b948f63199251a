"""Trains SPSAGAN's ablation grid from one recipe, scores it, and draws what it restores.

    python -m benchmarks.ablate_spsagan train baseline --steps 1500 500 --data ../shared/data
    python -m benchmarks.ablate_spsagan score --data ../shared/data
    python -m benchmarks.ablate_spsagan draw --data ../shared/data

The rows of the paper's figure: ESRGAN's dense blocks without attention, with attention by features,
with that joined to the segmentation, and with the sparse blocks in addition, which is the preset.
Rows with the same blocks share their first step.
"""

import argparse
import json
import pathlib
import shutil
from collections.abc import Callable

import numpy as np
from PIL import Image

import mirnet_keras as mk
from benchmarks.gallery import EYE, close, value
from benchmarks.machine import describe
from mirnet_keras.data import imresize
from mirnet_keras.demo import demo_picture, panels
from mirnet_keras.images import crop_to_multiple, list_images, read_image, to_float, to_uint8
from mirnet_keras.metrics import niqe, score
from mirnet_keras.recipes import Recipe, load_recipe
from mirnet_keras.segmentation import prior
from mirnet_keras.training.train_adversarially import first_step

RECIPE = "spsagan_small_x4"
PRESET_ROW = "sparse_blocks"
SPOON = (slice(180, 284), slice(220, 324))  # rows and columns of the spoon
SCALE = 4
PROTOCOL = "classical-y"
POOLED = load_recipe(RECIPE).arguments["attention"]
ROWS: dict[str, dict] = {
    "baseline": {"links": "dense", "spsa_after": []},
    "feature_attention": {"links": "dense", "attention": POOLED | {"weight_mode": "feature"}},
    "segmentation_attention": {"links": "dense"},
    "sparse_blocks": {},
}


def recipe_of(row: str, steps: tuple[int, int] | None = None) -> Recipe:
    """The preset's recipe with the row's arguments, and so many steps of both kinds of training."""
    recipe = load_recipe(RECIPE).model_dump(mode="json")
    recipe["arguments"] |= ROWS[row]
    if steps:
        # In few steps an average would still hold the first weights, and the attention's own weight
        # would stay near zero.
        recipe["ema"] = 0
        recipe["adversarial"]["attention_rate"] = 1e-3
        recipe["stages"][0]["steps"], recipe["adversarial"]["stages"][0]["steps"] = steps
    return Recipe.model_validate(recipe)


def train(row: str, steps, data: pathlib.Path, runs: pathlib.Path) -> None:
    """Trains a row, from the first step of a row with the same blocks where there is one."""
    recipe = recipe_of(row, steps)
    own = runs / row / "step_1"
    for other in ROWS:
        done = runs / other / "step_1"
        same = first_step(recipe_of(other, steps)) == first_step(recipe)
        if same and (done / "last.keras").exists() and not own.exists():
            shutil.copytree(done, own)
    mk.train(recipe, runs / row, data, verbose=2)


def scores(restore: Callable, folder: pathlib.Path) -> dict:
    """PSNR, SSIM and NIQE of a function of the reduced picture, means over a folder."""
    found = []
    for path in list_images(folder):
        sharp = crop_to_multiple(read_image(path), SCALE)
        restored = restore(imresize(sharp, 1 / SCALE))
        fidelity = score(sharp, restored, PROTOCOL, SCALE)
        found.append((fidelity.psnr, fidelity.ssim, niqe(restored)))
    return dict(zip(("psnr", "ssim", "niqe"), np.mean(found, axis=0).tolist(), strict=True))


def restoring(model, segmenter) -> Callable:
    """The model as a function of uint8 pictures, with the segmentation where it takes one."""
    maps = prior(segmenter, SCALE)

    def restore(low):
        inputs = (to_float(low), maps(low)) if model.classes else (to_float(low),)
        return to_uint8(model.restore(*inputs))

    return restore


def score_all(data: pathlib.Path, runs: pathlib.Path, out: pathlib.Path) -> None:
    """Scores bicubic, the preset and every row's two steps on BSD100, and writes a JSON file."""
    segmenter = mk.load(load_recipe(RECIPE).adversarial.data.prior)
    preset = mk.load(RECIPE)
    restorers = {
        "bicubic": lambda low: imresize(low, SCALE),
        "preset": restoring(preset, segmenter),
        "preset, all background": restoring(preset, None),
    }
    for row in ROWS:
        for step, place in ((1, "step_1"), (2, ".")):
            path = runs / row / place / "last.keras"
            if path.exists():
                restorers[f"{row}, step {step}"] = restoring(mk.load(path), segmenter)
    found = {}
    for name, restore in restorers.items():
        found[name] = scores(restore, data / "sr/BSD100/HR_jpeg")
        print(name, found[name], flush=True)
    content = {"machine": describe(), "data": "BSD100", "protocol": PROTOCOL, "rows": found}
    out.write_text(json.dumps(content, indent=1) + "\n")


def draw(runs: pathlib.Path, out: pathlib.Path) -> None:
    """Draws details of the bundled pictures: both steps of the preset's row, and the preset."""
    segmenter = mk.load(load_recipe(RECIPE).adversarial.data.prior)
    row = runs / PRESET_ROW
    restorers = {
        "bicubic": lambda low: imresize(low, SCALE),
        "for fidelity": restoring(mk.load(row / "step_1/last.keras"), segmenter),
        "the preset": restoring(mk.load(RECIPE), segmenter),
        "second step": restoring(mk.load(row / "last.keras"), segmenter),
    }
    rows = []
    for name, detail in (("cat.webp", EYE), ("coffee.webp", SPOON)):
        truth = demo_picture(name)
        low = imresize(truth, 1 / SCALE)
        pictures = {caption: restore(low) for caption, restore in restorers.items()}
        shown = [
            (close(picture, detail), caption, value(truth, picture, SCALE))
            for caption, picture in pictures.items()
        ]
        rows.append([*shown, (close(truth, detail), "the original", "")])
    title = "Enlarged four times: for fidelity, against a discriminator, and half way"
    Image.fromarray(panels(title, rows)).save(out, quality=85)


def main() -> None:
    """Trains one row, or scores or draws all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    training = commands.add_parser("train")
    training.add_argument("row", choices=ROWS)
    training.add_argument("--steps", type=int, nargs=2, help="instead of the recipe's")
    scoring = commands.add_parser("score")
    default = pathlib.Path("benchmarks/results/spsagan_ablation.json")
    scoring.add_argument("--out", type=pathlib.Path, default=default)
    drawing = commands.add_parser("draw")
    default = pathlib.Path("docs/images/spsagan.webp")
    drawing.add_argument("--out", type=pathlib.Path, default=default)
    for command in (training, scoring, drawing):
        command.add_argument("--data", type=pathlib.Path, default=pathlib.Path("../shared/data"))
        command.add_argument("--runs", type=pathlib.Path, default=pathlib.Path("runs/ablation"))
    options = parser.parse_args()
    if options.command == "train":
        train(options.row, options.steps, options.data, options.runs)
    elif options.command == "score":
        score_all(options.data, options.runs, options.out)
    else:
        draw(options.runs, options.out)


if __name__ == "__main__":
    main()
