"""The typed recipe."""

import difflib
import importlib.resources
import os
import pathlib
from typing import Annotated, Any, Literal

import pydantic
import yaml

from mirnet_keras.models import MODELS
from mirnet_keras.recipes.data import (
    DegradedData,
    MixedData,
    PairedData,
    Part,
    SegmentedData,
    SuperResolutionData,
    check_arguments,
)
from mirnet_keras.recipes.expected import CurvePoint, Expected


class RecipeError(ValueError):
    """What is wrong with a recipe, in one sentence."""


_Momentum = Annotated[float, pydantic.Field(ge=0, lt=1)]


class StageOptions(Part):
    """A stretch of training: how many steps, with which crop and batch.

    `shrink`: crops are cut that much larger and reduced, so that whole scenes are seen cheaply.
    """

    steps: pydantic.PositiveInt
    crop: pydantic.PositiveInt
    batch: pydantic.PositiveInt
    shrink: pydantic.PositiveInt = 1


class FeatureOptions(Part):
    """Feature maps that a perceptual loss compares.

    Args:
        features: The network.
        feature_weights: Its file, relative to the data folder; none for a download.
        feature_layers: Layers that are compared, all with weight 1; none for the last one.
    """

    features: Literal["vgg16", "vgg19"] = "vgg19"
    feature_weights: str | None = None
    feature_layers: list[str] | None = None


class PerceptualOptions(FeatureOptions):
    """A perceptual loss beside the loss of the pixels.

    Args:
        weight: Factor of the perceptual loss.
    """

    weight: pydantic.PositiveFloat = 0.1


class AdversarialOptions(FeatureOptions):
    """The second step of training: against a discriminator, from the first step's weights.

    Args:
        data: What to train on.
        stages: Crop and batch, one after the other.
        discriminator: Key of `mirnet_keras.models.DISCRIMINATORS`.
        discriminator_arguments: Its arguments.
        loss: Key of `mirnet_keras.losses.ADVERSARIAL_LOSSES`.
        pixel, perceptual, adversarial: Weights of the generator's losses.
        rate, attention_rate, discriminator_rate: Learning rates: of the generator, of its
            attention and condition network, and of the discriminator.
        decay_every, decay: All rates are multiplied by `decay` after so many steps.
        betas: Adam's two momenta.
        attention_epsilon: Adam's epsilon of the attention.
    """

    data: SegmentedData
    stages: Annotated[list[StageOptions], pydantic.Field(min_length=1)]
    discriminator: Literal["vgg96", "vgg128", "unet"] = "vgg96"
    discriminator_arguments: dict[str, Any] = {}
    loss: Literal["relativistic", "vanilla", "hinge"] = "relativistic"
    pixel: pydantic.NonNegativeFloat = 1e-2
    perceptual: pydantic.NonNegativeFloat = 1.0
    adversarial: pydantic.NonNegativeFloat = 5e-3
    rate: pydantic.PositiveFloat = 1e-4
    attention_rate: pydantic.PositiveFloat = 5e-4
    discriminator_rate: pydantic.PositiveFloat = 1e-4
    decay_every: pydantic.PositiveInt = 100_000
    decay: Annotated[float, pydantic.Field(gt=0, lt=1)] = 0.5
    betas: tuple[_Momentum, _Momentum] = (0.9, 0.99)
    attention_epsilon: pydantic.PositiveFloat = 1e-10

    @property
    def steps(self) -> int:
        """Training steps in all stages."""
        return sum(stage.steps for stage in self.stages)


class Recipe(Part):
    """All that a training run needs.

    Args:
        name: The recipe's name, and that of the trained model.
        network: Key of `mirnet_keras.models.MODELS`.
        arguments: The network's arguments.
        data: What to train on.
        stages: Crop and batch, one after the other.
        loss: Key of `mirnet_keras.losses.LOSSES`.
        perceptual: A perceptual loss to add; none for pixels alone.
        rate, final_rate: Learning rate at the start and at the end.
        schedule: `cosine` from `rate` to `final_rate`, or `step`: times `decay` after every
            `decay_every` steps.
        warm_up: Steps in which the rate rises to `rate`, from that divided by their number.
        decay_every, decay: Of the `step` schedule.
        betas: Adam's two momenta.
        clip_norm: Gradients are scaled down to this norm, each step; None leaves them.
        ema: Momentum of the averaged weights, which are validated and shipped; 0 takes the last.
        mixup: Fraction of steps with MixUp.
        precision: Keras dtype policy.
        seed: Of weights, order, crops and augmentation.
        start_from: `.keras` file, preset or folder of a run (its `best.keras`, else `last.keras`,
            else its checkpoint) whose weights are taken where name and shape fit.
        frozen: Names of layers that are not trained.
        accumulate: Batches whose gradients make one step of the optimizer, for batches that the
            memory does not hold; rate, `warm_up` and `decay_every` go on counting batches.
        rematerialise: Whether layers compute their outputs again for the gradients instead of
            keeping them: less memory, more time. On the JAX backend.
        steps_per_execution: Steps that run without coming back to Python.
        report_every: Steps between log lines and checkpoints.
        validate_every: Steps between validations, a multiple of `report_every`.
        protocol: Of the validation score.
        cache_gigabytes: Budget for decoded pictures.
        adversarial: A second step of training; none for a recipe of one step.
        expected: What a run reached, with which others are compared; none where that is not known.
    """

    name: str
    network: Literal["awsrn", "han", "mirnet", "mirnet_v2", "rcan", "rrdbnet", "san", "spsagan"]
    arguments: dict[str, Any] = {}
    data: Annotated[
        PairedData | SuperResolutionData | DegradedData | MixedData,
        pydantic.Field(discriminator="kind"),
    ]
    stages: Annotated[list[StageOptions], pydantic.Field(min_length=1)]
    loss: Literal["charbonnier", "enhancement", "l1", "mse"] = "charbonnier"
    perceptual: PerceptualOptions | None = None
    rate: pydantic.PositiveFloat = 1e-3
    final_rate: pydantic.NonNegativeFloat = 1e-6
    schedule: Literal["cosine", "step"] = "cosine"
    warm_up: pydantic.NonNegativeInt = 0
    decay_every: pydantic.PositiveInt | None = None
    decay: Annotated[float, pydantic.Field(gt=0, lt=1)] = 0.5
    betas: tuple[_Momentum, _Momentum] = (0.9, 0.999)
    clip_norm: pydantic.PositiveFloat | None = None
    ema: Annotated[float, pydantic.Field(ge=0, lt=1)] = 0.999
    mixup: Annotated[float, pydantic.Field(ge=0, le=1)] = 0.0
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "mixed_bfloat16"
    seed: Annotated[int, pydantic.Field(ge=0, lt=2**32)] = 0
    start_from: str | None = None
    frozen: list[str] = []
    accumulate: pydantic.PositiveInt = 1
    rematerialise: bool = False
    steps_per_execution: pydantic.PositiveInt = 1
    report_every: pydantic.PositiveInt = 250
    validate_every: pydantic.PositiveInt = 2000
    protocol: Literal["classical-y", "rgb", "lol", "lol-gtmean"] = "rgb"
    cache_gigabytes: pydantic.PositiveFloat = 1.0
    adversarial: AdversarialOptions | None = None
    expected: Expected | None = None

    @property
    def steps(self) -> int:
        """Training steps in all stages."""
        return sum(stage.steps for stage in self.stages)

    @pydantic.model_validator(mode="after")
    def _steps_fit(self):
        if self.steps % self.report_every or self.validate_every % self.report_every:
            raise ValueError(
                f"`report_every` ({self.report_every}) must divide `validate_every` "
                f"({self.validate_every}) and the steps of all stages together ({self.steps})"
            )
        return self

    @pydantic.model_validator(mode="after")
    def _several_steps_fit(self):
        for name in ("accumulate", "steps_per_execution"):
            if self.report_every % getattr(self, name):
                raise ValueError(f"`{name}` must divide `report_every` ({self.report_every})")
        if self.adversarial is not None and (self.accumulate > 1 or self.rematerialise):
            raise ValueError("`accumulate` and `rematerialise` do not go with `adversarial`")
        return self

    @pydantic.model_validator(mode="after")
    def _second_step_fits(self):
        if self.adversarial is None:
            return self
        if self.network not in ("rrdbnet", "spsagan"):
            raise ValueError(f"`adversarial` is for rrdbnet and spsagan, not {self.network}")
        if self.adversarial.steps % self.report_every:
            raise ValueError(
                f"`report_every` ({self.report_every}) must divide the {self.adversarial.steps} "
                "steps of `adversarial`"
            )
        return self

    @pydantic.model_validator(mode="after")
    def _schedule_fits(self):
        if self.warm_up >= self.steps:
            raise ValueError(f"`warm_up` must be less than the {self.steps} steps of all stages")
        if self.schedule == "step" and (self.warm_up or not self.decay_every):
            raise ValueError("the schedule `step` needs `decay_every`, and has no `warm_up`")
        return self

    @pydantic.model_validator(mode="after")
    def _arguments_fit(self):
        check_arguments("arguments", self.arguments, MODELS[self.network])
        if isinstance(self.data, SuperResolutionData) and "scale" not in self.arguments:
            raise ValueError("`arguments` must give the `scale` to learn")
        return self


def list_recipes() -> list[str]:
    """Names of the recipes that come with the package."""
    files = importlib.resources.files("mirnet_keras.recipes").iterdir()
    return sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml"))


def load_recipe(source: str | os.PathLike | Recipe) -> Recipe:
    """A recipe from a `Recipe`, a YAML file, or the name of a shipped one.

    Raises:
        RecipeError: naming an unknown recipe, an unknown key (with the nearest valid one) or a
            value that does not fit.
    """
    if isinstance(source, Recipe):
        return source
    text = _read(source)
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RecipeError(f"{source} is not readable YAML: {error}") from None
    if not isinstance(values, dict):
        raise RecipeError(f"{source} must hold keys and values, as the shipped recipes do.")
    values.setdefault("name", pathlib.Path(source).stem)
    try:
        return Recipe.model_validate(values)
    except pydantic.ValidationError as error:
        raise RecipeError(f"{source}: {_sentence(error)}") from None


def _read(source) -> str:
    path = pathlib.Path(source)
    if path.suffix in (".yaml", ".yml"):
        if not path.is_file():
            raise RecipeError(f"There is no recipe file {path}.")
        try:
            return path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise RecipeError(f"{path} is no text. Give a YAML file.") from None
    names = list_recipes()
    if str(source) not in names:
        near = difflib.get_close_matches(str(source), names, 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise RecipeError(f"There is no recipe {str(source)!r}. Shipped: {names}.{hint}")
    return (importlib.resources.files("mirnet_keras.recipes") / f"{source}.yaml").read_text()


def _sentence(error: pydantic.ValidationError) -> str:
    """The first problem, in words: unknown keys before others, with the nearest valid one."""
    problems = error.errors()
    problem = next((p for p in problems if p["type"] == "extra_forbidden"), problems[0])
    place = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        known = _known_keys(problem["loc"])
        near = difflib.get_close_matches(str(problem["loc"][-1]), known, 1)
        hint = f" Did you mean {near[0]!r}?" if near else f" Known keys: {known}."
        return f"unknown key {place!r}.{hint}"
    if problem["type"] == "missing":
        return f"the key {place!r} is missing."
    return f"{place or 'recipe'}: {problem['msg']}. Received: {problem['input']!r}."


def _known_keys(place) -> list[str]:
    parts: dict[str, type[pydantic.BaseModel]] = {
        "stages": StageOptions,
        "paired": PairedData,
        "super_resolution": SuperResolutionData,
        "degraded": DegradedData,
        "mixed": MixedData,
        "adversarial": AdversarialOptions,
        "perceptual": PerceptualOptions,
        "curve": CurvePoint,
        "expected": Expected,
    }
    for step in reversed(place[:-1]):
        if step == "data" and "adversarial" in place:
            return list(SegmentedData.model_fields)
        if step in parts:
            return list(parts[step].model_fields)
    return list(Recipe.model_fields)
