"""The page's tiles against `restore_in_tiles`, without a browser: Node.js runs tiling.js."""

import importlib.resources
import json
import shutil
import subprocess

import numpy as np
import pytest

from mirnet_keras.images import to_float, to_uint8
from mirnet_keras.restorer import restore_in_tiles

TILING = importlib.resources.files("mirnet_keras.web") / "page/tiling.js"
TILE, OVERLAP, SCALE = 12, 5, 2
# Less than a tile (mirrored once, and back and forth), one tile, one pixel more, two tiles that
# also overlap the next but one, many.
SIZES = [(1, 1), (3, 2), (9, 20), (12, 12), (13, 12), (21, 30), (47, 33)]

# The "network": each pixel four times, darker towards the bottom right of its tile, so that a
# wrong place or weight shows; with a tint.
SCRIPT = """
import { readFileSync } from "node:fs";
const { cases, tiling, tile, overlap, scale } = JSON.parse(readFileSync(0, "utf8"));
const { restoreInTiles } = await import(tiling);
const side = scale * tile;
const predict = async (values) => Float32Array.from({ length: side * side * 3 }, (_, i) => {
  const [y, x, c] = [Math.floor(i / 3 / side), Math.floor(i / 3) % side, i % 3];
  const value = values[3 * (Math.floor(y / scale) * tile + Math.floor(x / scale)) + c];
  return value * (1 - (2 * y + x) / (8.123 * side)) * (1 - c / 20);
});
const results = [];
for (const picture of cases) {
  const reports = [];
  const report = (done, of) => reports.push([done, of]);
  const restored = await restoreInTiles(predict, picture, { tile, overlap, scale }, report);
  results.push({ ...restored, data: [...restored.data], reports });
}
console.log(JSON.stringify(results));
"""


@pytest.fixture(scope="module")
def pictures():
    random = np.random.default_rng(0)
    coloured = [random.integers(0, 256, (*size, 3), np.uint8) for size in SIZES]
    return [*coloured, np.repeat(coloured[-1][..., :1], 3, axis=-1)]


@pytest.fixture(scope="module")
def results(pictures):
    """What tiling.js makes of the pictures."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node.js")
    cases = [
        {"data": np.dstack([p, np.full(p.shape[:2], 255)]).ravel().tolist()}
        | {"height": p.shape[0], "width": p.shape[1]}
        for p in pictures
    ]
    given = {"cases": cases, "tiling": TILING.as_uri()}
    given |= {"tile": TILE, "overlap": OVERLAP, "scale": SCALE}
    command = [node, "--input-type=module", "--eval", SCRIPT]
    printed = subprocess.run(
        command, input=json.dumps(given), capture_output=True, check=True, text=True
    ).stdout
    return json.loads(printed)


def predict(tiles):
    side = SCALE * TILE
    y, x = np.mgrid[:side, :side]
    shade = (1 - (2 * y + x) / (8.123 * side)).astype(np.float32)
    tint = 1 - np.arange(3, dtype=np.float32) / 20
    return to_float(tiles).repeat(SCALE, axis=1).repeat(SCALE, axis=2) * shade[..., None] * tint


def expected(picture):
    height, width = picture.shape[:2]
    missing = [(0, max(0, TILE - side)) for side in (height, width)]
    padded = np.pad(picture, [*missing, (0, 0)], mode="reflect")
    restored = restore_in_tiles(predict, padded, tile=(TILE, TILE), overlap=OVERLAP, scale=SCALE)
    if np.ptp(picture, axis=-1).max() == 0:
        restored = np.repeat(restored.mean(axis=-1, keepdims=True), 3, axis=-1)
    return to_uint8(restored[: SCALE * height, : SCALE * width])


@pytest.mark.parametrize("case", range(len(SIZES) + 1), ids=[*map(str, SIZES), "grey"])
def test_tiles_of_the_page_give_the_picture_of_restore_in_tiles(case, pictures, results):
    result = results[case]
    received = np.array(result["data"]).reshape(result["height"], result["width"], 4)
    wanted = expected(pictures[case])
    assert received.shape[:2] == wanted.shape[:2]
    assert (received[..., 3] == 255).all()
    difference = np.abs(received[..., :3] - wanted.astype(int))
    assert difference.max() <= 1  # where 0.5 is rounded
    assert difference.mean() < 1e-3


def test_progress_counts_from_none_to_all(results):
    for result in results:
        done, of = zip(*result["reports"], strict=True)
        assert done == tuple(range(of[0] + 1))
        assert set(of) == {of[0]}
