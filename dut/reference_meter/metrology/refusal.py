"""How the firmware says no."""

from __future__ import annotations


class Refused(Exception):
    """The firmware did not obey a command; nothing has changed, unless it says that the meter went Off meanwhile. The
    message says why and what is allowed."""
