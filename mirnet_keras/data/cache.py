"""Decoded images kept in memory, within a budget."""

import collections
import threading


class ImageCache:
    """Keeps the most recently used arrays, up to a number of bytes.

    Args:
        budget: int. Bytes. An entry larger than it is never kept.
    """

    def __init__(self, budget: int):
        self.budget = budget
        self.used = 0
        self._entries: collections.OrderedDict = collections.OrderedDict()
        self._lock = threading.Lock()

    def get(self, key, make):
        """The arrays of `key`: those kept, else those that `make()` returns (a tuple)."""
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
                return self._entries[key]
        arrays = make()
        with self._lock:
            self._keep(key, arrays)
        return arrays

    def _keep(self, key, arrays):
        size = _bytes(arrays)
        if size > self.budget or key in self._entries:
            return
        self._entries[key] = arrays
        self.used += size
        while self.used > self.budget:
            _, dropped = self._entries.popitem(last=False)
            self.used -= _bytes(dropped)


def _bytes(arrays) -> int:
    return sum(array.nbytes for array in arrays)
