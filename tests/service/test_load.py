"""The command `serve` under load, with the clients of the benchmark."""

from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def benchmark():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parents[2])
        from benchmarks import service_load

        yield service_load


@pytest.fixture(scope="module")
def server(benchmark):
    with benchmark.running_server("--max-bytes", str(benchmark.MAX_BYTES)) as server:
        yield server


def test_64_clients_get_the_right_bytes_or_are_sent_away(benchmark, server):
    result = benchmark.load(server, seconds=15)
    assert result["faults"] == []
    assert set(result["answers"]) <= {200, 413, 415, 422, 503}
    assert {200, 503} <= set(result["answers"])
    memory = result["memory_mb"]
    assert memory["peak"] < 1.1 * memory["start"]


def test_memory_reaches_a_level_that_100_more_pictures_do_not_raise(benchmark, server):
    memory = benchmark.hundred(server)
    assert memory["after"] < 1.02 * memory["before"]
