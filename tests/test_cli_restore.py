import json
import re
from pathlib import Path

import av
import keras
import numpy as np
import pytest

from mirnet_keras.images import read_image, write_image
from mirnet_keras.imresize import imresize
from mirnet_keras.restorer import Restorer
from mirnet_keras.video import restore_video


def decoded(path):
    """All frames of a clip."""
    with av.open(path) as clip:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in clip.decode(video=0)])


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")}


def test_restore_chooses_by_a_look_and_writes_beside(run, fails, photo):
    write_image("light.png", photo())
    write_image("dark.png", photo() // 10)
    result = run("restore", "light.png")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("light.png -> light_restored.png  (clean photo: awsrn_s_x2; ")
    assert read_image("light_restored.png").shape == (24, 20, 3)
    assert "(dark photo: mirnet_lowlight_small; " in run("restore", "dark.png").stdout
    assert read_image("dark_restored.png").shape == (12, 10, 3)
    task = ["--task", "enlarge"]
    result = run("restore", "dark.png", *task, "--out", "large.png", "--json")
    (entry,) = json.loads(result.stdout)["images"]
    assert (entry["preset"], entry["seen"]) == ("awsrn_s_x2", "dark photo")
    assert "leave one of them out" in fails("restore", "dark.png", *task, "--preset", "awsrn_s_x2")


def test_restore_folders_and_json(run, photo):
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


def test_a_folder_with_damaged_pictures_is_restored_to_the_end(run, fails, photo, workplace):
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


def test_a_list_names_the_pictures(run, fails, photo, workplace):
    write_image("lists/one/a.png", photo())
    write_image("lists/two/a.png", photo())
    write_image("b.png", photo())
    (workplace / "lists/some.txt").write_text("# two of a name\none/a.png\ntwo\n")
    (workplace / "lists/bad.txt").write_text("one/a.png\n../a.png\n")
    command = ["restore", "--list", "lists/some.txt", "--preset", "awsrn_s_x2"]
    estimates = json.loads(run(*command, "--estimate", "--json").stdout)["estimates"]
    assert [entry["input"] for entry in estimates] == ["lists/one/a.png", "lists/two/a.png"]
    result = run(*command, "b.png", "--out", "out")
    assert result.exit_code == 0, result.output
    made = {path.relative_to("out").as_posix() for path in Path("out").rglob("*_restored.png")}
    assert made == {"b_restored.png", "one/a_restored.png", "two/a_restored.png"}
    assert "line 2, '../a.png'" in fails("restore", "--list", "lists/bad.txt", "--out", "out")
    assert "no list 'no.txt'" in fails("restore", "--list", "no.txt", "--out", "out")
    assert "No picture is named" in fails("restore", "--out", "out")
    assert "of its own" in fails("restore", "clip.mp4", "--list", "lists/some.txt")


def test_formats_metadata_and_limits(run, fails, photo, workplace):
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


def test_a_texture_is_restored_without_a_seam(run, fails, photo):
    texture = photo(40, 48)
    write_image("a.png", texture)
    write_image("b.png", np.roll(texture, (20, 24), axis=(0, 1)))
    small = ["restore", "--preset", "awsrn_s_x2"]
    for border, is_seamless in (("wrap", True), ("edge", False)):
        assert run(*small, "a.png", "b.png", "--out", border, "--border", border).exit_code == 0
        rolled = np.roll(read_image(f"{border}/b_restored.png"), (40, 48), axis=(0, 1))
        difference = np.abs(rolled.astype(int) - read_image(f"{border}/a_restored.png"))
        assert (difference.max() <= 1) == is_seamless
    assert "exists already, from another" in fails(*small, "a.png", "b.png", "--out", "edge")


def test_an_estimate_writes_nothing(run, fails, photo, workplace):
    write_image("in/a.png", photo(70, 150))
    write_image("in/b_restored.png", photo())
    (workplace / "in/bad.png").write_text("not a picture")
    before = files(workplace)
    small = ["--preset", "awsrn_s_x2", "--tile", "64"]
    result = run("restore", "in/a.png", "--estimate", "--out", "in/b_restored.png", *small)
    assert result.exit_code == 0, result.output
    line = r"in/a.png: awsrn_s_x2, 8 tiles of 64 x 64, \d+ MB, about [\d.]+ s, result 300 x 140\n"
    assert re.fullmatch(line, result.stdout)
    result = run("restore", "in", "--estimate", "--json")
    assert result.exit_code == 1
    first, second, third = json.loads(result.stdout)["estimates"]
    assert first["estimate"]["tiles"] == 1 and first["estimate"]["seconds"] > 0
    assert second["preset"] == "awsrn_s_x2" and second["size"] == [24, 20]
    assert "is not a picture" in third["error"] and third["estimate"] is None
    assert "not of clips" in fails("restore", "clip.mp4", "--estimate")
    assert files(workplace) == before


def test_restore_computes_on_the_device_that_is_named(run, fails, photo, workplace):
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
def clip(photo, workplace):
    """A clip of three bright frames."""
    with av.open("clip.mp4", "w") as target:
        video = target.add_stream("libx264", 20, width=16, height=12)
        for seed in range(3):
            target.mux(video.encode(av.VideoFrame.from_ndarray(photo(12, 16, seed), "rgb24")))
        target.mux(video.encode())
    return workplace / "clip.mp4"


def test_restore_does_a_clip(run, fails, workplace, clip):
    result = run("restore", "clip.mp4")
    assert result.exit_code == 0, result.output
    facts = r"\(clean photo: awsrn_s_x2; 3 frames, [\d.]+ s\)"
    assert re.match(rf"clip.mp4 -> clip_restored.mp4  {facts}\n$", result.stdout)
    assert "exists already" in fails("restore", "clip.mp4")
    options = ["--preset", "awsrn_s_x2", "--device", "cpu", "--codec", "ffv1", "--json"]
    report = json.loads(run("restore", "clip.mp4", "--out", "deeper/a.mkv", *options).stdout)
    facts = {"input": "clip.mp4", "output": "deeper/a.mkv", "preset": "awsrn_s_x2", "frames": 3}
    assert facts.items() <= report["clip"].items()
    assert len(report["clip"]["remarks"]) == 1  # of times in milliseconds
    assert sorted(path.name for path in (workplace / "deeper").iterdir()) == ["a.mkv"]


def test_the_strength_of_pictures_folders_and_clips(run, fails, photo, workplace, clip):
    write_image("in/a.png", photo())
    small = ["restore", "--preset", "awsrn_s_x2"]
    assert run(*small, "in", "--out", "out", "--strength", "0").exit_code == 0
    np.testing.assert_array_equal(read_image("out/a_restored.png"), imresize(photo(), 2))
    assert "exists already, from another" in fails(*small, "in", "--out", "out")
    clips = [*small, "clip.mp4", "--codec", "ffv1"]
    assert run(*clips, "--out", "plain.mkv", "--strength", "0").exit_code == 0
    assert run(*clips, "--out", "full.mkv").exit_code == 0
    restore_video(Restorer("awsrn_s_x2", strength=0), clip, "python.mkv", codec="ffv1")
    plain, full, python = (decoded(f"{name}.mkv") for name in ("plain", "full", "python"))
    assert (plain != full).any()
    np.testing.assert_array_equal(plain, python)
    for strength in ("-0.1", "1.1", "nan"):
        assert "`strength` must be a number from 0" in fails(*small, "in", "--strength", strength)


def test_restore_names_what_does_not_fit_a_clip(fails, photo, workplace, clip):
    write_image("a.png", photo())
    assert "'clip.mp4' in a command of its own" in fails("restore", "a.png", "clip.mp4")
    assert "must end in one of .mp4" in fails("restore", "clip.mp4", "--out", "a.gif")
    assert "--format png is of pictures" in fails("restore", "clip.mp4", "--format", "png")
    assert "no encoder 'x'" in fails("restore", "clip.mp4", "--codec", "x")
    assert "16 x 12 in a frame" in fails("restore", "clip.mp4", "--max-pixels", "191")
    named = ["--preset", "awsrn_s_x2", "--max-pixels", "191"]
    assert "too many pixels" in fails("restore", "clip.mp4", *named)
    for option in (["--codec", "ffv1"], ["--crf", "0"]):
        assert f"{option[0]} is of a clip" in fails("restore", "a.png", *option)
    (workplace / "cut.mp4").write_bytes(clip.read_bytes()[:500])
    assert "broken or cut short" in fails("restore", "cut.mp4")
    assert "no clip at 'none.mp4'" in fails("restore", "none.mp4")
    assert "Name the result with --out" in fails("restore", f"{'a' * 245}.mp4")
    assert not list(workplace.glob("*_restored*"))


def test_restore_overwrites_only_when_told(run, fails, photo, workplace):
    write_image("a.png", photo())
    write_image("b.png", photo(seed=1))
    before = files(workplace)
    assert "b.png: exists already" in fails("restore", "a.png", "--out", "b.png")
    assert "would be lost" in fails("restore", "a.png", "--out", "a.png", "--overwrite")
    assert files(workplace) == before
    assert run("restore", "a.png", "--out", "b.png", "--overwrite").exit_code == 0
    assert read_image("b.png").shape == (24, 20, 3)


def test_pictures_that_cannot_be_read_are_named_and_nothing_is_written(fails, photo, workplace):
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


def test_restore_refuses_what_does_not_fit(fails, photo, workplace):
    write_image("a.png", photo())
    write_image("in/a.jpg", photo())
    assert "Did you mean 'awsrn_s_x2'" in fails("restore", "a.png", "--preset", "awsrn_x2")
    assert "as the format jpg does" in fails(
        "restore", "a.png", "--format", "jpg", "--out", "b.png"
    )
    assert "'b.png' is named as a picture" in fails("restore", "a.png", "in", "--out", "b.png")
    assert "among the pictures in 'in'" in fails("restore", "in/*.jpg", "--out", "in")
    assert "--tile must be" in fails("restore", "a.png", "--tile", "big")
    assert "`tile` must be" in fails("restore", "a.png", "--tile", "0")
    assert "'a.gif' must end in" in fails("restore", "a.png", "--out", "a.gif")
    assert "add --out FOLDER" in fails("restore", "a.png", "in")
    write_image("in/a.png", photo())
    assert "out/a_restored.png" in fails("restore", "a.png", "in", "--out", "out")
    assert not list(workplace.rglob("*_restored*"))
