"""The alarm register: what is going on, what stays until it is acknowledged, what must be told (ADR-033, 044, 046)."""

from __future__ import annotations

from meterbench.dut.reference_meter.metrology.status import NO_ALARM, TAMPER, Alarm

LATCHED = TAMPER
"""[design] A lid that was put back hides nothing: these stay until somebody acknowledges them."""


class AlarmRegister:
    """Three sets of flags, fed with every change."""

    def __init__(self, present: Alarm = NO_ALARM, latched: Alarm = NO_ALARM, to_push: Alarm = NO_ALARM) -> None:
        self.present = present
        """Their conditions hold now."""
        self.latched = latched
        """Of those that must be acknowledged, what was there since."""
        self.to_push = to_push
        """Began since the control centre was last told, and is on the list of what it wants."""

    @property
    def active(self) -> Alarm:
        """What counts as an alarm: shown, recorded, read out."""
        return self.present | self.latched

    def change(self, alarm: Alarm, *, on: bool, pushed: Alarm) -> None:
        """An alarm's condition came or went; ``pushed`` is the configured list."""
        if not on:
            self.present &= ~alarm
            return
        self.present |= alarm
        self.latched |= alarm & LATCHED
        self.to_push |= alarm & pushed

    def acknowledge(self, alarms: Alarm) -> None:
        """Clear latches whose cause is gone."""
        self.latched &= ~alarms | self.present

    def told(self, alarms: Alarm) -> None:
        """The control centre has been told of these."""
        self.to_push &= ~alarms
