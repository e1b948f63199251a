"""Pictures that take longer than a connection should stay open: jobs, and their routes."""

import asyncio
import contextlib
import dataclasses
import functools
import logging
import math
import secrets
from collections.abc import Awaitable, Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Response
from pydantic import BaseModel

from mirnet_keras.service.paced import PacedResponse
from mirnet_keras.service.waiting import BusyError, Progress, WaitingRoom

File = tuple[bytes, dict[str, str], str]  # content, headers to send with it, media type
Work = Callable[[Progress], File]
End = Literal["done", "failed", "cancelled"]
State = Literal["waiting", "running"] | End
BODY = {  # what the description says of requests with a picture
    "requestBody": {"required": True, "content": {"image/*": {}, "application/octet-stream": {}}}
}
ID_BYTES = 32
UNKNOWN = (
    "There is no such job: the id is wrong, or the job was deleted, or it ended more than "
    "{:g} seconds ago. POST /jobs starts one."
)
_log = logging.getLogger(__name__)


class Started(BaseModel):
    """What is said of a job that was taken in."""

    id: str
    state: State


class JobStatus(Started):
    """What is said of a job: `progress` is in 0..1, `error` a sentence when it failed."""

    progress: float
    error: str | None = None


@dataclasses.dataclass(eq=False)
class Job:
    """A picture to restore, and what became of it.

    Attributes:
        id: nobody can guess it.
        progress: share of the work that is done, in 0..1.
        task: waits for the turn and the result; None when the job has ended.
        begun: whether its turn has come.
        end: how it ended; None when it has not.
        expires: when it will be forgotten, by the event loop's clock; None while it has not ended.
        file: the result, when it is done.
        refusal: status and sentence, when it failed.
    """

    id: str
    progress: float = 0
    task: asyncio.Task | None = None
    begun: bool = False
    end: End | None = None
    expires: float | None = None
    file: File | None = None
    refusal: tuple[int, str] | None = None

    @property
    def state(self) -> State:
        """What it does now."""
        return self.end or ("running" if self.begun else "waiting")

    def run(self, work: Work, progress: Progress) -> File:
        """Does the work, in the worker's thread, and notes how far it is."""
        self.begun = True

        def report(share: float) -> None:
            progress(share)
            self.progress = max(self.progress, share)

        return work(report)


class Jobs:
    """The jobs that are known: those that wait or run, and for a while those that have ended.

    Used from one event loop, as the room is; only the work is done in the worker's thread.

    Args:
        room: whose worker does the work.
        most: how many are known at a time; each holds one picture or one result at most.
        seconds: the longest that one may wait and run.
        keep_seconds: how long one is known when it has ended.
        ended: is told how each job ended.
    """

    def __init__(
        self,
        room: WaitingRoom,
        *,
        most: int,
        seconds: float,
        keep_seconds: float,
        ended: Callable[[End], None],
    ):
        self._room = room
        self._most = most
        self._seconds = seconds
        self._keep_seconds = keep_seconds
        self._ended = ended
        self._jobs: dict[str, Job] = {}

    def start(self, work: Work, held: contextlib.ExitStack) -> Job:
        """Takes a job in.

        Args:
            work: what gives the result.
            held: the job's place: what is in it is taken over, and given back when the job ends.

        Raises:
            BusyError: when too many are known already.
        """
        self._make_room()
        job = Job(secrets.token_urlsafe(ID_BYTES))
        computed = self._room.compute(functools.partial(job.run, work), self._seconds)
        job.task = asyncio.create_task(computed)
        job.task.add_done_callback(functools.partial(self._end, job, held.pop_all()))
        self._jobs[job.id] = job
        return job

    def find(self, id: str) -> Job:
        """The job with an id.

        Raises:
            HTTPException: 404 when there is none.
        """
        if id not in self._jobs:
            raise HTTPException(404, UNKNOWN.format(self._keep_seconds))
        return self._jobs[id]

    def result(self, id: str) -> File:
        """The result of a job.

        Raises:
            HTTPException: 404 for an unknown id, 409 when the job is not done, and when it failed
                what `POST /restore` would have said: 504 where the time was up.
        """
        job = self.find(id)
        if job.refusal is not None:
            raise HTTPException(*job.refusal)
        if job.end == "cancelled":
            raise HTTPException(409, "The job was cancelled, so it has no result.")
        if job.file is None:
            raise HTTPException(
                409, f"The job is {job.state}. Ask for its result when GET /jobs/ID says done."
            )
        return job.file

    async def delete(self, id: str) -> None:
        """Cancels a job, or forgets one that has ended.

        One that waits is not begun. One that runs gives its place and its result up at once; the
        worker is free when the next row of tiles is done.

        Raises:
            HTTPException: 404 for an unknown id.
        """
        job = self.find(id)
        if job.task is None:
            del self._jobs[id]
        else:
            await _cancel([job.task])

    async def close(self) -> None:
        """Cancels all jobs: nobody will fetch their results."""
        await _cancel([job.task for job in self._jobs.values() if job.task is not None])

    def _make_room(self) -> None:
        """Forgets the oldest job that has ended without a result, when too many are known."""
        if len(self._jobs) < self._most:
            return
        empty = (job.id for job in self._jobs.values() if job.end in ("failed", "cancelled"))
        oldest = next(empty, None)
        if oldest is None:
            now = asyncio.get_running_loop().time()
            times = (job.expires - now for job in self._jobs.values() if job.expires is not None)
            raise BusyError(
                f"{len(self._jobs)} jobs are waiting, running, or have a result to be fetched and "
                "deleted.",
                max(1, math.ceil(min(times, default=self._keep_seconds))),
            )
        del self._jobs[oldest]

    def _end(self, job: Job, held: contextlib.ExitStack, task: asyncio.Task) -> None:
        """Notes what became of a job, and that it will be forgotten."""
        held.close()
        job.task = None  # an exception in it would hold the picture
        if task.cancelled():
            job.end = "cancelled"
        elif error := task.exception():
            job.end, job.refusal = "failed", _refusal(error)
        else:
            job.end, job.file, job.progress = "done", task.result(), 1
        self._ended(job.end)
        loop = task.get_loop()
        job.expires = loop.time() + self._keep_seconds
        loop.call_later(self._keep_seconds, self._jobs.pop, job.id, None)


def job_routes(
    jobs: Jobs,
    place: Callable,
    asked: Callable[..., Awaitable[Work]],
    *,
    seconds: float,
    count: Callable[[int], None],
) -> APIRouter:
    """The routes under `/jobs`.

    Args:
        jobs: what they start, show and end.
        place: dependency that gives an `ExitStack` with a place in it.
        asked: dependency that gives the work that a request asks for.
        seconds: the longest for sending a result.
        count: is told the status of each answer that is a result or a new job.
    """
    router = APIRouter(prefix="/jobs")

    @router.post("", status_code=202, openapi_extra=BODY)
    async def start(
        held: Annotated[contextlib.ExitStack, Depends(place, scope="request")],
        work: Annotated[Work, Depends(asked)],
        response: Response,
    ) -> Started:
        """Takes a picture in, to be restored when its turn comes."""
        job = jobs.start(work, held)
        response.headers["Location"] = f"/jobs/{job.id}"
        count(202)
        return Started(id=job.id, state=job.state)

    @router.get("/{id}", response_model_exclude_none=True)
    async def status(id: str) -> JobStatus:
        """Says how far a job is."""
        job = jobs.find(id)
        error = job.refusal and job.refusal[1]
        return JobStatus(id=job.id, state=job.state, progress=job.progress, error=error)

    @router.get("/{id}/result", response_class=Response)
    async def result(id: str) -> Response:
        """Gives the restored picture."""
        content, headers, kind = jobs.result(id)
        count(200)
        return PacedResponse(content, headers, kind, seconds=seconds)

    @router.delete("/{id}", status_code=204)
    async def delete(id: str) -> None:
        """Cancels a job, or forgets one that has ended."""
        await jobs.delete(id)

    return router


async def _cancel(tasks: list[asyncio.Task]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)


def _refusal(error: BaseException) -> tuple[int, str]:
    """Status and sentence for what ended a job."""
    if isinstance(error, HTTPException):
        return error.status_code, str(error.detail)
    if isinstance(error, BusyError):
        return 504, str(error)  # not 503: asking again will not help
    _log.error("A job failed.", exc_info=error)
    return 500, "The service failed at this picture, which it should not. Its log says more."
