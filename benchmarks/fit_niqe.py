"""Fits NIQE's parameters on pristine photographs, as its authors did on theirs.

python -m benchmarks.fit_niqe ../shared/data/sr_train/photo_crops

Blocks count that are sharp: their local deviation is, on average, above 0.75 of that of the
sharpest block of the same photograph (Mittal et al., 2013, section II-B).
"""

import argparse
import pathlib

import numpy as np

from mirnet_keras.files import write_whole
from mirnet_keras.images import list_images, read_image
from mirnet_keras.metrics.natural_scene_statistics import (
    BLOCK,
    block_features,
    blocks,
    normalised,
)
from mirnet_keras.metrics.niqe import OWN_PARAMETERS, luma_plane

SHARPNESS = 0.75


def sharp_features(image: np.ndarray) -> np.ndarray:
    """Returns the features (blocks, 36) of a photograph's sharp blocks."""
    plane = luma_plane(image)
    sharpness = blocks(normalised(plane)[1], BLOCK).mean(axis=(1, 2))
    return block_features(plane)[sharpness > SHARPNESS * sharpness.max()]


def fit(folder: pathlib.Path) -> tuple[np.ndarray, np.ndarray, int]:
    """Returns mean (36,), covariance (36, 36) and the number of blocks of a folder's pictures."""
    features = np.concatenate([sharp_features(read_image(path)) for path in list_images(folder)])
    features = features[~np.isnan(features).any(axis=1)]
    return features.mean(axis=0), np.cov(features, rowvar=False), len(features)


def main():
    """Fits and writes, by the names in the official file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photographs", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, default=OWN_PARAMETERS)
    options = parser.parse_args()
    mean, covariance, count = fit(options.photographs)
    write_whole(
        options.out,
        lambda path: np.savez_compressed(path, mu_pris_param=mean, cov_pris_param=covariance),
    )
    print(f"{options.out}: {count} blocks, {options.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
