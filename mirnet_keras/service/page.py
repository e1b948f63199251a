"""The page of `demo --web` on `/`, with this service as its engine."""

import json
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mirnet_keras.restorer.suggestion import ENLARGING_PRESET, LOW_LIGHT_PRESET
from mirnet_keras.web import HEADERS, SITE, TYPES, page_files, site_facts


def page_routes(preset: str | None) -> list[Route]:
    """A route for each file of the page, read now: later requests do not reach the disk.

    Args:
        preset: what the page suggests for every photo; None: one for dark photos, one for others.
    """
    files = page_files("server")
    facts = site_facts(
        "server", for_dark=preset or LOW_LIGHT_PRESET, for_others=preset or ENLARGING_PRESET
    )
    files[SITE] = json.dumps(facts).encode()
    return [_route(name, content) for name, content in files.items()]


def _route(name: str, content: bytes) -> Route:
    kind = TYPES[Path(name).suffix]

    async def give(request: Request) -> Response:
        return Response(content, headers=HEADERS, media_type=kind)

    return Route("/" if name == "index.html" else f"/{name}", give)
