"""The ESPEC P-300 protocol as a table: refusals and modes (instruments.md 3.3)."""

from __future__ import annotations

TERMINATOR = b"\r\n"
ACCEPTED = "OK:"
REFUSED = "NA:"

IDLE_MODES = ("STANDBY", "OFF")
"""Nothing is heated or cooled; OFF switches the panel off, too."""
CONSTANT = "CONSTANT"
MODES = (*IDLE_MODES, CONSTANT, "RUN")
OFF = "OFF"
"""In the place of a humidity's set-point: it is not held."""

REFUSALS = {
    "CMD ERR": "it does not know the command",
    "ADDR ERR": "the address is wrong",
    "CONT NOT READY-1": "it has no humidity or product temperature control",
    "CONT NOT READY-2": "no programme is running",
    "CONT NOT READY-3": "this controller does not have the command",
    "CONT NOT READY-4": "its keys cannot be locked while it is off",
    "CONT NOT READY-5": "the time signal is not enabled",
    "DATA NOT READY": "there is no such programme",
    "PARA ERR": "a parameter is missing or unreadable",
    "DATA OUT OF RANGE": "a number is out of range",
    "PROTECT ON": "its settings are locked at the panel",
    "INVALID REQ": "it does not have the function",
    "CHB NOT READY": "it cannot do so at the moment",
    **{f"PRGM WRITE ERR-{number}": "it does not take the programme" for number in range(1, 16)},
}
"""Texts that follow ``NA:``."""
