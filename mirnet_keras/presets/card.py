"""The card of a preset, for people."""

from collections.abc import Iterator

from mirnet_keras.global_networks import GLOBAL_NETWORKS
from mirnet_keras.presets.description import DESCRIPTION, MODEL, PICTURE, Preset

_USE = {
    "low-light enhancement": ("dark.jpg", "bright.png", "Brightens photographs taken in the dark."),
    "denoising": ("noisy.jpg", "clean.png", "Removes noise from photographs."),
    "super-resolution": ("small.jpg", "large.png", "Enlarges pictures {scale} times."),
}
_FILES = {
    MODEL: "the model with its weights, for Keras",
    PICTURE: "the picture above",
    "export.json": "how far each exported file is from the model",
}


def card(preset: Preset) -> str:
    """Returns the card for people, Markdown, made of nothing but the description."""
    source, target, purpose = _USE[preset.task]
    arguments = ", ".join(f"{key}={value!r}" for key, value in preset.arguments.items())
    picture = f"\n![Before and after]({PICTURE})\n" if PICTURE in preset.files else ""
    scores = "\n".join(
        f"| {score.data} | {score.protocol} | {score.psnr:.2f} | {score.ssim:.4f} |"
        for score in preset.scores
    )
    files = "\n".join(f"| `{name}` | {text} |" for name, text in _file_table(preset))
    return f"""# {preset.name}

{purpose.format(scale=preset.scale)} Network `{preset.network}`, {preset.parameters:,} parameters
({arguments}).
{picture}
## Use

```python
import mirnet_keras as mk

restorer = mk.Restorer("{preset.name}")
restorer.restore_file("{source}", "{target}")
```

`mk.load("{preset.name}")` gives the Keras model, RGB float in {preset.value_range[0]:g} to \
{preset.value_range[1]:g}; its `restore(picture)` pads any size to what the network needs.

## Scores

| data | protocol | PSNR (dB) | SSIM |
| --- | --- | --- | --- |
{scores}

Scores compare only within one protocol; `mirnet_keras.metrics.PROTOCOLS` says what each does.
{_large_pictures(preset)}
## Training

Recipe `{preset.recipe}`, {preset.steps:,} steps, on {preset.trained_on}.

Licence of the training data: {preset.data_licence}. Licence of the weights: {preset.licence}.

## Files

| file | what |
| --- | --- |
| `{DESCRIPTION}` | all that is known of the model, and the checksums of the files |
{files}

Written by mirnet_keras {preset.version} from `{DESCRIPTION}`; changes by hand get lost.
"""


def _large_pictures(preset: Preset) -> str:
    """What tiles cost and how far they are from the whole, where that was measured."""
    tiling = preset.tiling
    if tiling is None:
        return ""
    largest = (
        f" Beyond {tiling.largest_tile} x {tiling.largest_tile} pixels, tiles are faster than the "
        "whole."
        if tiling.largest_tile
        else ""
    )
    difference = "is the same as whole"
    if tiling.psnr is not None:
        difference = (
            f"comes within {tiling.psnr:.1f} dB (PSNR) of the whole; the largest difference is "
            f"{255 * tiling.largest_difference:.2g} of 255"
        )
    in_litert = ""
    if tiling.litert_psnr is not None:
        in_litert = (
            f"\nThe LiteRT file does each tile by itself: there it is {tiling.litert_psnr:.1f} dB. "
            "Let it have the whole."
        )
    most = 3 if preset.network in GLOBAL_NETWORKS else 1.25
    litert = f", {tiling.litert_bytes:,} in LiteRT" if tiling.litert_bytes else ""
    return f"""
## Large pictures

`Restorer` works on a picture whole while that takes no more than {most} GiB beside the result (or
your `memory_budget`), else in tiles. It needs about
{tiling.keras_bytes:,} bytes of working memory for each pixel in Keras{litert}.{largest}
In tiles of {tiling.tile} pixels (Keras), {tiling.picture} {difference}.{in_litert}
"""


def _litert(preset: Preset) -> str:
    if preset.network == "spsagan":
        return "for LiteRT, with `probabilities` as its second input; not for `Restorer`"
    return "for LiteRT: phones, browsers, small computers; any picture size"


def _file_table(preset: Preset) -> Iterator[tuple[str, str]]:
    for name in preset.files:
        if name in _FILES:
            yield name, _FILES[name]
        elif name.endswith(".tflite"):
            yield name, _litert(preset)
        elif name.endswith("/saved_model.pb"):
            yield f"{name.split('/')[0]}/", "for TensorFlow and TensorFlow Serving"
