"""Which ways to the outside may work in which mode, and on which source (ADR-060..062, 080, 084, OPEN-5)."""

from __future__ import annotations

from enum import Flag, auto

from meterbench.dut.reference_meter.metrology.modes import Mode


class Channel(Flag):
    """Ways to the outside."""

    IDENTIFICATION = auto()
    """The NFC tag says who it is: it lives from the reader's field."""
    NFC = auto()
    BLE = auto()
    WAN = auto()
    """LoRaWAN, NB-IoT, wM-Bus."""


EVERY_CHANNEL = Channel.IDENTIFICATION | Channel.NFC | Channel.BLE | Channel.WAN


def allowed(mode: Mode, *, on_backup: bool) -> Channel:
    """What may work; TEST changes nothing of it."""
    if mode is Mode.TRANSPORTATION:
        return Channel.IDENTIFICATION
    return Channel.IDENTIFICATION | Channel.NFC if on_backup else EVERY_CHANNEL
