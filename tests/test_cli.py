import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from typer.testing import CliRunner

from mirnet_keras import cli, machine
from mirnet_keras.images import read_image, write_image
from mirnet_keras.models import AWSRN, MIRNetV2
from mirnet_keras.presets import save_preset


def run(*arguments):
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


def fails(*arguments):
    """Runs a command that must fail as a user's mistake does; returns the sentence."""
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("mirnet-keras: ")
    assert "Traceback" not in result.stderr
    assert result.stderr.endswith((".\n", "?\n")) or "\n  " in result.stderr
    return result.stderr


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")}


def photo(height=12, width=10, seed=0):
    return np.random.default_rng(seed).integers(90, 200, (height, width, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def presets(tmp_path_factory):
    """A folder with two tiny presets under the names that `restore` chooses from."""
    folder = tmp_path_factory.mktemp("presets")
    keras.utils.set_random_seed(0)
    enlarging = AWSRN(scale=2, blocks=1, units=1, filters=4, wide_filters=8)
    brightening = MIRNetV2(filters=8, blocks=1, convolution_groups=(1,))
    for model, name, task in (
        (enlarging, "awsrn_s_x2", "super-resolution"),
        (brightening, "mirnet_lowlight_small", "low-light enhancement"),
    ):
        save_preset(
            model,
            folder / name,
            name=name,
            task=task,
            recipe="none",
            steps=0,
            trained_on="nothing",
            data_licence="none",
            scores=[{"data": "Set5", "protocol": "classical-y", "psnr": 30.0, "ssim": 0.9}],
        )
    return folder


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch, presets):
    """Commands run in an empty folder and know only the tiny presets."""
    monkeypatch.setenv("MIRNET_KERAS_PRESETS", str(presets))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


def test_help_imports_nothing_heavy():
    code = "from mirnet_keras.cli import main\nimport atexit, sys\n"
    code += "atexit.register(lambda: print(*sys.modules))\nmain()"
    result = subprocess.run(
        [sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=True
    )
    assert not {"cv2", "keras", "numpy", "tensorflow"} & set(result.stdout.split())
    commands = {"demo", "restore", "train", "evaluate", "convert", "export", "info"}
    assert commands <= set(result.stdout.split())


@pytest.mark.parametrize(
    "command", ["demo", "restore", "train", "evaluate", "convert", "attention", "export", "info"]
)
def test_every_command_explains_itself(command):
    result = run(command, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: root {command}")


def test_restore_chooses_by_brightness_and_writes_beside(workplace):
    write_image("light.png", photo())
    write_image("dark.png", photo() // 10)
    result = run("restore", "light.png")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(
        "light.png -> light_restored.png  (awsrn_s_x2, chosen by brightness; "
    )
    assert read_image("light_restored.png").shape == (24, 20, 3)
    assert "mirnet_lowlight_small" in run("restore", "dark.png").stdout
    assert read_image("dark_restored.png").shape == (12, 10, 3)


def test_restore_folders_and_json(workplace):
    write_image("in/a.png", photo())
    write_image("in/b.jpg", photo())
    options = ["--preset", "awsrn_s_x2", "--tile", "none", "--ensemble", "--json"]
    result = run("restore", "in", "--out", "results", *options)
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)["images"]
    assert [(entry["output"], entry["preset"]) for entry in report] == [
        ("results/a_restored.png", "awsrn_s_x2"),
        ("results/b_restored.png", "awsrn_s_x2"),
    ]
    assert read_image("results/b_restored.png").shape == (24, 20, 3)


def test_restore_overwrites_only_when_told(workplace):
    write_image("a.png", photo())
    write_image("b.png", photo(seed=1))
    before = files(workplace)
    assert "b.png: exists already" in fails("restore", "a.png", "--out", "b.png")
    assert "would be lost" in fails("restore", "a.png", "--out", "a.png", "--overwrite")
    assert files(workplace) == before
    assert run("restore", "a.png", "--out", "b.png", "--overwrite").exit_code == 0
    assert read_image("b.png").shape == (24, 20, 3)


def test_pictures_that_cannot_be_read_are_named_and_nothing_is_written(workplace):
    write_image("whole.jpg", photo(64, 64))
    content = (workplace / "whole.jpg").read_bytes()
    (workplace / "cut.jpg").write_bytes(content[: len(content) // 2])
    (workplace / "text.png").write_text("not a picture")
    (workplace / "empty").mkdir()
    before = files(workplace)
    assert "'cut.jpg' is broken or cut short" in fails("restore", "cut.jpg")
    assert "'text.png' is not a picture" in fails("restore", "text.png")
    assert "'empty' holds no picture" in fails("restore", "empty", "--out", "results")
    assert "no picture or folder 'no.png'" in fails("restore", "no.png")
    assert files(workplace) == before


def test_restore_refuses_what_does_not_fit(workplace):
    write_image("a.png", photo())
    write_image("in/a.jpg", photo())
    assert "Did you mean 'awsrn_s_x2'" in fails("restore", "a.png", "--preset", "awsrn_x2")
    assert "--tile must be" in fails("restore", "a.png", "--tile", "big")
    assert "larger than `overlap`" in fails("restore", "a.png", "--tile", "16")
    assert "'a.gif' must end in" in fails("restore", "a.png", "--out", "a.gif")
    assert "add --out FOLDER" in fails("restore", "a.png", "in")
    assert "out/a_restored.png" in fails("restore", "a.png", "in", "--out", "out")
    assert not list(workplace.rglob("*_restored*"))


def test_evaluate_prints_a_table_or_json(workplace):
    for name in ("a", "b"):
        write_image(f"set/{name}.png", photo(40, 44))
    result = run("evaluate", "awsrn_s_x2", "set")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0] == "awsrn_s_x2 on set, protocol classical-y, scale 2"
    report = json.loads(run("evaluate", "awsrn_s_x2", "set", "--json").stdout)
    assert [entry["name"] for entry in report["per_image"]] == ["a", "b"]


def test_low_light_presets_are_scored_as_lol_does_unless_told(workplace):
    for folder in ("low", "high"):
        write_image(f"set/{folder}/1.png", photo(20, 20))
    preset = "mirnet_lowlight_small"
    assert json.loads(run("evaluate", preset, "set", "--json").stdout)["protocol"] == "lol"
    result = run("evaluate", preset, "set", "--protocol", "rgb")
    assert "protocol rgb, scale 1" in result.stdout


def test_evaluate_names_what_does_not_fit(workplace):
    write_image("low/1.png", photo(20, 20))
    write_image("low/2.png", photo(20, 20))
    write_image("high/1.png", photo(20, 20))
    write_image("high/2.png", photo(20, 21))
    preset = "mirnet_lowlight_small"
    assert "high/2.png is (20, 21)" in fails("evaluate", preset, ".")
    (workplace / "high/2.png").unlink()
    assert "low/2.png: has no partner" in fails("evaluate", preset, "low", "--targets", "high")
    assert "enlarges 2 times" in fails("evaluate", "awsrn_s_x2", "high", "--scale", "4")
    assert "no preset 'nothing'" in fails("evaluate", "nothing", "high")


def test_train_names_what_is_wrong_with_a_recipe(workplace):
    lines = [
        "network: awsrn",
        "data: {kind: super_resolution, folders: [hr]}",
        "stages: [{steps: 250, crop: 48, batch: 4}]",
        "mixupp: 0.5",
    ]
    (workplace / "mine.yaml").write_text("\n".join(lines))
    message = fails("train", "mine.yaml", "--out", "run")
    assert "mine.yaml: unknown key 'mixupp'. Did you mean 'mixup'?" in message
    assert "Did you mean 'awsrn_s_x2'" in fails("train", "awsrn_x2", "--out", "run")
    assert not (workplace / "run").exists()


def test_convert_says_what_it_recognised(workplace):
    from safetensors.numpy import save_file

    from mirnet_keras.weights import to_official

    save_file(to_official(AWSRN(scale=3, blocks=1, units=1)), "net.safetensors")
    result = run("convert", "net.safetensors")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Recognised AWSRN: scale=3, blocks=1, units=1, ")
    assert keras.saving.load_model("net.keras").scale == 3
    assert "net.keras: exists already" in fails("convert", "net.safetensors")


def test_attention_draws_a_figure(workplace):
    write_image("photo.png", photo())
    result = run("attention", "photo.png", "--preset", "mirnet_lowlight_small")
    assert result.exit_code == 0, result.output
    assert result.stdout.endswith("-> photo_attention.png\n")
    assert read_image("photo_attention.png").shape[1] > 1000
    again = fails("attention", "photo.png", "--preset", "mirnet_lowlight_small")
    assert "photo_attention.png: exists already" in again


def test_convert_refuses_other_networks(workplace):
    from safetensors.numpy import save_file

    save_file({"layer.weight": np.zeros((3, 3), np.float32)}, "other.safetensors")
    (workplace / "cut.safetensors").write_bytes(b"abc")
    assert "no network known here" in fails("convert", "other.safetensors")
    assert "damaged or not a safetensors" in fails("convert", "cut.safetensors")
    assert "There is no checkpoint" in fails("convert", "missing.pth")
    assert "must end in .keras" in fails("convert", "other.safetensors", "--out", "other.h5")
    assert not list(workplace.glob("*.keras"))


def test_export_writes_and_reports(workplace):
    result = run("export", "awsrn_s_x2", "model.tflite", "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert (report["format"], report["file"]) == ("litert", "model.tflite")
    assert (workplace / "model.tflite").stat().st_size == report["bytes"]
    write_image("a.png", photo())
    assert run("restore", "a.png", "--preset", "model.tflite").exit_code == 0
    assert "exists already" in fails("export", "awsrn_s_x2", "model.tflite")
    assert "must end in .tflite" in fails("export", "awsrn_s_x2", "model.bin")
    (workplace / "saved/1").mkdir(parents=True)
    assert "exists already" in fails("export", "awsrn_s_x2", "saved", "--format", "saved_model")


def test_info_describes_presets_and_machine(presets):
    result = run("info")
    assert result.exit_code == 0, result.output
    assert "Set5 30.00 dB / 0.9000 (classical-y)" in result.stdout
    report = json.loads(run("info", "--json").stdout)
    assert {"awsrn_s_x2", "mirnet_lowlight_small"} <= {p["name"] for p in report["presets"]}
    assert report["machine"]["keras"] == keras.__version__
    described = json.loads(run("info", "awsrn_s_x2", "--json").stdout)
    assert described["network"] == "awsrn"
    assert "Did you mean 'awsrn_s_x2'" in fails("info", "awsrn_s_x22")


def test_peak_is_measured_on_request(monkeypatch):
    monkeypatch.setattr(machine, "PEAK_RUNS", 2)
    monkeypatch.setattr(machine, "PEAK_CHANNELS", 32)
    facts = json.loads(run("info", "--peak", "--json").stdout)["machine"]
    assert facts["convolution_float32_gflops"] > 0


def test_interrupting_is_no_traceback(monkeypatch, workplace):
    write_image("a.png", photo())
    monkeypatch.setattr(machine, "start_keras", lambda: (_ for _ in ()).throw(KeyboardInterrupt))
    result = run("restore", "a.png")
    assert (result.exit_code, result.stderr) == (130, "mirnet-keras: stopped.\n")


def test_debug_shows_where_an_error_arose(workplace):
    result = run("--debug", "restore", "no.png")
    assert isinstance(result.exception, FileNotFoundError)


def test_what_the_file_system_refuses_is_one_sentence(workplace):
    write_image("a.png", photo())
    (workplace / "folder").write_text("a file")
    assert "cannot be written" in fails("restore", "a.png", "--out", "folder/x.png")


@pytest.mark.parametrize("debug", [[], ["--debug"]])
def test_errors_of_the_program_keep_their_traceback(monkeypatch, workplace, debug):
    monkeypatch.setattr(machine, "describe_machine", lambda: {}["missing"])
    assert isinstance(run(*debug, "info").exception, KeyError)


def test_the_demo_reports(workplace):
    result = run("demo", "--out", "demo", "--json")
    assert result.exit_code == 0, result.output
    for entry in json.loads(result.stdout)["results"]:
        assert os.path.exists(entry["comparison"])
