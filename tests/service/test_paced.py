import asyncio

import pytest

from mirnet_keras.service.paced import PART, PacedResponse

CONTENT = bytes(range(256)) * (PART // 100)


def response(seconds=5):
    return PacedResponse(CONTENT, {"Mirnet-Preset": "a"}, "image/png", seconds=seconds)


def test_all_is_sent_in_parts():
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(response()({"type": "http"}, None, send))
    start, *parts = sent
    assert start["status"] == 200
    assert (b"mirnet-preset", b"a") in start["headers"]
    assert (b"content-length", str(len(CONTENT)).encode()) in start["headers"]
    assert b"".join(part["body"] for part in parts) == CONTENT
    assert max(len(part["body"]) for part in parts) == PART
    assert [part.get("more_body", False) for part in parts] == [True] * (len(parts) - 1) + [False]


def test_a_client_that_does_not_read_is_given_up():
    async def send(message):
        if message["type"] == "http.response.body":
            await asyncio.sleep(60)

    with pytest.raises(TimeoutError):
        asyncio.run(response(seconds=0.1)({"type": "http"}, None, send))
