"""The attempts to tamper: lid, magnet, position (ADR-044). The sensors are looked at in turn, each at its own pace."""

from __future__ import annotations

from typing import Protocol

from meterbench.dut.reference_meter.metrology.alarms.flow_alarms import AlarmChange
from meterbench.dut.reference_meter.metrology.clock import TICKS_PER_S
from meterbench.dut.reference_meter.metrology.sensors.case_contact import CaseContact
from meterbench.dut.reference_meter.metrology.sensors.fault import SensorFault
from meterbench.dut.reference_meter.metrology.sensors.i2c import I2cBus
from meterbench.dut.reference_meter.metrology.sensors.magnet import Magnet
from meterbench.dut.reference_meter.metrology.sensors.orientation import DOWN_BEYOND_DEG, Orientation
from meterbench.dut.reference_meter.metrology.status import NO_ALARM, TAMPER, Alarm

MAGNET_TICKS = TICKS_PER_S // 2
POSITION_TICKS = 10 * TICKS_PER_S
"""[design] The lid's contact is read at every tick, the Hall switch twice a second, the position every ten seconds."""
STILL_TICKS = TICKS_PER_S
"""A contact that has not moved for so long does not bounce any more."""


class TamperInputs(Protocol):
    """The pins and the bus of the three sensors."""

    @property
    def bus(self) -> I2cBus: ...

    def case_pressed(self, tick: int) -> bool:
        """Level of the lid's button."""
        ...

    def hall_on(self, tick: int) -> bool:
        """Level of the Hall switch."""
        ...


class TamperWatch:
    """Follows the three sensors. While nothing moves they need not be read: whoever moves something calls ``wake``.

    ``present`` is what was going on when the supply was lost.
    """

    def __init__(self, inputs: TamperInputs, tick: int, present: Alarm = NO_ALARM) -> None:
        self._inputs = inputs
        self._case = CaseContact(was_open=Alarm.CASE_OPEN in present)
        self._magnet = Magnet(was_present=Alarm.MAGNET in present)
        self._position = Orientation(inputs.bus, alarm=Alarm.TILT in present)
        self._inclination = self._position.update(tick / TICKS_PER_S)
        self.present = present & TAMPER
        """What is going on now."""
        self.next_look: int | None = None
        """When the sensors must be read next; None if nothing can come of it."""
        self._woken = tick
        if self.present or not inputs.case_pressed(tick) or inputs.hall_on(tick) or self._down:
            self.wake(tick)

    @property
    def _down(self) -> bool:
        return not isinstance(self._inclination, SensorFault) and self._inclination < -DOWN_BEYOND_DEG

    def wake(self, tick: int) -> None:
        """Something has moved: read the sensors from the next tick on until they have settled."""
        self._woken = tick
        self.next_look = tick + 1

    def look(self, tick: int) -> list[AlarmChange]:
        """Read what is due; what came and went."""
        now_s = tick / TICKS_PER_S
        pressed, hall_on = self._inputs.case_pressed(tick), self._inputs.hall_on(tick)
        self._case.update(pressed, now_s)
        if tick % MAGNET_TICKS == 0:
            self._magnet.update(hall_on, now_s)
        if tick % POSITION_TICKS == 0:
            self._inclination = self._position.update(now_s)
        was = self.present
        self.present = NO_ALARM
        self.present |= Alarm.CASE_OPEN if self._case.open else NO_ALARM
        self.present |= Alarm.MAGNET if self._magnet.present else NO_ALARM
        self.present |= Alarm.TILT if self._position.alarm else NO_ALARM
        settled = (
            tick >= self._woken + max(STILL_TICKS, POSITION_TICKS)
            and self._case.open != pressed
            and self._magnet.present == hall_on
            and (self._position.alarm == self._down or isinstance(self._inclination, SensorFault))
        )
        self.next_look = None if settled else tick + 1
        return [
            AlarmChange(tick, cause, cause in self.present)
            for cause in (Alarm.CASE_OPEN, Alarm.MAGNET, Alarm.TILT)
            if (cause in was) != (cause in self.present)
        ]
