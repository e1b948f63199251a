from pathlib import Path

import pytest

from mirnet_keras.batch import BatchError, find_jobs


def outputs(found, out):
    return {
        job.input.as_posix(): job.output.relative_to(out).as_posix() if out else job.output.name
        for job in found.jobs
    }


def test_a_folder_is_mirrored(mixed, tmp_path):
    found = find_jobs([str(mixed)], tmp_path / "out", recursive=True)
    assert (len(found.jobs), found.others, found.is_single) == (20, 2, False)
    named = {Path(key).relative_to(mixed).as_posix(): value
             for key, value in outputs(found, tmp_path / "out").items()}  # fmt: skip
    assert named["a.jpg"] == "a_restored.jpg"
    assert named["sub/deeper/a.jpg"] == "sub/deeper/a_restored.jpg"
    assert named["j no suffix"] == "j no suffix_restored.png"
    assert named["k lying.jpg"] == "k lying_restored.png"  # by the content
    assert named["f grey 😀.png"] == "f grey 😀_restored.png"
    flat = find_jobs([str(mixed)], tmp_path / "out")
    assert len(flat.jobs) == 18
    assert not [job for job in flat.jobs if "sub" in job.input.parts]


def test_the_output_may_lie_above_the_pictures(mixed, tmp_path):
    above = find_jobs([str(mixed)], mixed.parent, recursive=True)
    beside = find_jobs([str(mixed)], tmp_path / "out", recursive=True)
    assert outputs(above, mixed.parent) == outputs(beside, tmp_path / "out")


def test_files_patterns_and_formats(mixed, tmp_path, monkeypatch):
    out = tmp_path / "out"
    (mixed / "[x].png").write_bytes((mixed / "b.png").read_bytes())
    found = find_jobs([str(mixed / "[x].png"), str(mixed / "*.jpg")], out, suffix=".webp")
    names = {job.output.relative_to(out).as_posix() for job in found.jobs}
    assert names == {
        f"{name}_restored.webp" for name in ("[x]", "a", "bad cut", "h cmyk", "k lying")
    }
    monkeypatch.chdir(mixed)
    found = find_jobs(["**/a.jpg"], out)
    assert set(outputs(found, out).values()) == {"a_restored.jpg", "sub/deeper/a_restored.jpg"}
    single = find_jobs(["a.jpg"])
    assert single.is_single
    assert outputs(single, None) == {"a.jpg": "a_restored.jpg"}
    assert find_jobs(["a.jpg"], Path("new.png")).jobs[0].output == Path("new.png")


def test_results_of_an_earlier_run_are_not_taken_for_pictures(mixed):
    out = mixed / "results"
    before = find_jobs([str(mixed)], out, recursive=True)
    out.mkdir()
    (out / "a_restored.jpg").write_bytes((mixed / "a.jpg").read_bytes())
    assert find_jobs([str(mixed)], out, recursive=True) == before
    with pytest.raises(BatchError, match="may not lie among the pictures"):
        find_jobs([str(mixed)], mixed)


def test_a_pattern_that_finds_only_results_says_so(mixed, monkeypatch):
    for pattern, out in (
        ("*.png", mixed),
        ("sub/deeper/*.jpg", mixed / "sub"),
        ("**/*.jpg", mixed),
    ):
        with pytest.raises(BatchError, match=f"among the pictures in '{out}'. Name another"):
            find_jobs([str(mixed / pattern)], out)
    monkeypatch.chdir(mixed)
    with pytest.raises(BatchError, match="among the pictures in '.'"):
        find_jobs(["*.png"], Path("."))
    assert len(find_jobs(["**/*.jpg"], Path("sub")).jobs) == len(list(mixed.glob("*.jpg")))


def test_a_file_for_several_pictures_is_refused(mixed, tmp_path):
    pictures = [str(mixed / "a.jpg"), str(mixed / "b.png")]
    for given in (pictures, [str(mixed)], [str(mixed / "*.jpg")]):
        with pytest.raises(BatchError, match="'.*out.PNG' is named as a picture"):
            find_jobs(given, tmp_path / "out.PNG")
    (tmp_path / "out.PNG").mkdir()
    assert len(find_jobs(pictures, tmp_path / "out.PNG").jobs) == 2


def test_a_file_and_a_format_that_contradict_each_other_are_refused(mixed, tmp_path):
    with pytest.raises(BatchError, match="b.png' does not end as the format jpg does"):
        find_jobs([str(mixed / "a.jpg")], tmp_path / "b.png", suffix=".jpg")
    for name, suffix in (("b.JPEG", ".jpg"), ("b.tiff", ".tif"), ("b.png", ".png")):
        (job,) = find_jobs([str(mixed / "a.jpg")], tmp_path / name, suffix=suffix).jobs
        assert job.output == tmp_path / name


def test_what_cannot_be_is_refused_before_anything_starts(mixed, tmp_path):
    out = tmp_path / "out"
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="no picture or folder"):
        find_jobs([str(mixed / "no.png")], out)
    with pytest.raises(BatchError, match="'.*empty' holds no picture file. Add --recursive"):
        find_jobs([str(tmp_path / "empty")], out)
    with pytest.raises(BatchError, match="holds no picture file"):
        find_jobs([str(tmp_path / "*.png")], out)
    with pytest.raises(BatchError, match="add --out FOLDER"):
        find_jobs([str(mixed)])
    with pytest.raises(BatchError, match="a_restored.jpg. Restore them one by one"):
        find_jobs([str(mixed), str(mixed / "sub/deeper")], out)
    with pytest.raises(BatchError, match="must end in one of"):
        find_jobs([str(mixed / "a.jpg")], out / "a.gif")


def test_a_picture_is_never_the_result_of_another(mixed):
    (mixed / "b_restored.png").symlink_to(mixed / "b.png")
    for out in (mixed / "b.png", mixed / "b_restored.png", None):
        with pytest.raises(BatchError, match="would be lost"):
            find_jobs([str(mixed / "b.png")], out)
    out = mixed.parent / "link"
    out.symlink_to(mixed)
    with pytest.raises(BatchError, match="may not lie among"):
        find_jobs([str(mixed)], out)
