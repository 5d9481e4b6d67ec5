"""Calling back: one event to one address, without becoming a way into networks that the caller could not reach.

An address is looked at when the connection is made, and the connection goes to the very address that was looked at: a
name that means something else a moment later gains nothing. Redirects are not followed, no proxy is used, and neither
the time an answer takes nor its length is left to who gives it.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self, TypeAlias
from urllib.parse import urlsplit

import httpcore
from standardwebhooks import Webhook

from satcom.core.errors import Fault

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
MAX_LENGTH = 2000
ANSWER_WITHIN_S, CONNECT_WITHIN_S = 10.0, 3.0
MAX_ANSWER_BYTES, TOLD_LENGTH = 65_536, 200
MOST_LINES, KEPT_S = 50, 30.0
NAT64 = ipaddress.ip_network("64:ff9b::/96")
AGENT = "satcom"
ANSWERED = "refused"  # the kind of what was not delivered to somebody who is there


class NotDelivered(Exception):
    """What was sent did not arrive, or nobody said that it did. `kind` is one of a few, for the metrics."""

    def __init__(self, kind: str, why: str, for_good: bool = False) -> None:
        self.kind, self.for_good = kind, for_good
        super().__init__(why)


class ForbiddenAddress(httpcore.ConnectError):
    """A connection that must not be made."""


def allowed(address: Address, networks: Sequence[Network]) -> bool:
    """Whether an event may go there: to any address of the public Internet, and into the operator's chosen networks."""
    inner = _inner(address)
    if any(one in network for network in networks for one in {address, inner} if one.version == network.version):
        return True
    return inner.is_global and not inner.is_multicast and not inner.is_reserved


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, where it does."""
    if isinstance(address, ipaddress.IPv6Address):
        embedded = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if embedded is None and address in NAT64:
            embedded = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return embedded or address
    return address


def callback_faults(callback: str, networks: Sequence[Network], field: str = "/callback") -> list[Fault]:
    """What is wrong with an address to be called. A name is looked up when it is called, not here."""
    if len(callback) > MAX_LENGTH or not callback.isprintable() or " " in callback or not callback.isascii():
        return [Fault(field, f"is no URL of at most {MAX_LENGTH} ASCII characters", "wrongFormat", "https://...")]
    try:
        parts = urlsplit(callback)
        port, host = parts.port, parts.hostname
    except ValueError as error:
        return [Fault(field, f"is no URL: {error}", "wrongFormat", "https://...")]
    if parts.scheme not in ("http", "https") or not host or port == 0:
        return [Fault(field, "is no address of a web server", "wrongFormat", "https://... or http://...")]
    if parts.username is not None or parts.password is not None:
        why = "a name or password in an address is seen by too many"
        return [Fault(field, why, "credentials", "an address without them")]
    if parts.fragment:
        return [Fault(field, "what follows # is never sent", "wrongFormat", "an address without it")]
    literal = _literal(host)
    if literal is not None and not allowed(literal, networks):
        return [Fault(field, _forbidden(host), "forbiddenAddress", "an address that is public")]
    return []


def _literal(host: str) -> Address | None:
    """The address that a host is written as, in any of the ways the system reads; `None` for a name."""
    if host == "localhost" or host.endswith(".localhost"):
        return ipaddress.IPv4Address("127.0.0.1")
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))  # 127.1, 0x7f000001, 2130706433
    except OSError:
        return None


def _forbidden(host: str) -> str:
    return f"{host[:80]} lies in a network that nothing is asked of or sent into (setting SATCOM_EVENT_NETWORKS)"


class GuardedConnections(httpcore.AsyncNetworkBackend):
    """Makes connections to allowed addresses only."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self.networks = networks
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as unknown:
            raise httpcore.ConnectError(f"{host[:80]} is not known: {unknown}") from unknown
        addresses = [one for one in dict.fromkeys(str(info[4][0]) for info in found) if self._allows(one)]
        if not addresses:
            raise ForbiddenAddress(_forbidden(host))
        for place, address in enumerate(addresses):
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if place == len(addresses) - 1:
                    raise
        raise AssertionError("the last address has returned or raised")

    def _allows(self, address: str) -> bool:
        return allowed(ipaddress.ip_address(address.partition("%")[0]), self.networks)


@dataclass(frozen=True)
class Letter:
    """One event as it goes out. `identifier` is the same over all attempts."""

    identifier: str
    body: bytes


class Line:
    """The connections to one callback that are free just now."""

    def __init__(self, callback: str, networks: Sequence[Network], trusted: ssl.SSLContext) -> None:
        self.url = httpcore.URL(callback)
        self._backend, self._trusted = GuardedConnections(networks), trusted
        self._free: list[httpcore.AsyncHTTPConnection] = []
        self._given_up = False

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[httpcore.AsyncHTTPConnection]:
        """One for a single request; kept for the next when that ended well."""
        taken = self._free.pop() if self._free else self._new()
        if taken.has_expired() or taken.is_closed():
            await taken.aclose()
            taken = self._new()
        try:
            yield taken
        finally:
            if taken.is_idle() and not self._given_up:
                self._free.append(taken)
            else:
                await taken.aclose()

    def _new(self) -> httpcore.AsyncHTTPConnection:
        return httpcore.AsyncHTTPConnection(
            self.url.origin, self._trusted, keepalive_expiry=KEPT_S, network_backend=self._backend
        )

    async def close(self) -> None:
        self._given_up = True
        while self._free:
            await self._free.pop().aclose()


@asynccontextmanager
async def reached(within_s: float) -> AsyncIterator[None]:
    """Within, what goes wrong on the way is told as `NotDelivered`."""
    try:
        async with asyncio.timeout(within_s):
            yield
    except ForbiddenAddress as forbidden:
        raise NotDelivered("address", str(forbidden)) from forbidden
    except (TimeoutError, httpcore.TimeoutException) as late:
        raise NotDelivered("late", f"no answer within {within_s:g} s") from late
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol, OSError) as lost:
        raise NotDelivered("unreachable", f"cannot be reached: {str(lost)[:TOLD_LENGTH]}") from lost


def refuse_unless_well(status: int) -> None:
    """Raises `NotDelivered`. What else was said is not kept: who gave the address could read a stranger's answer."""
    if not 200 <= status < 300:
        hint = "; redirects are not followed" if 300 <= status < 400 else ""
        raise NotDelivered(ANSWERED, f"answered {status}{hint}", for_good=status == 410)


class Caller:
    """Sends letters, to any number of listeners at once. Use it in an `async with`."""

    def __init__(self, networks: Sequence[Network], within_s: float = ANSWER_WITHIN_S) -> None:
        self._networks, self._within_s = networks, within_s
        self._trusted = ssl.create_default_context()
        self._lines: OrderedDict[str, Line] = OrderedDict()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for line in self._lines.values():
            await line.close()

    async def _line_to(self, callback: str) -> Line:
        """The line to a callback; the one used longest ago is given up when there are many."""
        if callback not in self._lines:
            self._lines[callback] = Line(callback, self._networks, self._trusted)
        self._lines.move_to_end(callback)
        if len(self._lines) > MOST_LINES:
            await self._lines.popitem(last=False)[1].close()
        return self._lines[callback]

    async def send(self, callback: str, secret: bytes, letter: Letter) -> None:
        """Raises `NotDelivered` unless the listener says with a status 2xx that it has the event."""
        moment = datetime.now(UTC)
        signature = Webhook(secret).sign(letter.identifier, moment, letter.body.decode())
        headers: list[tuple[bytes | str, bytes | str]] = [
            ("Host", urlsplit(callback).netloc),
            ("Content-Type", "application/json;charset=utf-8"),
            ("User-Agent", AGENT),
            ("Accept", "*/*"),
            ("Content-Length", str(len(letter.body))),
            ("webhook-id", letter.identifier),
            ("webhook-timestamp", str(int(moment.timestamp()))),
            ("webhook-signature", signature),
        ]
        async with reached(self._within_s):
            await self._post(callback, headers, letter.body)

    async def _post(self, callback: str, headers: list[tuple[bytes | str, bytes | str]], body: bytes) -> None:
        limits = dict.fromkeys(("read", "write"), self._within_s) | {"connect": CONNECT_WITHIN_S}
        line = await self._line_to(callback)
        request = httpcore.Request("POST", line.url, headers=headers, content=body, extensions={"timeout": limits})
        async with line.connection() as connection:
            answer = await connection.handle_async_request(request)
            try:
                length = 0
                async for part in answer.aiter_stream():
                    length += len(part)
                    if length > MAX_ANSWER_BYTES:
                        break  # closed below, and its connection with it
            finally:
                await answer.aclose()
        refuse_unless_well(answer.status)
