"""The routes of the service."""

import asyncio
import contextlib
import dataclasses
import functools
import urllib.parse
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from starlette.requests import ClientDisconnect

from mirnet_keras.batch import Restorers, Settings
from mirnet_keras.image_errors import ImageError, not_a_picture
from mirnet_keras.pictures import (
    Picture,
    decode_picture,
    encode_picture,
    output_suffix,
    picture_kind,
)
from mirnet_keras.presets import Preset, PresetError, list_presets
from mirnet_keras.restorer import Restorer, RestorerError
from mirnet_keras.service.jobs import BODY, File, Jobs, Work, job_routes
from mirnet_keras.service.paced import PacedResponse
from mirnet_keras.service.page import page_routes
from mirnet_keras.service.waiting import BusyError, Progress, WaitingRoom
from mirnet_keras.web import preset_title

Result = TypeVar("Result")
TYPES = {
    ".bmp": "image/bmp",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".webp": "image/webp",
}
ACCEPTED = ("image/", "application/octet-stream")
BUCKETS = (0.1, 0.3, 1, 3, 10, 30, 100, 300)


@dataclasses.dataclass(frozen=True)
class Limits:
    """What one request, and all of them, may take.

    Attributes:
        max_bytes: of a picture file.
        max_pixels: of a picture; looked at before it is decoded.
        max_output_pixels: of a result; looked at before it is computed.
        waiting: pictures in the house at a time, with the one that is computed.
        seconds: for sending a picture, again for waiting and computing, and again for taking the
            result.
        jobs: known at a time, waiting, computed or kept: no more results than that are held.
        job_seconds: for the waiting and computing of a job.
        keep_seconds: how long a job is known when it has ended, with its result.
    """

    max_bytes: int = 64 * 2**20
    max_pixels: int = 24_000_000
    max_output_pixels: int = 100_000_000
    waiting: int = 8
    seconds: float = 120
    jobs: int = 16
    job_seconds: float = 3600
    keep_seconds: float = 600


def create_app(settings: Settings | None = None, limits: Limits | None = None) -> FastAPI:
    """Makes the service: `POST /restore`, `/jobs`, `GET /presets`, `/healthz`, `/metrics`, a page.

    `POST /restore` takes the bytes of a picture file and gives those of the result, the same as
    the command `restore` writes with the same settings. The headers `Mirnet-Preset`, `Mirnet-Seen`
    and `Mirnet-Remarks` say what restored it, by what it was chosen, and what was lost. `POST
    /jobs` takes the same, and the result is fetched later. The page is on `/`.

    Args:
        settings: the defaults of the requests, and what they cannot choose: tiles, precision. A
            preset in them is loaded at once.
        limits: what requests may take.

    Raises:
        PresetError, RestorerError: for a damaged preset, and for one that cannot be loaded.
    """
    settings, limits = settings or Settings(), limits or Limits()
    known = {entry.name: entry for entry in list_presets()}
    room = WaitingRoom(limits.waiting, limits.seconds)
    metrics = _Metrics(room)
    jobs = Jobs(
        room,
        most=limits.jobs,
        seconds=limits.job_seconds,
        keep_seconds=limits.keep_seconds,
        ended=metrics.count_job,
    )
    asked = _asking(settings, limits, known)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await jobs.close()
        await asyncio.to_thread(room.close)

    async def place() -> AsyncIterator[contextlib.ExitStack]:
        with contextlib.ExitStack() as held:
            held.enter_context(room.place())  # until the result is sent; a job takes it along
            yield held

    # FastAPI's own pages load scripts from elsewhere; /openapi.json describes the service.
    app = FastAPI(title="mirnet_keras", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.router.routes.extend(page_routes(settings.preset))
    app.include_router(job_routes(jobs, place, asked, seconds=limits.seconds, count=metrics.count))

    @app.exception_handler(BusyError)
    async def busy(request: Request, error: BusyError) -> Response:
        """Too much at once is no fault: come back later."""
        metrics.count(503)
        headers = {"Retry-After": str(error.retry_after)}
        return Response(f"{error}\n", 503, headers, "text/plain")

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        """One sentence on what was wrong."""
        metrics.count(error.status_code)
        return Response(f"{error.detail}\n", error.status_code, media_type="text/plain")

    @app.post(
        "/restore",
        dependencies=[Depends(place, scope="request")],
        response_class=Response,
        openapi_extra=BODY,
    )
    async def restore(request: Request, work: Annotated[Work, Depends(asked)]) -> Response:
        """Restores a picture."""
        with metrics.seconds.time():
            content, headers, kind = await _unless_gone(request, room.compute(work))
        metrics.count(200)
        return PacedResponse(content, headers, kind, seconds=limits.seconds)

    @app.get("/presets")
    def presets() -> list[dict]:
        """What can restore a picture."""
        return [_described(entry) for entry in known.values()]

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Says that the service runs."""
        return {"status": "ok"}

    @app.get("/metrics")
    async def figures() -> Response:
        """Figures for Prometheus."""
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return app


def _asking(
    settings: Settings, limits: Limits, known: Mapping[str, Preset]
) -> Callable[..., Awaitable[Work]]:
    """The function that checks a request, takes its picture in, and gives the work to be done."""
    loaded: dict[object, Restorer] = {}
    Restorers(settings, loaded)  # a preset that is not there, or damaged, is named now

    async def asked(
        request: Request,
        preset: Annotated[str | None, Query(description="else the picture decides")] = None,
        task: Literal["enlarge", "denoise", "brighten"] | None = None,
        alpha: Literal["net", "resize", "drop", "flatten"] = "net",
        ensemble: bool = False,
        strength: Annotated[float, Query(ge=0, le=1)] = 1.0,
        keep_metadata: bool = True,
        format: Literal["png", "jpg", "webp", "tif", "bmp"] | None = None,
    ) -> Work:
        _check_type(request)
        if preset is not None and preset not in known:
            raise HTTPException(422, f"There is no preset '{preset}'. GET /presets lists them.")
        if preset is not None and task is not None:
            raise HTTPException(422, "Leave out `task` or `preset`: a task chooses a preset.")
        wanted = dataclasses.replace(
            settings,
            preset=preset or (None if task else settings.preset),
            task=task,
            alpha=alpha,
            ensemble=ensemble,
            strength=strength,
            keep_metadata=keep_metadata,
            max_pixels=limits.max_pixels,
        )
        data, most = await _body(request, limits), limits.max_output_pixels
        return functools.partial(_restored, data, wanted, format and f".{format}", most, loaded)

    return asked


def _check_type(request: Request) -> None:
    if not request.headers.get("content-type", "").startswith(ACCEPTED):
        raise HTTPException(415, "Send the bytes of a picture, as image/png or another image.")


def _described(preset: Preset) -> dict:
    """What requests are told of a preset."""
    keys = {"name", "task", "scale", "parameters"}
    return preset.model_dump(mode="json", include=keys) | {"title": preset_title(preset)}


async def _body(request: Request, limits: Limits) -> bytes:
    """The body, no longer than allowed and no slower."""
    body = bytearray()
    try:
        async with asyncio.timeout(limits.seconds):
            async for part in request.stream():
                body += part
                if len(body) > limits.max_bytes:
                    text = f"The file is larger than {limits.max_bytes:,} bytes."
                    raise HTTPException(413, text)
    except TimeoutError:
        raise HTTPException(408, f"The file did not come in {limits.seconds:g} seconds.") from None
    except ClientDisconnect:
        raise HTTPException(400, "The file did not come in full.") from None
    return bytes(body)


async def _unless_gone(request: Request, work: Coroutine[None, None, Result]) -> Result:
    """The result of some work, which is given up when the client goes."""
    working = asyncio.create_task(work)
    going = asyncio.ensure_future(request.receive())  # after the body only that the client has gone
    try:
        await asyncio.wait({working, going}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise HTTPException(499, "The client has gone.")
        return working.result()
    finally:
        working.cancel()
        going.cancel()


def _restored(
    data: bytes,
    settings: Settings,
    suffix: str | None,
    most: int,
    loaded: dict[object, Restorer],
    progress: Progress,
) -> File:
    """Decodes, restores and encodes: in the worker's thread.

    Args:
        data: the picture file.
        settings: how to restore it.
        suffix: of the result; None: as the picture's.
        most: pixels of the result.
        loaded: see `Restorers`.
        progress: see `Restorers.restore`.

    Raises:
        HTTPException: for what is no picture, or cannot be restored.
    """
    kind = picture_kind(data)
    if kind is None:
        raise HTTPException(415, str(not_a_picture(data, "picture")))
    suffix = suffix or output_suffix(Path("picture"), kind)
    try:
        picture = decode_picture(data, max_pixels=settings.max_pixels)
        choice = settings.choice_for(picture)
        preset = choice.preset
        restorers = Restorers(dataclasses.replace(settings, preset=preset, task=None), loaded)
        _check_output(picture, restorers.named(preset).scale, most)
        _, restored = restorers.restore(picture, progress, suffix)
        content, remarks = encode_picture(restored, suffix)
    except (ImageError, RestorerError, PresetError) as error:
        raise HTTPException(422, str(error)) from error
    name = urllib.parse.quote(Path(preset).name)  # a header has room for little else than ASCII
    headers = {"Mirnet-Preset": name, "Mirnet-Remarks": " ".join(remarks)}
    if choice.seen is not None:
        headers["Mirnet-Seen"] = choice.seen
    return content, headers, TYPES[suffix]


def _check_output(picture: Picture, scale: int, most: int) -> None:
    height, width = picture.pixels.shape[:2]
    if scale**2 * height * width > most:
        raise HTTPException(
            403,
            f"The result would have too many pixels: {scale * width} x {scale * height}, and "
            f"{most:,} are allowed. Use a preset that enlarges less, or a smaller picture.",
        )


class _Metrics:
    """What Prometheus is told; of one app, not of the process."""

    def __init__(self, room: WaitingRoom):
        self.registry = CollectorRegistry()
        self.seconds = Histogram(
            "mirnet_restore_seconds",
            "Waiting and computing.",
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._answers = Counter(
            "mirnet_answers", "Answers by HTTP status.", ["status"], registry=self.registry
        )
        self._jobs = Counter("mirnet_jobs", "Ended jobs.", ["state"], registry=self.registry)
        waiting = Gauge("mirnet_waiting", "Pictures in the house.", registry=self.registry)
        waiting.set_function(lambda: room.taken)

    def count(self, status: int) -> None:
        """Counts an answer."""
        self._answers.labels(status).inc()

    def count_job(self, state: str) -> None:
        """Counts a job that has ended."""
        self._jobs.labels(state).inc()
