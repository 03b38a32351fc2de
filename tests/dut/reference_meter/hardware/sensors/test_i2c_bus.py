"""The bus: who is addressed, and nobody."""

from __future__ import annotations

import pytest

from meterbench.dut.reference_meter.hardware.sensors.i2c_bus import Bus
from meterbench.dut.reference_meter.metrology.sensors.i2c import NotAcknowledged


class Notebook:
    """A chip that notes what it is asked."""

    def __init__(self) -> None:
        self.seen: list[object] = []

    def write(self, register: int, values: bytes) -> None:
        self.seen.append((register, values))

    def read(self, register: int, count: int) -> bytes:
        self.seen.append((register, count))
        return bytes(range(count))


def test_only_the_addressed_chip_hears() -> None:
    """The register goes first, the rest are its values; the neighbour hears nothing."""
    bus, chip, neighbour = Bus(), Notebook(), Notebook()
    bus.attach(0x6D, chip)
    bus.attach(0x19, neighbour)
    bus.write(0x6D, b"\x30\x0a")
    assert bus.read(0x6D, 0x06, 3) == b"\x00\x01\x02"
    assert chip.seen == [(0x30, b"\x0a"), (0x06, 3)]
    assert neighbour.seen == []


def test_nobody_acknowledges_for_a_missing_chip() -> None:
    """Neither a read nor a write, and the error names the address; the same after a chip was detached."""
    bus = Bus()
    with pytest.raises(NotAcknowledged, match="0x6D"):
        bus.write(0x6D, b"\x30\x0a")
    bus.attach(0x6D, Notebook())
    bus.detach(0x6D)
    with pytest.raises(NotAcknowledged, match="0x6D"):
        bus.read(0x6D, 0x06, 5)


@pytest.mark.parametrize("address", [-1, 0x00, 0x07, 0x78, 0x7F, 0x80, 0xDA])
def test_reserved_addresses_are_refused(address: int) -> None:
    """Among them 0xDA: 0x6D written as eight bits."""
    with pytest.raises(ValueError, match="attached"):
        Bus().attach(address, Notebook())


def test_an_address_has_one_chip() -> None:
    """The first and the last address that are free can be taken, once."""
    bus = Bus()
    for address in (0x08, 0x77):
        bus.attach(address, Notebook())
        with pytest.raises(ValueError, match=f"0x{address:02X}"):
            bus.attach(address, Notebook())
