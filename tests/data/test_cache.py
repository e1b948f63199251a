import threading

import numpy as np
import pytest

from mirnet_keras.data.cache import ImageCache


class Maker:
    """Makes a pair of arrays of 100 bytes together for each key, and remembers for which."""

    def __init__(self, cache):
        self.cache = cache
        self.made = []

    def get(self, key, size=50):
        def make():
            self.made.append(key)
            return np.full(size, key, np.uint8), np.zeros(size, np.uint8)

        return self.cache.get(key, make)


@pytest.fixture
def maker():
    return Maker(ImageCache(budget=300))


def test_what_is_kept_is_not_made_again(maker):
    first = maker.get(1)
    assert maker.get(1)[0] is first[0]
    assert maker.made == [1]


def test_the_least_recently_used_goes_first(maker):
    for key in (1, 2, 3, 1, 4, 1, 3, 2):  # at 4, key 2 is the one not used for longest
        assert maker.get(key)[0][0] == key
    assert maker.made == [1, 2, 3, 4, 2]


def test_the_budget_is_never_exceeded(maker):
    for key in range(20):
        maker.get(key, size=10 * key)
        assert 0 <= maker.cache.used <= 300
    maker.get(100, size=50)
    assert maker.cache.used == 100


def test_what_exceeds_the_budget_is_given_but_not_kept(maker):
    maker.get(1)
    assert maker.get(2, size=151)[0].size == 151
    maker.get(2, size=151)
    maker.get(1)
    assert maker.made == [1, 2, 2]


def test_no_budget_no_cache():
    maker = Maker(ImageCache(budget=0))
    maker.get(1)
    maker.get(1)
    assert maker.made == [1, 1]


def test_threads_get_what_they_asked_for(maker):
    wrong = []

    def work(seed):
        for key in np.random.default_rng(seed).integers(0, 6, 300).tolist():
            if maker.get(key)[0][0] != key:
                wrong.append(key)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert maker.cache.used == 300
