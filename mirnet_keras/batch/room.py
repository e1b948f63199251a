"""Memory that pictures being computed share."""

import contextlib
import threading
from collections.abc import Iterator


class Room:
    """Lets as many compute at once as there is memory for, and always one.

    Args:
        size: bytes.
    """

    def __init__(self, size: int):
        self._size = size
        self._taken: list[int] = []
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def taking(self, size: int) -> Iterator[None]:
        """Waits until there is room for so many bytes, or nobody else, and takes it inside."""
        with self._changed:
            self._changed.wait_for(lambda: not self._taken or sum(self._taken) + size <= self._size)
            self._taken.append(size)
        try:
            yield
        finally:
            with self._changed:
                self._taken.remove(size)
                self._changed.notify_all()
