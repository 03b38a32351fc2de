"""The S!MPAC SIMSERV protocol as a table: command numbers, error codes, status bits (instruments.md 3.1)."""

from __future__ import annotations

from enum import IntEnum, IntFlag

SEPARATOR = "\xb6"
"""One byte B6 on the wire (latin-1), not the two that UTF-8 would make of it."""
CHAMBER = "1"
"""The chamber's index: always 1."""
TEMPERATURE = "1"
"""The control variable's."""
HUMIDITY = "2"
"""The control variable's of a chamber that has two or more; its unit is then in percent."""
START_OUTPUT = "1"
"""The digital output that starts manual mode."""
HUMIDITY_OUTPUT = 2
"""The digital output that lets manual mode hold the humidity, too (as in the older ASCII-2; unconfirmed)."""
REQUEST_END = b"\r"
REPLY_END = b"\r\n"
DONE = 1
"""The code of an answer that is no error."""


class Command(IntEnum):
    """What can be asked; arguments follow the chamber's index."""

    chamber_info = 99997
    chamber_status = 10012
    variable_count = 11018
    variable_name = 11026
    variable_unit = 11023
    set_setpoint = 11001
    get_setpoint = 11002
    get_actual = 11004
    get_lowest = 11007
    get_highest = 11009
    get_gradient_up = 11066
    set_gradient_up = 11068
    get_gradient_down = 11070
    set_gradient_down = 11072
    set_output = 14001
    get_output = 14003
    message_count = 17002
    message_text = 17007
    message_type = 17005
    message_status = 17009


class Info(IntEnum):
    """Argument of ``chamber_info``."""

    type = 1
    year = 2
    serial = 3
    order = 4
    software = 5


class Status(IntFlag):
    """Answer of ``chamber_status``: 1 idle or 3 running, and more."""

    alive = 1
    running = 2
    warning = 4
    alarm = 8


class MessageType(IntEnum):
    """Answer of ``message_type`` (public driver of a LabEvent; unconfirmed in a manual)."""

    alarm = 1
    warning = 2
    info = 4


ERRORS = {
    -1: "the command was empty",
    -2: "the chamber's index was missing",
    -3: "the chamber's index is out of range",
    -4: "there is no such chamber",
    -5: "it does not know the command",
    -6: "too few parameters, or wrong ones",
    -7: "its server is not there",
    -8: "index or data cannot be read",
    -9: "it could not carry the command out",
    -10: "the index is wrong",
    -11: "nobody is logged in",
    -12: "who is logged in may not do that",
    -13: "somebody is logged in already",
}
