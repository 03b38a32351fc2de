"""What the firmware asks of an I2C bus."""

from __future__ import annotations

from typing import Protocol


class NotAcknowledged(Exception):
    """No chip acknowledged its address."""

    def __init__(self, address: int) -> None:
        super().__init__(f"no chip acknowledged I2C address 0x{address:02X}")
        self.address = address


class I2cBus(Protocol):
    """A bus of chips with 7-bit addresses and registers of one byte."""

    def write(self, address: int, payload: bytes) -> None:
        """Write the payload (one byte at least, the register first); ``NotAcknowledged`` if there is no such chip."""

    def read(self, address: int, register: int, count: int) -> bytes:
        """Read ``count`` bytes from a register on; ``NotAcknowledged`` if there is no such chip."""
