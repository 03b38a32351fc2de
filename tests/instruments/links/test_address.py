"""Addresses of the station file."""

from __future__ import annotations

import pytest

from meterbench.errors import ConfigError
from meterbench.instruments.links.address import ModbusWire, parse_modbus, parse_tcp, visa_resource


def test_tcp_address() -> None:
    """Host names and addresses of both families, with a port."""
    assert parse_tcp("tcp://127.0.0.1:502") == ("127.0.0.1", 502)
    assert parse_tcp("tcp://plc.bench:502") == ("plc.bench", 502)
    assert parse_tcp("tcp://[::1]:502") == ("::1", 502)


@pytest.mark.parametrize("address", ["127.0.0.1:502", "tcp://host", "tcp://host:0", "tcp://host:70000", "tcp://:5", ""])
def test_what_is_no_tcp_address_is_a_config_error(address: str) -> None:
    """No default port, no default host."""
    with pytest.raises(ConfigError, match="expected tcp://host:port"):
        parse_tcp(address)


def test_visa_resource() -> None:
    """A raw TCP address becomes a SOCKET resource; a resource stays as it is."""
    assert visa_resource("tcp://counter:5025") == "TCPIP::counter::5025::SOCKET"
    assert visa_resource("TCPIP::counter::hislip0::INSTR") == "TCPIP::counter::hislip0::INSTR"


def test_modbus_wires() -> None:
    """Modbus TCP, RTU through a serial device server, and RTU over whatever pyserial opens."""
    assert parse_modbus("tcp://plc:502") == ModbusWire(rtu=False, host="plc", port=502)
    assert parse_modbus("rtu-tcp://moxa:4001") == ModbusWire(rtu=True, host="moxa", port=4001)
    assert parse_modbus("rtu:///dev/ttyUSB0") == ModbusWire(rtu=True, serial_url="/dev/ttyUSB0")
    assert parse_modbus("rtu://rfc2217://moxa:4001") == ModbusWire(rtu=True, serial_url="rfc2217://moxa:4001")


@pytest.mark.parametrize("address", ["rtu://", "rtu-tcp://moxa", "/dev/ttyUSB0", "rtu:/dev/ttyUSB0", "udp://a:502", ""])
def test_what_is_no_modbus_wire_is_a_config_error(address: str) -> None:
    """The frames' form is never guessed."""
    with pytest.raises(ConfigError, match=r"expected tcp://host:port, rtu-tcp://host:port, or rtu://"):
        parse_modbus(address)
