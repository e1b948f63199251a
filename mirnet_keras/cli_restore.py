"""The command `restore`: pictures, folders of them, and clips."""

import dataclasses
import enum
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from mirnet_keras import machine
from mirnet_keras.cli_paths import (
    CommandError,
    Json,
    Overwrite,
    print_json,
    progress_bar,
    refuse_existing,
    tile_side,
)
from mirnet_keras.cli_video import Codec, Crf, clip_among, restore_clip

SOME_FAILED = 1  # exit status
NO_FOLDER = Path(".estimated")  # of results that are not written


class Alpha(enum.StrEnum):
    """What becomes of transparency."""

    NET = "net"
    RESIZE = "resize"
    DROP = "drop"
    FLATTEN = "flatten"


class Border(enum.StrEnum):
    """What is thought to lie around a picture."""

    REFLECT = "reflect"
    EDGE = "edge"
    WRAP = "wrap"


class Damaged(enum.StrEnum):
    """What becomes of damaged JPEG files."""

    REFUSE = "refuse"
    KEEP = "keep"


class Format(enum.StrEnum):
    """Formats of results."""

    PNG = "png"
    JPEG = "jpg"
    WEBP = "webp"
    TIFF = "tif"
    BMP = "bmp"


class TaskName(enum.StrEnum):
    """What can be done with a picture."""

    ENLARGE = "enlarge"
    DENOISE = "denoise"
    BRIGHTEN = "brighten"


class Precision(enum.StrEnum):
    """What a network computes in."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


def restore(
    images: Annotated[
        list[str] | None,
        typer.Argument(
            help="Pictures, folders of pictures, patterns such as 'in/**/*.jpg', or one clip."
        ),
    ] = None,
    lists: Annotated[
        list[Path] | None,
        typer.Option(
            "--list",
            help="A text file that names more of them, one on a line, from its own folder; may be "
            "repeated. Lines that begin with # are left out.",
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            help="Preset name, folder, .keras or .tflite file. Without it: what suits each "
            "picture, by a look at its light, noise, JPEG blocks and content."
        ),
    ] = None,
    task: Annotated[
        TaskName | None, typer.Option(help="What to do, where the preset is chosen by a look.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="File for one picture, or folder. Without it: NAME_restored beside NAME."
        ),
    ] = None,
    file_format: Annotated[
        Format | None, typer.Option("--format", help="Of the results; else that of each picture.")
    ] = None,
    recursive: Annotated[
        bool, typer.Option("--recursive", help="Also the folders in folders; results lie likewise.")
    ] = False,
    tile: Annotated[
        str,
        typer.Option(
            help="auto, none, the side of tiles in pixels of the picture, or chop: the authors' "
            "overlapping quarters."
        ),
    ] = "auto",
    memory_budget: Annotated[
        str | None,
        typer.Option(help="What a picture may take, such as 2GB; else half of what is free."),
    ] = None,
    ensemble: Annotated[
        bool, typer.Option("--ensemble", help="Mean of 8 flips and rotations: 8 times slower.")
    ] = False,
    strength: Annotated[
        float,
        typer.Option(
            help="How much of the result to take, from 0 (the plainly enlarged picture) to 1."
        ),
    ] = 1.0,
    border: Annotated[
        Border,
        typer.Option(
            help="What is thought to lie around a picture: its mirror image, its last pixels, or, "
            "for textures that repeat without a seam, its other side."
        ),
    ] = Border.REFLECT,
    alpha: Annotated[
        Alpha,
        typer.Option(
            help="Transparency: through the network, resized, dropped, or flattened onto white."
        ),
    ] = Alpha.NET,
    metadata: Annotated[
        bool,
        typer.Option(
            "--keep-metadata/--no-metadata",
            help="Keep EXIF data and density, or leave them out; the colour profile stays.",
        ),
    ] = True,
    max_pixels: Annotated[
        int, typer.Option(min=1, help="Pictures, and clips whose frames, have more are refused.")
    ] = 200_000_000,
    damaged: Annotated[
        Damaged,
        typer.Option(help="Damaged JPEG files: refuse them, or keep what can be decoded."),
    ] = Damaged.REFUSE,
    precision: Annotated[
        Precision, typer.Option(help="bfloat16 is faster where the processor has it.")
    ] = Precision.FLOAT32,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Processor threads of a network; else all.")
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(help="cpu, gpu or gpu:1, to compute on; else the first GPU if there is one."),
    ] = None,
    estimate: Annotated[
        bool,
        typer.Option(
            "--estimate", help="Say what it would take (tiles, memory, time), and write nothing."
        ),
    ] = False,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Stop at the first picture that fails.")
    ] = False,
    codec: Codec = None,
    crf: Crf = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Restore pictures of any size, or a clip.

    With a folder for the results, those that are there already are skipped, so that the same
    command goes on where it was interrupted. The exit status is 1 when some pictures failed.
    """
    side = tile_side(tile)
    machine.start_keras(threads)
    from mirnet_keras.batch import Settings, find_jobs, restore_all

    settings = Settings(
        preset=preset,
        task=task and task.value,
        tile=side,
        memory_budget=memory_budget,
        ensemble=ensemble,
        border=border.value,
        strength=strength,
        threads=threads,
        precision=precision.value,
        device=device,
        alpha=alpha.value,
        keep_metadata=metadata,
        max_pixels=max_pixels,
        damaged=damaged.value,
    )
    given, listed = images or [], lists or []
    suffix = file_format and f".{file_format}"
    if estimate:
        _estimate(given, listed, out, recursive, suffix, settings, as_json=as_json)
        return
    clip = clip_among(given, file_format, codec, crf, has_list=bool(listed))
    if clip is not None:
        restore_clip(clip, out, settings, codec, crf, overwrite=overwrite, as_json=as_json)
        return
    found = find_jobs(given, out, lists=listed, recursive=recursive, suffix=suffix)
    record = _record(found, out, settings, overwrite)
    outcomes = []
    with progress_bar(len(found.jobs)) as update:
        for outcome in restore_all(found.jobs, settings, record, fail_fast=fail_fast):
            outcomes.append(outcome)
            if found.is_single and outcome.error:
                raise outcome.error
            if not as_json:
                _print_outcome(outcome)
            update(advance=1)
    counts = Counter(restored=0, skipped=0, failed=0)
    counts.update(outcome.status for outcome in outcomes)
    if as_json:
        values = [outcome.as_dict() for outcome in outcomes]
        print_json({"images": values, "counts": counts, "other_files": found.others})
    elif not found.is_single:
        _print_summary(outcomes, counts, len(found.jobs), found.others)
    if counts["failed"]:
        raise typer.Exit(SOME_FAILED)


def _record(found: Any, out: Path | None, settings: Any, overwrite: bool) -> Any:
    """The record of a folder of results; None for one result, which may not be there yet."""
    from mirnet_keras.batch import Record

    if out is None or (found.is_single and found.jobs[0].output == out):
        refuse_existing([job.output for job in found.jobs], overwrite)
        return None
    record = Record(out, settings.fingerprint())
    if not overwrite:
        record.refuse_others(found.jobs)
    return record


def _estimate(
    given: list[str],
    lists: list[Path],
    out: Path | None,
    recursive: bool,
    suffix: str | None,
    settings: Any,
    *,
    as_json: bool,
) -> None:
    """Says what restoring pictures would take."""
    from mirnet_keras.batch import estimate_all, find_jobs

    if clip_among(given, None, None, None):
        raise CommandError("--estimate is of pictures, not of clips. Give a frame of the clip.")
    found = find_jobs(given, out or NO_FOLDER, lists=lists, recursive=recursive, suffix=suffix)
    forecasts = []
    for forecast in estimate_all(found.jobs, settings):
        forecasts.append(forecast)
        if not as_json:
            typer.echo(f"{forecast.input}: {_forecast_text(forecast)}", err=bool(forecast.error))
    if as_json:
        print_json({"estimates": [dataclasses.asdict(forecast) for forecast in forecasts]})
    if any(forecast.error for forecast in forecasts):
        raise typer.Exit(SOME_FAILED)


def _forecast_text(forecast: Any) -> str:
    if forecast.error:
        return f"failed. {forecast.error}"
    needs, (height, width) = forecast.estimate, forecast.size
    tiles = f"{needs.tiles} tiles of {needs.tile[1]} x {needs.tile[0]}"
    return (
        f"{forecast.preset}, {'whole' if needs.tiles == 1 else tiles}, "
        f"{needs.memory / 1e6:.0f} MB, about {needs.seconds:.1f} s, result {width} x {height}"
    )


def _print_outcome(outcome: Any) -> None:
    """One line for a picture, and its remarks."""
    if outcome.error:
        typer.echo(f"{outcome.input}: failed. {outcome.reason}", err=True)
    elif outcome.status == "skipped":
        typer.echo(f"{outcome.input} -> {outcome.output}  (is there already)")
    else:
        seen = f"{outcome.seen}: " if outcome.seen else ""
        typer.echo(
            f"{outcome.input} -> {outcome.output}  "
            f"({seen}{outcome.preset}; {outcome.seconds:.1f} s)"
        )
    for remark in outcome.remarks:
        typer.echo(f"  {remark}")


def _print_summary(outcomes: list, counts: Counter, total: int, others: int) -> None:
    """How many, and again what failed: above it has scrolled away."""
    parts = [f"{counts['restored']} restored", f"{counts['skipped']} were there already"]
    parts.append(f"{counts['failed']} failed")
    if total > len(outcomes):
        parts.append(f"{total - len(outcomes)} not begun")
    if others:
        parts.append(f"{others} other files left out")
    typer.echo(f"\n{', '.join(parts)}.")
    for outcome in outcomes:
        if outcome.error:
            typer.echo(f"  {outcome.input}: {outcome.reason}")
