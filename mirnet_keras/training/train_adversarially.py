"""The second step of training: against a discriminator."""

import dataclasses
import pathlib

import keras

from mirnet_keras.data import SegmentedBatches, Stage
from mirnet_keras.models import DISCRIMINATORS, Discriminator
from mirnet_keras.presets import load
from mirnet_keras.recipes import AdversarialOptions, Recipe, RecipeError
from mirnet_keras.segmentation import FolderPrior, Prior, prior
from mirnet_keras.training.adversarial import AdversarialModel, adversarial_optimizer
from mirnet_keras.training.devices import distributed, this_host
from mirnet_keras.training.divergence import StopAtNonFinite
from mirnet_keras.training.fingerprint import fingerprint
from mirnet_keras.training.fitting import (
    build,
    check_fits,
    compiles_with_xla,
    finish,
    fit,
    precision,
    validation,
)
from mirnet_keras.training.recipe_loss import perceptual_loss
from mirnet_keras.training.run_folder import RunFolder
from mirnet_keras.weights import transfer_by_name


def first_step(recipe: Recipe) -> Recipe:
    """The recipe's first step as a recipe of its own: no attention, no discriminator."""
    arguments = dict(recipe.arguments)
    if recipe.network == "spsagan":
        arguments.pop("attention", None)
        arguments["spsa_after"] = []
    return recipe.model_copy(update={"arguments": arguments, "adversarial": None})


def check_second_step(recipe: Recipe, root: pathlib.Path, out) -> None:
    """Opens what the second step needs, before hours go into the first.

    Args:
        out: folder of the run, which is only looked at.

    Raises:
        RecipeError, ImageError, DataError, PriorError, PresetError: for what does not fit or lacks.
    """
    options, scale = _options(recipe), recipe.arguments.get("scale", 4)
    check_fits(build(recipe), options.stages, scale)
    _discriminator(options)
    if options.perceptual:
        perceptual_loss(options, root, recipe.precision)
    _batches(recipe, options, root, *priors(options, root, scale))
    RunFolder(out, recipe, writes=False)


def train_adversarially(
    recipe: Recipe,
    first: keras.Model,
    out,
    root: pathlib.Path,
    images,
    verbose,
    all_devices: bool = False,
) -> keras.Model:
    """Trains the recipe's second step; the same call goes on where an interrupted run stopped.

    Args:
        recipe: with `adversarial`.
        first: the model of the first step, whose weights are taken by name.
        out: folder of the run.
        root: folder against which the recipe's folders are read.
        images: to validate on, or None.
        verbose: as in Keras' `fit`.
        all_devices: as in `train`.

    Returns:
        The trained generator, float32.
    """
    options = _options(recipe)
    maps, background = priors(options, root, recipe.arguments.get("scale", 4))
    batches = _batches(recipe, options, root, maps, background)
    with precision(recipe.precision), distributed(all_devices) as scope:
        keras.utils.set_random_seed(recipe.seed)
        with scope():
            model = adversarial_model(recipe, first, root)
        pictures = fingerprint(batches.files)
        folder = RunFolder(out, recipe, writes=this_host()[0] == 0, pictures=pictures)
        segmented = model.generator.classes is not None
        # Maps in a folder are those of the training pictures.
        prior_of_validation = None if isinstance(maps, FolderPrior) or not segmented else maps
        watching = validation(recipe, folder, images, prior_of_validation)
        pairs = _Pairs(batches, segmented)
        watching.insert(0, StopAtNonFinite(pairs.batch, folder.path))
        fit(model, pairs, folder, recipe, options.steps, watching, verbose)
        finish(model, folder)
    return load(folder.last)


@dataclasses.dataclass(frozen=True)
class _Pairs:
    """Batches of inputs and targets, as `fit` takes them.

    Args:
        batches: with probabilities.
        segmented: whether the generator takes these, too.
    """

    batches: SegmentedBatches
    segmented: bool

    def batch(self, step: int):
        """Inputs and targets of a step."""
        low, maps, high = self.batches.batch(step)
        return ([low, maps] if self.segmented else low), high

    def dataset(self, start: int):
        """Endless batches from step `start` on."""
        return self.batches.dataset(start, self.segmented)


def adversarial_model(recipe: Recipe, first: keras.Model, root: pathlib.Path) -> AdversarialModel:
    """Generator with the first step's weights, discriminator and losses, compiled."""
    options = _options(recipe)
    generator = build(recipe)
    check_fits(generator, options.stages, recipe.arguments.get("scale", 4))
    transfer_by_name(first, generator)
    discriminator = _discriminator(options)
    weights = {name: getattr(options, name) for name in ("pixel", "perceptual", "adversarial")}
    perceptual = perceptual_loss(options, root, recipe.precision) if options.perceptual else None
    model = AdversarialModel(generator, discriminator, weights, perceptual, options.loss)
    optimizer = adversarial_optimizer(
        model,
        options.rate,
        options.attention_rate,
        options.discriminator_rate,
        options.decay_every,
        options.decay,
        options.betas,
        options.attention_epsilon,
    )
    model.compile(optimizer, jit_compile=compiles_with_xla())
    return model


def _discriminator(options: AdversarialOptions) -> Discriminator:
    """The recipe's discriminator, which takes its crops."""
    try:
        found = DISCRIMINATORS[options.discriminator](**options.discriminator_arguments)
    except TypeError as error:
        raise RecipeError(f"`discriminator_arguments` do not fit: {error}.") from error
    _check_crops(found, options)
    return found


def _check_crops(discriminator: Discriminator, options: AdversarialOptions) -> None:
    size, multiple = discriminator.image_size, discriminator.multiple
    for stage in options.stages:
        if size not in (None, stage.crop) or stage.crop % multiple:
            raise RecipeError(
                f"The discriminator {options.discriminator!r} does not take crops of {stage.crop} "
                f"pixels: `crop` must be {size or f'a multiple of {multiple}'}."
            )


def priors(options: AdversarialOptions, root: pathlib.Path, scale: int) -> tuple[Prior, Prior]:
    """The segmentation of scenes, and that of general pictures."""
    background = prior(None, scale)
    source = options.data.prior
    if source is None:
        return background, background
    if source.endswith(".keras"):
        scenes = prior(load(source), scale)
    else:
        scenes = prior(source if source.startswith("hub:") else root / source, scale)
    return scenes, scenes if options.data.general_images == "segment" else background


def _options(recipe: Recipe) -> AdversarialOptions:
    if recipe.adversarial is None:
        raise RecipeError(f"The recipe {recipe.name!r} has no second step, `adversarial`.")
    return recipe.adversarial


def _batches(recipe, options, root, scenes, general) -> SegmentedBatches:
    data = options.data
    sources, kinds, mix = [data.scenes], [scenes], [1.0]
    if data.general:
        sources, kinds, mix = [data.scenes, data.general], [scenes, general], list(data.mix)
    return SegmentedBatches(
        [[root / folder for folder in folders] for folders in sources],
        kinds,
        [Stage(**stage.model_dump()) for stage in options.stages],
        recipe.arguments.get("scale", 4),
        mix,
        data.exclude,
        recipe.seed,
        int(recipe.cache_gigabytes * 1e9),
    )
