import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirnet_keras.restorer import RestorerError
from mirnet_keras.restorer.plan import (
    SIDES,
    WORKING_MEMORY,
    Costs,
    choose_tile,
    pixels_at_once,
    tile_sides,
)
from mirnet_keras.restorer.tiling import tile_starts

GB = 10**9


def costs(**changes):
    usual = {
        "pixel_bytes": 1000,
        "result_bytes": 3,
        "scale": 2,
        "multiple": 1,
        "overlap": 32,
        "batch": 1,
        "largest": None,
    }
    return Costs(**(usual | changes))


def test_a_picture_that_fits_is_done_whole():
    assert choose_tile((900, 1000), costs(), 2 * GB) == (900, 1000)
    assert costs().estimate((900, 1000), (900, 1000)).memory == 900_000 * (1000 + 4 * 3)
    assert costs().estimate((900, 1000), (900, 1000)).tiles == 1


def test_of_tiles_the_row_that_is_put_together_counts():
    found = costs().estimate((900, 1000), (128, 96))
    assert found.memory == 128 * 96 * 1000 + 4 * 128 * 1000 * 24 + 900_000 * 4 * 3


def test_whole_is_as_much_as_the_largest_square():
    assert choose_tile((128, 512), costs(largest=256), 2 * GB) == (128, 512)
    assert choose_tile((128, 513), costs(largest=256), 2 * GB) != (128, 513)


def test_else_the_largest_tiles_that_fit():
    assert choose_tile((5000, 5120), costs(), 2 * GB) == (752, 768)
    assert choose_tile((5000, 5120), costs(pixel_bytes=10_000), 2 * GB) == (368, 384)
    assert choose_tile((5000, 5120), costs(pixel_bytes=10_000, batch=4), 2 * GB)[0] <= 192
    assert choose_tile((300, 320), costs(largest=256), 2 * GB) == (176, 192)
    assert choose_tile((900, 1000), costs(), 2 * GB, below=128) == (128, 128)


@pytest.mark.parametrize(
    ("changes", "below", "expected"),
    [
        ({}, None, [768, 576, 512, 384, 256, 192, 128, 96, 64]),
        ({"overlap": 64}, 100, [96]),
        ({"multiple": 64, "overlap": 64}, None, [768, 576, 512, 384, 256, 192, 128]),
        ({"multiple": 64, "overlap": 64}, 96, []),
        ({"multiple": 64, "overlap": 64, "largest": 128}, None, [128]),
        ({"overlap": 130, "largest": 128}, None, [192]),  # 128 cannot be
        ({"overlap": 130, "largest": 128}, 150, []),
        ({"overlap": 800}, None, [1602]),
    ],
)
def test_sides_are_never_above_what_is_asked_where_that_can_be(changes, below, expected):
    assert tile_sides(costs(**changes), below) == expected


def test_tiles_on_a_coarse_grid_keep_to_the_largest_that_pays():
    needs = costs(multiple=64, overlap=64, largest=128)
    assert choose_tile((448, 640), needs, 2 * GB) == (128, 128)
    with pytest.raises(RestorerError, match="even in the smallest tiles"):
        choose_tile((448, 640), needs, 2 * GB, below=96)


def test_what_was_too_much_once_is_not_taken_at_once_again():
    assert pixels_at_once((900, 1000), (256, 256), costs(), 2 * GB) > 10**6
    assert pixels_at_once((900, 1000), (256, 256), costs(), 2 * GB, below=256) == 256**2
    assert pixels_at_once((900, 1000), (96, 90), costs(batch=3), 2 * GB, below=96) == 3 * 96**2


def test_without_a_budget_no_more_is_taken_than_serves(monkeypatch):
    monkeypatch.setattr("mirnet_keras.restorer.plan.free_memory", lambda: 100 * GB)
    assert choose_tile((1000, 1000), costs(), None) == (1000, 1000)
    assert max(choose_tile((2000, 1000), costs(), None)) <= 768
    monkeypatch.setattr("mirnet_keras.restorer.plan.free_memory", lambda: GB)
    assert choose_tile((1000, 1000), costs(), None) != (1000, 1000)
    assert pixels_at_once((1000, 1000), (256, 256), costs(), None) == GB // 2 // 1000
    assert WORKING_MEMORY > GB


def test_when_not_even_the_smallest_tile_fits_the_error_says_what_is_needed():
    with pytest.raises(RestorerError, match="1000 x 900 pixels needs .* but the budget is 1 MB"):
        choose_tile((900, 1000), costs(), 10**6)


@given(
    st.tuples(st.integers(1, 5000), st.integers(1, 5000)),
    st.sampled_from([200, 1000, 6000]),
    st.sampled_from([1, 4, 8]),
    st.sampled_from([1, 2, 4]),
    st.integers(0, 60),
    st.integers(1, 3),
    st.floats(0.05, 3),
)
def test_what_is_chosen_fits_and_is_even(
    size, pixel_bytes, multiple, scale, overlap, batch, budget
):
    size = tuple(-(-side // multiple) * multiple for side in size)
    needs = costs(
        pixel_bytes=pixel_bytes, scale=scale, multiple=multiple, overlap=overlap, batch=batch
    )
    try:
        tile = choose_tile(size, needs, int(budget * GB))
    except RestorerError:
        assert needs.estimate(size, (128, 128)).memory > 0.2 * budget * GB
        return
    assert needs.estimate(size, tile).memory <= budget * GB
    if tile == size:
        return
    for length, side in zip(size, tile, strict=True):
        assert overlap < side <= max(SIDES) or side == length
        # No larger side of the list would need fewer tiles than it needs by its own.
        larger = min((s for s in SIDES if s >= side), default=side)
        larger -= larger % multiple
        assert len(tile_starts(length, side, overlap, multiple)) == len(
            tile_starts(length, max(larger, side), overlap, multiple)
        )


def test_tiles_take_no_more_where_the_whole_may(monkeypatch):
    monkeypatch.setattr("mirnet_keras.restorer.plan.free_memory", lambda: 100 * GB)
    global_costs = costs(pixel_bytes=3000, whole_memory=3.2 * GB)
    assert choose_tile((1000, 1000), global_costs, None) == (1000, 1000)
    tile = choose_tile((4000, 6000), global_costs, None)
    assert tile == choose_tile((4000, 6000), costs(pixel_bytes=3000), None)
    assert global_costs.passing((4000, 6000), tile) <= 1.25 * 2**30
