"""Addresses as a station file writes them."""

from __future__ import annotations

import re
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class ModbusWire:
    """How a Modbus device is reached: frames of RTU or of Modbus TCP, over a port or a socket."""

    rtu: bool
    serial_url: str = ""
    """What pyserial opens; empty if it is a TCP connection to ``host`` and ``port``."""
    host: str = ""
    port: int = 0


def parse_modbus(address: str) -> ModbusWire:
    """The wire of one of these; ``ConfigError`` otherwise.

    ``tcp://host:port``: Modbus TCP. ``rtu-tcp://host:port``: RTU frames through a serial device server.
    ``rtu:///dev/ttyUSB0``, ``rtu://rfc2217://host:port``, ``rtu://socket://host:port``: RTU over what pyserial opens.
    """
    if address.startswith("rtu://") and (serial_url := address.removeprefix("rtu://")):
        return ModbusWire(rtu=True, serial_url=serial_url)
    try:
        host, port = parse_tcp(address.removeprefix("rtu-"))
    except ConfigError:
        raise ConfigError(
            f"address {address!r}: expected tcp://host:port, rtu-tcp://host:port, or rtu:// and a serial port, such as "
            "rtu:///dev/ttyUSB0"
        ) from None
    return ModbusWire(rtu=address.startswith("rtu-"), host=host, port=port)
