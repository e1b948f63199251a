"""A generator and a discriminator, trained against each other by `fit`."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from mirnet_keras.losses import ADVERSARIAL_LOSSES, AdversarialLoss

# ESRGAN's weights of the generator's losses (Wang et al., ECCVW 2018, section 4.1).
WEIGHTS = {"pixel": 1e-2, "perceptual": 1.0, "adversarial": 5e-3}


class AdversarialModel(keras.Model):
    """A generator that learns to deceive a discriminator, and a discriminator that learns, too.

    Compile it with one optimizer for both, such as `adversarial_optimizer` makes, and `fit` it on
    `(inputs, targets)`. In each step both see the same restored images and have the gradients at
    the same weights, as when ESRGAN's authors update one after the other.

    A step with a loss or gradient that is not finite changes no weight; its `loss` is NaN.

    Args:
        generator: model from inputs to restored images.
        discriminator: model from images to logits.
        weights: of the generator's losses `pixel` (mean absolute error), `perceptual` and
            `adversarial`. Default: ESRGAN's.
        perceptual: loss `(targets, restored)` such as `losses.PerceptualLoss`, or None.
        adversarial: key of `losses.ADVERSARIAL_LOSSES`, or an `AdversarialLoss`.

    Reports `loss` (of the generator, weighted), its parts, `discriminator` (its loss), and `real`
    and `fake`: the mean probability that each kind is real.
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        weights: dict[str, float] | None = None,
        perceptual: Callable | None = None,
        adversarial: str | AdversarialLoss = "relativistic",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.generator = generator
        self.discriminator = discriminator
        self.weights_of_losses = WEIGHTS | (weights or {})
        self.perceptual = perceptual
        if isinstance(adversarial, str):
            adversarial = ADVERSARIAL_LOSSES[adversarial]
        self.adversarial = adversarial
        parts = [*self.weights_of_losses] if perceptual else ["pixel", "adversarial"]
        self.means = [
            keras.metrics.Mean(name=name)
            for name in ("loss", *parts, "discriminator", "real", "fake")
        ]
        self.built = True

    def call(self, inputs, training=False):
        return self.generator(inputs, training=training)

    @property
    def metrics(self):
        """Keras' hook: what is reported."""
        return self.means

    @property
    def scale(self) -> int:
        """Linear enlargement by the generator."""
        return self.generator.scale

    def restore(self, images: Any, probabilities: Any = None) -> Any:
        """As the generator's `restore`."""
        return self.generator.restore(images, probabilities)

    def train_step(self, *arguments):
        """Keras' hook: `(data)` on TensorFlow, `(state, data)` on JAX."""
        if keras.backend.backend() == "jax":
            return self._jax_step(*arguments)
        return self._tensorflow_step(*arguments)

    def losses_of(self, targets: Any, restored: Any, real: Any, fake: Any) -> dict:
        """Every loss and report by its name; `loss` and `discriminator` are made small.

        Args:
            targets, restored: images.
            real, fake: the discriminator's logits of them.
        """
        error = ops.cast(targets, "float32") - ops.cast(restored, "float32")
        found = {
            "pixel": ops.mean(ops.abs(error)),
            "adversarial": self.adversarial.generator(real, fake),
        }
        if self.perceptual is not None:
            found["perceptual"] = self.perceptual(targets, restored)
        found["loss"] = sum(self.weights_of_losses[name] * loss for name, loss in found.items())
        found["discriminator"] = self.adversarial.discriminator(real, fake)
        for name, logits in (("real", real), ("fake", fake)):
            found[name] = ops.mean(ops.sigmoid(ops.cast(logits, "float32")))
        return found

    def _tensorflow_step(self, data):
        import tensorflow as tf

        inputs, targets, _ = keras.utils.unpack_x_y_sample_weight(data)
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        with tf.GradientTape(persistent=True) as tape:
            restored = self.generator(inputs, training=True)
            real = self.discriminator(targets, training=True)
            fake = self.discriminator(restored, training=True)
            found = self.losses_of(targets, restored, real, fake)
            # Keras adds up the replicas' gradients.
            own, other = (
                self.optimizer.scale_loss(found[name]) / replicas
                for name in ("loss", "discriminator")
            )
        gradients = tape.gradient(own, self.generator.trainable_variables)
        gradients += tape.gradient(other, self.discriminator.trainable_variables)
        gradients = self._checked(found, gradients)
        self.optimizer.apply(gradients, self.trainable_variables)
        self._report(found)
        return {mean.name: mean.result() for mean in self.means}

    def _jax_step(self, state, data):
        import jax

        trainable, fixed, optimizer_values, means = state
        inputs, targets, _ = keras.utils.unpack_x_y_sample_weight(data)
        split = len(self.generator.trainable_variables)
        split_fixed = len(self.generator.non_trainable_variables)
        scope = list(zip(self.optimizer.variables, optimizer_values, strict=True))

        def scaled(loss):
            with keras.StatelessScope(state_mapping=scope):
                return self.optimizer.scale_loss(loss)

        def judged(values, restored):
            see = self.discriminator.stateless_call
            real, values_fixed = see(values, fixed[split_fixed:], targets, training=True)
            fake, values_fixed = see(values, values_fixed, restored, training=True)
            return self.losses_of(targets, restored, real, fake), values_fixed

        def own(values):
            restored, values_fixed = self.generator.stateless_call(
                values, fixed[:split_fixed], inputs, training=True
            )
            found, others_fixed = judged(trainable[split:], restored)
            return scaled(found["loss"]), (found, restored, [*values_fixed, *others_fixed])

        def other(values, restored):
            return scaled(judged(values, restored)[0]["discriminator"])

        gradients, (found, restored, fixed_after) = jax.grad(own, has_aux=True)(trainable[:split])
        gradients += jax.grad(other)(trainable[split:], restored)
        gradients = self._checked(found, gradients)
        trainable, optimizer_values = self.optimizer.stateless_apply(
            optimizer_values, gradients, trainable
        )
        with keras.StatelessScope(
            state_mapping=zip(self.metrics_variables, means, strict=True)
        ) as reports:
            self._report(found)
            logs = {mean.name: mean.result() for mean in self.means}
        means = [reports.get_current_value(variable) for variable in self.metrics_variables]
        return logs, (trainable, fixed_after, optimizer_values, means)

    def _checked(self, found: dict, gradients: list) -> list:
        """The gradients, or zeros and a loss of NaN where something is not finite."""
        doubtful = [found["loss"], found["discriminator"]]
        if not isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer):
            doubtful += [ops.sum(ops.abs(gradient)) for gradient in gradients]
        finite = ops.all(ops.isfinite(ops.stack([ops.cast(x, "float32") for x in doubtful])))
        found["loss"] = ops.where(finite, found["loss"], float("nan"))
        return [ops.where(finite, gradient, ops.zeros_like(gradient)) for gradient in gradients]

    def _report(self, found: dict) -> None:
        for mean in self.means:
            mean.update_state(found[mean.name])


def adversarial_optimizer(
    model: AdversarialModel,
    rate: float = 1e-4,
    attention_rate: float = 5e-4,
    discriminator_rate: float = 1e-4,
    decay_every: int = 100_000,
    decay: float = 0.5,
    betas: tuple[float, float] = (0.9, 0.99),
    attention_epsilon: float = 1e-10,
) -> keras.optimizers.Optimizer:
    """Adam for the generator, for its attention and condition network, and the discriminator.

    Rates: SPSAGAN (Zhang et al., 2020); betas: ESRGAN's authors' code. The attention's epsilon is
    small because its gradients begin small (this package's decision).

    Args:
        model: whose variables are told apart.
        rate: of the generator without its attention.
        attention_rate: of the attention and the condition network.
        discriminator_rate: of the discriminator.
        decay_every: steps after which all rates are multiplied by `decay`.
        decay: factor.
        betas: Adam's two momenta, of all.
        attention_epsilon: Adam's epsilon for the attention; 1e-8 for all else.

    Returns:
        One optimizer for all variables of `model`.
    """

    def adam(initial: float, epsilon: float = 1e-8):
        schedule = keras.optimizers.schedules.ExponentialDecay(
            initial, decay_every, decay, staircase=True
        )
        return keras.optimizers.Adam(schedule, *betas, epsilon=epsilon)

    backbone, attention = adam(rate), adam(attention_rate, attention_epsilon)
    discriminator = adam(discriminator_rate)
    owners = {id(v): discriminator for v in model.discriminator.trainable_variables}
    for layer in model.generator.layers:
        owner = attention if is_attention(layer) else backbone
        owners |= {id(variable): owner for variable in layer.trainable_variables}
    optimizer = keras.optimizers.MultiOptimizer(lambda variable: owners[id(variable)])
    optimizer.build(model.trainable_variables)  # else the first step is traced twice
    return optimizer


def is_attention(layer: keras.layers.Layer) -> bool:
    """Whether a layer of SPSAGAN's generator is an attention or the condition network."""
    return layer.name.startswith("attention_") or layer.name == "condition"
