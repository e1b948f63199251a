import pytest

from mirnet_keras.presets import PresetTiling, find, read_preset
from mirnet_keras.presets.card import card


@pytest.mark.parametrize(
    ("psnr", "largest_tile", "sentence"),
    [
        (
            61.26,
            256,
            "comes within 61.3 dB (PSNR) of the whole; the largest difference is 5.1 of 255.",
        ),
        (None, None, "is the same as whole."),
    ],
)
def test_the_card_says_what_tiles_cost(psnr, largest_tile, sentence):
    tiling = PresetTiling(
        keras_bytes=1234,
        litert_bytes=5678,
        largest_tile=largest_tile,
        tile=192,
        picture="a picture",
        psnr=psnr,
        largest_difference=0.02,
    )
    preset = read_preset(find("awsrn_s_x2")).model_copy(update={"tiling": tiling})
    text = card(preset)
    assert "1,234 bytes" in text and "5,678" in text
    assert f"In tiles of 192 pixels (Keras), a picture {sentence}" in text
    assert ("256 x 256" in text) == (largest_tile is not None)
    assert "LiteRT file does each tile" not in text
    apart = tiling.model_copy(update={"litert_psnr": 28.09})
    text = card(preset.model_copy(update={"tiling": apart}))
    assert "The LiteRT file does each tile by itself: there it is 28.1 dB." in text
    assert "## Large pictures" not in card(preset.model_copy(update={"tiling": None}))
