"""Turns a finished training run into a shipped preset: scores, model, exports, card.

    python -m benchmarks.ship_preset awsrn_s_x2 runs/awsrn_s_x2/last.keras --data ../shared/data

A network trained in two steps may be shipped between them (`weights.interpolate`), with
`--first runs/spsagan_small_x4/step_1/last.keras --alpha 0.6`.
"""

import argparse
import pathlib

import numpy as np

from benchmarks.degraded import degraded, degraded_sets
from benchmarks.litert import scored_pictures, training_inputs
from benchmarks.noise import noisy, noisy_sets
from mirnet_keras.data import imresize
from mirnet_keras.demo import demo_picture
from mirnet_keras.evaluation import evaluate
from mirnet_keras.export import export_preset
from mirnet_keras.images import to_float, to_uint8
from mirnet_keras.models import MODELS, RestorationModel
from mirnet_keras.presets import Preset, load, read_preset, save_preset
from mirnet_keras.recipes import Recipe, load_recipe
from mirnet_keras.weights import interpolate

SUPER_RESOLUTION = {
    "task": "super-resolution",
    "trained_on": "BSDS500 train and test (399 of 400 scenes; the Set5 image among them left out), "
    "T91, 27 crops of DIV2K's validation images and 55 crops of free photographs",
    "data_licence": "BSDS500 and T91: research data, no licence stated; DIV2K: academic research; "
    "photographs: CC0, Unsplash, public domain, CC-BY-4.0",
    "sets": {"Set5": "sr/Set5", "Set14": "sr/Set14", "BSD100": "sr/BSD100/HR_jpeg"},
    "protocols": ["classical-y"],
}
PHOTOGRAPHS = SUPER_RESOLUTION | {
    "trained_on": "BSDS500 train and test, 27 crops of DIV2K's validation images and 127 crops of "
    "photographs, degraded by blur, noise, sharpening and JPEG; it starts from `awsrn_s_x2`",
    "data_licence": SUPER_RESOLUTION["data_licence"]
    + "; further photographs: academic use, or no licence stated",
}
LOW_LIGHT = {
    "task": "low-light enhancement",
    "trained_on": "448 pairs of LOL (240 x 240 crops); the scenes of the validation are left out, "
    "but, as in LOL's own split, nearly all of eval15's occur: expect less on others",
    "data_licence": "LOL (BMVC 2018): research data, no licence stated",
    "sets": {"LOL eval15": "lowlight/eval15"},
    "protocols": ["lol", "lol-gtmean"],
}
NOISE = {
    "task": "denoising",
    "trained_on": "31 pairs of PolyU's and CC's cameras (2 scenes, none in the tests), and BSDS500 "
    "train and test and 127 crops of photographs with synthetic noise, in part before JPEG",
    "data_licence": "PolyU and CC: for non-commercial use; BSDS500: research data, no licence "
    "stated; photographs: CC0, Unsplash, public domain, CC-BY-4.0, academic use, or not stated",
    "licence": "CC-BY-NC-4.0",
    "protocols": ["rgb"],
}
AGAINST_A_DISCRIMINATOR = SUPER_RESOLUTION | {
    "trained_on": SUPER_RESOLUTION["trained_on"].replace("T91, ", "")
    + "; classes from a segmenter of CamVid, losses on VGG16's features",
    "data_licence": SUPER_RESOLUTION["data_licence"].replace(" and T91", "")
    + "; CamVid (not in the weights, only asked in training): research; VGG16: CC-BY-4.0",
    # With 4 around, white keeps a trace of the dark edge.
    "arguments": {"surround": 8, "attention": {"key_pool": 4}},
}
FACTS = {
    "awsrn_photo_x2": PHOTOGRAPHS,
    "awsrn_s_x2": SUPER_RESOLUTION,
    "awsrn_s_x4": SUPER_RESOLUTION
    | {
        "trained_on": SUPER_RESOLUTION["trained_on"].replace("T91, ", "")
        + "; it starts from `awsrn_s_x2`, which also saw T91"
    },
    "han_small_x2": SUPER_RESOLUTION,
    "mirnet_denoise_small": NOISE,
    "mirnet_lowlight_small": LOW_LIGHT,
    "rcan_small_x2": SUPER_RESOLUTION,
    "san_small_x2": SUPER_RESOLUTION,
    "spsagan_small_x4": AGAINST_A_DISCRIMINATOR,
}


def total_steps(recipe: Recipe) -> int:
    """Of both steps, where there are two."""
    return recipe.steps + (recipe.adversarial.steps if recipe.adversarial else 0)


def scores(model, facts: dict, data: pathlib.Path) -> list[dict]:
    """The model's scores on each test set by each protocol."""
    if facts is NOISE:
        with noisy_sets(data) as folders:
            return scores_on(model, folders, facts["protocols"])
    if facts is PHOTOGRAPHS:
        with degraded_sets(data, model.scale) as sets:
            return scores_on(model, sets, facts["protocols"])
    folders = {name: data / folder for name, folder in facts["sets"].items()}
    return scores_on(model, folders, facts["protocols"])


def scores_on(model, folders: dict, protocols: list[str]) -> list[dict]:
    """Return the model's scores on each folder, or inputs and targets, by each protocol."""
    found = []
    for name, folder in folders.items():
        inputs, targets = folder if isinstance(folder, tuple) else (folder, None)
        for protocol in protocols:
            result = evaluate(model, inputs, targets=targets, scale=model.scale, protocol=protocol)
            found.append(
                {"data": name, "protocol": protocol, "psnr": result.psnr, "ssim": result.ssim}
            )
            print(f"{name:16s} {protocol:12s} {result.psnr:.4f} dB  SSIM {result.ssim:.4f}")
    return found


def with_arguments(model: RestorationModel, arguments: dict) -> RestorationModel:
    """The same weights in a network with other arguments."""
    other = MODELS[model.network](**(model.arguments | arguments), name=model.name)
    other.set_weights(model.get_weights())
    return other


def before_and_after(model, task: str) -> np.ndarray:
    """A picture whose licence allows it, before beside after; uint8."""
    if task == "denoising":
        before = source = noisy(demo_picture("cat.webp"), sigma=25, seed=0)
    elif model.scale == 1:
        before = source = demo_picture("coffee_dark.png")
    else:
        sharp = demo_picture("cat.webp")
        source = imresize(sharp, 1 / model.scale)
        if model.name == "awsrn_photo_x2":
            source = degraded(sharp, model.scale, "JPEG 50", seed=0)
        before = imresize(source, model.scale)
    after = to_uint8(model.restore(to_float(source)))
    return np.concatenate([before, np.full_like(before[:, :8], 255), after], axis=1)


def modes(preset: Preset) -> tuple[str, ...]:
    """What is shipped as LiteRT."""
    # Attention, in float, takes most of SPSAGAN's time and half of HAN's; both are large.
    if preset.network in ("han", "spsagan"):
        return ("float16",)
    # int8 that learnt its ranges from dark pictures saturates on bright ones (docs/litert.md).
    return ("float16", "dynamic" if preset.task == "low-light enhancement" else "int8")


def export_small(folder: pathlib.Path, data: pathlib.Path) -> None:
    """Writes the SavedModel and the LiteRT files that are shipped, scored on the benchmark."""
    preset = read_preset(folder)
    content = export_preset(
        folder,
        modes(preset),
        representative=training_inputs(preset, data),
        pictures=scored_pictures(preset, data),
    )
    print(content)


def main():
    """Scores, writes and exports."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("preset", choices=FACTS)
    parser.add_argument("model", help="the run's last.keras or best.keras")
    parser.add_argument("--steps", type=int, help="of the model; by default all of the recipe")
    parser.add_argument("--data", type=pathlib.Path, default=pathlib.Path("../shared/data"))
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("saved_models"))
    parser.add_argument("--first", help="model of the first step, to ship one between the two")
    parser.add_argument("--alpha", type=float, default=0.5, help="1: the second step's")
    options = parser.parse_args()
    model, facts = load(options.model), FACTS[options.preset]
    if options.first:
        model = interpolate(load(options.first), model, options.alpha)
    model = with_arguments(model, facts.get("arguments", {}))
    folder = options.out / options.preset
    save_preset(
        model,
        folder,
        name=options.preset,
        task=facts["task"],
        recipe=options.preset,
        steps=options.steps or total_steps(load_recipe(options.preset)),
        trained_on=facts["trained_on"],
        data_licence=facts["data_licence"],
        licence=facts.get("licence", "Apache-2.0"),
        scores=scores(model, facts, options.data),
        picture=before_and_after(model, facts["task"]),
    )
    export_small(folder, options.data)


if __name__ == "__main__":
    main()
