"""What happens to checkpoints that do not fit, and to those that come wrapped."""

import functools
import json
import re

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

from mirnet_keras import weights
from mirnet_keras.models import (
    AWSRN,
    AWSRN_VARIANTS,
    HAN,
    RCAN,
    SAN,
    MIRNet,
    MIRNetV2,
    RRDBNet,
    fold,
)

SMALL = {"groups": 1, "blocks": 1, "filters": 8, "reduction": 4}
ENLARGING = {"RCAN": RCAN, "HAN": HAN, "SAN": SAN}


def official(model):
    return weights.to_official(model)


@pytest.fixture(scope="module")
def awsrn():
    return AWSRN(scale=2, blocks=1, units=1, filters=4, wide_filters=8)


@pytest.fixture(scope="module")
def mirnet():
    return MIRNet(groups=1, blocks=1, filters=8, rows=2)


@pytest.fixture(scope="module", params=ENLARGING)
def enlarging(request):
    """A small RCAN, HAN and SAN in turn."""
    return ENLARGING[request.param](scale=2, **SMALL)


def unchanged(model, before):
    return all(
        np.array_equal(now, old) for now, old in zip(model.get_weights(), before, strict=True)
    )


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda a: a.pop("head.0.bias"), "missing (1): head.0.bias"),
        (lambda a: a.update(extra=np.zeros(3)), "unexpected (1): extra"),
        (
            lambda a: a.update({"head.0.bias": np.zeros(5)}),
            "head.0.bias: shape (5,), expected (4,)",
        ),
        (
            lambda a: a.update({"skip.0.weight_v": a["skip.0.weight_v"].transpose(1, 0, 2, 3)}),
            "misshapen (1): skip.0.weight_v",
        ),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_is_loaded(awsrn, damage, message):
    arrays = {key: array + 1 for key, array in official(awsrn).items()}
    damage(arrays)
    before = awsrn.get_weights()
    with pytest.raises(weights.WeightsError) as caught:
        weights.load_official(awsrn, arrays)
    assert message in str(caught.value)
    assert "Nothing was loaded" in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 15
    assert unchanged(awsrn, before)


def rename_head(arrays):
    arrays["head.bias"] = arrays.pop("head.0.bias")


def transpose_head(arrays):
    arrays["head.0.weight"] = arrays["head.0.weight"].swapaxes(0, 1)


def transpose_upsampling(arrays):
    arrays["tail.0.0.weight"] = arrays["tail.0.0.weight"].swapaxes(0, 1)


@pytest.mark.parametrize(
    ("damage", "messages"),
    [
        (rename_head, ["missing (1): head.0.bias", "unexpected (1): head.bias"]),
        (lambda arrays: arrays.pop("tail.1.weight"), ["missing (1): tail.1.weight"]),
        (transpose_head, ["head.0.weight: shape (3, 8, 3, 3), expected (8, 3, 3, 3)"]),
        (transpose_upsampling, ["tail.0.0.weight: shape (8, 32, 3, 3), expected (32, 8, 3, 3)"]),
    ],
    ids=["renamed", "missing", "transposed head", "transposed upsampling"],
)
def test_damage_is_named_with_and_without_a_model(enlarging, damage, messages):
    arrays = {key: array + 1 for key, array in official(enlarging).items()}
    damage(arrays)
    before = enlarging.get_weights()
    for load in (functools.partial(weights.load_official, enlarging), weights.from_official):
        with pytest.raises(weights.WeightsError) as caught:
            load(arrays)
        for message in [*messages, "Nothing was loaded"]:
            assert message in str(caught.value)
        assert len(str(caught.value).splitlines()) <= 15
    assert unchanged(enlarging, before)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_entries_that_are_no_numbers_are_named(enlarging, wrong):
    arrays = official(enlarging)
    arrays["head.0.bias"] = np.full(8, wrong, np.float32)
    before = enlarging.get_weights()
    with pytest.raises(weights.WeightsError, match=r"not finite \(1\): head\.0\.bias"):
        weights.load_official(enlarging, arrays)
    assert unchanged(enlarging, before)


def test_tied_entries_that_differ_are_refused(mirnet):
    arrays = official(mirnet)
    arrays["body.0.body.0.blocks.1.0.body.1.weight"] += 0.1
    before = mirnet.get_weights()
    with pytest.raises(weights.WeightsError, match="with which it is shared"):
        weights.load_official(mirnet, arrays)
    assert unchanged(mirnet, before)


def test_another_blur_kernel_is_refused(mirnet):
    arrays = official(mirnet)
    key = next(key for key in arrays if key.endswith("filt"))
    arrays[key] = arrays[key] * 2
    with pytest.raises(weights.WeightsError, match="a constant"):
        weights.load_official(mirnet, arrays)


def test_a_checkpoint_of_another_network_is_refused(awsrn, mirnet):
    with pytest.raises(weights.WeightsError, match="not the weights of this awsrn"):
        weights.load_official(awsrn, official(mirnet))


def test_a_checkpoint_of_no_known_network_is_refused():
    with pytest.raises(weights.WeightsError, match="no network known here"):
        weights.from_official({"layer.weight": np.zeros((3, 3))})


def test_a_checkpoint_of_no_known_network_is_told_the_nearest():
    # EDSR: as RCAN, without attention and groups.
    names = ["sub_mean", "head.0", "body.0.body.0", "body.0.body.2", "body.1"]
    names += ["tail.0.0", "tail.1", "add_mean"]
    arrays = {f"{name}.{part}": np.zeros(1) for name in names for part in ("weight", "bias")}
    with pytest.raises(weights.WeightsError) as caught:
        weights.from_official(arrays)
    assert "no network known here" in str(caught.value)
    assert "Nearest: rcan" in str(caught.value)
    assert "body.#.body.#.body.#.conv_du.#.weight" in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 15


def other_than_the_authors():
    return [
        fold(RCAN(2, **SMALL)),
        fold(HAN(2, **SMALL)),
        fold(SAN(2, **SMALL)),
        HAN(2, **(SMALL | {"groups": 2}), variant="paper"),
        SAN(2, **SMALL, variant="paper"),
    ]


def test_folded_models_and_the_papers_variants_have_no_official_names():
    for model in other_than_the_authors():
        before = model.get_weights()
        with pytest.raises(weights.WeightsError, match="not a folded one or the paper's variant"):
            weights.to_official(model)
        with pytest.raises(weights.WeightsError, match="not a folded one or the paper's variant"):
            weights.load_official(model, {"head.0.bias": np.ones(8)})
        assert unchanged(model, before)


@pytest.mark.parametrize("wrapper", ["params", "params_ema", "state_dict"])
def test_wrappers_and_the_parallel_prefix_are_taken_off(awsrn, wrapper):
    arrays = {f"module.{key}": array for key, array in official(awsrn).items()}
    model = weights.from_official({wrapper: arrays, "epoch": 3})
    assert model.arguments == awsrn.arguments
    assert unchanged(model, awsrn.get_weights())


def test_averaged_weights_are_preferred(awsrn):
    arrays = official(awsrn)
    other = {key: array + 1 for key, array in arrays.items()}
    model = weights.from_official({"params": other, "params_ema": arrays})
    assert unchanged(model, awsrn.get_weights())


def test_newer_names_of_weight_normalisation_are_accepted(awsrn):
    arrays = {}
    for key, array in official(awsrn).items():
        key = key.replace(".weight_g", ".parametrizations.weight.original0")
        arrays[key.replace(".weight_v", ".parametrizations.weight.original1")] = array
    assert any("original0" in key for key in arrays)
    assert unchanged(weights.from_official(arrays), awsrn.get_weights())


def test_separate_columns_are_recognised():
    model = MIRNet(groups=1, blocks=1, filters=8, rows=2, share_columns=False)
    loaded = weights.from_official(official(model))
    assert loaded.arguments == model.arguments
    assert unchanged(loaded, model.get_weights())


def test_safetensors_files_are_read(awsrn, tmp_path):
    path = tmp_path / "net.safetensors"
    save_file({k: np.ascontiguousarray(v) for k, v in official(awsrn).items()}, path)
    assert unchanged(weights.from_official(path), awsrn.get_weights())
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(weights.WeightsError, match="damaged"):
        weights.from_official(path)


def test_half_precision_is_read(awsrn, tmp_path):
    path = tmp_path / "net.safetensors"
    for dtype in (np.float16, ml_dtypes.bfloat16):
        half = {key: array.astype(dtype) for key, array in official(awsrn).items()}
        save_file({key: np.ascontiguousarray(array) for key, array in half.items()}, path)
        for key, array in weights.read_state_dict(path).items():
            assert array.dtype == np.float32
            np.testing.assert_array_equal(array, half[key].astype(np.float32), err_msg=key)


def test_a_missing_or_foreign_file_is_one_sentence(tmp_path):
    with pytest.raises(FileNotFoundError, match="no checkpoint"):
        weights.from_official(tmp_path / "none.pth")
    (tmp_path / "net.onnx").write_bytes(b"x")
    with pytest.raises(weights.WeightsError, match="Known: .pth, .pt and .safetensors"):
        weights.from_official(tmp_path / "net.onnx")


def test_the_full_mirnets_have_the_published_keys(shared):
    for name, model in (("MIRNet", MIRNet()), ("MIRNetv2", MIRNetV2())):
        keys = json.loads((shared / "keys" / f"{name}.json").read_text())["keys"]
        found = {key: list(array.shape) for key, array in official(model).items()}
        assert found == keys, name


@pytest.mark.parametrize("variant", ["AWSRN", "AWSRN-M", "AWSRN-S", "AWSRN-SD"])
def test_every_awsrn_has_the_published_keys(shared, variant):
    for path in (shared / "keys").glob(f"{variant.replace('-', '_')}_x?.json"):
        keys = json.loads(path.read_text())["keys"]
        model = AWSRN(scale=int(path.stem[-1]), **AWSRN_VARIANTS[variant])
        found = {key: list(array.shape) for key, array in official(model).items()}
        assert found == keys, path.stem


PARAMETERS = {"RCAN": 15_444_667, "HAN": 15_924_057, "SAN": 15_674_756}  # of the authors, x2


@pytest.fixture(scope="module", params=ENLARGING)
def full(request):
    """The published RCAN, HAN and SAN of scale 2, by name."""
    return request.param, ENLARGING[request.param]()


def test_the_full_networks_have_the_published_parameters(full):
    name, model = full
    assert model.count_params() == PARAMETERS[name]
    assert (model.scale, model.multiple) == (2, 1)


def check_published(shared, name, model):
    published = json.loads((shared / f"keys/{name}_x{model.scale}.json").read_text())
    found = {key: list(array.shape) for key, array in official(model).items()}
    assert found == published["keys"]
    assert model.count_params() == published["used_params"]


def test_the_full_networks_have_the_published_keys(shared, full):
    check_published(shared, *full)


@pytest.mark.slow
@pytest.mark.parametrize("scale", [3, 4, 8])
@pytest.mark.parametrize("name", ENLARGING)
def test_the_full_networks_have_the_published_keys_at_every_scale(shared, name, scale):
    check_published(shared, name, ENLARGING[name](scale))


@pytest.mark.parametrize(
    "prefix",
    [
        "_orig_mod.",
        "module._orig_mod.",
        "module.module.",
        "model.",
        "net_g.module.",
        "generator._orig_mod.",
        "model.net.",
    ],
)
def test_prefixes_of_wrappers_are_taken_off(awsrn, prefix):
    arrays = {prefix + key: array for key, array in official(awsrn).items()}
    assert unchanged(weights.from_official(arrays), awsrn.get_weights())


def test_wrapped_inner_modules_and_what_profilers_leave_are_taken_off(awsrn):
    arrays = {
        key.replace("body.0.", "body.0._orig_mod."): array for key, array in official(awsrn).items()
    }
    arrays |= {"total_ops": np.zeros(1), "body.0.total_params": np.zeros(1)}
    assert unchanged(weights.from_official(arrays), awsrn.get_weights())


def test_the_generator_is_taken_out_of_a_trainers_networks(awsrn):
    arrays = official(awsrn)
    entries = {f"generator.{key}": array for key, array in arrays.items()}
    entries |= {"discriminator.conv0.weight": np.zeros((4, 3, 3, 3)), "loss.vgg.0.bias": np.ones(4)}
    for content in (
        {"epoch": 3, "state_dict": entries, "optimizer_states": [{"state": {}}]},
        {"n_averaged": np.ones(())}
        | {f"module.ema_model.{key}": array for key, array in arrays.items()},
        {"step": 1, "my_network": {"params": arrays}},
    ):
        assert unchanged(weights.from_official(content), awsrn.get_weights())


def test_merged_weight_normalisation_gives_the_same_images(awsrn):
    arrays = {}
    for key, array in official(awsrn).items():
        if not key.endswith("weight_v"):
            arrays[key] = array
            continue
        length = np.sqrt(np.sum(array**2, axis=(1, 2, 3), keepdims=True))
        arrays[key.removesuffix("_v")] = official(awsrn)[f"{key[:-1]}g"] * array / length
        del arrays[f"{key[:-1]}g"]
    image = np.random.default_rng(1).random((1, 6, 7, 3), np.float32)
    np.testing.assert_allclose(weights.from_official(arrays)(image), awsrn(image), atol=1e-5)


def test_rcan_under_the_names_of_basicsr():
    model = RCAN(3, groups=2, blocks=3, filters=8, reduction=4, value_range=1.0)
    arrays = {}
    for key, array in official(model).items():
        if key.startswith(("sub_mean.", "add_mean.")):
            continue  # not stored there
        key = re.sub(r"^body\.(\d)\.body\.3\.", r"body.\1.conv.", key)
        key = re.sub(r"^body\.2\.", "conv_after_body.", key)
        key = re.sub(r"^body\.(\d)\.body\.(\d)\.body\.", r"body.\1.residual_group.\2.rcab.", key)
        key = key.replace("conv_du.0", "attention.1").replace("conv_du.2", "attention.3")
        key = key.replace("head.0.", "conv_first.").replace("tail.1.", "conv_last.")
        arrays[key.replace("tail.0.", "upsample.")] = array
    assert "body.1.residual_group.2.rcab.3.attention.1.weight" in arrays
    assert weights.from_official(arrays).arguments["value_range"] == 255
    loaded = weights.from_official(arrays, value_range=(0, 1))
    assert loaded.arguments == model.arguments
    assert unchanged(loaded, model.get_weights())


@pytest.mark.parametrize("builder", [AWSRN, RCAN, RRDBNet])
def test_grey_networks_are_refused_by_their_shapes(builder):
    small = {RCAN: SMALL, AWSRN: {"blocks": 1, "filters": 8}, RRDBNet: {"blocks": 1, "filters": 8}}
    arrays = official(builder(scale=2, **small[builder]))
    first = next(
        k for k in ("head.0.weight_v", "head.0.weight", "conv_first.weight") if k in arrays
    )
    arrays[first] = arrays[first][:, :1]
    with pytest.raises(weights.WeightsError, match=rf"{first}: shape \(\d+, 1, 3, 3\), expected"):
        weights.from_official(arrays)
