"""Addresses as a station file writes them."""

from __future__ import annotations

import re

from meterbench.errors import ConfigError

_TCP = re.compile(r"tcp://(?P<host>[^/:\s]+|\[[0-9a-fA-F:]+\]):(?P<port>\d{1,5})")


def parse_tcp(address: str) -> tuple[str, int]:
    """Host and port of ``tcp://host:port``; ``ConfigError`` otherwise."""
    match = _TCP.fullmatch(address)
    if match is None or not 0 < int(match["port"]) < 65536:
        raise ConfigError(f"address {address!r}: expected tcp://host:port with a port from 1 to 65535")
    return match["host"].strip("[]"), int(match["port"])


def visa_resource(address: str) -> str:
    """The VISA resource of ``tcp://host:port``; a resource such as ``TCPIP::host::port::SOCKET`` is left as it is."""
    if "::" in address and "://" not in address:
        return address
    host, port = parse_tcp(address)
    return f"TCPIP::{host}::{port}::SOCKET"
