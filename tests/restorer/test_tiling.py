import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirnet_keras.restorer.tiling import restore_in_tiles, restored_strips, tile_starts

sizes = st.integers(1, 90)


@st.composite
def axes(draw, largest=90):
    """A size, a tile side, an overlap and a grid that fit one another."""
    multiple = draw(st.sampled_from([1, 2, 4]))
    side = multiple * draw(st.integers(2, 12))
    overlap = draw(st.integers(0, side - multiple))
    return multiple * draw(st.integers(1, largest // multiple)), side, overlap, multiple


def identity(tiles):
    return tiles.astype(np.float32)


def enlarge(tiles, scale):
    return tiles.repeat(scale, axis=1).repeat(scale, axis=2).astype(np.float32)


def box_blur(tiles, radius):
    """A local operator: the mean of the neighbours up to `radius` rows and columns away."""
    padded = np.pad(tiles, [(0, 0), (radius, radius), (radius, radius), (0, 0)], mode="reflect")
    height, width = tiles.shape[1:3]
    shifts = itertools.product(range(2 * radius + 1), repeat=2)
    total = sum(padded[:, top : top + height, left : left + width] for top, left in shifts)
    return total / np.float32((2 * radius + 1) ** 2)


@given(axes(largest=400))
def test_tiles_are_spread_evenly_and_overlap_as_asked(axis):
    size, side, overlap, multiple = axis
    starts = tile_starts(size, side, overlap, multiple)
    assert starts[0] == 0
    if size <= side:
        assert starts == [0]
        return
    assert starts[-1] == size - side
    assert all(start % multiple == 0 for start in starts)
    strides = np.diff(starts)
    assert np.all(side - strides >= overlap)
    assert strides.max() - strides.min() <= multiple


def test_positions_by_hand():
    assert tile_starts(size=10, side=4, overlap=1) == [0, 3, 6]
    assert tile_starts(size=11, side=4, overlap=1) == [0, 2, 4, 7]
    assert tile_starts(size=4, side=4, overlap=1) == [0]


def test_tiles_not_larger_than_the_overlap_are_refused():
    with pytest.raises(ValueError, match="larger than their overlap"):
        tile_starts(size=100, side=16, overlap=16)


@given(axes(largest=60), st.integers(1, 60), st.integers(1, 3), st.integers(1, 5), st.floats(0, 1))
def test_constant_image_through_identity_is_bit_identical(axis, width, scale, batch, value):
    height, side, overlap, multiple = axis
    width = max(multiple, width - width % multiple)
    image = np.full((height, width, 3), value, np.float32)
    restored = restore_in_tiles(
        lambda tiles: enlarge(tiles, scale),
        image,
        tile=(side, side),
        overlap=overlap,
        batch=batch,
        scale=scale,
        multiple=multiple,
    )
    assert restored.shape == (scale * height, scale * width, 3)
    assert restored.dtype == np.float32
    assert np.all(restored == np.float32(value))


@given(sizes, sizes, st.integers(2, 24), st.data(), st.integers(0, 99))
def test_any_image_through_identity_is_bit_identical(height, width, side, data, seed):
    overlap = data.draw(st.integers(0, side - 1))
    image = np.random.default_rng(seed).random((height, width, 3), np.float32)
    restored = restore_in_tiles(identity, image, tile=(side, side), overlap=overlap)
    np.testing.assert_array_equal(restored, image)


@settings(max_examples=40)
@given(sizes, sizes, st.integers(1, 2), st.integers(4, 12), st.integers(0, 8))
def test_tiled_equals_whole_for_a_local_operator(height, width, radius, spare, more):
    overlap = 4 * radius + more
    side = overlap + 1 + spare
    height, width = max(height, radius + 1), max(width, radius + 1)
    image = np.random.default_rng(height).random((height, width, 3), np.float32)
    whole = box_blur(image[None], radius)[0]
    tiled = restore_in_tiles(
        lambda tiles: box_blur(tiles, radius), image, tile=(side, side), overlap=overlap, batch=3
    )
    np.testing.assert_allclose(tiled, whole, atol=1e-5)


@given(axes(), axes(), st.integers(1, 5))
def test_no_tile_is_larger_than_asked_and_no_batch_fuller(vertical, horizontal, batch):
    height, side, overlap, multiple = vertical
    width = multiple * -(-horizontal[0] // multiple)
    shapes = []

    def record(tiles):
        shapes.append(tiles.shape)
        return identity(tiles)

    image = np.zeros((height, width, 3), np.uint8)
    restore_in_tiles(
        record, image, tile=(side, side), overlap=overlap, batch=batch, multiple=multiple
    )
    assert {shape[1:] for shape in shapes} == {(min(height, side), min(width, side), 3)}
    several = height > side or width > side
    assert {shape[0] for shape in shapes} == {batch if several else 1}


def test_the_result_does_not_depend_on_the_batch():
    image = np.random.default_rng(0).random((50, 70, 3), np.float32)
    results = [
        restore_in_tiles(
            lambda tiles: box_blur(tiles, 3), image, tile=(20, 24), overlap=6, batch=batch
        )
        for batch in (1, 4, 100)
    ]
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def test_a_step_between_two_tiles_is_faded_without_overshoot():
    tiles_seen = []

    def number(tiles):  # each tile gives its own constant
        tiles_seen.extend(tiles)
        first = len(tiles_seen) - len(tiles)
        return np.stack([np.full(t.shape, first + i, np.float32) for i, t in enumerate(tiles)])

    restored = restore_in_tiles(number, np.zeros((8, 24, 1)), tile=(8, 16), overlap=8)
    row = restored[0, :, 0]
    assert np.all(row[:10] == 0)
    assert np.all(row[14:] == 1)
    np.testing.assert_allclose(row[10:14], [0.038060, 0.308658, 0.691342, 0.961940], atol=1e-6)


@settings(max_examples=40)
@given(sizes, sizes, st.integers(1, 3), st.integers(1, 3), st.integers(0, 9), st.integers(1, 3))
def test_tiled_equals_whole_within_the_margin(height, width, radius, fade, spare, batch):
    overlap = 2 * radius + fade
    side = overlap + 1 + spare
    height, width = max(height, radius + 1), max(width, radius + 1)
    image = np.random.default_rng(height).random((height, width, 3), np.float32)
    whole = box_blur(image[None], radius)[0]
    tiled = restore_in_tiles(
        lambda tiles: box_blur(tiles, radius),
        image,
        tile=(side, side),
        overlap=overlap,
        batch=batch,
        margin=radius,
    )
    np.testing.assert_allclose(tiled, whole, atol=1e-5)


@given(sizes, sizes, st.integers(2, 24), st.data(), st.integers(1, 3))
def test_strips_together_are_the_picture(height, width, side, data, scale):
    overlap = data.draw(st.integers(0, side - 1))
    image = np.random.default_rng(width).random((height, width, 3), np.float32)
    strips = restored_strips(
        lambda tiles: enlarge(tiles, scale), image, tile=(side, side), overlap=overlap, scale=scale
    )
    copies = [strip.copy() for strip in strips]
    assert max(len(strip) for strip in copies) <= scale * side
    np.testing.assert_array_equal(np.concatenate(copies), enlarge(image[None], scale)[0])
