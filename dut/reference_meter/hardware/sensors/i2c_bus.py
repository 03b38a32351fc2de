"""The board's I2C bus: chips by their 7-bit address; nobody acknowledges for one that is not there."""

from __future__ import annotations

from typing import Protocol

from meterbench.dut.reference_meter.metrology.sensors.i2c import NotAcknowledged

ADDRESSES = range(0x08, 0x78)
"""The 7-bit addresses that are not reserved (I2C specification UM10204, 3.1.12)."""


class Chip(Protocol):
    """What sits on the bus: registers of one byte."""

    def write(self, register: int, values: bytes) -> None:
        """Take in bytes from this register on."""

    def read(self, register: int, count: int) -> bytes:
        """Give ``count`` bytes from this register on."""


class Bus:
    """The wires of one meter (the firmware's ``I2cBus``)."""

    def __init__(self) -> None:
        self._chips: dict[int, Chip] = {}

    def attach(self, address: int, chip: Chip) -> None:
        """Solder a chip in; ``ValueError`` for a reserved address or one that is taken."""
        if address not in ADDRESSES or address in self._chips:
            raise ValueError(f"no chip can be attached at I2C address 0x{address:02X}")
        self._chips[address] = chip

    def detach(self, address: int) -> None:
        """Break a chip's connection: it no longer acknowledges."""
        del self._chips[address]

    def write(self, address: int, payload: bytes) -> None:
        """Start, address, the payload (register first), stop. ``NotAcknowledged`` if nobody is there."""
        self._addressed(address).write(payload[0], payload[1:])

    def read(self, address: int, register: int, count: int) -> bytes:
        """Write the register's number, start again, read ``count`` bytes. ``NotAcknowledged`` if nobody is there."""
        return self._addressed(address).read(register, count)

    def _addressed(self, address: int) -> Chip:
        chip = self._chips.get(address)
        if chip is None:
            raise NotAcknowledged(address)
        return chip
