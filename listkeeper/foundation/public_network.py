"""Which IP addresses lie in the public internet, also when another is packed into them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

# Addresses of other families travel inside these.
_NAT64 = ip_network("64:ff9b::/96")
_SPECIAL = ip_network("192.0.0.0/24")
_GLOBAL_UNICAST = ip_network("2000::/3")


def is_public(address: str) -> bool:
    """Return whether an IP address lies in the public internet, also when another is packed into it."""
    ip = ip_address(address.partition("%")[0])
    inner = _packed_inside(ip)
    if inner is not None:
        return is_public(str(inner))
    # Older Python releases call some special networks global: these two rules hold on all of them.
    outside = ip in _SPECIAL if isinstance(ip, IPv4Address) else ip not in _GLOBAL_UNICAST
    return ip.is_global and not (ip.is_private or ip.is_multicast or ip.is_reserved or outside)


def _packed_inside(ip: IPv4Address | IPv6Address) -> IPv4Address | None:
    if isinstance(ip, IPv4Address):
        return None
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    teredo = ip.teredo
    return ip.ipv4_mapped or ip.sixtofour or (teredo[1] if teredo else None)
