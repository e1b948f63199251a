"""The Keras model that knows which network it is."""

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import numpy as np
from keras.src.utils.module_utils import tensorflow

from mirnet_keras.layers.composite import change_inside, changes_inside

# Of a layer's configuration: what the policy at loading decides, and what `changes_inside` keeps.
KEPT_ELSEWHERE = {
    "changes",
    "dtype",
    "lora_alpha",
    "lora_rank",
    "quantization_config",
    "trainable",
}


@keras.saving.register_keras_serializable("mirnet_keras")
class NetworkFacts(keras.layers.Layer):
    """Pass images through, and say which network they come from.

    The last layer of each network: where Keras rebuilds a model layer by layer, as `clone_model`
    does, the copy learns from it what it is.

    Args:
        facts: dict. The keyword arguments of the model's class.

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


class NetworkModel(keras.Model):
    """A functional Keras model that knows which network it is.

    Its configuration is the network's name and arguments: loading calls the builder again, so a
    `.keras` file needs nothing beside it, and the precision is that of the policy at loading. What
    Keras changes in layers is kept beside them: which are frozen, quantized, or adapted (LoRA).
    A model with other layers than the builder makes, such as a clone of fixed size or of other
    precisions, is kept layer by layer, as Keras keeps functional models.

    Args:
        inputs, outputs: Keras tensors or lists of them.
        name: str. Name of the model.
        trainable: bool. False freezes it.
        facts: `network` and `arguments` of the builder, and what a subclass asks for. None where
            `outputs` are those of another network of this class, which has them.

    Raises:
        ValueError: when there are neither facts nor such a network.

    Attributes:
        network: str. The name of the builder.
        arguments: dict. The builder's arguments.
        unused_entries: what an authors' checkpoint held that the network never uses, by its name;
            not saved.
    """

    # The positional arguments are those of a functional model, so that `clone_model` calls it.
    def __init__(self, inputs, outputs, name=None, *, trainable=None, **facts):
        first, *others = keras.tree.flatten(outputs)
        built_here = bool(facts)
        if built_here:
            first = NetworkFacts(facts, name="network", dtype=first.dtype)(first)
            outputs = [first, *others] if others else first
        super().__init__(inputs, outputs, name=name, trainable=trainable)
        layer = first._keras_history.operation
        if not isinstance(layer, NetworkFacts):
            raise ValueError(
                f"The output of a {type(self).__name__} must be that of a whole network of "
                f"mirnet_keras. Received the output of the layer {layer.name!r}. Make a "
                "keras.Model of it instead."
            )
        if built_here:
            layer.facts["layers"] = self._fingerprint()
        self.facts: dict[str, Any] = layer.facts
        self.network: str = self.facts["network"]
        self.arguments: dict[str, Any] = dict(self.facts["arguments"])
        self.unused_entries: dict[str, np.ndarray] = {}

    @classmethod
    def builders(cls) -> Mapping[str, Callable[..., keras.Model]]:
        """Return the functions that build networks of this class, by name."""
        raise NotImplementedError

    def save(
        self,
        filepath: str | os.PathLike,
        overwrite: bool = True,
        zipped: bool = True,
        **kwargs: Any,
    ) -> None:
        """Write the model to a `.keras` file, as `keras.Model.save` does.

        Raises:
            ValueError: for the legacy HDF5 format, in which Keras does not find our classes again.
        """
        if str(filepath).endswith((".h5", ".hdf5")):
            raise ValueError(
                "Keras cannot load networks of mirnet_keras from legacy HDF5 files. Received "
                f"{str(filepath)!r}. Save the model as a .keras file, or its weights with "
                "`save_weights` as a .weights.h5 file."
            )
        super().save(filepath, overwrite=overwrite, zipped=zipped, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """Return the network's name, arguments and changes, or its layers where they are others."""
        if self._fingerprint() != self.facts["layers"]:
            return super().get_config()
        return {
            "network": self.network,
            "arguments": dict(self.arguments),
            "name": self.name,
            "trainable": self.trainable,
            "changes": changes_inside(self),
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Build the model that gave the configuration, with new weights."""
        if "network" not in config:
            return super().from_config(dict(config), custom_objects)
        model = cls.builders()[config["network"]](**config["arguments"], name=config["name"])
        model.trainable = config.get("trainable", True)
        if "changes" in config:  # absent from files of version 0.1.0
            change_inside(model, config["changes"])
        return model

    def _fingerprint(self) -> str:
        """Return a hash of all that Keras would keep of the layers and `get_config` would not."""
        with _tensorflow_not_imported():
            layers = [(type(x).__name__, _policy(x), _kept(x.get_config())) for x in self.layers]
        written = json.dumps(layers, sort_keys=True, default=str)
        return hashlib.sha256(written.encode()).hexdigest()[:16]


@contextlib.contextmanager
def _tensorflow_not_imported() -> Iterator[None]:
    """Keep Keras from importing TensorFlow on another backend just to look at a configuration."""
    known = tensorflow.available if "tensorflow" in sys.modules else tensorflow._available
    if known is not None:
        yield
        return
    tensorflow._available = False
    try:
        yield
    finally:
        tensorflow._available = None


def _kept(config: dict) -> dict:
    return {
        key: _plain(value)
        for key, value in config.items()
        if key not in KEPT_ELSEWHERE and key != "facts"
    }


def _plain(value):
    """Return a configuration without the numbers that Keras gives objects while it saves."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items() if k != "shared_object_id"}
    return [_plain(v) for v in value] if isinstance(value, (list, tuple)) else value


def _policy(layer: keras.layers.Layer) -> str:
    """Return the name of the layer's precision, as it was before quantization."""
    return layer.dtype_policy.name.rpartition("_from_")[2]
