"""The service under 64 impatient clients, some of them hostile: answers, memory, waiting.

    python -m benchmarks.service_load [--seconds 60] [--json benchmarks/results/service_load.json]

Each client sends one request after the other: most of them pictures of several kinds, the others
what must be refused. A 503 sends it away for half a second, whatever `Retry-After` says. Every
result is compared with the file that `Restorer.restore_file` wrote in this process before. Then
pictures come one by one, each of another size: TensorFlow keeps what it prepared for some hundreds
of sizes, and when that store is full, the memory before and after 100 more is compared.
"""

import argparse
import collections
import concurrent.futures
import contextlib
import dataclasses
import http.client
import io
import json
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

from benchmarks.machine import describe
from mirnet_keras.demo import demo_picture
from mirnet_keras.images import encode_image
from mirnet_keras.restorer import Restorer

CLIENTS = 64
MAX_BYTES = 500_000
GOOD_SHARE = 0.75
PAUSE = 0.5  # seconds after a 503
FILLING = 500  # pictures of different sizes that fill TensorFlow's store of prepared operations
PRESETS = {".png": "awsrn_s_x2", ".jpg": "awsrn_s_x2", ".webp": "awsrn_s_x4"}
PNG, HTML = "image/png", "text/html"


@dataclasses.dataclass(frozen=True)
class Case:
    """A request, and what must come of it; `expected` are the bytes of a result."""

    name: str
    path: str
    content: bytes
    status: int = 200
    expected: bytes = b""
    type: str = PNG


@dataclasses.dataclass
class Server:
    """A service in a process of its own."""

    process: subprocess.Popen
    port: int

    def memory(self) -> float:
        """Resident memory in MB."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.split("VmRSS:")[1].split()[0]) / 1e3

    def ask(self, case: Case) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Status, headers and body of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        with contextlib.closing(connection):
            connection.request("POST", case.path, case.content, {"Content-Type": case.type})
            response = connection.getresponse()
            return response.status, response.headers, response.read()

    def metrics(self) -> str:
        """What Prometheus is told."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        with contextlib.closing(connection):
            connection.request("GET", "/metrics")
            return connection.getresponse().read().decode()


@contextlib.contextmanager
def running_server(*options: str) -> Iterator[Server]:
    """Runs the command `serve` while the block runs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mirnet_keras.cli", "serve", "--port", str(port), *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        server = Server(process, port)
        try:
            while True:
                with contextlib.suppress(ConnectionRefusedError):
                    server.metrics()
                    break
                if process.poll() is not None:
                    raise RuntimeError("The service did not start.")
                time.sleep(0.1)
            yield server
        finally:
            process.kill()


def good_cases() -> list[Case]:
    """Pictures of several kinds, with what `Restorer.restore_file` makes of them."""
    cat = demo_picture("cat.webp")
    grey = cat[:80, :90].mean(-1).astype(np.uint8)
    files = {
        "colour.png": encode_image(cat[:96, :128], ".png"),
        "deep.png": encode_image(cat[:64, :64].astype(np.uint16) * 257, ".png"),
        "grey.png": _file(grey, "PNG"),
        "transparent.png": _file(np.dstack([cat[:50, :60], grey[:50, :60]]), "PNG"),
        "one.png": _file(cat[:1, :1], "PNG"),
        "colour.jpg": _file(cat[:150, :120], "JPEG", quality=90),
        "colour.webp": _file(cat[:70, :70], "WEBP"),
    }
    restorers = {name: Restorer(name) for name in set(PRESETS.values())}
    cases = []
    with tempfile.TemporaryDirectory() as temporary:
        for name, content in files.items():
            path = pathlib.Path(temporary) / name
            result = path.with_stem("restored_" + path.stem)
            path.write_bytes(content)
            preset = PRESETS[path.suffix]
            restorers[preset].restore_file(path, result)
            expected = result.read_bytes()
            cases.append(Case(name, f"/restore?preset={preset}", content, expected=expected))
    return cases


def bad_cases() -> list[Case]:
    """What must be refused."""
    png = encode_image(demo_picture("cat.webp")[:96, :128], ".png")
    header = b"IHDR" + struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    bomb = png[:12] + header + struct.pack(">I", zlib.crc32(header)) + png[33:]
    return [
        Case("wrong type", "/restore", png, 415, type=HTML),
        Case("no picture", "/restore", b"#!/bin/sh", 415),
        Case("bomb", "/restore", bomb, 422),
        Case("truncated", "/restore", png[: len(png) // 2], 422),
        Case("oversized", "/restore", png + bytes(4 * MAX_BYTES), 413),
        Case("unknown preset", "/restore?preset=../../etc/passwd", png, 422),
        Case("unknown option", "/restore?format=exe", png, 422),
    ]


def load(server: Server, seconds: float, clients: int = CLIENTS) -> dict:
    """Lets clients ask for a time.

    Returns:
        Counts of answers, faults (each a sentence), the server's memory in MB, seconds of waiting.
    """
    good, bad = good_cases(), bad_cases()
    for case in good:  # loads the presets
        server.ask(case)
    start_memory = server.memory()
    answers, faults, waits = collections.Counter(), [], []
    end = time.monotonic() + seconds

    def client(number: int) -> None:
        rng = np.random.default_rng(number)
        while time.monotonic() < end:
            cases = good if rng.random() < GOOD_SHARE else bad
            case = cases[rng.integers(len(cases))]
            start = time.monotonic()
            try:
                status, headers, body = server.ask(case)
            except OSError as error:
                faults.append(f"{case.name}: {error!r}")
                continue
            answers[status] += 1
            faults.extend(_faults(case, status, headers, body))
            if status == 503:
                time.sleep(PAUSE)
            elif status == 200:
                waits.append(time.monotonic() - start)

    memory = [start_memory]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.2):
            memory.append(server.memory())

    watcher = threading.Thread(target=watch)
    watcher.start()
    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        list(pool.map(client, range(clients)))
    done.set()
    watcher.join()
    return {
        "clients": clients,
        "seconds": seconds,
        "answers": dict(sorted(answers.items())),
        "faults": faults,
        "memory_mb": {"start": start_memory, "peak": max(memory), "end": server.memory()},
        "seconds_of_restoring": {
            "median": float(np.median(waits)),
            "p99": float(np.percentile(waits, 99)),
            "longest": max(waits),
        },
    }


def hundred(server: Server) -> dict:
    """The server's memory in MB around the last 100 of many pictures, each of another size.

    Returns:
        At the start, before the last 100, and after them.
    """
    rng, cat = np.random.default_rng(0), demo_picture("cat.webp")
    sizes = [rng.integers(1, cat.shape[:2]) for _ in range(FILLING + 100)]
    start, before = server.memory(), 0.0
    for number, (height, width) in enumerate(sizes):
        if number == FILLING:
            before = server.memory()
        content = encode_image(cat[:height, :width], ".png")
        case = Case("any size", "/restore?preset=awsrn_s_x2", content)
        status, _, body = server.ask(case)
        assert status == 200
        assert Image.open(io.BytesIO(body)).size == (2 * width, 2 * height)
    return {"start": start, "before": before, "after": server.memory()}


def _faults(
    case: Case, status: int, headers: http.client.HTTPMessage, body: bytes
) -> Iterator[str]:
    """What is wrong with an answer."""
    if status == 503:
        if int(headers.get("Retry-After", 0)) < 1:
            yield f"{case.name}: 503 without Retry-After"
    elif status != case.status:
        yield f"{case.name}: {status} instead of {case.status}"
    elif status == 200 and body != case.expected:
        yield f"{case.name}: not the bytes of restore_file"


def _file(pixels: np.ndarray, kind: str, **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def main():
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    with running_server("--max-bytes", str(MAX_BYTES)) as server:
        result = {"load": load(server, options.seconds), "hundred_mb": hundred(server)}
    result["machine"] = describe()
    text = json.dumps(result, indent=2)
    print(text)
    if options.json:
        options.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
