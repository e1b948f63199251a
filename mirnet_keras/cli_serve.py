"""The command `serve`: restoring over HTTP."""

import contextlib
import importlib.util
import socket
from typing import Annotated

import typer

from mirnet_keras import machine
from mirnet_keras.cli_paths import CommandError

NEEDED = ("fastapi", "uvicorn", "prometheus_client")  # of the extra


def serve(
    host: Annotated[
        str, typer.Option(help="Address to listen at. 0.0.0.0: everyone who reaches this machine.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="0: one that is free, which is said.")
    ] = 8000,
    preset: Annotated[
        str | None, typer.Option(help="Where a request names none; else each picture decides.")
    ] = None,
    max_bytes: Annotated[int, typer.Option(min=1, help="Of a picture file.")] = 64 * 2**20,
    max_pixels: Annotated[
        int, typer.Option(min=1, help="Of a picture; seen before it is decoded.")
    ] = 24_000_000,
    max_output_pixels: Annotated[
        int, typer.Option(min=1, help="Of a result; seen before it is computed.")
    ] = 100_000_000,
    waiting: Annotated[
        int, typer.Option(min=1, help="Pictures in the house; the next one is answered 503.")
    ] = 8,
    seconds: Annotated[
        float, typer.Option(min=1, help="The longest for sending, and for waiting and computing.")
    ] = 120,
    jobs: Annotated[
        int, typer.Option(min=1, help="Jobs known at a time, with those whose result is kept.")
    ] = 16,
    job_seconds: Annotated[
        float, typer.Option(min=1, help="The longest for the waiting and computing of a job.")
    ] = 3600,
    keep_seconds: Annotated[
        float, typer.Option(min=1, help="How long the result of a job is kept.")
    ] = 600,
    threads: Annotated[int | None, typer.Option(min=1, help="Processor threads; else all.")] = None,
) -> None:
    """Restore pictures over HTTP, for a page in the browser and for other programs, until Ctrl+C.

    The page is on /. Programs POST a picture's bytes to /restore?preset=NAME, or to /jobs where it
    takes long, and GET /presets, /healthz, /metrics.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise CommandError(f"{', '.join(missing)}: not installed. Run `pip install '.[serve]'`.")
    machine.start_keras(threads)
    import uvicorn

    from mirnet_keras.batch import Settings
    from mirnet_keras.service import Limits, create_app

    settings = Settings(preset=preset, threads=threads)
    limits = Limits(
        max_bytes=max_bytes,
        max_pixels=max_pixels,
        max_output_pixels=max_output_pixels,
        waiting=waiting,
        seconds=seconds,
        jobs=jobs,
        job_seconds=job_seconds,
        keep_seconds=keep_seconds,
    )
    app = create_app(settings, limits)
    with _listening(host, port) as listener, contextlib.suppress(KeyboardInterrupt):
        named = f"[{host}]" if ":" in host else host
        address = f"http://{named}:{listener.getsockname()[1]}"
        typer.echo(f"Serving at {address}; a page for browsers is there. Ctrl+C ends it.")
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=round(seconds))
        server = uvicorn.Server(config)
        server.run(sockets=[listener])
        if not server.started:
            raise CommandError("The service did not start; what is above says why.")


def _listening(host: str, port: int) -> socket.socket:
    """A socket that takes connections from now on.

    Raises:
        CommandError: where that cannot be.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise CommandError(
            f"The service cannot listen at {host}, port {port}: {error.strerror}. Choose another "
            "--port or --host."
        ) from error
    return listener
