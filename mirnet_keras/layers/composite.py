"""Layers made of layers, and what Keras lets people change in those inside."""

import functools
from collections.abc import Iterator
from typing import Any

import keras


class Composite(keras.layers.Layer):
    """A layer whose copies keep what was changed in the layers that its `build` makes.

    Keras keeps the configuration of a layer, not of those inside it: without this, a layer that
    was frozen or quantized in there would come back trainable or not load at all.
    """

    _changes: dict[str, dict] = {}

    def __new__(cls, *args, **kwargs):
        layer = super().__new__(cls, *args, **kwargs)
        build = layer.build

        @functools.wraps(build)
        def build_and_change(*args, **kwargs):
            build(*args, **kwargs)
            if not layer.trainable:
                for inner in layer._layers:
                    inner.trainable = False
            if layer._changes:
                change_inside(layer, layer._changes)

        layer.build = build_and_change
        return layer

    def get_config(self):
        changes = changes_inside(self) if self.built else self._changes
        return super().get_config() | ({"changes": changes} if changes else {})

    @classmethod
    def from_config(cls, config):
        changes = config.get("changes", {})
        layer = super().from_config({key: config[key] for key in config.keys() - {"changes"}})
        layer._changes = changes
        return layer


def layers_inside(layer: keras.layers.Layer) -> Iterator[tuple[str, keras.layers.Layer]]:
    """Yield the layers inside a layer or model, each after those around it, by name.

    The names are like `"group_0/block_1/first"`. They do not depend on where the layer stands.
    """
    for inner in layer._layers:
        yield inner.name, inner
        for name, innermost in layers_inside(inner):
            yield f"{inner.name}/{name}", innermost


def changes_inside(layer: keras.layers.Layer) -> dict[str, dict[str, Any]]:
    """Return what is frozen, quantized or adapted (LoRA) inside a layer or model, by name."""
    changes = {name: _changes_of(inner) for name, inner in layers_inside(layer)}
    return {name: found for name, found in changes.items() if found}


def change_inside(layer: keras.layers.Layer, changes: dict[str, dict[str, Any]]) -> None:
    """Do to a layer or model, freshly built, what `changes_inside` told of another."""
    for name, inner in layers_inside(layer):
        change = changes.get(name, {})
        if "quantized" in change and inner.quantization_mode is None:
            inner.quantize(config=keras.saving.deserialize_keras_object(change["quantized"]))
        if "adapted" in change and not inner.lora_enabled:
            inner.enable_lora(change["adapted"]["rank"], lora_alpha=change["adapted"]["alpha"])
    for name, inner in layers_inside(layer):
        frozen = changes.get(name, {}).get("frozen", False)
        if frozen or not inner.trainable:
            inner.trainable = not frozen


def _changes_of(layer) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if not layer.trainable:
        changes["frozen"] = True
    if getattr(layer, "quantization_mode", None):
        changes["quantized"] = keras.saving.serialize_keras_object(layer.quantization_config)
    if getattr(layer, "lora_enabled", False):
        changes["adapted"] = {"rank": layer.lora_rank, "alpha": layer.lora_alpha}
    return changes
