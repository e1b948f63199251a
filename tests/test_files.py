import os
import signal
import subprocess
import sys

import pytest

from mirnet_keras.files import remove_leftovers, write_whole


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    return path


def test_a_file_is_on_the_disk_before_it_gets_its_name(file, monkeypatch):
    calls = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)

        def recorded(*arguments, name=name, real=real):
            calls.append(name)
            return real(*arguments)

        monkeypatch.setattr(os, name, recorded)
    write_whole(file, lambda path: path.write_text("new"))
    assert calls == ["fsync", "replace"]
    assert file.read_text() == "new"


def test_what_is_replaced_can_be_kept(file):
    older = file.with_name("older.txt")
    for text in ("new", "newest"):
        write_whole(file, lambda path, text=text: path.write_text(text), older)
    assert (file.read_text(), older.read_text()) == ("newest", "new")
    write_whole(file.with_name("b.txt"), lambda path: path.write_text("first"), older)
    assert older.read_text() == "new"


def test_what_fails_changes_nothing(file):
    def fails(path):
        path.write_text("half")
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        write_whole(file, fails, file.with_name("older.txt"))
    assert [path.name for path in file.parent.iterdir()] == ["a.txt"]
    assert file.read_text() == "old"


def test_leftovers_of_the_named_files_alone_are_removed(file):
    names = [f".{'0' * 32}.{name}" for name in ("a.txt", "b.txt")]
    for name in names:
        file.with_name(name).write_text("half")
    remove_leftovers([file])
    assert sorted(path.name for path in file.parent.iterdir()) == [names[1], "a.txt"]


WRITER = """
import sys, time
from mirnet_keras.files import write_whole
def write(path):
    path.write_text("half")
    print(path, flush=True)
    sys.stdin.readline()
    path.write_text("whole")
write_whole(sys.argv[1], write)
"""


@pytest.fixture
def writer(file):
    """A process that writes `file` and waits for a line in the middle of it."""
    command = [sys.executable, "-c", WRITER, str(file)]
    with subprocess.Popen(command, text=True, stdin=-1, stdout=-1) as process:
        process.stdout.readline()
        yield process


@pytest.mark.skipif(sys.platform == "win32", reason="open files cannot be removed there anyway")
def test_what_another_process_is_writing_stays(file, writer):
    (kept,) = remove_leftovers([file])
    assert kept.read_text() == "half"
    write_whole(file, lambda path: path.write_text("ours"))
    assert file.read_text() == "ours"
    writer.communicate("go on\n")
    assert file.read_text() == "whole"
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_what_a_killed_process_was_writing_is_removed(file, writer):
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    assert len(list(file.parent.iterdir())) == 2
    assert remove_leftovers([file]) == []
    assert list(file.parent.iterdir()) == [file]


def test_what_another_thread_is_writing_stays(file):
    def write(path):
        assert remove_leftovers([file]) == [path]
        path.write_text("new")

    write_whole(file, write)
    assert file.read_text() == "new"


@pytest.mark.parametrize(
    "name",
    [
        "a" * 251 + ".txt",
        "\u6d77" * 83 + ".txt",
        "\U0001f30a" * 62 + "aaa.txt",
        "\udcff" * 251 + ".txt",
    ],
)
def test_every_name_that_fits_can_be_written(name, tmp_path):
    path = tmp_path / name
    assert len(os.fsencode(name)) >= 253
    try:
        path.touch()
    except OSError:
        pytest.skip("this file system does not take such a name")
    seen = []

    def write(temporary):
        seen.append(temporary)
        temporary.write_text("new")
        assert remove_leftovers([path]) == [temporary]
        assert remove_leftovers([path.with_name("b" + name[1:])]) == []

    write_whole(path, write)
    assert path.read_text() == "new"
    assert seen[0].suffix == ".txt"
    assert len(os.fsencode(seen[0].name)) <= 143


def test_a_name_that_cannot_be_written_is_seen_before_the_work(tmp_path):
    for path in (tmp_path / ("a" * 256), tmp_path):
        with pytest.raises(OSError) as caught:
            write_whole(path, lambda temporary: pytest.fail("written"))
        assert caught.value.filename == str(path)
    assert not list(tmp_path.iterdir())


def failing(filename=None):
    def write(temporary):
        temporary.write_text("half")
        raise OSError(28, "No space left on device", filename)

    return write


def test_an_error_names_the_file_that_was_wanted(tmp_path):
    path = tmp_path / "none/a.txt"
    with pytest.raises(FileNotFoundError) as caught:
        write_whole(path, lambda temporary: temporary.write_text("whole"))
    assert caught.value.filename == str(path)
    path = tmp_path / "a.txt"
    with pytest.raises(OSError, match="No space left on device: '.*/a.txt'") as caught:
        write_whole(path, failing())
    assert caught.value.filename == str(path)
    path.mkdir()
    with pytest.raises(IsADirectoryError) as caught:
        write_whole(path, lambda temporary: temporary.write_text("whole"))
    assert (caught.value.filename, caught.value.filename2) == (str(path), None)
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_of_another_file_stays_as_it_is(tmp_path):
    with pytest.raises(OSError, match="'other'"):
        write_whole(tmp_path / "a.txt", failing("other"))

    def fail(temporary):
        raise OSError("in words")

    with pytest.raises(OSError, match="^in words$"):
        write_whole(tmp_path / "a.txt", fail)
    assert not list(tmp_path.iterdir())


def test_an_older_file_stays_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "a.txt"
    write_whole(path, lambda temporary: temporary.write_text("one"))
    with pytest.raises(OSError):
        write_whole(path, failing())
    assert path.read_text() == "one"
    write_whole(path, lambda temporary: temporary.write_text("two"))
    assert path.read_text() == "two"
