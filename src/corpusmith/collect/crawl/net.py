"""Scrapy's downloader, guarded: which addresses are connected to, how large a header may be, and
what is wrong with an answer, by a short name.

An address is looked at twice: where a name was resolved, so that nothing is sent to a refused one,
and where a connection was made, before a byte is written to it. Both see the address itself, so
neither a redirect nor a name that resolves otherwise the second time leads around them.
"""

from __future__ import annotations

from typing import Any

from scrapy.core.downloader.handlers.http11 import (
    HTTP11DownloadHandler,
    _LenientHTTP11ClientFactory,
    _LenientHTTP11ClientProtocol,
    _LenientHTTPClientParser,
)
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    ResponseDataLossError,
    StopDownload,
    UnsupportedURLSchemeError,
)
from scrapy.resolver import CachingHostnameResolver
from twisted.internet.interfaces import IHostnameResolver, IResolutionReceiver
from zope.interface import implementer

from corpusmith.collect.crawl.addresses import Network, public

MAX_HEADER_BYTES = 256 << 10
MAX_HEADER_LINE_BYTES = 64 << 10


class Guard:
    """What this process's one crawl allows, and what it saw. Twisted builds resolvers and protocols
    itself, so they find it here."""

    allowed: tuple[Network, ...] = ()
    refused: dict[str, str] = {}  # host or address -> the address
    notes: dict[str, str] = {}  # URL -> what was wrong with its answer


@implementer(IResolutionReceiver)
class _Filter:
    """Passes on the addresses that may be connected to."""

    def __init__(self, receiver: Any, host: str) -> None:
        self.receiver = receiver
        self.host = host

    def resolutionBegan(self, resolution: Any) -> None:  # noqa: N802
        self.receiver.resolutionBegan(resolution)

    def addressResolved(self, address: Any) -> None:  # noqa: N802
        if public(address.host, Guard.allowed):
            self.receiver.addressResolved(address)
        else:
            Guard.refused[self.host] = address.host

    def resolutionComplete(self) -> None:  # noqa: N802
        self.receiver.resolutionComplete()


@implementer(IHostnameResolver)
class GuardedResolver(CachingHostnameResolver):
    """Names and literal addresses both come through here."""

    def resolveHostName(  # noqa: N802
        self,
        resolutionReceiver: Any,  # noqa: N803
        hostName: str,  # noqa: N803
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        receiver: Any = _Filter(resolutionReceiver, hostName)
        return super().resolveHostName(receiver, hostName, *args, **kwargs)


class _Parser(_LenientHTTPClientParser):
    """Bounds the header: 10 MB of it would be kept in memory, and parsed again and again."""

    MAX_LENGTH = MAX_HEADER_LINE_BYTES
    header_bytes = 0
    too_long = False

    def lineReceived(self, line: bytes) -> None:  # noqa: N802
        self.header_bytes += len(line)
        if self.header_bytes > MAX_HEADER_BYTES:
            self.lineLengthExceeded(line)
        elif not self.too_long:
            super().lineReceived(line)

    def lineLengthExceeded(self, line: bytes) -> None:  # noqa: N802
        if not self.too_long:
            self.too_long = True
            transport: Any = self.transport
            transport.loseConnection()


class HeaderTooLargeError(Exception):
    pass


class _Protocol(_LenientHTTP11ClientProtocol):
    def request(self, request: Any) -> Any:
        deferred = super().request(request)
        parser = self._parser
        assert parser is not None
        parser.__class__ = _Parser  # as Scrapy's own protocol does with its parser

        def explain(failure: Any) -> Any:
            if getattr(parser, "too_long", False):
                raise HeaderTooLargeError
            return failure

        deferred.addErrback(explain)
        return deferred

    def _finishResponse_WAITING(self, rest: bytes) -> None:  # noqa: N802
        if rest and self._currentRequest:  # the body goes on behind its Content-Length
            Guard.notes[self._currentRequest.absoluteURI.decode("latin-1")] = "length_too_short"
        super()._finishResponse_WAITING(rest)


class _Factory(_LenientHTTP11ClientFactory):
    noisy = False

    def buildProtocol(self, addr: Any) -> Any:  # noqa: N802
        if not public(addr.host, Guard.allowed):
            Guard.refused[addr.host] = addr.host
            return None  # the connection is dropped
        return _Protocol(self._quiescentCallback)


class GuardedHandler(HTTP11DownloadHandler):
    def __init__(self, crawler: Any) -> None:
        super().__init__(crawler)
        self._pool._factory = _Factory


PASSING = frozenset({"timeout", "connection", "connection_refused", "dns", "truncated"})
"""Errors after which another try may succeed, besides some status codes."""

CONNECTION = frozenset({"timeout", "connection", "connection_refused", "dns"})
"""Those that speak against the host."""


def kind_of(error: BaseException, host: str) -> str:
    """The short name of what a download ended with."""
    if host in Guard.refused and not isinstance(error, StopDownload):
        return "private_address"
    if isinstance(error, HeaderTooLargeError):
        return "header_too_large"
    said = str(error)
    if "certificate verify failed" in said or "VerificationError" in said:
        return "certificate"
    names: list[tuple[type[BaseException], str]] = [
        (CannotResolveHostError, "dns"),
        (DownloadTimeoutError, "timeout"),
        (DownloadConnectionRefusedError, "connection_refused"),
        (DownloadCancelledError, "too_large"),
        (ResponseDataLossError, "truncated"),
        (UnsupportedURLSchemeError, "scheme"),
        (DownloadFailedError, "connection"),
    ]
    for kind, name in names:
        if isinstance(error, kind):
            return name
    # Of TLS, of what is no HTTP, of connections that were dropped.
    outside = type(error).__module__.startswith(("twisted.", "OpenSSL", "service_identity"))
    return "connection" if outside else "other"
