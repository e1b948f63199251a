"""Writes `docs/performance.md` from the results: `python -m benchmarks.performance_page`."""

import json
import pathlib

ROOT = pathlib.Path(__file__).parents[1]
PAGE = ROOT / "docs" / "performance.md"

TEXT = """# Performance

Written by `python -m benchmarks.performance_page` from the files in `benchmarks/results/` and the
presets' descriptions; each file names its command, machine, versions and commit. The rules of
measuring, and the commands, stand in `benchmarks/README.md`. Compare ratios: milliseconds of two
machines, or of one machine on two days, do not compare. Scores compare within one protocol only.

## Presets

PSNR in dB and SSIM, by the protocol that each row names.

{presets}

[Beside others](comparison.md): the same presets next to networks and methods in wide use.

## From the start to the written file

`mirnet-keras restore photo.jpg` with `mirnet_lowlight_small` and two megapixels, {start_machine}.
All but the last step is what starting takes, whatever the size of the photo.

{start}

## By size

Every preset through `Restorer` with its defaults ({cost_machine}): whole while the
memory suffices, then in tiles, before which networks that look at the whole picture look at a part
of it, and `mirnet_lowlight_small` at all, once or twice. Seconds a megapixel of the input, and the
peak of the process's memory, TensorFlow included. Of 24 megapixels the memory alone: other work ran
beside some.

{cost}

## Folders

{photos} photos of {sides} pixels by `{folder_preset}`, from files to files, {folder_machine}.
`call`, `predict` and `model` are plain loops over the Keras model as it was trained; `restorer` and
`folder` fold what is constant into its kernels.

{folder}

## Training

One training step, {training_machine}. Another run on such a
processor gave AWSRN-S 3.7 times; one without AMX 1.9, and `mirnet_lowlight_small` 1.6.

{training}

## Shares of the peak

Networks of the published sizes in mixed_bfloat16, {speed_machine}, and
{plain_machine}: one picture forward (folded), and training steps. The peak is
that of a convolution (3 x 3, 64 channels) in turn with the network; wider convolutions run faster
than that one, so a share can pass 100 %. What stands in the way with AMX is memory: of RCAN's time,
convolutions have half, at the peak itself. Since the figures with AMX were taken, MIRNet has lost
the four of five operations that each trained slope took, and the slow half of its paddings: without
AMX its picture took a fifth less.

{speed}

## Attention units

Each unit in the form that its authors published, beside the form used here, which gives the same
numbers; {attention_machine}. Predictions that did not come
true stay in the table. The last three are whole networks of one size.

{attention}
"""


def page() -> str:
    """The page's text."""
    start = read_result("start_up")
    training, attention = read_result("training_step"), read_result("attention_cost")
    speed, cost, folder = read_result("speed"), read_result("cost_by_size"), read_result("folder")
    plain = read_result("speed_without_amx")
    return TEXT.format(
        presets=_presets(),
        start_machine=machine_sentence(start),
        start=table(
            ("step", "s", "processor, all cores, s"),
            [
                (name, f"{found['wall']:.1f}", f"{found['processor']:.1f}")
                for name, found in start["steps"].items()
            ],
        ),
        cost_machine=machine_sentence(cost),
        cost=_cost(cost["presets"]),
        photos=folder["photos"],
        sides=" to ".join(map(str, folder["sides"])),
        folder_preset=folder["preset"],
        folder_machine=machine_sentence(folder),
        folder=table(
            ("from files to files", "s", "busy cores"),
            [
                (f"`{name}`", f"{seconds:.1f}", folder["busy_cores"][name])
                for name, seconds in folder["seconds"].items()
            ],
        ),
        speed_machine=machine_sentence(speed),
        plain_machine=machine_sentence(plain),
        speed=_speed(speed, plain),
        training_machine=machine_sentence(training),
        training=table(
            ("network", "float32, ms", "mixed_bfloat16, ms", "times as fast"),
            [
                (name, *(f"{value:.0f}" for value in found.values()), training["speed_up"][name])
                for name, found in training["milliseconds"].items()
            ],
        ),
        attention_machine=machine_sentence(attention),
        attention=_attention(attention["comparisons"]),
    )


def read_result(name: str) -> dict:
    """A result file's content."""
    return json.loads((ROOT / "benchmarks" / "results" / f"{name}.json").read_text())


def machine_sentence(result: dict) -> str:
    """Where a result was measured."""
    machine = result["machine"]
    amx = " with AMX" if machine["amx_bf16"] else " without AMX"
    versions = f"TensorFlow {machine['tensorflow']}, Keras {machine['keras']}"
    return f"{machine['cores']} processor cores{amx}, {versions}"


def table(header: tuple, rows: list) -> str:
    """A table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def _presets() -> str:
    rows = []
    for path in sorted((ROOT / "saved_models").glob("*/preset.json")):
        preset = json.loads(path.read_text())
        name, parameters = f"`{preset['name']}`", f"{preset['parameters']:,}"
        for score in preset["scores"]:
            psnr, ssim = f"{score['psnr']:.2f}", f"{score['ssim']:.4f}"
            rows.append((name, parameters, score["data"], f"`{score['protocol']}`", psnr, ssim))
            name = parameters = ""  # said once
    return table(("preset", "parameters", "data", "protocol", "PSNR", "SSIM"), rows)


def _cost(presets: dict) -> str:
    sizes = [f"{found['megapixels']:.2g} MP" for found in next(iter(presets.values()))]
    rows = []
    for name, measured in presets.items():
        cells = [_time_and_memory(found) for found in measured]
        rows.append((f"`{name}`", *cells, *[""] * (len(sizes) - len(cells))))
    return table(("preset", *sizes), rows)


def _time_and_memory(found: dict) -> str:
    seconds, memory = found["seconds_a_megapixel"], f"{found['peak_gigabytes']:.2f} GB"
    return memory if seconds is None else f"{seconds:.1f} s, {memory}"


def _speed(*results: dict) -> str:
    rows = []
    for kind in ("forward", "training"):
        for name in results[0][kind]:
            cells: list[str] = []
            for found in (result[kind][name] for result in results):
                cells += (f"{found['milliseconds']:.0f}", f"{found['peak_tflops']:.2f}")
                cells.append(f"{100 * found['share_of_peak']:.0f} %")
            rows.append((f"{name}, {kind}", *cells))
    columns = ("ms", "peak, TFLOP/s", "share")
    return table(("network", *(f"{column}, AMX" for column in columns), *columns), rows)


def _attention(comparisons: dict) -> str:
    rows = []
    for comparison in comparisons.values():
        for form, milliseconds in comparison["milliseconds"].items():
            ratio = comparison["ratio_to_first"][form]
            rows.append((form, f"{milliseconds:.3g}", f"{ratio:.2f}"))
        rows.append((f"*predicted: {comparison['prediction'].rstrip('.')}*", "", ""))
    return table(("form", "ms", "of the first"), rows)


if __name__ == "__main__":
    PAGE.write_text(page())
