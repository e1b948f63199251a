import threading

import keras
import pytest

from mirnet_keras.batch.room import Room
from mirnet_keras.batch.settings import ROOM, Restorers, Settings


def test_as_many_are_inside_as_there_is_room_for_and_always_one():
    room = Room(10)
    inside, most, lock = [], [], threading.Lock()

    def work(size):
        for _ in range(50):
            with room.taking(size):
                with lock:
                    inside.append(size)
                    most.append(list(inside))
                with lock:
                    inside.remove(size)

    threads = [threading.Thread(target=work, args=(size,)) for size in (3, 4, 5, 99)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not inside
    assert len(most) == 200
    assert all(sum(sizes) <= 10 or sizes == [99] for sizes in most)


def test_two_small_ones_are_inside_together_and_what_fails_leaves():
    room, met = Room(10), threading.Barrier(2)

    def work():
        with room.taking(5):
            met.wait(10)

    other = threading.Thread(target=work)
    other.start()
    work()
    other.join(10)
    try:
        with room.taking(10):
            raise ValueError
    except ValueError:
        pass
    with room.taking(10):
        pass


@pytest.mark.parametrize(
    ("backend", "budget", "bytes_"),
    [("tensorflow", None, ROOM), ("tensorflow", "2GB", 2 * 10**9), ("jax", None, 0)],
)
def test_jax_computes_one_picture_at_a_time(monkeypatch, backend, budget, bytes_):
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    assert Restorers(Settings(memory_budget=budget))._room._size == bytes_
