from pathlib import Path

import pytest

from mirnet_keras.batch import BatchError, find_jobs
from mirnet_keras.batch.listing import Line, read_list


@pytest.fixture
def listed(mixed):
    """`listed(text)`: the path of a list beside the folder `in` of pictures."""

    def write(text, encoding="utf-8"):
        path = mixed.parent / "list.txt"
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return path

    return write


def places(found, out):
    return sorted(job.output.relative_to(out).as_posix() for job in found.jobs)


def test_comments_and_empty_lines_are_left_out(listed):
    path = listed("\ufeff# some\r\n\r\n  in/a b.png \r\n#in/b.png\n\tin/*#1.png")
    assert read_list(path) == (Line(3, "in/a b.png"), Line(5, "in/*#1.png"))


def test_results_lie_as_the_pictures_lie_in_the_lists_folder(listed, mixed, tmp_path, monkeypatch):
    (tmp_path / "far").mkdir()
    (tmp_path / "far/x.png").write_bytes((mixed / "b.png").read_bytes())
    text = f"in/a.jpg\nin/sub\nin/f*\n{mixed}/sub/deeper/a.jpg\nin/../far/x.png\nin/a.jpg"
    listed(text)
    expected = [
        "in/a_restored.jpg",
        "in/f grey 😀_restored.png",
        "in/sub/bad text_restored.png",
        "in/sub/deeper/a_restored.jpg",
        "x_restored.png",
    ]
    monkeypatch.chdir(tmp_path)
    found = find_jobs([], Path("out"), lists=[Path("list.txt")])
    assert not found.is_single
    assert places(found, Path("out")) == expected
    monkeypatch.chdir(mixed / "sub")
    far = find_jobs([], tmp_path / "out", lists=[tmp_path / "list.txt"])
    assert places(far, tmp_path / "out") == expected


def test_lists_come_beside_what_is_given_and_beside_each_other(listed, mixed, tmp_path):
    (mixed / "more.txt").write_text("c.webp")
    lists = [listed("in/b.png"), mixed / "more.txt"]
    found = find_jobs([str(mixed / "e.bmp")], tmp_path / "out", lists=lists)
    assert places(found, tmp_path / "out") == [
        "c_restored.webp",
        "e_restored.bmp",
        "in/b_restored.png",
    ]


def test_folders_with_marks_of_patterns_in_their_names_are_no_patterns(mixed, tmp_path):
    folder = tmp_path / "[1]"
    mixed.rename(folder)
    (folder / "list.txt").write_text("[b-c].*")
    found = find_jobs([], tmp_path / "out", lists=[folder / "list.txt"])
    assert places(found, tmp_path / "out") == ["b_restored.png", "c_restored.webp"]


def test_a_list_of_one_picture_is_done_as_one_of_many(listed):
    path = listed("in/a.jpg")
    with pytest.raises(BatchError, match="add --out FOLDER"):
        find_jobs([], lists=[path])
    with pytest.raises(BatchError, match="is named as a picture"):
        find_jobs([], Path("a.png"), lists=[path])


def test_all_lines_that_name_nothing_are_told(listed, tmp_path):
    path = listed("# five\nno.png\nin/a.jpg\n\nin/no.jpg\nx\ny\nz")
    with pytest.raises(BatchError) as error:
        find_jobs([], tmp_path / "out", lists=[path])
    assert str(error.value) == (
        f"The list '{path}' names what is not there: line 2, 'no.png'; line 5, 'in/no.jpg'; "
        f"line 6, 'x'; and 2 more. Its paths begin at its own folder, '{path.parent}'."
    )


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "names nothing"),
        (b"\n# none\n", "names nothing"),
        ("ä.png".encode("latin-1"), "is no text in UTF-8"),
        ("a.png".encode("utf-16"), "is no text in UTF-8"),
        (b"a.png\0", "is no text in UTF-8"),
    ],
)
def test_what_is_no_list_is_refused(listed, content, sentence):
    path = listed(content)
    with pytest.raises(BatchError, match=f"'{path}' {sentence}. Write one path on each line."):
        read_list(path)


def test_a_list_that_is_not_there_or_a_folder_is_refused(mixed):
    with pytest.raises(FileNotFoundError, match="There is no list 'no.txt'"):
        read_list(Path("no.txt"))
    with pytest.raises(BatchError, match="is a folder. Name it among the pictures"):
        read_list(mixed)


def test_a_list_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "file").write_text("a.png")
    with pytest.raises(BatchError, match="cannot be read: Not a directory"):
        read_list(tmp_path / "file" / "list.txt")
