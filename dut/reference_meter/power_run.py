"""Lives a supply and the firmware's power manager together, from one thing that others must know to the next.

Each periodic check is made where it falls, but for long stretches in which none could tell anything new: there every
reading is clear of every limit at both ends, and voltages do not turn back under steady conditions (a growing film and
a falling charge both lower them; a film that goes while the charge falls makes a hump, whose ends are its lowest).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Flag, auto

from meterbench.dut.reference_meter.hardware.power.loads import Demand, Loads
from meterbench.dut.reference_meter.hardware.power.supply import Place as HardwarePlace
from meterbench.dut.reference_meter.hardware.power.supply import Rail, Supply
from meterbench.dut.reference_meter.metrology.power.activity import Activity
from meterbench.dut.reference_meter.metrology.power.manager import CHECK_PERIOD_S, PowerManager
from meterbench.dut.reference_meter.metrology.power.places import Place, Source
from meterbench.dut.reference_meter.metrology.status import Alarm

LONGEST_STRETCH_S = 128 * 86_400.0
"""As far as checks are skipped at once; films and charges go in closed form."""
SHORTEST_STRETCH_S = 4.0 * CHECK_PERIOD_S
"""Shorter ones are not tried: checking is quicker than proving that it is not needed."""
_WIRED_TO = {place: HardwarePlace[place.name] for place in Place}


class Change(Flag):
    """What others must know."""

    SOURCE = auto()
    """Another source feeds, or none, by the manager's decision."""
    LOW_BATTERY = auto()
    POWER_FAIL = auto()
    """The capacitor warns: save what must be saved."""
    BROWN_OUT = auto()
    """The rail is down and the firmware gone."""
    RAIL_BACK = auto()
    """The firmware starts again: ``PowerRun.boot``."""


_RAIL_CHANGES = {
    (Rail.UP, Rail.FAILING): Change.POWER_FAIL,
    (Rail.UP, Rail.DOWN): Change.BROWN_OUT,
    (Rail.FAILING, Rail.DOWN): Change.BROWN_OUT,
    (Rail.DOWN, Rail.UP): Change.RAIL_BACK,
}


@dataclass(frozen=True, slots=True)
class Lived:
    """How long it was, and what ended it: nothing if the whole duration passed."""

    seconds: float
    changes: Change


class PowerRun:
    """One meter's power. Hands put packs in and take them out through ``supply``, between two ``live``."""

    def __init__(self, supply: Supply, loads: Loads, check_period_s: float = CHECK_PERIOD_S) -> None:
        self.supply = supply
        self.loads = loads
        self.manager: PowerManager | None = None
        """The firmware's; None until it is booted, and after a brown-out."""
        self.now_s = 0.0
        self._period_s = check_period_s
        self._check_at_s = math.inf
        self._stretch_s = SHORTEST_STRETCH_S
        self._seen: dict[Place, bool] = {}
        self._rail_was = supply.rail
        self._told: tuple[Source, Alarm] = (Source.NONE, Alarm(0))

    @property
    def next_check_s(self) -> float:
        """Time until the next periodic check; set it where the meter's clock is set."""
        return self._check_at_s - self.now_s

    @next_check_s.setter
    def next_check_s(self, in_s: float) -> None:
        self._check_at_s = self.now_s + in_s

    def boot(self, manager: PowerManager, ambient_c: float, next_check_s: float | None = None) -> None:
        """The firmware starts, with what it has of its past, and checks all packs at once. ``RuntimeError`` if Off."""
        if not self.supply.rail_up:
            raise RuntimeError(
                f"the firmware cannot start: the rail is down ({self.supply.spc_v:.2f} V in the capacitor)"
            )
        self.manager = manager
        self._rail_was = self.supply.rail
        self.next_check_s = self._period_s if next_check_s is None else next_check_s
        self._seen = self._contacts()
        self._check(manager, list(Place), ambient_c)
        self._told = (manager.source, manager.low_battery)

    def live(self, duration_s: float, activity: Activity, ambient_c: float) -> Lived:
        """Live with this activity for so long, or to the first moment at which others must know something.

        A check that falls on the end belongs to it. What hands did since the last time is answered at once, while the
        capacitor carries the load.
        """
        demand = self.loads.demand(activity)
        start_s, end_s = self.now_s, self.now_s + duration_s
        self._answer_contacts(ambient_c)
        changes = self._changes()
        while not changes:
            if self.manager is not None and self.now_s >= self._check_at_s:
                self._check(self.manager, list(Place), ambient_c)
                self._check_at_s += self._period_s
            elif self.now_s < end_s:
                if not self._skip_checks(end_s, demand, activity, ambient_c):
                    longest_s = (end_s if self.manager is None else min(end_s, self._check_at_s)) - self.now_s
                    lived_s = self.supply.until_change(longest_s, demand.mean_ma, ambient_c, peak_ma=demand.peak_ma)
                    self._pass(lived_s, activity)
            else:
                break
            changes = self._changes()
        return Lived(self.now_s - start_s if changes else duration_s, changes)

    def _pass(self, lived_s: float, activity: Activity) -> None:
        if self.manager is not None:
            self.manager.spend(lived_s, activity)
        self.now_s += lived_s

    def _contacts(self) -> dict[Place, bool]:
        return {place: self.supply.present(wired) for place, wired in _WIRED_TO.items()}

    def _answer_contacts(self, ambient_c: float) -> None:
        """The interrupt of a contact that changed: its place is measured at once."""
        contacts = self._contacts()
        changed = [place for place in Place if contacts[place] != self._seen.get(place)]
        self._seen = contacts
        if changed and self.manager is not None and self.supply.rail_up:
            self._check(self.manager, changed, ambient_c)

    def _check(self, manager: PowerManager, places: list[Place], ambient_c: float) -> None:
        readings = {
            place: self.supply.measure_v(_WIRED_TO[place], ambient_c) if self._seen[place] else None for place in places
        }
        manager.check(readings)
        self.supply.select(_WIRED_TO[place] for place in manager.switches)

    def _changes(self) -> Change:
        """What is new since the last call."""
        changes = Change(0)
        supply = self.supply
        if supply.rail is not self._rail_was:
            changes |= _RAIL_CHANGES.get((self._rail_was, supply.rail), Change(0))
            self._rail_was = supply.rail
        if not supply.rail_up:
            self.manager = None
        if self.manager is not None:
            source, low_battery = self._told
            if self.manager.source is not source:
                changes |= Change.SOURCE
            if self.manager.low_battery != low_battery:
                changes |= Change.LOW_BATTERY
            self._told = (self.manager.source, self.manager.low_battery)
        return changes

    def _skip_checks(self, end_s: float, demand: Demand, activity: Activity, ambient_c: float) -> bool:
        """Live on to a later check at once, if those before it could tell nothing new; whether that was so."""
        manager, supply = self.manager, self.supply
        if manager is None:
            return False
        skipped = math.floor((min(end_s - self.now_s, self._stretch_s) - self.next_check_s) / self._period_s)
        if skipped < 1:
            return False
        stretch_s = self.next_check_s + skipped * self._period_s

        def live(supply: Supply) -> float:
            return supply.until_change(stretch_s, demand.mean_ma, ambient_c, peak_ma=demand.peak_ma, checks=skipped)

        def calm(supply: Supply) -> bool:
            readings = {
                place: supply.loaded_v(wired, ambient_c) if supply.present(wired) else None
                for place, wired in _WIRED_TO.items()
            }
            return manager.unmoved_by(readings, stretch_s, activity)

        after = supply.copy()
        if not calm(supply) or live(after) < stretch_s or after.rail != supply.rail or not calm(after):
            self._stretch_s = max(self._stretch_s / 2.0, SHORTEST_STRETCH_S)
            return False
        live(supply)
        manager.spend(stretch_s, activity)
        self._check_at_s += skipped * self._period_s
        self.now_s = self._check_at_s
        self._stretch_s = min(2.0 * self._stretch_s, LONGEST_STRETCH_S)
        return True
