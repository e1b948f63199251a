"""What the attention units of a model do on a picture."""

import contextlib
from collections.abc import Iterator

import numpy as np

from mirnet_keras.image_array import image_array
from mirnet_keras.images import pad_to_multiple, to_float
from mirnet_keras.layers.attention_unit import AttentionUnit
from mirnet_keras.models import RestorationModel

PICTURES, COLUMNS = 12, 4  # spatial maps that a figure shows, and how many stand side by side


def attention_maps(model: RestorationModel, image: np.ndarray) -> dict[str, np.ndarray]:
    """Every attention unit's map on one picture.

    Channel gates are `(channels,)`, spatial maps `(height, width, 1)` or `(height, width,
    channels)`, layer attention `(layers, layers)`, stream weights `(streams, channels)`, branch
    weights `(branches,)`, the pairs of SPSAGAN `(3, queries, keys)`. A segmentation, where the
    model takes one, is all background.

    Args:
        model: A model of this package. It is run once and stays as it is.
        image: (height, width, channels), uint8, uint16 or float in 0..1.

    Returns:
        The maps by the layer's path in the model, in the order in which they were computed. A unit
        that is called again has `@2`, `@3`, ... behind its path. Empty where there are no units.
    """
    found: dict[str, np.ndarray] = {}
    with _recording(model, found):
        array = to_float(image_array(image, channels=model.inputs[0].shape[-1]))
        images = pad_to_multiple(array[None], model.multiple, model.smallest)
        model(model.with_segmentation(images))
    return found


@contextlib.contextmanager
def _recording(model, found: dict[str, np.ndarray]) -> Iterator[None]:
    """Lets the units of a model write their maps into `found`."""
    units = [layer for layer in model._flatten_layers() if isinstance(layer, AttentionUnit)]
    for unit in units:
        unit.call = _recorder(unit, found)
    try:
        yield
    finally:
        for unit in units:
            del unit.call


def _recorder(unit, found: dict[str, np.ndarray]):
    call = unit.call

    def recorded(inputs, return_attention=False, **options):
        outputs, attention = call(inputs, return_attention=True, **options)
        if not isinstance(attention, dict):  # a unit made of units: they record themselves
            found[_free_name(unit.path, found)] = np.asarray(attention[0], np.float32)
        return (outputs, attention) if return_attention else outputs

    return recorded


def _free_name(path: str, found: dict[str, np.ndarray]) -> str:
    name, call = path, 1
    while name in found:
        call += 1
        name = f"{path}@{call}"
    return name


def draw_attention(maps: dict[str, np.ndarray], image: np.ndarray):
    """Draws the picture and its attention maps.

    Units that give each channel one number are drawn together, a row for each unit; of spatial
    maps at most twelve are shown, spread over the network, the mean over their channels.

    Args:
        maps: As `attention_maps` returns them.
        image: (height, width, 3), the picture that they belong to.

    Returns:
        A matplotlib `Figure`; save it with `savefig`.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    panels = [("picture", image), *_panels(maps)]
    rows = -(-len(panels) // COLUMNS)
    figure = Figure(figsize=(4 * COLUMNS, 3.4 * rows), layout="constrained")
    for place, (title, values) in enumerate(panels):
        axes = figure.add_subplot(rows, COLUMNS, place + 1)
        axes.set_title(title, fontsize=8)
        if values is image:
            axes.imshow(to_float(image))
            axes.set_axis_off()
        else:
            is_spatial = values.shape[0] * values.shape[1] > 4096
            drawn = axes.imshow(values, aspect="equal" if is_spatial else "auto")
            figure.colorbar(drawn, ax=axes, fraction=0.05)
            for axis in (axes.xaxis, axes.yaxis):
                axis.set_major_locator(MaxNLocator(integer=True))
    return figure


def _panels(maps: dict[str, np.ndarray]) -> list[tuple[str, np.ndarray]]:
    """(title, two-dimensional values) of what a figure shows."""
    vectors: dict[str, list[np.ndarray]] = {}
    spatial, panels = [], []
    for name, values in maps.items():
        if values.ndim == 1:
            kind = f"{name.rsplit('/', 1)[-1].split('@')[0]}: units x {len(values)} channels"
            vectors.setdefault(kind, []).append(values)
        elif values.ndim == 2:
            panels.append((name, values))
        else:
            spatial.append((name, values.mean(axis=-1)))
    places = np.linspace(0, len(spatial) - 1, min(PICTURES, len(spatial))).round().astype(int)
    panels += [spatial[place] for place in places]
    return [(kind, np.stack(rows)) for kind, rows in vectors.items()] + panels
