"""The command line: arguments in, a few lines of Python, a report out.

Heavy modules are imported inside the commands, so that `--help` answers at once.
"""

import contextlib
import dataclasses
import enum
import json
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup

from mirnet_keras import machine
from mirnet_keras.cli_paths import (
    CommandError,
    pictures,
    refuse_existing,
    require_suffix,
    targets,
    tile_side,
)
from mirnet_keras.files import write_whole

DEMO_FOLDER, HERE = Path("mirnet_keras_demo"), Path(".")
USERS_MISTAKE, INTERRUPTED = 2, 130  # exit statuses


class Commands(TyperGroup):
    """Turns what a user can cause into one sentence on stderr and an exit status."""

    def invoke(self, ctx):
        """Typer's hook."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            typer.echo("mirnet-keras: stopped.", err=True)
            raise typer.Exit(INTERRUPTED) from None
        except Exception as error:
            if ctx.params["debug"] or not _is_users_mistake(error):
                raise
            typer.echo(f"mirnet-keras: {_sentence(error)}", err=True)
            raise typer.Exit(USERS_MISTAKE) from None


class ExportFormat(enum.StrEnum):
    """What `export` writes."""

    SAVED_MODEL = "saved_model"
    LITERT = "litert"


app = typer.Typer(
    cls=Commands,
    help="Better photographs with attention networks: light, less noise, more pixels.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace results that exist.")]


def main() -> None:
    """The entry point `mirnet-keras`."""
    app()


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error arose.")] = False,
) -> None:
    """Options of every command."""


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the pictures.")] = DEMO_FOLDER,
    as_json: Json = False,
) -> None:
    """Restore the bundled pictures and show before and after."""
    machine.start_keras()
    from mirnet_keras.demo import run_demo

    with _prints_on_stderr():
        results = run_demo(out)
    if as_json:
        _print_json({"results": [dataclasses.asdict(result) for result in results]})
        return
    for result in results:
        before, after = result.before_score, result.after_score
        typer.echo(
            f"{result.about}.\n"
            f"  {result.preset}: {before.psnr:.2f} dB before, {after.psnr:.2f} dB after "
            f"({after.protocol}), {result.seconds:.1f} s\n"
            f"  look at {result.comparison}"
        )


@app.command()
def restore(
    images: Annotated[list[Path], typer.Argument(help="Pictures, or folders of pictures.")],
    preset: Annotated[
        str | None,
        typer.Option(
            help="Preset name, folder, .keras or .tflite file. Without it: the low-light preset "
            "for a dark picture, else the one that doubles the size."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="File for one picture, or folder. Without it: NAME_restored.png beside NAME."
        ),
    ] = None,
    tile: Annotated[
        str,
        typer.Option(
            help="auto, none, the side of tiles in pixels of the picture, or chop: the authors' "
            "overlapping quarters."
        ),
    ] = "auto",
    ensemble: Annotated[
        bool, typer.Option("--ensemble", help="Mean of 8 flips and rotations: 8 times slower.")
    ] = False,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Restore pictures of any size."""
    sources = pictures(images)
    results = targets(images, sources, out)
    refuse_existing(results, overwrite)
    side = tile_side(tile)
    machine.start_keras()
    from mirnet_keras.images import read_image
    from mirnet_keras.restorer import Restorer, suggest_preset

    restorers: dict[str, Restorer] = {}
    done = []
    for source, target in zip(sources, results, strict=True):
        name = preset or suggest_preset(read_image(source))
        start = time.perf_counter()
        if name not in restorers:
            with machine.silent_stderr():  # LiteRT announces its helpers
                restorers[name] = Restorer(name, tile=side, ensemble=ensemble)
        restorers[name].restore_file(source, target)
        seconds = time.perf_counter() - start
        done.append({"input": source, "output": target, "preset": name, "seconds": seconds})
        if not as_json:
            chosen = "" if preset else ", chosen by brightness"
            typer.echo(f"{source} -> {target}  ({name}{chosen}; {seconds:.1f} s)")
    if as_json:
        _print_json({"images": done})


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(help="Name of a shipped recipe, or a YAML file.")],
    out: Annotated[Path, typer.Option(help="Folder of the run; a run in it goes on.")],
    data: Annotated[
        Path, typer.Option(help="Folder against which the recipe's folders are read.")
    ] = HERE,
) -> None:
    """Train by a recipe; the same command goes on where it was interrupted."""
    machine.start_keras()
    from mirnet_keras import training

    model = training.train(recipe, out, data)
    typer.echo(f"Trained '{model.name}': the models and the log are in {out}.")


@app.command()
def evaluate(
    preset: Annotated[str, typer.Argument(help="Preset name, folder, .keras or .tflite file.")],
    folder: Annotated[
        Path,
        typer.Argument(
            help="Sharp pictures or HR/ (super-resolution); low/ and high/, or noisy/ and clean/; "
            "inputs, with --targets."
        ),
    ],
    targets: Annotated[Path | None, typer.Option(help="Folder of the ground truth.")] = None,
    scale: Annotated[int | None, typer.Option(help="The enlargement that is expected.")] = None,
    protocol: Annotated[
        str | None, typer.Option(help="classical-y, rgb, lol or lol-gtmean; else by the task.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Score a preset on a folder of pictures with ground truth."""
    machine.start_keras()
    from mirnet_keras import evaluation

    with _prints_on_stderr():
        result = evaluation.evaluate(
            preset, folder, targets=targets, scale=scale, protocol=protocol
        )
    if as_json:
        _print_json(result.as_dict())
    else:
        typer.echo(result.table())


@app.command()
def convert(
    checkpoint: Annotated[Path, typer.Argument(help="The authors' .pth, .pt or .safetensors.")],
    out: Annotated[
        Path | None, typer.Option(help="The .keras file; beside the checkpoint without it.")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Make a .keras file of the authors' checkpoint."""
    target = out or checkpoint.with_suffix(".keras")
    require_suffix(target, ".keras")
    refuse_existing([target], overwrite)
    machine.start_keras()
    from mirnet_keras.weights import from_official, read_state_dict, recognise

    arrays = read_state_dict(checkpoint)
    found = recognise(arrays)
    model = from_official(arrays)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, model.save)
    typer.echo(f"{found.sentence()}\nWrote {target}, {model.count_params():,} parameters.")


@app.command()
def attention(
    picture: Annotated[Path, typer.Argument(help="A picture; a small one is best.")],
    preset: Annotated[str, typer.Option(help="Preset name, folder or .keras file.")],
    out: Annotated[
        Path | None, typer.Option(help="The figure; NAME_attention.png beside NAME without it.")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Draw what each attention unit of a preset does on a picture."""
    target = out or picture.with_name(f"{picture.stem}_attention.png")
    require_suffix(target, ".png")
    refuse_existing([target], overwrite)
    machine.start_keras()
    from mirnet_keras.attention import attention_maps, draw_attention
    from mirnet_keras.images import read_image
    from mirnet_keras.presets import load

    image = read_image(picture)
    maps = attention_maps(load(preset), image)
    if not maps:
        raise CommandError(f"'{preset}' has no attention units.")
    figure = draw_attention(maps, image)
    write_whole(target, lambda path: figure.savefig(path, format="png"))
    typer.echo(f"{len(maps)} attention maps of {preset} -> {target}")


@app.command()
def export(
    preset: Annotated[str, typer.Argument(help="Preset name, folder or .keras file.")],
    out: Annotated[Path, typer.Argument(help="Folder of the SavedModel, or .tflite file.")],
    file_format: Annotated[
        ExportFormat, typer.Option("--format", help="What to write.")
    ] = ExportFormat.LITERT,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Write a model for other programs, and compare it with the original."""
    is_litert = file_format is ExportFormat.LITERT
    if is_litert:
        require_suffix(out, ".tflite")
    refuse_existing([out if is_litert else out / "1"], overwrite)
    machine.start_keras()
    from mirnet_keras.export import to_litert, to_saved_model
    from mirnet_keras.presets import load

    with _prints_on_stderr():
        model = load(preset)
        report = to_litert(model, out) if is_litert else to_saved_model(model, out)
    if as_json:
        _print_json(dataclasses.asdict(report))
    else:
        typer.echo(
            f"Wrote {report.file} ({report.bytes / 1e6:.1f} MB). Tried on {len(report.sizes)} "
            f"sizes: it differs from the model by at most {report.largest_error:.1e}."
        )


@app.command()
def info(
    preset: Annotated[str | None, typer.Argument(help="Describe this preset alone.")] = None,
    peak: Annotated[
        bool, typer.Option("--peak", help="Also time a convolution, in GFLOP/s.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List the presets, the versions and the machine."""
    machine.start_keras()
    from mirnet_keras.presets import find, list_presets, read_preset

    if preset is not None:
        description = read_preset(find(preset)).model_dump(mode="json")
        _print_json(description) if as_json else _print_columns(description.items())
        return
    presets = list_presets()
    facts = machine.describe_machine()
    if peak:
        for dtype in ("float32", "bfloat16"):
            facts[f"convolution_{dtype}_gflops"] = machine.peak_gflops(dtype)
    if as_json:
        described = [entry.model_dump(mode="json") for entry in presets]
        _print_json({"presets": described, "machine": facts})
        return
    _print_columns(
        (entry.name, entry.task, f"x{entry.scale}", f"{entry.parameters:,}", _scores(entry))
        for entry in presets
    )
    typer.echo()
    _print_columns(facts.items())


def _prints_on_stderr() -> contextlib.redirect_stdout:
    """Keeps stdout for the report: TensorFlow's exporter prints, too."""
    return contextlib.redirect_stdout(sys.stderr)


def _print_json(values: dict) -> None:
    """Prints one JSON object; paths become text."""
    typer.echo(json.dumps(values, indent=2, default=str))


def _print_columns(rows) -> None:
    """Prints rows of anything as aligned text."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(text) for text in column) for column in zip(*texts, strict=True)]
    for row in texts:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        typer.echo("  ".join(cells).rstrip())


def _scores(preset) -> str:
    return "; ".join(
        f"{s.data} {s.psnr:.2f} dB / {s.ssim:.4f} ({s.protocol})" for s in preset.scores
    )


def _is_users_mistake(error: Exception) -> bool:
    """Whether an error is one of ours, which speaks to the user, or of the file system."""
    is_ours = type(error).__module__.startswith("mirnet_keras.")
    return is_ours or isinstance(error, (CommandError, OSError))


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}." if error.filename else f"{error.strerror}."
    return str(error)


if __name__ == "__main__":
    main()
