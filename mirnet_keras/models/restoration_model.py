"""The Keras model that all networks of this package are."""

import importlib

import keras
import numpy as np

# Registers the losses and metrics that compiled models name.
import mirnet_keras.losses
import mirnet_keras.metrics  # noqa: F401
from mirnet_keras.image_array import image_array
from mirnet_keras.images import pad_to_multiple, to_float


@keras.saving.register_keras_serializable("mirnet_keras")
class NetworkFacts(keras.layers.Layer):
    """Pass images through, and say which network they come from.

    The last layer of each network: where Keras rebuilds a model layer by layer, as `clone_model`
    does, the copy learns from it what it is.

    Args:
        facts: dict. The keyword arguments of `RestorationModel`.

    Input shape: any.
    Output shape: same as the input.
    """

    def __init__(self, facts: dict, **kwargs):
        super().__init__(**kwargs)
        self.facts = facts

    def call(self, inputs):
        return inputs

    def get_config(self):
        return super().get_config() | {"facts": self.facts}


@keras.saving.register_keras_serializable("mirnet_keras")
class RestorationModel(keras.Model):
    """A functional Keras model that knows which network it is.

    Its configuration is the network's name and arguments: loading calls the builder again, so a
    `.keras` file needs nothing beside it, and the precision is that of the policy at loading. What
    Keras changes in layers is kept beside them: which are frozen, quantized, or adapted (LoRA).

    Args:
        inputs, outputs: Keras tensors, `(batch, height, width, channels)` float 0..1.
        name: str. Name of the model.
        network: str. Key of `mirnet_keras.models.MODELS` or `SEGMENTATION_MODELS`.
        arguments: dict. The builder's arguments.
        scale: int. Linear enlargement of the output against the input.
        multiple: int. The height and width of the input are multiples of it.
        smallest: int. The least height and width of the input, a multiple of `multiple`.

    Attributes:
        unused_entries: what an authors' checkpoint held that the network never uses, by its name;
            not saved.
    """

    # The positional arguments are those of a functional model, so that `clone_model` calls it.
    def __init__(self, inputs, outputs, name=None, **facts):
        if facts:
            layer = NetworkFacts(facts, name="network", dtype=outputs.dtype)
            outputs = layer(outputs)
        else:
            layer = outputs._keras_history.operation
        super().__init__(inputs, outputs, name=name)
        known = {"scale": 1, "multiple": 1, "smallest": 1} | layer.facts
        self.network: str = known["network"]
        self.arguments: dict = known["arguments"]
        self.scale: int = known["scale"]
        self.multiple: int = known["multiple"]
        self.smallest: int = known["smallest"]
        self.unused_entries: dict[str, np.ndarray] = {}

    def get_config(self):
        # Only layers without weights have no path.
        layers = [layer for layer in self._flatten_layers(include_self=False) if layer.path]
        modes = {layer.path: getattr(layer, "quantization_mode", None) for layer in layers}
        return {
            "network": self.network,
            "arguments": dict(self.arguments),
            "name": self.name,
            "trainable": self.trainable,
            "frozen": [layer.path for layer in layers if not layer.trainable],
            "quantized": {path: mode for path, mode in modes.items() if mode},
            "adapted": {
                layer.path: (layer.lora_rank, layer.lora_alpha)
                for layer in layers
                if getattr(layer, "lora_enabled", False)
            },
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        package = importlib.import_module("mirnet_keras.models")
        builders = package.MODELS | package.SEGMENTATION_MODELS
        model = builders[config["network"]](**config["arguments"], name=config["name"])
        layers = model._flatten_layers(include_self=False)
        for layer in layers:
            if mode := config.get("quantized", {}).get(layer.path):
                layer.quantize(mode)
            if adapter := config.get("adapted", {}).get(layer.path):
                rank, alpha = adapter
                layer.enable_lora(rank, lora_alpha=alpha)
        model.trainable = config.get("trainable", True)
        if model.trainable and config.get("frozen"):
            for layer in layers:  # those around a layer come before it
                layer.trainable = layer.path not in config["frozen"]
        return model

    @property
    def classes(self) -> int | None:
        """Classes of the segmentation that the network takes beside the image; None: it does not.

        The first is the background.
        """
        return self.inputs[1].shape[-1] if len(self.inputs) > 1 else None

    def restore(self, images: np.ndarray, probabilities: np.ndarray | None = None) -> np.ndarray:
        """Restore whole images of any size, clipped to 0..1.

        Args:
            images: (height, width, channels) or (batch, height, width, channels); uint8, uint16,
                or float in 0..1.
            probabilities: Where the network takes a segmentation: that of the images, `scale`
                times larger. None: all background.

        Returns:
            The restored images, `scale` times larger, float32.

        Raises:
            ImageError: for what is no image or batch of images.
        """
        images = to_float(image_array(images, batches=True, channels=self.inputs[0].shape[-1]))
        batch = images[None] if images.ndim == 3 else images
        maps = probabilities
        if maps is not None and maps.ndim == 3:
            maps = maps[None]
        height, width = (self.scale * size for size in batch.shape[1:3])
        padded = pad_to_multiple(batch, self.multiple, self.smallest)
        restored = self.predict_on_batch(self.with_segmentation(padded, maps))
        restored = np.clip(restored[:, :height, :width], 0, 1)
        return restored[0] if images.ndim == 3 else restored

    def with_segmentation(self, images: np.ndarray, probabilities: np.ndarray | None = None):
        """What the network takes for a batch: the images, and their segmentation if it wants one.

        Args:
            images: of a size that the network takes.
            probabilities: their segmentation, padded here to their size; None: all background.
        """
        if self.classes is None:
            return images
        if probabilities is None:
            batch, *sides, _ = images.shape
            probabilities = np.zeros((batch, *(self.scale * s for s in sides), self.classes), "f4")
            probabilities[..., 0] = 1
        factors = (self.scale * self.multiple, self.scale * self.smallest)
        return [images, pad_to_multiple(probabilities, *factors)]
