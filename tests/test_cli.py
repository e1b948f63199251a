import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from mirnet_keras import machine, training
from mirnet_keras.images import read_image, write_image
from mirnet_keras.models import AWSRN


def test_help_imports_nothing_heavy():
    code = "from mirnet_keras.cli import main\nimport atexit, sys\n"
    code += "atexit.register(lambda: print(*sys.modules))\nmain()"
    result = subprocess.run(
        [sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=True
    )
    assert not {"cv2", "keras", "numpy", "tensorflow"} & set(result.stdout.split())
    commands = {"demo", "restore", "train", "evaluate", "convert", "export", "info", "doctor"}
    assert commands <= set(result.stdout.split())


@pytest.mark.parametrize(
    "command",
    ["demo", "restore", "train", "evaluate", "convert", "attention", "export", "info", "profile"],
)
def test_every_command_explains_itself(run, command):
    result = run(command, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: root {command}")


def test_evaluate_prints_a_table_or_json(run, photo):
    for name in ("a", "b"):
        write_image(f"set/{name}.png", photo(40, 44))
    result = run("evaluate", "awsrn_s_x2", "set")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0] == "awsrn_s_x2 on set, protocol classical-y, scale 2"
    chopped = run("evaluate", "awsrn_s_x2", "set", "--ensemble", "--tile", "chop").stdout
    assert "scale 2, mean of 8 flips and rotations, tile chop" in chopped
    report = json.loads(run("evaluate", "awsrn_s_x2", "set", "--json").stdout)
    assert [entry["name"] for entry in report["per_image"]] == ["a", "b"]


def test_low_light_presets_are_scored_as_lol_does_unless_told(run, photo):
    for folder in ("low", "high"):
        write_image(f"set/{folder}/1.png", photo(20, 20))
    preset = "mirnet_lowlight_small"
    assert json.loads(run("evaluate", preset, "set", "--json").stdout)["protocol"] == "lol"
    result = run("evaluate", preset, "set", "--protocol", "rgb")
    assert "protocol rgb, scale 1" in result.stdout


def test_evaluate_names_what_does_not_fit(fails, photo, workplace):
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


def test_train_takes_another_precision(run, monkeypatch):
    asked = []
    monkeypatch.setattr(training, "train", lambda recipe, *_, **__: asked.append(recipe) or AWSRN())
    run("train", "awsrn_s_x2", "--out", "run", "--precision", "float32")
    run("train", "awsrn_s_x2", "--out", "run")
    assert [recipe.precision for recipe in asked] == ["float32", "mixed_bfloat16"]


def test_train_takes_another_seed(run, monkeypatch):
    asked = []
    monkeypatch.setattr(training, "train", lambda recipe, *_, **__: asked.append(recipe) or AWSRN())
    run("train", "awsrn_s_x2", "--out", "run", "--seed", "7", "--precision", "float32")
    run("train", "awsrn_s_x2", "--out", "run", "--seed", "0")
    assert [(plan.seed, plan.precision) for plan in asked] == [
        (7, "float32"),
        (0, "mixed_bfloat16"),
    ]
    assert run("train", "awsrn_s_x2", "--out", "run", "--seed", "-1").exit_code == 2


def test_train_check_compares_a_run_with_the_reference(run, fails, monkeypatch):
    checks = [training.Check(500, "psnr", 35.0, 36.0, False)]
    monkeypatch.setattr(training, "check_run", lambda recipe, out: checks)
    result = run("train", "awsrn_s_x2", "--check", "--out", "run")
    assert result.exit_code == 1
    assert result.stdout == "step 500  validation, dB  35  reference 36  below\n"
    monkeypatch.undo()
    assert "There is no run in nowhere" in fails(
        "train", "awsrn_s_x2", "--check", "--out", "nowhere"
    )


def test_finetune_says_before_and_after(run, monkeypatch):
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


def test_several_hosts_need_jax_and_a_rank_with_its_coordinator(fails):
    command = ["train", "awsrn_s_x2", "--out", "run", "--hosts", "2"]
    assert "rank=0, coordinator=None" in fails(*command, "--rank", "0")
    if keras.backend.backend() != "jax":
        assert "set KERAS_BACKEND=jax" in fails(*command, "--rank", "0", "--coordinator", "a:1")


def test_train_names_what_is_wrong_with_a_recipe(fails, workplace):
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


def test_convert_says_what_it_recognised(run, fails):
    from safetensors.numpy import save_file

    from mirnet_keras.weights import to_official

    save_file(to_official(AWSRN(scale=3, blocks=1, units=1)), "net.safetensors")
    result = run("convert", "net.safetensors")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Recognised AWSRN: scale=3, blocks=1, units=1, ")
    assert keras.saving.load_model("net.keras").scale == 3
    assert "net.keras: exists already" in fails("convert", "net.safetensors")


def test_attention_draws_a_figure(run, fails, photo):
    write_image("photo.png", photo())
    result = run("attention", "photo.png", "--preset", "mirnet_lowlight_small")
    assert result.exit_code == 0, result.output
    assert result.stdout.endswith("-> photo_attention.png\n")
    assert read_image("photo_attention.png").shape[1] > 1000
    again = fails("attention", "photo.png", "--preset", "mirnet_lowlight_small")
    assert "photo_attention.png: exists already" in again
    deeper = ["--preset", "mirnet_lowlight_small", "--out", "new/deeper/a.png"]
    assert run("attention", "photo.png", *deeper).exit_code == 0
    assert read_image("new/deeper/a.png").shape[1] > 1000


def test_attention_refuses_pairs_of_too_many_pixels(fails, photo):
    write_image("photo.png", photo(64, 64))
    refusal = fails("attention", "photo.png", "--preset", "spsagan_small_x4")
    assert "Received 64 x 64: cut out a piece, 48 x 48 at most." in " ".join(refusal.split())


def test_convert_refuses_other_networks(fails, workplace):
    from safetensors.numpy import save_file

    save_file({"layer.weight": np.zeros((3, 3), np.float32)}, "other.safetensors")
    (workplace / "cut.safetensors").write_bytes(b"abc")
    assert "no network known here" in fails("convert", "other.safetensors")
    assert "damaged or not a safetensors" in fails("convert", "cut.safetensors")
    assert "There is no checkpoint" in fails("convert", "missing.pth")
    assert "must end in .keras" in fails("convert", "other.safetensors", "--out", "other.h5")
    assert not list(workplace.glob("*.keras"))


def test_export_writes_and_reports(run, fails, photo, workplace):
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


def test_export_quantises_with_pictures_and_prints_the_table(run, fails, photo, workplace):
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
    write_image("truth/a.png", photo())
    write_image("truth/a.jpg", photo())
    assert "truth/a.png: has the same name as truth/a.jpg." in fails(
        *command, "--pictures", "photographs", "--targets", "truth"
    )
    assert "belongs to --pictures" in fails(*command, "--targets", "truth")
    assert not (workplace / "int8.tflite").exists()
    given = ["--representative", "photographs", "--pictures", "photographs", "--mixed", "head,skip"]
    result = run(*command, *given, "--accept-loss")
    assert result.exit_code == 0, result.output
    assert "24 x 32, int8" in result.stdout
    assert "kept in float32  head, skip" in result.stdout


def test_info_describes_presets_and_machine(run, fails):
    result = run("info")
    assert result.exit_code == 0, result.output
    assert "Set5 30.00 dB / 0.9000 (classical-y)" in result.stdout
    report = json.loads(run("info", "--json").stdout)
    assert {"awsrn_s_x2", "mirnet_lowlight_small"} <= {p["name"] for p in report["presets"]}
    assert report["machine"]["keras"] == keras.__version__
    described = json.loads(run("info", "awsrn_s_x2", "--json").stdout)
    assert described["network"] == "awsrn"
    assert "Did you mean 'awsrn_s_x2'" in fails("info", "awsrn_s_x22")


def test_peak_is_measured_on_request(run, monkeypatch):
    monkeypatch.setattr(machine, "PEAK_RUNS", 2)
    monkeypatch.setattr(machine, "PEAK_CHANNELS", 32)
    facts = json.loads(run("info", "--peak", "--json").stdout)["machine"]
    assert facts["convolution_float32_gflops"] > 0


def test_interrupting_is_no_traceback(run, photo, monkeypatch):
    write_image("a.png", photo())
    monkeypatch.setattr(machine, "start_keras", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
    result = run("restore", "a.png")
    assert (result.exit_code, result.stderr) == (130, "mirnet-keras: stopped.\n")


def test_debug_shows_where_an_error_arose(run):
    result = run("--debug", "restore", "no.png")
    assert isinstance(result.exception, FileNotFoundError)


def test_what_the_file_system_refuses_is_one_sentence(fails, photo, workplace):
    write_image("a.png", photo())
    (workplace / "folder").write_text("a file")
    assert "cannot be written" in fails("restore", "a.png", "--out", "folder/x.png")


@pytest.mark.parametrize("debug", [[], ["--debug"]])
def test_errors_of_the_program_keep_their_traceback(run, monkeypatch, debug):
    monkeypatch.setattr(machine, "describe_machine", lambda: {}["missing"])
    assert isinstance(run(*debug, "info").exception, KeyError)


def test_the_demo_reports(run):
    result = run("demo", "--out", "demo", "--json")
    assert result.exit_code == 0, result.output
    for entry in json.loads(result.stdout)["results"]:
        assert os.path.exists(entry["comparison"])
