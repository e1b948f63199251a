"""The second step of training: against a discriminator."""

import pathlib

import keras

from mirnet_keras import features
from mirnet_keras.data import SegmentedBatches, Stage
from mirnet_keras.files import write_whole
from mirnet_keras.losses import PerceptualLoss
from mirnet_keras.models import DISCRIMINATORS
from mirnet_keras.presets import load
from mirnet_keras.recipes import AdversarialOptions, Recipe, RecipeError
from mirnet_keras.segmentation import FolderPrior, Prior, prior
from mirnet_keras.training.adversarial import AdversarialModel, adversarial_optimizer
from mirnet_keras.training.callbacks import Validate
from mirnet_keras.training.divergence import StopAtNonFinite
from mirnet_keras.training.fitting import build, compiles_with_xla, fit, precision
from mirnet_keras.training.run_folder import RunFolder
from mirnet_keras.weights import transfer_by_name

FEATURES = {"vgg16": features.vgg16_features, "vgg19": features.vgg19_features}


def first_step(recipe: Recipe) -> Recipe:
    """The recipe's first step as a recipe of its own: no attention, no discriminator."""
    arguments = recipe.arguments
    if recipe.network == "spsagan":
        arguments = arguments | {"spsa_after": []}
    return recipe.model_copy(update={"arguments": arguments, "adversarial": None})


def train_adversarially(
    recipe: Recipe, first: keras.Model, out, root: pathlib.Path, images, verbose
) -> keras.Model:
    """Trains the recipe's second step; the same call goes on where an interrupted run stopped.

    Args:
        recipe: with `adversarial`.
        first: the model of the first step, whose weights are taken by name.
        out: folder of the run.
        root: folder against which the recipe's folders are read.
        images: to validate on, or None.
        verbose: as in Keras' `fit`.

    Returns:
        The trained generator, float32.
    """
    options = _options(recipe)
    maps, background = priors(options, root, recipe.arguments.get("scale", 4))
    batches = _batches(recipe, options, root, maps, background)
    with precision(recipe.precision):
        keras.utils.set_random_seed(recipe.seed)
        model = adversarial_model(recipe, first, root)
        folder = RunFolder(out, recipe)
        segmented = model.generator.classes is not None
        callbacks: list = [StopAtNonFinite(batches.batch)]
        if images is not None:
            every = recipe.validate_every // recipe.report_every
            # Maps in a folder are those of the training pictures.
            prior_of_validation = None if isinstance(maps, FolderPrior) or not segmented else maps
            callbacks.append(Validate(images, recipe.protocol, every, folder, prior_of_validation))
        fit(
            model,
            lambda start: batches.dataset(start, segmented),
            folder,
            options.steps,
            recipe.report_every,
            callbacks,
            verbose,
        )
        if not folder.last.exists():
            write_whole(folder.last, model.generator.save)
    return load(folder.last)


def adversarial_model(recipe: Recipe, first: keras.Model, root: pathlib.Path) -> AdversarialModel:
    """Generator with the first step's weights, discriminator and losses, compiled."""
    options = _options(recipe)
    generator = build(recipe)
    transfer_by_name(first, generator)
    discriminator = DISCRIMINATORS[options.discriminator](**options.discriminator_arguments)
    weights = {name: getattr(options, name) for name in ("pixel", "perceptual", "adversarial")}
    perceptual = _perceptual(recipe, root) if options.perceptual else None
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


def _perceptual(recipe: Recipe, root: pathlib.Path) -> PerceptualLoss:
    options = _options(recipe)
    path = options.feature_weights and root / options.feature_weights
    layers = {"layers": options.feature_layers} if options.feature_layers else {}
    return PerceptualLoss(FEATURES[options.features](path, dtype=recipe.precision, **layers))
