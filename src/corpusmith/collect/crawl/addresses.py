"""Which addresses a crawl may connect to: public ones, and what the recipe names.

A page can point anywhere: at the machine itself, at the router, at a cloud's metadata service. So
the address that a connection is made to is looked at, whatever name, redirect or DNS answer led
there.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# What Python's is_global lets through, in some of its versions: protocol assignments (Oracle's
# metadata service is among them), Azure's in a public range, local NAT64, discard, site-local.
_MORE = tuple(
    ipaddress.ip_network(text)
    for text in (
        *("192.0.0.0/24", "168.63.129.16/32", "198.18.0.0/15", "240.0.0.0/4"),
        *("64:ff9b:1::/48", "100::/64", "2001:db8::/32", "3fff::/20", "fec0::/10"),
    )
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052
_COMPATIBLE = ipaddress.ip_network("::/96")  # RFC 4291, 2.5.5.1


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


def public(address: str, allowed: Sequence[Network] = ()) -> bool:
    """Whether a connection to this address may be made.

    >>> public("93.184.216.34"), public("127.0.0.1"), public("::ffff:10.0.0.1")
    (True, False, False)
    """
    try:
        found: Address = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(
        one.is_global and not one.is_multicast and not _in(one, _MORE)
        for one in _inside(found)
        if not _in(one, allowed)
    )


def _in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == n.version and address in n for n in networks)


def _inside(address: Address) -> list[Address]:
    """The address that packets go to in the end: one of IPv4 that stands in one of IPv6, else
    itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address.sixtofour is not None:
        return [address.sixtofour]
    if address.teredo is not None:
        return [*address.teredo]
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 0xFFFF):
        return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    return [address]
