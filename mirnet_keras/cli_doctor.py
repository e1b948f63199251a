"""The command `doctor`: the machine, and whether restoring works on it."""

import dataclasses

import typer

from mirnet_keras import machine
from mirnet_keras.cli_paths import Json, print_json


def doctor(as_json: Json = False) -> None:
    """Say what is installed, and restore two pieces of pictures as a test."""
    machine.start_keras()
    from mirnet_keras.restorer.memory import free_memory
    from mirnet_keras.self_test import self_test

    facts = machine.describe_machine() | {"free_memory_gb": round(free_memory() / 1e9, 1)}
    if not as_json:
        for name, value in facts.items():
            typer.echo(f"{name:24}  {value}")
    results = list(self_test())
    passed = all(result.passed for result in results)
    if as_json:
        tests = [dataclasses.asdict(result) | {"passed": result.passed} for result in results]
        print_json({"machine": facts, "tests": tests, "passed": passed})
    else:
        for result in results:
            verdict = "as measured" if result.passed else f"but {result.expected:.2f} was measured"
            typer.echo(f"{result.preset:24}  {result.psnr:.2f} dB, {verdict}")
        typer.echo("All is well." if passed else "Restoring goes wrong here: see above.")
    if not passed:
        raise typer.Exit(1)
