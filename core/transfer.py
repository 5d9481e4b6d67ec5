"""Documents from and to an address that somebody named, by the same rules as events: `core.callback`.

The address is looked at when the connection is made, no redirect is followed, and neither time nor length is left to
the other side. It waits for the answer, so it belongs into a worker, outside of any transaction.
"""

import asyncio
import ssl
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

import httpcore

from satcom.core.callback import AGENT, CONNECT_WITHIN_S, Line, Network, NotDelivered, reached, refuse_unless_well

WITHIN_S: Final = 60.0
MOST_BYTES: Final = 20_000_000


def fetch(url: str, networks: Sequence[Network]) -> bytes:
    """What lies at an address. Raises `NotDelivered`."""
    return asyncio.run(_exchange("GET", url, networks, b"", ()))


def deliver(url: str, networks: Sequence[Network], content: bytes, content_type: str) -> None:
    """PUT the content to an address. Raises `NotDelivered` unless it is taken."""
    headers = (("Content-Type", content_type), ("Content-Length", str(len(content))))
    asyncio.run(_exchange("PUT", url, networks, content, headers))


async def _exchange(
    method: str, url: str, networks: Sequence[Network], content: bytes, more: Sequence[tuple[str, str]]
) -> bytes:
    line = Line(url, networks, ssl.create_default_context())
    headers: list[tuple[bytes | str, bytes | str]] = [
        ("Host", urlsplit(url).netloc),
        ("User-Agent", AGENT),
        ("Accept", "*/*"),
        *more,
    ]
    limits = dict.fromkeys(("read", "write"), WITHIN_S) | {"connect": CONNECT_WITHIN_S}
    request = httpcore.Request(method, line.url, headers=headers, content=content, extensions={"timeout": limits})
    try:
        async with reached(WITHIN_S), line.connection() as connection:
            answer = await connection.handle_async_request(request)
            try:
                refuse_unless_well(answer.status)
                return await _limited(answer) if method == "GET" else b""
            finally:
                await answer.aclose()
    finally:
        await line.close()


async def _limited(answer: httpcore.Response) -> bytes:
    content = bytearray()
    async for part in answer.aiter_stream():
        content += part
        if len(content) > MOST_BYTES:
            raise NotDelivered("tooLarge", f"it is longer than {MOST_BYTES} bytes")
    return bytes(content)
