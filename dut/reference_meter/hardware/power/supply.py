"""The intelligent power source as circuit: places for packs, switches, pulse capacitor, 3.3 V rail (seed 13).

The firmware sets the switches. While the rail is down there is no firmware, and an analogue arbiter lets the source
with the highest voltage feed, so that a meter comes back once a battery is put in. All currents are taken from the
capacitor; the converter's efficiency is in the loads' figures.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import Enum

import numpy as np

from meterbench.dut.reference_meter.hardware.power.capacitor import (
    CHARGE_OHM,
    FARAD,
    FARAD_SPREAD,
    LEAKAGE_SPREAD_MA,
    Capacitor,
    Feed,
    next_phase,
)
from meterbench.dut.reference_meter.hardware.power.pack import Inserted, fresh_pack

RAIL_V = 3.3
"""ADR-055. A buck-boost converter's: it holds down to the brown-out."""
PEAK_MA = 500.0
"""ADR-055. What the converter gives at most."""
WARNING_V = 2.5
"""[design] At the capacitor: power is about to fail."""
BROWN_OUT_V = 2.2
"""[design] The converter stops."""
RETURN_V = 2.7
"""[design] It starts again, and a warning ends."""
TEST_MA, TEST_S = 2.0, 0.5
"""[design] The resistor that loads a pack while it is measured. Hourly, it takes 2.4 mAh a year."""
TEST_MAH = TEST_MA * TEST_S / 3600.0
LIMITING_OHM = 1e9
"""A source that limits its current is one of a voltage so high, behind a resistance so high, that it gives that current
whatever the capacitor's voltage is: within 4e-6 of it over all of 4 V, at 1 mA or more."""


class Place(Enum):
    """Where a pack can be."""

    C1 = "C1"
    C2 = "C2"
    BACKUP = "backup"
    EXTERNAL = "external"


MAIN = frozenset({Place.C1, Place.C2})
SOURCES = (frozenset({Place.EXTERNAL}), MAIN, frozenset({Place.BACKUP}))
"""What the switches can connect, one at a time."""
FITS = {Place.C1: "LS26500", Place.C2: "LS26500", Place.BACKUP: "LS14250", Place.EXTERNAL: "LS14500"}


class Rail(Enum):
    """What the meter's electronics are told of their rail."""

    DOWN = "down"
    UP = "up"
    FAILING = "failing"
    """Up, but the capacitor, less what transmissions take off it, was at ``WARNING_V`` and has not recovered."""


class Supply:
    """One unit's supply, without packs at first. Times in s, currents in mA, ambient temperature in degC."""

    def __init__(self, spc_v: float = 0.0, capacitor: Capacitor | None = None) -> None:
        self.capacitor = capacitor or Capacitor()
        self.spc_v = spc_v
        self.rail = Rail.UP if spc_v >= RETURN_V else Rail.DOWN
        self._packs: dict[Place, Inserted] = {}
        self._selected: frozenset[Place] = frozenset()

    def insert(self, place: Place, pack: Inserted) -> None:
        """Put a pack in; ``ValueError`` if the place is taken or the pack does not fit."""
        if place in self._packs:
            raise ValueError(f"there is a pack in {place.name} already; remove it first")
        if not pack.fits(FITS[place]):
            raise ValueError(f"this pack does not fit into {place.name}, which takes {FITS[place]}")
        self._packs[place] = pack

    def remove(self, place: Place) -> Inserted:
        """Take a pack out; ``ValueError`` if there is none."""
        if place not in self._packs:
            raise ValueError(f"there is no pack in {place.name} to remove")
        return self._packs.pop(place)

    def present(self, place: Place) -> bool:
        """The place's contact, which the firmware can read."""
        return place in self._packs

    def pack(self, place: Place) -> Inserted:
        """The pack in a place; ``ValueError`` if there is none."""
        if place not in self._packs:
            raise ValueError(f"there is no pack in {place.name}")
        return self._packs[place]

    def select(self, places: Iterable[Place]) -> None:
        """Set the switches; ``ValueError`` for more than one source, ``RuntimeError`` while the rail is down."""
        chosen = frozenset(places)
        if chosen and chosen not in SOURCES:
            names = ", ".join(sorted(place.name for place in chosen))
            raise ValueError(f"the switches cannot connect {names}: EXTERNAL, C1 with C2, or BACKUP")
        if not self.rail_up:
            raise RuntimeError("nobody can set the switches while the rail is down")
        self._selected = chosen

    @property
    def selected(self) -> frozenset[Place]:
        """How the switches stand, by the firmware or, without it, by the arbiter."""
        return self._selected if self.rail_up else self._arbiters_choice()

    @property
    def feeding(self) -> frozenset[Place]:
        """The places that are connected and have a pack."""
        return frozenset(place for place in self.selected if place in self._packs)

    @property
    def rail_up(self) -> bool:
        return self.rail is not Rail.DOWN

    @property
    def rail_v(self) -> float:
        """What the meter's electronics get."""
        return RAIL_V if self.rail_up else 0.0

    def advance(
        self, duration_s: float, load_ma: float, ambient_c: float, *, peak_ma: float = 0.0, checks: int = 0
    ) -> None:
        """Live through any time with a mean load; while the rail is down the load takes nothing.

        ``peak_ma`` is the highest current within the load, which the rail's levels feel; ``checks`` is how often each
        pack is measured in that time.
        """
        left_s = duration_s
        while left_s > 0.0:
            spread = checks * left_s / duration_s
            left_s -= self.until_change(left_s, load_ma, ambient_c, peak_ma=peak_ma, checks=spread)

    def until_change(
        self, duration_s: float, load_ma: float, ambient_c: float, *, peak_ma: float = 0.0, checks: float = 0.0
    ) -> float:
        """As ``advance``, but only to the moment at which ``rail`` changes; how long it was."""
        dip_v = self._dip_v(peak_ma, ambient_c)
        test_ma = checks * TEST_MA * TEST_S / duration_s if duration_s > 0.0 else 0.0
        lived_s = 0.0
        while lived_s < duration_s and not self._change(dip_v):
            lived_s += self._live(duration_s - lived_s, load_ma, ambient_c, dip_v, test_ma)
            if not lived_s < duration_s:
                self._change(dip_v)
        return min(lived_s, duration_s)

    def time_to_v_s(self, level_v: float, load_ma: float, ambient_c: float) -> float:
        """When the capacitor will be at a level; inf if never, as long as the packs stay as charged as they are."""
        feeds = list(self._feeds(ambient_c).values())
        spc_v, passed_s = self.spc_v, 0.0
        while True:
            phase = next_phase(spc_v, feeds, self._drain_a(load_ma), self.capacitor.farad)
            reaches_s = phase.reaches_s(level_v)
            if reaches_s < math.inf or phase.duration_s == math.inf:
                return passed_s + reaches_s
            passed_s += phase.duration_s
            spc_v = phase.end_v

    def pulse(self, current_ma: float, duration_s: float, ambient_c: float) -> float:
        """Draw a pulse; the lowest voltage that the converter saw. ``RuntimeError`` while the rail is down.

        A pulse that takes the rail down ends there.
        """
        if not self.rail_up:
            raise RuntimeError(f"a pulse of {current_ma} mA cannot be drawn while the rail is down")
        start_v, dip_v = self.spc_v, self._dip_v(current_ma, ambient_c)
        left_s = duration_s
        while left_s > 0.0 and self.rail_up:
            left_s -= self.until_change(left_s, current_ma, ambient_c, peak_ma=current_ma)
        return min(start_v, self.spc_v) - dip_v

    def loaded_v(self, place: Place, ambient_c: float) -> float:
        """A pack's voltage under the test load, and under what it gives to the capacitor now."""
        pack = self.pack(place)
        asked_ma = TEST_MA + self.feeding_ma(place, ambient_c)
        if asked_ma > pack.limit_ma > TEST_MA:  # What the test takes, the capacitor does not get.
            return self.spc_v + 1e-3 * (pack.limit_ma - TEST_MA) * CHARGE_OHM
        return pack.voltage_v(asked_ma, ambient_c)

    def feeding_ma(self, place: Place, ambient_c: float) -> float:
        """What a place gives to the capacitor at this instant."""
        feed = self._feeds(ambient_c).get(place)
        return 1e3 * max(0.0, feed.open_v - self.spc_v) / feed.ohm if feed else 0.0

    def terminal_v(self, place: Place, ambient_c: float) -> float:
        """Voltage at a place's contacts at this instant, without the test load."""
        pack, feeding_ma = self.pack(place), self.feeding_ma(place, ambient_c)
        if feeding_ma > 0.0 and self._limits(pack, ambient_c):
            return self.spc_v + 1e-3 * feeding_ma * CHARGE_OHM
        return pack.open_v - 1e-3 * feeding_ma * pack.resistance_ohm(ambient_c)

    def seen_at_once(self, place: Place, ambient_c: float) -> float:
        """Which part of a short pulse comes straight from a place, and not out of the capacitor. 0 if it limits."""
        pack = self.pack(place)
        if self._limits(pack, ambient_c):
            return 0.0
        esr_ohm = self.capacitor.esr_at_ohm(ambient_c)
        return esr_ohm / (esr_ohm + pack.resistance_ohm(ambient_c) + CHARGE_OHM)

    def settle(self, place: Place, load_ma: float, ambient_c: float) -> None:
        """Let the capacitor be as it is after a day at this load, fed from this place."""
        ohm = self.pack(place).resistance_ohm(ambient_c) + CHARGE_OHM
        self.spc_v = self.pack(place).open_v - self._drain_a(load_ma) * ohm

    def measure_v(self, place: Place, ambient_c: float) -> float:
        """What the firmware's converter (an ideal one) reads of a pack. The test load takes its charge and film."""
        measured_v = self.loaded_v(place, ambient_c)
        if self.pack(place).open_v > 0.0:
            self.pack(place).wear(TEST_MAH)
        return measured_v

    def short(self) -> None:
        """Drain the capacitor at once: a loss of power that nothing announces."""
        self.spc_v = 0.0
        self.rail = Rail.DOWN

    def copy(self) -> Supply:
        """Another supply in the same state, with packs of its own."""
        twin = Supply(self.spc_v, self.capacitor)
        twin.rail = self.rail
        twin._packs = {place: pack.copy() for place, pack in self._packs.items()}
        twin._selected = self._selected
        return twin

    def _live(self, longest_s: float, load_ma: float, ambient_c: float, dip_v: float, test_ma: float) -> float:
        """One phase at most, no further than to the next level of the rail, nor than the packs stay as they are."""
        feeds = self._feeds(ambient_c)
        drain_a = self._drain_a(load_ma)
        phase = next_phase(self.spc_v, list(feeds.values()), drain_a, self.capacitor.farad)
        conducting = [(place, feeds[place]) for place in (list(feeds)[number] for number in phase.conducting)]
        step_s = min(longest_s, phase.duration_s)
        for place, feed in conducting:
            most_ma = 1e3 * max((feed.open_v - self.spc_v) / feed.ohm, drain_a)
            step_s = min(step_s, self._packs[place].steady_s(most_ma, ambient_c))
        end_v = phase.end_v if step_s == phase.duration_s else phase.at_v(step_s)
        unlimited_v = [
            self._unlimited_v(self._packs[place], ambient_c)
            for place, _ in conducting
            if self._limits(self._packs[place], ambient_c)
        ]
        for level_v in (*self._levels_v(dip_v), *unlimited_v):
            reached_s = phase.reaches_s(level_v)
            if reached_s <= step_s:
                step_s, end_v = reached_s, level_v
        given_mah = {place: phase.charge_c(feed, step_s) / 3.6 for place, feed in conducting}
        for place, pack in self._packs.items():
            tested_mah = test_ma * step_s / 3600.0 if pack.open_v > 0.0 else 0.0
            pack.age(step_s, given_mah.get(place, 0.0) + tested_mah)
        self.spc_v = end_v
        return step_s

    def _feeds(self, ambient_c: float) -> dict[Place, Feed]:
        selected = self.selected
        return {place: self._feed(pack, ambient_c) for place, pack in self._packs.items() if place in selected}

    def _feed(self, pack: Inserted, ambient_c: float) -> Feed:
        if self._limits(pack, ambient_c):
            return Feed(self.spc_v + 1e-3 * pack.limit_ma * LIMITING_OHM, LIMITING_OHM)
        return Feed(pack.open_v, pack.resistance_ohm(ambient_c) + CHARGE_OHM)

    def _limits(self, pack: Inserted, ambient_c: float) -> bool:
        return self.spc_v < self._unlimited_v(pack, ambient_c)

    def _unlimited_v(self, pack: Inserted, ambient_c: float) -> float:
        """From this voltage of the capacitor on, a source gives less than its limit."""
        return pack.open_v - 1e-3 * pack.limit_ma * (pack.resistance_ohm(ambient_c) + CHARGE_OHM)

    def _drain_a(self, load_ma: float) -> float:
        return 1e-3 * (self.capacitor.leakage_ma + (load_ma if self.rail_up else 0.0))

    def _dip_v(self, peak_ma: float, ambient_c: float) -> float:
        if not peak_ma <= PEAK_MA:
            raise ValueError(f"the converter gives {PEAK_MA:g} mA at most, not a peak of {peak_ma:g} mA")
        return 1e-3 * peak_ma * self.capacitor.esr_at_ohm(ambient_c)

    def _levels_v(self, dip_v: float) -> tuple[float, ...]:
        """Where the capacitor's voltage changes the rail's state next."""
        if self.rail is Rail.DOWN:
            return (RETURN_V,)
        return (WARNING_V + dip_v,) if self.rail is Rail.UP else (BROWN_OUT_V + dip_v, RETURN_V + dip_v)

    def _change(self, dip_v: float) -> bool:
        """Let the rail follow the capacitor; whether it changed."""
        was = self.rail
        if was is Rail.DOWN and self.spc_v >= RETURN_V:
            self._selected = self._arbiters_choice()
            self.rail = Rail.UP
        elif was is Rail.UP and self.spc_v <= WARNING_V + dip_v:
            self.rail = Rail.FAILING
        elif was is Rail.FAILING and self.spc_v <= BROWN_OUT_V + dip_v:
            self.rail = Rail.DOWN
        elif was is Rail.FAILING and self.spc_v >= RETURN_V + dip_v:
            self.rail = Rail.UP
        return self.rail is not was

    def _arbiters_choice(self) -> frozenset[Place]:
        """The source with the highest voltage; of equal ones the first."""

        def highest_v(source: frozenset[Place]) -> float:
            return max((self._packs[place].open_v for place in source if place in self._packs), default=-1.0)

        return max(SOURCES, key=highest_v)


def draw_supply(rng: np.random.Generator) -> Supply:
    """The supply of a unit that leaves the line: C1 and backup in their places, the capacitor full."""
    capacitor = Capacitor(
        farad=FARAD * float(rng.uniform(1.0 - FARAD_SPREAD, 1.0 + FARAD_SPREAD)),
        leakage_ma=float(rng.uniform(*LEAKAGE_SPREAD_MA)),
    )
    packs = {place: fresh_pack(FITS[place]) for place in (Place.C1, Place.BACKUP)}
    supply = Supply(packs[Place.C1].open_v, capacitor)
    for place, pack in packs.items():
        supply.insert(place, pack)
    return supply
