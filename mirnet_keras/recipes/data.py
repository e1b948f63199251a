"""What a recipe trains on."""

import difflib
import inspect
from collections.abc import Callable
from typing import Annotated, Any, Literal

import pydantic

from mirnet_keras.data import DEGRADATIONS


class Part(pydantic.BaseModel):
    """A part of a recipe: unknown keys are refused."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class _ValidationPairs(Part):
    validation_inputs: str | None = None
    validation_targets: str | None = None

    @pydantic.model_validator(mode="after")
    def _both_or_none(self):
        if (self.validation_inputs is None) != (self.validation_targets is None):
            raise ValueError("`validation_inputs` and `validation_targets` go together")
        return self


class PairedData(_ValidationPairs):
    """Two folders with equally named pictures, relative to the data folder.

    Args:
        inputs, targets: Folders to train on.
        scale: How many times larger than its input each target is, for networks that enlarge.
        exclude: Files to leave out, with their folder: `low/7.png`.
        validation_inputs, validation_targets: Folders to validate on, whole pictures.
    """

    kind: Literal["paired"] = "paired"
    inputs: str
    targets: str
    scale: pydantic.PositiveInt = 1
    exclude: list[str] = []


class SuperResolutionData(Part):
    """Folders of sharp pictures, relative to the data folder.

    Args:
        folders: Folders to train on.
        exclude: Files in them to leave out, with their folder: `t91/t20.webp`.
        validation: Folder to validate on, whole pictures.
    """

    kind: Literal["super_resolution"] = "super_resolution"
    folders: list[str]
    exclude: list[str] = []
    validation: str | None = None


class DegradedData(_ValidationPairs):
    """Folders of clean pictures, relative to the data folder, degraded on the fly.

    Args:
        folders: Folders to train on.
        degradation: Name of `mirnet_keras.data.DEGRADATIONS`.
        options: Its arguments.
        exclude: Files to leave out, with their folder.
        validation_inputs, validation_targets: Folders to validate on, whole pictures.
    """

    kind: Literal["degraded"] = "degraded"
    folders: list[str]
    degradation: Literal["gaussian", "poisson_gaussian", "camera", "low_light", "photo"]
    options: dict[str, Any] = {}
    exclude: list[str] = []

    @property
    def scale(self) -> int:
        """How many times smaller than the targets the degradation makes the inputs."""
        return self.options.get("scale", 1)

    @pydantic.model_validator(mode="after")
    def _options_fit(self):
        degradation = DEGRADATIONS[self.degradation]
        check_arguments("data.options", self.options, degradation)
        degradation(**self.options)  # looks at their values
        return self


class MixedData(_ValidationPairs):
    """Several kinds of pictures together, such as real pairs and synthetic noise.

    Args:
        sources: What to train on; their own validation pictures are left out.
        repeats: How often the pictures of each source are seen in one pass over the data.
        validation_inputs, validation_targets: Folders to validate on, whole pictures.
    """

    kind: Literal["mixed"] = "mixed"
    sources: list[Annotated[PairedData | DegradedData, pydantic.Field(discriminator="kind")]]
    repeats: list[pydantic.PositiveInt]

    @pydantic.model_validator(mode="after")
    def _one_for_each(self):
        if not self.sources or len(self.sources) != len(self.repeats):
            raise ValueError("`repeats` needs one number for each of `sources`")
        if len({source.scale for source in self.sources}) > 1:
            raise ValueError("all `sources` must have the same `scale`")
        return self

    @property
    def scale(self) -> int:
        """How many times larger than the inputs the targets are."""
        return self.sources[0].scale


class SegmentedData(Part):
    """Scenes and general pictures with their segmentation, relative to the data folder.

    Args:
        scenes: Folders of pictures whose segmentation is known.
        general: Folders of further pictures.
        mix: How often each kind is drawn, in proportion.
        prior: Where probabilities come from: a folder of maps, `hub:NAME`, or a `.keras` segmenter,
            which is not looked for in the data folder; none for background everywhere.
        general_images: Whether general pictures are segmented, too, or all background.
        exclude: Files to leave out, with their folder.
    """

    scenes: Annotated[list[str], pydantic.Field(min_length=1)]
    general: list[str] = []
    mix: tuple[pydantic.PositiveFloat, pydantic.PositiveFloat] = (10, 1)
    prior: str | None = None
    general_images: Literal["segment", "background"] = "segment"
    exclude: list[str] = []


def check_arguments(where: str, arguments: dict, function: Callable) -> None:
    """Raises where a function does not take arguments of these names; `where` they stand."""
    known = inspect.signature(function).parameters
    for name in arguments.keys() - known.keys():
        near = difflib.get_close_matches(name, known, 1)
        hint = f". Did you mean {near[0]!r}?" if near else f". Known: {list(known)}"
        raise ValueError(f"unknown key {name!r} in `{where}`{hint}")
