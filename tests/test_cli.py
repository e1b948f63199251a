import json
import os
import re
import subprocess
import sys

import av
import keras
import numpy as np
import pytest
from typer.testing import CliRunner

from mirnet_keras import cli, machine, training
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
        ("results/b_restored.jpg", "awsrn_s_x2"),
    ]
    assert read_image("results/b_restored.jpg").shape == (24, 20, 3)


def test_a_folder_with_damaged_pictures_is_restored_to_the_end(workplace):
    write_image("in/a.png", photo())
    write_image("in/deeper/b 😀.jpg", photo())
    (workplace / "in/bad.png").write_text("not a picture")
    (workplace / "in/notes.txt").write_text("no picture at all")
    command = ["restore", "in", "--out", "out", "--recursive", "--preset", "awsrn_s_x2"]
    result = run(*command)
    assert result.exit_code == 1
    assert "2 restored, 0 were there already, 1 failed, 1 other files left out." in result.stdout
    assert result.stdout.count("'in/bad.png' is not a picture") == 1
    assert read_image("out/deeper/b 😀_restored.jpg").shape == (24, 20, 3)
    before = files(workplace)
    report = json.loads(run(*command, "--json").stdout)
    assert report["counts"] == {"failed": 1, "restored": 0, "skipped": 2}
    assert [entry["status"] for entry in report["images"]] == ["skipped", "failed", "skipped"]
    assert "bad.png' is not a picture" in report["images"][1]["error"]
    assert files(workplace) == before
    assert "exists already, from another" in fails(*command, "--ensemble")
    for number in range(40):
        write_image(f"in/z{number}.png", photo())
    again = run(*command, "--overwrite", "--ensemble", "--fail-fast")
    assert again.exit_code == 1
    summary = r"(\d+) restored, 0 were there already, 1 failed, (\d+) not begun"
    restored, not_begun = map(int, re.search(summary, again.stdout).groups())
    assert restored + not_begun == 42 and not_begun > 0


def test_formats_metadata_and_limits(workplace):
    write_image("a.png", photo())
    small = ["restore", "a.png", "--preset", "awsrn_s_x2", "--threads", "1"]
    assert run(*small, "--format", "webp", "--no-metadata", "--alpha", "drop").exit_code == 0
    assert (workplace / "a_restored.webp").read_bytes()[8:12] == b"WEBP"
    assert "too many pixels" in fails(*small, "--max-pixels", "100")
    assert "text such as '2GB'" in fails(*small, "--memory-budget", "much")
    assert run(*small, "--precision", "bfloat16").exit_code == 0
    assert keras.config.dtype_policy().name == "float32"
    coarse, fine = read_image("a_restored.png"), read_image("a_restored.webp")
    assert 0 < np.abs(coarse.astype(int) - fine).max() < 8


def test_restore_computes_on_the_device_that_is_named(workplace):
    write_image("a.png", photo())
    small = ["restore", "a.png", "--preset", "awsrn_s_x2"]
    assert run(*small, "--out", "free.png").exit_code == 0
    assert run(*small, "--out", "named.png", "--device", "cpu").exit_code == 0
    assert (workplace / "named.png").read_bytes() == (workplace / "free.png").read_bytes()
    if not keras.distribution.list_devices()[0].lower().startswith("gpu"):
        sentence = fails(*small, "--device", "gpu")
        assert "no device 'gpu'" in sentence and "There are: cpu:0" in sentence
    assert "no device 'cpu:77'" in fails(*small, "--device", "cpu:77")
    assert not (workplace / "a_restored.png").exists()


@pytest.fixture
def clip(workplace):
    """A clip of three bright frames."""
    with av.open("clip.mp4", "w") as target:
        video = target.add_stream("libx264", 20, width=16, height=12)
        for seed in range(3):
            target.mux(video.encode(av.VideoFrame.from_ndarray(photo(12, 16, seed), "rgb24")))
        target.mux(video.encode())
    return workplace / "clip.mp4"


def test_restore_does_a_clip(workplace, clip):
    result = run("restore", "clip.mp4")
    assert result.exit_code == 0, result.output
    facts = r"\(awsrn_s_x2, chosen by brightness; 3 frames, [\d.]+ s\)"
    assert re.match(rf"clip.mp4 -> clip_restored.mp4  {facts}\n$", result.stdout)
    assert "exists already" in fails("restore", "clip.mp4")
    options = ["--preset", "awsrn_s_x2", "--device", "cpu", "--codec", "ffv1", "--json"]
    report = json.loads(run("restore", "clip.mp4", "--out", "deeper/a.mkv", *options).stdout)
    facts = {"input": "clip.mp4", "output": "deeper/a.mkv", "preset": "awsrn_s_x2", "frames": 3}
    assert facts.items() <= report["clip"].items()
    assert len(report["clip"]["remarks"]) == 1  # of times in milliseconds
    assert sorted(path.name for path in (workplace / "deeper").iterdir()) == ["a.mkv"]


def test_restore_names_what_does_not_fit_a_clip(workplace, clip):
    write_image("a.png", photo())
    assert "'clip.mp4' in a command of its own" in fails("restore", "a.png", "clip.mp4")
    assert "must end in one of .mp4" in fails("restore", "clip.mp4", "--out", "a.gif")
    assert "--format png is of pictures" in fails("restore", "clip.mp4", "--format", "png")
    assert "no encoder 'x'" in fails("restore", "clip.mp4", "--codec", "x")
    (workplace / "cut.mp4").write_bytes(clip.read_bytes()[:500])
    assert "broken or cut short" in fails("restore", "cut.mp4")
    assert "no clip at 'none.mp4'" in fails("restore", "none.mp4")
    assert not list(workplace.glob("*_restored*"))


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
    assert "`tile` must be" in fails("restore", "a.png", "--tile", "0")
    assert "'a.gif' must end in" in fails("restore", "a.png", "--out", "a.gif")
    assert "add --out FOLDER" in fails("restore", "a.png", "in")
    write_image("in/a.png", photo())
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


def test_train_takes_another_precision(workplace, monkeypatch):
    asked = []
    monkeypatch.setattr(training, "train", lambda recipe, *_, **__: asked.append(recipe) or AWSRN())
    run("train", "awsrn_s_x2", "--out", "run", "--precision", "float32")
    run("train", "awsrn_s_x2", "--out", "run")
    assert [recipe.precision for recipe in asked] == ["float32", "mixed_bfloat16"]


def test_train_check_compares_a_run_with_the_reference(workplace, monkeypatch):
    checks = [training.Check(500, "psnr", 35.0, 36.0, False)]
    monkeypatch.setattr(training, "check_run", lambda recipe, out: checks)
    result = run("train", "awsrn_s_x2", "--check", "--out", "run")
    assert result.exit_code == 1
    assert result.stdout == "step 500  validation, dB  35  reference 36  below\n"
    monkeypatch.undo()
    assert "There is no run in nowhere" in fails(
        "train", "awsrn_s_x2", "--check", "--out", "nowhere"
    )


def test_finetune_says_before_and_after(workplace, monkeypatch):
    asked = []
    result = training.FineTuning("run/best.keras", 8, 2, "rgb", (20.0, 0.5), (21.5, 0.625))
    monkeypatch.setattr(training, "finetune", lambda *args: asked.append(args) or result)
    done = run("finetune", "awsrn_s_x2", "mine", "--out", "run", "--freeze", "head")
    assert done.stdout == (
        "On 2 pictures held out (rgb): 20.00 dB / 0.5000 before, 21.50 dB / 0.6250 after.\n"
        "The better model: run/best.keras\n"
    )
    assert [str(a) for a in asked[0]] == [
        "awsrn_s_x2",
        "mine",
        "run",
        "2000",
        "0.0001",
        "('head',)",
    ]


def test_several_hosts_need_jax_and_a_rank_with_its_coordinator(workplace):
    command = ["train", "awsrn_s_x2", "--out", "run", "--hosts", "2"]
    assert "rank=0, coordinator=None" in fails(*command, "--rank", "0")
    if keras.backend.backend() != "jax":
        assert "set KERAS_BACKEND=jax" in fails(*command, "--rank", "0", "--coordinator", "a:1")


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
    assert "Did you mean 'awsrn_s_x2'" in fails("train", "awsrn_sx2", "--out", "run")
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


def test_export_quantises_with_pictures_and_prints_the_table(workplace):
    photographs = workplace / "photographs"
    photographs.mkdir()
    ramp = np.broadcast_to(np.arange(0, 240, 5, np.uint8)[:, None], (48, 48, 3))
    write_image(photographs / "a.png", np.ascontiguousarray(ramp))
    write_image("b.png", photo())
    command = ["export", "awsrn_s_x2", "int8.tflite", "--quantize", "int8", "--shape", "24x32"]
    assert "needs `representative`: a folder" in fails(*command)
    assert "HEIGHTxWIDTH, such as 256x256" in fails(*command[:-1], "24")
    assert "no picture named like 'a.png'" in fails(
        *command, "--pictures", "photographs", "--targets", "."
    )
    assert not (workplace / "int8.tflite").exists()
    given = ["--representative", "photographs", "--pictures", "photographs", "--mixed", "head,skip"]
    result = run(*command, *given, "--accept-loss")
    assert result.exit_code == 0, result.output
    assert "24 x 32, int8" in result.stdout
    assert "kept in float32  head, skip" in result.stdout


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
    monkeypatch.setattr(machine, "start_keras", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
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
