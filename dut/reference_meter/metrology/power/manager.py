"""The power manager: checks in; source, switches, percentages and LOWBAT out (ADR-045, ADR-050..054)."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping

from meterbench.dut.reference_meter.metrology.power.account import Account
from meterbench.dut.reference_meter.metrology.power.activity import Activity
from meterbench.dut.reference_meter.metrology.power.nominal import nominal_figures
from meterbench.dut.reference_meter.metrology.power.places import Place, Source
from meterbench.dut.reference_meter.metrology.power.selector import CHECKS, Battery, Condition, choose_source
from meterbench.dut.reference_meter.metrology.refusal import Refused
from meterbench.dut.reference_meter.metrology.status import Alarm

CHECK_PERIOD_S = 3600
"""[design] By the meter's clock, on the hour."""
LOW_PERCENT = 10
"""[design] metering.md 5.5."""
_PLACE = struct.Struct(">BBI")
"""Condition, contradicting checks, remaining charge in uAh."""
STATE_BYTES = _PLACE.size * len(Place)


class PowerManager:
    """Knows no battery at first: ``check`` all places once before anything else."""

    def __init__(self) -> None:
        self._nominal = nominal_figures()
        self._batteries = {place: Battery() for place in Place}
        self._account = Account(self._nominal)
        self.source = Source.NONE
        """What has to feed."""
        self.low_battery = Alarm(0)
        """The two LOWBAT bits, judged at each check. A source without a pack is not low: it is not there."""

    @property
    def switches(self) -> frozenset[Place]:
        """Which places have to be connected."""
        return frozenset(self.source.places)

    @property
    def present(self) -> frozenset[Place]:
        """The places that had a pack when they were looked at last."""
        return frozenset(
            place for place, battery in self._batteries.items() if battery.condition is not Condition.ABSENT
        )

    def percent(self, source: Source) -> int | None:
        """What is left in a source, 0..100, rounded up; None without a pack. Rises only when a pack is exchanged."""
        fraction = self._account.fraction(source.places)
        return None if fraction is None else _percent(fraction)

    @property
    def internal_percent(self) -> int:
        """Of C1 and C2; of the backup where they are missing."""
        main_percent, backup_percent = self.percent(Source.MAIN), self.percent(Source.BACKUP)
        return (backup_percent or 0) if main_percent is None else main_percent

    @property
    def external_percent(self) -> int | None:
        return self.percent(Source.EXTERNAL)

    def check(self, readings: Mapping[Place, float | None]) -> None:
        """Take in the places measured (V), None for those without contact; others stay as they were judged.

        Periodic checks measure all places; a contact that changes has its own place measured at once.
        """
        for place, reading_v in readings.items():
            battery = self._batteries[place]
            if reading_v is None:
                self._account.remove(place)
            elif battery.condition is Condition.ABSENT:
                self._account.exchange(place)
            battery.check(reading_v)
            if battery.condition is Condition.DISCHARGED:
                self._account.clamp(place)
        self._judge()

    def exchanged(self, place: Place) -> None:
        """Somebody says that the pack in this place is a new one: an exchange while the meter was off is not seen.
        ``Refused`` for a place without a pack."""
        if self._batteries[place].condition is Condition.ABSENT:
            raise Refused(f"replace the battery in {place.name}: there is no pack")
        if self._batteries[place].condition is Condition.DISCHARGED:
            self._batteries[place] = Battery(Condition.NEW)
        self._account.exchange(place)
        self._judge()

    def spend(self, duration_s: float, activity: Activity) -> None:
        """Count what the meter did since the last time."""
        self._account.spend(duration_s, self._nominal.mean_ma(activity), self._feeding())

    def unmoved_by(self, readings: Mapping[Place, float | None], duration_s: float, activity: Activity) -> bool:
        """True if checks that read about this tell nothing new in all that time, nor does counting."""
        if not all(self._batteries[place].unmoved_by(reading_v) for place, reading_v in readings.items()):
            return False
        account = self._account.copy()
        account.spend(duration_s, self._nominal.mean_ma(activity), self._feeding())
        return self._low(account) == self.low_battery

    def state(self) -> bytes:
        """For the checkpoint: ``STATE_BYTES`` bytes."""
        return b"".join(
            _PLACE.pack(battery.condition, battery.contradicting, math.floor(1e3 * self._left_mah(place)))
            for place, battery in self._batteries.items()
        )

    def restore(self, state: bytes) -> None:
        """Go on from a checkpoint; ``ValueError`` if it is none. What has changed meanwhile, the next check tells."""
        if len(state) != STATE_BYTES:
            raise ValueError(f"a state of {len(state)} bytes is none of the power manager's, which has {STATE_BYTES}")
        batteries, account = {}, Account(self._nominal)
        for place, (condition, contradicting, left_uah) in zip(Place, _PLACE.iter_unpack(state), strict=True):
            most_uah = 1e3 * self._nominal.capacity_mah[place]
            if condition not in tuple(Condition) or contradicting >= CHECKS or left_uah > most_uah:
                raise ValueError(f"{place.name} cannot be in the state {condition}, {contradicting}, {left_uah} uAh")
            batteries[place] = Battery(Condition(condition), contradicting)
            if condition != Condition.ABSENT:
                account.remaining_mah[place] = 1e-3 * left_uah
        self._batteries, self._account = batteries, account
        self._judge()

    def _left_mah(self, place: Place) -> float:
        return self._account.remaining_mah.get(place, 0.0)

    def _feeding(self) -> list[Place]:
        return [place for place in self.source.places if self._batteries[place].condition is Condition.GOOD]

    def _judge(self) -> None:
        self.source = choose_source(self._batteries)
        self.low_battery = self._low(self._account)

    def _low(self, account: Account) -> Alarm:
        bits = Alarm(0)
        for source, bit in (
            (Source.EXTERNAL, Alarm.LOW_BATTERY_EXTERNAL),
            (Source.MAIN, Alarm.LOW_BATTERY_INTERNAL),
            (Source.BACKUP, Alarm.LOW_BATTERY_INTERNAL),
        ):
            fraction = account.fraction(source.places)
            if fraction is not None and _percent(fraction) <= LOW_PERCENT:
                bits |= bit
        return bits


def _percent(fraction: float) -> int:
    return math.ceil(100.0 * fraction)
