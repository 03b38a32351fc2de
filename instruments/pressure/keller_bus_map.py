"""The Keller bus as its documents tell it: functions, channels, errors and the check sum (instruments.md 5)."""

from __future__ import annotations

F_INITIALISE = 48
"""Answer: class, group, year, week, buffer length, status. First after power-up."""
F_SERIAL = 69
"""Answer: the serial number, 32 bits."""
F_FLOAT = 73
"""One byte, the channel. Answer: float32, high byte first, and a status byte."""
ANSWER_BYTES = {F_INITIALISE: 10, F_SERIAL: 8, F_FLOAT: 9}
"""Length of a good answer, address and check sum included."""
ERROR_BYTES = 5
"""Length of an error: address, function with bit 7 set, code, check sum."""
REQUEST_BYTES = {F_INITIALISE: 4, F_SERIAL: 4, F_FLOAT: 5}
ERROR_BIT = 0x80

CHANNELS = ("CH0", "P1", "P2", "T", "TOB1", "TOB2")
P1 = CHANNELS.index("P1")
"""Pressure in bar."""
STATUS_BITS = ("CH0", "P1", "P2", "T", "TOB1", "TOB2", "computation", "power-up")
"""What each bit of the status byte complains of, from bit 0 (unconfirmed)."""

ERRORS = {
    1: "it does not know the function",
    2: "it does not have that channel",
    3: "the length of the message or a value in it is not allowed",
    32: "it has been switched on and not been initialised since",
}
"""By code (unconfirmed)."""
NOT_INITIALISED = 32

ANY_ADDRESS = 250
"""Every device answers to it: for a line with one device."""


def crc16(payload: bytes) -> bytes:
    """The check sum: polynomial 0xA001 from 0xFFFF as in Modbus RTU, but its HIGH byte first."""
    crc = 0xFFFF
    for byte in payload:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc.to_bytes(2, "big")
