"""Ending work that runs in another thread when nobody waits for it any more."""

import threading


class StoppedError(Exception):
    """Nobody waits for the result any more."""


class Stop:
    """Ends work in another thread where it reports its progress."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def ask(self) -> None:
        """Lets the work end at its next report."""
        self._asked.set()

    def report(self, share: float) -> None:
        """What the work calls with the share that is done.

        Raises:
            StoppedError: when it shall end.
        """
        if self._asked.is_set():
            raise StoppedError
