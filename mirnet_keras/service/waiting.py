"""One picture is computed at a time; a bounded number waits."""

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from mirnet_keras.batch import Stop, StoppedError

Progress = Callable[[float], None]
Result = TypeVar("Result")
FIRST_GUESS = 2.0  # seconds for a picture, before one was measured
MEMORY = 0.8  # share of the former mean in the new one


class BusyError(Exception):
    """No place is free, or the time is up; `retry_after` is in whole seconds."""

    def __init__(self, reason: str, retry_after: int):
        super().__init__(reason)
        self.retry_after = retry_after


class WaitingRoom:
    """Places for those who wait or are being served, and one worker who serves.

    Used from one event loop; only what `compute` is given runs in the worker's thread.

    Args:
        places: how many there are at most.
        seconds: the longest that one may wait and be served.
    """

    def __init__(self, places: int, seconds: float):
        self._places = places
        self._seconds = seconds
        self._mean = FIRST_GUESS
        self._turn = asyncio.Lock()  # the worker's
        self._worker = ThreadPoolExecutor(1)
        self.taken = 0

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """Takes a place.

        Raises:
            BusyError: when there is none.
        """
        if self.taken >= self._places:
            raise BusyError(f"{self.taken} pictures are waiting already.", self._retry_after())
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1

    async def compute(
        self, work: Callable[[Progress], Result], seconds: float | None = None
    ) -> Result:
        """Does some work when its turn comes.

        Work that is given up before its turn, by time or by cancelling, is not begun and holds no
        memory; work that is running ends where it next reports its progress.

        Args:
            work: a function that is given another one, to report the share that is done.
            seconds: the longest that it may wait and run; None: as for all.

        Raises:
            BusyError: when that takes too long.
        """
        loop = asyncio.get_running_loop()
        seconds = seconds or self._seconds
        stop = Stop()
        try:
            async with asyncio.timeout(seconds):
                await self._turn.acquire()
                future = loop.run_in_executor(self._worker, self._timed, work, stop)
                future.add_done_callback(lambda _: self._turn.release())
                return await asyncio.shield(future)
        except TimeoutError:
            message = f"The picture was not done within {seconds:g} seconds."
            raise BusyError(message, self._retry_after()) from None
        finally:
            stop.ask()

    def close(self) -> None:
        """Waits for the picture that is being computed."""
        self._worker.shutdown()

    def _timed(self, work: Callable[[Progress], Any], stop: Stop) -> Any:
        """The result; None, which nobody sees, where the work was given up."""
        start = time.perf_counter()
        try:
            result = work(stop.report)
        except StoppedError:  # whose time says nothing of a picture's
            return None
        seconds = time.perf_counter() - start
        self._mean = MEMORY * self._mean + (1 - MEMORY) * seconds
        return result

    def _retry_after(self) -> int:
        return max(1, math.ceil(self._mean * self.taken))
