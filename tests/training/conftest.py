import pytest

NETWORK = {"scale": 2, "blocks": 1, "units": 1, "filters": 4, "wide_filters": 8}
VALUES = {
    "name": "tiny",
    "network": "awsrn",
    "data": {"kind": "super_resolution", "folders": ["train"], "validation": "val"},
    "loss": "l1",
    "rate": 1e-2,
    "precision": "float32",
}
GENERATOR = {
    "scale": 4,
    "filters": 6,
    "blocks": 1,
    "growth": 3,
    "cond_hidden": 8,
    "cond_channels": 4,
    "attention": {"key_ratio": 2},
}
GAME = {
    "name": "tiny",
    "network": "spsagan",
    "arguments": GENERATOR,
    "data": {"kind": "super_resolution", "folders": ["scenes"], "validation": "general"},
    "precision": "float32",
}
SECOND = {
    "data": {"scenes": ["scenes"], "general": ["general"], "prior": "maps"}
    | {"general_images": "background"},
    "discriminator": "unet",
    "discriminator_arguments": {"filters": 4},
    "perceptual": 0.0,
}


@pytest.fixture(scope="session")
def tiny():
    """`tiny(arguments, **others)`: the values of a recipe for a network of very few weights.

    It reads the folders `train` and `val`. `arguments` are added to the network's; the others
    come on top, of which `stages`, `report_every` and `validate_every` are needed.
    """

    def values(arguments=None, **others):
        return VALUES | {"arguments": NETWORK | (arguments or {})} | others

    return values


@pytest.fixture(scope="session")
def tiny_game():
    """`tiny_game(second, **others)`: the values of a recipe of two steps, for very small networks.

    It reads the folders `scenes`, `maps` and `general`. `second` is added to the second step and
    must hold its `stages`; the others come on top, and need what `tiny` needs.
    """
    return lambda second, **others: GAME | {"adversarial": SECOND | second} | others
