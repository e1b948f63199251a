"""Our presets beside what people use today: scores, time and size, in one run on one machine.

    python -m benchmarks.compare --shared ../shared/data

Super-resolution: the stored MATLAB bicubic inputs of Set5 and Set14, BSD100 reduced by the exact
bicubic, protocol classical-y. Low light: LOL eval15, protocol lol. Noise: real cameras' and
Gaussian, protocol rgb. All give 8-bit RGB, scored by `mirnet_keras.evaluation.evaluate`; the
presets' scores, made likewise, are those of their descriptions. Writes JSON;
`python -m benchmarks.comparison_page` makes the page of it.
"""

import argparse
import datetime
import functools
import json
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from benchmarks import machine
from benchmarks.noise import noisy, noisy_sets
from benchmarks.peers import Competitor, denoisers, enlargers, lighteners
from mirnet_keras.demo import demo_picture
from mirnet_keras.evaluation import Evaluation, evaluate
from mirnet_keras.presets import find, list_presets
from mirnet_keras.restorer import Restorer

SETS = {"Set5": "sr/Set5", "Set14": "sr/Set14", "BSD100": "sr/BSD100/HR_jpeg"}
LOW_LIGHT_SETS = {"LOL eval15": "lowlight/eval15"}
SCALES, ROUNDS = (2, 4), 7
TIMED = slice(0, 128)  # rows and columns of the picture that is timed
RESULTS = Path(__file__).parent / "results" / "compare.json"


def main() -> None:
    """Scores and times everything, and writes the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared/data"))
    parser.add_argument("--json", type=Path, default=RESULTS)
    options = parser.parse_args()
    groups = [
        compared(
            f"enlarging {scale} times",
            [*enlargers(options.shared / "peers", scale), *presets("classical-y", scale)],
            {name: options.shared / folder for name, folder in SETS.items()},
            "classical-y",
            demo_picture("cat.webp")[TIMED, TIMED],
            scale,
        )
        for scale in SCALES
    ]
    low_light = {name: options.shared / folder for name, folder in LOW_LIGHT_SETS.items()}
    competitors = [*lighteners(), *presets("lol", 1)]
    dark = demo_picture("coffee_dark.png")[TIMED, TIMED]
    groups.append(compared("low light", competitors, low_light, "lol", dark, 1))
    grainy = noisy(demo_picture("cat.webp")[TIMED, TIMED], sigma=25, seed=0)
    with noisy_sets(options.shared) as sets:
        competitors = [*denoisers(), *presets("rgb", 1)]
        groups.append(compared("noise", competitors, sets, "rgb", grainy, 1))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(circumstances() | {"groups": groups}, indent=2) + "\n")


def presets(protocol: str, scale: int) -> list[Competitor]:
    """The shipped presets with scores by a protocol; their size is the float16 LiteRT file's."""
    found = []
    for preset in list_presets():
        known = {
            score.data: {"psnr": score.psnr, "ssim": score.ssim}
            for score in preset.scores
            if score.protocol == protocol
        }
        if known and preset.scale == scale:
            size = (find(preset.name) / "model_float16.tflite").stat().st_size
            found.append(Competitor(preset.name, Restorer(preset.name), size, known))
    return found


def compared(
    title: str,
    competitors: list[Competitor],
    sets: dict[str, Path],
    protocol: str,
    picture: np.ndarray,
    scale: int,
) -> dict:
    """Scores of all competitors on all sets, and their times for one picture, in turn."""
    calls: dict[str, Callable] = {
        competitor.name: functools.partial(competitor.restore, picture)
        for competitor in competitors
    }
    seconds = machine.median_seconds(calls, ROUNDS)
    rows = []
    for competitor in competitors:
        found = competitor.scores or {
            name: scores(evaluate(competitor.restore, folder, scale=scale, protocol=protocol))
            for name, folder in sets.items()
        }
        for name, entry in found.items():
            print(f"{competitor.name:24} {name:10} {entry['psnr']:.3f}  {entry['ssim']:.4f}")
        rows.append(
            {
                "name": competitor.name,
                "bytes": competitor.bytes,
                "milliseconds": 1000 * seconds[competitor.name],
                "scores": found,
            }
        )
    size = list(picture.shape[:2])
    return {"title": title, "protocol": protocol, "timed_input": size, "competitors": rows}


def scores(result: Evaluation) -> dict:
    """What the JSON file says of one competitor on one set; no paths of this machine."""
    values = result.as_dict()
    return {key: values[key] for key in ("psnr", "ssim", "per_image")}


def circumstances() -> dict:
    """Where, when and with what it was measured."""
    return {
        "command": " ".join(["python -m benchmarks.compare", *sys.argv[1:]]),
        "date": datetime.date.today().isoformat(),
        "machine": machine.describe() | {"opencv": cv2.__version__, "numpy": np.__version__},
        "peak_tflops_float32": machine.peak("float32"),
    }


if __name__ == "__main__":
    main()
