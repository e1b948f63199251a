import collections

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirnet_keras.data import SamplingPlan, Stage, symmetry, undo_symmetry

SIZES = [(40, 30), (31, 64), (30, 30), (100, 50), (33, 35)]
STAGES = [Stage(steps=3, crop=12, batch=4), Stage(steps=5, crop=24, batch=2)]


def test_a_step_is_a_pure_function_of_seed_and_number():
    plan, other = SamplingPlan(SIZES, STAGES, seed=7), SamplingPlan(SIZES, STAGES, seed=7)
    forwards = [plan.samples(step) for step in range(30)]
    backwards = [other.samples(step) for step in reversed(range(30))]
    assert forwards == backwards[::-1]
    assert forwards != [SamplingPlan(SIZES, STAGES, seed=8).samples(step) for step in range(30)]
    assert plan.samples(2**40) == other.samples(2**40)


def test_images_are_drawn_without_replacement_in_each_pass():
    plan = SamplingPlan(SIZES, STAGES)
    drawn = [sample.image for step in range(40) for sample in plan.samples(step)]
    passes = [drawn[i : i + 5] for i in range(0, len(drawn) - 4, 5)]
    assert all(sorted(images) == [0, 1, 2, 3, 4] for images in passes)
    assert len({tuple(images) for images in passes}) > len(passes) / 2  # in ever new orders


def test_stages_follow_each_other_and_the_last_goes_on():
    plan = SamplingPlan(SIZES, STAGES)
    assert [plan.stage(step)[0].crop for step in (0, 2, 3, 7, 8, 1000)] == [12, 12, 24, 24, 24, 24]
    assert [plan.stage(step)[1] for step in (0, 2, 3, 4, 8)] == [0, 8, 12, 14, 22]
    assert [len(plan.samples(step)) for step in (2, 3)] == [4, 2]


@given(
    seed=st.integers(0, 2**32),
    step=st.integers(0, 2**40),
    grid=st.integers(1, 4),
    shrink=st.integers(1, 2),
)
def test_crops_lie_inside_and_on_the_grid(seed, step, grid, shrink):
    crop = 12 // shrink if 12 // shrink % grid == 0 else 12
    shrink = shrink if crop * shrink <= 30 else 1
    plan = SamplingPlan(SIZES, [Stage(1, crop, 8, shrink)], seed, grid)
    for sample in plan.samples(step):
        height, width = SIZES[sample.image]
        assert 0 <= sample.top <= height - crop * shrink
        assert 0 <= sample.left <= width - crop * shrink
        assert sample.top % grid == sample.left % grid == 0
        assert 0 <= sample.symmetry < 8


def test_every_place_and_symmetry_is_equally_likely():
    plan = SamplingPlan([(8, 9)], [Stage(1, 6, 100)], grid=1)
    drawn = [sample for step in range(96) for sample in plan.samples(step)]
    counts = collections.Counter((s.top, s.left, s.symmetry) for s in drawn)
    assert len(counts) == 3 * 4 * 8
    assert min(counts.values()) > 60  # 100 on average, deviation 10
    assert max(counts.values()) < 140


def test_without_augmentation_nothing_is_turned():
    plan = SamplingPlan(SIZES, STAGES, augment=False)
    turned = SamplingPlan(SIZES, STAGES)
    for step in range(10):
        assert {sample.symmetry for sample in plan.samples(step)} == {0}
        assert [(s.image, s.top, s.left) for s in plan.samples(step)] == [
            (s.image, s.top, s.left) for s in turned.samples(step)
        ]


@pytest.mark.parametrize("hosts", [1, 2, 4])
def test_the_hosts_slices_are_the_whole_batch(hosts):
    stages = [Stage(steps=2, crop=12, batch=4), Stage(steps=1, crop=8, batch=8)]
    whole = SamplingPlan(SIZES, stages, seed=3)
    slices = [SamplingPlan(SIZES, stages, seed=3, host=h, hosts=hosts) for h in range(hosts)]
    for step in range(6):
        joined = [sample for plan in slices for sample in plan.samples(step)]
        assert joined == whole.samples(step)
        assert {len(plan.samples(step)) for plan in slices} == {len(joined) // hosts}


@pytest.mark.parametrize(
    ("stage", "options", "message"),
    [
        (Stage(1, 31, 4), {}, "smallest image side, 30 pixels.*crop=31"),
        (Stage(1, 16, 4, shrink=2), {}, "times `shrink` at most"),
        (Stage(1, 13, 4), {"grid": 2}, "multiple of 2"),
        (Stage(1, 12, 5), {"hosts": 2}, "number of hosts, 2.*batch=5"),
    ],
)
def test_what_cannot_be_planned_is_refused(stage, options, message):  # C19
    with pytest.raises(ValueError, match=message):
        SamplingPlan(SIZES, [STAGES[0], stage], **options)


IMAGES = st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(0, 2**32)).map(
    lambda drawn: np.random.default_rng(drawn[2]).random((*drawn[:2], 3), np.float32)
)


@given(image=IMAGES, number=st.integers(0, 7))
def test_undo_symmetry(image, number):
    np.testing.assert_array_equal(undo_symmetry(symmetry(image, number), number), image)
    np.testing.assert_array_equal(symmetry(undo_symmetry(image, number), number), image)


def test_the_eight_symmetries_by_hand():
    square = np.array([[1, 2], [3, 4]])[..., None]
    found = [symmetry(square, number)[..., 0].tolist() for number in range(8)]
    assert found[0] == [[1, 2], [3, 4]]
    assert found[1] == [[2, 4], [1, 3]]  # a quarter turn to the left
    assert found[4] == [[2, 1], [4, 3]]  # left and right exchanged
    assert len({str(turned) for turned in found}) == 8
