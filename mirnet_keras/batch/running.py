"""Restores pictures, a few at a time."""

import collections
import contextlib
import dataclasses
import itertools
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from mirnet_keras.batch.finding import Job
from mirnet_keras.batch.record import Record
from mirnet_keras.batch.settings import Restorers, Settings
from mirnet_keras.batch.stopping import Stop
from mirnet_keras.batch.unlikeness import UnlikenessRemark
from mirnet_keras.files import remove_leftovers
from mirnet_keras.images import write_bytes
from mirnet_keras.pictures import Picture, encode_picture, read_picture
from mirnet_keras.restorer import Suggestion

AT_ONCE = 3  # pictures in memory


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of a picture.

    Attributes:
        input, output: paths; `output` exists unless the picture failed.
        status: "restored", "skipped" (the same result was there) or "failed".
        preset: what restored it.
        seen: a few words on what the picture shows, by which the preset was chosen; None where
            the preset was named.
        seconds: of computing, and of waiting for memory to compute in.
        remarks: sentences about what was lost; for one picture of a run also that it is unlike
            what its network was trained on.
        error: what failed.
    """

    input: Path
    output: Path
    status: str
    preset: str | None = None
    seen: str | None = None
    seconds: float = 0
    remarks: tuple[str, ...] = ()
    error: Exception | None = None

    @property
    def reason(self) -> str | None:
        """What failed, in a sentence."""
        return None if self.error is None else reason(self.error)

    def as_dict(self) -> dict[str, object]:
        """For a report."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return values | {"error": self.reason}


def reason(error: Exception) -> str:
    """What failed, in a sentence."""
    name = type(error)
    is_ours = name.__module__.startswith("mirnet_keras.") or isinstance(error, OSError)
    return str(error) if is_ours else f"{name.__name__}: {error}"


def restore_all(
    jobs: Iterable[Job],
    settings: Settings,
    record: Record | None = None,
    *,
    fail_fast: bool = False,
) -> Iterator[Outcome]:
    """Restores pictures; one that fails does not stop the others.

    Three pictures are worked on at once, each in a thread: while some are read or written, another
    is computed.

    Args:
        jobs: the pictures and where their results go; results that exist are replaced, and what a
            run that was killed has left of them is removed.
        settings: how they are restored.
        record: notes the results; what it knows to be there already is skipped. None: nothing is.
        fail_fast: stops when a picture failed, and those that are being worked on are done.

    Yields:
        What became of each picture, in order. Who stops asking, or presses Ctrl+C, ends those that
        are being computed at their next row of tiles; none of them is written.

    Raises:
        PresetError, RestorerError: when the preset that the settings name cannot be loaded.
        BatchError: when nothing can be written beside the record.
    """
    restorers, remark = Restorers(settings), UnlikenessRemark()
    jobs = list(jobs)
    if record is not None:
        record.start()
    remove_leftovers(job.output for job in jobs)
    with _workers() as (workers, stop):
        coming = iter(jobs)
        going: collections.deque[Future[Outcome]] = collections.deque()
        while True:
            for job in itertools.islice(coming, AT_ONCE - len(going)):
                work = job, settings, restorers, remark, record, stop
                going.append(workers.submit(_restore, *work))
            if not going:
                return
            outcome = going.popleft().result()
            if fail_fast and outcome.error:
                coming = iter(())
            yield outcome


@contextlib.contextmanager
def _workers() -> Iterator[tuple[ThreadPoolExecutor, Stop]]:
    """Threads, and what ends their work; when this is left early, by Ctrl+C, it is ended."""
    workers, stop = ThreadPoolExecutor(AT_ONCE), Stop()
    try:
        yield workers, stop
    finally:
        stop.ask()
        workers.shutdown(cancel_futures=True)


def _restore(
    job: Job,
    settings: Settings,
    restorers: Restorers,
    remark: UnlikenessRemark,
    record: Record | None,
    stop: Stop,
) -> Outcome:
    """Does one picture from file to file."""
    try:
        picture = _read(job, settings, record)
        if picture is None:
            return Outcome(job.input, job.output, "skipped")
        start = time.perf_counter()
        choice, restored = restorers.restore(picture, stop.report, job.output.suffix)
        seconds = time.perf_counter() - start
        sentence = remark.on(picture, choice.preset)
        if sentence is not None:
            restored = restored.remarked(sentence)
    except Exception as error:  # whatever it is, it must not cost the other pictures
        return Outcome(job.input, job.output, "failed", error=error)
    return _write(job, restored, record, choice, seconds)


def _read(job: Job, settings: Settings, record: Record | None) -> Picture | None:
    """The picture; None where its result is there."""
    if record is not None and record.is_made(job):
        return None
    return read_picture(job.input, max_pixels=settings.max_pixels, damaged=settings.damaged)


def _write(
    job: Job, restored: Picture, record: Record | None, choice: Suggestion, seconds: float
) -> Outcome:
    facts = choice.preset, choice.seen, seconds
    try:
        content, remarks = encode_picture(restored, job.output.suffix)
        if record is not None:
            record.add(job, content)
        write_bytes(job.output, content)
    except Exception as error:
        return Outcome(job.input, job.output, "failed", *facts, error=error)
    return Outcome(job.input, job.output, "restored", *facts, remarks)
