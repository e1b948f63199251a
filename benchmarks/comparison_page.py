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

## What to make of it

ESPCN, FSRCNN and LapSRN come in the files that OpenCV's `dnn_superres` loads, SRCNN in a Keras
file. They score below what their papers say: they were probably trained on pictures reduced
without smoothing, which these inputs are not. `rcan_small_x2`, `han_small_x2` and `san_small_x2`
exist to compare attention units at one size; for use, `awsrn_s_x2` is better than each of them.

In low light, the ways of OpenCV know nothing of noise and colour, which the preset learnt from
pictures of one data set; on cameras unlike LOL's it is weaker than its score here says.

Against noise, non-local means must be told how strong it is; the preset finds out by itself.
"""


def page() -> str:
    """The page's text."""
    result = read_result("compare")
    groups = "\n\n".join(_group(group) for group in result["groups"])
    return TEXT.format(machine=machine_sentence(result), groups=groups)


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


def _score(score: dict, best: float) -> str:
    text = f"{score['psnr']:.2f} / {score['ssim']:.4f}"
    return f"**{text}**" if score["psnr"] == best else text


if __name__ == "__main__":
    PAGE.write_text(page())
