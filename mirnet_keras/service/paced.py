"""Answers to clients that read slowly."""

import asyncio
from collections.abc import Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

PART = 2**16  # bytes


class PacedResponse(Response):
    """Is sent as fast as the client takes it, and given up when that is too slow.

    Until it is sent, the request is not over, so that what is held for clients can be counted.

    Args:
        content: the body.
        headers: further headers.
        media_type: of the body.
        seconds: the longest that sending may take.
    """

    def __init__(
        self, content: bytes, headers: Mapping[str, str], media_type: str, *, seconds: float
    ):
        super().__init__(content, 200, headers, media_type)
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the answer."""
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        body = {"type": "http.response.body", "more_body": True}
        async with asyncio.timeout(self._seconds):
            await send(start)
            for place in range(0, len(self.body), PART):
                await send(body | {"body": self.body[place : place + PART]})
            await send({"type": "http.response.body", "body": b""})
