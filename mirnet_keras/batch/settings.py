"""What decides how a picture is restored."""

import contextlib
import dataclasses
import functools
import hashlib
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from mirnet_keras import __version__
from mirnet_keras.batch.room import Room
from mirnet_keras.machine import DeviceError, device_name, silent_stderr
from mirnet_keras.pictures import MAX_PIXELS, Picture, check_side
from mirnet_keras.presets import find
from mirnet_keras.restorer import Restorer, Suggestion, look, restore_picture, suggest_preset
from mirnet_keras.restorer.checks import check_strength
from mirnet_keras.restorer.memory import parse_bytes
from mirnet_keras.restorer.suggestion import candidates, check_task

ROOM = 2**30  # bytes in which several pictures are worked on at once, where no budget is given
POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


@dataclasses.dataclass(frozen=True)
class Settings:
    """How pictures are restored.

    Attributes:
        preset: what `Restorer` takes as text; None: what suits each picture.
        task: "enlarge", "denoise" or "brighten": what shall be done, with the preset that suits
            each picture; None: what suits each picture. Only without `preset`.
        tile, memory_budget, ensemble, border, strength: see `Restorer`.
        threads: of a LiteRT file; None: all. TensorFlow's are set by `machine.start_keras`.
        precision: "float32" or "bfloat16", which is faster where the processor has it.
        device: "cpu", "gpu", "gpu:1": what a network computes on. None: the first GPU if there is
            one. A LiteRT file always takes the processor.
        alpha, keep_metadata, max_pixels, damaged: see `Restorer.restore_file`.

    Raises:
        RestorerError: for a strength outside 0..1, an unknown task, and a task beside a preset.
    """

    preset: str | None = None
    task: str | None = None
    tile: int | str | None = "auto"
    memory_budget: int | str | None = None
    ensemble: bool = False
    border: str = "reflect"
    strength: float = 1.0
    threads: int | None = None
    precision: str = "float32"
    device: str | None = None
    alpha: str = "net"
    keep_metadata: bool = True
    max_pixels: int = MAX_PIXELS
    damaged: str = "refuse"

    def __post_init__(self) -> None:
        check_strength(self.strength)
        check_task(self.task, self.preset)

    def choice_for(self, picture: Picture) -> Suggestion:
        """Return the preset that is named; else what suits the picture, on white."""
        if self.preset is not None:
            return Suggestion(self.preset)
        return suggest_preset(look(picture.pixels, picture.alpha), self.task)

    def fingerprint(self) -> str:
        """A short text that differs where results may differ: by model, version or setting.

        Raises:
            PresetError: for an unknown preset.
        """
        presets = [self.preset] if self.preset else candidates(self.task)
        values = dataclasses.asdict(self) | {"version": __version__}
        del values["max_pixels"], values["threads"], values["device"]
        models = [hashlib.sha256(_description(preset)).hexdigest() for preset in presets]
        text = json.dumps([values, models], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


class Restorers:
    """The restorers of some settings, each loaded when it is first needed.

    Threads may share them: pictures that fit into the memory together are worked on at once.

    Args:
        settings: of all of them. A preset that is named is loaded at once.
        loaded: those that are there already, by what they were loaded with; more are added.

    Raises:
        PresetError, RestorerError: when that cannot be.
        DeviceError: for a device that is not there.
    """

    def __init__(self, settings: Settings, loaded: dict[object, Restorer] | None = None):
        self._settings = settings
        self._device = None if settings.device is None else device_name(settings.device)
        _refuse_device(settings.preset, self._device)
        self._loaded = {} if loaded is None else loaded
        self._loading = threading.Lock()
        self._room = Room(_room(settings.memory_budget))
        if settings.preset:
            self._load(settings.preset)

    def restore(
        self,
        picture: Picture,
        progress: Callable[[float], None] | None = None,
        suffix: str | None = None,
    ) -> tuple[Suggestion, Picture]:
        """The preset that was taken and why, and the picture restored with it.

        Args:
            picture: what to restore.
            progress: see `Restorer.__call__`, called with 0 when there is memory, too; where the
                opacity is restored as well, that follows and begins at 0 again.
            suffix: of the file to write, whose limits are checked before anything is computed.

        Raises:
            ImageError: for a result that is too large for its format.
        """
        choice = self._settings.choice_for(picture)
        restorer = self.named(choice.preset)
        pixels = picture.pixels
        if suffix is not None:
            height, width = (restorer.scale * side for side in pixels.shape[:2])
            check_side(height, width, suffix)
        room = self._room.taking(restorer.estimate(pixels.shape, pixels.dtype).memory)
        with room, self.on_device():
            if progress is not None:
                progress(0)  # before the first row of tiles, whose time may be long
            restored = restore_picture(
                functools.partial(restorer, progress=progress) if progress else restorer,
                picture,
                scale=restorer.scale,
                alpha=self._settings.alpha,
            )
        return choice, restored if self._settings.keep_metadata else restored.without_metadata()

    def named(self, name: str) -> Restorer:
        """The restorer of a preset, loaded where it is not there yet; it is called `on_device`.

        Raises:
            PresetError, RestorerError: when it cannot be loaded.
        """
        with self._loading:
            return self._load(name)

    def on_device(self) -> contextlib.AbstractContextManager:
        """The context in which this thread computes on the device of the settings."""
        return contextlib.nullcontext() if self._device is None else keras.device(self._device)

    def _load(self, name: str) -> Restorer:
        asked = self._settings
        options: dict[str, Any] = {
            "tile": asked.tile,
            "memory_budget": asked.memory_budget,
            "ensemble": asked.ensemble,
            "border": asked.border,
        }
        key = name, *options.values(), asked.precision, self._device
        if key not in self._loaded:
            threads = asked.threads if Path(name).suffix == ".tflite" else None
            former = keras.config.dtype_policy()
            keras.config.set_dtype_policy(POLICIES[asked.precision])
            try:
                with self.on_device(), silent_stderr():  # LiteRT announces its helpers
                    self._loaded[key] = Restorer(name, threads=threads, **options)
            finally:
                keras.config.set_dtype_policy(former)
        return self._loaded[key].with_strength(asked.strength)


def _refuse_device(preset: str | None, device: str | None) -> None:
    """Raises where a LiteRT file shall compute on something else than the processor."""
    if preset and Path(preset).suffix == ".tflite" and device not in (None, "cpu:0"):
        raise DeviceError(
            f"A LiteRT file computes on the processor, not on '{device}'. Leave the device out, "
            f"or name a preset or a .keras file. Received '{preset}'."
        )


def _room(budget) -> int:
    """Bytes for pictures worked on at once; none on JAX, where a network runs for one at a time."""
    if keras.backend.backend() != "tensorflow":
        return 0
    return ROOM if budget is None else parse_bytes(budget)


def _description(preset: str) -> bytes:
    """The bytes that tell one model from another."""
    path = Path(preset)
    if path.suffix in (".keras", ".tflite"):
        return path.read_bytes() if path.is_file() else b""
    return (find(preset) / "preset.json").read_bytes()
