"""Where the time of `mirnet-keras restore photo.jpg` goes, from the start to the written file.

    python -m benchmarks.start_up --json benchmarks/results/start_up.json

Each step in turn, in a process of its own that has done nothing before: wall time, and the time of
the processor, which others on the machine disturb less. The photo is the bundled dark picture, two
megapixels large.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2

PRESET, SIZE = "mirnet_lowlight_small", (1728, 1152)  # width, height
STEP = "--step-by-step"


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument(STEP, type=Path, metavar="FOLDER", help="what the own process does")
    options = parser.parse_args()
    if options.step_by_step:
        print(json.dumps(steps(options.step_by_step)))
        return
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.start_up", STEP, folder]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found = json.loads(output.splitlines()[-1])
    for name, seconds in found.items():
        print(f"{name:28} {seconds['wall']:6.2f} s, processor {seconds['processor']:6.2f} s")
    if options.json:
        from benchmarks import machine

        facts = {"command": "python -m benchmarks.start_up", "machine": machine.describe()}
        options.json.write_text(
            json.dumps(facts | {"preset": PRESET, "steps": found}, indent=2) + "\n"
        )


def steps(folder: Path) -> dict[str, dict[str, float]]:
    """Does what the command does, and says what each step took."""
    watch = Watch()
    from mirnet_keras import machine

    machine.start_keras()
    watch.note("Keras and TensorFlow")
    from mirnet_keras.demo import demo_picture
    from mirnet_keras.restorer import Restorer

    watch.note("the rest of the package")
    restorer = Restorer(PRESET)
    watch.note("the model")
    dark = demo_picture("coffee_dark.png")
    restorer(dark[:64, :64])
    watch.note("the first small picture")
    photo = cv2.resize(dark, SIZE, interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(folder / "photo.jpg"), photo[..., ::-1])
    restorer.restore_file(folder / "photo.jpg", folder / "restored.jpg")
    watch.note("the photo, to the file")
    return watch.found


class Watch:
    """Notes what passed since the last note."""

    def __init__(self):
        self.found: dict[str, dict[str, float]] = {}
        self.last = self.now()

    def now(self) -> tuple[float, float]:
        """Wall and processor time, in seconds."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return time.perf_counter(), usage.ru_utime + usage.ru_stime

    def note(self, name: str) -> None:
        """Keeps the time since the last note."""
        now = self.now()
        wall, processor = (after - before for after, before in zip(now, self.last, strict=True))
        self.found[name] = {"wall": wall, "processor": processor}
        self.last = self.now()


if __name__ == "__main__":
    main()
