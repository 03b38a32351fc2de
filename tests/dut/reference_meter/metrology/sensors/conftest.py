"""A scripted bus: the exact exchange, in its order, all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from meterbench.dut.reference_meter.metrology.sensors.i2c import I2cBus, NotAcknowledged

Exchange = tuple[int, str, str | None]
"""Address; what the firmware writes (hex); what comes back (hex), None for a plain write, "nak" for no answer."""


class ScriptedBus:
    """Answers as scripted and refuses anything else. A read is written as its register and its count."""

    def __init__(self, exchanges: list[Exchange]) -> None:
        self.left = list(exchanges)

    def write(self, address: int, payload: bytes) -> None:
        self._next(address, payload.hex(" "), reading=False)

    def read(self, address: int, register: int, count: int) -> bytes:
        answer = self._next(address, f"{register:02x} read {count}", reading=True)
        assert answer is not None
        return bytes.fromhex(answer)

    def _next(self, address: int, asked: str, *, reading: bool) -> str | None:
        assert self.left, f"0x{address:02X}: {asked} was not expected any more"
        expected_address, expected, answer = self.left.pop(0)
        assert (address, asked) == (expected_address, expected)
        if answer == "nak":
            raise NotAcknowledged(address)
        assert (answer is not None) == reading
        return answer


@pytest.fixture
def scripted() -> Iterator[Callable[[list[Exchange]], I2cBus]]:
    """Makes scripted buses; every exchange must have been used up at the end."""
    buses: list[ScriptedBus] = []

    def make(exchanges: list[Exchange]) -> I2cBus:
        buses.append(ScriptedBus(exchanges))
        return buses[-1]

    yield make
    assert [bus.left for bus in buses] == [[] for _ in buses]
