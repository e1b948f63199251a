import copy
import itertools

import numpy as np
import pytest

from mirnet_keras.data import (
    Batches,
    CleanImages,
    DataError,
    GaussianNoise,
    LowLight,
    MixedImages,
    PairedImages,
    SamplingPlan,
    Stage,
    StepDataset,
    SuperResolutionImages,
    degraded_folder,
    imresize,
    paired_folder,
    sr_folder,
    undo_symmetry,
)
from mirnet_keras.images import write_image

SIZES = [(24, 30), (33, 26), (28, 28)]
STAGES = [Stage(steps=3, crop=12, batch=4), Stage(steps=3, crop=18, batch=2)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """`high`, and `low`: the same at half the brightness."""
    folder = tmp_path_factory.mktemp("pictures")
    for seed, size in enumerate(SIZES):
        dark = np.random.default_rng(seed).integers(0, 128, (*size, 3), np.uint8)
        write_image(folder / f"low/{seed}.png", dark)
        write_image(folder / f"high/{seed}.png", 2 * dark)
    return folder


def batches(images, stages=STAGES, seed=0, **options):
    plan = SamplingPlan(images.sizes, stages, seed, images.scale)
    return Batches(images, plan, **options)


def noisy(clean, degrade):
    """The same pictures with a degradation."""
    images = copy.copy(clean)
    images.degrade = degrade
    return images


@pytest.fixture(scope="module")
def paired(folder):
    return PairedImages(folder / "low", folder / "high")


@pytest.fixture(scope="module")
def clean(folder):
    return CleanImages(folder / "high")


def test_input_and_target_are_the_same_place(paired):
    for step in range(6):
        inputs, targets = batches(paired).batch(step)
        side = 12 if step < 3 else 18
        assert inputs.shape == targets.shape == (4 if step < 3 else 2, side, side, 3)
        assert inputs.dtype == targets.dtype == np.float32
        assert 0 <= targets.min() < targets.max() <= 1
        np.testing.assert_allclose(2 * inputs, targets, atol=1e-7)


@pytest.mark.parametrize("shrink", [1, 2])
def test_pairs_of_two_sizes_are_cut_at_the_same_place(tmp_path, shrink):
    small = np.random.default_rng(0).integers(0, 256, (20, 24, 3), np.uint8)
    write_image(tmp_path / "low/a.png", small)
    write_image(tmp_path / "high/a.png", small.repeat(3, axis=0).repeat(3, axis=1))
    images = PairedImages(tmp_path / "low", tmp_path / "high", scale=3)
    cuts = batches(images, [Stage(steps=4, crop=12, batch=2, shrink=shrink)])
    for step in range(4):
        inputs, targets = cuts.batch(step)
        assert (inputs.shape, targets.shape) == ((2, 4, 4, 3), (2, 12, 12, 3))
        if shrink == 1:
            np.testing.assert_array_equal(inputs.repeat(3, axis=1).repeat(3, axis=2), targets)
        else:  # of the same place: the means are those of the same pixels
            np.testing.assert_allclose(inputs.mean((1, 2)), targets.mean((1, 2)), atol=1e-6)
    folders = (tmp_path / "low", tmp_path / "high")
    inputs, targets = first(paired_folder(*folders, crop=12, batch=2, scale=3))
    assert (inputs.shape, targets.shape) == ((2, 4, 4, 3), (2, 12, 12, 3))


@pytest.mark.parametrize("scale", [2, 3])
def test_low_resolution_crops_are_cut_from_the_reduced_whole_picture(folder, scale):
    images = SuperResolutionImages(folder / "high", scale)
    plan = SamplingPlan(images.sizes, STAGES, seed=1, grid=scale)
    for step in range(5):
        inputs, targets = Batches(images, plan).batch(step)
        crop = plan.stage(step)[0].crop
        for sample, source, target in zip(plan.samples(step), inputs, targets, strict=True):
            _, sharp = images.pair(sample.image)
            reduced = imresize(sharp, 1 / scale)
            top, left, side = sample.top // scale, sample.left // scale, crop // scale
            np.testing.assert_array_equal(
                np.round(255 * undo_symmetry(target, sample.symmetry)),
                sharp[sample.top : sample.top + crop, sample.left : sample.left + crop],
            )
            np.testing.assert_array_equal(
                np.round(255 * undo_symmetry(source, sample.symmetry)),
                reduced[top : top + side, left : left + side],
            )


def test_shrunk_crops_are_means_of_larger_ones(paired):
    stage = Stage(steps=1, crop=6, batch=3, shrink=4)
    inputs, targets = batches(paired, [stage]).batch(0)
    _, whole = batches(paired, [Stage(steps=1, crop=24, batch=3)]).batch(0)
    assert inputs.shape == targets.shape == (3, 6, 6, 3)
    means = whole.reshape(3, 6, 4, 6, 4, 3).mean(axis=(2, 4))
    np.testing.assert_allclose(targets, means, atol=1e-6)
    np.testing.assert_allclose(2 * inputs, targets, atol=1e-6)


def same(first, second, count):
    for ours, theirs in itertools.zip_longest(
        itertools.islice(first, count), itertools.islice(second, count)
    ):
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


def steps(data, start=0):
    return (data[index] for index in itertools.count(start))


def test_tf_data_and_pydataset_give_the_same(clean):
    data = batches(noisy(clean, GaussianNoise()), mixup=0.5)
    same(data.tf_dataset(), steps(StepDataset(data.batch)), 8)


def test_starting_at_a_step_is_skipping_to_it(clean):
    data = batches(noisy(clean, GaussianNoise()), mixup=0.5)
    same(data.tf_dataset(start=2), steps(StepDataset(data.batch), 2), 4)
    same(steps(StepDataset(data.batch, start=5)), steps(StepDataset(data.batch), 5), 4)


def test_a_seed_decides_everything(clean):
    dark = noisy(clean, LowLight())
    once, again = batches(dark, seed=3, mixup=0.5), batches(dark, seed=3, mixup=0.5)
    same(steps(StepDataset(once.batch)), steps(StepDataset(again.batch)), 6)
    other = batches(dark, seed=4, mixup=0.5)
    assert not np.array_equal(once.batch(0)[0], other.batch(0)[0])
    assert not np.array_equal(once.batch(0)[0], once.batch(1)[0])


def test_mixup_blends_input_and_target_alike(paired):
    changed = 0
    for step in range(20):
        plain_inputs, plain_targets = batches(paired, STAGES[:1]).batch(step)
        inputs, targets = batches(paired, STAGES[:1], mixup=0.5).batch(step)
        np.testing.assert_allclose(2 * inputs, targets, atol=1e-6)
        np.testing.assert_allclose(inputs.mean(axis=0), plain_inputs.mean(axis=0), atol=1e-6)
        assert inputs.dtype == targets.dtype == np.float32
        changed += not np.array_equal(targets, plain_targets)
    assert 3 < changed < 17


def test_mixup_blends_with_one_partner_each(paired):
    _, plain = batches(paired, STAGES[:1]).batch(0)
    _, mixed = batches(paired, STAGES[:1], mixup=1.0).batch(0)
    for image in mixed:
        # Least squares finds two (or, with itself, one) weights that sum to 1.
        weights = np.linalg.lstsq(plain.reshape(4, -1).T, image.ravel(), rcond=None)[0]
        assert np.sum(np.abs(weights) > 1e-4) <= 2
        assert np.sum(weights) == pytest.approx(1, abs=1e-4)


def test_only_inputs_are_degraded(clean):
    plain = batches(clean)
    degraded = batches(noisy(clean, GaussianNoise((25, 25))))
    for step in range(4):
        (source, target), (inputs, targets) = plain.batch(step), degraded.batch(step)
        np.testing.assert_array_equal(target, targets)
        np.testing.assert_array_equal(source, target)
        assert np.std(inputs - targets) == pytest.approx(25 / 255, rel=0.1)
        assert np.abs(np.mean(inputs - targets)) < 0.02


def test_mixed_sources_keep_their_own_degradation(paired, clean):
    mixed = MixedImages([paired, noisy(clean, GaussianNoise((40, 40)))], [1, 3])
    assert len(mixed) == len(paired) + 3 * len(clean)
    data = batches(mixed, [Stage(1, 16, len(mixed))])
    pictures = [sample.image for sample in data.plan.samples(0)]
    assert sorted(pictures) == list(range(len(mixed)))
    for image, low, high in zip(pictures, *data.batch(0), strict=True):
        if image < len(paired):
            np.testing.assert_allclose(low, high / 2, atol=1e-6)
        else:
            assert np.std(low - high) == pytest.approx(40 / 255, rel=0.15)


def test_hosts_share_a_batch(clean):
    whole = batches(clean).batch(4)[1]
    plans = [SamplingPlan(clean.sizes, STAGES, 0, 1, host=h, hosts=2) for h in (0, 1)]
    parts = [Batches(clean, plan).batch(4)[1] for plan in plans]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def first(dataset):
    return [np.asarray(x) for x in next(iter(dataset))]


def test_folders_become_batches_in_one_call(folder):
    low, high = folder / "low", folder / "high"
    inputs, targets = first(paired_folder(low, high, crop=16, batch=3))
    assert inputs.shape == targets.shape == (3, 16, 16, 3)
    inputs, targets = first(sr_folder(high, scale=2, crop=16, batch=3, augment=False))
    assert (inputs.shape, targets.shape) == ((3, 8, 8, 3), (3, 16, 16, 3))
    noise = GaussianNoise((15, 15))
    inputs, targets = first(degraded_folder([low, high], noise, crop=16, batch=3, seed=5))
    assert np.std(inputs - targets) == pytest.approx(15 / 255, rel=0.1)
    later = first(degraded_folder([low, high], noise, crop=16, batch=3, seed=5, start=1))
    assert not np.array_equal(later[1], targets)
    same = first(degraded_folder([low, high], noise, crop=16, batch=3, seed=5, start=np.int64(1)))
    np.testing.assert_array_equal(same[1], later[1])


@pytest.mark.parametrize("start", [-1, 1.5, None, "1"])
def test_a_start_that_is_no_number_of_steps_is_refused(folder, start):
    with pytest.raises(DataError, match=f"whole number from 0. Received start={start!r}") as caught:
        sr_folder(folder / "high", scale=2, crop=16, batch=3, start=start)
    assert "\n" not in str(caught.value)
