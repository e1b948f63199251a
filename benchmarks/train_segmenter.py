"""Trains the small scene segmenter on CamVid, and scores it.

    python -m benchmarks.train_segmenter --data DATA/segmentation/camvid --out runs/segmenter

CamVid has 4 of the 8 classes: background, sky, building and plant. What is trained here never sees
water, grass, mountain or animal. The images are for research use: the weights are not shipped.
"""

import argparse
import json
import pathlib

import keras
import numpy as np
from PIL import Image

from mirnet_keras.images import read_image, to_float
from mirnet_keras.models import SceneSegmenter
from mirnet_keras.segmentation import CLASSES, VOID

# Of CamVid's labels 0 to 10, and of 11, which is unlabelled.
KNOWN = {0: "sky", 1: "building", 5: "plant"}
TO_OUTDOOR = np.array(
    [CLASSES.index(KNOWN.get(label, "background")) for label in range(11)] + [VOID], np.uint8
)


def read_part(data: pathlib.Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """The images and outdoor labels of "train", "val" or "test", uint8."""
    names = (data / f"{part}.txt").read_text().split()
    images = [read_image(data / part / "images" / f"{name}.webp") for name in names]
    labels = [np.array(Image.open(data / part / "labels" / f"{name}.png")) for name in names]
    return np.stack(images), TO_OUTDOOR[np.stack(labels)]


class Crops(keras.utils.PyDataset):
    """Random crops, half of them mirrored; batch `index` depends on it and the seed alone."""

    def __init__(self, images, labels, crop: int, batch: int, steps: int, seed: int = 0):
        super().__init__(workers=4)
        self.images, self.labels = images, labels
        self.crop, self.batch, self.steps, self.seed = crop, batch, steps, seed

    def __len__(self):
        return self.steps

    def __getitem__(self, index):
        random = np.random.default_rng([self.seed, index])
        height, width = self.images.shape[1:3]
        pairs = []
        for _ in range(self.batch):
            scene = random.integers(len(self.images))
            y = random.integers(height - self.crop + 1)
            x = random.integers(width - self.crop + 1)
            window = (scene, slice(y, y + self.crop), slice(x, x + self.crop))
            step = random.choice([-1, 1])
            pairs.append((self.images[window][:, ::step], self.labels[window][:, ::step]))
        images, labels = map(np.stack, zip(*pairs, strict=True))
        return to_float(images), labels.astype("int32")


def intersections_over_unions(model, images, labels) -> dict[str, float]:
    """IoU of each class that occurs in `labels`, and their mean as "mean"; void left out."""
    confusion = np.zeros((len(CLASSES), len(CLASSES)), np.int64)
    for image, truth in zip(images, labels, strict=True):
        found = model.restore(to_float(image)).argmax(axis=-1)
        known = truth != VOID
        np.add.at(confusion, (truth[known], found[known]), 1)
    both = np.diag(confusion)
    either = confusion.sum(axis=0) + confusion.sum(axis=1) - both
    occurs = confusion.sum(axis=1) > 0
    scores = {CLASSES[i]: float(both[i] / either[i]) for i in np.flatnonzero(occurs)}
    return scores | {"mean": float(np.mean(list(scores.values())))}


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=pathlib.Path, required=True, help="CamVid's folder")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder of the result")
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--crop", type=int, default=256, help="a multiple of 16")
    parser.add_argument("--rate", type=float, default=2e-3)
    return parser.parse_args()


def main() -> None:
    """Trains, scores on val and test, and writes model.keras and scores.json."""
    args = arguments()
    keras.utils.set_random_seed(0)
    model = SceneSegmenter()
    schedule = keras.optimizers.schedules.CosineDecay(args.rate, args.steps)
    model.compile(
        keras.optimizers.AdamW(schedule, weight_decay=1e-4),
        keras.losses.SparseCategoricalCrossentropy(ignore_class=VOID),
        jit_compile=keras.backend.backend() == "jax",  # XLA slows TensorFlow down on processors
    )
    crops = Crops(*read_part(args.data, "train"), args.crop, args.batch, args.steps)
    model.fit(crops, epochs=1, shuffle=False, verbose=2)
    args.out.mkdir(parents=True, exist_ok=True)
    model.save(args.out / "model.keras")
    scores = {
        part: intersections_over_unions(model, *read_part(args.data, part))
        for part in ("val", "test")
    }
    (args.out / "scores.json").write_text(json.dumps({"steps": args.steps} | scores, indent=1))
    print(json.dumps(scores, indent=1))


if __name__ == "__main__":
    main()
