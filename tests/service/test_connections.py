"""Over real connections: clients that are slow, or go; and the end of the service."""

import contextlib
import http.client
import socket
import threading
import time

import keras
import numpy as np
import pytest
import uvicorn

from mirnet_keras.batch import Settings
from mirnet_keras.images import encode_image
from mirnet_keras.models import AWSRN
from mirnet_keras.restorer import Restorer
from mirnet_keras.service import Limits, create_app

HEAD = (
    b"POST /restore HTTP/1.1\r\nHost: here\r\nContent-Type: image/png\r\nContent-Length: %d\r\n\r\n"
)
PHOTO = encode_image(np.full((400, 400, 3), 200, np.uint8), ".png")


@pytest.fixture
def model(tmp_path):
    keras.utils.set_random_seed(0)
    path = tmp_path / "tiny.keras"
    AWSRN(scale=2, blocks=1, units=1, filters=4, wide_filters=8).save(path)
    return path


@pytest.fixture
def serve(model):
    """`serve(seconds)` gives the server and its port."""
    with contextlib.ExitStack() as stack:

        def start(seconds):
            app = create_app(Settings(preset=str(model)), Limits(seconds=seconds))
            server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical"))
            thread = threading.Thread(target=server.run)
            thread.start()
            stack.callback(thread.join)
            stack.callback(setattr, server, "should_exit", True)
            while not server.started:
                assert thread.is_alive()
                time.sleep(0.02)
            return server, server.servers[0].sockets[0].getsockname()[1]

        yield start


def connected(port, content=PHOTO):
    """A connection over which a picture was asked for."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    connection.sendall(HEAD % len(PHOTO) + content)
    return connection


def status(connection):
    response = http.client.HTTPResponse(connection)
    response.begin()
    response.read()
    return response.status


def waiting(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    with contextlib.closing(connection):
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    return float(text.split("\nmirnet_waiting ")[1].split()[0])


def wait_for(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_who_sends_too_slowly_is_told_so(serve):
    _, port = serve(seconds=0.3)
    with connected(port, PHOTO[:100]) as connection:
        assert status(connection) == 408
    assert waiting(port) == 0


def test_pictures_of_those_who_left_are_not_begun(serve, held):
    release, entered = held
    _, port = serve(seconds=20)
    with connected(port) as first:
        wait_for(lambda: entered)
        second = connected(port)
        wait_for(lambda: waiting(port) == 2)
        second.close()
        wait_for(lambda: waiting(port) == 1)
        release.set()
        assert status(first) == 200
    with connected(port) as third:
        assert status(third) == 200
    assert len(entered) == 2


def test_what_nobody_waits_for_ends_and_lets_the_next_one_go(serve, monkeypatch):
    """Those who have gone, and those who were told that it takes too long."""
    begun, finished = [], []

    def endless(self, image, *, progress):
        begun.append(image.shape)
        if len(begun) <= 2:
            while True:
                time.sleep(0.01)
                progress(0.5)
        finished.append(True)
        return np.repeat(np.repeat(image, self.scale, 0), self.scale, 1)

    monkeypatch.setattr(Restorer, "__call__", endless)
    _, port = serve(seconds=3)
    gone = connected(port)
    wait_for(lambda: len(begun) == 1)
    gone.close()
    with connected(port) as late:
        wait_for(lambda: len(begun) == 2)
        assert status(late) == 503
    with connected(port) as third:
        assert status(third) == 200
    assert len(finished) == 1


def test_who_leaves_while_sending_gives_the_place_free(serve):
    _, port = serve(seconds=20)
    connection = connected(port, PHOTO[:100])
    wait_for(lambda: waiting(port) == 1)
    connection.close()
    wait_for(lambda: waiting(port) == 0)


def test_what_was_accepted_is_finished_before_the_end(serve, held):
    release, entered = held
    server, port = serve(seconds=20)
    with connected(port) as first, connected(port) as second:
        wait_for(lambda: waiting(port) == 2 and entered)
        server.should_exit = True  # what SIGTERM does
        wait_for(lambda: not server.servers[0].is_serving())
        with pytest.raises(ConnectionRefusedError):
            connected(port)
        release.set()
        assert [status(first), status(second)] == [200, 200]
