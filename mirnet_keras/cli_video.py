"""What the command `restore` does with a clip."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mirnet_keras.cli_paths import CommandError, print_json, progress_bar, refuse_existing

if TYPE_CHECKING:
    from mirnet_keras.batch import Settings

Codec = Annotated[
    str | None,
    typer.Option(
        help="Of a clip: libx264, libx265, libvpx-vp9, libsvtav1, ffv1; else by its suffix."
    ),
]
Crf = Annotated[
    int | None,
    typer.Option(min=0, max=63, help="Of a clip: constant quality; more is smaller and worse."),
]


def clip_among(
    given: list[str],
    picture_format: str | None,
    codec: str | None,
    crf: int | None,
    *,
    has_list: bool = False,
) -> Path | None:
    """The clip, told by its suffix, where one is given; None where there are only pictures.

    Args:
        given: paths and patterns.
        picture_format: what the results shall be, where that was asked for.
        codec, crf: of the result, where they were asked for.
        has_list: whether there is a list of pictures, too.

    Raises:
        CommandError: for a clip among others, for one that shall become a picture, and
            for pictures with what is of a clip.
    """
    from mirnet_keras.video import INPUT_SUFFIXES

    clips = [Path(text) for text in given if Path(text).suffix.lower() in INPUT_SUFFIXES]
    clips = [path for path in clips if not path.is_dir()]
    if clips and (has_list or len(given) > 1):
        raise CommandError(f"A clip is restored alone. Give '{clips[0]}' in a command of its own.")
    if clips and picture_format:
        raise CommandError(
            f"'{clips[0]}' is a clip, but --format {picture_format} is of pictures. Leave it out: "
            "the suffix of --out tells the format."
        )
    if not clips and (codec is not None or crf is not None):
        name = "--crf" if codec is None else "--codec"
        raise CommandError(f"{name} is of a clip, and here are only pictures. Leave it out.")
    return clips[0] if clips else None


def restore_clip(
    path: Path,
    out: Path | None,
    settings: "Settings",
    codec: str | None,
    crf: int | None,
    *,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Restores a clip and reports.

    Args:
        path: of the clip.
        out: file or folder of the result; None: NAME_restored beside it.
        settings: of restoring.
        codec, crf: see `restore_video`.
        overwrite: whether an older result may be replaced.
        as_json: whether to report in JSON.
    """
    from mirnet_keras.batch import Restorers
    from mirnet_keras.pictures import Picture
    from mirnet_keras.restorer import Suggestion
    from mirnet_keras.video import middle_frame, restore_video

    output = _output(path, out)
    refuse_existing([output], overwrite)
    if settings.preset is not None:
        choice = Suggestion(settings.preset)
    else:
        choice = settings.choice_for(Picture(middle_frame(path, settings.max_pixels)))
    restorers = Restorers(settings)
    restorer = restorers.named(choice.preset)
    refuse_existing([output], overwrite)  # another run may have ended while the preset was read
    frames, start = 0, time.perf_counter()
    with progress_bar(None) as update, restorers.on_device():

        def progress(done: int, total: int) -> None:
            nonlocal frames
            frames = done
            update(completed=done, total=total)

        remarks = restore_video(
            restorer,
            path,
            output,
            codec=codec,
            crf=crf,
            keep_metadata=settings.keep_metadata,
            max_pixels=settings.max_pixels,
            progress=progress,
        )
    seconds = time.perf_counter() - start
    if as_json:
        facts = {"input": path, "output": output, "preset": choice.preset, "frames": frames}
        facts |= {"seen": choice.seen, "seconds": seconds, "remarks": remarks}
        print_json({"clip": facts})
        return
    seen = f"{choice.seen}: " if choice.seen else ""
    typer.echo(f"{path} -> {output}  ({seen}{choice.preset}; {frames} frames, {seconds:.1f} s)")
    for remark in remarks:
        typer.echo(f"  {remark}")


def _output(path: Path, out: Path | None) -> Path:
    """Where the result goes: a format that holds clips, that of the clip if it is one."""
    from mirnet_keras.video import OUTPUT_SUFFIXES

    if out is not None and out.suffix and not out.is_dir():
        return out
    suffix = path.suffix if path.suffix.lower() in OUTPUT_SUFFIXES else ".mkv"
    return (path.parent if out is None else out) / f"{path.stem}_restored{suffix}"
