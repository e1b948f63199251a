import numpy as np
import pytest

from mirnet_keras.restorer import RestorerError, memory


@pytest.mark.parametrize(
    ("text", "expected"),
    [(7, 7), ("7", 7), ("2GB", 2 * 10**9), ("1.5 GiB", 3 * 2**29), (" 500 mb ", 5 * 10**8)],
)
def test_sizes_are_read(text, expected):
    assert memory.parse_bytes(text) == expected


@pytest.mark.parametrize("text", ["", "much", "2 XB", "-1GB", 0, "0 MB", None])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(RestorerError, match="`memory_budget` is a number of bytes"):
        memory.parse_bytes(text)


def test_a_containers_limit_counts(tmp_path, monkeypatch):
    machine = memory.free_memory()
    assert 0 < machine < 2**50
    limit, used, kinds = (tmp_path / name for name in ("limit", "used", "memory.stat"))
    monkeypatch.setattr(memory, "CGROUPS", [(str(tmp_path), "limit", "used", "inactive_file")])
    limit.write_text("3000\n")
    used.write_text("1000\n")
    kinds.write_text("anon 900\ninactive_file 0\nactive_file 100\n")
    assert memory.free_memory() == 2000
    used.write_text("4000\n")
    assert memory.free_memory() == 0
    kinds.write_text("anon 900\ninactive_file 3000\nactive_file 100\n")  # pages of files read
    assert memory.free_memory() == 2000
    limit.write_text("max\n")
    assert memory.free_memory() > 4000


def test_errors_of_every_library_are_recognised():
    class ResourceExhaustedError(Exception):
        pass

    for error in (
        MemoryError(),
        np._core._exceptions._ArrayMemoryError((2**40,), np.dtype("f4")),
        ResourceExhaustedError("OOM when allocating tensor with shape[4]"),
        RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 5 bytes"),
    ):
        assert memory.lacks_memory(error)
    assert not memory.lacks_memory(ValueError("the room is too dark"))
