"""The command `profile`: where the time goes."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from mirnet_keras import machine
from mirnet_keras.cli_paths import Json, print_json


def profile(
    name: Annotated[
        str,
        typer.Argument(
            help="Preset name, folder or .keras file; with --data a recipe's name or YAML file."
        ),
    ],
    data: Annotated[
        Path | None,
        typer.Option(help="Measure training by a recipe: the folder its folders are read against."),
    ] = None,
    size: Annotated[
        int, typer.Option(min=16, help="Of the picture that a preset restores, in pixels.")
    ] = 128,
    steps: Annotated[int, typer.Option(min=3, help="Training steps to measure.")] = 10,
    layers: Annotated[int, typer.Option(min=1, help="How many of the slowest to print.")] = 10,
    as_json: Json = False,
) -> None:
    """Say which layers of a network take the time, on the processor.

    With --data of a training step, and how much of it is waiting for the batch.
    """
    machine.start_keras()
    from mirnet_keras.training.profiling import profile_preset, profile_recipe

    found = profile_preset(name, size) if data is None else profile_recipe(name, data, steps)
    if as_json:
        print_json(dataclasses.asdict(found))
        return
    what = "a picture" if data is None else "a training step"
    sides = " x ".join(str(side) for side in found.inputs)
    typer.echo(f"{found.network}, {what}, {sides}: {_milliseconds(found.seconds)}")
    if found.waiting is not None and found.making is not None:
        typer.echo(
            f"waiting for the batch: {_milliseconds(found.waiting)} "
            f"({found.waiting / found.seconds:.1%}); one thread makes it in "
            f"{_milliseconds(found.making)}"
        )
    _print_layers(found.layers, layers)


def _print_layers(seconds: dict[str, float], most: int) -> None:
    rows: list[Any] = list(seconds.items())
    left = rows[most:]
    if left:
        rows = [*rows[:most], (f"({len(left)} more)", sum(value for _, value in left))]
    total = sum(seconds.values())
    for name, value in rows:
        typer.echo(f"  {_milliseconds(value):>10}  {value / total:5.1%}  {name}")


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms"
