"""Ten thousand small files: what the start costs, and what stays in memory."""

import collections
import io
import os
import sys
import tracemalloc

import numpy as np
import pytest

from mirnet_keras.data import (
    Batches,
    CleanImages,
    PairedImages,
    SamplingPlan,
    SegmentedBatches,
    Stage,
    SuperResolutionImages,
)
from mirnet_keras.images import read_image, write_image

SIDE = 48
DECODED = SIDE * SIDE * 3
BUDGET = 40 * DECODED
INDEX = (
    2000  # bytes for a file: its paths and its size; a picture would be more than three times that
)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """`folders[count]` with so many pictures: links to a few."""
    root = tmp_path_factory.mktemp("pictures")
    kinds = []
    for seed in range(4):
        image = np.random.default_rng(seed).integers(0, 256, (1, 1, 3), np.uint8)
        kinds.append(root / f"{seed}.png")
        write_image(kinds[-1], np.broadcast_to(image, (SIDE, SIDE, 3)))
    made = {}
    for count in (10, 1000, 10_000):
        made[count] = root / str(count)
        made[count].mkdir()
        for number in range(count):
            os.link(kinds[number % len(kinds)], made[count] / f"{number:05}.png")
    return made


def paired(folder):
    return batches(PairedImages(folder, folder, SIDE, BUDGET))


def clean(folder):
    return batches(CleanImages(folder, SIDE, BUDGET))


def super_resolution(folder):
    return batches(SuperResolutionImages(folder, 2, SIDE, BUDGET))


def batches(images):
    return Batches(images, SamplingPlan(images.sizes, [Stage(1, SIDE, 8)], grid=images.scale))


def segmented(folder):
    stages = [Stage(1, SIDE, 8)]
    prior = lambda image, name: np.ones((*image.shape[:2], 8), np.float32)  # noqa: E731
    return SegmentedBatches([[folder]], [prior], stages, mix=[1], cache_bytes=BUDGET)


KINDS = [paired, clean, super_resolution, segmented]


class Work:
    """Counts function calls in it, opened files, and decoded pictures."""

    def __enter__(self):
        self.count = collections.Counter()
        sys.setprofile(self._see)
        return self.count

    def __exit__(self, *_):
        sys.setprofile(None)

    def _see(self, frame, event, arg):
        if event == "call":
            self.count["calls"] += 1
            self.count["decoded"] += frame.f_code is read_image.__code__
        elif event == "c_call":
            self.count["calls"] += 1
            self.count["opened"] += arg is io.open


@pytest.mark.parametrize("make", KINDS)
def test_the_first_batch_takes_work_in_proportion_to_the_files(folders, make):
    make(folders[10]).batch(0)  # what is done once
    work = {}
    for count in (1000, 10_000):
        with Work() as work[count]:
            make(folders[count]).batch(0)
    few, many = work[1000], work[10_000]
    assert few["opened"] >= 1000
    assert many["opened"] <= 10 * few["opened"]
    assert many["calls"] <= 10 * few["calls"]
    assert 0 < many["decoded"] <= few["decoded"] + 16  # the cache's budget, and the batch


@pytest.mark.parametrize("make", KINDS)
def test_memory_holds_the_index_and_the_budget(folders, make):
    count = 10_000
    make(folders[10]).batch(0)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    data = make(folders[count])
    for step in range(200):
        data.batch(step)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    cache = data._cache if make is segmented else data.images._cache
    assert BUDGET / 2 < cache.used <= BUDGET
    assert cache.used == sum(x.nbytes for kept in cache._entries.values() for x in kept)
    assert grown < count * INDEX + 2 * BUDGET
