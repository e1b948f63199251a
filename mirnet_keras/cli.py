"""The command line: arguments in, a few lines of Python, a report out.

Heavy modules are imported inside the commands, so that `--help` answers at once.
"""

import contextlib
import dataclasses
import enum
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup

from mirnet_keras import machine
from mirnet_keras.cli_degrade import degrade
from mirnet_keras.cli_doctor import doctor
from mirnet_keras.cli_export import export
from mirnet_keras.cli_paths import (
    CommandError,
    Json,
    Overwrite,
    print_any_name,
    print_json,
    refuse_existing,
    require_suffix,
    tile_side,
)
from mirnet_keras.cli_profile import profile
from mirnet_keras.cli_restore import restore
from mirnet_keras.cli_serve import serve
from mirnet_keras.files import write_whole

DEMO_FOLDER, HERE = Path("mirnet_keras_demo"), Path(".")
USERS_MISTAKE, INTERRUPTED = 2, 130  # exit statuses


class TrainingPrecision(enum.StrEnum):
    """Keras' dtype policies that training takes."""

    FLOAT32 = "float32"
    MIXED_BFLOAT16 = "mixed_bfloat16"
    MIXED_FLOAT16 = "mixed_float16"


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


app = typer.Typer(
    cls=Commands,
    help="Better photographs with attention networks: light, less noise, more pixels.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main() -> None:
    """The entry point `mirnet-keras`."""
    app()


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error arose.")] = False,
) -> None:
    """Options of every command."""
    print_any_name()


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the pictures.")] = DEMO_FOLDER,
    web: Annotated[
        bool, typer.Option("--web", help="Instead serve a page that restores photos by itself.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Restore the bundled pictures and show before and after."""
    machine.start_keras()
    if web:
        _serve_page(out / "web", as_json)
        return
    from mirnet_keras.demo import run_demo

    with _prints_on_stderr():
        results = run_demo(out)
    if as_json:
        print_json({"results": [dataclasses.asdict(result) for result in results]})
        return
    for result in results:
        before, after = result.before_score, result.after_score
        typer.echo(
            f"{result.about}.\n"
            f"  {result.preset}: {before.psnr:.2f} dB before, {after.psnr:.2f} dB after "
            f"({after.protocol}), {result.seconds:.1f} s\n"
            f"  look at {result.comparison}"
        )


app.command()(degrade)
app.command()(doctor)
app.command()(export)
app.command()(profile)
app.command()(restore)
app.command()(serve)


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(help="Name of a shipped recipe, or a YAML file.")],
    out: Annotated[Path, typer.Option(help="Folder of the run; a run in it goes on.")],
    data: Annotated[
        Path, typer.Option(help="Folder against which the recipe's folders are read.")
    ] = HERE,
    precision: Annotated[
        TrainingPrecision | None, typer.Option(help="Another one than the recipe's.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**32 - 1, help="Another one than the recipe's.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Instead compare the run with the recipe's reference.")
    ] = False,
    all_devices: Annotated[
        bool, typer.Option("--all-devices", help="Share each batch among all GPUs.")
    ] = False,
    hosts: Annotated[
        int, typer.Option(min=1, help="Processes that train together (JAX), each so started.")
    ] = 1,
    rank: Annotated[
        int | None, typer.Option(help="Number of this process, from 0; else the scheduler's.")
    ] = None,
    coordinator: Annotated[
        str | None, typer.Option(help="HOST:PORT of the process of rank 0; else the scheduler's.")
    ] = None,
) -> None:
    """Train by a recipe; the same command goes on where it was interrupted."""
    if hosts > 1:  # before anything looks for devices
        from mirnet_keras.training.devices import join_hosts

        join_hosts(hosts, rank, coordinator)
    machine.start_keras()
    from mirnet_keras import training
    from mirnet_keras.recipes import load_recipe

    if check:
        _print_checks(training.check_run(recipe, out))
        return

    changes = {"precision": precision and precision.value, "seed": seed}
    given = {name: value for name, value in changes.items() if value is not None}
    plan = load_recipe(recipe).model_copy(update=given)
    model = training.train(plan, out, data, all_devices=all_devices)
    typer.echo(f"Trained '{model.name}': the models and the log are in {out}.")


@app.command()
def finetune(
    preset: Annotated[str, typer.Argument(help="Preset name, folder or .keras file.")],
    folder: Annotated[
        Path,
        typer.Argument(
            help="Sharp pictures or HR/ (super-resolution); low/ and high/, noisy/ and clean/, or "
            "inputs/ and targets/."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the run; a run in it goes on.")],
    steps: Annotated[int, typer.Option(min=1, help="At most; it ends when nothing improves.")] = (
        2000
    ),
    rate: Annotated[float, typer.Option(help="Learning rate at the start.")] = 1e-4,
    freeze: Annotated[
        list[str] | None, typer.Option(help="A layer that stays as it is; may be repeated.")
    ] = None,
) -> None:
    """Train a preset further on your own pictures, and compare before and after."""
    machine.start_keras()
    from mirnet_keras import training

    result = training.finetune(preset, folder, out, steps, rate, tuple(freeze or ()))
    typer.echo(
        f"On {result.held_out} pictures held out ({result.protocol}): {result.before[0]:.2f} dB / "
        f"{result.before[1]:.4f} before, {result.after[0]:.2f} dB / {result.after[1]:.4f} after.\n"
        f"The better model: {result.model}"
    )


@app.command()
def evaluate(
    preset: Annotated[str, typer.Argument(help="Preset name, folder, .keras or .tflite file.")],
    folder: Annotated[
        Path,
        typer.Argument(
            help="Sharp pictures or HR/ (super-resolution); low/ and high/, noisy/ and clean/, or "
            "inputs/ and targets/; or what comes in, with --targets."
        ),
    ],
    targets: Annotated[Path | None, typer.Option(help="Folder of the ground truth.")] = None,
    scale: Annotated[int | None, typer.Option(help="The enlargement that is expected.")] = None,
    protocol: Annotated[
        str | None, typer.Option(help="classical-y, rgb, lol or lol-gtmean; else by the task.")
    ] = None,
    ensemble: Annotated[
        bool, typer.Option("--ensemble", help="Score the mean of 8 flips and rotations.")
    ] = False,
    tile: Annotated[
        str, typer.Option(help="none, the side of tiles, or chop: the authors' quarters.")
    ] = "none",
    as_json: Json = False,
) -> None:
    """Score a preset on a folder of pictures with ground truth."""
    machine.start_keras()
    from mirnet_keras import evaluation

    with _prints_on_stderr():
        result = evaluation.evaluate(
            preset,
            folder,
            targets=targets,
            scale=scale,
            protocol=protocol,
            ensemble=ensemble,
            tile=tile_side(tile),
        )
    if as_json:
        print_json(result.as_dict())
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
    try:
        maps = attention_maps(load(preset), image)
    except ValueError as error:
        if "every pair of positions" not in str(error):
            raise
        raise CommandError(
            f"'{preset}' gives no maps of a picture this large: they hold every pair of pixels. "
            f"Received {image.shape[1]} x {image.shape[0]}: cut out a piece, 48 x 48 at most."
        ) from error
    if not maps:
        raise CommandError(f"'{preset}' has no attention units.")
    figure = draw_attention(maps, image)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, lambda path: figure.savefig(path, format="png"))
    typer.echo(f"{len(maps)} attention maps of {preset} -> {target}")


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
        print_json(description) if as_json else _print_columns(description.items())
        return
    presets = list_presets()
    facts = machine.describe_machine()
    if peak:
        for dtype in ("float32", "bfloat16"):
            facts[f"convolution_{dtype}_gflops"] = machine.peak_gflops(dtype)
    if as_json:
        described = [entry.model_dump(mode="json") for entry in presets]
        print_json({"presets": described, "machine": facts})
        return
    _print_columns(
        (entry.name, entry.task, f"x{entry.scale}", f"{entry.parameters:,}", _scores(entry))
        for entry in presets
    )
    typer.echo()
    _print_columns(facts.items())


def _print_checks(checks) -> None:
    """A line for each comparison with the reference; exit status 1 where one falls short."""
    _print_columns(
        (
            f"step {check.step:,}",
            "loss" if check.about == "loss" else "validation, dB",
            f"{check.found:.4g}",
            f"reference {check.reference:.4g}",
            "on track" if check.on_track else "below",
        )
        for check in checks
    )
    if not all(check.on_track for check in checks):
        raise typer.Exit(1)


def _serve_page(folder: Path, as_json: bool) -> None:
    """Makes the page where it is not there yet, and serves it until Ctrl+C."""
    from mirnet_keras.web import build_site, serving

    typer.echo("Making the page; the first time it takes about a minute.", err=True)
    with _prints_on_stderr():
        build_site(folder)
    with serving(folder) as address:
        text = f"Open {address} in a browser of this machine. Ctrl+C ends it."
        print_json({"address": address}) if as_json else typer.echo(text)
        threading.Event().wait()


def _prints_on_stderr() -> contextlib.redirect_stdout:
    """Keeps stdout for the report: TensorFlow's exporter prints, too."""
    return contextlib.redirect_stdout(sys.stderr)


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
